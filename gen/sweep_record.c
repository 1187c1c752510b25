/*
 * sweep_record: what a sweep's folder remembers: what it is of, and a line of JSON for each run
 * that is over. Lines are read back as they were written, no JSON of others.
 */
#include "sweep_parts.h"
#include "json.h"
#include "outcome.h"
#include "record.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the sweep is of ---- */

enum { TRAITS = 7 };

/* Numbers are texts here: so were they in the first folders. */
static const char *number_trait(struct arena *arena, int64_t number)
{
    return trait_text(arena, number ? arena_printf(arena, "%lld", (long long)number) : "");
}

static void list_traits(const struct sweep *sweep, struct trait traits[TRAITS])
{
    const struct sweep_options *o = sweep->options;
    struct arena *arena = sweep->arena;
    const char *over = "";
    for (int k = 0; k < sweep->keys.count; k++)
        over = arena_printf(arena, "%s%s%s", over, k ? "," : "", sweep->keys.items[k].name);
    const struct trait all[TRAITS] = {
        {"over", "a sweep over", trait_text(arena, over)},
        {"epochs", "a sweep with --epochs", number_trait(arena, o->epochs)},
        {"batch", "a sweep with --batch", number_trait(arena, o->build.batch)},
        {"limit_train", "a sweep with --limit-train", number_trait(arena, o->limit_train)},
        {"limit_test", "a sweep with --limit-test", number_trait(arena, o->limit_test)},
        {"data", "a sweep with --data", trait_text(arena, o->data ? o->data : "")},
        {"digest", "a sweep of a spec with sha256", trait_text(arena, sweep->digest)},
    };
    memcpy(traits, all, sizeof all);
}

void check_folder(struct sweep *sweep)
{
    struct trait traits[TRAITS];
    list_traits(sweep, traits);
    bool ours = record_is_ours(sweep->arena, sweep->folder, "sweep.json", traits, TRAITS);
    if (!ours)
        make_folder(sweep->folder);
    /* one sweep at a time, its runs included: those of one that was killed are waited for */
    record_lock(sweep->arena, sweep->folder, ".lock", true, true);
    if (!ours)
        record_claim(sweep->arena, sweep->folder, "sweep.json", traits, TRAITS);
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

/* CONTEXT is the sweep. */
static void take_line(void *context, const char *line)
{
    struct sweep *sweep = context;
    struct arena *arena = sweep->arena;
    const char *id = json_text(arena, line, "id"), *status = json_text(arena, line, "status");
    for (int i = 0; i < sweep->runs.count; i++) {
        struct sweep_run *run = &sweep->runs.items[i];
        if (strcmp(run->id, id) != 0)
            continue;
        run->status = strcmp(status, status_names[RUN_DONE]) == 0       ? RUN_DONE
                      : strcmp(status, status_names[RUN_DIVERGED]) == 0 ? RUN_DIVERGED
                                                                        : RUN_WAITING;
        run->accuracy = json_number(arena, line, "test_accuracy");
        run->loss = json_number(arena, line, "test_loss");
        run->seconds = json_number(arena, line, "seconds");
        run->epochs = json_numbers(arena, line, "losses", &run->losses);
        int count = json_numbers(arena, line, "accuracies", &run->accuracies);
        if (sweep->classes && count < run->epochs)
            run->epochs = count;
    }
}

void open_record(struct sweep *sweep)
{
    sweep->record_path = arena_printf(sweep->arena, "%s/sweep.jsonl", sweep->folder);
    sweep->record = record_open(sweep->arena, sweep->record_path, take_line, sweep);
}

/* The settings of RUN as an object; numbers as numbers. */
static void put_settings(const struct sweep *sweep, const struct sweep_run *run, struct text *out)
{
    text_printf(out, "{");
    for (int k = 0; k < sweep->keys.count; k++) {
        const char *value = run->combination->values[k];
        char *end;
        double number = strtod(value, &end);
        text_printf(out, "%s", k ? ", " : "");
        json_put_text(out, sweep->keys.items[k].name);
        text_printf(out, ": ");
        if (!*end && isfinite(number))
            json_put_exact(out, number);
        else
            json_put_text(out, value);
    }
    text_printf(out, "}");
}

void record_run(struct sweep *sweep, const struct sweep_run *run)
{
    struct text line = {0};
    text_printf(&line, "{\"id\": ");
    json_put_text(&line, run->id);
    text_printf(&line, ", \"status\": \"%s\", \"seed\": %lld, \"test_accuracy\": ",
                status_names[run->status], (long long)run->seed);
    json_put_number(&line, run->accuracy);
    text_printf(&line, ", \"test_loss\": ");
    json_put_number(&line, run->loss);
    text_printf(&line, ", \"seconds\": %.3f, \"epochs\": %d, \"accuracies\": ", run->seconds,
                run->epochs);
    json_put_numbers(&line, run->accuracies, sweep->classes ? run->epochs : 0);
    text_printf(&line, ", \"losses\": ");
    json_put_numbers(&line, run->losses, run->epochs);
    text_printf(&line, ", \"build\": \"builds/%s\", \"recipe\": ", run->combination->build);
    json_put_text(&line, run->combination->recipe);
    text_printf(&line, ", \"settings\": ");
    put_settings(sweep, run, &line);
    if (run->message) {
        text_printf(&line, ", \"message\": ");
        json_put_text(&line, run->message);
    }
    text_printf(&line, "}\n");
    record_append(sweep->record, sweep->record_path, &line);
    text_free(&line);
}

/* ---- logs ---- */

void read_log(const struct sweep *sweep, struct arena *arena, struct sweep_run *run)
{
    struct run_log log =
        read_run_log(arena, run_file(sweep, arena, run, "log.jsonl"), run->combination->epochs);
    run->epochs = log.epochs;
    run->seconds = log.seconds;
    run->accuracies = log.accuracies;
    run->losses = log.losses;
}
