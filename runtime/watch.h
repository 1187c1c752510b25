/*
 * What infer keeps of a run over a data set beside the means: a confusion matrix, all outputs.
 */
#ifndef LATHE_WATCH_H
#define LATHE_WATCH_H

#include "evaluate.h"
#include "file.h"

/* How often class r was taken for class c: counts[r * classes + c]. */
struct lathe_confusion {
    int classes;
    int64_t *counts;
};

struct lathe_confusion lathe_confusion_new(int classes);
void lathe_confusion_free(struct lathe_confusion *confusion);
/* Count the samples of EVALUATOR's batch. */
void lathe_confusion_add(struct lathe_confusion *confusion,
                         const struct lathe_evaluator *evaluator);
/* Print it, a line a class of DATASET: rows are the truth, columns the answers, and behind each row
 * the share that is right. JSON: as a list of lists, without a newline. */
void lathe_confusion_print(const struct lathe_confusion *confusion, const struct lathe_model *model,
                           const struct lathe_dataset *dataset);
void lathe_confusion_print_json(const struct lathe_confusion *confusion);

/* Begin PATH, an array of NumPy's of SAMPLES x OUTPUTS float32, which lathe_npy_add fills
 * batch by batch; dies. lathe_output_commit ends it. */
void lathe_npy_begin(struct lathe_output *file, const char *path, int samples, int outputs);
/* Append the outputs of EVALUATOR's batch. */
void lathe_npy_add(struct lathe_output *file, const struct lathe_evaluator *evaluator);

#endif
