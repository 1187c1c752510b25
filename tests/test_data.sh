#!/bin/sh
# Data of one's own from the outside: folders of images, arrays, measured normalisation, targets,
# and what infer says of them. LATHE: the program. In a temporary folder; lines as run.sh counts.

set -u
lathe=${LATHE:-$PWD/lathe}
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
trap 'exit 3' HUP INT TERM
cd "$work" || exit 3

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

# refuse NAME STATUS TEXT COMMAND...: ends with STATUS, one line on stderr, which has TEXT.
refuse() {
    name=$1 status=$2 text=$3
    shift 3
    "$@" > stdout.txt 2> stderr.txt < /dev/null
    given=$?
    {
        [ $given -eq "$status" ] || echo "status $given, not $status"
        grep -qF -- "$text" stderr.txt ||
            { echo "expected: $text" && sed 's/^/given: /' stderr.txt; }
        [ "$(wc -l < stderr.txt)" -eq 1 ] || echo "not one line on stderr"
    } > wrong.txt
    check "$name" sh -c 'cat wrong.txt; [ ! -s wrong.txt ]'
}

same() {
    [ -z "$1" ] || [ "$1" != "$2" ] || return 0
    echo "'$1' is not '$2'"
    return 1
}

result() { sed -n 's/^\(result: .*\) images_per_s=.*/\1/p'; }

# ---- folders of images ----

# picture FILE CLASS NUMBER: 12 x 10 pixels, the class is a bright line among dim numbers.
picture() {
    awk -v class="$2" -v number="$3" 'BEGIN {
        print "P3 12 10 255"
        seed = class * 1000 + number
        for (y = 0; y < 10; y++)
            for (x = 0; x < 36; x++) {
                seed = (seed * 1103 + 12345) % 65536
                print (y == 3 * class + 1 ? 60 : 0) + seed % 100
            }
    }' > "$1"
}

for class in 0 1 2; do
    mkdir -p "img/train/class$class" "img/val/class$class"
    number=0
    while [ $number -lt 40 ]; do
        folder=train
        [ $number -lt 30 ] || folder=val
        picture "img/$folder/class$class/$number.ppm" $class $number
        number=$((number + 1))
    done
done

cat > img.lua << 'END'
return network {
  conv(8, 3), batchnorm(), relu(), flatten(), linear(3),
  data = images { size = { 3, 10, 12 }, classes = 3, normalize = "auto",
    augment = { rotate(4), shear(3, { p = 0.5 }), perspective(0.1), random_resize(0.9, 1.1),
                color_jitter { brightness = 0.2, contrast = 0.2, saturation = 0.2, hue = 0.1 },
                noise(0.01), resize { 20, 24 }, crop(18), center_crop(16) } },
  train = { batch = 16, epochs = 2, optimizer = adam(), lr = 0.005 },
}
END
check "build a network for images" "$lathe" build img.lua -o net

# train THREADS FILE ARGUMENT...: the result; weights go to FILE.
train() {
    threads=$1 file=$2
    shift 2
    net/train --data img --threads "$threads" --save "$file" "$@" | result
}

any_threads() {
    first=$(train 1 one.st) && second=$(train 3 two.st) && cmp one.st two.st &&
        same "$first" "$second" &&
        case $first in *test_accuracy=[01].*) ;; *) echo "$first" && return 1 ;; esac
}
check "images, augmented: the same weights with any number of threads" any_threads

same_normalisation() {
    same "$(train 2 one.st)" \
        "$(net/infer --weights one.st --data img --json |
            sed 's/.*"accuracy": \([0-9.]*\).*"loss": \([-0-9.e]*\),.*/\1 \2/' |
            awk '{ printf "result: test_accuracy=%.4f test_loss=%.4f\n", $1, $2 }')" &&
        same "$("$lathe" interpret img.lua --weights one.st --data img | result)" \
            "$(net/infer --weights one.st --data img | result)"
}
check "infer normalises as the weights' training set was" same_normalisation

tensors_kept() { grep -qa '"data.mean":{' one.st && grep -qa '"data.std":{' one.st; }
check "mean and deviation are in the weights" tensors_kept

resumed() {
    net/train --data img --epochs 3 --save whole.st > whole.txt &&
        net/train --data img --epochs 1 --checkpoint run > first.txt &&
        net/train --data img --epochs 3 --checkpoint run --resume --save cut.st > second.txt &&
        cmp whole.st cut.st
}
check "a run with measured data is resumed to the same bits" resumed

confusion() {
    net/infer --weights one.st --data img --confusion > matrix.txt || return
    grep -q '^truth' matrix.txt && [ "$(grep -c '^class[012] ' matrix.txt)" -eq 3 ] || return
    # rows add up to ten, the diagonal to the accuracy
    awk '/^class/ { row++; sum = $2 + $3 + $4; if (sum != 10) bad = 1; right += $(row + 1) }
         /^result/ { split($2, a, "="); d = a[2] - right / 30; if (d > 1e-4 || d < -1e-4) bad = 1 }
         END { exit bad || row != 3 }' matrix.txt || { cat matrix.txt && return 1; }
    net/infer --weights one.st --data img --confusion --json | grep -q '"confusion": \[\[[0-9]'
}
check "--confusion: a row a class, which adds up" confusion

split() {
    net/infer --weights one.st --data img --split train --json | grep -q '"images": 90,' &&
        net/infer --weights one.st --data img --json | grep -q '"images": 30,' &&
        net/infer --weights one.st --data img --limit 6 --confusion | awk '
            /^class/ { if ($2 + $3 + $4 != 2) bad = 1; rows++ } END { exit bad || rows != 3 }'
}
check "--split, and limits that take of every class" split

train 2 other.st --seed 7 > other.txt
ensemble() {
    same "$(net/infer --weights one.st --weights one.st --weights one.st --data img | result)" \
        "$(net/infer --weights one.st --data img | result)" || return
    mixed=$(net/infer --weights one.st --weights other.st --data img --json |
        sed 's/.*"loss": \([-0-9.e]*\),.*/\1/')
    one=$(net/infer --weights one.st --data img --json | sed 's/.*"loss": \([-0-9.e]*\),.*/\1/')
    two=$(net/infer --weights other.st --data img --json | sed 's/.*"loss": \([-0-9.e]*\),.*/\1/')
    # -log is convex: the mean of probabilities loses no more than the mean of the losses
    awk -v m="$mixed" -v a="$one" -v b="$two" \
        'BEGIN { print m, a, b; exit !(m <= (a + b) / 2 + 1e-6 && m != a && m != b) }'
}
check "several --weights: the mean of their probabilities" ensemble

bytes() { wc -c < "$1" | tr -d ' '; }
outputs() {
    net/infer --weights one.st --data img --output out.npy > out.txt &&
        same "$(bytes out.npy)" $((128 + 30 * 3 * 4)) &&
        head -c 128 out.npy | grep -aq "'shape': (30, 3)" || return
    net/infer --weights one.st --weights one.st --data img --output mean.npy > out.txt || return
    tail -c 360 mean.npy | od -An -v -t f4 -w12 |
        awk '{ s = $1 + $2 + $3; if (s < 0.99999 || s > 1.00001) bad = 1 } END { exit bad }'
}
check "--output: an array of NumPy's, of probabilities where several answer" outputs

names() { net/infer --weights one.st img/val/class1/35.ppm | grep -q '^img/val/class1/35.ppm: '; }
check "a single image" names

head -c 90 img/train/class1/5.ppm > img/train/class1/5b.ppm
echo hello > img/train/class2/6b.png
refuse "a bad image stops the run" 1 \
    "train: img/train/class1/5b.ppm: truncated: 12x10 pixels need 719 bytes, 78 are there" \
    net/train --data img --epochs 1
skipped() {
    net/train --data img --epochs 1 --on-bad-file skip > good.txt 2> left.txt &&
        grep -q '^left out: img/train/class1/5b.ppm: ' left.txt &&
        grep -q '^left out: img/train/class2/6b.png: ' left.txt &&
        [ "$(wc -l < left.txt)" -eq 2 ] &&
        same "$(net/train --data img --epochs 1 --on-bad-file=skip 2> left.txt | result)" \
            "$(result < good.txt)"
}
check "--on-bad-file skip goes on without them" skipped
skipped_by_infer() {
    refused=$(net/infer --weights one.st --data img --split train 2>&1) && return 1
    echo "$refused" | grep -q '5b.ppm' &&
        net/infer --weights one.st --data img --split train --on-bad-file skip --json 2> left.txt |
        grep -q '"images": 90,'
}
check "infer stops or goes on, too" skipped_by_infer
rm img/train/class1/5b.ppm img/train/class2/6b.png

refuse "another word for bad files" 2 "--on-bad-file: expected stop or skip, given 'maybe'" \
    net/train --data img --on-bad-file maybe
refuse "another split" 2 "--split: expected train or test, given 'val'" \
    net/infer --weights one.st --data img --split val
refuse "--output without a data set" 2 "--output is for a run over a data set" \
    net/infer --weights one.st --output x.npy img/val/class1/35.ppm
refuse "--output that cannot be written" 3 "nosuch/x.npy: cannot write" \
    net/infer --weights one.st --data img --output nosuch/x.npy

# ---- arrays, targets ----

# npy FILE TYPE SHAPE: a header; the numbers come from stdin.
npy() {
    head=$(printf "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" "$2" "$3")
    {
        printf '\223NUMPY\001\000\166\000%-117s\n' "$head"
        cat
    } > "$1"
}

mkdir arrays
head -c 4000 "$lathe" | tail -c 2000 | npy arrays/x.npy '|u1' '(200, 10)'
cat > array.lua << 'END'
return network {
  linear(6), tanh(), linear(10),
  data = arrays { x = "x.npy", shape = { 10 }, target = "input", normalize = "auto" },
  train = { batch = 20, epochs = 20, optimizer = adam(), lr = 0.01 },
}
END
coded() {
    "$lathe" build array.lua -o code > build.txt &&
        code/train --data arrays --save code.st > code.txt &&
        awk '/^epoch 1\// { split($4, a, "=") ; first = $4 } /^epoch 20\// { last = $4 }
             END { print first, last; exit !(last < 0.9 * first) }' code.txt &&
        code/infer --weights code.st --data arrays | grep -q '^result: loss=0\.[0-9]* images_per_s='
}
check "target = 'input': what is coded is told as a loss" coded

cat > encoder.lua << 'END'
return network {
  linear(6), tanh(),
  data = arrays { x = "x.npy", shape = { 10 }, target = "none", normalize = "auto" },
}
END
encoder() {
    "$lathe" build encoder.lua -o encoder > build.txt &&
        encoder/infer --weights code.st --data arrays --output e.npy > e.txt 2> note.txt &&
        grep -qx 'code.st: 2 tensors are not of this network (encoder): left out' note.txt &&
        grep -q '^result: images_per_s=' e.txt && same "$(bytes e.npy)" $((128 + 40 * 6 * 4))
}
check "an encoder alone takes its part of the weights" encoder

head -c 1500 arrays/x.npy > arrays/cut.npy && mv arrays/cut.npy arrays/x.npy
refuse "an array that was cut" 1 "arrays/x.npy: the header promises 2000 bytes, the file has 1372" \
    code/train --data arrays
refuse "an array that is not there" 1 "nosuch/x.npy: cannot read: No such file or directory" \
    code/train --data nosuch
