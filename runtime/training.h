/*
 * The numbers of struct lathe_training by name, in one table: what spec.c reads from a spec, what
 * generated C has and what recipes (recipe.h) are made of. batch and epochs are not in it: the
 * first is built in, the second is an option of its own.
 */
#ifndef LATHE_TRAINING_H
#define LATHE_TRAINING_H

#include "lathe.h"

/* Where a spec has it: as an attribute of train, of an optimizer, of a schedule; or it is the word
 * of one of these itself. */
enum lathe_field_part { LATHE_IN_TRAIN, LATHE_IN_OPTIMIZER, LATHE_IN_SCHEDULE, LATHE_A_WORD };

/* An enum of lathe_optimizer_words or lathe_schedule_words, a double, an int, a bool. */
enum lathe_field_type {
    LATHE_FIELD_OPTIMIZER,
    LATHE_FIELD_SCHEDULE,
    LATHE_FIELD_REAL,
    LATHE_FIELD_WHOLE,
    LATHE_FIELD_FLAG
};

/* A field of struct lathe_training. NAME is the spec's word and the member's, and of one field
 * alone; but Adam's betas are beta1 and beta2 here, and onecycle's max is lr. */
struct lathe_field {
    const char *name;
    enum lathe_field_part part;
    enum lathe_field_type type;
    size_t offset;                  /* in struct lathe_training */
    unsigned optimizers, schedules; /* that have it, a bit each; LATHE_BY_ALL: whatever is chosen */
    double least, most;             /* of numbers, both included */
};
#define LATHE_BY_ALL (~0u)

extern const struct lathe_field lathe_training_fields[];
extern const int lathe_training_field_count;

/* What FIELD holds; words as their enumerators, flags as 0 or 1. */
double lathe_field_get(const struct lathe_training *training, const struct lathe_field *field);
/* VALUE is cut to a whole number, or to whether it is not 0, as the field has it. */
void lathe_field_set(struct lathe_training *training, const struct lathe_field *field,
                     double value);

enum { LATHE_OPTIMIZERS = LATHE_ADAMW + 1, LATHE_SCHEDULES = LATHE_PLATEAU + 1 };

/* The spec's word of a kind ("adagrad", "fixed"), by its enumerator. */
extern const char *const lathe_optimizer_words[LATHE_OPTIMIZERS];
extern const char *const lathe_schedule_words[LATHE_SCHEDULES];

#endif
