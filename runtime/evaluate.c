/*
 * evaluate: loss, accuracy and top-5 accuracy of a network on a data set.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "evaluate.h"
#include "progress.h"

void lathe_check_model(const struct lathe_model *model)
{
    if (model->abi != LATHE_ABI)
        lathe_die(LATHE_USER, "%s: made for runtime %d, this is %d: build it again", model->name,
                  model->abi, LATHE_ABI);
    const struct lathe_data *data = &model->data;
    int wanted = data->classes ? data->classes : 1;
    if (model->outputs != wanted)
        lathe_die(LATHE_USER, "%s: expected %d outputs for its data, given %d", model->name, wanted,
                  model->outputs);
    if (data->channels != model->channels || data->height != model->height ||
        data->width != model->width)
        lathe_die(LATHE_USER, "%s: expected input %dx%dx%d, given data of %dx%dx%d", model->name,
                  model->channels, model->height, model->width, data->channels, data->height,
                  data->width);
}

size_t lathe_sample_floats(const struct lathe_model *model)
{
    return (size_t)model->channels * (size_t)model->height * (size_t)model->width;
}

struct lathe_batch lathe_batch_new(const struct lathe_model *model, int count)
{
    size_t samples = (size_t)count;
    struct lathe_batch batch = {
        .input = lathe_alloc(samples, lathe_sample_floats(model) * sizeof(float))};
    if (model->data.classes)
        batch.labels = lathe_alloc(samples, sizeof *batch.labels);
    if (model->loss == LATHE_MSE)
        batch.targets = lathe_alloc(samples, (size_t)model->outputs * sizeof *batch.targets);
    return batch;
}

void lathe_batch_free(struct lathe_batch *batch)
{
    free(batch->input);
    free(batch->labels);
    free(batch->targets);
    *batch = (struct lathe_batch){0};
}

struct lathe_evaluator *lathe_evaluator_new(const struct lathe_model *model)
{
    struct lathe_evaluator *evaluator = lathe_alloc(1, sizeof *evaluator);
    evaluator->model = model;
    evaluator->arena = lathe_alloc(model->infer_arena_bytes, 1);
    evaluator->batch = lathe_batch_new(model, model->infer_batch);
    evaluator->output =
        lathe_alloc((size_t)model->infer_batch, (size_t)model->outputs * sizeof(float));
    return evaluator;
}

void lathe_evaluator_free(struct lathe_evaluator *evaluator)
{
    free(evaluator->arena);
    lathe_batch_free(&evaluator->batch);
    free(evaluator->output);
    free(evaluator);
}

/* log(sum(exp(x))) without overflow. */
static double log_sum_exp(const float *x, int count)
{
    double largest = x[0], sum = 0;
    for (int i = 1; i < count; i++)
        largest = (double)x[i] > largest ? (double)x[i] : largest;
    for (int i = 0; i < count; i++)
        sum += exp((double)x[i] - largest);
    return largest + log(sum);
}

void lathe_probabilities(const struct lathe_model *model, const float *output, double *probability)
{
    double scale = model->probabilities ? 0 : log_sum_exp(output, model->outputs);
    for (int i = 0; i < model->outputs; i++)
        probability[i] = model->probabilities ? (double)output[i] : exp((double)output[i] - scale);
}

/* -log of the label's probability. One that rounded to 0 counts as the smallest normal float. */
static double cross_entropy(const struct lathe_model *model, const float *output, int label)
{
    if (!model->probabilities)
        return log_sum_exp(output, model->outputs) - (double)output[label];
    double probability = (double)output[label];
    return -log(probability < (double)FLT_MIN ? (double)FLT_MIN : probability);
}

/* Mean over the outputs, as torch.nn.MSELoss has it. */
static double squared_error(const float *output, const float *target, int outputs)
{
    double sum = 0;
    for (int i = 0; i < outputs; i++) {
        double difference = (double)output[i] - (double)target[i];
        sum += difference * difference;
    }
    return sum / outputs;
}

/* How many outputs come before the label's: larger ones, equal ones of a lower index, NaNs. */
static int rank_of(const float *output, int outputs, int label)
{
    int before = 0;
    for (int i = 0; i < outputs; i++) {
        bool after = output[label] > output[i] || (output[label] == output[i] && label < i);
        before += i != label && !after;
    }
    return before;
}

/* Add the samples of EVALUATOR's batch to the sums of TOTAL. */
static void add_batch(const struct lathe_evaluator *evaluator, struct lathe_metrics *total)
{
    const struct lathe_model *model = evaluator->model;
    const struct lathe_batch *batch = &evaluator->batch;
    int outputs = model->outputs;
    for (int i = 0; i < batch->count; i++) {
        const float *output = evaluator->output + (size_t)i * (size_t)outputs;
        if (model->loss == LATHE_MSE)
            total->loss +=
                squared_error(output, batch->targets + (size_t)i * (size_t)outputs, outputs);
        else
            total->loss += cross_entropy(model, output, batch->labels[i]);
        if (batch->labels) {
            int rank = rank_of(output, outputs, batch->labels[i]);
            total->accuracy += rank < 1;
            total->top5 += rank < 5;
        }
    }
}

struct lathe_metrics lathe_evaluate(struct lathe_evaluator *evaluator,
                                    const struct lathe_dataset *dataset)
{
    const struct lathe_model *model = evaluator->model;
    struct lathe_metrics total = {.count = dataset->count};
    double began = lathe_seconds();
    for (int first = 0; first < dataset->count; first += model->infer_batch) {
        int left = dataset->count - first;
        int count = left < model->infer_batch ? left : model->infer_batch;
        lathe_fill_batch(&model->data, dataset, NULL, first, count, false, 0, 0, &evaluator->batch);
        evaluator->batch.count = count;
        model->infer(model, evaluator->batch.input, evaluator->output, count, evaluator->arena);
        add_batch(evaluator, &total);
    }
    total.images_per_s = dataset->count / (lathe_seconds() - began);
    total.loss /= dataset->count;
    total.accuracy = model->data.classes ? total.accuracy / dataset->count : (double)NAN;
    total.top5 = model->data.classes ? total.top5 / dataset->count : (double)NAN;
    return total;
}
