#!/bin/sh
# test_valgrind: lathe build under Valgrind: no error, no byte lost. The compiler runs outside of
# it. Threads that wait must sleep: lathe starts itself again where they do not.

lathe=${LATHE:-./lathe}
export OMP_WAIT_POLICY=passive LATHE_SPEC_SECONDS=1000 LATHE_SPEC_MEGABYTES=4096

work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT

if ! valgrind --version > /dev/null 2>&1; then
    echo "skipped: no valgrind here"
    exit 0
fi
if valgrind -q --error-exitcode=99 --leak-check=full \
    --errors-for-leak-kinds=definite,indirect,possible \
    "$lathe" build specs/lenet5.lua --set data=digits --set act=table --isa portable \
    -o "$work/net" > "$work/log" 2>&1 && [ -x "$work/net/train" ]; then
    echo "ok - lathe build under Valgrind"
else
    sed 's/^/# /' "$work/log"
    echo "not ok - lathe build under Valgrind"
    exit 1
fi
