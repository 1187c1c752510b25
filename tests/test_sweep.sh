#!/bin/sh
# lathe sweep: builds and runs counted, the table, resuming, what it refuses. On drawn digits: needs
# no data.

. "$(dirname "$0")/script.sh"
# shellcheck disable=SC2034 # script.sh's refuse reads it
absent='nosuch' # a command that is refused does not make these

cat > net.lua << 'END'
local o = options { units = 8, rate = 0.1, act = choice { "relu", "tanh" } }
return network {
  avgpool(2), flatten(), linear(o.units), ({ relu = relu(), tanh = tanh() })[o.act], linear(10),
  loss  = cross_entropy(),
  data  = digits(),
  train = { batch = 32, epochs = 3, optimizer = sgd { momentum = 0.5 }, lr = o.rate },
}
END

limits="--limit-train 960 --limit-test 300"
# sweep ARGUMENTS...: of net.lua with the limits.
sweep() {
    # shellcheck disable=SC2086 # words on purpose
    "$lathe" sweep net.lua $limits "$@"
}
count() { find "$1" -mindepth 1 -maxdepth 1 | wc -l; }
# what a sweep's lines say but for time, in order
lines() { sed 's/"seconds": [0-9.]*/"seconds": 0/' "$1/sweep.jsonl" | sort; }
# is A B: they are the same.
is() {
    [ "$1" = "$2" ] && return
    echo "'$1' is not '$2'"
    return 1
}

# ---- what it does ----

held_out() {
    sed 's/digits()/digits { validation = 0.25 }/' net.lua > held.lua
    # shellcheck disable=SC2086
    "$lathe" sweep held.lua $limits --over lr=0.02,0.2 -o held > held.txt || return
    cat held.txt
    grep '^  lr .* validation_accuracy .* test_accuracy ' held.txt && grep '^\* 0.2 ' held.txt &&
        grep 'validation accuracy after each epoch' held/sweep.gp
}
check "samples that are held out choose the best" held_out

two_keys() {
    sweep --over units=8,12 --over lr=0.02,0.2 -o two > two.txt || { cat two.txt && return 1; }
    cat two.txt
    is "$(count two/builds)" 2 && is "$(count two/runs)" 4 && is "$(wc -l < two/sweep.jsonl)" 4 &&
        is "$(grep -c '"status": "done"' two/sweep.jsonl)" 4 && is "$(grep -c '^run ' two.txt)" 4 &&
        is "$(grep -c '^\*' two.txt)" 1 && is "$(grep -c '^build ' two.txt)" 2 &&
        is "$(sed -n 's/^[ *] \([0-9]* .*\)/\1/p' two.txt | awk '{ printf "%s %s, ", $1, $2 }')" \
            "8 0.02, 8 0.2, 12 0.02, 12 0.2, "
}
check "a key that changes shapes and one that does not: two builds, four runs" two_keys

json() {
    while read -r line; do
        printf '%s' "$line" | python3 -c 'import json, sys; r = json.load(sys.stdin)
s = r["settings"]
assert set(s) == {"units", "lr"} and s["lr"] in (0.02, 0.2) and s["units"] in (8, 12), s
assert r["seed"] == 1 and r["seconds"] > 0 and r["status"] == "done"
assert r["epochs"] == len(r["accuracies"]) == len(r["losses"]) == 3
assert abs(r["accuracies"][-1] - r["test_accuracy"]) < 1e-8' || return
    done < two/sweep.jsonl
}
if command -v python3 > /dev/null; then
    check "its lines are JSON" json
else
    echo "skipped: no python3 here"
fi

by_hand() {
    "$lathe" build net.lua --set units=12 --set rate=0.2 -o hand > /dev/null || return
    # shellcheck disable=SC2086
    expected=$(hand/train $limits --quiet | sed -n 's/.*test_accuracy=\([0-9.]*\).*/\1/p')
    grep '"id": "units=12,lr=0.2,seed=1"' two/sweep.jsonl > line.txt
    is "$(awk '{ match($0, /"test_accuracy": [0-9.]*/)
                 printf "%.4f", substr($0, RSTART + 17, RLENGTH - 17) }' line.txt)" "$expected"
}
check "a run does what lathe build and train do" by_hand

again() {
    cp two/sweep.jsonl before.jsonl
    sweep --over units=8,12 --over lr=0.02,0.2 -o two > again.txt || return
    cmp before.jsonl two/sweep.jsonl && ! grep '^build \|^run ' again.txt &&
        is "$(grep -c '^\*' again.txt)" 1
}
check "again: nothing is done twice" again

more() {
    sweep --over units=8,12 --over lr=0.02,0.2,0.5 --seeds 2 -o two > more.txt || return
    cat more.txt
    is "$(grep -c '^run ' more.txt)" 8 && is "$(wc -l < two/sweep.jsonl)" 12 &&
        is "$(count two/builds)" 2 && is "$(grep -c ' +- ' more.txt)" 6
}
check "values and seeds can be added" more

picture() {
    grep -q '<svg' two/sweep.svg && is "$(grep -c '^# units=' two/sweep.dat)" 6 &&
        grep -q "set title 'net: test accuracy after each epoch'" two/sweep.gp &&
        rm two/sweep.svg && (cd two && gnuplot sweep.gp) && grep -q '>12, 0.5<' two/sweep.svg
}
if command -v gnuplot > /dev/null; then
    check "the picture, and drawn once more by hand" picture
else
    echo "skipped: no gnuplot here"
fi
no_gnuplot() {
    PATH=/nonexistent sweep --over units=8,12 --over lr=0.02,0.2,0.5 --seeds 2 -o two > none.txt &&
        grep '^no picture: cannot run gnuplot' none.txt
}
check "without gnuplot it says so" no_gnuplot

# A line through four points: least squares, which a rate that is too large leaves ever further.
cat > line.lua << 'END'
return network {
  linear(1), loss = mse(), data = points "xor",
  train = { batch = 4, epochs = 300, optimizer = sgd(), lr = 0.1 },
}
END
diverges() {
    "$lathe" sweep line.lua --over lr=10,0.1 --seeds 2 -o diverge > diverge.txt || return
    cat diverge.txt
    cut -c 1-200 diverge/sweep.jsonl
    is "$(grep -c '"status": "diverged".*"test_loss": null.*"epochs": [1-9].*"losses": \[[0-9]' \
        diverge/sweep.jsonl)" 2 && is "$(grep -c 'train: loss is ' diverge/sweep.jsonl)" 2 &&
        grep '^  10 .* - .* 0 (2 diverged)' diverge.txt && grep '^best (.): lr=0.1$' diverge.txt &&
        "$lathe" sweep line.lua --over lr=10,0.1 --seeds 2 -o diverge > again.txt &&
        ! grep '^run ' again.txt
}
check "a rate that diverges is recorded, and the others go on" diverges

keys() {
    sweep --over optimizer=sgd,adam --over epochs=1,2 --over batch=16,32 --over seed=5,9 \
        --over rate=0.01 --jobs 2 -o keys > keys.txt || { cat keys.txt && return 1; }
    is "$(wc -l < keys/sweep.jsonl)" 16 && is "$(count keys/builds)" 2 &&
        is "$(grep -c '"optimizer": "adam"' keys/sweep.jsonl)" 8 &&
        is "$(grep -c '"recipe": "[^"]*optimizer=adam,beta1=0.9,' keys/sweep.jsonl)" 8 &&
        is "$(grep -c '"seed": 9' keys/sweep.jsonl)" 8 && is "$(grep -c '"epochs": 1,' \
            keys/sweep.jsonl)" 8
}
check "optimizer, epochs, batch, seed and an option, two runs at a time" keys

# ---- stopping and going on ----

# Wait until FILE is there and not empty.
wait_for() {
    tries=0
    while [ ! -s "$1" ] && [ $tries -lt 600 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    [ -s "$1" ]
}
cut="--over lr=0.05,0.1 --over units=16 --epochs 150"

# stop SIGNAL FOLDER: begin the sweep of $cut in FOLDER, send SIGNAL in the middle of its first run.
stop() {
    # shellcheck disable=SC2086
    "$lathe" sweep net.lua --limit-train 960 --limit-test 100 $cut -o "$2" > "$2.txt" 2>&1 &
    job=$!
    wait_for "$2/runs/lr=0.05,units=16,seed=1/log.jsonl" || { cat "$2.txt" && return 1; }
    kill -"$1" $job
    wait $job
    status=$?
    [ ! -s "$2/sweep.jsonl" ] || { echo "too late: a run had ended" && return 1; }
}
go_on() {
    # shellcheck disable=SC2086
    "$lathe" sweep net.lua --limit-train 960 --limit-test 100 $cut -o "$1" > on.txt || return
    is "$(wc -l < "$1/sweep.jsonl")" 2 && is "$(lines "$1")" "$(lines whole)"
}
# shellcheck disable=SC2086
"$lathe" sweep net.lua --limit-train 960 --limit-test 100 $cut -o whole > /dev/null

interrupted() {
    stop INT int && is "$status" 0 && tail -n 1 int.txt &&
        tail -n 1 int.txt |
        grep '^stopped after 0 of 2 runs; to go on: .* sweep net.lua .*-o int$' &&
        ls int/runs/*/checkpoint/checkpoint-* && go_on int &&
        ! ls int/runs/*/checkpoint 2> /dev/null
}
check "interrupted, it goes on and comes to the same" interrupted

killed() {
    stop KILL killed && go_on killed
}
check "killed, it goes on and comes to the same" killed

half_a_line() {
    head -c 100 whole/sweep.jsonl > half.jsonl
    cat half.jsonl >> killed/sweep.jsonl && go_on killed
}
check "half a line in the end is cut off" half_a_line

# ---- what it refuses ----

refuse "a folder of other keys" 1 'two: holds a sweep over units,lr, given lr' \
    sweep --over lr=0.1 -o two
refuse "a folder of other epochs" 1 'two: holds a sweep with --epochs none, given 2' \
    sweep --over units=8 --over lr=0.1 --epochs 2 -o two
sed 's/momentum = 0.5/momentum = 0.6/' net.lua > other.lua
refuse "a folder of another spec" 1 'two: holds a sweep of a spec with sha256 *, given *' \
    "$lathe" sweep other.lua --limit-train 960 --limit-test 300 --over units=8 --over lr=0.1 -o two
refuse "a key that is none" 1 \
    "--over widht: neither an option of net.lua nor of training (there are act, rate, units, *" \
    sweep --over widht=1 -o nosuch
refuse "nearly a key" 1 '--over unit: *did you mean units? *' sweep --over unit=1 -o nosuch
refuse "a choice that is none" 1 \
    "net.lua: option act must be 'relu' or 'tanh', given 'elu' (with act=elu)" \
    sweep --over act=relu,elu -o nosuch
refuse "a shape that is none" 1 "net.lua:3: linear: units must be *, given 0 (with units=0 lr=1)" \
    sweep --over units=8,0 --over lr=1 -o nosuch
refuse "a rate that is none" 1 "recipe: lr: expected a number, given 'high' (with lr=high)" \
    sweep --over lr=0.1,high -o nosuch
refuse "a field of another optimizer" 1 \
    'recipe: beta1 is not of sgd with schedule fixed (with beta1=0.5)' \
    sweep --over beta1=0.5 -o nosuch
refuse "epochs that are none" 1 \
    "--over epochs: expected a whole number, 1 to 1000000, given '0' *" \
    sweep --over epochs=3,0 -o nosuch
refuse "a key without values" 2 "--over needs KEY=VALUE,VALUE,..., given 'lr'" \
    sweep --over lr -o nosuch
refuse "a value that is missing" 2 "--over lr: a value is missing in '0.1,,1'" \
    sweep --over lr=0.1,,1 -o nosuch
refuse "a value twice" 2 "--over lr: 0.1 is there twice" sweep --over lr=0.1,1,0.1 -o nosuch
refuse "a key twice" 2 "--over lr: given twice" sweep --over lr=0.1 --over lr=1 -o nosuch
refuse "an option that is set" 2 "--over act and --set act: give one of them" \
    sweep --over act=relu --set act=tanh -o nosuch
refuse "seeds twice" 2 "--seeds and --over seed: give one of them" \
    sweep --over seed=1,2 --seeds 3 -o nosuch
sed 's/digits()/mnist()/' net.lua > mnist.lua
refuse "no data" 2 'train: --data DIR is needed: *' "$lathe" sweep mnist.lua --over lr=1 -o mnist
