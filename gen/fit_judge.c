/*
 * fit_judge: does the curve that was found help? ReLU, the curve closed and the curve as a table,
 * each a program of its own, are trained on the spec's whole recipe with the same seeds, and judged
 * by the test set, which the search never saw. The differences, seed by seed, go through a paired
 * t-test.
 */
#include "fit_judge.h"
#include "fit_program.h"
#include "jobs.h"
#include "json.h"
#include "record.h"
#include "sha256.h"
#include "../runtime/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COUNTED_SAMPLES = 1000 }; /* of the training set, for histograms */

const char *const judged_names[JUDGED_NETWORKS] = {
    [JUDGED_RELU] = "relu", [JUDGED_EXACT] = "exact", [JUDGED_TABLE] = "table"};

/* ---- programs ---- */

/* NODE's curve in NETWORK. */
static struct curve *curve_of(const struct fit_search *search, struct arena *arena,
                              enum judged_network network, int index)
{
    const struct node *node = search->nodes.items[index];
    struct fit_point point = search->best->curves[search->curves == 1 ? 0 : index];
    struct curve *curve = fit_curve(arena, node, network == JUDGED_RELU ? fit_relu : point);
    if (network == JUDGED_EXACT && curve->kind == CURVE_DYNAMIC) {
        curve->method = TABLE_EXACT;
        curve->table = NULL;
    }
    return curve;
}

/* The spec's network with the curves of WHICH. */
static struct network *network_of(const struct fit_search *search, struct arena *arena,
                                  enum judged_network which)
{
    const struct fit_options *o = search->options;
    struct network *network = spec_read(arena, o->spec, o->settings, o->setting_count);
    const struct graph *graph = network->graph;
    int index = 0;
    for (int i = 0; i < graph->nodes.count; i++) {
        struct node *node = graph->nodes.items[i];
        if (node->op == OP_curve && node->curve->kind == CURVE_DYNAMIC)
            node->curve = curve_of(search, arena, which, index++);
    }
    return network;
}

static void build_network(const struct judging *j, enum judged_network which)
{
    const struct fit_search *search = j->search;
    const struct fit_options *o = search->options;
    struct arena *arena = arena_new();
    struct network *network = network_of(search, arena, which);
    const char *folder = arena_printf(arena, "%s/builds/%s", search->folder, judged_names[which]);
    printf("build %s\n", folder);
    fflush(stdout);
    build_sources(arena, network, &o->build, folder);
    build_programs(&o->build, folder, NULL);
    arena_free(arena);
}

/* ---- runs ---- */

/* What makes the result of a run, as a digest. */
static const char *run_id(const struct judging *j, enum judged_network network, int seed)
{
    const struct fit_search *search = j->search;
    const struct fit_options *o = search->options;
    struct text text = {0};
    struct sha256 hash;
    char hex[65];
    text_printf(&text, "%s seed=%d epochs=%d subset=%lld", judged_names[network], seed, j->epochs,
                (long long)o->judge_subset);
    for (int i = 0; i < search->curves && network != JUDGED_RELU; i++) {
        const struct fit_point *c = &search->best->curves[i];
        text_printf(&text, " %.17g,%.17g,%.17g", c->l, c->q, c->i);
    }
    sha256_begin(&hash);
    sha256_add(&hash, text.data, text.length);
    sha256_end(&hash, hex);
    text_free(&text);
    return arena_printf(search->arena, "judge-%s-%d-%.12s", judged_names[network], seed, hex);
}

/* CONTEXT is the judging. */
static void take_line(void *context, const char *line)
{
    struct judging *j = context;
    struct arena *arena = j->search->arena;
    const char *id = json_text(arena, line, "id");
    for (int i = 0; i < j->count; i++) {
        struct judged_run *run = &j->runs[i];
        if (strcmp(run->id, id) != 0)
            continue;
        run->over = true;
        run->accuracy = json_number(arena, line, "test_accuracy");
        run->loss = json_number(arena, line, "test_loss");
        run->seconds = json_number(arena, line, "seconds");
    }
}

static void record_run(struct judging *j, const struct judged_run *run, const struct run_log *log)
{
    struct text line = {0};
    bool classes = j->search->network->data.classes > 0;
    const struct {
        const char *name;
        const double *numbers;
        int count;
    } lists[] = {
        {"train_loss", log->train_losses, log->epochs},
        {"train_accuracy", log->train_accuracies, classes ? log->epochs : 0},
        {"validation_loss", log->losses, log->epochs},
        {"validation_accuracy", log->accuracies, classes ? log->epochs : 0},
    };
    text_printf(&line, "{\"network\": \"%s\", \"id\": \"%s\", \"seed\": %d, \"test_accuracy\": ",
                judged_names[run->network], run->id, run->seed);
    json_put_number(&line, run->accuracy);
    text_printf(&line, ", \"test_loss\": ");
    json_put_number(&line, run->loss);
    text_printf(&line, ", \"seconds\": %.3f, \"images_per_s\": ", run->seconds);
    json_put_number(&line, run->images_per_s);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        text_printf(&line, ", \"%s\": ", lists[i].name);
        json_put_numbers(&line, lists[i].numbers, lists[i].count);
    }
    text_printf(&line, "}\n");
    record_append(j->record, j->record_path, &line);
    text_free(&line);
}

/* The run whose weights show what the curves see: the table's first. */
static const struct judged_run *counted_run(const struct judging *j)
{
    return &j->runs[JUDGED_TABLE];
}

static const char *weights_of(const struct fit_search *search, const struct judged_run *run)
{
    return fit_run_file(search, search->arena, run->id, "weights.safetensors");
}

/* jobs.start: the next run that waits and that no job has. */
static bool start_next(void *context, struct job *job)
{
    struct judging *j = context;
    const struct fit_search *search = j->search;
    const struct fit_options *o = search->options;
    struct arena *arena = search->arena;
    struct judged_run *run = NULL;
    int waiting = 0;
    for (int i = 0; i < j->count; i++)
        if (!j->runs[i].over && !is_at_work(&j->jobs, &j->runs[i])) {
            run = run ? run : &j->runs[i];
            waiting++;
        }
    if (!run)
        return false;
    struct fit_command command = {.arena = arena};
    int side_by_side = min_int(j->jobs.places, j->jobs.at_work + waiting);
    make_folder(fit_run_file(search, arena, run->id, ""));
    fit_add_words(&command, fit_program_path(search, judged_names[run->network]), "--log",
                  fit_run_file(search, arena, run->id, "log.jsonl"), "--checkpoint",
                  fit_run_file(search, arena, run->id, "checkpoint"), "--resume", NULL);
    if (o->data)
        fit_add_words(&command, "--data", o->data, NULL);
    fit_add_number(&command, "--epochs", j->epochs);
    fit_add_number(&command, "--subset", o->judge_subset);
    fit_add_number(&command, "--seed", run->seed);
    fit_add_number(&command, "--threads",
                   o->threads ? o->threads : max_int(1, search->cores / side_by_side));
    if (run == counted_run(j))
        fit_add_words(&command, "--save", weights_of(search, run), NULL);
    start_job(&j->jobs, job, run, fit_words(&command),
              fit_run_file(search, arena, run->id, "output"));
    return true;
}

/* "1:20 left" in TEXT, or nothing. */
static const char *time_left(const struct judging *j, char text[48])
{
    double seconds = 0;
    int over = 0;
    char time[32];
    for (int i = 0; i < j->count; i++) {
        seconds += j->runs[i].over ? j->runs[i].seconds : 0;
        over += j->runs[i].over;
    }
    text[0] = '\0';
    if (over)
        snprintf(text, 48, "%s left",
                 lathe_duration(time, seconds / over * (j->count - over) / j->jobs.places));
    return text;
}

static int count_over(const struct judging *j)
{
    int over = 0;
    for (int i = 0; i < j->count; i++)
        over += j->runs[i].over;
    return over;
}

/* jobs.end: take in what the run WORK came to. */
static void end_run(void *context, void *work, int status, bool stopping)
{
    struct judging *j = context;
    const struct fit_search *search = j->search;
    struct arena *arena = search->arena;
    struct judged_run *run = work;
    size_t length;
    char time[32], left[48];
    const char *output = read_file(arena, fit_run_file(search, arena, run->id, "output"), &length);
    const char *result = last_line_said(arena, output, "result:");
    const char *said = last_line_said(arena, output, "");
    struct run_log log =
        read_run_log(arena, fit_run_file(search, arena, run->id, "log.jsonl"), j->epochs);
    int last = log.epochs - 1;
    if (status == STATUS_DONE && result) {
        run->accuracy = result_figure(arena, result, "test_accuracy",
                                      last < 0 ? (double)NAN : log.accuracies[last]);
        run->loss =
            result_figure(arena, result, "test_loss", last < 0 ? (double)NAN : log.losses[last]);
        run->images_per_s = result_figure(arena, result, "images_per_s", NAN);
    } else if (stopping) {
        return;
    } else if (status == STATUS_NUMBERS) { /* as bad as can be */
        run->accuracy = search->network->data.classes > 0 ? 0 : (double)NAN;
        run->loss = run->images_per_s = NAN;
    } else {
        fail(status < 128 ? (enum status)status : STATUS_RESOURCE, "%s (run %s)",
             said && status < 128 ? said : arena_printf(arena, "ended by signal %d", status - 128),
             run->id);
    }
    run->seconds = log.seconds;
    run->over = true;
    record_run(j, run, &log);
    remove_checkpoint(arena, fit_run_file(search, arena, run->id, "checkpoint"));
    clear_job_line(&j->jobs);
    printf("judge %d/%d  %s seed=%d  %s  %s  %s\n", count_over(j), j->count,
           judged_names[run->network], run->seed,
           status == STATUS_NUMBERS ? "diverged" : result + strlen("result: "),
           lathe_duration(time, run->seconds), time_left(j, left));
    fflush(stdout);
}

/* jobs.describe. */
static void describe_runs(void *context, struct text *line)
{
    struct judging *j = context;
    struct arena *arena = arena_new();
    char left[48];
    text_printf(line, "judging: %d/%d over%s%s", count_over(j), j->count,
                *time_left(j, left) ? ", " : "", left);
    for (int i = 0; i < j->jobs.places; i++) {
        const struct judged_run *run = j->jobs.list[i].work;
        if (!run)
            continue;
        struct run_log log =
            read_run_log(arena, fit_run_file(j->search, arena, run->id, "log.jsonl"), j->epochs);
        text_printf(line, "; %s seed=%d: epoch %d/%d", judged_names[run->network], run->seed,
                    log.epochs, j->epochs);
    }
    arena_free(arena);
}

/* ---- the whole ---- */

/* All runs, ReLU's, the closed curve's and the table's of the first seed, of the second ...: what
 * is there when it is stopped can be compared. */
static void list_runs(struct judging *j)
{
    const struct fit_search *search = j->search;
    int seeds = (int)search->options->judge_seeds;
    j->count = seeds * JUDGED_NETWORKS;
    j->runs = arena_array(search->arena, (size_t)j->count, struct judged_run);
    for (int i = 0; i < j->count; i++) {
        struct judged_run *run = &j->runs[i];
        run->network = (enum judged_network)(i % JUDGED_NETWORKS);
        run->seed = i / JUDGED_NETWORKS + 1;
        run->id = run_id(j, run->network, run->seed);
    }
}

/* Count what the curves see in the network that the table's first run trained: histogram.json, and
 * search.seen. Nothing where its weights are not there. */
static void count_seen(const struct judging *j)
{
    struct fit_search *search = j->search;
    struct text json = {0};
    const struct histogram_options options = {.weights = weights_of(search, counted_run(j)),
                                              .data = search->options->data,
                                              .limit = COUNTED_SAMPLES};
    if (access(options.weights, F_OK) < 0)
        return;
    struct histograms *seen = arena_new_of(search->arena, struct histograms);
    struct histograms all =
        count_histograms(search->arena, network_of(search, search->arena, JUDGED_TABLE), &options);
    for (int i = 0; i < search->nodes.count; i++) {
        const struct node_histogram *one = find_histogram(&all, search->nodes.items[i]->name);
        if (one)
            vector_push(search->arena, &seen->nodes, *one);
    }
    search->seen = seen->nodes.count == search->nodes.count ? seen : NULL;
    print_histograms_json(&json, &all);
    write_file(arena_printf(search->arena, "%s/histogram.json", search->folder), json.data,
               json.length);
    text_free(&json);
}

bool fit_judge(struct fit_search *search)
{
    const struct fit_options *o = search->options;
    struct judging j = {.search = search,
                        .epochs = o->judge_epochs ? (int)o->judge_epochs
                                                  : search->network->training.epochs,
                        .jobs = {.places = max_int(1, search->jobs),
                                 .start = start_next,
                                 .end = end_run,
                                 .describe = describe_runs}};
    if (o->judge_seeds == 0)
        return true;
    j.jobs.context = &j;
    j.record_path = arena_printf(search->arena, "%s/judge.jsonl", search->folder);
    list_runs(&j);
    j.record = record_open(search->arena, j.record_path, take_line, &j);
    if (count_over(&j) < j.count) {
        for (int network = 0; network < JUDGED_NETWORKS; network++)
            build_network(&j, (enum judged_network)network);
        if (!run_jobs(search->arena, &j.jobs) && count_over(&j) < j.count)
            return false;
    }
    search->judged = fit_compare(&j);
    count_seen(&j);
    fit_write(search);
    fit_print_judgement(search);
    return true;
}
