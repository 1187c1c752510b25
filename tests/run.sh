# run: run check programs (Check's) and scripts (test_*.sh), all of them even if one fails, and add
# up. Ends in one line "N passed, N failed, N skipped"; status 1 where something failed.
#
# Check's programs are counted by their closing lines, "100%: Checks: 12, Failures: 0, Errors: 0";
# scripts by their lines "ok - NAME", "not ok - NAME". A line "skipped: REASON" counts as skipped
# and, from a test of Check's, no longer as passed. A program that ends badly without saying which
# test failed counts as one failure.

export CK_DEFAULT_TIMEOUT="${CK_DEFAULT_TIMEOUT:-120}"
log=$(mktemp) || exit 3
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

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
        }' "$log"
}

for program; do
    case $program in
    *.sh)
        if [ ! -x "$program" ]; then
            echo "skipped: $program is not executable"
            skipped=$((skipped + 1))
            continue
        fi
        ;;
    esac
    "./$program" > "$log" 2>&1
    status=$?
    cat "$log"
    # shellcheck disable=SC2046 # three words
    set -- $(count $status)
    [ "$2" -eq 0 ] || echo "FAILED: $program (status $status)"
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
