#!/bin/sh
# The bench from the outside: on a machine without any peer it compares with the interpreter, names
# what is missing, and writes JSON that can be read. BENCH: the program.
set -u
bench=${BENCH:-$PWD/out/.build/bench/bench}
[ -n "${BENCH:-}" ] || make -s "out/.build/bench/bench" > /dev/null || exit 3
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
trap 'exit 3' HUP INT TERM

# check NAME COMMAND...: ok where the command succeeds; what the bench printed, where not.
check() {
    name=$1
    shift
    if "$@"; then
        echo "ok - $name"
    else
        echo "not ok - $name"
        sed 's/^/    /' "$work"/*.json "$work"/*.txt
    fi
}

# FILE has lines, and each is a flat object: "key": "text", number or null.
text='"([^"\\]|\\.)*"'
number='-?[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?'
pair="$text: ($text|$number|null)"
is_json() { [ -s "$1" ] && ! grep -vE "^\{$pair(, $pair)*\}\$" "$1"; }

# FILE has a line with all of these texts.
has() {
    grep -F "$2" "$1" > found.txt || return
    shift 2
    for text; do
        grep -qF "$text" found.txt || return
    done
}

# Beside the copy there is no oneDNN and no onnxruntime-node, and no python has torch.
cp "$bench" "$work/bench" && cp tests/golden/block.lua "$work" && cd "$work" || exit 3
# One thread: the others' work on a busy machine stops it less often.
run() { OMP_NUM_THREADS=1 PYTHON=false ./bench table "$@"; }

missing_named() {
    run --json 'no such case' > missing.json && is_json missing.json &&
        [ "$(grep -c '"kind": "missing"' missing.json)" -eq 3 ] &&
        has missing.json '"peer": "PyTorch"' && has missing.json '"peer": "ONNX Runtime"' &&
        has missing.json '"peer": "oneDNN"' && [ "$(wc -l < missing.json)" -eq 3 ]
}
check "peers that are not there are named" missing_named

inference() {
    run --json --spec infer block.lua 2 > infer.json && is_json infer.json &&
        has infer.json '"kind": "row"' '"task": "infer"' '"case": "block.lua"' '"batch": 2' \
            '"unit": "seconds"' '"peer": "interpreter"' '"rounds": ' &&
        has infer.json '"kind": "machine"' '"peak_gflops": ' '"triad_gb_per_s": ' &&
        difference=$(sed -n 's/.*"difference": \([^,]*\),.*/\1/p' infer.json) &&
        awk -v d="$difference" 'BEGIN { exit !(d != "" && d >= 0 && d < 1e-4) }'
}
check "a row of inference, whose outputs agree" inference

training() {
    run --spec train block.lua 0 > train.txt 2>&1
    [ $? -eq 2 ] && run --spec train block.lua 4 > train.txt &&
        grep -q '^train .*interpreter' train.txt &&
        grep -q '^missing: PyTorch' train.txt
}
check "a row of training, and a batch that is none" training

memory() {
    run --json --spec memory block.lua 4 > memory.json && is_json memory.json &&
        has memory.json '"task": "memory"' '"unit": "bytes"' '"peer": null'
}
check "a row of memory" memory

layers() {
    run --json --spec layers block.lua 4 > layers.json && is_json layers.json &&
        has layers.json '"case": "block.lua residual1.body.conv1 backward weights"' \
            '"peer": null' &&
        has layers.json '"case": "block.lua sum"'
}
check "rows of layers" layers

broken() {
    run --json --spec infer nothing.lua 1 > broken.json && is_json broken.json &&
        has broken.json '"kind": "failed"' nothing.lua
}
check "a case that cannot be run is a line of its own" broken
