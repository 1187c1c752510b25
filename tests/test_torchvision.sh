#!/bin/sh
# The networks that torchvision has too: with the same weights, infer writes what torchvision
# computes in double, within a relative L2 error of 1e-5. It needs Debian's python3-torchvision,
# which "make deps" leaves out for its size: apt-get install --no-install-recommends
# python3-torchvision.
set -u
lathe=${LATHE:-./lathe}
script=tests/num/torchvision_weights.py
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
trap 'exit 3' HUP INT TERM

python=
for candidate in python3 /usr/bin/python3; do
    [ -z "$python" ] && "$candidate" -c 'import torchvision' 2> /dev/null && python=$candidate
done
if [ -z "$python" ]; then
    echo "skipped: python3-torchvision is not installed"
    exit 0
fi

equal() { # MODEL
    "$python" "$script" "$1" "$work" &&
        "$lathe" build "specs/$1.lua" --infer-batch 2 --emit-only -o "$work/$1" &&
        make -s -j2 -C "$work/$1" infer &&
        "$work/$1/infer" --weights "$work/weights.safetensors" --raw \
            < "$work/input.f32" > "$work/given.f32" &&
        "$python" "$script" --compare "$work" "$work/given.f32"
}

status=0
for model in alexnet resnet18 resnet50 resnext50 densenet121; do
    if equal "$model" > "$work/log" 2>&1; then
        echo "ok - $model is torchvision's: $(tail -n 1 "$work/log")"
    else
        status=1
        sed 's/^/    /' "$work/log"
        echo "not ok - $model is torchvision's"
    fi
    rm -rf "${work:?}/$model"
done
exit $status
