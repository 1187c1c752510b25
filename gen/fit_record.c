/* fit_record: what the folder of a search remembers. */
#include "fit_parts.h"
#include "json.h"
#include "record.h"

#include <string.h>
#include <unistd.h>

const char *const trial_status_names[] = {
    [TRIAL_WAITING] = "waiting",
    [TRIAL_DONE] = "done",
    [TRIAL_DIVERGED] = "diverged",
    [TRIAL_HOPELESS] = "hopeless",
};

/* ---- what the search is ---- */

enum { TRAITS = 13, OURS = 11 }; /* the first OURS make it the search it is */

static const char *nodes_trait(const struct fit_search *search)
{
    const char *list = "";
    for (int i = 0; i < search->nodes.count; i++)
        list = arena_printf(search->arena, "%s%s%s", list, i ? ", " : "",
                            trait_text(search->arena, search->nodes.items[i]->name));
    return arena_printf(search->arena, "[%s]", list);
}

static void list_traits(const struct fit_search *search, struct trait traits[TRAITS])
{
    const struct fit_options *o = search->options;
    struct arena *arena = search->arena;
    const struct trait all[TRAITS] = {
        {"method", "a search by method", trait_text(arena, o->method)},
        {"per_layer", "a search with a curve for each layer:", o->per_layer ? "true" : "false"},
        {"space", "a search through", trait_text(arena, fit_space_text(arena, &search->space))},
        {"data", "a search with --data", trait_text(arena, o->data ? o->data : "")},
        {"subset", "a search with --subset", trait_number(arena, o->subset)},
        {"validation", "a search with --validation", trait_number(arena, search->validation)},
        {"epochs", "a search with --epochs", trait_number(arena, search->epochs)},
        {"seeds", "a search with --seeds", trait_number(arena, o->seeds)},
        {"batch", "a search with --batch", trait_number(arena, o->build.batch)},
        {"digest", "a search of a spec with sha256", trait_text(arena, search->network->digest)},
        {"nodes", "a search of the curves", nodes_trait(search)},
        {"spec", "", trait_text(arena, o->spec)},
        {"lathe", "", trait_text(arena, LATHE_VERSION)},
    };
    memcpy(traits, all, sizeof all);
}

/* ---- trials ---- */

static void put_curves(struct text *out, const struct fit_point *curves, int count)
{
    text_printf(out, "[");
    for (int i = 0; i < count; i++) {
        text_printf(out, "%s{\"L\": ", i ? ", " : "");
        json_put_exact(out, curves[i].l);
        text_printf(out, ", \"Q\": ");
        json_put_exact(out, curves[i].q);
        text_printf(out, ", \"I\": ");
        json_put_exact(out, curves[i].i);
        text_printf(out, "}");
    }
    text_printf(out, "]");
}

/* The curves of the list NAME in LINE; NULL where there is none, or not COUNT. */
static struct fit_point *curves_of(struct arena *arena, const char *line, const char *name,
                                   int count)
{
    struct fit_point *curves = arena_array(arena, (size_t)count, struct fit_point);
    const char *at = json_field(arena, line, name);
    for (int i = 0; i < count; i++) {
        at = at ? strchr(at, '{') : NULL;
        if (!at)
            return NULL;
        at++;
        curves[i] = (struct fit_point){json_number(arena, at, "L"), json_number(arena, at, "Q"),
                                       json_number(arena, at, "I")};
    }
    return curves;
}

void fit_record_trial(struct fit_search *search, const struct trial *trial)
{
    struct text line = {0};
    const struct run_log *log = &trial->log;
    bool classes = search->network->data.classes > 0;
    text_printf(&line, "{\"trial\": %d, \"id\": \"%s\", \"phase\": ", trial->number, trial->id);
    json_put_text(&line, trial->phase);
    text_printf(&line, ", \"layer\": ");
    if (trial->layer)
        json_put_text(&line, trial->layer);
    else
        text_printf(&line, "null");
    text_printf(&line, ", \"curves\": ");
    put_curves(&line, trial->curves, search->curves);
    text_printf(&line, ", \"program\": \"%s\", \"seed\": %lld, \"epochs\": %d, \"subset\": %lld",
                fit_program_names[trial->program], (long long)trial->seed, trial->epochs,
                (long long)search->options->subset);
    text_printf(&line, ", \"status\": \"%s\", \"score\": ", trial_status_names[trial->status]);
    json_put_number(&line, trial->score);
    text_printf(
        &line,
        ", \"seconds\": %.3f, \"took\": %.3f, \"elapsed\": %.3f, \"jobs\": %d, \"threads\": %d",
        log->seconds, trial->took, trial->elapsed, trial->jobs, trial->threads);
    const struct {
        const char *name;
        const double *numbers;
        int count;
    } lists[] = {
        {"train_loss", log->train_losses, log->epochs},
        {"train_accuracy", log->train_accuracies, classes ? log->epochs : 0},
        {"validation_loss", log->losses, log->epochs},
        {"validation_accuracy", log->accuracies, classes ? log->epochs : 0},
        {"images_per_s", log->images_per_s, log->epochs},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        text_printf(&line, ", \"%s\": ", lists[i].name);
        json_put_numbers(&line, lists[i].numbers, lists[i].count);
    }
    if (trial->found) {
        text_printf(&line, ", \"found\": ");
        put_curves(&line, trial->found, search->curves);
    }
    text_printf(&line, "}\n");
    record_append(search->record, search->record_path, &line);
    text_free(&line);
}

/* COUNT numbers of the list NAME in LINE, NaN where it has fewer. */
static double *numbers_of(struct arena *arena, const char *line, const char *name, int count)
{
    double *found, *numbers = arena_array(arena, (size_t)count + 1, double);
    int there = json_numbers(arena, line, name, &found);
    for (int i = 0; i < count; i++)
        numbers[i] = i < there ? found[i] : (double)NAN;
    return numbers;
}

/* CONTEXT is the search. */
static void take_line(void *context, const char *line)
{
    struct fit_search *search = context;
    struct arena *arena = search->arena;
    struct trial *trial = arena_new_of(arena, struct trial);
    const char *status = json_text(arena, line, "status");
    trial->id = json_text(arena, line, "id");
    for (int i = TRIAL_DONE; i <= TRIAL_HOPELESS; i++)
        if (strcmp(status, trial_status_names[i]) == 0)
            trial->status = (enum trial_status)i;
    double score = json_number(arena, line, "score");
    trial->score = isnan(score) ? -INFINITY : score;
    trial->jobs = json_whole(arena, line, "jobs");
    trial->threads = json_whole(arena, line, "threads");
    struct run_log *log = &trial->log;
    log->seconds = json_number(arena, line, "seconds");
    log->epochs = json_numbers(arena, line, "validation_loss", &log->losses);
    log->accuracies = numbers_of(arena, line, "validation_accuracy", log->epochs);
    log->train_losses = numbers_of(arena, line, "train_loss", log->epochs);
    log->train_accuracies = numbers_of(arena, line, "train_accuracy", log->epochs);
    log->images_per_s = numbers_of(arena, line, "images_per_s", log->epochs);
    trial->found = curves_of(arena, line, "found", search->curves);
    trial->elapsed = json_number(arena, line, "elapsed");
    trial->took = json_number(arena, line, "took");
    search->before = fmax(search->before, trial->elapsed);
    vector_push(arena, &search->recorded, trial);
}

void fit_open_folder(struct fit_search *search)
{
    struct trait traits[TRAITS];
    struct arena *arena = search->arena;
    list_traits(search, traits);
    bool ours = record_is_ours(arena, search->folder, "fit.json", traits, OURS);
    make_folder(search->folder);
    if (!record_lock(arena, search->folder, ".lock", false, false))
        fail(STATUS_USER, "%s: a search is under way there", search->folder);
    /* trials of one that was killed are waited for: they write to the same files */
    record_lock(arena, search->folder, ".runs", true, true);
    if (!ours)
        record_claim(arena, search->folder, "fit.json", traits, TRAITS);
    search->record_path = arena_printf(arena, "%s/trials.jsonl", search->folder);
    search->record = record_open(arena, search->record_path, take_line, search);
}
