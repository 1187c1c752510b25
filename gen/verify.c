/*
 * verify: is what lathe computes right? The tables, errors, and float kernels against double.
 */
#include "verify_parts.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the tables ---- */

void verify_heading(struct text *out, const char *title, int batch)
{
    text_printf(out, "%s (batch %d)\n  %-40s %-16s %10s %10s\n", title, batch, "tensor", "shape",
                "error", "bound");
}

bool verify_row(struct text *out, const char *name, const struct tensor *tensor, double error,
                double bound)
{
    bool ok = error <= bound; /* false for NaN */
    struct text shape = {0};
    for (int i = 0; i < tensor->rank; i++)
        text_printf(&shape, "%s%d", i ? "x" : "", tensor->dims[i]);
    text_printf(out, "  %-40s %-16s %10.2e %10.2e  %s\n", name, shape.data, error, bound,
                ok ? "ok" : "FAIL");
    text_free(&shape);
    return ok;
}

/* ---- errors ---- */

static double norm(const double *numbers, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += numbers[i] * numbers[i];
    return sqrt(sum);
}

static double distance(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum);
}

double relative_error(const double *measured, const double *reference, const double *magnitudes,
                      size_t count, double bound)
{
    double error = distance(measured, reference, count), scale = norm(reference, count);
    if (magnitudes && bound > 0)
        scale = fmax(scale, norm(magnitudes, count) * 6e-8 / bound);
    return error == 0 ? 0 : error / fmax(scale, DBL_MIN);
}

struct changes changes_of(const struct node *node, bool training)
{
    size_t most = (size_t)(node->input_count + node->output_count);
    struct changes changes = {lathe_alloc(most, sizeof *changes.tensors),
                              lathe_alloc(most, sizeof *changes.magnitudes), 0};
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i])
            changes.tensors[changes.count++] = node->outputs[i];
    bool moves = node->op == OP_batchnorm && training && !node->backward;
    for (int i = 0; i < node->input_count && moves; i++)
        if (node->inputs[i]->kind == TENSOR_BUFFER)
            changes.tensors[changes.count++] = node->inputs[i];
    return changes;
}

int output_index(const struct node *node, const struct tensor *tensor)
{
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i] == tensor)
            return i;
    return 0;
}

void find_magnitudes(const struct node *node, const struct interp *interp,
                     const struct changes *changes)
{
    double **arrays = changes->magnitudes;
    memset(arrays, 0, sizeof *arrays * (size_t)changes->count);
    if (!op_table[node->op]->magnitude)
        return;
    struct run run = interp->run;
    size_t tensors = (size_t)interp->layout->graph->tensors.count;
    run.data = lathe_alloc(tensors, sizeof *run.data);
    memcpy(run.data, interp->run.data, tensors * sizeof *run.data);
    for (int i = 0; i < changes->count; i++) {
        const struct tensor *tensor = changes->tensors[i];
        size_t count = interp_numbers(tensor, run.count);
        arrays[i] = lathe_alloc(count, sizeof **arrays);
        memcpy(arrays[i], run.data[tensor->id], count * sizeof **arrays);
        run.data[tensor->id] = arrays[i];
    }
    op_table[node->op]->magnitude(node, &run);
    free(run.data);
}

void free_changes(const struct changes *changes)
{
    for (int i = 0; i < changes->count; i++)
        free(changes->magnitudes[i]);
    free(changes->magnitudes);
    free(changes->tensors);
}

/* ---- float kernels against double ---- */

/* NODE's inputs as floats have them, into SINGLE and WIDE alike, from EXACT. */
static void feed(const struct node *node, const struct interp *exact, struct interp *single,
                 struct interp *wide)
{
    for (int i = 0; i < node->input_count; i++) {
        const struct tensor *tensor = node->inputs[i];
        size_t count = interp_numbers(tensor, exact->run.count);
        const double *from = exact->run.data[tensor->id];
        float *narrow = single->run.data[tensor->id];
        double *rounded = wide->run.data[tensor->id];
        for (size_t k = 0; k < count; k++)
            rounded[k] = (double)(narrow[k] = (float)from[k]);
    }
}

static bool verify_kernel(const struct node *node, struct interp *single, struct interp *wide,
                          struct text *out)
{
    const struct changes changes = changes_of(node, true);
    find_magnitudes(node, wide, &changes);
    interp_node(node, &single->run);
    interp_node(node, &wide->run);
    bool ok = true;
    for (int i = 0; i < changes.count; i++) {
        const struct tensor *tensor = changes.tensors[i];
        size_t count = interp_numbers(tensor, wide->run.count);
        double bound =
            op_table[node->op]->tolerance(node, wide->run.count, output_index(node, tensor));
        double *measured = lathe_alloc(count, sizeof *measured);
        interp_get(single, tensor, measured, count);
        double error = relative_error(measured, wide->run.data[tensor->id], changes.magnitudes[i],
                                      count, bound);
        ok &= verify_row(out, tensor->name, tensor, error, bound);
        free(measured);
    }
    free_changes(&changes);
    return ok;
}

bool verify_kernels(const struct graph *graph, const struct verify_options *options,
                    struct text *out)
{
    struct trial *trial = trial_draw(graph, options->seed, options->batch);
    bool training = graph->training;
    struct interp *exact = trial_start(trial, PRECISION_DOUBLE, training);
    struct interp *single = trial_start(trial, PRECISION_FLOAT, training);
    struct interp *wide = trial_start(trial, PRECISION_DOUBLE, training);
    if (training)
        interp_step(exact, &trial->batch, trial->seed, 0);
    else
        interp_infer(exact, trial->batch.input, trial->count);
    void **single_data = single->run.data, **wide_data = wide->run.data;
    single->run = wide->run = exact->run;
    single->run.precision = PRECISION_FLOAT;
    single->run.data = single_data;
    wide->run.data = wide_data;

    verify_heading(out, "float kernels against double, on the same inputs", trial->count);
    bool ok = true;
    for (int i = 0; i < exact->layout->node_count; i++) {
        feed(exact->layout->nodes[i], exact, single, wide);
        ok &= verify_kernel(exact->layout->nodes[i], single, wide, out);
    }
    interp_free(exact);
    interp_free(single);
    interp_free(wide);
    trial_drop(trial);
    return ok;
}

bool verify_run(const struct network *network, const struct lathe_model *generated,
                const struct verify_options *options, struct text *out)
{
    bool ok = true;
    if (network->graph->training)
        ok &= verify_gradients(network->graph, options, out);
    ok &= verify_kernels(network->graph, options, out);
    if (generated)
        ok &= verify_generated(network->graph, generated, options, out);
    return ok;
}
