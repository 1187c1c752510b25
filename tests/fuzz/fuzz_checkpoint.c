/* Checkpoints: the newest of a folder, read for a small network. */
#include "fuzz.h"
#include "small_model.h"

#include "../../runtime/safetensors.h"

/* Instead of the runtime's own: who writes a file can write its checksum, and no mutation would
 * come any further. fuzz_safetensors has the real one. */
bool lathe_tensors_check_seal(const struct lathe_tensors *file, struct lathe_error *error)
{
    (void)file, (void)error;
    return true;
}

void fuzz_parse(const uint8_t *bytes, size_t count)
{
    const struct lathe_model model = small_model();
    struct lathe_run run = small_run(&model);
    struct lathe_moving moving = small_moving(&model);
    fuzz_put("checkpoint-0000000007.safetensors", bytes, count);
    lathe_checkpoint_read(&model, fuzz_folder(), &run, &moving);
    small_free(&moving);
}
