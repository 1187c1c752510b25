#!/bin/sh
# Messages of errors that no other test brings about, word by word: of lathe's commands and of the
# programs it generates. check_messages.c finds those that are missing. LATHE: the program.

top=$PWD
. tests/script.sh
absent=made
export OMP_NUM_THREADS=1

cat > net.lua << 'END'
return network { linear(2), dynamic { L = 1, Q = 1, I = 1 }, linear(2), loss = mse(),
  data = arrays { x = "x.npy", y = "y.npy", shape = { 2 }, values = 2 },
  train = { batch = 2, epochs = 1, optimizer = sgd(), lr = 0.1 } }
END
cat > bare.lua << 'END'
return network { input = image(1, 2, 2), flatten(), linear(3), loss = cross_entropy() }
END
mkdir empty run

# ---- building ----

cat > failing << 'END'
#!/bin/sh
[ "$1" = --version ] && exit 0
echo "net.c:1: error: this is no compiler" && exit 1
END
cat > empty.sh << 'END'
#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = -o ] && : > "$2"; shift; done
END
chmod +x failing empty.sh
refuse "a compiler that fails" 1 "fake: make failed: net.c:1: error: this is no compiler" \
    "$lathe" build net.lua --cc "$PWD/failing" -o fake
refuse "a compiler that writes nothing" 3 \
    "cannot load ./out/.build/compare/bare/.build/kernels.so: *" \
    "$lathe" compare bare.lua --cc "$PWD/empty.sh"
refuse "a full standard output, show" 3 "lathe: standard output: cannot write" \
    sh -c "'$lathe' show net.lua > /dev/full"

# ---- lathe's options ----

refuse "report of nothing" 2 "lathe report needs folders: of runs, sweeps, searches" "$lathe" report
refuse "report of an empty folder" 1 "empty: holds nothing that a report knows: log.jsonl, \
sweep.jsonl, fit.json, histogram.json or compare.json" "$lathe" report empty -o made
echo '{"step": 3}' > run/log.jsonl
refuse "report of no log" 1 "run/log.jsonl: is no log of train: line 1 has no epoch 1" \
    "$lathe" report run -o made
refuse "--curves of another word" 2 "--curves is tables, learned or tied, given 'some'" \
    "$lathe" build net.lua --curves some -o made
refuse "a number that is none" 2 "dynamic needs L=NUMBER, given 'L=x'" \
    "$lathe" table --dynamic L=x
refuse "a number that is missing" 2 "dynamic needs Q=NUMBER" "$lathe" table --dynamic L=1
refuse "no curve" 2 \
    "--curve takes a curve of the spec language (gelu; elu,a=2), given 'piecewise'" \
    "$lathe" table --curve piecewise
refuse "two methods" 2 "lathe table takes one of --tangent, --minimax and --weighted" \
    "$lathe" table --curve gelu --minimax 0.1 --tangent 0.1
cat > sampled.lua << 'END'
return network { input = vector(2),
  curve { f = function(x) return x > 1 and x or x > -1 and x * x or 1 end,
    table = minimax(0.1) } }
END
refuse "a finer table than f was sampled for" 1 \
    "curve: f was sampled for a table within 0.1: ask for a finer one in sampled.lua" \
    "$lathe" table sampled.lua --minimax 0.001
echo '{"nodes": [{"name": "other", "from": 0, "to": 1, "counts": [1]}]}' > other.json
refuse "a histogram of another network" 1 \
    "other.json: has no histogram of dynamic1: was it counted in another network?" \
    "$lathe" table net.lua --weighted 0.1 --histogram other.json
refuse "a quotient beyond floats" 1 \
    "dynamic: L / Z must be a finite float, given 2e+24 / 1e-35" \
    "$lathe" table --dynamic L=2e24,Q=7e-32,I=-6,Z=1e-35 --minimax 1
refuse "a table finer than floats" 1 \
    "minimax: eps = 107625 is finer than floats hold a table of dynamic" \
    "$lathe" table --dynamic L=565949,Q=1.93633e28,I=4.39423e-12,Z=1 --minimax 107625 --max 1e-25

refuse "a histogram without data" 1 "bare.lua: has no data: a histogram needs them" \
    "$lathe" interpret bare.lua --histogram made --weights w.st --data .
refuse "compare: nothing to train" 1 "compare: bare.lua: nothing to train: the spec has no train" \
    "$lathe" compare bare.lua --train --cc cc
refuse "compare: few images" 1 ".: xor has 4 test images, a batch takes 16" \
    "$lathe" compare "$top/specs/xor.lua" --data .
refuse "a sweep of nothing" 1 "bare.lua: trains nothing: a sweep needs data and train" \
    "$lathe" sweep bare.lua --over lr=1,2 --data . -o made

fit_refuses() {
    name=$1 text=$2 spec=$3 output=$4
    shift 4
    refuse "$name" 1 "$text" "$lathe" fit "$spec" --data . --method grid -o "$output" "$@"
}
fit_refuses "fit: nothing to train" "bare.lua: trains nothing: a search needs data and train" \
    bare.lua made
refuse "fit: no file" 2 "-o empty/: needs a file's name" \
    "$lathe" fit net.lua --data . --method grid -o empty/
fit_refuses "fit: a folder" "-o empty: is a folder" net.lua empty
sed 's/I = 1 }/I = 1, learn = true }/' net.lua > learns.lua
fit_refuses "fit: a curve that learns" \
    "learns.lua:1: dynamic1: learns its curve already: lathe fit takes one with numbers" \
    learns.lua made
sed 's/loss = mse/dynamic { L = 1, Q = 1, I = 1, P = 4 }, loss = mse/' net.lua > two.lua
fit_refuses "fit: two curves" \
    "two.lua: dynamic1 and dynamic2 differ in P or Z: one curve for all cannot have both" \
    two.lua made
sed 's/I = 1 }/I = 1, table = minimax(1e-5) }/' net.lua > fine.lua
fit_refuses "fit: tables too fine" \
    "all tables have more than 64 pieces: a coarser one in fine.lua (its k, or eps)" \
    fine.lua made --L 3:4:1 --Q 2:3:1 --I 1:2:1
# ---- the options of the programs ----

check "build a network of arrays" "$lathe" build net.lua --isa portable -o net
refuse "train: a stray word" 2 "train: unexpected argument 'x' (--help lists the options)" \
    net/train x
refuse "train: a short option" 2 \
    "train: unknown option -x; options begin with -- (--help lists them)" net/train -x
refuse "train: a value of a flag" 2 "train: --quiet takes no value, given '5'" net/train --quiet=5
refuse "train: a recipe without =" 2 "train: --recipe: expected FIELD=VALUE, given 'x'" \
    net/train --data . --recipe x
refuse "train: a field that is none" 2 "train: --recipe: no field 'nosuch' (there are *" \
    net/train --data . --recipe nosuch=3
refuse "train: --resume of nothing" 2 \
    "train: --resume needs --checkpoint DIR: where to resume from" net/train --data . --resume
refuse "train: --every of nothing" 2 \
    "train: --every needs --checkpoint DIR: where to keep checkpoints" \
    net/train --data . --every 3
refuse "infer: nothing to do" 2 "infer: --data DIR, images, --raw or --bench N is needed" net/infer
refuse "infer: two things to do" 2 "infer: one at a time: a data set, images, --raw or --bench" \
    net/infer --raw --bench 2
refuse "infer: --confusion without classes" 2 \
    "infer: --confusion: the network's data have no classes" \
    net/infer --data . --confusion --weights w.st
# shellcheck disable=SC2046 # words
refuse "infer: too many weights" 2 "infer: --weights: given more than 64 times" \
    net/infer --data . $(printf -- '--weights=w.st %.0s' $(seq 65))

# ---- NumPy's files ----

byte() {
    # shellcheck disable=SC2059 # a format on purpose
    printf "\\$(printf %03o "$1")"
}
little() { byte $(($1 % 256)) && byte $(($1 / 256)); }

# npy FILE FORTRAN ROWS BYTES: rows of two floats whose four bytes are BYTES, a format.
npy() {
    header="{'descr': '<f4', 'fortran_order': $2, 'shape': ($3, 2), }"
    {
        printf '\223NUMPY\001\000' && little ${#header} && printf '%s' "$header"
        # shellcheck disable=SC2059
        for _ in $(seq $(($3 * 2))); do printf "$4"; done
    } > "$1"
}

npy y.npy False 20 '\000\000\200\077'
npy x.npy True 20 '\000\000\200\077'
refuse "an array in columns" 1 "train: ./x.npy: in Fortran's order, expected C's" \
    net/train --data .
printf '\223NUMPY\003\000\002\000{}' > x.npy
refuse "an array of version 3" 1 "train: ./x.npy: version 3.0, expected 1.0 or 2.0" \
    net/train --data .
mkdir few && npy few/x.npy False 4 '\000\000\200\077' && cp few/x.npy few/y.npy
refuse "four samples" 1 \
    "train: arrays: 4 samples, of which every fifth is for tests: none is left" \
    net/train --data few

# ---- numbers, files, standard input and output ----

npy x.npy False 20 '\000\000\200\077'
check "train and save" net/train --data . --save good.st
{ head -c -4 good.st && printf '\000\000\300\177'; } > nan.st
refuse "infer: outputs that are not finite" 4 "infer: the network's outputs are not finite" \
    net/infer --data . --weights nan.st
refuse "train: into no plain file" 3 "train: /dev/null: cannot write: not a plain file" \
    net/train --data . --save /dev/null
full() { sh -c "$1 > /dev/full"; }
refuse "train: a full standard output" 3 "train: standard output: cannot write" \
    full "net/train --data ."
refuse "infer: a full standard output" 3 "infer: standard output: cannot write" \
    full "net/infer --data . --weights good.st"
head -c 16 /dev/zero > raw
refuse "infer --raw: a full standard output" 3 \
    "infer: standard output: cannot write: No space left on device" \
    full "< raw net/infer --raw --weights good.st"
refuse "infer --raw: half a sample" 1 \
    "infer: standard input: expected samples of 8 bytes, the last has 3" \
    sh -c "printf abc | net/infer --raw --weights good.st"
refuse "infer --raw: a folder" 3 "infer: standard input: cannot read: Is a directory" \
    sh -c "net/infer --raw --weights good.st < ."

refuse "train: a loss that grows without end" 4 \
    "train: loss is * at step * (epoch 1), first of all in *: a smaller --lr may help" \
    net/train --data . --lr 1000000 --epochs 30
refuse "train: nothing to judge by" 2 \
    "train: --limit-test 0 leaves nothing to judge by: --validation N holds samples out" \
    net/train --data . --limit-test 0
refuse "train: early stopping without validation" 1 "train: net: early_stopping needs validation \
samples: validation = 0.1 in the spec's data, or --validation N" \
    net/train --data . --recipe early_stopping=3
sed 's/I = 1 }/I = 1, table = minimax(1000) }/' net.lua > coarse.lua
refuse "fit: tables too coarse" 1 \
    "coarse.lua: all tables in this space are ReLU's: a finer table lets curves differ" \
    "$lathe" fit coarse.lua --data . --isa portable --method halving -o made --work work \
    --validation 4 --L 1:2:2 --Q 1:2:2 --I 1:2:2

# ---- checkpoints ----

check "a run with checkpoints" net/train --data . --epochs 2 --checkpoint ck --limit-train 12
resume() {
    name=$1 text=$2
    shift 2
    refuse "$name" 1 "train: ck: $text" net/train --data . --checkpoint ck --resume "$@"
}
refuse "a run over another" 1 "train: ck: holds the checkpoints of a run: --resume goes on with \
it, another folder begins anew" net/train --data . --checkpoint ck
resume "another number of samples" "of a run with 12 training samples, given 16"
resume "other samples" "of a run with as many, but other training samples: --subset, --validation \
or --limit-train differ" --subset 12
resume "another seed" "of a run with --seed 1, given 5" --limit-train 12 --seed 5
resume "another rate" "of a run with --lr 0.1, given 5" --limit-train 12 --lr 5
resume "fewer epochs" "of a run with --epochs 2, given 1" --limit-train 12 --epochs 1
touch plain
refuse "a file where a folder goes" 3 \
    "train: plain/x: cannot make this folder: Not a directory" \
    net/train --data . --checkpoint plain/x

# all_broken TEXT: each checkpoint is passed over for the reason TEXT, and none is left.
all_broken() {
    net/train --data . --limit-train 12 --checkpoint ck --resume 2> over.txt > out.txt && return 1
    set -- "$(cat over.txt)" "passed over: ck/checkpoint-0000000012.safetensors: $1
passed over: ck/checkpoint-0000000006.safetensors: $1
train: ck: all 2 checkpoints are broken"
    # shellcheck disable=SC2254
    case $1 in
    $2) ;;
    *) printf '%s\nexpected:\n%s\n' "$1" "$2" && return 1 ;;
    esac
}
spoil() {
    for file in ck/*.safetensors; do
        printf X | dd of="$file" bs=1 seek=$(($(wc -c < "$file") - 5)) conv=notrunc 2> dd.txt
    done
}
spoil
check "damaged checkpoints" all_broken "damaged: its checksum is *, expected *"
for file in ck/*.safetensors; do cp good.st "$file"; done
check "weights for checkpoints" all_broken "not a checkpoint: checksum is missing"
mkdir none
net/train --data . --checkpoint none --resume 2> over.txt > out.txt
check "no checkpoint yet" grep -qx "none: no checkpoint yet: begins anew" over.txt

# ---- folders that others hold, and gnuplot ----

mkdir held
held() {
    flock held/.lock timeout 5 "$lathe" sweep net.lua --over lr=1,2 --data . -o held --jobs 1 \
        2> waits.txt > out.txt
    grep -qx "held: waits for what is under way there, or a run that it left" waits.txt
}
if command -v flock > /dev/null; then
    check "a sweep in a folder that is in use" held
else
    echo "skipped: no flock here"
fi
printf '{"epoch": 1, "step": 1, "lr": 0.1, "train_loss": 1, "train_accuracy": null, %s}\n' \
    '"test_loss": 1, "test_accuracy": null, "images_per_s": 1, "seconds": 1' > run/log.jsonl
mkdir bin && cat > bin/gnuplot << 'END'
#!/bin/sh
for i in 0 1 2 3 4 5 6 7 8 9; do : > $i.svg; done
END
chmod +x bin/gnuplot
undrawn() {
    PATH="$PWD/bin:$PATH" "$lathe" report run -o page.html > out.txt &&
        grep -qx "page.html: written without pictures: gnuplot: wrote no picture" out.txt
}
check "a gnuplot that draws nothing" undrawn
refuse "no folder for temporary files" 3 "cannot make the folder nosuch/lathe-report-*" \
    env TMPDIR=nosuch "$lathe" report run -o made

# ---- weights ----

# weights NAME TEXT HEADER: the message about a file of weights with this header.
weights() {
    { little ${#3} && printf '\000\000\000\000\000\000%s' "$3"; } > w.st
    refuse "weights: $1" 1 "infer: w.st: header, byte $2" net/infer --weights w.st --data .
}
weights "an escape" "4: unknown escape in a string" '{"a\q": 1}'
weights "an escape cut short" "7: expected four hexadecimal digits" '{"a\u12": 1}'
weights "half a pair" "9: half a surrogate pair" '{"a\ud800": 1}'
weights "a control character" "3: control character in a string" "$(printf '{"a\001": 1}')"
weights "an unknown field" "11: unknown field of a tensor" '{"a": {"x": 1}}'
weights "one offset" "26: data_offsets must be \[begin, end\]" '{"a": {"data_offsets": [0]}}'
weights "no offsets" "36: a tensor needs dtype, shape and data_offsets" \
    '{"a": {"dtype": "F32", "shape": [0]}}'
weights "text behind it" "3: something after the header's end" '{} x'
printf abc > w.st
refuse "weights: three bytes" 1 "infer: w.st: not a safetensors file: 3 bytes" \
    net/infer --weights w.st --data .
printf '\377\377\377\377\000\000\000\000{}' > w.st
refuse "weights: a header longer than the file" 1 \
    "infer: w.st: not a safetensors file: header of 4294967295 bytes in a file of 10" \
    net/infer --weights w.st --data .

# ---- nothing to train ----

echo 'return network { input = vector(4), dropout(), loss = mse() }' > untrained.lua
refuse "a loss, but no weights" 1 \
    "untrained.lua:1: nothing before the loss is trained: it takes a layer with weights" \
    "$lathe" build untrained.lua --emit-only -o untrained
