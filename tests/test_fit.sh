#!/bin/sh
# lathe fit: each method on drawn digits, going on after a kill, budgets, what it refuses; the fit
# file in a spec. Needs no data.

. "$(dirname "$0")/script.sh"
# shellcheck disable=SC2034 # script.sh's refuse reads it
absent='nosuch.lua out/fit-nosuch' # a command that is refused does not make these

cat > net.lua << 'END_OF_SPEC'
local o = options { fit = "", closed = false, act = choice { "dynamic", "relu", "learn" } }
local f = o.fit ~= "" and fit(o.fit) or { L = 10, Q = 2, I = 1 }
local act = o.act == "relu" and relu() or dynamic(f,
  { table = not o.closed and o.act ~= "learn" and tangent(0.03), learn = o.act == "learn" })
return network {
  avgpool(4), flatten(), linear(16), act, linear(16), act, linear(10),
  data  = digits(),
  train = { batch = 32, epochs = 6, optimizer = adam(), lr = onecycle { max = 0.02 } },
}
END_OF_SPEC

# programs NAME: the search NAME begins with the programs of the first one, which are the same.
programs() {
    mkdir -p "out/fit-$1" && cp -rp out/fit-grid/builds "out/fit-$1/"
}
small="--subset 320 --validation 200 --L 5:20:2 --Q 0.5:2:2 --I 1:1:1"
# fit ARGUMENTS...: of net.lua on few samples of a small space.
fit() {
    # shellcheck disable=SC2086 # words on purpose
    "$lathe" fit net.lua $small "$@"
}
# what a search's lines say but for time and for where they ran, in order
lines() {
    sed 's/"seconds.*"threads": [0-9]*//; s/"images_per_s": \[[^]]*\]//' "$1/trials.jsonl" | sort
}
# a fit file but for the time it took
found() { sed 's/minutes = [^,]*, //' "$1"; }
count() { grep -c "$1" "$2"; }
is() {
    [ "$1" = "$2" ] && return
    echo "'$1' is not '$2'"
    return 1
}

# ---- what it does ----

grid() {
    fit --method grid --judge-seeds 2 --judge-subset 600 -o grid.lua > grid.txt ||
        { cat grid.txt && return 1; }
    cat grid.txt grid.lua
    is "$(wc -l < out/fit-grid/trials.jsonl)" 5 && is "$(count '^trial ' grid.txt)" 5 &&
        is "$(count '"phase": "grid"' out/fit-grid/trials.jsonl)" 4 &&
        is "$(count '"phase": "baseline".*"L": 0, "Q": 0' out/fit-grid/trials.jsonl)" 1 &&
        is "$(wc -l < out/fit-grid/judge.jsonl)" 6 &&
        grep '^best: L=' grid.txt && grep '^  relu  *0\.' grid.txt &&
        grep '^table against relu: .* (95 %: .* p = ' grid.txt &&
        grep 'complete = true' grid.lua && grep 'verdict = "' grid.lua &&
        grep '^  histogram = {' grid.lua && ls out/fit-grid/histogram.json &&
        ls -d out/fit-grid/builds/tables* &&
        ls -d out/fit-grid/builds/exact out/fit-grid/builds/relu out/fit-grid/builds/table
}
check "grid: every point, ReLU, the comparison" grid

json() {
    while read -r line; do
        printf '%s' "$line" | python3 -c 'import json, sys; t = json.load(sys.stdin)
assert t["status"] in ("done", "hopeless") and t["layer"] is None and len(t["curves"]) == 1, t
assert t["subset"] == 320 and t["seed"] == 1
n = len(t["validation_accuracy"])
assert n == len(t["train_loss"]) == len(t["validation_loss"]) == len(t["train_accuracy"]) <= 6
assert t["score"] is None or abs(t["score"] - t["validation_accuracy"][-1]) < 1e-8' || return
    done < out/fit-grid/trials.jsonl
    python3 -c 'import json; f = json.load(open("out/fit-grid/fit.json"))
assert f["nodes"] == ["dynamic1", "dynamic2"] and f["subset"] == 320 and not f["per_layer"], f'
}
if command -v python3 > /dev/null; then
    check "its lines are JSON" json
else
    echo "skipped: no python3 here"
fi

# Curves so near ReLU that their tables are ReLU's: one training stands for all.
near_relu() {
    programs near
    fit --method grid --L 0.001:0.004:2 --judge-seeds 0 -o near.lua > near.txt || return
    cat near.txt
    is "$(wc -l < out/fit-near/trials.jsonl)" 1 &&
        grep '"phase": "baseline"' out/fit-near/trials.jsonl
}
check "curves of the same tables share their trials" near_relu

# The best of the lines, by hand, is what the file has.
the_best() {
    best=$(grep '"phase": "grid"' out/fit-grid/trials.jsonl |
        sed 's/.*"score": \([0-9.]*\).*/\1/' | sort -gr | head -n 1)
    cat grid.lua
    is "$(sed -n 's/.* score = \([0-9.]*\),.*/\1/p' grid.lua)" "$best"
}
check "the best is the highest" the_best

# A trial is what the tables program does with the curve alone, and what a program of its own does.
by_hand() {
    mkdir -p fits && cp grid.lua fits/ || return
    "$lathe" build net.lua --set fit=grid -o hand > /dev/null || return
    hand/train --subset 320 --validation 200 --limit-test 0 --keep-last --quiet > hand.txt || return
    cat hand.txt
    score=$(sed -n 's/.* score = \([0-9.]*\),.*/\1/p' grid.lua)
    is "$(sed -n 's/.*validation_accuracy=\([0-9.]*\).*/\1/p' hand.txt)" "$(printf %.4f "$score")"
}
check "the fit in the spec trains to its score" by_hand

again() {
    cp grid.lua before.lua
    cp out/fit-grid/trials.jsonl before.jsonl
    fit --method grid --judge-seeds 2 --judge-subset 600 -o grid.lua > again.txt || return
    cat again.txt
    cmp before.lua grid.lua && cmp before.jsonl out/fit-grid/trials.jsonl &&
        ! grep '^trial \|^judge ' again.txt
}
check "again: nothing is done twice" again

halving() {
    programs halving
    fit --method halving --candidates 9 --epochs 4 --seeds 2 --judge-seeds 0 \
        -o halving.lua > halving.txt || { cat halving.txt && return 1; }
    cat halving.txt halving.lua
    is "$(count '"phase": "rung 1".*"epochs": 3,' out/fit-halving/trials.jsonl)" 9 &&
        is "$(count '"phase": "rung 2".*"epochs": 4,' out/fit-halving/trials.jsonl)" 6 &&
        grep 'phase = "rung 2"' halving.lua && grep 'seeds = 2' halving.lua
}
check "halving: rungs" halving

gradient() {
    programs gradient
    fit --method gradient --candidates 2 --judge-seeds 0 -o gradient.lua > gradient.txt ||
        { cat gradient.txt && return 1; }
    cat gradient.txt gradient.lua
    is "$(count '"program": "tied".*"found": \[{"L": [^{]*\]}$' out/fit-gradient/trials.jsonl)" 2 &&
        is "$(count '"phase": "fine-tune"' out/fit-gradient/trials.jsonl)" 2 &&
        grep 'learned_score = .*fine_tuned_score = ' gradient.lua &&
        ! grep 'L = 10,' gradient.lua
}
check "gradient: learned, fine-tuned, from scratch" gradient

per_layer() {
    for method in grid halving gradient; do
        programs layers-$method
        fit --method $method --per-layer --epochs 1 --candidates 3 --judge-seeds 0 \
            -o layers-$method.lua > layers.txt || { cat layers.txt && return 1; }
        cat layers.txt layers-$method.lua
        is "$(count '^    \["dynamic[12]"\] = {$' layers-$method.lua)" 2 || return
        cp layers-$method.lua fits/
        "$lathe" table net.lua --set fit=layers-$method > /dev/null || return
    done
    # ReLU and four points for each; the second layer's ReLU is the best of the first's
    is "$(count '"phase": "grid", "layer": "dynamic1"' out/fit-layers-grid/trials.jsonl)" 4 &&
        is "$(count '"phase": "grid", "layer": "dynamic2"' out/fit-layers-grid/trials.jsonl)" 4 &&
        is "$(count '"program": "learned"' out/fit-layers-gradient/trials.jsonl)" 3
}
check "per layer, by each method" per_layer

closed() {
    programs closed
    "$lathe" fit net.lua --set closed=true --subset 320 --validation 200 --L 5:5:1 --Q 2:2:1 \
        --I=-1:-1:1 --method grid --judge-seeds 0 -o closed.lua > closed.txt ||
        { cat closed.txt && return 1; }
    grep 'minimax of 16 pieces' closed.lua && ls -d out/fit-closed/builds/tables16
}
check "a closed curve is searched as a fine table" closed

same_bits() {
    for jobs in 1 3; do
        programs jobs-$jobs
        fit --method grid --jobs $jobs --judge-seeds 0 -o jobs-$jobs.lua > jobs.txt ||
            { cat jobs.txt && return 1; }
    done
    is "$(lines out/fit-jobs-1)" "$(lines out/fit-jobs-3)" &&
        is "$(found jobs-1.lua)" "$(found jobs-3.lua)"
}
check "any number of trials at a time: the same" same_bits

# ---- stopping and going on ----

# stop SIGNAL NAME: begin a search, send SIGNAL when its third trial is over.
long="--method halving --candidates 6 --epochs 45 --jobs 1 --judge-seeds 0"
stop() {
    programs "$2"
    : > "$2.txt"
    # shellcheck disable=SC2086
    "$lathe" fit net.lua $small $long -o "$2.lua" > "$2.txt" 2>&1 &
    job=$!
    tries=0
    while [ "$(count '^trial ' "$2.txt")" -lt 3 ] && [ $tries -lt 1200 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    kill -"$1" $job
    wait $job
    status=$?
    cat "$2.txt"
    [ "$(wc -l < "out/fit-$2/trials.jsonl")" -lt "$(wc -l < out/fit-whole/trials.jsonl)" ]
}
# shellcheck disable=SC2086
go_on() {
    fit $long -o "$1.lua" > on.txt || return
    cat on.txt
    is "$(lines "out/fit-$1")" "$(lines out/fit-whole)" &&
        is "$(found "$1.lua")" "$(found whole.lua)"
}
programs whole
# shellcheck disable=SC2086
fit $long -o whole.lua > whole.txt || cat whole.txt

interrupted() {
    stop INT int && is "$status" 0 &&
        tail -n 1 int.txt | grep '^stopped; .*; to go on: .* fit net.lua .*-o int.lua$' && go_on int
}
check "interrupted, it goes on and comes to the same" interrupted

killed() {
    stop KILL killed && head -c 100 out/fit-whole/trials.jsonl >> out/fit-killed/trials.jsonl &&
        go_on killed
}
check "killed, half a line left: it goes on and comes to the same" killed

best_so_far() {
    grep 'complete = false' killed-before.lua
}
stop KILL killed2 > /dev/null 2>&1
cp killed2.lua killed-before.lua 2> /dev/null
check "the best so far is on the disk" best_so_far

out_of_time() {
    programs late
    fit --method grid --epochs 200 --jobs 1 --budget 0.001 --judge-seeds 0 -o late.lua \
        > late.txt 2>&1
    status=$?
    cat late.txt
    # ReLU is trained whole, the rest cut off
    is "$status" 1 && grep '^no candidate ended well within the budget' late.txt
}
check "a budget ends it" out_of_time

two_at_once() {
    programs once
    # shellcheck disable=SC2086
    "$lathe" fit net.lua $small $long --epochs 300 -o once.lua > once.txt 2>&1 &
    job=$!
    tries=0
    while [ ! -e out/fit-once/.runs ] && [ $tries -lt 200 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    # shellcheck disable=SC2086
    fit $long --epochs 300 -o once.lua > /dev/null 2> second.txt
    second=$?
    kill -TERM $job
    wait $job
    cat second.txt
    is $second 1 && is "$(cat second.txt)" "out/fit-once: a search is under way there"
}
check "two in one folder: the second is refused" two_at_once

# ---- what it refuses ----

refuse "a folder of another search" 1 \
    'out/fit-grid: holds a search by method grid, given gradient' \
    fit --method gradient -o grid.lua
refuse "a folder of other samples" 1 'out/fit-grid: holds a search with --subset 320, given 400' \
    fit --method grid --subset 400 -o grid.lua
refuse "no method" 2 '--method is grid, halving or gradient, none given' fit -o nosuch.lua
refuse "a method that is none" 2 "--method is grid, halving or gradient, given 'guess'" \
    fit --method guess -o nosuch.lua
refuse "no file" 2 'lathe fit needs -o FILE: the fit file to write' fit --method grid
refuse "a folder that is not there" 1 '-o nowhere/x.lua: there is no folder nowhere/' \
    fit --method grid -o nowhere/x.lua
refuse "no dynamic" 1 'net.lua: has no dynamic curve to fit (is it an option of the spec: --set?)' \
    fit --set act=relu --method grid -o nosuch.lua
refuse "one that learns" 1 'net.lua:*: dynamic1: learns its curve already: *' \
    fit --set act=learn --method grid -o nosuch.lua
refuse "an empty grid" 1 '--L 1:50:0: the grid is empty*' \
    fit --method grid --L 1:50:0 -o nosuch.lua
refuse "a reversed grid" 1 '--L 50:1:6: it runs backwards: *' \
    fit --method grid --L 50:1:6 -o nosuch.lua
refuse "no grid" 2 "--grid is global, layers or wide, given 'all'" \
    fit --grid all --method grid -o nosuch.lua
refuse "a denominator that vanishes" 1 'L=5 Q=-1 I=1: dynamic: *' \
    fit --method grid --Q -1:-10:3 -o nosuch.lua
refuse "jobs that are none" 2 "--jobs is auto or 1 to 256, given 'many'" \
    fit --method grid --jobs many -o nosuch.lua
programs large
programs full
refuse "more samples than there are" 1 \
    'train: *10001 samples to train on and 200 for validation, but there are 10000 (trial 1, *)' \
    fit --method grid --subset 10001 -o large.lua
refuse "nothing left to judge by" 1 'train: *10000 samples to train on and 200 for validation, *' \
    fit --method grid --subset 10000 -o full.lua
sed 's/dynamic2/dynamic3/' layers-grid.lua > fits/other.lua
refuse "a fit of another net" 1 "net.lua:*: dynamic2: fit 'other' has no curve of that name, *" \
    "$lathe" build net.lua --set fit=other -o nosuch
