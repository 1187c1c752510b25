/* training: the table of a training's fields. See training.h. */
#include "training.h"

#define BIT(kind) (1u << LATHE_##kind)
#define OPTIMIZER(type, name, optimizers, least, most)                                             \
    {                                                                                              \
#name, LATHE_IN_OPTIMIZER, LATHE_FIELD_##type,                                             \
            offsetof(struct lathe_training, optimizer.name), optimizers, LATHE_BY_ALL, least, most \
    }
#define SCHEDULE(type, name, schedules, least, most)                                               \
    {                                                                                              \
#name, LATHE_IN_SCHEDULE, LATHE_FIELD_##type,                                              \
            offsetof(struct lathe_training, schedule.name), LATHE_BY_ALL, schedules, least, most   \
    }
#define ALL   LATHE_BY_ALL
#define ADAMS (BIT(ADAM) | BIT(ADAMW))

static const double below_one = 1 - 0x1p-53, above_none = 0x1p-1022;
/* As specs have it: with less, what is 0 would become no number. */
static const double least_eps = 1e-30;
enum { MOST_EPOCHS = 1000000 };

const struct lathe_field lathe_training_fields[] = {
    {"early_stopping", LATHE_IN_TRAIN, LATHE_FIELD_WHOLE,
     offsetof(struct lathe_training, early_stopping), ALL, ALL, 0, MOST_EPOCHS},
    {"curve_lr", LATHE_IN_TRAIN, LATHE_FIELD_REAL, offsetof(struct lathe_training, curve_lr), ALL,
     ALL, 0, 1e6},
    {"optimizer", LATHE_A_WORD, LATHE_FIELD_OPTIMIZER,
     offsetof(struct lathe_training, optimizer.kind), ALL, ALL, 0, 0},
    OPTIMIZER(REAL, momentum, BIT(SGD) | BIT(RMSPROP), 0, 1e9),
    OPTIMIZER(REAL, dampening, BIT(SGD), 0, 1e9),
    OPTIMIZER(FLAG, nesterov, BIT(SGD), 0, 0),
    OPTIMIZER(REAL, lr_decay, BIT(ADAGRAD), 0, 1e9),
    OPTIMIZER(REAL, initial_accumulator, BIT(ADAGRAD), 0, 1e9),
    OPTIMIZER(REAL, alpha, BIT(RMSPROP), 0, below_one),
    OPTIMIZER(FLAG, centered, BIT(RMSPROP), 0, 0),
    OPTIMIZER(REAL, rho, BIT(ADADELTA), 0, below_one),
    OPTIMIZER(REAL, beta1, ADAMS, 0, below_one),
    OPTIMIZER(REAL, beta2, ADAMS, 0, below_one),
    OPTIMIZER(FLAG, amsgrad, ADAMS, 0, 0),
    OPTIMIZER(REAL, eps, ALL & ~BIT(SGD), least_eps, 1e9),
    OPTIMIZER(REAL, weight_decay, ALL, 0, 1e9),
    OPTIMIZER(REAL, l1, ALL, 0, 1e9),
    OPTIMIZER(REAL, clip_value, ALL, 0, 1e9),
    OPTIMIZER(REAL, clip_norm, ALL, 0, 1e9),
    {"schedule", LATHE_A_WORD, LATHE_FIELD_SCHEDULE, offsetof(struct lathe_training, schedule.kind),
     ALL, ALL, 0, 0},
    SCHEDULE(REAL, warmup, ALL, 0, MOST_EPOCHS),
    SCHEDULE(REAL, lr, ALL, 0, 1e6),
    SCHEDULE(REAL, every, BIT(STEPS), above_none, 1e9),
    SCHEDULE(REAL, gamma, BIT(STEPS), above_none, 1e9),
    SCHEDULE(REAL, k, BIT(EXPONENTIAL) | BIT(INVERSE), above_none, 1e9),
    SCHEDULE(REAL, min, BIT(COSINE) | BIT(PLATEAU), 0, 1e6),
    SCHEDULE(REAL, pct_start, BIT(ONECYCLE), 0, 1),
    SCHEDULE(REAL, div_factor, BIT(ONECYCLE), above_none, 1e9),
    SCHEDULE(REAL, final_div_factor, BIT(ONECYCLE), above_none, 1e9),
    SCHEDULE(FLAG, cycle_momentum, BIT(ONECYCLE), 0, 0),
    SCHEDULE(REAL, base_momentum, BIT(ONECYCLE), 0, below_one),
    SCHEDULE(REAL, max_momentum, BIT(ONECYCLE), 0, below_one),
    SCHEDULE(REAL, factor, BIT(PLATEAU), above_none, below_one),
    SCHEDULE(WHOLE, patience, BIT(PLATEAU), 0, MOST_EPOCHS),
    SCHEDULE(REAL, threshold, BIT(PLATEAU), 0, below_one),
    SCHEDULE(WHOLE, cooldown, BIT(PLATEAU), 0, MOST_EPOCHS),
};

const int lathe_training_field_count =
    (int)(sizeof lathe_training_fields / sizeof *lathe_training_fields);

const char *const lathe_optimizer_words[] = {
    [LATHE_SGD] = "sgd",           [LATHE_ADAGRAD] = "adagrad", [LATHE_RMSPROP] = "rmsprop",
    [LATHE_ADADELTA] = "adadelta", [LATHE_ADAM] = "adam",       [LATHE_ADAMW] = "adamw"};

const char *const lathe_schedule_words[] = {
    [LATHE_FIXED] = "fixed",     [LATHE_STEPS] = "steps",   [LATHE_EXPONENTIAL] = "exponential",
    [LATHE_INVERSE] = "inverse", [LATHE_COSINE] = "cosine", [LATHE_ONECYCLE] = "onecycle",
    [LATHE_PLATEAU] = "plateau"};

double lathe_field_get(const struct lathe_training *training, const struct lathe_field *field)
{
    const void *at = (const char *)training + field->offset;
    switch (field->type) {
    case LATHE_FIELD_OPTIMIZER:
        return *(const enum lathe_optimizer_kind *)at;
    case LATHE_FIELD_SCHEDULE:
        return *(const enum lathe_schedule_kind *)at;
    case LATHE_FIELD_WHOLE:
        return *(const int *)at;
    case LATHE_FIELD_FLAG:
        return *(const bool *)at;
    case LATHE_FIELD_REAL:
        break;
    }
    return *(const double *)at;
}

void lathe_field_set(struct lathe_training *training, const struct lathe_field *field, double value)
{
    void *at = (char *)training + field->offset;
    switch (field->type) {
    case LATHE_FIELD_OPTIMIZER:
        *(enum lathe_optimizer_kind *)at = (enum lathe_optimizer_kind)value;
        break;
    case LATHE_FIELD_SCHEDULE:
        *(enum lathe_schedule_kind *)at = (enum lathe_schedule_kind)value;
        break;
    case LATHE_FIELD_WHOLE:
        *(int *)at = (int)value;
        break;
    case LATHE_FIELD_FLAG:
        *(bool *)at = value != 0;
        break;
    case LATHE_FIELD_REAL:
        *(double *)at = value;
        break;
    }
}
