/*
 * fit_trial: one training of a search: its table or its learned curve, its process, what it came
 * to; and many of them side by side.
 */
#include "fit_parts.h"
#include "fit_program.h"
#include "jobs.h"
#include "sha256.h"
#include "../runtime/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where the spec has no curve_lr: without a rate of their own L and Q hardly move from where they
 * began (see runtime/curves.h); much larger ones throw them about. */
#define CURVE_RATE "curve_lr=5"

/* ---- plans ---- */

/* What makes the results of TRIAL, but for what fit.json says, as a digest: curves of the same
 * tables share their trials. */
static const char *trial_id(const struct fit_search *search, const struct trial *trial)
{
    struct text text = {0};
    struct sha256 hash;
    char hex[65];
    text_printf(&text, "%s seed=%lld epochs=%d start=%s lr=%.17g",
                fit_program_names[trial->program], (long long)trial->seed, trial->epochs,
                trial->start ? trial->start : "", trial->lr);
    if (trial->program == FIT_TABLES)
        text_printf(&text, " %s", fit_tables_digest(search, trial->curves));
    for (int i = 0; trial->program != FIT_TABLES && i < search->curves; i++)
        text_printf(&text, " %.17g,%.17g,%.17g", trial->curves[i].l, trial->curves[i].q,
                    trial->curves[i].i);
    sha256_begin(&hash);
    sha256_add(&hash, text.data, text.length);
    sha256_end(&hash, hex);
    text_free(&text);
    return arena_printf(search->arena, "%.16s", hex);
}

struct trial *fit_plan(struct fit_search *search, const struct trial *plan)
{
    const char *id = trial_id(search, plan);
    for (int i = 0; i < search->trials.count; i++)
        if (strcmp(search->trials.items[i]->id, id) == 0)
            return search->trials.items[i];
    struct trial *trial = arena_new_of(search->arena, struct trial);
    *trial = *plan;
    trial->id = id;
    trial->number = search->trials.count + 1;
    vector_push(search->arena, &search->trials, trial);
    for (int i = 0; i < search->recorded.count; i++) {
        const struct trial *before = search->recorded.items[i];
        if (strcmp(before->id, id) != 0)
            continue;
        trial->status = before->status;
        trial->score = before->score;
        trial->log = before->log;
        trial->found = before->found;
        trial->jobs = before->jobs;
        trial->threads = before->threads;
        trial->elapsed = before->elapsed;
        trial->took = before->took;
    }
    return trial;
}

const char *fit_run_file(const struct fit_search *search, struct arena *arena, const char *id,
                         const char *file)
{
    return arena_printf(arena, "%s/runs/%s/%s", search->folder, id, file);
}

/* ---- a process ---- */

struct runner {
    struct fit_search *search;
    struct jobs jobs; /* their work: a trial each */
    trial_list *trials;
    const candidate_list *candidates;
    int rank;
    int threads; /* of a trial */
};

static bool is_waiting(const struct runner *r, const struct trial *trial)
{
    return trial->status == TRIAL_WAITING && !is_at_work(&r->jobs, trial);
}

static int count_waiting(const struct runner *r)
{
    int count = 0;
    for (int i = 0; i < r->trials->count; i++)
        count += is_waiting(r, r->trials->items[i]);
    return count;
}

/* Threads for a trial that starts now: where fewer are left than could run, they share all cores.
 */
static int threads_now(const struct runner *r)
{
    const struct fit_search *search = r->search;
    if (search->options->threads)
        return (int)search->options->threads;
    int side_by_side = min_int(r->jobs.places, r->jobs.at_work + count_waiting(r));
    return max_int(1, search->cores / max_int(1, side_by_side));
}

static void start_trial(struct runner *r, struct job *job, struct trial *trial)
{
    struct fit_search *search = r->search;
    struct arena *arena = search->arena;
    const struct fit_options *o = search->options;
    struct fit_command command = {.arena = arena};
    make_folder(fit_run_file(search, arena, trial->id, ""));
    if (trial->program == FIT_TABLES) /* such a trial is short: it begins anew */
        unlink(fit_run_file(search, arena, trial->id, "log.jsonl"));
    trial->threads = threads_now(r);
    trial->jobs = r->jobs.places;
    trial->took = -fit_elapsed(search);
    fit_add_words(&command, fit_program_path(search, fit_program_folder(search, trial->program)),
                  "--weights", fit_write_start(search, trial), "--log",
                  fit_run_file(search, arena, trial->id, "log.jsonl"), NULL);
    if (o->data)
        fit_add_words(&command, "--data", o->data, NULL);
    fit_add_number(&command, "--subset", o->subset);
    fit_add_number(&command, "--validation", search->validation);
    fit_add_number(&command, "--epochs", trial->epochs);
    fit_add_number(&command, "--seed", trial->seed);
    fit_add_number(&command, "--threads", trial->threads);
    fit_add_words(&command, "--limit-test", "0", NULL);
    if (trial->lr > 0)
        fit_add_words(&command, "--lr", arena_printf(arena, "%.9g", trial->lr), NULL);
    if (trial->program != FIT_TABLES && search->network->training.curve_lr == 0)
        fit_add_words(&command, "--recipe", CURVE_RATE, NULL);
    if (trial->program != FIT_TABLES)
        fit_add_words(&command, "--save",
                      fit_run_file(search, arena, trial->id, "weights.safetensors"), "--keep-last",
                      "--checkpoint", fit_run_file(search, arena, trial->id, "checkpoint"),
                      "--resume", NULL);
    start_job(&r->jobs, job, trial, fit_words(&command),
              fit_run_file(search, arena, trial->id, "output"));
}

/* ---- hopeless trials ---- */

/* A trial that is beyond hope after half of its epochs is ended there: its validation accuracy is
 * below half of what ReLU had with the same seed then, and its loss above. Looks at logs alone, so
 * that neither the clock nor the order of ends decides. Returns the epoch, 0: it goes on. */
static int hopeless_epoch(const struct fit_search *search, const struct trial *trial,
                          const struct run_log *log)
{
    const struct candidate *relu = fit_baseline(search, trial->epochs);
    int epoch = trial->epochs / 2;
    if (!relu || epoch < 1 || log->epochs < epoch || trial->program != FIT_TABLES || trial->start)
        return 0;
    const struct trial *other = NULL;
    for (int i = 0; i < relu->trials.count; i++)
        if (relu->trials.items[i]->seed == trial->seed)
            other = relu->trials.items[i];
    if (!other || other == trial || other->status != TRIAL_DONE || other->log.epochs < epoch)
        return 0;
    double loss = log->losses[epoch - 1], its_loss = other->log.losses[epoch - 1];
    bool classes = search->network->data.classes > 0;
    bool hopeless = classes ? log->accuracies[epoch - 1] < other->log.accuracies[epoch - 1] / 2 &&
                                  loss > its_loss
                            : loss > 2 * its_loss;
    return hopeless ? epoch : 0;
}

/* ---- what a trial came to ---- */

/* LOG is TRIAL's, which ended by itself, diverged, or was ended. */
static void take_log(const struct fit_search *search, struct trial *trial, struct run_log log,
                     bool diverged)
{
    int cut = hopeless_epoch(search, trial, &log);
    trial->log = log;
    trial->status = cut ? TRIAL_HOPELESS : diverged ? TRIAL_DIVERGED : TRIAL_DONE;
    trial->score = -INFINITY;
    if (cut)
        trial->log.epochs = cut;
    if (trial->status != TRIAL_DONE)
        return;
    int last = log.epochs - 1;
    double score = last < 0                            ? (double)NAN
                   : search->network->data.classes > 0 ? log.accuracies[last]
                                                       : -log.losses[last];
    if (isfinite(score))
        trial->score = score;
    if (trial->program != FIT_TABLES)
        trial->found = fit_read_found(search, trial);
}

/* "1:20 left" in TEXT, or nothing where that is not known. */
static const char *time_left(const struct runner *r, char text[48])
{
    const struct fit_search *search = r->search;
    const struct fit_options *o = search->options;
    double seconds = 0, left = search->later_epochs;
    int epochs = 0;
    char time[32];
    for (int i = 0; i < search->trials.count; i++) {
        const struct trial *trial = search->trials.items[i];
        if (trial->status == TRIAL_WAITING) {
            left += trial->epochs;
        } else if (trial->jobs == r->jobs.places) {
            seconds += trial->took;
            epochs += trial->log.epochs;
        }
    }
    text[0] = '\0';
    left *= epochs ? seconds / epochs / r->jobs.places : (double)NAN;
    if (o->budget > 0 && !(left < o->budget * 60 - fit_elapsed(search)))
        left = fmax(0, o->budget * 60 - fit_elapsed(search));
    if (left >= 0)
        snprintf(text, 48, "%s left", lathe_duration(time, left));
    return text;
}

static int count_over(const struct fit_search *search)
{
    int over = 0;
    for (int i = 0; i < search->trials.count; i++)
        over += search->trials.items[i]->status != TRIAL_WAITING;
    return over;
}

static void print_trial(struct runner *r, const struct trial *trial)
{
    const struct fit_search *search = r->search;
    char time[32], left[48];
    clear_job_line(&r->jobs);
    printf(
        "trial %d/%d  %s%s%s  %s seed=%lld", count_over(search), search->trials.count, trial->phase,
        trial->layer ? " " : "", trial->layer ? trial->layer : "",
        fit_curves_text(search->arena, trial->found ? trial->found : trial->curves, search->curves),
        (long long)trial->seed);
    if (trial->status != TRIAL_DONE)
        printf("  %s after %d of %d epochs", trial_status_names[trial->status], trial->log.epochs,
               trial->epochs);
    else if (search->network->data.classes > 0)
        printf("  accuracy %.4f", trial->score);
    else
        printf("  loss %.4g", -trial->score);
    const struct candidate *relu = fit_baseline(search, trial->epochs);
    double its = relu ? fit_score_of(relu).mean : (double)NAN;
    if (isfinite(its) && trial->curves != relu->curves)
        printf(" (ReLU %.4g)", fabs(its));
    printf("  %s  %s\n", lathe_duration(time, trial->took), time_left(r, left));
    fflush(stdout);
}

/* ---- the runner's owner ---- */

static bool is_late(const struct fit_search *search)
{
    return search->options->budget > 0 && fit_elapsed(search) > search->options->budget * 60;
}

/* jobs.start. ReLU is always trained: the rest means nothing without it. */
static bool start_next(void *context, struct job *job)
{
    struct runner *r = context;
    r->search->out_of_time |= r->rank > 0 && is_late(r->search);
    for (int i = 0; i < r->trials->count && !r->search->out_of_time; i++)
        if (is_waiting(r, r->trials->items[i])) {
            start_trial(r, job, r->trials->items[i]);
            return true;
        }
    return false;
}

/* jobs.end: take in what the trial WORK came to. */
static void end_trial(void *context, void *work, int status, bool stopping)
{
    struct runner *r = context;
    struct fit_search *search = r->search;
    struct arena *arena = search->arena;
    struct trial *trial = work;
    size_t length;
    struct run_log log =
        read_run_log(arena, fit_run_file(search, arena, trial->id, "log.jsonl"), trial->epochs);
    const char *output =
        read_file(arena, fit_run_file(search, arena, trial->id, "output"), &length);
    const char *said = last_line_said(arena, output, "");
    bool whole = status == STATUS_DONE && log.epochs > 0; /* it may have stopped early */
    if (!whole && status != STATUS_NUMBERS && !hopeless_epoch(search, trial, &log)) {
        if (stopping || search->out_of_time)
            return;
        fail(status < 128 ? (enum status)status : STATUS_RESOURCE, "%s (trial %d, %s)",
             said && status < 128 ? said : arena_printf(arena, "ended by signal %d", status - 128),
             trial->number, fit_run_file(search, arena, trial->id, "output"));
    }
    take_log(search, trial, log, !whole);
    trial->elapsed = round(fit_elapsed(search) * 1000) / 1000; /* as it is recorded */
    trial->took = round((trial->took + trial->elapsed) * 1000) / 1000;
    fit_record_trial(search, trial);
    remove_checkpoint(arena, fit_run_file(search, arena, trial->id, "checkpoint"));
    print_trial(r, trial);
    if (r->candidates)
        fit_take_best(search, r->candidates, r->rank);
}

/* jobs.watch: end what is hopeless, and all when the time is over. */
static void watch_trials(void *context)
{
    struct runner *r = context;
    struct arena *arena = arena_new();
    r->search->out_of_time |= r->rank > 0 && is_late(r->search);
    for (int i = 0; i < r->jobs.places; i++) {
        const struct job *job = &r->jobs.list[i];
        const struct trial *trial = job->work;
        if (!trial)
            continue;
        struct run_log log = read_run_log(
            arena, fit_run_file(r->search, arena, trial->id, "log.jsonl"), trial->epochs);
        if (r->search->out_of_time || hopeless_epoch(r->search, trial, &log))
            end_job(job);
    }
    arena_free(arena);
}

/* jobs.describe. */
static void describe_trials(void *context, struct text *line)
{
    struct runner *r = context;
    const struct fit_search *search = r->search;
    struct arena *arena = arena_new();
    char left[48];
    text_printf(line, "%d/%d over", count_over(search), search->trials.count);
    if (search->best)
        text_printf(line, ", best %.4g", fabs(fit_score_of(search->best).mean));
    text_printf(line, "%s%s", *time_left(r, left) ? ", " : "", left);
    for (int i = 0; i < r->jobs.places; i++) {
        const struct trial *trial = r->jobs.list[i].work;
        if (!trial)
            continue;
        struct run_log log =
            read_run_log(arena, fit_run_file(search, arena, trial->id, "log.jsonl"), trial->epochs);
        text_printf(line, "; %s %s seed=%lld: epoch %d/%d", trial->phase,
                    fit_curves_text(arena, trial->curves, search->curves), (long long)trial->seed,
                    log.epochs, trial->epochs);
    }
    arena_free(arena);
}

/* ---- how many at a time ---- */

/* Images a second that all jobs together train, by the trials that ran with all cores and JOBS at a
 * time, one thread each where these are several; NaN where none did. */
static double speed_of(const struct fit_search *search, int jobs)
{
    double seconds = 0; /* an image's, in a trial */
    int count = 0;
    for (int i = 0; i < search->trials.count; i++) {
        const struct trial *trial = search->trials.items[i];
        bool same = trial->status != TRIAL_WAITING && trial->jobs == jobs &&
                    trial->threads == search->cores / jobs;
        for (int e = 0; same && e < trial->log.epochs; e++, count++)
            seconds += 1 / trial->log.images_per_s[e];
    }
    return count ? jobs * count / seconds : (double)NAN;
}

/* Trials at a time for what comes next, and into *MOST how many of it: as asked for, or one with
 * all threads, then as many as there are cores, then what of both was faster. Results are the same
 * either way: they depend on no number of threads. */
static int choose_jobs(struct fit_search *search, int *most)
{
    int side_by_side = search->cores;
    *most = INT32_MAX;
    if (search->jobs)
        return search->jobs;
    double alone = speed_of(search, 1), together = speed_of(search, side_by_side);
    if (isnan(alone)) {
        *most = 1;
        return 1;
    }
    if (isnan(together)) {
        *most = side_by_side;
        return side_by_side;
    }
    search->jobs = together > alone ? side_by_side : 1;
    printf("%d trial%s at a time: %.0f images/s, against %.0f with %d\n", search->jobs,
           search->jobs > 1 ? "s" : "", fmax(alone, together), fmin(alone, together),
           search->jobs > 1 ? 1 : side_by_side);
    return search->jobs;
}

bool fit_run(struct fit_search *search, trial_list *trials, const candidate_list *candidates,
             int rank)
{
    for (;;) {
        int most;
        struct runner r = {.search = search, .candidates = candidates, .rank = rank};
        trial_list waiting = {0};
        for (int i = 0; i < trials->count; i++)
            if (trials->items[i]->status == TRIAL_WAITING)
                vector_push(search->arena, &waiting, trials->items[i]);
        if (waiting.count == 0)
            return true;
        if (search->out_of_time)
            return false;
        r.jobs = (struct jobs){.places = choose_jobs(search, &most),
                               .start = start_next,
                               .end = end_trial,
                               .watch = watch_trials,
                               .describe = describe_trials,
                               .context = &r};
        waiting.count = min_int(waiting.count, most);
        r.trials = &waiting;
        search->stopped = !run_jobs(search->arena, &r.jobs);
        if (search->stopped)
            return false;
    }
}
