#!/bin/sh
# test_sanitized: generated programs under AddressSanitizer and UBSan, leaks included: any report is
# a failure. Three networks for AVX2 and for any machine, trained a little and used.
#
# small is fed from cifar10 where $LATHE_DATA has it, else from drawn digits.

lathe=${LATHE:-./lathe}
compiler=${CC:-cc}
flags='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'
# a batch over two threads on any machine; what the environment says of sanitizers is not wanted
export OMP_NUM_THREADS=2 UBSAN_OPTIONS=print_stacktrace=1
unset ASAN_OPTIONS LSAN_OPTIONS

work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
status=0

if ! echo 'int main(void) { return 0; }' |
    $compiler $flags -x c - -o "$work/probe" 2> /dev/null || ! "$work/probe"; then
    echo "skipped: $compiler has no AddressSanitizer here"
    exit 0
fi

# here ISA: this machine runs programs for ISA.
here() {
    [ "$1" = portable ] && return
    grep -qw "$1" /proc/cpuinfo 2> /dev/null && grep -qw fma /proc/cpuinfo
}

# quietly COMMAND...: show what it says only where it fails.
quietly() {
    "$@" > "$work/log" 2>&1 && return
    echo "# $*"
    sed 's/^/# /' "$work/log"
    return 1
}

# programs FOLDER ISA: its train and infer. The runtime is the same in every folder of an ISA.
programs() {
    if [ -d "$work/runtime-$2" ]; then
        mkdir -p "$1/.build" && cp -R "$work/runtime-$2" "$1/.build/runtime" || return
    fi
    quietly nice make -s -C "$1" -j2 CC="$compiler" CFLAGS="$flags" || return
    [ -d "$work/runtime-$2" ] || cp -R "$1/.build/runtime" "$work/runtime-$2"
}

# check ISA NAME DATA SPEC OPTION...: build, train, infer.
check() {
    isa=$1 name=$2 data=$3
    shift 3
    folder=$work/$isa/$name weights=$work/$isa/$name.safetensors
    if ! here "$isa"; then
        echo "skipped: this machine runs nothing for $isa"
    elif quietly "$lathe" build "$@" --isa "$isa" --batch 25 --emit-only -o "$folder" &&
        programs "$folder" "$isa" &&
        quietly "$folder/train" --data "$data" --epochs 1 --limit-train 300 --limit-test 100 \
            --save "$weights" &&
        quietly "$folder/infer" --weights "$weights" --data "$data" --limit 100 &&
        quietly "$folder/infer" --weights "$weights" --bench 1; then
        echo "ok - $name for $isa under sanitizers"
    else
        echo "not ok - $name for $isa under sanitizers"
        status=1
    fi
}

images=digits
[ -e "${LATHE_DATA:-}/cifar-10/test_batch.bin" ] && images=cifar10
for isa in avx2 portable; do
    check $isa xor . specs/xor.lua
    check $isa lenet5 . specs/lenet5.lua --set data=digits --set act=table
    check $isa small "${LATHE_DATA:-.}" tests/num/small.lua --set data=$images
done
exit $status
