/*
 * onednn: convolutions by oneDNN (https://oneapi-src.github.io/oneDNN; C API of version 2), as a
 * peer of the table (serve.h): each in the three passes, in the memory formats that oneDNN itself
 * prefers. Reordering into them is not timed.
 *
 *   onednn LAYER ...      a LAYER as layer_text in layers.h writes it
 *
 * Variants: direct, winograd, auto. A layer that a variant cannot do takes -1 seconds.
 */
#include <oneapi/dnnl/dnnl.h>

#include <omp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS, PASSES };
enum { ALGORITHMS = 3, MOST_LAYERS = 64, ARGUMENTS = 4 };
static const char *const algorithm_names = "direct winograd auto";
static const dnnl_alg_kind_t algorithm_kind[ALGORITHMS] = {
    dnnl_convolution_direct, dnnl_convolution_winograd, dnnl_convolution_auto};

/* What layer_text writes, in its order. */
struct layer {
    int batch, in_c, in_h, in_w, out_c, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w;
    int pad_top, pad_left, pad_bottom, pad_right, groups;
};
enum { NUMBERS = sizeof(struct layer) / sizeof(int) };

/* A pass of a layer, ready to run; primitive NULL: oneDNN does not have it. */
struct job {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[ARGUMENTS];
    int count;
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static struct job jobs[MOST_LAYERS][PASSES][ALGORITHMS];

static void check(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return;
    fprintf(stderr, "onednn: %s: status %d\n", what, (int)status);
    exit(1);
}

static struct layer read_layer(const char *text)
{
    int numbers[NUMBERS];
    struct layer layer;
    char *end = (char *)text;
    for (size_t i = 0; i < NUMBERS; i++)
        numbers[i] = (int)strtol(i ? end + 1 : end, &end, 10);
    memcpy(&layer, numbers, sizeof layer);
    return layer;
}

/* ---- descriptions ---- */

static dnnl_memory_desc_t any_format(int rank, const dnnl_dims_t dims)
{
    dnnl_memory_desc_t d;
    check(dnnl_memory_desc_init_by_tag(&d, rank, dims, dnnl_f32, dnnl_format_tag_any), "memory");
    return d;
}

/* The operation as PROP says; false where oneDNN does not have it. HINT: the forward one, for the
 * other passes. The bias is left out: it is of the epilogue. */
static bool describe(const struct layer *l, dnnl_prop_kind_t prop, dnnl_alg_kind_t algorithm,
                     const_dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *out)
{
    const dnnl_dims_t x = {l->batch, l->in_c, l->in_h, l->in_w};
    const dnnl_dims_t y = {l->batch, l->out_c, l->out_h, l->out_w};
    const dnnl_dims_t w = {l->out_c, l->in_c, l->kernel_h, l->kernel_w};
    const dnnl_dims_t grouped = {l->groups, l->out_c / l->groups, l->in_c / l->groups, l->kernel_h,
                                 l->kernel_w};
    const dnnl_dims_t stride = {l->stride_h, l->stride_w};
    const dnnl_dims_t before = {l->pad_top, l->pad_left}, after = {l->pad_bottom, l->pad_right};
    const dnnl_memory_desc_t xs = any_format(4, x), ys = any_format(4, y);
    const dnnl_memory_desc_t ws = l->groups > 1 ? any_format(5, grouped) : any_format(4, w);
    dnnl_convolution_desc_t d;
    dnnl_status_t status;
    if (prop == dnnl_backward_data)
        status = dnnl_convolution_backward_data_desc_init(&d, algorithm, &xs, &ws, &ys, stride,
                                                          before, after);
    else if (prop == dnnl_backward_weights)
        status = dnnl_convolution_backward_weights_desc_init(&d, algorithm, &xs, &ws, NULL, &ys,
                                                             stride, before, after);
    else
        status = dnnl_convolution_forward_desc_init(&d, prop, algorithm, &xs, &ws, NULL, &ys,
                                                    stride, before, after);
    return status == dnnl_success &&
           dnnl_primitive_desc_create(out, &d, NULL, engine, hint) == dnnl_success;
}

/* ---- memory ---- */

/* The argument that PRIMITIVE takes as KIND, filled with small numbers. */
static void add_argument(struct job *job, const_dnnl_primitive_desc_t primitive, dnnl_query_t query,
                         int kind)
{
    const dnnl_memory_desc_t *d = dnnl_primitive_desc_query_md(primitive, query, 0);
    dnnl_memory_t memory;
    void *data;
    check(dnnl_memory_create(&memory, d, engine, DNNL_MEMORY_ALLOCATE), "memory");
    check(dnnl_memory_get_data_handle(memory, &data), "memory");
    long count = (long)(dnnl_memory_desc_get_size(d) / sizeof(float));
#pragma omp parallel for
    for (long i = 0; i < count; i++)
        ((float *)data)[i] = (float)(i % 17) * 0.01f - 0.08f;
    job->arguments[job->count++] = (dnnl_exec_arg_t){kind, memory};
}

static void make_job(struct job *job, const_dnnl_primitive_desc_t primitive, int pass)
{
    static const struct {
        dnnl_query_t query;
        int kind;
    } arguments[PASSES][3] = {
        {{dnnl_query_src_md, DNNL_ARG_SRC},
         {dnnl_query_weights_md, DNNL_ARG_WEIGHTS},
         {dnnl_query_dst_md, DNNL_ARG_DST}},
        {{dnnl_query_diff_dst_md, DNNL_ARG_DIFF_DST},
         {dnnl_query_weights_md, DNNL_ARG_WEIGHTS},
         {dnnl_query_diff_src_md, DNNL_ARG_DIFF_SRC}},
        {{dnnl_query_src_md, DNNL_ARG_SRC},
         {dnnl_query_diff_dst_md, DNNL_ARG_DIFF_DST},
         {dnnl_query_diff_weights_md, DNNL_ARG_DIFF_WEIGHTS}},
    };
    check(dnnl_primitive_create(&job->primitive, primitive), "primitive");
    for (int i = 0; i < 3; i++)
        add_argument(job, primitive, arguments[pass][i].query, arguments[pass][i].kind);
}

static void prepare(const struct layer *layer, struct job passes[PASSES][ALGORITHMS])
{
    static const dnnl_prop_kind_t prop[PASSES] = {dnnl_forward_training, dnnl_backward_data,
                                                  dnnl_backward_weights};
    for (int a = 0; a < ALGORITHMS; a++) {
        dnnl_primitive_desc_t forward, primitive;
        if (!describe(layer, prop[FORWARD], algorithm_kind[a], NULL, &forward) &&
            !describe(layer, prop[FORWARD], dnnl_convolution_auto, NULL, &forward))
            continue;
        for (int pass = 0; pass < PASSES; pass++)
            if (describe(layer, prop[pass], algorithm_kind[a], pass == FORWARD ? NULL : forward,
                         &primitive)) {
                make_job(&passes[pass][a], primitive, pass);
                dnnl_primitive_desc_destroy(primitive);
            }
        dnnl_primitive_desc_destroy(forward);
    }
}

/* ---- running ---- */

static double run_job(const struct job *job, int runs)
{
    if (!job->primitive)
        return -1;
    double start = omp_get_wtime();
    for (int i = 0; i < runs; i++)
        check(dnnl_primitive_execute(job->primitive, stream, job->count, job->arguments),
              "execute");
    check(dnnl_stream_wait(stream), "wait");
    return omp_get_wtime() - start;
}

int main(int argc, char **argv)
{
    int layers = argc - 1, algorithm, runs;
    char line[256];
    if (layers < 1 || layers > MOST_LAYERS) {
        fprintf(stderr, "onednn LAYER ...: from 1 to %d\n", MOST_LAYERS);
        return 2;
    }
    check(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine");
    check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "stream");
    for (int i = 0; i < layers; i++) {
        struct layer layer = read_layer(argv[i + 1]);
        prepare(&layer, jobs[i]);
    }
    printf("ready %s\n", algorithm_names);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "time %d %d", &algorithm, &runs) != 2 || algorithm < 0 ||
            algorithm >= ALGORITHMS)
            return 2;
        for (int i = 0; i < layers * PASSES; i++)
            printf("%.9g%c", run_job(&jobs[i / PASSES][i % PASSES][algorithm], runs),
                   i + 1 < layers * PASSES ? ' ' : '\n');
        fflush(stdout);
    }
    return 0;
}
