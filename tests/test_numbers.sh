#!/bin/sh
# test_numbers: numbers that stop being finite, in generated programs: the kernel where they began
# is named, also in programs whose compiler was told that there are none.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/script.sh
. "$here/script.sh"

# Weights of three layers whose deviation is as large as one likes.
cat > deep.lua << 'END'
local o = options { first = 1.0, second = 1.0, third = 1.0 }
return network {
  input = image(1, 28, 28),
  conv(8, 3), batchnorm(), relu(), maxpool(2), flatten(), linear(32), relu(),
  linear(16, { init = normal { std = o.first } }), relu(),
  linear(16, { init = normal { std = o.second } }), relu(),
  linear(10, { init = normal { std = o.third } }),
  loss = cross_entropy(), data = digits(),
  train = { batch = 32, epochs = 1, optimizer = sgd(), lr = 0.001 },
}
END

# ends FOLDER TEXT ARGUMENTS...: its train ends with status 4 and one line that begins with TEXT.
ends() {
    folder=$1 text=$2
    shift 2
    "$folder/train" --limit-train 320 --limit-test 32 --quiet "$@" > out.txt 2> err.txt
    given=$?
    cat out.txt err.txt
    [ $given -eq 4 ] && [ "$(wc -l < err.txt)" -eq 1 ] && grep -q "^train: $text" err.txt
}

"$lathe" build deep.lua --set first=1e20 --set second=1e30 -o deep > /dev/null
check "the first kernel is named" ends deep \
    'loss is nan at step 1 (epoch 1), first of all in linear3 (forward): a smaller --lr may help$'
check "so it is for any number of threads" ends deep \
    'loss is nan at step 1 (epoch 1), first of all in linear3 (forward): ' --threads 3
check "steps are left out" ends deep \
    'loss is nan at step 4 (epoch 1) after 3 left out in a row, first of all in linear3 ' \
    --skip-bad-steps 3

# The loss is finite, the gradients on the way back are not.
"$lathe" build deep.lua --set first=1e-30 --set second=1e25 --set third=1e25 -o steep > /dev/null
check "the first kernel on the way back is named" ends steep \
    'a gradient is not finite at step 1 (epoch 1), first of all in linear3 (backward data): '

rm -rf deep/.build deep/train
make -s -C deep -j2 train CFLAGS='-O1 -ffast-math' > make.txt 2>&1
check "-ffast-math does not hide them" ends deep \
    'loss is -*[a-z]* at step 1 (epoch 1), first of all'
