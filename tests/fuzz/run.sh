# run: feed random bytes to every parser. Prints a line a target, "ok - fuzz NAME: executions, a
# second" or "not ok - ...", as run.sh counts; status 1 where something was found. What was found
# stays in out/fuzz/found; what the targets learned in out/fuzz/corpus, for the next time.
#
# In the environment: FUZZ, the folder of the programs; FUZZ_SECONDS a target [30]; RUNS: so many
# inputs a target instead; ONLY: the targets that are wanted [all]; FUZZ_JOBS: how many at a time
# [cores].
# A run fails that takes a second of processor time (the harness sees to it) or 512 MiB, crashes,
# leaks, or is reported by AddressSanitizer or UBSan.

fuzz=${FUZZ:-out/.build/fuzz}
out=out/fuzz

# fuzz_one NAME: run the target, say what came of it.
fuzz_one() {
    name=$1 log=$out/$1.log
    mkdir -p "$out/corpus/$name" "$out/found"
    set -- -timeout=20 -rss_limit_mb=512 -max_len=4096 -close_fd_mask=3 -print_final_stats=1 \
        "-artifact_prefix=$out/found/$name-"
    [ ! -e "tests/fuzz/dict/$name" ] || set -- "$@" "-dict=tests/fuzz/dict/$name"
    set -- "$@" "-runs=${RUNS:--1}" "$out/corpus/$name"
    [ -n "$RUNS" ] || set -- "-max_total_time=${FUZZ_SECONDS:-30}" "$@"
    for folder in "$fuzz/made/$name" "tests/fuzz/corpus/$name"; do
        [ ! -d "$folder" ] || set -- "$@" "$folder"
    done
    [ "$name" != spec ] || set -- "$@" specs tests/bad
    [ "$name" != fit ] || set -- "$@" specs/fits
    began=$(date +%s)
    if ASAN_OPTIONS=quarantine_size_mb=16:allocator_may_return_null=1:malloc_context_size=8 \
        UBSAN_OPTIONS=print_stacktrace=1 "$fuzz/fuzz_$name" "$@" > "$log" 2>&1; then
        word=ok
    else
        word='not ok'
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    took=$(($(date +%s) - began))
    echo "$word - fuzz $name: ${runs:=0} executions, $((runs / (took > 0 ? took : 1))) a second"
    [ "$word" = ok ] && return
    grep -nE 'ERROR|SUMMARY|runtime error|lathe: bug|Test unit written' "$log" | sed 's/^/    /'
    tail -n 30 "$log" | sed 's/^/    /'
    return 1
}

if [ "${1:-}" = --one ]; then
    fuzz_one "$2"
    exit
fi

make -s fuzz-programs || exit 3
rm -rf "$fuzz/made"
"$fuzz/seeds" "$fuzz/made" || exit 3
names=${ONLY:-$(for file in tests/fuzz/fuzz_*.c; do basename "$file" .c | sed s/fuzz_//; done)}
# shellcheck disable=SC2086 # words
printf '%s\n' $names | xargs -P "${FUZZ_JOBS:-$(nproc)}" -I '{}' sh "$0" --one '{}' || exit 1
