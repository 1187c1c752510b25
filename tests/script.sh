# script: what tests from the outside begin with: a temporary folder, and how they say what they
# found. LATHE: the program. Lines "ok - NAME" and "not ok - NAME" as run.sh counts. To be sourced.

set -u
# shellcheck disable=SC2034 # for who sources this
lathe=${LATHE:-$PWD/lathe}
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
trap 'exit 3' HUP INT TERM
cd "$work" || exit 3
export CFLAGS=-O1 # there is much to compile and little to compute

# check NAME COMMAND...: ok where the command succeeds; what it printed, where not.
check() {
    name=$1
    shift
    if "$@" > check.txt 2>&1; then
        echo "ok - $name"
    else
        echo "not ok - $name"
        sed 's/^/    /' check.txt
    fi
}

# refuse NAME STATUS TEXT COMMAND...: the command ends with STATUS and says TEXT (* is anything),
# one line on stderr; and none of the files and folders that $absent names is there.
refuse() {
    name=$1 status=$2 text=$3
    shift 3
    "$@" > stdout.txt 2> stderr.txt < /dev/null
    given=$?
    {
        [ $given -eq "$status" ] || echo "status $given, not $status"
        # shellcheck disable=SC2254 # a pattern on purpose
        case $(cat stderr.txt) in
        $text) ;;
        *) echo "expected: $text" && sed 's/^/given: /' stderr.txt ;;
        esac
        [ "$(wc -l < stderr.txt)" -eq 1 ] || echo "not one line on stderr"
        for path in $absent; do
            [ ! -e "$path" ] || { echo "wrote $path" && rm -rf "$path"; }
        done
    } > wrong.txt
    check "$name" sh -c 'cat wrong.txt; [ ! -s wrong.txt ]'
}
