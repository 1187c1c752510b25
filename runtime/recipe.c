/*
 * recipe: the fields of struct lathe_training as a table, written and read as text.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recipe.h"

/* ---- the fields ---- */

enum kind { OPTIMIZER, SCHEDULE, NUMBER, FLAG };

#define BIT(kind) (1u << (kind))
enum { ALL = ~0u };

struct field {
    const char *name;
    enum kind kind;
    size_t offset;
    unsigned optimizers, schedules; /* that have it, a bit each */
    double least, most;             /* of numbers, both included */
};

#define OF_OPTIMIZER(name, member, kind, optimizers, least, most)                                  \
    {                                                                                              \
        name, kind, offsetof(struct lathe_training, optimizer.member), optimizers, ALL, least,     \
            most                                                                                   \
    }
#define OF_SCHEDULE(name, member, kind, schedules, least, most)                                    \
    {                                                                                              \
        name, kind, offsetof(struct lathe_training, schedule.member), ALL, schedules, least, most  \
    }

static const double below_one = 1 - 0x1p-53, above_none = 0x1p-1022;

static const struct field fields[] = {
    OF_OPTIMIZER("optimizer", kind, OPTIMIZER, ALL, 0, 0),
    OF_OPTIMIZER("momentum", momentum, NUMBER, BIT(LATHE_SGD), 0, 1e9),
    OF_OPTIMIZER("dampening", dampening, NUMBER, BIT(LATHE_SGD), 0, 1e9),
    OF_OPTIMIZER("nesterov", nesterov, FLAG, BIT(LATHE_SGD), 0, 0),
    OF_OPTIMIZER("beta1", beta1, NUMBER, BIT(LATHE_ADAM), 0, below_one),
    OF_OPTIMIZER("beta2", beta2, NUMBER, BIT(LATHE_ADAM), 0, below_one),
    OF_OPTIMIZER("eps", eps, NUMBER, BIT(LATHE_ADAM), 0, 1e9),
    OF_OPTIMIZER("weight_decay", weight_decay, NUMBER, ALL, 0, 1e9),
    OF_OPTIMIZER("clip_value", clip_value, NUMBER, ALL, 0, 1e9),
    OF_SCHEDULE("schedule", kind, SCHEDULE, ALL, 0, 0),
    OF_SCHEDULE("lr", lr, NUMBER, ALL, 0, 1e6),
    OF_SCHEDULE("every", every, NUMBER, BIT(LATHE_STEPS), above_none, 1e9),
    OF_SCHEDULE("gamma", gamma, NUMBER, BIT(LATHE_STEPS), above_none, 1e9),
    OF_SCHEDULE("pct_start", pct_start, NUMBER, BIT(LATHE_ONECYCLE), 0, 1),
    OF_SCHEDULE("div_factor", div_factor, NUMBER, BIT(LATHE_ONECYCLE), above_none, 1e9),
    OF_SCHEDULE("final_div_factor", final_div_factor, NUMBER, BIT(LATHE_ONECYCLE), above_none, 1e9),
    OF_SCHEDULE("cycle_momentum", cycle_momentum, FLAG, BIT(LATHE_ONECYCLE), 0, 0),
    OF_SCHEDULE("base_momentum", base_momentum, NUMBER, BIT(LATHE_ONECYCLE), 0, below_one),
    OF_SCHEDULE("max_momentum", max_momentum, NUMBER, BIT(LATHE_ONECYCLE), 0, below_one),
};
enum { FIELDS = sizeof fields / sizeof *fields };

/* A word of the fields "optimizer" and "schedule", and where its fields begin. */
struct word {
    const char *name, *defaults;
};

static const struct word optimizers[] = {
    [LATHE_SGD] = {"sgd", "momentum=0,dampening=0,nesterov=false"},
    [LATHE_ADAM] = {"adam", "beta1=0.9,beta2=0.999,eps=1e-8"},
};
static const struct word schedules[] = {
    [LATHE_FIXED] = {"fixed", ""},
    [LATHE_STEPS] = {"steps", "gamma=0.1"},
    [LATHE_ONECYCLE] = {"onecycle", "pct_start=0.3,div_factor=25,final_div_factor=1e4,"
                                    "cycle_momentum=true,base_momentum=0.85,max_momentum=0.95"},
};

static const struct word *words_of(enum kind kind, int *count)
{
    if (kind == OPTIMIZER)
        *count = (int)(sizeof optimizers / sizeof *optimizers);
    else
        *count = (int)(sizeof schedules / sizeof *schedules);
    return kind == OPTIMIZER ? optimizers : schedules;
}

const char *lathe_recipe_field(int index)
{
    return index < FIELDS ? fields[index].name : NULL;
}

static const struct field *find_field(const char *name, size_t length)
{
    for (int i = 0; i < FIELDS; i++)
        if (strlen(fields[i].name) == length && !strncmp(fields[i].name, name, length))
            return &fields[i];
    return NULL;
}

static void *member(struct lathe_training *training, const struct field *field)
{
    return (char *)training + field->offset;
}

/* Do TRAINING's optimizer and schedule have FIELD? */
static bool has(const struct lathe_training *training, const struct field *field)
{
    return (field->optimizers & BIT(training->optimizer.kind)) &&
           (field->schedules & BIT(training->schedule.kind));
}

static bool is_word(const struct field *field)
{
    return field->kind == OPTIMIZER || field->kind == SCHEDULE;
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

static void print_value(const struct lathe_training *training, const struct field *field,
                        char text[32])
{
    struct lathe_training copy = *training;
    const void *value = member(&copy, field);
    switch (field->kind) {
    case OPTIMIZER:
        snprintf(text, 32, "%s", optimizers[*(const enum lathe_optimizer_kind *)value].name);
        break;
    case SCHEDULE:
        snprintf(text, 32, "%s", schedules[*(const enum lathe_schedule_kind *)value].name);
        break;
    case NUMBER:
        print_number(text, *(const double *)value);
        break;
    case FLAG:
        snprintf(text, 32, "%s", *(const bool *)value ? "true" : "false");
        break;
    }
}

void lathe_recipe_write(const struct lathe_training *training, char text[LATHE_RECIPE_TEXT])
{
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < FIELDS; i++) {
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
    const struct field *field;
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
        char names[512] = "";
        for (int i = 0; i < FIELDS; i++)
            strcat(strcat(names, i ? ", " : ""), fields[i].name);
        return lathe_fail(error, LATHE_USAGE, "recipe: no field '%.*s' (there are %s)", name, *at,
                          names);
    }
    memcpy(item->value, *at + name + 1, (size_t)value);
    item->value[value] = '\0';
    *at += length + ((*at)[length] == ',');
    return true;
}

static bool set_number(double *number, const struct item *item, struct lathe_error *error)
{
    char *end;
    double value = strtod(item->value, &end);
    if (*end || strchr(" \t\n\v\f\r", item->value[0]))
        return lathe_fail(error, LATHE_USAGE, "recipe: %s: expected a number, given '%s'",
                          item->field->name, item->value);
    if (!(value >= item->field->least && value <= item->field->most))
        return lathe_fail(error, LATHE_USAGE, "recipe: %s: expected %.4g to %.4g, given %s",
                          item->field->name, item->field->least, item->field->most, item->value);
    *number = value;
    return true;
}

static bool set_flag(bool *flag, const struct item *item, struct lathe_error *error)
{
    *flag = !strcmp(item->value, "true");
    return *flag || !strcmp(item->value, "false") ||
           lathe_fail(error, LATHE_USAGE, "recipe: %s: expected true or false, given '%s'",
                      item->field->name, item->value);
}

/* ITEM into TRAINING; its field is a number or a flag. */
static bool set_value(struct lathe_training *training, const struct item *item,
                      struct lathe_error *error)
{
    if (!has(training, item->field))
        return lathe_fail(error, LATHE_USAGE, "recipe: %s is not of %s with schedule %s",
                          item->field->name, optimizers[training->optimizer.kind].name,
                          schedules[training->schedule.kind].name);
    void *value = member(training, item->field);
    return item->field->kind == FLAG ? set_flag(value, item, error)
                                     : set_number(value, item, error);
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
    const struct word *words = words_of(item->field->kind, &count);
    for (; found < count && strcmp(words[found].name, item->value) != 0; found++)
        strcat(strcat(names, found ? ", " : ""), words[found].name);
    if (found == count)
        return lathe_fail(error, LATHE_USAGE, "recipe: %s: expected one of %s, given '%s'",
                          item->field->name, names, item->value);
    bool optimizer = item->field->kind == OPTIMIZER;
    if (found == (optimizer ? (int)training->optimizer.kind : (int)training->schedule.kind))
        return true;
    for (int i = 0; i < FIELDS; i++) {
        unsigned owners = optimizer ? fields[i].optimizers : fields[i].schedules;
        if (owners != (unsigned)ALL)
            memset(member(training, &fields[i]), 0,
                   fields[i].kind == FLAG ? sizeof(bool) : sizeof(double));
    }
    if (optimizer)
        training->optimizer.kind = (enum lathe_optimizer_kind)found;
    else
        training->schedule.kind = (enum lathe_schedule_kind)found;
    return set_values(words[found].defaults, training, error);
}

/* What has no default must have been given. */
static bool complete(const struct lathe_training *training, struct lathe_error *error)
{
    struct lathe_training copy = *training;
    for (int i = 0; i < FIELDS; i++)
        if (fields[i].kind == NUMBER && has(training, &fields[i]) &&
            *(double *)member(&copy, &fields[i]) < fields[i].least)
            return lathe_fail(error, LATHE_USAGE, "recipe: %s with schedule %s needs %s=...",
                              optimizers[training->optimizer.kind].name,
                              schedules[training->schedule.kind].name, fields[i].name);
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
    for (int i = 0; i < FIELDS; i++) {
        if (!strcmp(fields[i].name, "lr"))
            continue;
        item_of(a, fields[i].name, in_a);
        item_of(b, fields[i].name, in_b);
        if (strcmp(in_a, in_b) != 0)
            return true;
    }
    return false;
}
