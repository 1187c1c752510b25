# run: run check programs (Check's) and scripts (test_*.sh), as many at a time as there are cores,
# all of them even if one fails, and add up. Ends in one line "N passed, N failed, N skipped";
# status 1 where something failed.
#
# Check's programs are counted by their closing lines, "100%: Checks: 12, Failures: 0, Errors: 0";
# scripts by their lines "ok - NAME", "not ok - NAME". A line "skipped: REASON" counts as skipped
# and, from a test of Check's, no longer as passed. A program that ends badly without saying which
# test failed counts as one failure, and so does one that is not there.
#
#     sh tests/run.sh PROGRAM...          TEST_JOBS=N: so many at a time

export CK_DEFAULT_TIMEOUT="${CK_DEFAULT_TIMEOUT:-120}"
export CK_TIMEOUT_MULTIPLIER="${CK_TIMEOUT_MULTIPLIER:-2}" # a core is not a test's own

# What make was told of the flags of lathe (make asan) is not for the makes that tests start.
unset MAKEFLAGS MFLAGS MAKELEVEL

# Each folder that a test has lathe generate brings the same runtime: where there is ccache, it is
# compiled once. The links that stand for the compilers come first in PATH.
for links in /usr/lib/ccache /usr/lib64/ccache; do
    [ ! -x "$links/cc" ] || export PATH="$links:$PATH"
done

# The counts of the log of one program that ended with status $1: "passed failed skipped".
count() {
    awk -v status="$1" '
        /^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$/ {
            gsub(/[^0-9 ]/, "")
            bad += $3 + $4
            good += $2 - $3 - $4
            closed = 1
        }
        /^ok( |$)/ { good++ }
        /^not ok( |$)/ { bad++ }
        /^skipped: / { skipped++ }
        END {
            if (closed) good -= skipped
            if (good < 0) good = 0
            if (!bad && (status != 0 || !(good + skipped))) bad = 1
            print good + 0, bad + 0, skipped + 0
        }' "$2"
}

# Run PROGRAM, its output to a log in FOLDER; then print that whole and leave the counts beside it.
# Idle threads sleep: several programs share the cores.
run_one() {
    folder=$1 program=$2
    log=$folder/$(basename "$program").log
    began=$(date +%s)
    case $program in
    *.sh) "./$program" > "$log" 2>&1 ;;
    *) OMP_WAIT_POLICY=passive "./$program" > "$log" 2>&1 ;;
    esac
    status=$?
    counts=$(count $status "$log")
    echo "$counts" > "$log.counts"
    (
        flock 9
        cat "$log"
        # shellcheck disable=SC2086 # three words
        set -- $counts
        [ "$2" -eq 0 ] || echo "FAILED: $program (status $status)"
        echo "$program: $1 passed, $2 failed, $3 skipped in $(($(date +%s) - began)) s"
    ) 9> "$folder/lock"
}

if [ "${1:-}" = --one ]; then
    run_one "$2" "$3"
    exit 0
fi

folder=$(mktemp -d) || exit 3
trap 'rm -rf "$folder"' EXIT
printf '%s\n' "$@" | xargs -P "${TEST_JOBS:-$(nproc)}" -I '{}' sh "$0" --one "$folder" '{}'
[ "$(ls "$folder" | grep -c '\.counts$')" -eq $# ] || echo "0 1 0" > "$folder/lost.counts"
cat "$folder"/*.counts | awk '
    { passed += $1; failed += $2; skipped += $3 }
    END {
        print passed + 0 " passed, " failed + 0 " failed, " skipped + 0 " skipped"
        exit failed > 0
    }'
