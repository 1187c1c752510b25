#include "small_model.h"

#include <stdlib.h>

enum { FLOATS = 16, TRAINABLE = 12 };

static const struct lathe_parameter parameters[] = {
    {.name = "linear1.weight",
     .rank = 2,
     .dims = {3, 2},
     .trainable = true,
     .out = 3,
     .in = 2,
     .kh = 1,
     .kw = 1,
     .groups = 1,
     .spans = 1,
     .block_out = 4,
     .block_in = 1},
    {.name = "linear1.bias",
     .rank = 1,
     .dims = {3},
     .trainable = true,
     .offset = 8,
     .out = 3,
     .in = 1,
     .kh = 1,
     .kw = 1,
     .groups = 1,
     .spans = 1,
     .block_out = 4,
     .block_in = 1},
    {.name = "batchnorm1.running_mean",
     .rank = 1,
     .dims = {3},
     .offset = TRAINABLE,
     .out = 3,
     .in = 1,
     .kh = 1,
     .kw = 1,
     .groups = 1,
     .spans = 1,
     .block_out = 4,
     .block_in = 1},
};

struct lathe_model small_model(void)
{
    return (struct lathe_model){
        .abi = LATHE_ABI,
        .name = "small",
        .provenance = "lathe",
        .training = {.batch = 2, .epochs = 3, .optimizer.kind = LATHE_ADAM, .schedule.lr = 0.1},
        .parameters = parameters,
        .parameter_count = sizeof parameters / sizeof *parameters,
        .trainable_floats = TRAINABLE,
        .state_floats = FLOATS,
    };
}

struct lathe_run small_run(const struct lathe_model *model)
{
    struct lathe_run run = {.seed = 1, .step = 7, .samples = 10, .epochs = 3, .lr = 0.1};
    lathe_recipe_write(&model->training, run.recipe);
    return run;
}

struct lathe_moving small_moving(const struct lathe_model *model)
{
    struct lathe_moving moving = {.state = lathe_alloc(model->state_floats, sizeof(float)),
                                  .best = lathe_alloc(model->state_floats, sizeof(float))};
    for (int i = 0; i < 2; i++)
        moving.moments[i] = lathe_alloc(model->trainable_floats, sizeof(float));
    return moving;
}

void small_free(struct lathe_moving *moving)
{
    free(moving->state);
    free(moving->best);
    for (int i = 0; i < LATHE_MOMENTS; i++)
        free(moving->moments[i]);
}
