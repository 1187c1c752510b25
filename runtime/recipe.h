/*
 * Recipes: optimizer and schedule as text, "optimizer=adam,beta1=0.9,...,schedule=fixed,lr=0.01".
 *
 * training.h's table says how each field is called, which optimizers or schedules have it, and
 * between which numbers it lies.
 */
#ifndef LATHE_RECIPE_H
#define LATHE_RECIPE_H

#include "file.h"
#include "lathe.h"

enum { LATHE_RECIPE_TEXT = 2048 }; /* bytes that hold any recipe as text */

/* Write TRAINING's recipe, all fields that its optimizer and schedule have, to TEXT; numbers read
 * back to the same bits. */
void lathe_recipe_write(const struct lathe_training *training, char text[LATHE_RECIPE_TEXT]);

/* Change the fields of TRAINING that TEXT names. Another optimizer or schedule begins with its
 * defaults, PyTorch's; the fields that all have stay. Returns false, TRAINING as it was, where TEXT
 * is wrong: a field that is unknown or not of this optimizer or schedule, a value out of range. */
bool lathe_recipe_read(const char *text, struct lathe_training *training,
                       struct lathe_error *error);

/* The name of field INDEX, NULL behind the last. */
const char *lathe_recipe_field(int index);

/* The first field, but for lr, that differs between the recipes A and B as written; FALSE where
 * there is none. Each item as "momentum=0.9", or "no momentum". */
bool lathe_recipe_difference(const char *a, const char *b, char in_a[80], char in_b[80]);

#endif
