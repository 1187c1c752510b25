/*
 * histogram: counts what curves see.
 */
#include "histogram.h"

#include "interp.h"
#include "json.h"
#include "json_tree.h"
#include "passes.h"
#include "../runtime/evaluate.h"
#include "../runtime/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 256, KEYS = 1 << 16, SAMPLES_A_CALL = 32 };
#define SHARE_OUTSIDE 1e-5 /* at each end */
#define LEAST_WIDTH   1e-3 /* of a range */

/* A node while it is counted. */
struct counter {
    const struct node *node;
    uint64_t *keys; /* numbers by the upper half of their bits, in the order of numbers */
    float from, to; /* known once all keys are counted */
    uint64_t *bins; /* NULL before */
    uint64_t below, above;
};

struct counting {
    const struct interp_layout *layout;
    struct counter *counters;
    int count;
    double samples;
};

/* ---- keys ---- */

/* The upper half of a float's bits, turned so that larger numbers have larger keys. */
static unsigned key_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (bits >> 31 ? ~bits : bits | 0x80000000u) >> 16;
}

/* The least number with KEY. */
static float key_start(unsigned key)
{
    uint32_t turned = key << 16, bits = turned >> 31 ? turned & 0x7fffffffu : ~turned;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The key before which (BACKWARD: after which) fewer than SHARE_OUTSIDE of all numbers are. */
static unsigned outer_key(const uint64_t *keys, uint64_t all, bool backward)
{
    uint64_t outside = 0, most = (uint64_t)((double)all * SHARE_OUTSIDE);
    for (unsigned i = 0; i < KEYS; i++) {
        unsigned key = backward ? KEYS - 1 - i : i;
        outside += keys[key];
        if (outside > most)
            return key;
    }
    bug("a histogram of nothing");
}

static void choose_range(struct arena *arena, struct counter *counter)
{
    const unsigned infinite = key_of(INFINITY), negative = key_of(-INFINITY);
    uint64_t all = 0;
    for (unsigned key = 0; key < KEYS; key++) {
        all += counter->keys[key];
        if (counter->keys[key] && (key >= infinite || key <= negative))
            fail_at(STATUS_NUMBERS, counter->node->where, "%s: what it sees is not finite",
                    counter->node->name);
    }
    counter->from = key_start(outer_key(counter->keys, all, false));
    counter->to = key_start(outer_key(counter->keys, all, true) + 1);
    if ((double)counter->to - (double)counter->from < LEAST_WIDTH) {
        counter->from -= (float)LEAST_WIDTH / 2;
        counter->to += (float)LEAST_WIDTH / 2;
    }
    counter->bins = arena_array(arena, BINS, uint64_t);
}

/* ---- counting ---- */

static void count_keys(struct counter *counter, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        counter->keys[key_of(x[i])]++;
}

static void count_bins(struct counter *counter, const float *x, size_t count)
{
    double from = (double)counter->from, to = (double)counter->to, scale = BINS / (to - from);
    for (size_t i = 0; i < count; i++) {
        double number = (double)x[i];
        if (number < from)
            counter->below++;
        else if (number >= to)
            counter->above++;
        else
            counter->bins[min_int((int)((number - from) * scale), BINS - 1)]++;
    }
}

/* Count the inputs of all nodes of a batch, which the interpreter keeps in its arena. */
static void count_batch(void *context, const struct lathe_evaluator *evaluator, int first)
{
    struct counting *counting = context;
    int samples = evaluator->batch.count;
    const char *memory = evaluator->members[0].arena;
    (void)first;
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < counting->count; i++) {
        struct counter *counter = &counting->counters[i];
        const struct tensor *input = counter->node->inputs[0];
        const float *x = (const float *)(memory + counting->layout->offset[input->id]);
        (counter->bins ? count_bins : count_keys)(counter, x, interp_numbers(input, samples));
    }
    counting->samples += samples;
}

static void find_nodes(struct arena *arena, struct counting *counting)
{
    const struct interp_layout *layout = counting->layout;
    counting->counters = arena_array(arena, (size_t)layout->node_count, struct counter);
    for (int i = 0; i < layout->node_count; i++) {
        const struct node *node = layout->nodes[i];
        if (node->op == OP_curve || node->op == OP_learned)
            counting->counters[counting->count++] =
                (struct counter){.node = node, .keys = arena_array(arena, KEYS, uint64_t)};
    }
}

/* The evaluator of NETWORK's interpreter with the weights of OPTIONS. */
static struct lathe_evaluator *load(struct arena *arena, const struct network *network,
                                    const struct histogram_options *options)
{
    const struct lathe_model *model = interp_model(arena, network, SAMPLES_A_CALL, 0);
    float **weights = lathe_read_weights(model, options->weights);
    struct lathe_evaluator *evaluator = lathe_evaluator_new(model, 1);
    lathe_evaluator_load(evaluator, 0, (const float *const *)weights);
    free(weights);
    return evaluator;
}

static struct node_histogram finish(struct arena *arena, const struct counter *counter,
                                    double samples)
{
    double *counts = arena_array(arena, BINS, double);
    for (int i = 0; i < BINS; i++)
        counts[i] = (double)counter->bins[i];
    return (struct node_histogram){
        .name = counter->node->name,
        .values = {(double)counter->from, (double)counter->to, counts, BINS},
        .below = (double)counter->below,
        .above = (double)counter->above,
        .samples = samples,
    };
}

/* What a count takes and what it comes to; freed whatever happens. */
struct count {
    struct arena *arena, *own; /* for the result; for all else */
    struct network *network;
    const struct histogram_options *options;
    struct lathe_evaluator *evaluator;
    struct lathe_dataset *dataset;
    struct histograms histograms;
};

/* CONTEXT is a count: go through the samples twice, for the ranges and for the bins. */
static void count_twice(void *context)
{
    struct count *count = context;
    struct network *network = count->network;
    const struct histogram_options *options = count->options;
    tabulate_network(network);
    struct counting counting = {.layout = interp_lay_out(count->own, network->graph,
                                                         PRECISION_FLOAT, SAMPLES_A_CALL, false)};
    find_nodes(count->own, &counting);
    if (counting.count == 0)
        fail(STATUS_USER, "%s: has no activation curve", network->spec_path);
    struct lathe_opening opening = {.folder = options->data,
                                    .train = !options->test,
                                    .limit = options->limit,
                                    .skip_bad = options->skip_bad};
    count->evaluator = load(count->own, network, options);
    count->dataset = lathe_open_part(&network->data, &opening);
    count->evaluator->observe = count_batch;
    count->evaluator->observer = &counting;
    lathe_evaluate(count->evaluator, count->dataset);
    for (int i = 0; i < counting.count; i++)
        choose_range(count->own, &counting.counters[i]);
    counting.samples = 0;
    lathe_evaluate(count->evaluator, count->dataset);
    for (int i = 0; i < counting.count; i++)
        vector_push(count->arena, &count->histograms.nodes,
                    finish(count->arena, &counting.counters[i], counting.samples));
}

struct histograms count_histograms(struct arena *arena, struct network *network,
                                   const struct histogram_options *options)
{
    struct failure failure;
    if (!network->has_data)
        fail(STATUS_USER, "%s: has no data: a histogram needs them", network->spec_path);
    if (lathe_needs_folder(&network->data) && !options->data)
        fail(STATUS_USAGE, "--data DIR is needed");
    struct count count = {
        .arena = arena, .own = arena_new(), .network = network, .options = options};
    enum status status = protected_call(count_twice, &count, &failure);
    if (count.dataset)
        lathe_close_dataset(count.dataset);
    if (count.evaluator)
        lathe_evaluator_free(count.evaluator);
    arena_free(count.own);
    if (status != STATUS_DONE)
        fail(status, "%s", failure.message);
    return count.histograms;
}

/* ---- several ---- */

const struct node_histogram *find_histogram(const struct histograms *histograms, const char *name)
{
    for (int i = 0; i < histograms->nodes.count; i++)
        if (strcmp(histograms->nodes.items[i].name, name) == 0)
            return &histograms->nodes.items[i];
    return NULL;
}

/* How many of HISTOGRAM's numbers are below X, each bin spread evenly. */
static double counted_below(const struct histogram *histogram, double x)
{
    double place = (x - histogram->from) / (histogram->to - histogram->from) * histogram->bins;
    double sum = 0;
    for (int i = 0; i < histogram->bins && i < place; i++)
        sum += histogram->counts[i] * fmin(place - i, 1);
    return sum;
}

struct node_histogram join_histograms(struct arena *arena, const struct histograms *histograms)
{
    struct node_histogram all = {.name = "all", .values = {.from = INFINITY, .to = -INFINITY}};
    double *counts = arena_array(arena, BINS, double);
    check_bug(histograms->nodes.count > 0);
    for (int i = 0; i < histograms->nodes.count; i++) {
        const struct node_histogram *node = &histograms->nodes.items[i];
        all.values.from = fmin(all.values.from, node->values.from);
        all.values.to = fmax(all.values.to, node->values.to);
        all.below += node->below;
        all.above += node->above;
        all.samples = fmax(all.samples, node->samples);
    }
    double width = (all.values.to - all.values.from) / BINS;
    for (int i = 0; i < histograms->nodes.count; i++) {
        const struct histogram *values = &histograms->nodes.items[i].values;
        double before = 0;
        for (int bin = 0; bin < BINS; bin++) {
            double end = bin + 1 == BINS ? values->to : all.values.from + (bin + 1) * width;
            double below = round(counted_below(values, end));
            counts[bin] += below - before;
            before = below;
        }
    }
    all.values.counts = counts;
    all.values.bins = BINS;
    return all;
}

/* ---- files ---- */

static void put_counts(struct text *out, const struct histogram *histogram)
{
    for (int i = 0; i < histogram->bins; i++)
        text_printf(out, "%s%.17g", i ? ", " : "", histogram->counts[i]);
}

void print_histograms_json(struct text *out, const struct histograms *histograms)
{
    text_printf(out, "{\"nodes\": [");
    for (int i = 0; i < histograms->nodes.count; i++) {
        const struct node_histogram *node = &histograms->nodes.items[i];
        text_printf(out, "%s\n {\"name\": ", i ? "," : "");
        json_put_text(out, node->name);
        text_printf(out, ", \"from\": %.17g, \"to\": %.17g, \"counts\": [", node->values.from,
                    node->values.to);
        put_counts(out, &node->values);
        text_printf(out, "],\n  \"below\": %.17g, \"above\": %.17g, \"samples\": %.17g}",
                    node->below, node->above, node->samples);
    }
    text_printf(out, "\n]}\n");
}

void print_histogram_lua(struct text *out, const struct histogram *histogram)
{
    text_printf(out, "{ from = %.17g, to = %.17g, counts = { ", histogram->from, histogram->to);
    put_counts(out, histogram);
    text_printf(out, " } }");
}

static double number_or_zero(const struct tree *object, const char *name)
{
    double number = tree_number(object, name);
    return isfinite(number) ? number : 0;
}

struct histograms read_histograms(struct arena *arena, const char *path)
{
    struct histograms histograms = {0};
    const struct tree *nodes = tree_get(tree_read_file(arena, path), "nodes");
    if (nodes->kind != TREE_LIST || nodes->count == 0)
        fail(STATUS_USER, "%s: is no histogram, which `lathe interpret --histogram` writes", path);
    for (int i = 0; i < nodes->count; i++) {
        const struct tree *item = &nodes->items[i], *list = tree_get(item, "counts");
        struct node_histogram node = {
            .name = tree_text(item, "name", ""),
            .values = {.from = tree_number(item, "from"), .to = tree_number(item, "to")},
            .below = number_or_zero(item, "below"),
            .above = number_or_zero(item, "above"),
            .samples = number_or_zero(item, "samples"),
        };
        double *counts = arena_array(arena, (size_t)list->count + 1, double);
        for (int k = 0; k < list->count; k++)
            counts[k] = list->items[k].number;
        node.values.counts = counts;
        node.values.bins = list->count;
        const char *problem = histogram_problem(arena, &node.values);
        if (problem)
            fail(STATUS_USER, "%s: histogram of %s: %s", path, node.name, problem);
        vector_push(arena, &histograms.nodes, node);
    }
    return histograms;
}
