/*
 * emit_model: the model's constants: parameters, data, training.
 */
#include "emit_parts.h"

#include "training.h"

#include <ctype.h>
#include <math.h>

/* The numbers that PARAMETER begins with, as an array; or NULL. */
static void print_list(const struct lathe_parameter *parameter, struct text *out)
{
    if (!parameter->list) {
        text_printf(out, "NULL");
        return;
    }
    text_printf(out, "(const float[]){");
    for (size_t i = 0; i < lathe_parameter_elements(parameter); i++) {
        double number = (double)parameter->list[i];
        text_printf(out, i ? ", " : "");
        if (isinf(number))
            text_printf(out, "%s__builtin_inff()", number < 0 ? "-" : "");
        else
            text_printf(out, "%.9g", number);
    }
    text_printf(out, "}");
}

static void print_parameters(struct printer *p, const struct program *program, struct text *out)
{
    static const char *const inits[] = {"LATHE_CONSTANT", "LATHE_UNIFORM", "LATHE_NORMAL",
                                        "LATHE_LISTED"};
    for (int i = 0; i < program->parameter_count; i++) {
        const struct lathe_parameter *q = &program->parameters[i];
        text_printf(
            out,
            "    {\"%s\", %d, {%d, %d, %d, %d}, %s, %zu, %d, %d, %d, %d, %d, %d, %d, %d, %d, "
            "%s, %.17g, ",
            c_text(p->arena, q->name), q->rank, q->dims[0], q->dims[1], q->dims[2], q->dims[3],
            q->trainable ? "true" : "false", q->offset, q->out, q->in, q->kh, q->kw, q->groups,
            q->spans, q->window, q->block_out, q->block_in, inits[q->init], q->value);
        print_list(q, out);
        text_printf(out, ", %d, %.9g},\n", q->tie, q->unit);
    }
}

static void print_augmentation(const struct lathe_data *data, struct text *out)
{
    static const char *const kinds[] = {"LATHE_CROP",   "LATHE_HFLIP",         "LATHE_CENTER_CROP",
                                        "LATHE_RESIZE", "LATHE_RANDOM_RESIZE", "LATHE_ROTATE",
                                        "LATHE_SHEAR",  "LATHE_PERSPECTIVE",   "LATHE_COLOR_JITTER",
                                        "LATHE_NOISE"};
    for (int i = 0; i < data->augmentation_count; i++) {
        const struct lathe_augmentation *a = &data->augmentation[i];
        text_printf(out, "    {%s, %d, %d, %d, %s, %.9g, {%.9g, %.9g, %.9g, %.9g}},\n",
                    kinds[a->kind], a->size, a->width, a->pad, a->reflect ? "true" : "false",
                    (double)a->p, (double)a->amount[0], (double)a->amount[1], (double)a->amount[2],
                    (double)a->amount[3]);
    }
}

/* The names of ARRAYS' files. */
static void print_files(struct printer *p, const struct lathe_data *data, struct text *out)
{
    if (data->source != LATHE_ARRAYS)
        return;
    text_printf(out, "                 .files = {");
    for (int i = 0; i < 4; i++)
        text_printf(out, data->files[i] ? "%s\"%s\"" : "%sNULL", i ? ", " : "",
                    data->files[i] ? c_text(p->arena, data->files[i]) : NULL);
    text_printf(out, "},\n");
}

static void print_data(struct printer *p, struct text *out)
{
    const struct network *network = p->emission->network;
    static const char *const sources[] = {
        "LATHE_MNIST",     "LATHE_FASHION_MNIST", "LATHE_CIFAR10", "LATHE_CIFAR100",
        "LATHE_DIGITS",    "LATHE_XOR",           "LATHE_LINEAR",  "LATHE_MAX",
        "LATHE_LOGSUMEXP", "LATHE_IMAGES",        "LATHE_ARRAYS",  "LATHE_NO_DATA"};
    static const char *const targets[] = {"LATHE_TARGET_OWN", "LATHE_TARGET_INPUT",
                                          "LATHE_TARGET_NONE"};
    const struct lathe_data *d = &network->data;
    text_printf(out,
                "        .data = {%s, %d, %d, %d, %d, %d, %d, %d, %s,\n"
                "                 {%.9g, %.9g, %.9g, %.9g}, {%.9g, %.9g, %.9g, %.9g}, %s,\n",
                sources[d->source], d->channels, d->height, d->width, d->load_height, d->load_width,
                d->classes, d->targets, targets[d->target], (double)d->mean[0], (double)d->mean[1],
                (double)d->mean[2], (double)d->mean[3], (double)d->deviation[0],
                (double)d->deviation[1], (double)d->deviation[2], (double)d->deviation[3],
                d->measured ? "true" : "false");
    print_files(p, d, out);
    text_printf(out, "                 .augmentation = %s, .augmentation_count = %d, ",
                d->augmentation_count ? "augmentation" : "NULL", d->augmentation_count);
    text_printf(out, ".subset = %.17g, .validation = %.17g},\n", d->subset, d->validation);
}

/* The fields of PART that are not 0, as designated initialisers. */
static void print_fields(const struct lathe_training *training, enum lathe_field_part part,
                         struct text *out)
{
    for (int i = 0; i < lathe_training_field_count; i++) {
        const struct lathe_field *field = &lathe_training_fields[i];
        double value = lathe_field_get(training, field);
        if (field->part != part || value == 0)
            continue;
        if (field->type == LATHE_FIELD_FLAG)
            text_printf(out, ", .%s = true", field->name);
        else
            text_printf(out, ", .%s = %.17g", field->name, value);
    }
}

/* "LATHE_ADAM" for "adam". */
static void print_enumerator(const char *word, struct text *out)
{
    text_printf(out, "LATHE_");
    for (; *word; word++)
        text_printf(out, "%c", toupper((unsigned char)*word));
}

/* BATCH: samples of a step, what the training arena has room for. */
static void print_training(const struct network *network, int batch, struct text *out)
{
    const struct lathe_training *t = &network->training;
    text_printf(out, "        .training = {.batch = %d, .epochs = %d", batch,
                network->training.epochs);
    print_fields(t, LATHE_IN_TRAIN, out);
    text_printf(out, ",\n                     .optimizer = {.kind = ");
    print_enumerator(lathe_optimizer_words[t->optimizer.kind], out);
    print_fields(t, LATHE_IN_OPTIMIZER, out);
    text_printf(out, "},\n                     .schedule = {.kind = ");
    print_enumerator(lathe_schedule_words[t->schedule.kind], out);
    print_fields(t, LATHE_IN_SCHEDULE, out);
    text_printf(out, "}},\n");
}

void emit_model_fields(struct printer *p)
{
    const struct network *network = p->emission->network;
    struct text parameters = {0}, augmentation = {0}, data = {0}, training = {0};
    print_parameters(p, p->emission->infer, &parameters);
    print_augmentation(&network->data, &augmentation);
    print_data(p, &data);
    print_training(network,
                   p->emission->train ? p->emission->train->batch : network->training.batch,
                   &training);
    emit_set_text(p->lua, "parameters", &parameters);
    emit_set_flag(p->lua, "augments", network->data.augmentation_count > 0);
    emit_set_text(p->lua, "augmentation", &augmentation);
    emit_set_text(p->lua, "data", &data);
    emit_set_string(p->lua, "training", training.data);
    text_free(&training);
    static const char *const losses[] = {[LATHE_CROSS_ENTROPY] = "LATHE_CROSS_ENTROPY",
                                         [LATHE_MSE] = "LATHE_MSE",
                                         [LATHE_BCE] = "LATHE_BCE"};
    emit_set_string(p->lua, "loss", losses[network->loss]);
    const char *smoothing =
        network->smoothing > 0
            ? arena_printf(p->arena, "\n        .smoothing = %.17g,", network->smoothing)
            : "";
    emit_set_string(p->lua, "smoothing", smoothing);
}
