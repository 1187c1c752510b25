# lint: the laws of the house that a machine can check. One line a violation, FILE:LINE: what;
# status 1 where there is one. Runs from the top of the tree.

report=$(mktemp) || exit 3
trap 'rm -f "$report"' EXIT

# ---- includes point down ----
#
# The floors of the house, and halves where a floor has an upstairs: a file includes only what
# stands on a lower line, its own header, or, in gen/op/, its neighbours. A header stands where its
# .c stands, and NAME_more.c where NAME.c does. The runtime is below everything and includes only
# itself.
floors='
    0.0  base
    0.1  isa sha256 embedded winograd json statistics watchdog
    1.0  curve vm ops.def
    1.1  ir
    2.0  op/*
    2.1  passes program
    2.2  shape tabulate loosen grad fuse layout recompute plan team value interp lower
    3.0  spec template cc onnx safetensors histogram
    3.1  emit jobs outcome record
    3.2  build
    4.0  compare verify fit report sweep show
    4.1  command
    5.0  main
    9.9  embed
'

# Every quoted include as "FILE LINE TARGET", both below the top: "gen/op/conv.c 12 gen/ir.h".
# A TARGET that is in none of the folders the compiler looks in stays as it is written.
includes() {
    grep -n '^ *# *include *"' "$@" /dev/null |
        sed 's/^\([^:]*\):\([0-9]*\):[^"]*"\([^"]*\)".*/\1 \2 \3/' |
        while read -r file line target; do
            for folder in "${file%/*}" gen runtime; do
                path=$folder/$target
                while case $path in *[!.]/../*) ;; *) false ;; esac; do # a/b/../c is a/c
                    path=$(echo "$path" | sed 's,[^/]*/\.\./,,')
                done
                [ -e "$path" ] && break
                path=$target
            done
            echo "$file $line $path"
        done
}

check_floors() {
    { echo "$floors"; echo; includes gen/*.[ch] gen/op/*.[ch] runtime/*.[ch]; } | awk '
        # "gen/op/conv.c" is the room "op/*", "gen/ir.h" the room "ir"
        function room(path) {
            if (path ~ /^gen\/op\//) return "op/*"
            sub(/^gen\//, "", path)
            sub(/(_[a-z0-9_]*)?\.[ch]$/, "", path)
            return path
        }
        function say(what) { print $1 ":" $2 ": " what }
        $1 ~ /^[0-9]+\.[0-9]+$/ { for (i = 2; i <= NF; i++) floor[$i] = $1; next }
        NF != 3 { next }
        $1 ~ /^runtime\// {
            if ($3 !~ /^runtime\// && $3 != "stb_image.h") say("the runtime includes " $3)
            next
        }
        $3 ~ /^runtime\// { next }
        {
            from = room($1)
            to = room($3)
            if (!(from in floor)) say(from " has no floor: give it one in tests/lint.sh")
            else if (!(to in floor)) say(to " has no floor: give it one in tests/lint.sh")
            else if (from != to && floor[to] + 0 >= floor[from] + 0)
                say("includes point down only, and " $3 " is not below")
        }'
}

check_lua() {
    grep -nE '^ *# *include *[<"](lua|lauxlib|lualib)\.h' gen/*.[ch] gen/op/*.[ch] runtime/*.[ch] |
        grep -vE '^gen/(vm|spec(_[a-z]*)?|template|emit(_[a-z]*)?)\.[ch]:' |
        sed 's/\(:[0-9]*:\).*/\1 only vm, spec, template.c and emit include Lua/'
}

# ---- length ----

check_functions() {
    awk 'FNR == 1 { start = 0 }
         /^\{$/ { start = FNR }
         /^\}/ && start {
             if (FNR - start + 1 > 75)
                 print FILENAME ":" start ": a function of " FNR - start + 1 " lines, more than 75"
             start = 0
         }' "$@"
}

check_templates() {
    for template in templates/*.t; do
        [ -e "$template" ] || continue
        lines=$(wc -l < "$template")
        [ "$lines" -le 200 ] || echo "$template:200: $lines lines, more than 200"
    done
}

# Rows of a table in Markdown cannot be broken.
check_width() {
    LC_ALL=C.UTF-8 grep -nE '^.{101,}' "$@" | grep -v '\.md:[0-9]*:|' |
        sed 's/^\([^:]*:[0-9]*:\).*/\1 more than 100 columns/'
}

# Folders of someone's machine. (Fixed places like /dev/null are not meant.)
check_paths() {
    grep -nE '(^|[^A-Za-z0-9_.~])/(work|home|root|Users)/' "$@" |
        sed 's/^\([^:]*:[0-9]*:\).*/\1 an absolute path/'
}

check_format() {
    if command -v clang-format > /dev/null; then
        clang-format --dry-run "$@" 2>&1 |
            sed -n 's/^\([^:]*:[0-9]*\):[0-9]*: warning:.*/\1: format (make fmt)/p' |
            sort -u -t: -k1,1
    else
        echo "skipped: no clang-format here" >&2
    fi
}

c_files=$(find gen runtime tests -name '*.[ch]' ! -path 'tests/golden/*' | sort)
all_files=$(find gen runtime tests templates specs Makefile .ci -type f \
    ! -path 'tests/golden/*' ! -path 'tests/bad/*' ! -path 'tests/hostile/*' | sort)
text_files=$(printf '%s\n' "$all_files" | grep -E '(\.[cht]|\.def|\.lua|\.sh|\.md|Makefile|/run)$')

# File names hold no blanks here, so words are files.
# shellcheck disable=SC2086
{
    check_floors
    check_lua
    check_functions $c_files
    check_templates
    check_width $text_files
    check_paths $text_files
    check_format $c_files
} > "$report"
cat "$report"
if [ -s "$report" ]; then
    echo "lint: $(wc -l < "$report") violations"
    exit 1
fi
echo "lint: clean"
