#!/bin/sh
# test_fuzz: every parser is fed random bytes for a while, FUZZ_SECONDS each [30]; those that read
# only what lathe itself has written a sixth of it. See tests/fuzz/run.sh.

seconds=${FUZZ_SECONDS:-30}
if ! command -v clang > /dev/null; then
    echo "skipped: no clang"
    exit 0
fi
if ! echo 'int LLVMFuzzerTestOneInput(const char *b, long n) { return 0 * (b[0] + n); }' |
    clang -fsanitize=fuzzer,address -x c - -o /dev/null 2> /dev/null; then
    echo "skipped: no clang with libFuzzer here"
    exit 0
fi
export FUZZ_JOBS=1
ONLY='arrays checkpoint cifar fit idx image safetensors spec' \
    FUZZ_SECONDS=$seconds sh tests/fuzz/run.sh
first=$?
FUZZ_SECONDS=$(((seconds + 5) / 6)) ONLY='arguments json record' sh tests/fuzz/run.sh && exit $first
