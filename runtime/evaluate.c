/*
 * evaluate: loss, accuracy and top-5 accuracy of a network on a data set.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate.h"
#include "progress.h"

void lathe_check_model(const struct lathe_model *model)
{
    if (model->abi != LATHE_ABI)
        lathe_die(LATHE_USER, "%s: made for runtime %d, this is %d: build it again", model->name,
                  model->abi, LATHE_ABI);
    const struct lathe_data *data = &model->data;
    int wanted = data->classes ? data->classes : data->targets;
    if (data->target == LATHE_TARGET_INPUT)
        wanted = data->channels * data->height * data->width;
    if (data->target != LATHE_TARGET_NONE && model->outputs != wanted)
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
    if (model->loss != LATHE_CROSS_ENTROPY && model->data.target != LATHE_TARGET_NONE)
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

/* ---- normalisation that is kept with the weights ---- */

static int find_parameter(const struct lathe_model *model, const char *name)
{
    for (int i = 0; i < model->parameter_count; i++)
        if (!strcmp(model->parameters[i].name, name))
            return i;
    lathe_die(LATHE_USER, "%s: has no parameter %s for its data's normalisation", model->name,
              name);
}

void lathe_measure_data(const struct lathe_model *model, const struct lathe_dataset *dataset,
                        float *state)
{
    if (!model->data.measured)
        return;
    const struct lathe_parameter *mean = &model->parameters[find_parameter(model, "data.mean")];
    const struct lathe_parameter *deviation = &model->parameters[find_parameter(model, "data.std")];
    size_t channels = (size_t)model->channels;
    float *numbers = lathe_alloc(2 * channels, sizeof *numbers);
    lathe_measure(dataset, numbers, numbers + channels);
    lathe_pack(mean, numbers, state + mean->offset);
    lathe_pack(deviation, numbers + channels, state + deviation->offset);
    free(numbers);
}

void lathe_normalise_by_state(const struct lathe_model *model, const float *state,
                              struct lathe_dataset *dataset)
{
    if (!model->data.measured)
        return;
    const struct lathe_parameter *mean = &model->parameters[find_parameter(model, "data.mean")];
    const struct lathe_parameter *deviation = &model->parameters[find_parameter(model, "data.std")];
    size_t channels = (size_t)model->channels;
    float *numbers = lathe_alloc(2 * channels, sizeof *numbers);
    lathe_unpack(mean, state + mean->offset, numbers);
    lathe_unpack(deviation, state + deviation->offset, numbers + channels);
    lathe_normalise(dataset, numbers, numbers + channels);
    free(numbers);
}

bool lathe_skips_bad_files(const char *on_bad_file)
{
    if (on_bad_file && strcmp(on_bad_file, "stop") != 0 && strcmp(on_bad_file, "skip") != 0)
        lathe_die(LATHE_USAGE, "--on-bad-file: expected stop or skip, given '%s'", on_bad_file);
    return on_bad_file && !strcmp(on_bad_file, "skip");
}

/* ---- members ---- */

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

struct lathe_evaluator *lathe_evaluator_new(const struct lathe_model *model, int members)
{
    struct lathe_evaluator *evaluator = lathe_alloc(1, sizeof *evaluator);
    size_t numbers = (size_t)model->infer_batch * (size_t)model->outputs;
    bool logits = model->data.classes && model->loss == LATHE_CROSS_ENTROPY;
    evaluator->model = model;
    evaluator->member_count = members;
    evaluator->members = lathe_alloc((size_t)members, sizeof *evaluator->members);
    for (int i = 0; i < members; i++) {
        evaluator->members[i].arena = lathe_alloc(model->infer_arena_bytes, 1);
        evaluator->members[i].data = model->data;
    }
    evaluator->probabilities = model->probabilities || (members > 1 && logits);
    evaluator->batch = lathe_batch_new(model, model->infer_batch);
    evaluator->output = lathe_alloc(numbers, sizeof(float));
    if (members > 1)
        evaluator->one = lathe_alloc(numbers, sizeof(float));
    return evaluator;
}

void lathe_evaluator_free(struct lathe_evaluator *evaluator)
{
    for (int i = 0; i < evaluator->member_count; i++) {
        free(evaluator->members[i].arena);
        free(evaluator->members[i].mean);
    }
    free(evaluator->members);
    lathe_batch_free(&evaluator->batch);
    free(evaluator->output);
    free(evaluator->one);
    free(evaluator);
}

void lathe_evaluator_load(struct lathe_evaluator *evaluator, int member,
                          const float *const *logical)
{
    const struct lathe_model *model = evaluator->model;
    struct lathe_member *to = &evaluator->members[member];
    size_t channels = (size_t)model->channels;
    model->load(model, logical, to->arena);
    if (!model->data.measured)
        return;
    if (!to->mean)
        to->mean = lathe_alloc(2 * channels, sizeof *to->mean);
    to->deviation = to->mean + channels;
    memcpy(to->mean, logical[find_parameter(model, "data.mean")], channels * sizeof(float));
    memcpy(to->deviation, logical[find_parameter(model, "data.std")], channels * sizeof(float));
    for (size_t c = 0; c < channels && channels <= 4; c++) {
        to->data.mean[c] = to->mean[c];
        to->data.deviation[c] = to->deviation[c];
    }
}

/* Add what member MEMBER makes of the batch's COUNT samples to the output. */
static void add_member(struct lathe_evaluator *evaluator, int member, int count)
{
    const struct lathe_model *model = evaluator->model;
    size_t outputs = (size_t)model->outputs;
    float share = 1.0f / (float)evaluator->member_count, *one = evaluator->one;
    model->infer(model, evaluator->batch.input, one, count, evaluator->members[member].arena);
    for (size_t i = 0; i < (size_t)count; i++, one += outputs) {
        float *sum = evaluator->output + i * outputs;
        bool logits = evaluator->probabilities && !model->probabilities;
        double scale = logits ? log_sum_exp(one, model->outputs) : 0;
        for (size_t k = 0; k < outputs; k++) {
            float x = logits ? (float)exp((double)one[k] - scale) : one[k];
            sum[k] = (member ? sum[k] : 0) + share * x;
        }
    }
}

/* The batch holds what member MEMBER is to see. */
static void run_member(struct lathe_evaluator *evaluator, int member, int count)
{
    const struct lathe_model *model = evaluator->model;
    if (evaluator->member_count == 1)
        model->infer(model, evaluator->batch.input, evaluator->output, count,
                     evaluator->members[0].arena);
    else
        add_member(evaluator, member, count);
}

void lathe_evaluator_infer(struct lathe_evaluator *evaluator, int count)
{
    for (int member = 0; member < evaluator->member_count; member++)
        run_member(evaluator, member, count);
}

void lathe_evaluator_run(struct lathe_evaluator *evaluator, struct lathe_dataset *dataset,
                         const uint32_t *order, int first, int count)
{
    for (int i = 0; i < evaluator->member_count; i++) {
        const struct lathe_member *member = &evaluator->members[i];
        bool other = member->mean && (first == 0 || evaluator->member_count > 1);
        if (other)
            lathe_normalise(dataset, member->mean, member->deviation);
        if (i == 0 || other)
            lathe_fill_batch(&member->data, dataset, order, first, count, false, 0, 0,
                             &evaluator->batch);
        evaluator->batch.count = count;
        run_member(evaluator, i, count);
    }
}

void lathe_evaluator_image(struct lathe_evaluator *evaluator, const char *path)
{
    for (int i = 0; i < evaluator->member_count; i++) {
        const struct lathe_member *member = &evaluator->members[i];
        if (i == 0 || member->mean)
            lathe_read_image(&member->data, path, evaluator->batch.input);
        run_member(evaluator, i, 1);
    }
}

/* ---- metrics ---- */

void lathe_probabilities(const struct lathe_evaluator *evaluator, const float *output,
                         double *probability)
{
    int outputs = evaluator->model->outputs;
    bool each = evaluator->model->loss == LATHE_BCE;
    double scale = evaluator->probabilities || each ? 0 : log_sum_exp(output, outputs);
    for (int i = 0; i < outputs; i++) {
        double x = (double)output[i];
        probability[i] = evaluator->probabilities ? x : each ? 1 / (1 + exp(-x)) : exp(x - scale);
    }
}

int lathe_answer(const float *output, int outputs)
{
    int best = 0;
    for (int i = 1; i < outputs; i++)
        best = output[i] > output[best] ? i : best;
    return best;
}

/* -log(PROBABILITY). One that rounded to 0 counts as the smallest normal float. */
static double surprise(double probability)
{
    return -log(probability < (double)FLT_MIN ? (double)FLT_MIN : probability);
}

/* -log of the label's probability, with smoothing mixed with the mean of all classes'. */
static double cross_entropy(const struct lathe_evaluator *evaluator, const float *output, int label)
{
    const struct lathe_model *model = evaluator->model;
    int outputs = model->outputs;
    double scale = evaluator->probabilities ? 0 : log_sum_exp(output, outputs), all = 0;
    for (int i = 0; model->smoothing > 0 && i < outputs; i++)
        all += evaluator->probabilities ? surprise((double)output[i]) : scale - (double)output[i];
    double right =
        evaluator->probabilities ? surprise((double)output[label]) : scale - (double)output[label];
    return (1 - model->smoothing) * right + model->smoothing * all / outputs;
}

/* Mean over the outputs, as torch.nn.BCEWithLogitsLoss has it. A probability that rounded to 1
 * counts as half a step below. */
static double binary_entropy(const struct lathe_evaluator *evaluator, const float *output,
                             const float *target)
{
    const double nearest = 1 - 0x1p-25;
    int outputs = evaluator->model->outputs;
    double sum = 0;
    for (int i = 0; i < outputs; i++) {
        double x = (double)output[i], wanted = (double)target[i];
        if (evaluator->probabilities)
            sum += wanted * surprise(x) + (1 - wanted) * surprise(1 - (x > nearest ? nearest : x));
        else
            sum += (x > 0 ? x : 0) - wanted * x + log1p(exp(-fabs(x)));
    }
    return sum / outputs;
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
        const float *target = batch->targets ? batch->targets + (size_t)i * (size_t)outputs : NULL;
        if (target && model->loss == LATHE_BCE)
            total->loss += binary_entropy(evaluator, output, target);
        else if (target)
            total->loss += squared_error(output, target, outputs);
        else if (batch->labels)
            total->loss += cross_entropy(evaluator, output, batch->labels[i]);
        if (batch->labels) {
            int rank = rank_of(output, outputs, batch->labels[i]);
            total->accuracy += rank < 1;
            total->top5 += rank < 5;
        }
    }
}

struct lathe_metrics lathe_evaluate_part(struct lathe_evaluator *evaluator,
                                         struct lathe_dataset *dataset, const uint32_t *order,
                                         int samples)
{
    const struct lathe_model *model = evaluator->model;
    const struct lathe_data *data = &model->data;
    struct lathe_metrics total = {.count = samples};
    double began = lathe_seconds();
    for (int first = 0; first < samples; first += model->infer_batch) {
        int left = samples - first;
        if (evaluator->stops && evaluator->stops())
            return (struct lathe_metrics){.count = first};
        lathe_evaluator_run(evaluator, dataset, order, first,
                            left < model->infer_batch ? left : model->infer_batch);
        add_batch(evaluator, &total);
        if (evaluator->observe)
            evaluator->observe(evaluator->observer, evaluator, first);
    }
    total.images_per_s = samples / (lathe_seconds() - began);
    total.loss = data->target == LATHE_TARGET_NONE ? (double)NAN : total.loss / samples;
    total.accuracy = data->classes ? total.accuracy / samples : (double)NAN;
    total.top5 = data->classes ? total.top5 / samples : (double)NAN;
    return total;
}

struct lathe_metrics lathe_evaluate(struct lathe_evaluator *evaluator,
                                    struct lathe_dataset *dataset)
{
    return lathe_evaluate_part(evaluator, dataset, NULL, dataset->count);
}
