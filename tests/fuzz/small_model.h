/* small_model: three parameters and what training keeps of them, for checkpoints. */
#ifndef LATHE_FUZZ_SMALL_MODEL_H
#define LATHE_FUZZ_SMALL_MODEL_H

#include "../../runtime/checkpoint.h"

struct lathe_model small_model(void);
/* A run of it, at step 7. */
struct lathe_run small_run(const struct lathe_model *model);
/* Memory of its own for what training moves; freed by small_free. */
struct lathe_moving small_moving(const struct lathe_model *model);
void small_free(struct lathe_moving *moving);

#endif
