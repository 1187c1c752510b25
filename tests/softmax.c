/* softmax: see softmax.h. */
#include "softmax.h"

#include "child.h"

#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../runtime/random.h"

/* As a linear layer after flatten is packed: a 28x28 convolution of one channel. */
static const struct lathe_parameter softmax_parameters[] = {
    {.name = "linear1.weight",
     .rank = 2,
     .dims = {CLASSES, PIXELS},
     .trainable = true,
     .out = CLASSES,
     .in = 1,
     .kh = 28,
     .kw = 28,
     .groups = 1,
     .spans = 1,
     .block_out = 16,
     .block_in = 1,
     .init = LATHE_UNIFORM,
     .value = 1.0 / 28},
    {.name = "linear1.bias",
     .rank = 1,
     .dims = {CLASSES},
     .trainable = true,
     .offset = W_FLOATS,
     .out = CLASSES,
     .in = 1,
     .kh = 1,
     .kw = 1,
     .groups = 1,
     .spans = 1,
     .block_out = 16,
     .block_in = 1,
     .init = LATHE_UNIFORM,
     .value = 1.0 / 28},
    {.name = "linear1.running_mean",
     .rank = 1,
     .dims = {CLASSES},
     .offset = W_FLOATS + 16,
     .out = CLASSES,
     .in = 1,
     .kh = 1,
     .kw = 1,
     .groups = 1,
     .spans = 1,
     .block_out = 16,
     .block_in = 1,
     .init = LATHE_CONSTANT,
     .value = 1},
};

struct mischief mischief;

static void softmax_load(const struct lathe_model *model, const float *const *logical, void *arena)
{
    (void)model;
    memcpy(arena, logical[0], sizeof(float) * CLASSES * PIXELS);
    memcpy((float *)arena + CLASSES * PIXELS, logical[1], sizeof(float) * CLASSES);
}

static void softmax_infer(const struct lathe_model *model, const float *input, float *output,
                          int count, void *arena)
{
    (void)model;
    static int batches;
    if (++batches == mischief.signal_batch)
        raise(mischief.signal);
    const float *w = arena, *bias = w + CLASSES * PIXELS;
#pragma omp parallel for
    for (int i = 0; i < count * CLASSES; i++) {
        const float *x = input + (size_t)(i / CLASSES) * PIXELS, *row = w + i % CLASSES * PIXELS;
        float sum = bias[i % CLASSES];
        for (int j = 0; j < PIXELS; j++)
            sum += row[j] * x[j];
        output[i] = sum;
    }
}

/* Outputs minus one-hot labels of a batch into ERROR; the mean loss. */
static double softmax_forward(const struct lathe_batch *batch, const float *state, float *error,
                              int *correct)
{
    double loss = 0;
    for (int i = 0; i < batch->count; i++) {
        double logits[CLASSES], sum = 0;
        int best = 0, label = batch->labels[i];
        for (int k = 0; k < CLASSES; k++) {
            logits[k] = (double)state[W_FLOATS + k];
            for (int j = 0; j < PIXELS; j++)
                logits[k] += (double)(state[j * 16 + k] * batch->input[i * PIXELS + j]);
            best = logits[k] > logits[best] ? k : best;
        }
        for (int k = 0; k < CLASSES; k++)
            sum += exp(logits[k] - logits[best]);
        for (int k = 0; k < CLASSES; k++)
            error[i * CLASSES + k] =
                (float)((exp(logits[k] - logits[best]) / sum - (k == label)) / batch->count);
        loss += log(sum) + logits[best] - logits[label];
        *correct += best == label;
    }
    return loss / batch->count;
}

static void softmax_step(const struct lathe_model *model, const struct lathe_batch *batch,
                         uint64_t seed, uint64_t step, struct lathe_step_result *result,
                         void *arena)
{
    float *state = arena, *gradient = (float *)arena + GRADIENT_AT / 4;
    float error[BATCH * CLASSES];
    result->loss = softmax_forward(batch, state, error, &result->correct);
#pragma omp parallel for
    for (int j = 0; j < PIXELS; j++)
        for (int k = 0; k < CLASSES; k++) {
            float sum = 0;
            for (int i = 0; i < batch->count; i++)
                sum += error[i * CLASSES + k] * batch->input[i * PIXELS + j];
            /* something like dropout: noise of (seed, step) */
            uint32_t bits = lathe_dropout_bits(seed, step, 0, 0, (uint32_t)(j * CLASSES + k));
            gradient[j * 16 + k] = sum * (1.0f + 0.1f * lathe_uniform(bits));
        }
    for (int k = 0; k < CLASSES; k++) {
        gradient[W_FLOATS + k] = 0;
        for (int i = 0; i < batch->count; i++)
            gradient[W_FLOATS + k] += error[i * CLASSES + k];
        state[W_FLOATS + 16 + k] = 0.9f * state[W_FLOATS + 16 + k] + 0.1f * error[k];
    }
    usleep((useconds_t)mischief.nap);
    if (mischief.signal && !mischief.signal_batch && step == mischief.signal_step)
        raise(mischief.signal);
    if (mischief.no_number && step == 7)
        result->loss = (double)NAN;
    for (size_t i = 0; mischief.alone && i < W_FLOATS + 16; i++)
        gradient[i] = state[i] == 0 ? 0 : state[i] - 1;
    if (step >= mischief.bad_from && step < mischief.bad_to)
        gradient[W_FLOATS + 3] = state[W_FLOATS + 17] = mischief.bad;
    (void)model;
}

static const struct lathe_augmentation cropped = {.kind = LATHE_CROP, .size = 28, .pad = 2};

struct lathe_model softmax_model(void)
{
    return (struct lathe_model){
        .abi = LATHE_ABI,
        .name = "softmax",
        .provenance = "lathe test",
        .channels = 1,
        .height = 28,
        .width = 28,
        .outputs = CLASSES,
        .loss = LATHE_CROSS_ENTROPY,
        .data = {.source = LATHE_DIGITS,
                 .channels = 1,
                 .height = 28,
                 .width = 28,
                 .classes = CLASSES,
                 .mean = {0.1f},
                 .deviation = {0.3f},
                 .augmentation = &cropped,
                 .augmentation_count = 1,
                 .subset = 1},
        .training = {.batch = BATCH,
                     .epochs = 3,
                     .optimizer = {.kind = LATHE_ADAM,
                                   .beta1 = 0.9,
                                   .beta2 = 0.999,
                                   .eps = 1e-8,
                                   .weight_decay = 1e-4,
                                   .clip_value = 0.1},
                     .schedule = {.kind = LATHE_ONECYCLE,
                                  .lr = 0.01,
                                  .pct_start = 0.3,
                                  .div_factor = 25,
                                  .final_div_factor = 1e4,
                                  .cycle_momentum = true,
                                  .base_momentum = 0.85,
                                  .max_momentum = 0.95}},
        .parameters = softmax_parameters,
        .parameter_count = 3,
        .trainable_floats = W_FLOATS + 16,
        .state_floats = STATE,
        .infer_batch = 16,
        .infer_arena_bytes = 4 * CLASSES * (PIXELS + 1),
        .train_arena_bytes = 2 * GRADIENT_AT,
        .gradient_offset = GRADIENT_AT,
        .load = softmax_load,
        .infer = softmax_infer,
        .step = softmax_step,
    };
}

/* Stop with SIGNAL in step STEP, then resume: weights and log end as if nothing had been. */
void stop_and_resume(int (*train)(int argc, char **argv), int signal, uint64_t step)
{
    struct outcome whole =
        run(train, NULL, SMALL, "--save", in_root("whole"), "--log", in_root("whole.jsonl"), NULL);
    ck_assert_msg(whole.status == 0, "%s", whole.err);
    mischief.signal = signal;
    mischief.signal_step = step;
    char *every = mischief.every ? (char *)mischief.every : "30";
    struct outcome part =
        run(train, NULL, SMALL, "--save", in_root("part"), "--checkpoint", in_root("c d"), "--log",
            in_root("part.jsonl"), mischief.every ? "--every" : NULL, every, NULL);
    mischief.signal = 0;
    ck_assert_int_eq(part.status, signal == SIGKILL ? 128 + SIGKILL : 0);
    ck_assert_int_eq(access(in_root("part"), F_OK), -1);
    if (signal != SIGKILL) {
        ck_assert_msg(strstr(last_line(part.out), "stopped after step"), "%s", part.out);
        ck_assert_msg(strstr(last_line(part.out), "/c d' --log ") &&
                          strstr(last_line(part.out), " --resume\n"),
                      "%s", part.out);
    }
    struct outcome rest =
        run(train, NULL, SMALL, "--threads", "3", "--save", in_root("part"), "--checkpoint",
            in_root("c d"), "--resume", "--log", in_root("part.jsonl"), NULL);
    ck_assert_msg(rest.status == 0, "%s", rest.err);
    assert_same_file(in_root("whole"), in_root("part"));
    char *a = timeless(in_root("whole.jsonl")), *b = timeless(in_root("part.jsonl"));
    ck_assert_str_eq(a, b);
    free(a);
    free(b);
    ck_assert_int_eq(matches("c d/checkpoint-*"), 2);
    ck_assert_int_eq(matches("c d/.*.tmp"), 0);
    outcome_free(&whole);
    outcome_free(&part);
    outcome_free(&rest);
}
