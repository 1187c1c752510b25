#!/bin/sh
# test_same_bits: every network under specs/, made small where it has options for that, trains to
# the same weights with 1, 2, 3, 4 and 8 threads; and with every optimizer, where there are dropout,
# stochastic depth and augmentation. Pictures are noise, the same always: nothing is to be learnt.
#
# LATHE_LONG=1: the networks, too, that take long to compile.

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
# shellcheck source=tests/script.sh
. "$here/script.sh"

LC_ALL=C awk 'BEGIN {
    for (x = 1; i < 131072; i++) {
        x = x * 16807 % 2147483647
        printf "%c", 1 + x % 255
    }
}' > noise

# bytes NUMBER COUNT: COUNT bytes of noise, other ones for each NUMBER.
bytes() {
    tail -c +$((1 + $1 * 3072)) noise | head -c "$2"
}

mkdir -p data/cifar-10 data/train data/test data/arrays
for i in $(seq 0 39); do
    # shellcheck disable=SC2059 # the format is the byte
    { printf "\\$(printf %o $((i % 10)))" && bytes "$i" 3072; } >> data/cifar-10/data_batch_1.bin
done
cp data/cifar-10/data_batch_1.bin data/cifar-10/test_batch.bin
for part in train test; do
    for i in $(seq 0 11); do
        mkdir -p "data/$part/class$((i % 3))"
        { printf 'P6\n40 40\n255\n' && bytes "$i" 4800; } > "data/$part/class$((i % 3))/$i.ppm"
    done
done
head=$(printf "{'descr': '|u1', 'fortran_order': False, 'shape': (%d, %d), }" 40 784)
{ printf '\223NUMPY\001\000\166\000%-117s\n' "$head" && bytes 0 31360; } > data/train.npy
cp data/train.npy data/test.npy

# programs FOLDER: its train. The runtime is the same in every folder.
programs() {
    if [ -d runtime ]; then
        mkdir -p "$1/.build" && cp -R runtime "$1/.build/runtime" || return
    fi
    nice make -s -C "$1" -j2 train || return
    [ -d runtime ] || cp -R "$1/.build/runtime" runtime
}

# threads FOLDER ARGUMENTS...: the same weights for any number of them.
threads() {
    folder=$1
    shift
    for count in 1 2 3 4 8; do
        "$folder/train" --data data --epochs 1 --quiet --threads $count --save $count.st "$@" ||
            return
        cmp 1.st $count.st || return
    done
}

# small FOLDER SPEC BATCH OPTION...: the same files again from elsewhere, and a few steps, the last
# of fewer samples.
small() {
    net=$1 file=$2 batch=$3
    shift 3
    "$lathe" build "$file" --batch "$batch" --emit-only -o "$net" "$@" &&
        (cd / && TZ=UTC+5 LC_ALL=C HOME=/ OMP_NUM_THREADS=3 "$lathe" build "$file" \
            --batch "$batch" --emit-only -o "$work/again" "$@") &&
        diff -r "$net" again && rm -r again && programs "$net" &&
        threads "$net" --limit-train $((batch * 2 + batch / 2)) --limit-test 5
}

# net NAME BATCH OPTION...: of specs/NAME.lua.
net() {
    seen="$seen $1"
    spec=$1
    shift
    check "the same bits: $spec $*" small "$spec" "$top/specs/$spec.lua" "$@"
}

seen=
net xor 4
net toy 16
net mlp 16 --set data=digits
net mlp-mnist 16 --set data=digits
net linear-mnist 16 --set data=digits
net zero-init 16 --set data=digits --set init=he
net convnet-mnist 8 --set data=digits
net lenet5 16 --set data=digits --set act=table --set augment=true
net autoencoder 16
net residual80 8 --set filters=8 --set layers=1 --set augment=all
net resnet9 8 --set data=cifar10 --set act=learn
# The last batch has 2 samples: of one pixel each, a batchnorm would see two numbers, and blow up.
net resnext50 4 --set data=images --set size=64 --set planes=8 --set groups=4 --set classes=3
net alexnet 2 --set data=images --set size=64 --set classes=3
if [ "${LATHE_LONG:-}" ]; then
    net resnet18 8 --set data=cifar10 --set width=8
    net resnet50 8 --set data=cifar10 --set width=8
    net densenet121 4 --set data=images --set size=32 --set growth=4 --set classes=3
else
    echo "skipped: resnet18, resnet50 and densenet121, without LATHE_LONG=1"
    seen="$seen resnet18 resnet50 densenet121"
fi

# A spec that is not above has no test.
all_specs() {
    for spec in "$top"/specs/*.lua; do
        case " $seen " in
        *" $(basename "$spec" .lua) "*) ;;
        *) echo "$spec is not trained here" && return 1 ;;
        esac
    done
}
check "all specs are among them" all_specs

# Dropout, stochastic depth, crops and flips, every optimizer with what it can keep.
check "the same bits: small" small small "$here/num/small.lua" 12 --set data=cifar10
for recipe in sgd,momentum=0.9,nesterov=true,clip_norm=0.5 adagrad,lr_decay=0.01 \
    rmsprop,momentum=0.5,centered=true adadelta,l1=0.001 adam,amsgrad=true,clip_value=0.1 \
    adamw,weight_decay=0.1; do
    check "the same bits: small, $recipe" threads small --recipe "optimizer=$recipe" --seed 3
done
