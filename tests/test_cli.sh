#!/bin/sh
# lathe from the outside: what its commands and its programs print, write and refuse, as the design
# (sections 3 and 4) promises. LATHE: the program. LATHE_DATA: real data, where there is some.
# Everything happens in a temporary folder; lines "ok - NAME" and "not ok - NAME" as run.sh counts.

set -u
lathe=${LATHE:-$PWD/lathe}
data=${LATHE_DATA:-}
top=$PWD
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
trap 'exit 3' HUP INT TERM
cp -R specs "$work/specs" && cp tests/golden/block.lua "$work/" && cd "$work" || exit 3

# ---- saying what was found ----

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

# All files in the folder and what is in them.
snapshot() { find "$1" -type f -exec sha256sum {} + | sort -k 2; }

# refuse NAME STATUS TEXT COMMAND...: the command ends with STATUS and says TEXT (* is anything),
# one line on stderr and no more; and the folder kept/ is as it was.
refuse() {
    name=$1 status=$2 text=$3
    shift 3
    snapshot kept > before.txt
    "$@" > stdout.txt 2> stderr.txt < /dev/null
    given=$?
    snapshot kept > after.txt
    {
        [ $given -eq "$status" ] || echo "status $given, not $status"
        # shellcheck disable=SC2254 # a pattern on purpose
        case $(cat stderr.txt) in
        $text) ;;
        *) echo "expected: $text" && sed 's/^/given: /' stderr.txt ;;
        esac
        [ "$(wc -l < stderr.txt)" -eq 1 ] || echo "not one line on stderr"
        [ ! -s stdout.txt ] || { echo "on stdout:"; cat stdout.txt; }
        diff before.txt after.txt
    } > wrong.txt
    check "$name" sh -c 'cat wrong.txt; [ ! -s wrong.txt ]'
}

# The result line of a program without its speed.
result() { sed -n 's/^\(result: .*\) images_per_s=.*/\1/p'; }

same() {
    [ -z "$1" ] || [ "$1" != "$2" ] || return 0
    echo "'$1' is not '$2'"
    return 1
}

# ---- building ----

# Small, with all that draws random numbers and all that is summed over a batch.
cat > small.lua << 'END'
return network {
  input = image(1, 20, 20),
  conv(12, 3), batchnorm(), relu(), maxpool(2),
  residual { conv(12, 3), batchnorm(), relu() },
  flatten(), dropout(0.3), linear(10),
  loss  = cross_entropy(),
  data  = digits { augment = { crop(20, { pad = 2 }), hflip(0.5) } },
  train = { batch = 48, epochs = 1, optimizer = adam(), lr = onecycle { max = 0.01 } },
}
END

mkdir kept
check "build lenet5 on digits" "$lathe" build specs/lenet5.lua --set data=digits -o lenet5
check "build lenet5 on mnist" "$lathe" build specs/lenet5.lua -o mnist
check "build a small network" "$lathe" build small.lua -o small

build_twice() {
    for folder in one two; do
        "$lathe" build specs/resnet9.lua --emit-only -o "$folder/resnet9" || return
    done
    diff -r one two && ! grep -rl "$work" one
}
check "two folders, the same bytes, and no path in them" build_twice

needed() {
    for program in lenet5/train lenet5/infer; do
        ldd "$program" |
            grep -vE '(linux-vdso|libc|libm|libgomp|libz|libpthread|ld-linux[^/]*)\.so' && return 1
    done
    return 0
}
if command -v ldd > /dev/null; then
    check "the programs need libc, libm, libgomp, libz alone" needed
else
    echo "skipped: no ldd here"
fi

# Built far away, with make and a compiler: no lathe in the path, nothing of its environment.
elsewhere() {
    mkdir elsewhere || return
    cp -R lenet5/*.[ch] lenet5/runtime lenet5/Makefile elsewhere/
    (cd elsewhere && env -i PATH=/usr/local/bin:/usr/bin:/bin make -s -j2) || return
    same "$(elsewhere/train --epochs 1 --limit-train 640 | result)" \
        "$(lenet5/train --epochs 1 --limit-train 640 | result)"
}
check "a folder that was copied builds and does the same" elsewhere

# A folder of another lathe may have sources that this one does not know.
older() {
    cp -r small older && echo 'int main(void) { return 1; }' > older/runtime/older.c &&
        "$lathe" build small.lua --batch 5 -o older && older/train --epochs 1 --limit-train 100
}
check "sources of an older lathe are no part of the programs" older

# Flags are part of what an object is made of.
rebuilt() {
    "$lathe" build small.lua --emit-only --isa avx2 -o rebuilt &&
        make -s -C rebuilt .build/runtime/fold.o &&
        "$lathe" build small.lua --emit-only --isa portable -o rebuilt &&
        make -s -C rebuilt .build/runtime/fold.o &&
        "$lathe" build small.lua --emit-only --isa portable -o fresh &&
        make -s -C fresh .build/runtime/fold.o &&
        cmp rebuilt/.build/runtime/fold.o fresh/.build/runtime/fold.o
}
if [ "$(uname -m)" = x86_64 ]; then
    check "another --isa compiles everything again" rebuilt
else
    echo "skipped: no avx2 here"
fi

other_batch() {
    "$lathe" build small.lua --batch 16 -o other && other/train --limit-train 160 | result | grep .
}
check "--batch is what train runs with" other_batch

# A spec without data: what is left to do is inference.
cat > bare.lua << 'END'
return network { input = image(1, 2, 2), flatten(), linear(3), loss = cross_entropy() }
END
bare() {
    "$lathe" build bare.lua -o bare && bare/infer --bench 1 || return
    same "$(bare/train 2>&1)" "train: the network's spec has no data set"
}
check "a spec without data infers, and says why it does not train" bare

# ---- training ----

# train FOLDER THREADS SAMPLES: the sum of the weights.
train() {
    "$1/train" --epochs 1 --limit-train "$3" --limit-test 200 --threads "$2" --save weights.st \
        > /dev/null && sha256sum < weights.st
}

any_threads() {
    expected=$(train "$1" 1 "$2")
    for threads in 2 3 4; do
        same "$(train "$1" $threads "$2")" "$expected" || { echo "$threads threads" && return 1; }
    done
}
check "the same weights with 1 to 4 threads: lenet5" any_threads lenet5 2000
check "the same weights with 1 to 4 threads: dropout, augmentation, norm" any_threads small 1000

resumed() {
    set -- --epochs 30 --limit-train 2000 --limit-test 100
    small/train "$@" --save whole.st > /dev/null || return
    small/train "$@" --save cut.st --checkpoint run > /dev/null &
    job=$!
    tries=0
    while [ -z "$(ls run 2> /dev/null)" ] && [ $tries -lt 300 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -TERM $job
    wait $job
    [ ! -e cut.st ] || { echo "too late: the run had ended" && return 1; }
    small/train "$@" --save cut.st --checkpoint run --resume > /dev/null && cmp whole.st cut.st
}
check "killed and resumed, a run ends in the same weights" resumed

lenet5/train --epochs 1 --limit-train 3000 --save lenet5.st > /dev/null
interpreted() {
    same "$("$lathe" interpret specs/lenet5.lua --set data=digits --weights lenet5.st --data . \
        --limit 500 | result)" \
        "$(lenet5/infer --weights lenet5.st --data . --limit 500 | result)"
}
check "interpret says what infer says" interpreted

# A line a group under the spec's names; results and what is on stdout stay the same.
profiled() {
    lenet5/infer --weights lenet5.st --limit 500 > plain.txt 2> quiet.txt &&
        lenet5/infer --weights lenet5.st --limit 500 --profile 2> profile.txt | result \
            > profiled.txt && result < plain.txt | cmp - profiled.txt && [ ! -s quiet.txt ] &&
        grep -q '^inference, [0-9]* threads: the limits are ' profile.txt &&
        grep -q '^conv2  *forward  *[1-9]' profile.txt && grep -q '^total ' profile.txt || return
    lenet5/train --epochs 1 --limit-train 640 --profile 2> profile.txt > profiled.txt &&
        grep -q '^result: ' profiled.txt && grep -q '^training steps, ' profile.txt &&
        grep -q '^conv1  *backward weights  *10 ' profile.txt &&
        grep -q '^optimizer  *update  *10 ' profile.txt && grep -q '^inference, ' profile.txt
}
check "--profile: times by the spec's names" profiled

learns() {
    accuracy=$(mnist/train --data "$data" --epochs 1 --limit-train 5000 --quiet |
        sed -n 's/.*test_accuracy=\([0-9.]*\).*/\1/p')
    awk -v a="$accuracy" 'BEGIN { print "accuracy " a; exit !(a > 0.9) }'
}
if [ -d "$data/mnist" ]; then
    check "lenet5 learns MNIST: above 0.9 after 5,000 images" learns
else
    echo "skipped: no data in ${data:-LATHE_DATA}"
fi

# ---- what is printed for machines ----

is_json() {
    if command -v python3 > /dev/null; then
        python3 -m json.tool < "$1" > /dev/null
    else # at least the brackets
        awk '{ line = line $0 } END { o = gsub(/[[{]/, "", line); c = gsub(/[]}]/, "", line)
               exit !(o && o == c) }' "$1"
    fi
}

# fields FILE NAME...: the file is JSON and has them all.
fields() {
    file=$1
    shift
    is_json "$file" || return
    for field; do
        grep -q "\"$field\": " "$file" || { echo "no field $field" && return 1; }
    done
}

table() {
    "$lathe" table --dynamic L=55.9344471040698,Q=12,I=0.0292401773821286 --tangent 0.1 --max 3 \
        --json > table.json &&
        fields table.json pieces from to slope intercept value_error slope_error || return
    grep -o '"from": [-0-9.a-z]*' table.json | sed 's/.* //' | tr '\n' ' ' > from.txt
    awk '{ near = NF == 6 && $1 == "null" && $2 == 0 && $6 == 3
           split("0.4123 0.8276 2.1848", want, " ")
           for (i = 1; i <= 3; i++) { d = $(i + 2) - want[i]; near = near && d < 1e-4 && d > -1e-4 }
           print "from: " $0; exit !near }' from.txt
}
check "table --json: the break points of the source" table

# A table of the fewest pieces for any curve; of a spec's curves, too.
minimax() {
    "$lathe" table --curve gelu --minimax 0.01 --svg gelu.svg > gelu.txt &&
        grep -q '^gelu, minimax eps=0.01: 9 pieces, value within 0.009' gelu.txt &&
        grep -q '</svg>' gelu.svg &&
        "$lathe" table --curve elu,a=2 --minimax 0.01 --max 20 --json > elu.json &&
        fields elu.json pieces from to slope intercept value_error slope_error &&
        "$lathe" table specs/lenet5.lua --set act=tanh --minimax 0.1 > tanh.txt &&
        grep -q '^tanh, minimax eps=0.1: ' tanh.txt
}
check "table --minimax: any curve, and a spec's" minimax

# The fewest pieces where the numbers are, by a histogram of two nodes, of which one is the spec's.
weighted() {
    cat > histogram.json << 'END'
{"nodes": [{"name": "tanh1", "from": -1, "to": 1, "counts": [1, 2, 1], "samples": 5},
 {"name": "tanh2", "from": -2, "to": 2, "counts": [4, 4], "below": 0, "above": 1},
 {"name": "tanh3", "from": 0, "to": 2, "counts": [4, 4]},
 {"name": "tanh4", "from": 0, "to": 2, "counts": [4, 4]}]}
END
    "$lathe" table --curve gelu --weighted 0.01 --histogram histogram.json --json > gelu.json &&
        fields gelu.json pieces from to slope intercept value_error slope_error mean_error &&
        "$lathe" table specs/lenet5.lua --set act=tanh --weighted 0.1 --histogram histogram.json \
            > tanh.txt && [ "$(grep -c '^tanh, weighted eps=0.1: ' tanh.txt)" -eq 3 ] &&
        grep -q "^root-mean-square distance where the curve's numbers are: 0.0" tanh.txt &&
        { "$lathe" table --curve gelu --weighted 0.1 2> none.txt; [ $? -eq 1 ]; } &&
        grep -q '^weighted: needs the histogram of what the curve sees' none.txt &&
        echo '{"nodes": [{"name": "tanh9", "from": 0, "to": 1, "counts": [1]}]}' > other.json &&
        { "$lathe" table specs/lenet5.lua --set act=tanh --weighted 0.1 --histogram other.json \
            2> other.txt; [ $? -eq 1 ]; } &&
        grep -q '^other.json: has no histogram of tanh1: was it counted in another' other.txt
}
check "table --weighted: by a histogram, of each curve or of all together" weighted

curve_usage() {
    for given in gelo elu,b=2 elu,a=x dynamic,L=1 piecewise ''; do
        "$lathe" table --curve "$given" 2> usage.txt
        [ $? -eq 2 ] && [ "$(wc -l < usage.txt)" -eq 1 ] || { echo "$given" && return 1; }
    done
    "$lathe" table --curve gelu --minimax 0.1 --tangent 0.1 2> usage.txt
    [ $? -eq 2 ]
}
check "table --curve: what is no curve is refused" curve_usage

show() {
    "$lathe" show specs/resnet9.lua --set data=cifar100 --json > show.json &&
        fields show.json name parameters flops_forward layers kind shape flops groups nodes kernel \
            memory infer_bytes train_bytes && grep -q '"parameters": 6621540,' show.json
}
# By hand: convolutions with bias 1792 + 73856 + 2 x 147584 + 295168 + 1180160 + 2 x 2359808, norms
# 2 x (64 + 128 + 2 x 128 + 256 + 512 + 2 x 512), linear 512 x 100 + 100.
check "show --json: its fields, and resnet9's 6,621,540 parameters" show

compare() {
    "$lathe" compare specs/lenet5.lua --json > compare.json &&
        fields compare.json interpreted_ms generated_ms ratio max_difference &&
        [ "$(grep -o '": ' compare.json | wc -l)" -eq 4 ]
}
check "compare --json: its four fields" compare
check "compare --data: the data set's own images" \
    "$lathe" compare specs/lenet5.lua --set data=digits --data . --json

usage() {
    for command in build show table interpret compare sweep verify; do
        "$lathe" $command --help | grep -q "^usage: lathe $command " || { echo $command; return 1; }
    done
    "$lathe" --help | grep -q 'Exit status' && small/train --help | grep -q '^usage: ' &&
        small/infer --help | grep -q '^usage: '
}
check "--help of everything" usage

# ---- verify finds what is wrong ----

check "verify: right code passes" "$lathe" verify block.lua

# spoil TEMPLATE FROM TO: a lathe of its own whose template has FROM replaced by TO, once.
spoil() {
    rm -rf tree && mkdir -p tree/out/.build && cp -a "$top/gen" "$top/runtime" "$top/templates" \
        "$top/specs" "$top/tests" "$top/Makefile" tree/ || return
    for part in gen runtime embed embedded.c embedded.o flags files; do
        [ ! -e "$top/out/.build/$part" ] || cp -a "$top/out/.build/$part" tree/out/.build/ || return
    done
    awk -v from="$2" -v to="$3" '
        !done && (at = index($0, from)) {
            $0 = substr($0, 1, at - 1) to substr($0, at + length(from))
            done = 1
        }
        { print }
        END { exit !done }' "$top/templates/$1" > "tree/templates/$1" || return
    (cd tree && make -s -j2 lathe) || return
    tree/lathe verify block.lua > verdict.txt
    [ $? -eq 1 ] && tail -n 1 verdict.txt | grep -q '^block: NOT verified$' && return
    tail -n 3 verdict.txt
    return 1
}
check "verify: a sign in conv_dense.c.t" \
    spoil conv_dense.c.t 'sum[p][j] += pixel' 'sum[p][j] -= pixel'
# shellcheck disable=SC2016 # for the template
check "verify: a sign in chain_backward.c.t" \
    spoil chain_backward.c.t '&row[${rows}], g);' '&row[${rows}], -g);'

# ---- bad specs and options ----

cp lenet5/*.[ch] lenet5/Makefile kept/
refuse "a spec that is not there" 1 'cannot read nosuch.lua: No such file or directory' \
    "$lathe" build nosuch.lua -o kept

printf 'return network {\n  input = vector(2),\n  linear(\n}\n' > syntax.lua
refuse "a spec with a syntax error" 1 "syntax.lua:4: unexpected symbol near '}'" \
    "$lathe" build syntax.lua -o kept

printf 'return network {\n  input = vector(2),\n  lineer(3),\n}\n' > word.lua
refuse "a word that is none" 1 "word.lua:3: unknown word 'lineer' (did you mean linear?)" \
    "$lathe" build word.lua -o kept

printf 'return network {\n  input = image(3, 4, 4),\n%s}\n' \
    '  conv(8, 7, { pad = 0, name = "big" }),' > shape.lua
refuse "shapes that do not fit" 1 \
    'shape.lua:3: big: kernel 7 does not fit input 3x4x4 (padding 0)' \
    "$lathe" build shape.lua -o kept

refuse "an option that the spec does not have" 1 \
    "specs/lenet5.lua: no option 'nosuch' (it has: act, augment, data, epochs, fit, k)" \
    "$lathe" build specs/lenet5.lua --set nosuch=1 -o kept
refuse "a choice that the spec does not have" 1 \
    "specs/lenet5.lua: option data must be 'mnist' or 'fashion_mnist' or 'digits', given 'svhn'" \
    "$lathe" build specs/lenet5.lua --set data=svhn -o kept
refuse "--set without a value" 2 "--set needs KEY=VALUE, given 'data'" \
    "$lathe" build specs/lenet5.lua --set data -o kept

touch kept/file
refuse "a folder that cannot be" 3 'cannot make folder kept/file/out: Not a directory' \
    "$lathe" build specs/xor.lua -o kept/file/out
refuse "a compiler that is not there" 1 'cannot run nosuchcc: No such file or directory' \
    "$lathe" build specs/xor.lua --cc nosuchcc -o kept
refuse "a compiler that is none" 1 \
    "/bin/false is no C compiler: '/bin/false --version' ends with status 1" \
    "$lathe" build specs/xor.lua --cc /bin/false -o kept
refuse "an instruction set that is none" 2 \
    "--isa is native, avx512, avx2, neon or portable, given 'sse9'" \
    "$lathe" build specs/xor.lua --isa sse9 -o kept

refuse "a command that is none" 2 \
    "lathe: no command 'biuld' (did you mean build?) (lathe --help lists them)" \
    "$lathe" biuld specs/xor.lua
refuse "an option that is none" 2 \
    'unknown option --outptu; the nearest is --output (--help lists all)' \
    "$lathe" build specs/xor.lua --outptu kept
refuse "no spec" 2 'lathe build needs a SPEC' "$lathe" build
refuse "no spec to interpret" 2 'lathe interpret needs a SPEC (a .lua file)' "$lathe" interpret
refuse "two specs" 2 "lathe build takes one SPEC, given 'b.lua' too" "$lathe" build a.lua b.lua

# ---- bad data and weights ----

cp lenet5.st kept/weights.st

# idx FOLDER LABELS: four pictures for training and test, with these labels.
idx() {
    mkdir "$1"
    for set in train t10k; do
        {
            printf '\000\000\010\003\000\000\000\004\000\000\000\034\000\000\000\034'
            head -c 3136 mnist/lenet5_infer.c
        } > "$1/$set-images-idx3-ubyte"
        {
            printf '\000\000\010\001\000\000\000\004'
            # shellcheck disable=SC2059 # LABELS is a format: it has bytes as \001
            printf "$2"
        } > "$1/$set-labels-idx1-ubyte"
    done
}

# refuse_data NAME TEXT FOLDER
refuse_data() {
    refuse "$1" 1 "train: $2" mnist/train --data "$3" --epochs 1 --save kept/weights.st
}

idx good '\001\002\003\011'
check "four pictures are enough" mnist/train --data good --epochs 1
refuse_data "no data folder" \
    'mnist: no file train-images-idx3-ubyte in nosuch/mnist, nosuch/MNIST/raw, nosuch' nosuch

idx missing '\001\002\003\004' && rm missing/t10k-labels-idx1-ubyte
refuse_data "a data file is missing" 'mnist: no file t10k-labels-idx1-ubyte in missing' missing

idx short '\001\002\003\004' && head -c 3000 good/train-images-idx3-ubyte \
    > short/train-images-idx3-ubyte
refuse_data "a short data file" \
    'short/train-images-idx3-ubyte: truncated: the header promises 3152 bytes, the file has 3000' \
    short

idx label '\001\002\003\012'
refuse_data "a label out of range" \
    'label/train-labels-idx1-ubyte: label 3 is 10, expected 0 to 9' label

idx magic '\001\002\003\004' && printf '\000\000\010\002' |
    dd of=magic/train-images-idx3-ubyte conv=notrunc 2> /dev/null
refuse_data "another magic number" \
    'magic/train-images-idx3-ubyte: magic number 00000802, expected 00000803' magic

idx zipped '\001\002\003\004' && gzip zipped/train-images-idx3-ubyte && cp -R zipped cut &&
    head -c 400 zipped/train-images-idx3-ubyte.gz > cut/train-images-idx3-ubyte.gz
if ldd mnist/train 2> /dev/null | grep -q libz; then
    check "compressed data are read" mnist/train --data zipped --epochs 1
    promise='truncated: the header promises 3152 bytes, the file has *'
    refuse_data "truncated compressed data" "cut/train-images-idx3-ubyte.gz: $promise" cut
    cp -R zipped headed && rm headed/train-images-idx3-ubyte.gz &&
        head -c -6 zipped/train-images-idx3-ubyte.gz > headed/train-images-idx3-ubyte.gz
    refuse_data "compressed data without their checksum" \
        "headed/train-images-idx3-ubyte.gz: truncated: the compressed data has no end" headed
elif echo 'int main(void) { return 0; }' | cc -include zlib.h -x c - -lz -o zlib 2> zlib.txt; then
    echo "not ok - zlib is here, and the programs do without"
else
    echo "skipped: no zlib here"
fi

refuse "train without data" 2 \
    'train: --data DIR is needed: the folder with the files of the data set' \
    mnist/train --save kept/weights.st
refuse "infer without weights" 2 'infer: --weights FILE is needed: what train --save wrote' \
    mnist/infer --data good
refuse "weights that are not there" 1 'infer: nosuch.st: cannot read: No such file or directory' \
    mnist/infer --weights nosuch.st --data good
refuse "weights of another network, infer" 1 \
    'infer: kept/weights.st: conv1.weight: expected 12x1x3x3, given 6x1x5x5' \
    small/infer --weights kept/weights.st --data .
refuse "weights of another network, interpret" 1 \
    'kept/weights.st: conv1.weight: expected 12x1x3x3, given 6x1x5x5' \
    "$lathe" interpret small.lua --weights kept/weights.st --data .
refuse "weights to embed that are not there" 1 'nosuch.st: cannot read: No such file or directory' \
    "$lathe" build specs/lenet5.lua --set data=digits --weights nosuch.st -o kept
refuse "weights to embed of another network" 1 \
    'kept/weights.st: conv1.weight: expected 12x1x3x3, given 6x1x5x5' \
    "$lathe" build small.lua --weights kept/weights.st -o kept

refuse_save() {
    set -- --limit-train 96 --limit-test 10 --quiet --save kept/file/w.st
    said=$(small/train "$@" 2>&1 > quiet.txt)
    [ $? -eq 3 ] && same "$said" 'train: kept/file/w.st: cannot write: Not a directory'
}
check "weights that cannot be written" refuse_save
