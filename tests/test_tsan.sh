#!/bin/sh
# test_tsan: a generated training program under clang's ThreadSanitizer with clang's own OpenMP,
# which tells it of barriers (libarcher): a short run that saves checkpoints, and one more time the
# end of it, from the checkpoint before the last. Any report is a failure. Its batches are so large
# that a thread of their own fills them.

lathe=${LATHE:-./lathe}
flags='-O1 -g -fsanitize=thread'
export OMP_NUM_THREADS=2 OMP_TOOL_LIBRARIES=libarcher.so
export TSAN_OPTIONS='ignore_noninstrumented_modules=1 exitcode=66'

work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT

# probe STATEMENT: the status of a program whose two threads add to x by STATEMENT.
probe() {
    printf '%s\n' '#include <omp.h>' 'int x;' 'int main(void) {' '#pragma omp parallel' '{' "$1" \
        '}' 'return x == 0; }' |
        clang $flags -fopenmp -x c - -o "$work/probe" 2> /dev/null || return 1
    "$work/probe" 2> /dev/null
}

# what each thread adds in its turn, after a barrier: no race, but for who does not see barriers
turns='if (omp_get_thread_num() == 0) x++;
#pragma omp barrier
if (omp_get_thread_num() == 1) x++;'
probe 'x++;'
if [ $? -ne 66 ] || ! probe "$turns"; then
    echo "skipped: no clang with a ThreadSanitizer that knows OpenMP here"
    exit 0
fi

# trains OPTION...: a short run without a report.
trains() {
    "$work/net/train" --data . --epochs 2 --limit-train 300 --limit-test 100 \
        --checkpoint "$work/checkpoint" --every 2steps "$@"
}
{
    "$lathe" build specs/lenet5.lua --set data=digits --set act=table --isa portable --batch 100 \
        --emit-only -o "$work/net" &&
        nice make -s -C "$work/net" -j2 CC=clang CFLAGS="$flags" train &&
        trains &&
        rm "$(ls "$work"/checkpoint/*.safetensors | tail -n 1)" && trains --resume
} > "$work/log" 2>&1
status=$?
if [ $status -eq 0 ]; then
    echo "ok - training with checkpoints under ThreadSanitizer"
else
    sed 's/^/# /' "$work/log"
    echo "not ok - training with checkpoints under ThreadSanitizer (status $status)"
fi
exit $status
