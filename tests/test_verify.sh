#!/bin/sh
# lathe verify holds for every spec: generated = interpreted in float = in double = differences.
set -u
lathe=${LATHE:-./lathe}
log=$(mktemp) || exit 3
trap 'rm -f "$log"' EXIT
status=0

verify() { # NAME SPEC OPTIONS...
    name=$1
    shift
    if "$lathe" verify "$@" > "$log" 2>&1; then
        echo "ok - verify $name"
    else
        status=1
        grep -E 'FAIL|error|fail' "$log"
        echo "not ok - verify $name"
    fi
}

for spec in specs/*.lua; do
    verify "$spec" "$spec"
done
verify "lenet5 with sigmoid, portable" specs/lenet5.lua --set act=sigmoid --isa portable
verify "lenet5 with the exact curve, avx2" specs/lenet5.lua --set act=dynamic --isa avx2
exit $status
