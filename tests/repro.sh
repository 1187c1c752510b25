# repro PROGRAM FOLDER: generate every spec twice, in FOLDER/a and in FOLDER/b, and compare the
# bytes: the same spec gives the same files (design, promise 1).

program=$1 folder=$2 status=0
rm -rf "$folder"
set -- specs/*.lua
[ -e "$1" ] || { echo "repro: no specs in specs/" >&2; exit 1; }
for spec; do
    name=$(basename "$spec" .lua)
    for side in a b; do
        mkdir -p "$folder/$side"
        "$program" build "$spec" --emit-only -o "$folder/$side/$name" > /dev/null || exit
    done
    if diff -r "$folder/a/$name" "$folder/b/$name"; then
        echo "$spec: same bytes"
    else
        echo "$spec: DIFFERENT BYTES"
        status=1
    fi
done
exit $status
