#!/bin/sh
# lathe interpret --histogram and lathe report: what they count, write and refuse. On drawn digits:
# needs no data.

. "$(dirname "$0")/script.sh"
# shellcheck disable=SC2034 # script.sh's refuse reads it
absent='none.html' # a command that is refused does not make these

# has FILE TEXT...: each is in it.
has() {
    file=$1
    shift
    for text; do
        grep -qF -- "$text" "$file" || { echo "$file has no: $text" && return 1; }
    done
}

# Tags are closed in the order they were opened, attributes quoted, & only before a reference; no
# id is there twice, nothing is fetched from elsewhere, no script is there.
sound() {
    tr '\n' ' ' < "$1" | sed 's/<style>[^<]*<\/style>//; s/<!DOCTYPE html>//' | sed 's/</\n</g' |
        awk '
        function wrong(what) { print what ": " substr($0, 1, 100); bad = 1 }
        /&/ && !/&(#[0-9]+|amp|lt|gt|quot);/ { wrong("a bare &") }
        !/^</ { if ($0 ~ /[^ ]/) wrong("text outside") ; next }
        {
            if (index($0, ">") == 0) wrong("no end")
            tag = substr($0, 1, index($0, ">"))
            if (match(tag, / id=["\047][^"\047]*["\047]/)) {
                id = substr(tag, RSTART, RLENGTH)
                if (id in ids) wrong("twice" id)
                ids[id] = 1
            }
            name = tag
            sub(/^<\/?/, "", name)
            sub(/[ \t\/>].*/, "", name)
            if (name == "script" || tag ~ / (src|href)=["\047][^#]/) wrong("from elsewhere")
            if (tag ~ /^<\//) {
                if (depth < 1 || open[depth--] != name) wrong("not open")
            } else if (tag !~ /\/>$/) open[++depth] = name
        }
        END { if (depth != 0) { print "not closed: " open[depth]; bad = 1 }; exit bad }'
}

# ---- histograms ----

cat > net.lua << 'END'
local o = options { act = choice { "dynamic", "relu", "weighted" }, rate = 0.1 }
local seen = fit "seen"
return network {
  name = "net",
  avgpool(2), flatten(), linear(8),
  ({ dynamic = dynamic { L = 30, Q = 1, I = 3 }, relu = relu(),
     weighted = o.act == "weighted" and dynamic(seen, { table = weighted(0.02) }) })[o.act],
  linear(10), prelu { shared = true },
  loss  = cross_entropy(),
  data  = digits(),
  train = { batch = 32, epochs = 2, optimizer = sgd { momentum = 0.5 }, lr = o.rate },
}
END
mkdir fits run-seed1 run-seed2
echo 'return { L = 30, Q = 1, I = 3 }' > fits/seen.lua

train() {
    "$lathe" build net.lua -o net && for seed in 1 2; do
        net/train --limit-train 640 --limit-test 200 --seed $seed --log run-seed$seed/log.jsonl \
            --save w$seed.safetensors || return
    done
}
check "runs to report of" train

# Every number is counted: 100 samples of 8 and of 10 numbers; the same for any number of threads.
histogram() {
    "$lathe" interpret net.lua --weights w1.safetensors --histogram h.json --limit 100 &&
        OMP_NUM_THREADS=3 "$lathe" interpret net.lua --weights=w1.safetensors --histogram=3.json \
            --limit=100 && cmp h.json 3.json &&
        tr -d '\n' < h.json | sed 's/{"name"/\n&/g' | awk -F '[][]' '
            NR > 1 {
                n = split($2, counts, ", ")
                sum = 0
                for (i = 1; i <= n; i++) sum += counts[i]
                split($3, outside, /[,:}]/)
                sum += outside[3] + outside[5]
                print n, sum, outside[7]
                if (n != 256 || outside[7] != 100 || sum != (NR == 2 ? 800 : 1000)) bad = 1
            }
            END { exit bad || NR != 3 }' &&
        "$lathe" interpret net.lua --weights w1.safetensors --histogram t.json --split test &&
        ! cmp -s h.json t.json
}
check "interpret --histogram: counts whole" histogram

# A fit with its histogram gives a weighted table; trained weights run with it.
fitted() {
    tr -d '\n' < h.json |
        sed 's/.*"dynamic1", "from": \([^,]*\), "to": \([^,]*\), "counts": \[\([^]]*\).*/\
return { L = 30, Q = 1, I = 3, histogram = { from = \1, to = \2, counts = { \3 } } }/' \
        > fits/seen.lua
    "$lathe" table net.lua --set act=weighted > fitted.txt &&
        grep -q '^dynamic L=30 Q=1 I=3 P=2 Z=10, weighted eps=0.02: ' fitted.txt &&
        "$lathe" interpret net.lua --set act=weighted --weights w1.safetensors > infer.txt &&
        grep -q '^result: accuracy=' infer.txt
}
check "a fit's histogram makes a weighted table" fitted

refuse "interpret --histogram without weights" 2 "--weights FILE is needed*" \
    "$lathe" interpret net.lua --histogram none.html
refuse "interpret --histogram of a wrong split" 2 "--split: expected train or test, given 'all'" \
    "$lathe" interpret net.lua --weights w1.safetensors --histogram none.html --split all

# ---- reports ----

sweep() {
    "$lathe" sweep net.lua --over act=dynamic,relu --seeds 2 --limit-train 320 --limit-test 100 \
        -o out/sweep
}
check "a sweep to report of" sweep

# A search by hand, with texts that are no friends of a page.
mkdir -p 'out/<fit & co>'
cd 'out/<fit & co>' || exit 3
cat > fit.json << 'END'
{"method": "grid<script>alert(1)</script>", "per_layer": true, "subset": 640, "epochs": 2,
 "nodes": ["dynamic1", "b\"><img src='http://x'>"], "spec": "net.lua\u0001\ud83d\ude00"}
END
# trial PHASE LAYER CURVES STATUS SCORE LOSSES ACCURACIES
trial() {
    echo "{\"trial\": 1, \"phase\": \"$1\", \"layer\": $2, \"curves\": [$3]," '"seed": 1,' \
        "\"epochs\": 2, \"status\": \"$4\", \"score\": $5, \"seconds\": 1.5," \
        "\"validation_loss\": [$6], \"validation_accuracy\": [$7]}"
}
zero='{"L": 0, "Q": 0, "I": 0}' best='{"L": 30, "Q": 1, "I": 3}' other='{"L": 20, "Q": 2, "I": -1}'
{
    trial baseline null "$zero, $zero" done 0.5 '2, 1.5' '0.4, 0.5'
    trial grid '"dynamic1"' "$best, $other" done 0.625 '2, 1' '0.4, 0.625'
    trial grid '"</td>"' "$zero, $other" diverged null '' ''
    trial grid null "$other, $best" hopeless 0.1 9 0.1
    printf '{"trial": 5, "phase'
} > trials.jsonl
for seed in 1 2 3; do
    for network in relu exact table; do
        [ $network = relu ] && accuracy=0.90$seed || accuracy=0.95$seed
        echo "{\"network\": \"$network\", \"seed\": $seed, \"test_accuracy\": $accuracy," \
            '"test_loss": 0.3, "seconds": 2, "images_per_s": 1000, "train_loss": [2, 1],' \
            '"train_accuracy": [0.5, 0.6], "validation_loss": [2, 1],' \
            "\"validation_accuracy\": [0.5, $accuracy]}"
    done
done > judge.jsonl
cp ../../h.json histogram.json
echo '{"interpreted_ms": 90, "generated_ms": 12, "ratio": 7.5, "max_difference": 1e-06}' \
    > compare.json
cd ../..

page() {
    "$lathe" report run-seed1 out/sweep/ 'out/<fit & co>' run-seed2 -o page.html || return
    sound page.html || return
    has page.html '&#60;fit &#38; co&#62;' 'grid&#60;script&#62;' '&#60;/td&#62;' \
        '<h2>Runs</h2>' 'act=dynamic' 'act=relu' '2 runs of 1 network.' \
        '4 runs of 2 combinations.' '1 given up early' '1 diverged' \
        'score <b>0.6250</b> (ReLU 0.5000)' \
        'dynamic1: L = 30, Q = 1, I = 3' 'ReLU 0.9020 ± 0.0010 over 3 seeds' \
        'p = 0: <b>the curve helps</b>' '<h3>Trials</h3>' 'that were found</h3>' \
        'pieces, value within' '<h3>What each curve sees</h3>' 'Generated against interpreted' \
        '<b>7.5 times</b> as fast' 'width=device-width' 'prefers-color-scheme: dark' || return
    if command -v gnuplot > gnuplot.txt; then
        has page.html 'Score by L' 'Score by Q' 'Score by I' 'Accuracy after each epoch' \
            'Loss after each epoch' 'Curve and table: dynamic1' 'Slopes: dynamic1' \
            'Seen by dynamic1' 'Seen by prelu1' 'currentColor' 'var(--c0)' 'var(--grid)' &&
            ! grep -q 'rgb( *[0-9]' page.html
    else
        echo "skipped: no gnuplot" && has page.html 'There are no pictures: '
    fi
}
check "report: every section, sound and escaped" page

# What learns on is no candidate; where a search has come no further, it is shown.
gradient() {
    mkdir -p gradient && cp 'out/<fit & co>/fit.json' gradient/ || return
    {
        trial baseline null "$zero, $zero" done 0.5 '2, 1.5' '0.4, 0.5'
        trial gradient null "$best, $other" done 0.625 '2, 1' '0.4, 0.625'
    } > gradient/trials.jsonl
    "$lathe" report gradient -o learned.html && has learned.html 'score <b>0.6250</b>' || return
    trial 'from scratch' null "$best, $other" done 0.5625 '2, 1' '0.4, 0.5625' \
        >> gradient/trials.jsonl
    "$lathe" report gradient -o frozen.html && has frozen.html 'score <b>0.5625</b>'
}
check "report: a search by gradient is judged by what is frozen" gradient

again() {
    "$lathe" report run-seed1 out/sweep/ 'out/<fit & co>' run-seed2 -o again.html &&
        cmp page.html again.html
}
check "report: the same bytes twice" again

without() {
    mkdir -p bin && PATH=$PWD/bin "$lathe" report out/sweep -o bare.html > bare.txt &&
        sound bare.html &&
        has bare.txt 'written without pictures: cannot run gnuplot' &&
        has bare.html 'There are no pictures: ' 'act=relu' && ! grep -q '<svg' bare.html
}
check "report: without gnuplot there are words" without

parts() { # of each alone
    for file in histogram.json compare.json; do
        mkdir -p alone && cp "out/<fit & co>/$file" alone/ && "$lathe" report alone -o alone.html &&
            sound alone.html || return
        rm -r alone
    done
}
check "report: of a histogram alone, of speeds alone" parts

mkdir empty broken
echo '{"epoch": 1,' > broken/log.jsonl
refuse "report of no folder" 2 "lathe report needs folders: *" "$lathe" report -o none.html
refuse "report to nowhere" 2 "lathe report needs -o FILE.html" "$lathe" report run-seed1
refuse "report of what is not there" 1 "gone: there is no such folder" \
    "$lathe" report run-seed1 gone -o none.html
refuse "report of an empty folder" 1 "empty: holds nothing that a report knows: *" \
    "$lathe" report empty -o none.html
refuse "report of what is no JSON" 1 "broken/log.jsonl:1: not JSON: *" \
    "$lathe" report broken -o none.html
refuse "report to a folder that is not there" 3 "*gone/none.html*" \
    "$lathe" report run-seed1 -o gone/none.html
usage() {
    "$lathe" report --help > help.txt && has help.txt 'usage: lathe report DIR... -o FILE.html'
}
check "report --help" usage
