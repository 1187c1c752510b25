#!/bin/sh
# The networks under specs/: lathe reads and shows each, and those that were published have as many
# parameters as there.
set -u
lathe=${LATHE:-./lathe}
status=0

show() { # NAME PARAMETERS (or nothing) ARGUMENTS...
    name=$1 wanted=$2
    shift 2
    shown=$("$lathe" show "$@" 2>&1)
    given=$(echo "$shown" | sed -n 's/^parameters: \([0-9]*\) .*/\1/p')
    if [ -n "$given" ] && [ "$given" = "${wanted:-$given}" ]; then
        echo "ok - show $name: $given parameters"
    else
        status=1
        echo "not ok - show $name: ${given:-$shown}, expected ${wanted:-a table}"
    fi
}

for spec in specs/*.lua; do
    show "$spec" '' "$spec"
done

# What torchvision says of them, 1000 classes and 224x224.
show alexnet 61100840 specs/alexnet.lua
show resnet18 11689512 specs/resnet18.lua
show resnet50 25557032 specs/resnet50.lua
show resnext50_32x4d 25028904 specs/resnext50.lua
show densenet121 7978856 specs/densenet121.lua

# zero-init: training moves no weight; with the init of He it does.
folder=$(mktemp -d) || exit 3
trap 'rm -rf "$folder"' EXIT
weights_move() { # INIT
    "$lathe" build specs/zero-init.lua --set data=digits --set init="$1" -o "$folder/$1" \
        > "$folder/log" 2>&1 &&
        "$folder/$1/train" --epochs 0 --quiet --save "$folder/before" > "$folder/log" 2>&1 &&
        "$folder/$1/train" --epochs 1 --quiet --save "$folder/after" > "$folder/log" 2>&1 || {
        cat "$folder/log"
        return 2
    }
    ! cmp -s "$folder/before" "$folder/after"
}
weights_move zeros
zeros=$?
weights_move he
he=$?
if [ $zeros = 1 ] && [ $he = 0 ]; then
    echo "ok - zero-init: no weight moves"
else
    status=1
    echo "not ok - zero-init: weights move: zeros $zeros, expected 1; he $he, expected 0"
fi
exit $status
