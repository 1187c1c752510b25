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
exit $status
