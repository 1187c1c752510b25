/*
 * table: ours beside each peer that is found.
 */
#include "table.h"

#include "cases.h"
#include "export.h"
#include "find.h"
#include "layers.h"
#include "machine.h"
#include "peer.h"
#include "rows.h"

#include <fnmatch.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LEAST_ROUNDS = 7, MOST_PEERS = 6, MOST_CASES = 64, MOST_RUNS = 1000000 };
static const double TURN = 0.1, BUDGET = 4; /* seconds */

struct session {
    bool json;
    const char *bench;
    struct tools tools;
    double peaks[MOST_CASES * MOST_ROUNDS], bandwidths[MOST_CASES * MOST_ROUNDS];
    int measurements;
};

/* A case while it runs. */
struct running {
    struct arena *arena; /* the case's own */
    struct session *session;
    const struct bench_case *which;
    char *folder;
    struct peer peers[MOST_PEERS]; /* ours first */
    int peer_count;
    int variant[MOST_PEERS], runs[MOST_PEERS];
};

/* ---- the machine ---- */

/* The FMA peak, which is noted. */
static double note_machine(struct session *session)
{
    int at = session->measurements;
    if (at >= MOST_CASES * MOST_ROUNDS)
        return 0;
    wait_for_quiet();
    session->peaks[at] = measure_peak();
    session->bandwidths[at] = measure_bandwidth();
    session->measurements++;
    return session->peaks[at];
}

/* ---- processes ---- */

static void failed(const struct running *r, const char *peer)
{
    print_failed(r->which->name, task_name[r->which->task], r->which->batch, peer,
                 arena_printf(r->arena, "%s/%s.log", r->folder, peer), r->session->json);
}

static bool start(struct running *r, const char *name, char **arguments)
{
    struct peer *peer = &r->peers[r->peer_count];
    const char *log = arena_printf(r->arena, "%s/%s.log", r->folder, name);
    if (!peer_start(r->arena, peer, name, arguments, log)) {
        failed(r, name);
        return false;
    }
    r->peer_count++;
    return true;
}

/* Ours; KIND: generated or interpreted. */
static bool start_own(struct running *r, const char *name, const char *task, const char *kind,
                      const char *spec)
{
    char *build = arena_printf(r->arena, "%s/%s", r->folder, name);
    char *arguments[] = {(char *)r->session->bench,
                         "serve",
                         (char *)task,
                         (char *)kind,
                         (char *)spec,
                         arena_printf(r->arena, "%d", r->which->batch),
                         build,
                         NULL};
    return start(r, name, arguments);
}

static bool is_newer(const char *path, const char *than)
{
    struct stat a, b;
    return stat(path, &a) == 0 && stat(than, &b) == 0 && a.st_mtime > b.st_mtime;
}

/* PyTorch, with a malloc that keeps what it has where KEEP: that is faster, and takes more. */
static bool start_pytorch(struct running *r, const char *task, bool keep)
{
    char *arguments[] = {"env",
                         keep ? "MALLOC_MMAP_MAX_=0" : "BENCH=1",
                         keep ? "MALLOC_TRIM_THRESHOLD_=1099511627776" : "BENCH=1",
                         (char *)r->session->tools.python,
                         "tests/bench/torch_peer.py",
                         (char *)task,
                         r->folder,
                         NULL};
    return start(r, "PyTorch", arguments);
}

static bool start_onnx_runtime(struct running *r, const struct network *network)
{
    static char *const script = "tests/bench/torch_peer.py";
    const struct tools *tools = &r->session->tools;
    const struct tensor *input = network->graph->input;
    char *model = arena_printf(r->arena, "%s/model.onnx", r->folder);
    char *export[] = {(char *)tools->python, script, "export", r->folder, model, NULL};
    if (!(is_newer(model, script) &&
          is_newer(model, arena_printf(r->arena, "%s/network.json", r->folder))) &&
        !run_command(export, arena_printf(r->arena, "%s/ONNX Runtime.log", r->folder))) {
        failed(r, "ONNX Runtime");
        return false;
    }
    char *arguments[] = {(char *)tools->node,
                         "tests/bench/onnx_peer.js",
                         (char *)tools->onnx_runtime,
                         model,
                         arena_printf(r->arena, "%s/input.f32", r->folder),
                         arena_printf(r->arena, "%d", r->which->batch),
                         arena_printf(r->arena, "%d", tensor_c(input)),
                         arena_printf(r->arena, "%d", tensor_h(input)),
                         arena_printf(r->arena, "%d", tensor_w(input)),
                         NULL};
    return start(r, "ONNX Runtime", arguments);
}

static void stop_all(struct running *r)
{
    for (int i = 0; i < r->peer_count; i++)
        peer_stop(&r->peers[i]);
}

/* Ours and the peers of a case of time; false where ours does not start. */
static bool start_all(struct running *r)
{
    const struct bench_case *c = r->which;
    const struct tools *tools = &r->session->tools;
    const char *task = task_name[c->task];
    struct network *network = subject_network(r->arena, c->spec);
    export_network(r->arena, network, c->batch, r->folder);
    if (!start_own(r, "lathe", task, "generated", c->spec))
        return false;
    if (c->peers & OWN_RELU)
        start_own(r, "lathe with ReLU", task, "generated", relu_spec);
    if (c->peers & INTERPRETER)
        start_own(r, "interpreter", task, "interpreted", c->spec);
    if (c->peers & PYTORCH && tools->python)
        start_pytorch(r, task, true);
    if (c->peers & ONNX_RUNTIME && tools->python && tools->node && tools->onnx_runtime)
        start_onnx_runtime(r, network);
    return true;
}

/* ---- time ---- */

/* How many runs of SECONDS each last for DURATION. */
static int runs_in(double duration, double seconds)
{
    return (int)fmin(ceil(duration / seconds), MOST_RUNS);
}

/* The least time of VARIANT's run, by up to 4 trials in half a second, short runs many at a time;
 * one whose first run, which also prepares it, is far behind BEST is not run again. NAN: it cannot.
 */
static double try_variant(struct peer *peer, int variant, double best)
{
    double seconds, least;
    int runs = 1;
    if (peer_time(peer, variant, 1, &least) != 1 || (least > 0.5 && least > 1.5 * best))
        return NAN;
    double spent = 0;
    for (int i = 0; i < 4 && (i == 0 || spent < 0.5); i++) {
        if (peer_time(peer, variant, runs, &seconds) != 1)
            return NAN;
        spent += seconds;
        least = fmin(least, seconds / runs);
        runs = runs_in(TURN / 4, least);
    }
    return least;
}

/* The fastest variant of PEER, and how many of its runs a turn takes. */
static bool choose_variant(struct peer *peer, int *variant, int *runs)
{
    double best = INFINITY, seconds;
    for (int i = 0; i < peer->variant_count; i++) {
        seconds = try_variant(peer, i, best);
        if (seconds < best) {
            best = seconds;
            *variant = i;
        }
    }
    if (isinf(best))
        return false;
    *runs = runs_in(TURN, best);
    return peer_time(peer, *variant, 1, &seconds) == 1;
}

/* The seconds of a run of peer I, NAN: it cannot. It has waited while others ran: where a turn is
 * of short runs, a third as many go before it, until caches and threads are its own again. */
static double take_turn(struct running *r, int i)
{
    double seconds = 0;
    int before = r->runs[i] / 3;
    if (before > 0 && peer_time(&r->peers[i], r->variant[i], before, &seconds) != 1)
        return NAN;
    if (peer_time(&r->peers[i], r->variant[i], r->runs[i], &seconds) != 1)
        return NAN;
    return seconds / r->runs[i];
}

static double *read_floats(struct arena *arena, const char *path, size_t *count)
{
    size_t length;
    const char *bytes = read_file(arena, path, &length);
    *count = length / sizeof(float);
    double *numbers = arena_array(arena, *count + 1, double);
    for (size_t i = 0; i < *count; i++) {
        float x;
        memcpy(&x, bytes + i * sizeof x, sizeof x);
        numbers[i] = x;
    }
    return numbers;
}

/* The relative L2 distance of what peer I computes from ours; NAN where it is not known. */
static double compare_output(struct running *r, int i)
{
    size_t counts[2];
    double *numbers[2], distance = 0, norm = 0;
    for (int k = 0; k < 2; k++) {
        char *path = arena_printf(r->arena, "%s/output%d.f32", r->folder, k);
        if (!peer_output(&r->peers[k ? i : 0], path))
            return NAN;
        numbers[k] = read_floats(r->arena, path, &counts[k]);
    }
    if (counts[0] != counts[1])
        return INFINITY;
    for (size_t k = 0; k < counts[0]; k++) {
        distance += (numbers[0][k] - numbers[1][k]) * (numbers[0][k] - numbers[1][k]);
        norm += numbers[0][k] * numbers[0][k];
    }
    return norm > 0 ? sqrt(distance / norm) : INFINITY;
}

static void print_times(struct running *r, double seconds[MOST_PEERS][MOST_ROUNDS], int rounds)
{
    const struct bench_case *c = r->which;
    struct row row = {.name = c->name,
                      .task = task_name[c->task],
                      .batch = c->batch,
                      .rounds = rounds,
                      .difference = NAN};
    memcpy(row.ours, seconds[0], sizeof row.ours);
    if (r->peer_count == 1)
        print_row(&row, r->session->json);
    for (int i = 1; i < r->peer_count; i++) {
        const struct peer *peer = &r->peers[i];
        if (isnan(seconds[i][rounds - 1])) {
            failed(r, peer->name);
            continue;
        }
        memcpy(row.theirs, seconds[i], sizeof row.theirs);
        row.peer = peer->name;
        row.variant = peer->variant_count > 1 ? peer->variant[r->variant[i]] : NULL;
        row.difference = c->task == TASK_INFER && strcmp(peer->name, "lathe with ReLU") != 0
                             ? compare_output(r, i)
                             : NAN;
        print_row(&row, r->session->json);
    }
}

static void run_times(struct running *r)
{
    double seconds[MOST_PEERS][MOST_ROUNDS];
    int rounds = 0;
    if (!start_all(r))
        return;
    for (int i = 0; i < r->peer_count; i++)
        if (!choose_variant(&r->peers[i], &r->variant[i], &r->runs[i])) {
            failed(r, r->peers[i].name);
            peer_stop(&r->peers[i]);
        }
    note_machine(r->session);
    double begin = now();
    while (rounds < LEAST_ROUNDS || (rounds < MOST_ROUNDS && now() - begin < BUDGET)) {
        for (int i = 0; i < r->peer_count; i++)
            seconds[i][rounds] = take_turn(r, i);
        rounds++;
    }
    if (!isnan(seconds[0][rounds - 1]))
        print_times(r, seconds, rounds);
    stop_all(r);
}

/* ---- memory ---- */

/* The largest resident set of the peer last started, after three steps of VARIANT; it is ended. */
static double measure_memory(struct running *r, int variant)
{
    struct peer *peer = &r->peers[--r->peer_count];
    double seconds, bytes = 0;
    if (peer_time(peer, variant, 3, &seconds) == 1)
        bytes = peer_memory(peer);
    peer_stop(peer);
    return bytes;
}

static void run_memory(struct running *r)
{
    const struct bench_case *c = r->which;
    struct row row = {.name = c->name,
                      .task = task_name[c->task],
                      .batch = c->batch,
                      .memory = true,
                      .rounds = 1,
                      .difference = NAN};
    export_network(r->arena, subject_network(r->arena, c->spec), c->batch, r->folder);
    if (!start_own(r, "lathe", "train", "generated", c->spec))
        return;
    row.ours[0] = measure_memory(r, 0);
    int variants = c->peers & PYTORCH && r->session->tools.python ? 2 : 0;
    for (int i = 0; i < variants && start_pytorch(r, "train", false); i++) {
        double bytes = measure_memory(r, i);
        if (bytes > 0 && (!row.peer || bytes < row.theirs[0])) {
            row.peer = "PyTorch";
            row.variant = r->peers[0].variant[i];
            row.theirs[0] = bytes;
        }
    }
    print_row(&row, r->session->json);
}

/* ---- layers ---- */

enum { ALGORITHMS = 3, MOST_CALLS = MOST_LAYERS * PASSES };

/* Seconds of each layer and pass. */
struct layer_times {
    double ours[MOST_CALLS][LEAST_ROUNDS];
    double theirs[ALGORITHMS][MOST_CALLS][LEAST_ROUNDS];
    double peaks[LEAST_ROUNDS];
    int algorithms;
};

static bool start_onednn(struct running *r, const struct layers *layers)
{
    char *arguments[MOST_LAYERS + 2] = {(char *)r->session->tools.onednn};
    for (int i = 0; i < layers->count; i++)
        arguments[i + 1] = layer_text(r->arena, layers->node[i], r->which->batch);
    return start(r, "oneDNN", arguments);
}

/* One round, in place ROUND: a step of ours, then every call of each algorithm. */
static bool time_round(struct running *r, struct layer_times *times, int calls, int round)
{
    double numbers[MOST_NUMBERS];
    times->peaks[round] = note_machine(r->session);
    if (peer_time(&r->peers[0], 0, 1, numbers) != calls)
        return false;
    for (int k = 0; k < calls; k++)
        times->ours[k][round] = numbers[k];
    for (int a = 0; a < times->algorithms; a++) {
        if (peer_time(&r->peers[1], a, 1, numbers) != calls)
            return false;
        for (int k = 0; k < calls; k++)
            times->theirs[a][k][round] = numbers[k];
    }
    return true;
}

/* The algorithm that is fastest for CALL; -1 where there is none. */
static int best_algorithm(const struct layer_times *times, int call)
{
    int best = -1;
    double least = INFINITY, sorted[LEAST_ROUNDS];
    for (int a = 0; a < times->algorithms; a++) {
        memcpy(sorted, times->theirs[a][call], sizeof sorted);
        double seconds = median(sorted, LEAST_ROUNDS);
        if (seconds > 0 && seconds < least) {
            least = seconds;
            best = a;
        }
    }
    return best;
}

static void print_layers(struct running *r, const struct layers *layers, struct layer_times *times)
{
    const struct bench_case *c = r->which;
    struct row sum = {.name = arena_printf(r->arena, "%s sum", c->name),
                      .task = task_name[TASK_LAYERS],
                      .batch = c->batch,
                      .peer = times->algorithms ? "oneDNN" : NULL,
                      .variant = times->algorithms ? "best" : NULL,
                      .rounds = LEAST_ROUNDS,
                      .difference = NAN,
                      .peak = median(times->peaks, LEAST_ROUNDS)};
    for (int k = 0; k < layers->count * PASSES; k++) {
        const struct node *conv = layers->node[k / PASSES];
        struct row row = sum;
        if (!(times->ours[k][0] > 0)) /* the first layer's backward data, which nobody needs */
            continue;
        int best = best_algorithm(times, k);
        row.name = arena_printf(r->arena, "%s %s %s", c->name, conv->name, pass_name[k % PASSES]);
        row.flops = layer_flops(conv) * c->batch;
        row.peer = best >= 0 ? "oneDNN" : NULL;
        row.variant = best >= 0 ? r->peers[1].variant[best] : NULL;
        memcpy(row.ours, times->ours[k], sizeof times->ours[k]);
        if (best >= 0)
            memcpy(row.theirs, times->theirs[best][k], sizeof times->theirs[best][k]);
        print_row(&row, r->session->json);
        sum.flops += row.flops;
        for (int i = 0; i < LEAST_ROUNDS; i++) {
            sum.ours[i] += row.ours[i];
            sum.theirs[i] += best >= 0 ? row.theirs[i] : row.ours[i];
        }
    }
    print_row(&sum, r->session->json);
}

static void run_layers(struct running *r)
{
    const struct bench_case *c = r->which;
    struct layers layers = list_layers(subject_network(r->arena, c->spec));
    struct layer_times *times = arena_new_of(r->arena, struct layer_times);
    int calls = layers.count * PASSES;
    if (!start_own(r, "lathe", "layers", "generated", c->spec))
        return;
    if (c->peers & ONEDNN && r->session->tools.onednn && start_onednn(r, &layers))
        times->algorithms = min_int(ALGORITHMS, r->peers[1].variant_count);
    bool whole = time_round(r, times, calls, 0); /* which warms up */
    for (int round = 0; whole && round < LEAST_ROUNDS; round++)
        whole = time_round(r, times, calls, round);
    if (whole)
        print_layers(r, &layers, times);
    else
        failed(r, r->peers[r->peer_count - 1].name);
    stop_all(r);
}

/* ---- all of it ---- */

static void run_case(void *context)
{
    struct running *r = context;
    if (r->which->task == TASK_LAYERS)
        run_layers(r);
    else if (r->which->task == TASK_MEMORY)
        run_memory(r);
    else
        run_times(r);
}

/* A folder for NAME: letters, digits and dots stay. */
static char *case_folder(struct arena *arena, const struct bench_case *c)
{
    char *name = arena_printf(arena, "%s-%s-%d", task_name[c->task], c->name, c->batch);
    for (char *at = name; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789.", *at))
            *at = '-';
    return arena_printf(arena, "out/.build/bench/%s", name);
}

static void try_case(struct session *session, const struct bench_case *c)
{
    struct arena *arena = arena_new();
    struct running r = {.arena = arena, .session = session, .which = c};
    struct failure failure;
    r.folder = case_folder(arena, c);
    make_folder(r.folder);
    if (protected_call(run_case, &r, &failure) != STATUS_DONE) {
        print_failed(c->name, task_name[c->task], c->batch, "bench", failure.message,
                     session->json);
        stop_all(&r);
    }
    arena_free(arena);
}

static bool is_wanted(struct arena *arena, const struct bench_case *c, char **patterns, int count)
{
    const char *text = arena_printf(arena, "%s %s %d", task_name[c->task], c->name, c->batch);
    for (int i = 0; i < count; i++)
        if (fnmatch(arena_printf(arena, "*%s*", patterns[i]), text, 0) == 0)
            return true;
    return count == 0;
}

static void print_foot(struct session *session)
{
    const struct tools *tools = &session->tools;
    print_machine(session->peaks, session->bandwidths, session->measurements, omp_get_max_threads(),
                  session->json);
    if (!tools->python)
        print_missing("PyTorch", "no python3 has torch", session->json);
    if (!tools->node || !tools->onnx_runtime)
        print_missing("ONNX Runtime", tools->node ? "no onnxruntime-node" : "no node",
                      session->json);
    else if (!tools->python)
        print_missing("ONNX Runtime", "PyTorch writes its models", session->json);
    if (!tools->onednn)
        print_missing("oneDNN", "libdnnl-dev was not there when bench was built", session->json);
}

static struct bench_case read_case(char **words)
{
    struct bench_case c = {.name = words[1],
                           .spec = words[1],
                           .batch = atoi(words[2]),
                           .peers = PYTORCH | ONNX_RUNTIME | INTERPRETER | ONEDNN};
    while (c.task < TASKS && strcmp(task_name[c.task], words[0]) != 0)
        c.task++;
    if (c.task == TASKS || c.batch < 1)
        fail(STATUS_USAGE, "bench table --spec train|infer|memory|layers SPEC BATCH");
    if (c.task != TASK_INFER)
        c.peers &= ~(unsigned)ONNX_RUNTIME;
    return c;
}

void table(struct arena *arena, const char *bench, char **words, int count)
{
    struct session *t = arena_new_of(arena, struct session);
    struct bench_case own = {0};
    t->bench = bench;
    for (; count && strncmp(*words, "--", 2) == 0; words++, count--)
        if (strcmp(*words, "--json") == 0)
            t->json = true;
        else if (strcmp(*words, "--spec") == 0 && count > 3) {
            own = read_case(words + 1);
            words += 3;
            count -= 3;
        } else
            fail(STATUS_USAGE, "bench table [--json] [--spec TASK SPEC BATCH] [PATTERN ...]");
    make_folder("out/.build/bench");
    setenv("OMP_NUM_THREADS", arena_printf(arena, "%d", omp_get_max_threads()), 1);
    t->tools = find_tools(arena, bench, "out/.build/bench");
    print_head(t->json);
    if (own.spec)
        try_case(t, &own);
    for (int i = 0; i < case_count && !own.spec; i++)
        if (is_wanted(arena, &cases[i], words, count))
            try_case(t, &cases[i]);
    print_foot(t);
}
