/* spec_data: the data set and the training of a network. See spec_parts.h. */
#include "spec_parts.h"
#include "training.h"

#include <string.h>

static void read_crop(lua_State *L, struct lathe_augmentation *step)
{
    step->size = whole_field(L, "size");
    step->pad = whole_field(L, "pad");
    lua_getfield(L, -1, "mode");
    step->reflect = strcmp(lua_tostring(L, -1), "reflect") == 0;
    lua_pop(L, 1);
}

/* The fields of each word that go into amount, in their order. */
static void read_amounts(lua_State *L, struct lathe_augmentation *step)
{
    static const char *const names[][4] = {
        [LATHE_RANDOM_RESIZE] = {"low", "high"},
        [LATHE_ROTATE] = {"degrees"},
        [LATHE_SHEAR] = {"degrees"},
        [LATHE_PERSPECTIVE] = {"distortion"},
        [LATHE_COLOR_JITTER] = {"brightness", "contrast", "saturation", "hue"},
        [LATHE_NOISE] = {"std"}};
    for (int i = 0; i < 4 && names[step->kind][i]; i++)
        step->amount[i] = (float)number_field(L, names[step->kind][i]);
    step->p = (float)number_or(L, "p", 1);
}

static struct lathe_augmentation read_augmentation(lua_State *L)
{
    static const char *const words[] = {
        [LATHE_CROP] = "crop",
        [LATHE_HFLIP] = "hflip",
        [LATHE_CENTER_CROP] = "center_crop",
        [LATHE_RESIZE] = "resize",
        [LATHE_RANDOM_RESIZE] = "random_resize",
        [LATHE_ROTATE] = "rotate",
        [LATHE_SHEAR] = "shear",
        [LATHE_PERSPECTIVE] = "perspective",
        [LATHE_COLOR_JITTER] = "color_jitter",
        [LATHE_NOISE] = "noise",
    };
    struct lathe_augmentation step = {.kind = (enum lathe_augmentation_kind)WORD_FIELD(L, words)};
    if (step.kind == LATHE_CROP)
        read_crop(L, &step);
    else if (step.kind == LATHE_HFLIP)
        step.p = (float)number_field(L, "p");
    else if (step.kind == LATHE_CENTER_CROP)
        step.size = whole_field(L, "size");
    else if (step.kind == LATHE_RESIZE)
        check_bug(pair_field(L, "result", &step.size, &step.width));
    else
        read_amounts(L, &step);
    return step;
}

static void read_augmentations(lua_State *L, struct job *job, struct lathe_data *data)
{
    if (!enter_table(L, "augment"))
        return;
    data->augmentation_count = (int)lua_rawlen(L, -1);
    struct lathe_augmentation *steps =
        arena_array(job->arena, (size_t)data->augmentation_count, struct lathe_augmentation);
    for (int i = 0; i < data->augmentation_count; i++) {
        lua_rawgeti(L, -1, i + 1);
        steps[i] = read_augmentation(L);
        lua_pop(L, 1);
    }
    data->augmentation = steps;
    leave_table(L);
}

static void read_normalize(lua_State *L, struct lathe_data *data)
{
    double mean[4], deviation[4];
    data->measured = text_is(L, "normalize", "auto");
    if (!enter_table(L, "normalize"))
        return;
    int count = numbers_field(L, "mean", mean, 4);
    check_bug(numbers_field(L, "std", deviation, 4) == count);
    for (int i = 0; i < count; i++) {
        data->mean[i] = (float)mean[i];
        data->deviation[i] = (float)deviation[i];
    }
    leave_table(L);
}

static enum lathe_source read_source_word(lua_State *L)
{
    static const char *const words[] = {
        [LATHE_MNIST] = "mnist",     [LATHE_FASHION_MNIST] = "fashion_mnist",
        [LATHE_CIFAR10] = "cifar10", [LATHE_CIFAR100] = "cifar100",
        [LATHE_DIGITS] = "digits",   [LATHE_XOR] = "xor",
        [LATHE_LINEAR] = "linear",   [LATHE_MAX] = "max",
        [LATHE_IMAGES] = "images",   [LATHE_LOGSUMEXP] = "logsumexp",
        [LATHE_ARRAYS] = "arrays"};
    return (enum lathe_source)WORD_FIELD(L, words);
}

/* The shape of the set's samples, before augmentation: the table that is not there for none. */
static void read_load_shape(lua_State *L, struct lathe_data *data)
{
    double shape[3] = {0, 1, 1};
    numbers_field(L, "shape", shape, 3);
    data->load_height = (int)shape[1];
    data->load_width = (int)shape[2];
}

void read_data(lua_State *L, struct job *job)
{
    static const char *const files[4] = {"x", "y", "test_x", "test_y"};
    struct lathe_data *data = &job->network->data;
    data->channels = job->input_dims[0];
    data->height = job->input_rank == 3 ? job->input_dims[1] : 1;
    data->width = job->input_rank == 3 ? job->input_dims[2] : 1;
    data->subset = 1;
    for (int i = 0; i < 4; i++)
        data->deviation[i] = 1;
    data->source = LATHE_NO_DATA;
    data->target = LATHE_TARGET_NONE;
    data->load_height = data->height;
    data->load_width = data->width;
    job->network->has_data = enter_table(L, "data");
    if (!job->network->has_data)
        return;
    data->target = LATHE_TARGET_OWN;
    if (text_is(L, "target", "input"))
        data->target = LATHE_TARGET_INPUT;
    if (text_is(L, "target", "none"))
        data->target = LATHE_TARGET_NONE;
    data->classes = whole_field(L, "classes");
    data->targets = whole_field(L, "targets");
    data->subset = number_or(L, "subset", 1);
    for (int i = 0; i < 4; i++)
        data->files[i] = text_field(L, job, files[i]);
    data->validation = number_or(L, "validation", 0);
    read_augmentations(L, job, data);
    read_normalize(L, data);
    read_load_shape(L, data);
    check_bug(enter_table(L, "source"));
    data->source = read_source_word(L);
    leave_table(L);
    leave_table(L);
}

/* The fields of PART that the table on the top has; the others are 0. */
static void read_training_fields(lua_State *L, enum lathe_field_part part,
                                 struct lathe_training *training)
{
    for (int i = 0; i < lathe_training_field_count; i++) {
        const struct lathe_field *field = &lathe_training_fields[i];
        if (field->part != part)
            continue;
        double value = field->type == LATHE_FIELD_FLAG ? flag_field(L, field->name)
                                                       : number_or(L, field->name, 0);
        lathe_field_set(training, field, value);
    }
}

static void read_optimizer(lua_State *L, struct lathe_training *training)
{
    double betas[2];
    read_training_fields(L, LATHE_IN_OPTIMIZER, training);
    training->optimizer.kind = (enum lathe_optimizer_kind)WORD_FIELD(L, lathe_optimizer_words);
    if (numbers_field(L, "betas", betas, 2)) {
        training->optimizer.beta1 = betas[0];
        training->optimizer.beta2 = betas[1];
    }
}

static void read_schedule(lua_State *L, struct lathe_training *training)
{
    if (enter_table(L, "inner")) {
        read_schedule(L, training);
        leave_table(L);
        training->schedule.warmup = number_field(L, "epochs");
        return;
    }
    read_training_fields(L, LATHE_IN_SCHEDULE, training);
    training->schedule.kind = (enum lathe_schedule_kind)WORD_FIELD(L, lathe_schedule_words);
    if (training->schedule.kind == LATHE_ONECYCLE)
        training->schedule.lr = number_field(L, "max");
}

void read_training(lua_State *L, struct network *network)
{
    struct lathe_training *training = &network->training;
    network->has_training = enter_table(L, "train");
    if (!network->has_training)
        return;
    training->batch = whole_field(L, "batch");
    training->epochs = whole_field(L, "epochs");
    read_training_fields(L, LATHE_IN_TRAIN, training);
    check_bug(enter_table(L, "optimizer"));
    read_optimizer(L, training);
    leave_table(L);
    training->optimizer.clip_value = number_or(L, "clip_value", 0);
    training->optimizer.clip_norm = number_or(L, "clip_norm", 0);
    check_bug(enter_table(L, "lr"));
    read_schedule(L, training);
    leave_table(L);
    leave_table(L);
}
