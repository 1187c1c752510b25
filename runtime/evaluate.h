/*
 * What a network gets right: a loaded inference arena run over a data set.
 */
#ifndef LATHE_EVALUATE_H
#define LATHE_EVALUATE_H

#include "data.h"
#include "lathe.h"

/* One set of weights, packed, and what its training set said about normalisation. */
struct lathe_member {
    void *arena;
    struct lathe_data data;  /* the model's; its mean and deviation, where they are measured */
    float *mean, *deviation; /* channels each, where they are measured; else NULL */
};

/* A model ready to infer, and room for one batch of it. Several members are an ensemble: its output
 * is the mean of theirs; of networks that end in logits, of the probabilities. */
struct lathe_evaluator {
    const struct lathe_model *model;
    struct lathe_member *members;
    int member_count;
    bool probabilities; /* OUTPUT sums to 1 */
    struct lathe_batch batch;
    float *output; /* infer_batch x outputs */
    float *one;    /* a member's output; NULL where there is one member */
    /* lathe_evaluate tells OBSERVER of each batch, whose first sample is FIRST, when its output is
     * there; NULL: nobody. */
    void (*observe)(void *observer, const struct lathe_evaluator *evaluator, int first);
    void *observer;
    bool (*stops)(void); /* lathe_evaluate ends before a batch where this says so; NULL: never */
};

/* Means over a data set; accuracy and top5 are NaN for regression, loss too without a target. */
struct lathe_metrics {
    double loss, accuracy, top5;
    int count;           /* samples; fewer than asked for where the evaluator was stopped */
    double images_per_s; /* reading the data included */
};

/* MEMBERS sets of weights, to be loaded before anything is run. */
struct lathe_evaluator *lathe_evaluator_new(const struct lathe_model *model, int members);
void lathe_evaluator_free(struct lathe_evaluator *evaluator);
/* Give member MEMBER the weights LOGICAL, parallel to the model's parameters. */
void lathe_evaluator_load(struct lathe_evaluator *evaluator, int member,
                          const float *const *logical);

/* The outputs of COUNT samples that lie in EVALUATOR's batch. */
void lathe_evaluator_infer(struct lathe_evaluator *evaluator, int count);
/* The outputs of COUNT samples of DATASET, those whose places are in ORDER (NULL: all) from FIRST
 * on, read and normalised as each member was trained; the batch holds them as the last member saw
 * them. */
void lathe_evaluator_run(struct lathe_evaluator *evaluator, struct lathe_dataset *dataset,
                         const uint32_t *order, int first, int count);
/* The output of the image file PATH; dies where it is none. */
void lathe_evaluator_image(struct lathe_evaluator *evaluator, const char *path);

/* Room for the input, and where MODEL has them the labels and targets, of COUNT samples. */
struct lathe_batch lathe_batch_new(const struct lathe_model *model, int count);
void lathe_batch_free(struct lathe_batch *batch);

/* Floats of a sample of MODEL's input. */
size_t lathe_sample_floats(const struct lathe_model *model);

/* Where MODEL's data are measured: put the mean and deviation of the training set DATASET into the
 * STATE block, as parameters data.mean and data.std. */
void lathe_measure_data(const struct lathe_model *model, const struct lathe_dataset *dataset,
                        float *state);
/* Where MODEL's data are measured: normalise DATASET as the STATE block says. */
void lathe_normalise_by_state(const struct lathe_model *model, const float *state,
                              struct lathe_dataset *dataset);

/* The row of train's and infer's options that says what becomes of files that are no image:
 * --on-bad -file stop|skip, into TEXT; and what it says. Dies where it is another word. */
#define LATHE_BAD_FILE_OPTION(text)                                                                \
    {                                                                                              \
        "on-bad-file", "stop|skip", "images that cannot be read: stop, or leave them out [stop]",  \
            LATHE_OPTION_TEXT, (text), 0, 0, 0                                                     \
    }
bool lathe_skips_bad_files(const char *on_bad_file);

/* Run the whole of DATASET through EVALUATOR. Sums are of doubles, in the data set's order. */
struct lathe_metrics lathe_evaluate(struct lathe_evaluator *evaluator,
                                    struct lathe_dataset *dataset);
/* The same of the COUNT samples of DATASET whose places are in ORDER. */
struct lathe_metrics lathe_evaluate_part(struct lathe_evaluator *evaluator,
                                         struct lathe_dataset *dataset, const uint32_t *order,
                                         int count);

/* Die where MODEL is of another runtime, or its output does not fit its data. */
void lathe_check_model(const struct lathe_model *model);

/* Probabilities of one sample's OUTPUT: softmax, or a copy where it is probabilities. */
void lathe_probabilities(const struct lathe_evaluator *evaluator, const float *output,
                         double *probability);

/* The place of the largest of one sample's OUTPUTS numbers, the first of equal ones. */
int lathe_answer(const float *output, int outputs);

#endif
