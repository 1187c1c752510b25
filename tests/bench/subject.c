/*
 * subject: a spec, ready to run.
 */
#include "subject.h"

#include "machine.h"
#include "../../gen/interp.h"
#include "../../gen/passes.h"
#include "../../gen/spec.h"
#include "../../runtime/profile.h"
#include "../../runtime/schedule.h"

#include <string.h>

struct network *subject_network(struct arena *arena, const char *text)
{
    struct spec_setting settings[MOST_SETTINGS];
    int count = 0;
    char *path = arena_copy(arena, text), *options = strchr(path, ':'), *state = NULL;
    if (options)
        *options++ = '\0';
    for (char *item = options ? strtok_r(options, ",", &state) : NULL;
         item && count < MOST_SETTINGS; item = strtok_r(NULL, ",", &state)) {
        char *equals = strchr(item, '=');
        if (!equals)
            fail(STATUS_USAGE, "bench: settings are key=value, given '%s'", item);
        *equals = '\0';
        settings[count++] = (struct spec_setting){item, equals + 1};
    }
    return spec_read(arena, path, settings, count);
}

void fill(float *values, size_t count, uint32_t state)
{
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) * 0x1p-23f - 1;
    }
}

float **draw_weights(struct arena *arena, const struct network *network,
                     const struct lathe_model **reference)
{
    const struct lathe_model *model = interp_model(arena, network, 1, 0);
    float **weights = arena_array(arena, (size_t)model->parameter_count, float *);
    for (int i = 0; i < model->parameter_count; i++) {
        const struct lathe_parameter *parameter = &model->parameters[i];
        weights[i] = arena_array(arena, lathe_parameter_elements(parameter), float);
        lathe_initialise(parameter, i, SEED, weights[i]);
    }
    *reference = model;
    return weights;
}

/* The drawn weights, in ARENA, in the order of the subject's own parameters. */
static const float **order_weights(struct arena *arena, const struct subject *s)
{
    const struct lathe_model *reference;
    float **drawn = draw_weights(arena, s->network, &reference);
    const float **ordered = arena_array(arena, (size_t)s->model->parameter_count, const float *);
    for (int i = 0; i < s->model->parameter_count; i++)
        for (int k = 0; k < reference->parameter_count; k++)
            if (strcmp(s->model->parameters[i].name, reference->parameters[k].name) == 0)
                ordered[i] = drawn[k];
    return ordered;
}

static void prepare_training(struct subject *s, const float *const *weights)
{
    const struct lathe_model *model = s->model;
    s->arena = lathe_alloc(model->train_arena_bytes, 1);
    float *state = (float *)((char *)s->arena + model->state_offset);
    for (int i = 0; i < model->parameter_count; i++)
        lathe_pack(&model->parameters[i], weights[i], state + model->parameters[i].offset);
    for (int i = 0; i < LATHE_MOMENTS; i++)
        if (lathe_optimizer_keeps(&model->training, i)) {
            s->moments[i] = lathe_alloc(model->trainable_floats, sizeof(float));
            lathe_optimizer_begin(&model->training.optimizer, s->moments[i],
                                  model->trainable_floats);
        }
}

static void make_batch(struct subject *s, int count)
{
    size_t inputs = (size_t)count * tensor_elements(s->network->graph->input);
    size_t outputs = (size_t)count * (size_t)s->model->outputs;
    s->batch.count = count;
    s->batch.input = lathe_alloc(inputs, sizeof(float));
    s->batch.labels = lathe_alloc((size_t)count, sizeof(int32_t));
    s->batch.targets = lathe_alloc(outputs, sizeof(float));
    s->output = lathe_alloc(outputs, sizeof(float));
    fill(s->batch.input, inputs, SEED);
    for (int i = 0; i < count; i++)
        s->batch.labels[i] = i % s->model->outputs;
}

struct subject subject_build(struct arena *arena, const char *text,
                             const struct subject_options *options, const char *folder)
{
    struct network *network = subject_network(arena, text);
    struct subject s = {.name = text, .network = network, .options = *options};
    int batch = options->batch > 0 ? options->batch : options->train ? network->training.batch : 1;
    if (options->train && !network->has_training)
        fail(STATUS_USER, "bench: %s: nothing to train", text);
    if (options->interpreted) {
        tabulate_curves(network->graph);
        if (options->train)
            add_gradients(network->graph);
        s.model = interp_model(arena, network, batch, options->train ? batch : 0);
    } else {
        struct build_options build = {.isa = isa_find("native"),
                                      .batch = options->train ? batch : 0,
                                      .infer_batch = options->train ? 1 : batch,
                                      .method = options->method,
                                      .cc = "cc"};
        lathe_profiling = options->profile;
        s.model = build_and_load(arena, network, &build, folder);
    }
    make_batch(&s, batch);
    struct arena *scratch = arena_new();
    const float **weights = order_weights(scratch, &s);
    if (options->train) {
        prepare_training(&s, weights);
    } else {
        s.arena = lathe_alloc(s.model->infer_arena_bytes, 1);
        s.model->load(s.model, weights, s.arena);
    }
    arena_free(scratch);
    return s;
}

static void train(struct subject *s)
{
    const struct lathe_model *model = s->model;
    const struct lathe_optimizer *optimizer = &model->training.optimizer;
    struct lathe_step_result result;
    model->step(model, &s->batch, SEED, s->steps, &result, s->arena);
    struct lathe_optimizer_step step = {.t = ++s->steps,
                                        .momentum = lathe_optimizer_momentum(optimizer)};
    step.lr = lathe_schedule_lr(&model->training.schedule, 0, 1000, 1000, &step.momentum);
    char *arena = s->arena;
    lathe_optimizer_step(optimizer, &step, (float *)(void *)(arena + model->state_offset),
                         (const float *)(const void *)(arena + model->gradient_offset), s->moments,
                         model->trainable_floats);
}

double subject_run(struct subject *s)
{
    double start = now();
    if (s->options.train)
        train(s);
    else
        s->model->infer(s->model, s->batch.input, s->output, s->batch.count, s->arena);
    return now() - start;
}
