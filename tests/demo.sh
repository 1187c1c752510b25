# demo: LeNet-5 with a Dynamic curve made a table, on drawn digits: generate it, train it, use it.
# Needs no data files and no network.

set -eu
run() {
    echo "\$ $*"
    "$@"
}
run ./lathe build specs/lenet5.lua --set data=digits --set act=table -o out/demo
run out/demo/train --data . --epochs 3 --save out/demo/weights.safetensors
run out/demo/infer --weights out/demo/weights.safetensors --data . --show 10
