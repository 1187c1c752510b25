/*
 * Small pictures of test images in a terminal's characters, with what the network says.
 */
#ifndef LATHE_SHOW_H
#define LATHE_SHOW_H

#include "evaluate.h"

/* Print the samples of DATASET, as many side by side as the terminal takes: the picture, the true
 * label and the prediction with its probability. Two pixels a character: in colour on a terminal,
 * as black and white blocks elsewhere. EVALUATOR is loaded. */
void lathe_show(struct lathe_evaluator *evaluator, struct lathe_dataset *dataset);

/* The class CLASS_INDEX of MODEL's data, of DATASET where that is not NULL, as people call it; TEXT
 * has room for its number. */
const char *lathe_class_text(const struct lathe_model *model, const struct lathe_dataset *dataset,
                             int class_index, char text[16]);

#endif
