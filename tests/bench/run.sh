#!/bin/sh
# The bench of `make bench`: what the machine can do; each convolution of resnet9, and grouped,
# depthwise and 1 x 1 ones; steps side by side; generated against interpreted; how long a build
# takes. $LATHE and $BENCH are the programs.
set -eu
lathe=${LATHE:-./lathe}
bench=${BENCH:-out/.build/bench/bench}

"$bench" peak
"$bench" layers specs/resnet9.lua:data=cifar10,batch=128,act=relu tests/bench/grouped.lua \
    tests/bench/pointwise.lua
"$bench" steps specs/resnet9.lua:data=cifar10,batch=128,act=relu \
    specs/resnet9.lua:data=cifar10,batch=128,act=table \
    specs/resnet9.lua:data=cifar10,batch=128,act=exact
echo "generated against interpreted, resnet9, a training step of 128:"
"$lathe" compare specs/resnet9.lua --set data=cifar10 --set batch=128 --train
echo "generated against interpreted, lenet5, inference of 1:"
"$lathe" compare specs/lenet5.lua --infer-batch 1
for net in lenet5 resnet9; do
    folder=out/.build/bench/time-$net
    rm -rf "$folder"
    echo "lathe build specs/$net.lua, compiler included:"
    ( time -p "$lathe" build "specs/$net.lua" -o "$folder" ) 2>&1 | grep -E 'built|real'
done
