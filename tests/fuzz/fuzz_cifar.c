/* CIFAR's files, of 10 classes or of 100. */
#include "fuzz.h"

#include "../../runtime/data.h"

void fuzz_parse(const uint8_t *bytes, size_t count)
{
    unsigned hundred = fuzz_choose(&bytes, &count, 2);
    struct lathe_data data = {.source = hundred ? LATHE_CIFAR100 : LATHE_CIFAR10,
                              .channels = 3,
                              .height = 32,
                              .width = 32,
                              .classes = hundred ? 100 : 10,
                              .deviation = {1, 1, 1, 1},
                              .subset = 1};
    fuzz_put(hundred ? "test.bin" : "test_batch.bin", bytes, count);
    lathe_close_dataset(lathe_open_dataset(&data, fuzz_folder(), false, 0));
}
