/*
 * sweep_record: what a sweep's folder remembers: what it is of, and a line of JSON for each run
 * that is over. Lines are read back as they were written, no JSON of others.
 */
#define _GNU_SOURCE
#include "sweep_parts.h"
#include "sha256.h"
#include "../runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- JSON ---- */

static void put_text(struct text *out, const char *text)
{
    text_add(out, "\"", 1);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            text_printf(out, "\\%c", *c);
        else if ((unsigned char)*c < ' ')
            text_printf(out, "\\u%04x", *c);
        else
            text_add(out, c, 1);
    }
    text_add(out, "\"", 1);
}

static void put_number(struct text *out, double number)
{
    if (isfinite(number))
        text_printf(out, "%.9g", number);
    else
        text_printf(out, "null");
}

static void put_numbers(struct text *out, const double *numbers, int count)
{
    text_printf(out, "[");
    for (int i = 0; i < count; i++) {
        text_printf(out, "%s", i ? ", " : "");
        put_number(out, numbers[i]);
    }
    text_printf(out, "]");
}

/* What follows "NAME": in LINE, or NULL. */
static const char *field(struct arena *arena, const char *line, const char *name)
{
    const char *pattern = arena_printf(arena, "\"%s\": ", name);
    const char *at = strstr(line, pattern);
    return at ? at + strlen(pattern) : NULL;
}

/* A number of LINE; NaN where there is none. */
static double number_of(struct arena *arena, const char *line, const char *name)
{
    const char *at = field(arena, line, name);
    char *end = NULL;
    double number = at ? strtod(at, &end) : NAN;
    return at && end > at ? number : (double)NAN;
}

/* A text of LINE with its escapes; "" where there is none. */
static const char *text_of(struct arena *arena, const char *line, const char *name)
{
    const char *at = field(arena, line, name);
    if (!at || *at != '"')
        return "";
    size_t length = 1;
    while (at[length] && at[length] != '"')
        length += at[length] == '\\' && at[length + 1] ? 2 : 1;
    return arena_printf(arena, "%.*s", (int)length - 1, at + 1);
}

/* The numbers of a list of LINE, in ARENA. */
static int numbers_of(struct arena *arena, const char *line, const char *name, double **numbers)
{
    const char *at = field(arena, line, name);
    VECTOR(double) list = {0};
    for (at = at && *at == '[' ? at + 1 : ""; *at && *at != ']'; at += strcspn(at, ",]")) {
        at += strspn(at, ", ");
        char *end;
        double number = strtod(at, &end);
        vector_push(arena, &list, end > at ? number : (double)NAN);
    }
    *numbers = list.items;
    return list.count;
}

/* ---- what the sweep is of ---- */

/* A line of sweep.json, and how a message names it. */
struct trait {
    const char *name, *said, *value;
};

enum { TRAITS = 7 };

static const char *number_text(struct arena *arena, int64_t number)
{
    return number ? arena_printf(arena, "%lld", (long long)number) : "";
}

static void list_traits(const struct sweep *sweep, struct trait traits[TRAITS])
{
    const struct sweep_options *o = sweep->options;
    const char *over = "";
    for (int k = 0; k < sweep->keys.count; k++)
        over = arena_printf(sweep->arena, "%s%s%s", over, k ? "," : "", sweep->keys.items[k].name);
    const struct trait all[TRAITS] = {
        {"over", "a sweep over", over},
        {"epochs", "a sweep with --epochs", number_text(sweep->arena, o->epochs)},
        {"batch", "a sweep with --batch", number_text(sweep->arena, o->build.batch)},
        {"limit_train", "a sweep with --limit-train", number_text(sweep->arena, o->limit_train)},
        {"limit_test", "a sweep with --limit-test", number_text(sweep->arena, o->limit_test)},
        {"data", "a sweep with --data", o->data ? o->data : ""},
        {"digest", "a sweep of a spec with sha256", sweep->digest},
    };
    memcpy(traits, all, sizeof all);
}

static void write_traits(const char *path, const struct trait *traits)
{
    struct text out = {0};
    for (int i = 0; i < TRAITS; i++) {
        text_printf(&out, "%s\"%s\": ", i ? ",\n " : "{", traits[i].name);
        put_text(&out, traits[i].value);
    }
    text_printf(&out, "}\n");
    write_file(path, out.data, out.length);
    text_free(&out);
}

/* Only one sweep at a time, its runs included, which have the lock too: those of one that was
 * killed are waited for. */
static void lock_folder(const struct sweep *sweep)
{
    const char *path = arena_printf(sweep->arena, "%s/.lock", sweep->folder);
    int lock = open(path, O_RDWR | O_CREAT, 0666); /* inherited, never closed */
    if (lock < 0)
        fail(STATUS_RESOURCE, "cannot write %s: %s", path, strerror(errno));
    if (flock(lock, LOCK_EX | LOCK_NB) == 0)
        return;
    fprintf(stderr, "%s: waits for a sweep that is under way there, or a run that one left\n",
            sweep->folder);
    if (flock(lock, LOCK_EX) < 0)
        fail(STATUS_RESOURCE, "cannot lock %s: %s", path, strerror(errno));
}

void check_folder(struct sweep *sweep)
{
    struct trait traits[TRAITS];
    const char *path = arena_printf(sweep->arena, "%s/sweep.json", sweep->folder);
    list_traits(sweep, traits);
    if (access(path, F_OK) < 0) {
        make_folder(sweep->folder);
        lock_folder(sweep);
        write_traits(path, traits);
        return;
    }
    size_t length;
    const char *found = read_file(sweep->arena, path, &length);
    for (int i = 0; i < TRAITS; i++) {
        struct text value = {0};
        put_text(&value, traits[i].value);
        const char *theirs = text_of(sweep->arena, found, traits[i].name);
        bool same = strlen(theirs) == value.length - 2 &&
                    strncmp(theirs, value.data + 1, value.length - 2) == 0;
        text_free(&value);
        if (!same)
            fail(STATUS_USER, "%s: holds %s %s, given %s", sweep->folder, traits[i].said,
                 *theirs ? theirs : "none", *traits[i].value ? traits[i].value : "none");
    }
    lock_folder(sweep);
}

/* ---- runs that are over ---- */

const char *run_file(const struct sweep *sweep, struct arena *arena, const struct sweep_run *run,
                     const char *file)
{
    return arena_printf(arena, "%s/runs/%s/%s", sweep->folder, run->id, file);
}

static const char *const status_names[] = {
    [RUN_WAITING] = "waiting",
    [RUN_DONE] = "done",
    [RUN_DIVERGED] = "diverged",
    [RUN_FAILED] = "failed",
};

static void take_line(struct sweep *sweep, const char *line)
{
    struct arena *arena = sweep->arena;
    const char *id = text_of(arena, line, "id"), *status = text_of(arena, line, "status");
    for (int i = 0; i < sweep->runs.count; i++) {
        struct sweep_run *run = &sweep->runs.items[i];
        if (strcmp(run->id, id) != 0)
            continue;
        run->status = strcmp(status, status_names[RUN_DONE]) == 0       ? RUN_DONE
                      : strcmp(status, status_names[RUN_DIVERGED]) == 0 ? RUN_DIVERGED
                                                                        : RUN_WAITING;
        run->accuracy = number_of(arena, line, "test_accuracy");
        run->loss = number_of(arena, line, "test_loss");
        run->seconds = number_of(arena, line, "seconds");
        run->epochs = numbers_of(arena, line, "losses", &run->losses);
        int count = numbers_of(arena, line, "accuracies", &run->accuracies);
        if (sweep->classes && count < run->epochs)
            run->epochs = count;
    }
}

void open_record(struct sweep *sweep)
{
    size_t length = 0;
    const char *path = arena_printf(sweep->arena, "%s/sweep.jsonl", sweep->folder);
    char *text = access(path, F_OK) == 0 ? read_file(sweep->arena, path, &length) : "";
    while (length && text[length - 1] != '\n')
        length--;
    for (char *line = text, *end; line < text + length; line = end + 1) {
        end = strchr(line, '\n');
        *end = '\0';
        take_line(sweep, line);
    }
    sweep->record = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (sweep->record < 0 || ftruncate(sweep->record, (off_t)length) < 0)
        fail(STATUS_RESOURCE, "cannot write %s: %s", path, strerror(errno));
}

/* The settings of RUN as an object; numbers as numbers. */
static void put_settings(const struct sweep *sweep, const struct sweep_run *run, struct text *out)
{
    text_printf(out, "{");
    for (int k = 0; k < sweep->keys.count; k++) {
        const char *value = run->combination->values[k];
        char *end;
        double number = strtod(value, &end);
        int digits = 15;
        while (digits < 17 &&
               strtod(arena_printf(sweep->arena, "%.*g", digits, number), NULL) != number)
            digits++;
        text_printf(out, "%s", k ? ", " : "");
        put_text(out, sweep->keys.items[k].name);
        text_printf(out, ": ");
        if (!*end && isfinite(number))
            text_printf(out, "%.*g", digits, number);
        else
            put_text(out, value);
    }
    text_printf(out, "}");
}

void record_run(struct sweep *sweep, const struct sweep_run *run)
{
    struct text line = {0};
    text_printf(&line, "{\"id\": ");
    put_text(&line, run->id);
    text_printf(&line, ", \"status\": \"%s\", \"seed\": %lld, \"test_accuracy\": ",
                status_names[run->status], (long long)run->seed);
    put_number(&line, run->accuracy);
    text_printf(&line, ", \"test_loss\": ");
    put_number(&line, run->loss);
    text_printf(&line, ", \"seconds\": %.3f, \"epochs\": %d, \"accuracies\": ", run->seconds,
                run->epochs);
    put_numbers(&line, run->accuracies, sweep->classes ? run->epochs : 0);
    text_printf(&line, ", \"losses\": ");
    put_numbers(&line, run->losses, run->epochs);
    text_printf(&line, ", \"build\": \"builds/%s\", \"recipe\": ", run->combination->build);
    put_text(&line, run->combination->recipe);
    text_printf(&line, ", \"settings\": ");
    put_settings(sweep, run, &line);
    if (run->message) {
        text_printf(&line, ", \"message\": ");
        put_text(&line, run->message);
    }
    text_printf(&line, "}\n");
    bool written =
        lathe_write_all(sweep->record, line.data, line.length) && fsync(sweep->record) == 0;
    int error = errno;
    text_free(&line);
    if (!written)
        fail(STATUS_RESOURCE, "cannot write %s/sweep.jsonl: %s", sweep->folder, strerror(error));
}

/* ---- logs ---- */

void read_log(const struct sweep *sweep, struct arena *arena, struct sweep_run *run)
{
    size_t length;
    const char *path = run_file(sweep, arena, run, "log.jsonl");
    int most = run->combination->epochs;
    run->epochs = 0;
    run->seconds = 0;
    run->accuracies = arena_array(arena, (size_t)most, double);
    run->losses = arena_array(arena, (size_t)most, double);
    double *seconds = arena_array(arena, (size_t)most, double);
    if (access(path, F_OK) < 0)
        return;
    char *line = read_file(arena, path, &length), *end;
    for (; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        double epoch = number_of(arena, line, "epoch");
        if (!(epoch >= 1 && epoch <= most))
            continue;
        /* an epoch that was done again, after a kill, gave the same */
        int i = (int)epoch - 1;
        run->accuracies[i] = number_of(arena, line, "validation_accuracy");
        run->losses[i] = number_of(arena, line, "validation_loss");
        seconds[i] = number_of(arena, line, "seconds");
        if (i >= run->epochs)
            run->epochs = i + 1;
    }
    for (int i = 0; i < run->epochs; i++)
        run->seconds += seconds[i];
}
