/*
 * report_read: what folders hold.
 */
#include "report_parts.h"

#include "curve.h"
#include "json_tree.h"
#include "statistics.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- groups of runs ---- */

int find_line(const struct report_group *group, const char *name)
{
    for (int i = 0; i < group->lines.count; i++)
        if (strcmp(group->lines.items[i], name) == 0)
            return i;
    return -1;
}

/* The place of the line NAME, which is added where it is not there. */
static int line_called(struct arena *arena, struct report_group *group, const char *name)
{
    int line = find_line(group, name);
    if (line >= 0)
        return line;
    vector_push(arena, &group->lines, name);
    return group->lines.count - 1;
}

bool group_has_classes(const struct report_group *group)
{
    for (int i = 0; i < group->runs.count; i++) {
        const struct report_run *run = &group->runs.items[i];
        if (isfinite(run->accuracy) || (run->epochs > 0 && isfinite(run->accuracies[0])))
            return true;
    }
    return false;
}

double line_mean(const struct report_group *group, int line, double *deviation, int *count)
{
    struct arena *arena = arena_new();
    double *numbers = arena_array(arena, (size_t)group->runs.count + 1, double);
    bool classes = group_has_classes(group);
    *count = 0;
    for (int i = 0; i < group->runs.count; i++) {
        const struct report_run *run = &group->runs.items[i];
        double number = classes ? run->accuracy : run->loss;
        if (run->line == line && strcmp(run->status, "done") == 0 && isfinite(number))
            numbers[(*count)++] = number;
    }
    double mean = mean_of(numbers, *count, deviation);
    arena_free(arena);
    return mean;
}

int best_line(const struct report_group *group)
{
    int best = -1, count;
    double highest = -INFINITY, deviation;
    for (int i = 0; i < group->lines.count; i++) {
        double mean = line_mean(group, i, &deviation, &count);
        double merit = group_has_classes(group) ? mean : -mean;
        if (count > 0 && merit > highest) {
            highest = merit;
            best = i;
        }
    }
    return best;
}

/* COUNT numbers of the list NAME of OBJECT, NaN where it has fewer. */
static double *list_of(struct arena *arena, const struct tree *object, const char *name, int count)
{
    const struct tree *list = tree_get(object, name);
    double *numbers = arena_array(arena, (size_t)count + 1, double);
    for (int i = 0; i < count; i++)
        numbers[i] = i < list->count ? list->items[i].number : (double)NAN;
    return numbers;
}

/* ---- single runs ---- */

/* NAME without its "-seed3", and the seed; NaN where there is none. */
static const char *without_seed(struct arena *arena, const char *name, double *seed)
{
    const char *dash = strrchr(name, '-');
    int number, length = 0;
    *seed = NAN;
    if (!dash || sscanf(dash, "-seed%9d%n", &number, &length) != 1 || dash[length])
        return name;
    *seed = number;
    return arena_printf(arena, "%.*s", (int)(dash - name), name);
}

/* The run whose log is at PATH; an epoch that was done again, after a kill, counts once. */
static void read_run(struct arena *arena, const char *path, const char *name,
                     struct report_group *group)
{
    const struct tree *lines = tree_read_lines(arena, path);
    struct report_run run = {.status = "done", .accuracy = NAN, .loss = NAN, .images_per_s = NAN};
    double **lists[] = {&run.losses, &run.accuracies, &run.train_losses, &run.train_accuracies};
    static const char *const names[] = {"validation_loss", "validation_accuracy", "train_loss",
                                        "train_accuracy"};
    double *seconds = arena_array(arena, (size_t)lines->count + 1, double);
    for (int k = 0; k < 4; k++)
        *lists[k] = arena_array(arena, (size_t)lines->count + 1, double);
    for (int i = 0; i < lines->count; i++) {
        const struct tree *line = &lines->items[i];
        double epoch = tree_number(line, "epoch");
        if (!(epoch >= 1 && epoch <= run.epochs + 1))
            fail(STATUS_USER, "%s: is no log of train: line %d has no epoch %d", path, i + 1,
                 run.epochs + 1);
        int at = (int)epoch - 1;
        for (int k = 0; k < 4; k++)
            (*lists[k])[at] = tree_number(line, names[k]);
        seconds[at] = tree_number(line, "seconds");
        run.images_per_s = tree_number(line, "images_per_s");
        run.epochs = max_int(run.epochs, at + 1);
    }
    for (int i = 0; i < run.epochs; i++)
        run.seconds += seconds[i];
    if (run.epochs > 0) {
        run.accuracy = run.accuracies[run.epochs - 1];
        run.loss = run.losses[run.epochs - 1];
    }
    run.line = line_called(arena, group, without_seed(arena, name, &run.seed));
    vector_push(arena, &group->runs, run);
}

/* ---- sweeps ---- */

/* "act=relu lr=0.1" */
static const char *settings_text(struct arena *arena, const struct tree *settings)
{
    struct text text = {0};
    for (int i = 0; i < settings->count; i++) {
        const struct tree *item = &settings->items[i];
        text_printf(&text, "%s%s=", i ? " " : "", item->name ? item->name : "");
        if (item->kind == TREE_NUMBER)
            text_printf(&text, "%g", item->number);
        else
            text_printf(&text, "%s", item->text);
    }
    const char *copy = arena_copy(arena, text.length ? text.data : "as it is");
    text_free(&text);
    return copy;
}

static void read_sweep(struct arena *arena, const char *path, struct report_group *group)
{
    const struct tree *lines = tree_read_lines(arena, path);
    for (int i = 0; i < lines->count; i++) {
        const struct tree *line = &lines->items[i];
        int epochs = tree_get(line, "losses")->count;
        struct report_run run = {
            .line = line_called(arena, group, settings_text(arena, tree_get(line, "settings"))),
            .seed = tree_number(line, "seed"),
            .status = tree_text(line, "status", "failed"),
            .epochs = epochs,
            .losses = list_of(arena, line, "losses", epochs),
            .accuracies = list_of(arena, line, "accuracies", epochs),
            .accuracy = tree_number(line, "test_accuracy"),
            .loss = tree_number(line, "test_loss"),
            .seconds = tree_number(line, "seconds"),
            .images_per_s = NAN,
        };
        vector_push(arena, &group->runs, run);
    }
}

/* ---- searches ---- */

static void read_judge(struct arena *arena, const char *path, struct report_group *group)
{
    static const char *const order[] = {"relu", "exact", "table"};
    const struct tree *lines = tree_read_lines(arena, path);
    for (int k = 0; k < 3 && lines->count > 0; k++)
        line_called(arena, group, order[k]);
    for (int i = 0; i < lines->count; i++) {
        const struct tree *line = &lines->items[i];
        int epochs = tree_get(line, "validation_loss")->count;
        double accuracy = tree_number(line, "test_accuracy"), loss = tree_number(line, "test_loss");
        struct report_run run = {
            .line = line_called(arena, group, tree_text(line, "network", "?")),
            .seed = tree_number(line, "seed"),
            .status = isfinite(accuracy) || isfinite(loss) ? "done" : "diverged",
            .epochs = epochs,
            .losses = list_of(arena, line, "validation_loss", epochs),
            .accuracies = list_of(arena, line, "validation_accuracy", epochs),
            .train_losses = list_of(arena, line, "train_loss", epochs),
            .train_accuracies = list_of(arena, line, "train_accuracy", epochs),
            .accuracy = accuracy,
            .loss = loss,
            .seconds = tree_number(line, "seconds"),
            .images_per_s = tree_number(line, "images_per_s"),
        };
        vector_push(arena, &group->runs, run);
    }
}

static bool same_curves(const struct tree *a, const struct tree *b)
{
    static const char *const letters[] = {"L", "Q", "I"};
    if (a->count != b->count)
        return false;
    for (int i = 0; i < a->count; i++)
        for (int k = 0; k < 3; k++)
            if (tree_number(&a->items[i], letters[k]) != tree_number(&b->items[i], letters[k]))
                return false;
    return true;
}

/* Do they differ in their seeds alone? */
static bool same_trial(const struct report_trial *a, const struct report_trial *b)
{
    return a->epochs == b->epochs && strcmp(a->phase, b->phase) == 0 &&
           same_curves(a->curves, b->curves);
}

bool is_best(const struct report_fit *fit, int trial)
{
    return fit->best >= 0 && same_trial(&fit->trials.items[fit->best], &fit->trials.items[trial]);
}

/* The mean score of all seeds of TRIAL. */
static double mean_score(const struct report_fit *fit, const struct report_trial *trial)
{
    double sum = 0;
    int count = 0;
    for (int i = 0; i < fit->trials.count; i++) {
        const struct report_trial *other = &fit->trials.items[i];
        if (same_trial(other, trial) && isfinite(other->score)) {
            sum += other->score;
            count++;
        }
    }
    return sum / count;
}

static bool counts(const struct report_trial *trial)
{
    return strcmp(trial->status, "done") == 0 && isfinite(trial->score);
}

/* Choose among the trials of EPOCHS whose curve did, or did not, go on learning. */
static void choose_among(struct report_fit *fit, int epochs, bool learning)
{
    for (int i = 0; i < fit->trials.count; i++) {
        const struct report_trial *trial = &fit->trials.items[i];
        if (!counts(trial) || trial->epochs != epochs || trial->baseline ||
            trial->learning != learning)
            continue;
        double score = mean_score(fit, trial);
        if (!(score <= fit->best_score)) {
            fit->best_score = score;
            fit->best = i;
        }
    }
}

/* The best of the trials that had the most epochs, and ReLU with as many: of those of a curve that
 * stays, which is what a search decides by, if there are any. */
static void choose_best(struct report_fit *fit)
{
    int most = 0;
    fit->best = -1;
    fit->best_score = fit->relu = NAN;
    for (int i = 0; i < fit->trials.count; i++)
        if (counts(&fit->trials.items[i]) && !fit->trials.items[i].baseline)
            most = max_int(most, fit->trials.items[i].epochs);
    choose_among(fit, most, false);
    if (fit->best < 0)
        choose_among(fit, most, true);
    for (int i = 0; i < fit->trials.count; i++) {
        const struct report_trial *trial = &fit->trials.items[i];
        if (trial->baseline && counts(trial) && trial->epochs == most)
            fit->relu = mean_score(fit, trial);
    }
}

static void read_trials(struct arena *arena, const char *path, struct report_fit *fit)
{
    const struct tree *lines = tree_read_lines(arena, path);
    for (int i = 0; i < lines->count; i++) {
        const struct tree *line = &lines->items[i];
        struct report_trial trial = {
            .phase = tree_text(line, "phase", ""),
            .layer = tree_text(line, "layer", NULL),
            .status = tree_text(line, "status", ""),
            .curves = tree_get(line, "curves"),
            .score = tree_number(line, "score"),
            .seconds = tree_number(line, "seconds"),
            .epochs = tree_get(line, "validation_loss")->count,
        };
        if (tree_get(line, "found")->count > 0) /* where the gradient went */
            trial.curves = tree_get(line, "found");
        trial.baseline = strcmp(trial.phase, "baseline") == 0;
        trial.learning = strcmp(trial.phase, "gradient") == 0;
        vector_push(arena, &fit->trials, trial);
    }
    choose_best(fit);
}

int best_curve_count(const struct report_fit *fit)
{
    return fit->best < 0 ? 0 : fit->trials.items[fit->best].curves->count;
}

const char *curve_owner(const struct report_fit *fit, int index)
{
    const struct tree *nodes = tree_get(fit->about, "nodes");
    if (best_curve_count(fit) == 1)
        return nodes->count == 1 ? nodes->items[0].text : "all layers";
    return index < nodes->count ? nodes->items[index].text : "?";
}

/* A curve that is to become a table. */
struct tabulating {
    struct arena *arena;
    struct curve *curve;
};

static void tabulate(void *context)
{
    struct tabulating *t = context;
    const char *problem = curve_problem(t->arena, t->curve);
    if (problem)
        fail(STATUS_USER, "%s", problem);
    curve_tabulate(t->arena, t->curve);
}

const struct curve *best_curve(struct arena *arena, const struct report_fit *fit, int index)
{
    const struct tree *item = &fit->trials.items[fit->best].curves->items[index];
    struct curve *curve = arena_new_of(arena, struct curve);
    struct failure failure;
    *curve = (struct curve){
        .kind = CURVE_DYNAMIC,
        .parameter = {tree_number(item, "L"), tree_number(item, "Q"), tree_number(item, "I"), 2,
                      10},
        .method = TABLE_TANGENT,
        .k = 0.1,
    };
    return protected_call(tabulate, &(struct tabulating){arena, curve}, &failure) == STATUS_DONE
               ? curve
               : NULL;
}

/* ---- folders ---- */

static bool holds(struct arena *arena, const char *folder, const char *file, const char **path)
{
    *path = arena_printf(arena, "%s/%s", folder, file);
    struct stat about;
    return stat(*path, &about) == 0 && S_ISREG(about.st_mode);
}

/* The last part of FOLDER's path. */
static const char *last_part(struct arena *arena, const char *folder)
{
    char *name = arena_copy(arena, folder);
    for (size_t n = strlen(name); n > 1 && name[n - 1] == '/'; n--)
        name[n - 1] = '\0';
    const char *slash = strrchr(name, '/');
    return slash && slash[1] ? slash + 1 : name;
}

static void read_search(struct arena *arena, const char *folder, struct report_part *part)
{
    struct report_fit *fit = arena_new_of(arena, struct report_fit);
    const char *path;
    holds(arena, folder, "fit.json", &path);
    fit->about = tree_read_file(arena, path);
    fit->best = -1;
    fit->best_score = fit->relu = NAN;
    if (holds(arena, folder, "trials.jsonl", &path))
        read_trials(arena, path, fit);
    if (holds(arena, folder, "judge.jsonl", &path))
        read_judge(arena, path, &fit->judged);
    part->fit = fit;
    part->kind = "search";
}

/* What FOLDER holds beside a run; false: nothing. */
static bool read_part(struct arena *arena, const char *folder, struct report_part *part)
{
    const char *path;
    part->title = last_part(arena, folder);
    if (holds(arena, folder, "compare.json", &path)) {
        part->speed = tree_read_file(arena, path);
        part->kind = "speed";
    }
    if (holds(arena, folder, "histogram.json", &path)) {
        part->histograms = read_histograms(arena, path);
        part->kind = "histogram";
    }
    if (holds(arena, folder, "sweep.jsonl", &path)) {
        read_sweep(arena, path, &part->group);
        part->kind = "sweep";
    }
    if (holds(arena, folder, "fit.json", &path))
        read_search(arena, folder, part);
    return part->kind != NULL;
}

struct report_book *read_book(struct arena *arena, const char *const *folders, int count)
{
    struct report_book *book = arena_new_of(arena, struct report_book);
    struct report_part runs = {.title = "Runs", .kind = "runs"};
    book->arena = arena;
    for (int i = 0; i < count; i++) {
        struct stat about;
        struct report_part part = {0};
        const char *path;
        if (stat(folders[i], &about) < 0 || !S_ISDIR(about.st_mode))
            fail(STATUS_USER, "%s: there is no such folder", folders[i]);
        bool run = holds(arena, folders[i], "log.jsonl", &path);
        if (run)
            read_run(arena, path, last_part(arena, folders[i]), &runs.group);
        if (read_part(arena, folders[i], &part))
            vector_push(arena, &book->parts, part);
        else if (!run)
            fail(STATUS_USER,
                 "%s: holds nothing that a report knows: log.jsonl, sweep.jsonl, fit.json, "
                 "histogram.json or compare.json",
                 folders[i]);
    }
    if (runs.group.runs.count > 0)
        vector_push(arena, &book->parts, runs);
    for (int i = 0; i < book->parts.count; i++)
        book->parts.items[i].id = arena_printf(arena, "part%d", i + 1);
    return book;
}
