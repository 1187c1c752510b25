/*
 * What a network gets right: a loaded inference arena run over a data set.
 */
#ifndef LATHE_EVALUATE_H
#define LATHE_EVALUATE_H

#include "data.h"
#include "lathe.h"

/* A model ready to infer, and room for one batch of it. */
struct lathe_evaluator {
    const struct lathe_model *model;
    void *arena;
    struct lathe_batch batch;
    float *output; /* infer_batch x outputs */
};

/* Means over a data set; accuracy and top5 are NaN for regression. */
struct lathe_metrics {
    double loss, accuracy, top5;
    int count;
    double images_per_s; /* reading the data included */
};

struct lathe_evaluator *lathe_evaluator_new(const struct lathe_model *model);
void lathe_evaluator_free(struct lathe_evaluator *evaluator);

/* Room for the input, and where MODEL has them the labels and targets, of COUNT samples. */
struct lathe_batch lathe_batch_new(const struct lathe_model *model, int count);
void lathe_batch_free(struct lathe_batch *batch);

/* Floats of a sample of MODEL's input. */
size_t lathe_sample_floats(const struct lathe_model *model);

/* Run the whole of DATASET through the weights that EVALUATOR's arena was loaded with. Sums are of
 * doubles, in the data set's order. */
struct lathe_metrics lathe_evaluate(struct lathe_evaluator *evaluator,
                                    const struct lathe_dataset *dataset);

/* Die where MODEL is of another runtime, or its output does not fit its data. */
void lathe_check_model(const struct lathe_model *model);

/* Probabilities of one sample's OUTPUTS numbers: softmax, or a copy where the network ended in it.
 */
void lathe_probabilities(const struct lathe_model *model, const float *output, double *probability);

#endif
