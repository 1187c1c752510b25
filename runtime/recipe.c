/*
 * recipe: the fields of struct lathe_training as a table, written and read as text.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recipe.h"
#include "training.h"

/* ---- the fields: training.h's table ---- */

#define fields lathe_training_fields

/* Where the fields of a word begin: its defaults, as specs have them. */
static const char *const optimizer_defaults[] = {
    [LATHE_SGD] = "momentum=0,dampening=0,nesterov=false",
    [LATHE_ADAGRAD] = "lr_decay=0,initial_accumulator=0,eps=1e-10",
    [LATHE_RMSPROP] = "alpha=0.99,eps=1e-8,momentum=0,centered=false",
    [LATHE_ADADELTA] = "rho=0.9,eps=1e-6",
    [LATHE_ADAM] = "beta1=0.9,beta2=0.999,eps=1e-8,amsgrad=false",
    [LATHE_ADAMW] = "beta1=0.9,beta2=0.999,eps=1e-8,amsgrad=false,weight_decay=0.01",
};
static const char *const schedule_defaults[] = {
    [LATHE_FIXED] = "",
    [LATHE_STEPS] = "gamma=0.1",
    [LATHE_EXPONENTIAL] = "",
    [LATHE_INVERSE] = "",
    [LATHE_COSINE] = "min=0",
    [LATHE_ONECYCLE] = ("pct_start=0.3,div_factor=25,final_div_factor=1e4,cycle_momentum=true,"
                        "base_momentum=0.85,max_momentum=0.95"),
    [LATHE_PLATEAU] = "factor=0.1,patience=10,threshold=1e-4,cooldown=0,min=0",
};

/* The words of FIELD, which is a word; NULL where it is none. */
static const char *const *words_of(const struct lathe_field *field, int *count)
{
    bool optimizer = field->type == LATHE_FIELD_OPTIMIZER;
    *count = optimizer ? LATHE_OPTIMIZERS : LATHE_SCHEDULES;
    if (optimizer)
        return lathe_optimizer_words;
    return field->type == LATHE_FIELD_SCHEDULE ? lathe_schedule_words : NULL;
}

const char *lathe_recipe_field(int index)
{
    return index < lathe_training_field_count ? fields[index].name : NULL;
}

static const struct lathe_field *find_field(const char *name, size_t length)
{
    for (int i = 0; i < lathe_training_field_count; i++)
        if (strlen(fields[i].name) == length && !strncmp(fields[i].name, name, length))
            return &fields[i];
    return NULL;
}

/* Do TRAINING's optimizer and schedule have FIELD? */
static bool has(const struct lathe_training *training, const struct lathe_field *field)
{
    return (field->optimizers & 1u << training->optimizer.kind) &&
           (field->schedules & 1u << training->schedule.kind);
}

static bool is_word(const struct lathe_field *field)
{
    return field->part == LATHE_A_WORD;
}

/* ---- writing ---- */

/* The shortest decimal that reads back as NUMBER. */
static void print_number(char text[32], double number)
{
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            return;
    }
}

static void print_value(const struct lathe_training *training, const struct lathe_field *field,
                        char text[32])
{
    int count;
    const char *const *words = words_of(field, &count);
    double value = lathe_field_get(training, field);
    if (words)
        snprintf(text, 32, "%s", words[(int)value]);
    else if (field->type == LATHE_FIELD_FLAG)
        snprintf(text, 32, "%s", value != 0 ? "true" : "false");
    else
        print_number(text, value);
}

void lathe_recipe_write(const struct lathe_training *training, char text[LATHE_RECIPE_TEXT])
{
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < lathe_training_field_count; i++) {
        char value[32];
        if (!has(training, &fields[i]))
            continue;
        print_value(training, &fields[i], value);
        length += (size_t)snprintf(text + length, LATHE_RECIPE_TEXT - length, "%s%s=%s",
                                   length ? "," : "", fields[i].name, value);
    }
}

/* ---- reading ---- */

/* One "name=value" of a recipe; VALUE is a copy. */
struct item {
    const struct lathe_field *field;
    char value[64];
};

/* The item at *AT, which moves behind it and its comma. */
static bool next_item(const char **at, struct item *item, struct lathe_error *error)
{
    int length = (int)strcspn(*at, ","), name = (int)strcspn(*at, "=,");
    int value = length - name - 1;
    if (value < 1 || value >= (int)sizeof item->value)
        return lathe_fail(error, LATHE_USAGE, "recipe: expected FIELD=VALUE, given '%.*s'", length,
                          *at);
    item->field = find_field(*at, (size_t)name);
    if (!item->field) {
        char names[1024] = "";
        for (int i = 0; i < lathe_training_field_count; i++)
            strcat(strcat(names, i ? ", " : ""), fields[i].name);
        return lathe_fail(error, LATHE_USAGE, "recipe: no field '%.*s' (there are %s)", name, *at,
                          names);
    }
    memcpy(item->value, *at + name + 1, (size_t)value);
    item->value[value] = '\0';
    *at += length + ((*at)[length] == ',');
    return true;
}

static bool read_number(const struct item *item, double *number, struct lathe_error *error)
{
    char *end;
    const struct lathe_field *field = item->field;
    bool whole = field->type == LATHE_FIELD_WHOLE;
    double value = strtod(item->value, &end);
    if (*end || strchr(" \t\n\v\f\r", item->value[0]))
        return lathe_fail(error, LATHE_USAGE, "recipe: %s: expected a number, given '%s'",
                          field->name, item->value);
    if (!(value >= field->least && value <= field->most) || (whole && value != floor(value)))
        return lathe_fail(error, LATHE_USAGE, "recipe: %s: expected %s%.4g to %.4g, given %s",
                          field->name, whole ? "a whole number, " : "", field->least, field->most,
                          item->value);
    *number = value;
    return true;
}

static bool read_flag(const struct item *item, double *flag, struct lathe_error *error)
{
    *flag = !strcmp(item->value, "true");
    return *flag != 0 || !strcmp(item->value, "false") ||
           lathe_fail(error, LATHE_USAGE, "recipe: %s: expected true or false, given '%s'",
                      item->field->name, item->value);
}

/* ITEM into TRAINING; its field is a number or a flag. */
static bool set_value(struct lathe_training *training, const struct item *item,
                      struct lathe_error *error)
{
    double value = 0;
    if (!has(training, item->field))
        return lathe_fail(error, LATHE_USAGE, "recipe: %s is not of %s with schedule %s",
                          item->field->name, lathe_optimizer_words[training->optimizer.kind],
                          lathe_schedule_words[training->schedule.kind]);
    if (item->field->type == LATHE_FIELD_FLAG ? !read_flag(item, &value, error)
                                              : !read_number(item, &value, error))
        return false;
    lathe_field_set(training, item->field, value);
    return true;
}

static bool set_values(const char *text, struct lathe_training *training, struct lathe_error *error)
{
    struct item item;
    while (*text)
        if (!next_item(&text, &item, error) ||
            (!is_word(item.field) && !set_value(training, &item, error)))
            return false;
    return true;
}

/* Make the optimizer or schedule of TRAINING the word of ITEM: fields that not all have begin as
 * its defaults. */
static bool set_word(struct lathe_training *training, const struct item *item,
                     struct lathe_error *error)
{
    int count, found = 0;
    char names[256] = "";
    const char *const *words = words_of(item->field, &count);
    for (; found < count && strcmp(words[found], item->value) != 0; found++)
        strcat(strcat(names, found ? ", " : ""), words[found]);
    if (found == count)
        return lathe_fail(error, LATHE_USAGE, "recipe: %s: expected one of %s, given '%s'",
                          item->field->name, names, item->value);
    if (found == (int)lathe_field_get(training, item->field))
        return true;
    bool optimizer = item->field->type == LATHE_FIELD_OPTIMIZER;
    for (int i = 0; i < lathe_training_field_count; i++)
        if ((optimizer ? fields[i].optimizers : fields[i].schedules) != LATHE_BY_ALL)
            lathe_field_set(training, &fields[i], 0);
    lathe_field_set(training, item->field, found);
    return set_values(optimizer ? optimizer_defaults[found] : schedule_defaults[found], training,
                      error);
}

/* What has no default must have been given. */
static bool complete(const struct lathe_training *training, struct lathe_error *error)
{
    for (int i = 0; i < lathe_training_field_count; i++)
        if (!is_word(&fields[i]) && has(training, &fields[i]) &&
            lathe_field_get(training, &fields[i]) < fields[i].least)
            return lathe_fail(error, LATHE_USAGE, "recipe: %s with schedule %s needs %s=...",
                              lathe_optimizer_words[training->optimizer.kind],
                              lathe_schedule_words[training->schedule.kind], fields[i].name);
    return true;
}

bool lathe_recipe_read(const char *text, struct lathe_training *training, struct lathe_error *error)
{
    struct lathe_training result = *training;
    struct item item;
    for (const char *at = text; *at;) /* words first: they say which fields there are */
        if (!next_item(&at, &item, error) ||
            (is_word(item.field) && !set_word(&result, &item, error)))
            return false;
    if (!set_values(text, &result, error) || !complete(&result, error))
        return false;
    *training = result;
    return true;
}

/* ---- comparing ---- */

/* The item of field NAME in the recipe TEXT, or "no NAME". */
static void item_of(const char *text, const char *name, char found[80])
{
    size_t length = strlen(name);
    for (const char *at = text; *at; at += strcspn(at, ","), at += *at == ',')
        if (!strncmp(at, name, length) && at[length] == '=') {
            snprintf(found, 80, "%.*s", (int)strcspn(at, ","), at);
            return;
        }
    snprintf(found, 80, "no %s", name);
}

bool lathe_recipe_difference(const char *a, const char *b, char in_a[80], char in_b[80])
{
    for (int i = 0; i < lathe_training_field_count; i++) {
        if (!strcmp(fields[i].name, "lr"))
            continue;
        item_of(a, fields[i].name, in_a);
        item_of(b, fields[i].name, in_b);
        if (strcmp(in_a, in_b) != 0)
            return true;
    }
    return false;
}
