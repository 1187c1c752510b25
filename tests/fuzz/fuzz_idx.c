/* MNIST's files: images or labels, plain or compressed; the other file is a good one. */
#include "fuzz.h"

#include "../../runtime/data.h"

#include <stdlib.h>
#include <unistd.h>

static const char *const names[2][2] = {
    {"train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"},
    {"train-labels-idx1-ubyte", "train-labels-idx1-ubyte.gz"},
};

void fuzz_parse(const uint8_t *bytes, size_t count)
{
    static const uint8_t images[16 + 12] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2};
    static const uint8_t labels[8 + 2] = {0, 0, 8, 1, 0, 0, 0, 2, 3, 4};
    unsigned choice = fuzz_choose(&bytes, &count, 4), compressed = choice & 1,
             is_labels = choice >> 1;
    struct lathe_data data = {.source = LATHE_MNIST,
                              .channels = 1,
                              .height = 3,
                              .width = 2,
                              .classes = 10,
                              .deviation = {1, 1, 1, 1},
                              .subset = 1};
    for (int i = 0; i < 4; i++)
        unlink(fuzz_path(names[i / 2][i % 2]));
    if (is_labels)
        fuzz_put(names[0][0], images, sizeof images);
    else
        fuzz_put(names[1][0], labels, sizeof labels);
    fuzz_put(names[is_labels][compressed], bytes, count);
    lathe_close_dataset(lathe_open_dataset(&data, fuzz_folder(), true, 0));
}
