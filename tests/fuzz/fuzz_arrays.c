/* NumPy's files: x for three kinds of network, or the labels or values that belong to a good x. */
#include "fuzz.h"

#include "../../runtime/data.h"

#include <stdlib.h>

static void put_good_x(void)
{
    uint8_t file[128 + 6] = "\x93NUMPY\x01\x00\x76\x00"
                            "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }";
    fuzz_put("x.npy", file, sizeof file);
}

void fuzz_parse(const uint8_t *bytes, size_t count)
{
    enum { X, POINTS, IMAGES, LABELS, VALUES, CHOICES };
    unsigned choice = fuzz_choose(&bytes, &count, CHOICES);
    struct lathe_data data = {.source = LATHE_ARRAYS,
                              .channels = choice == IMAGES ? 2 : 1,
                              .height = choice == IMAGES ? 2 : 1,
                              .width = 3,
                              .classes = choice == LABELS ? 4 : 0,
                              .targets = choice == VALUES ? 2 : 0,
                              .target = choice < LABELS ? LATHE_TARGET_INPUT : LATHE_TARGET_OWN,
                              .deviation = {1, 1, 1, 1},
                              .subset = 1,
                              .files = {"x.npy", "y.npy"}};
    if (choice == POINTS)
        data.width = 1;
    data.load_height = data.height;
    data.load_width = data.width;
    if (choice < LABELS)
        fuzz_put("x.npy", bytes, count);
    else
        put_good_x(), fuzz_put("y.npy", bytes, count);
    lathe_close_dataset(lathe_open_dataset(&data, fuzz_folder(), true, 0));
}
