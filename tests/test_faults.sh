#!/bin/sh
# test_faults: the n-th allocation or system call of lathe build, train and infer fails, or the
# process is killed there. Whatever happens: no crash, a line that says what was wrong, each file
# what it was or what it was to be; and the same command again, without a fault, ends in the same
# bytes as if nothing had been.
#
#     FAULT_POINTS=N|all   of each command, half of them allocations (25)
#     FAULT_KILLS=N        of a training run, at any moment (20)
#     FAULT_COMMANDS=WORDS some of build train infer
#     FAULT_SEED=N         which points and moments (by the clock; printed)
#
# System calls are strace's to spoil, allocations tests/faults/memory.c's. LATHE: the program.

top=$PWD
. tests/script.sh
points=${FAULT_POINTS:-25}
kills=${FAULT_KILLS:-20}
commands=${FAULT_COMMANDS:-build train infer}
seed=${FAULT_SEED:-$(($(date +%s) % 10000))}
preload=$work/libfaults.so
export OMP_WAIT_POLICY=passive OMP_NUM_THREADS=2 # set, or train starts itself again to set it
echo "FAULT_SEED=$seed"

# ---- what is tried ----

cat > net.lua << 'END'
local o = options { width = 4 }
return network {
  input = image(1, 28, 28),
  conv(o.width, 3, { stride = 2 }), batchnorm(),
  dynamic { L = 5, Q = 1, I = -1, table = tangent(0.1) },
  maxpool(2), flatten(), dropout(0.2), linear(10),
  loss  = cross_entropy(),
  data  = digits { augment = { hflip(), noise(0.01) }, subset = 0.005, validation = 0.25 },
  train = { batch = 64, epochs = 2, optimizer = adam(), lr = onecycle { max = 0.01 } },
}
END

# run COMMAND WORD...: it, started by WORDS.
run() {
    command=$1
    shift
    case $command in
    build) "$@" "$lathe" build net.lua --isa portable --emit-only -o net ;;
    train)
        "$@" programs/train --data . --limit-test 64 --checkpoint run --resume --log log.jsonl \
            --save w.safetensors
        ;;
    infer) "$@" programs/infer --data . --weights trained --limit 64 --output out.npy ;;
    esac > stdout.txt 2> stderr.txt < /dev/null
}

# untouched COMMAND: whether the folder is still, or again, as it is before it.
untouched() {
    for left in .*.tmp; do
        [ ! -e "$left" ] || return 1
    done
    case $1 in
    build) diff -r old net ;;
    train) [ ! -e run ] && [ ! -e log.jsonl ] && cmp net.lua w.safetensors ;;
    infer) cmp net.lua out.npy ;;
    esac > difference.txt 2>&1
}

# before COMMAND: the folder as it is before it.
before() {
    untouched "$1" && return
    rm -rf net run log.jsonl w.safetensors out.npy .*.tmp
    case $1 in
    build) cp -R old net ;;
    train) cp net.lua w.safetensors ;;
    infer) cp net.lua out.npy ;;
    esac
}

# results COMMAND: what it leaves that counts, one file a line; logs without the clock's part.
results() {
    case $1 in
    build) find net -type f ! -name '.*.tmp' -exec cksum {} + ;;
    train) cksum w.safetensors && sed 's/"images_per_s.*//' log.jsonl | cksum ;;
    infer) cksum out.npy ;;
    esac 2> /dev/null | sort
}

# ---- what must hold ----

# judge COMMAND STATUS: of the run that just ended. Where it failed and touched nothing, the next
# run would be the one that has been seen to go well.
judge() {
    [ "$2" -ge 1 ] && [ "$2" -le 4 ] && [ -s stderr.txt ] && untouched "$1" && return
    results "$1" > given.txt 2> /dev/null
    case $2 in
    0) cmp -s given.txt "$1.new" || echo "succeeded with other results" ;;
    137) ;; # killed
    [1-4])
        [ -s stderr.txt ] || echo "status $2 without a word"
        find . -name '.*.tmp' | sed 's/^/left behind: /'
        ;;
    *) echo "crashed: status $2" ;;
    esac
    [ "$1" = train ] || sort -u "$1.old" "$1.new" | comm -13 - given.txt | sed 's/^/spoilt: /'
    [ "$2" -eq 0 ] && return
    run "$1" || { echo "does not go on: status $?" && cat stderr.txt; }
    results "$1" | cmp -s - "$1.new" || echo "went on to other results"
}

# try COMMAND WHAT WORD...: COMMAND started by WORDS, in which something happens: WHAT.
try() {
    command=$1 what=$2
    shift 2
    before "$command"
    run "$command" "$@"
    status=$?
    grep -q '^libgomp: ' stderr.txt && return # threads that OpenMP cannot have end the program
    cp stderr.txt said.txt
    judge "$command" $status > wrong.txt
    tried=$((tried + 1))
    [ -s wrong.txt ] && { echo "# $what" && sed 's/^/#   /' wrong.txt said.txt; } >> wrongs.txt
}

# ---- where things can go wrong ----

calls='openat read write fsync rename close newfstatat mkdir unlink mmap getdents64 flock lseek
    ftruncate clone3'
errors() {
    case $1 in
    openat) echo EMFILE EACCES ;;
    read) echo EIO EINTR ;;
    write) echo EIO ENOSPC EINTR ;;
    fsync) echo EIO EINTR ;;
    rename | mkdir) echo ENOSPC ;;
    mmap) echo ENOMEM ;;
    clone3) echo EAGAIN ;;
    *) echo EIO ;;
    esac
}

# made CALL FILE: how often it is in what strace -c counted.
made() { awk -v call="$1" '$NF == call { n = $4 } END { print n + 0 }' "$2"; }

# linker COMMAND CALL: how many of the CALLs are the dynamic linker's; they come first, and those of
# its kinds that --help makes are all its.
linker() {
    case $2 in
    openat | read | close | newfstatat | mmap) ;;
    *) echo 0 && return ;;
    esac
    program=programs/$1
    [ "$1" = build ] && program=$lathe
    strace -f -c -o linker.txt "$program" --help > stdout.txt
    made "$2" linker.txt
}

# list_points COMMAND: "alloc HOW N" and "call NAME ERROR N", a line each.
list_points() {
    before "$1"
    run "$1" env LD_PRELOAD="$preload" FAULT_COUNT=count.txt
    seq "$(cat count.txt)" | awk '{ print "alloc once", $1; print "alloc sticky", $1 }'
    before "$1"
    run "$1" strace -f -c -o calls.txt
    for call in $calls; do
        first=$(($(linker "$1" "$call") + 1))
        for error in $(errors "$call"); do
            seq $first "$(made "$call" calls.txt)" | sed "s/^/call $call $error /"
        done
    done
}

# shuffle: the lines of stdin in an order that the seed makes.
shuffle() {
    awk -v seed="$seed" 'BEGIN { srand(seed) } { print rand(), $0 }' | sort -n | cut -d ' ' -f 2-
}

inject() { echo "strace -f -qq -o /dev/null -e trace=$1 -e inject=$1:$2:when=$3"; }

# at COMMAND POINT...: as list_points has them.
at() {
    command=$1
    shift
    case "$1 $2" in
    "alloc once") try "$command" "$*" env LD_PRELOAD="$preload" FAULT_AT="$3" ;;
    "alloc sticky") try "$command" "$*" env LD_PRELOAD="$preload" FAULT_AT="$3" FAULT_STICKY=1 ;;
    # shellcheck disable=SC2046 # words
    call*) try "$command" "$*" $(inject "$2" "error=$3" "$4") ;;
    esac
}

# upto N: try points of the file chosen.txt for $command until N are tried in all.
upto() {
    while [ "$1" = all ] || [ $tried -lt "$1" ]; do
        read -r point <&3 || break
        # shellcheck disable=SC2086 # words
        at "$command" $point
    done 3< chosen.txt
}

# report NAME: how many points, and those where something was wrong.
report() {
    check "$1 ($tried)" sh -c 'cat wrongs.txt; [ ! -s wrongs.txt ]'
    [ "$tried" -gt 0 ] || echo "not ok - $1: nothing was tried"
    tried=0
    : > wrongs.txt
}

# ---- to it ----

command -v strace > /dev/null && strace -f -qq -o /dev/null true 2> /dev/null ||
    { echo "skipped: strace cannot be used here" && exit 0; }
${CC:-cc} -shared -fPIC -O1 -o "$preload" "$top/tests/faults/memory.c" -ldl || exit 3
"$lathe" build net.lua --isa portable -o programs > stdout.txt || exit 3
"$lathe" build net.lua --isa portable --set width=3 --emit-only -o old > stdout.txt || exit 3
before train && run train && cp w.safetensors trained || exit 3
for command in build train infer; do
    before $command
    results $command > $command.old
    run $command || { cat stderr.txt && exit 3; }
    results $command > $command.new
    cmp -s $command.old $command.new && { echo "$command changes nothing" && exit 3; }
done
tried=0
: > wrongs.txt

for command in $commands; do
    list_points $command > points.txt
    if [ "$points" = all ]; then half=all; else half=$((points / 2)); fi
    grep '^alloc' points.txt | shuffle > chosen.txt
    upto $half
    grep '^call' points.txt | shuffle > chosen.txt
    upto "$points"
    report "$command: allocations and system calls that fail"
    try $command "short writes" env LD_PRELOAD="$preload" FAULT_SHORT=7
    report "$command: writes of 7 bytes at most"
done

# ---- no room ----

# no_room COMMAND WHAT WORD...: started by WORDS, where there is no room for all it writes: it must
# not succeed.
no_room() {
    command=$1 what=$2
    try "$@"
    [ $status -ne 0 ] || echo "# $what: succeeded" >> wrongs.txt
}

cat > small_files << 'END'
# BLOCKS WORD...: run the words; files end after so many blocks of 512 bytes, pipes do not
blocks=$1
shift
{ (trap "" XFSZ && ulimit -f "$blocks" && "$@"); echo $? > status.txt; } 2>&1 | cat >&2
exit "$(cat status.txt)"
END
for command in $commands; do
    for blocks in 0 1 4; do
        no_room $command "files of $blocks blocks" sh small_files $blocks
    done
    report "$command: files may not grow"
done

# full_output COMMAND WORD...: the files are written, but not what it says.
full_output() {
    before "$1"
    command=$1 what="$2"
    shift 2
    run "$command" "$@"
    status=$?
    [ $status -eq 3 ] && grep -q 'standard output: cannot write' stderr.txt &&
        results "$command" | cmp -s - "$command.new" ||
        { echo "# $what: status $status" && cat stderr.txt; } >> wrongs.txt
    tried=$((tried + 1))
}
# shellcheck disable=SC2016 # for another shell
for command in $commands; do
    full_output $command "output to a full device" sh -c 'exec "$@" > /dev/full' sh
    full_output $command "output closed" sh -c 'exec "$@" >&-' sh
    report "$command: nowhere to say it"
done

# ---- killed ----

# a training run killed at system calls of its files, and at any moment
list_points train | awk '$1 == "call" && !seen[$2 $4]++ { print $2, $4 }' > points.txt
count=$(wc -l < points.txt)
if [ "$points" = all ]; then cat points.txt; else
    awk -v seed="$seed" -v share="$((kills / 2))/$count" '
        BEGIN { srand(seed + 1); split(share, s, "/") }
        rand() * s[2] < s[1]' points.txt
fi > chosen.txt
while read -r call number <&3; do
    # shellcheck disable=SC2046 # words
    try train "killed at $call $number" $(inject "$call" signal=KILL "$number")
done 3< chosen.txt
before train
for i in $(seq "$kills"); do
    moment=$(awk -v s="$seed$i" 'BEGIN { srand(s); printf "%.3f", rand() * 0.3 }')
    run train timeout -s KILL "$moment"
    status=$?
    [ ! -e run/.lock ] || flock -w 20 run/.lock true # killed, but is it gone?
    tried=$((tried + 1))
    if [ $status -eq 0 ]; then
        results train | cmp -s - train.new || echo "# killed $i times: other results" >> wrongs.txt
        before train
    elif [ $status -ne 137 ]; then
        { echo "# killed after $moment s: then status $status" && cat stderr.txt; } >> wrongs.txt
    fi
done
run train
results train | cmp -s - train.new || echo "# killed $kills times: other results" >> wrongs.txt
report "train: killed, and gone on with"
