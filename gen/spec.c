/* spec: from what spec.lua makes of a spec file to a struct network. See spec.h. */
#include "spec_parts.h"

#include "watchdog.h"

#include <string.h>

/* What a spec may use. An honest one takes some thousand steps, a megabyte and milliseconds. */
static struct vm_limits spec_limits(void)
{
    return (struct vm_limits){
        .memory = 64 << 20, .string = 1 << 20, .steps = 20000000, .seconds = 0.6 * spec_seconds()};
}

static void read_options(lua_State *L, struct job *job)
{
    check_bug(enter_table(L, "options"));
    int count = (int)lua_rawlen(L, -1);
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, -1, i + 1);
        vector_push(job->arena, &job->network->options,
                    arena_copy(job->arena, lua_tostring(L, -1)));
        lua_pop(L, 1);
    }
    leave_table(L);
}

void read_network(lua_State *L, struct job *job)
{
    struct network *network = job->network;
    double shape[3];
    network->name = text_field(L, job, "name");
    job->where = where_field(L);
    job->input_rank = numbers_field(L, "input", shape, 3);
    for (int i = 0; i < job->input_rank; i++)
        job->input_dims[i] = (int)shape[i];
    job->output = whole_field(L, "output");
    const char *loss = text_field(L, job, "loss");
    if (loss)
        network->loss = strcmp(loss, "mse") == 0   ? LATHE_MSE
                        : strcmp(loss, "bce") == 0 ? LATHE_BCE
                                                   : LATHE_CROSS_ENTROPY;
    read_gates(L, job);
    read_layers(L, job);
    read_data(L, job);
    read_training(L, network);
    read_options(L, job);
}

/* vm_run's body: CONTEXT is the job. */
static int evaluate(lua_State *L)
{
    struct job *job = lua_touserdata(L, 1);
    push_language(L, job);
    lua_pop(L, 1);
    lua_insert(L, -2); /* finish below the spec's globals */
    vm_load(L, job->path, job->text, job->length, false);
    lua_call(L, 0, 1);
    lua_call(L, 1, 1);
    read_network(L, job);
    return 0;
}

static void run_spec(void *context)
{
    struct job *job = context;
    job->text = read_file_to(job->arena, job->path, LARGEST_FILE, &job->length);
    add_digest(job, "spec", job->text, job->length);
    const struct vm_limits limits = spec_limits();
    job->vm = vm_new(job->arena, &limits);
    vm_run(job->vm, evaluate, job);
}

/* Run BODY(JOB) and free the VM it made, whether it fails or not. */
static void run_and_free(struct job *job, void (*body)(void *job))
{
    struct failure failure;
    enum status status = protected_call(body, job, &failure);
    vm_free(job->vm);
    if (status != STATUS_DONE)
        fail_again(&failure, (struct where){0});
}

void finish_digest(struct job *job)
{
    for (int i = 0; i < job->setting_count; i++) {
        add_digest(job, "set", job->settings[i].key, strlen(job->settings[i].key));
        add_digest(job, "to", job->settings[i].value, strlen(job->settings[i].value));
    }
    sha256_end(&job->digest, job->network->digest);
}

/* run_bounded's body: CONTEXT is the job. */
static void read_job(void *context)
{
    struct job *job = context;
    sha256_begin(&job->digest);
    run_and_free(job, run_spec);
    finish_digest(job);
    build_graph(job);
}

struct network *spec_read(struct arena *arena, const char *path,
                          const struct spec_setting *settings, int setting_count)
{
    struct network *network = arena_new_of(arena, struct network);
    struct job job = {.arena = arena,
                      .path = path,
                      .settings = settings,
                      .setting_count = setting_count,
                      .network = network};
    network->arena = arena;
    network->spec_path = arena_copy(arena, path);
    run_bounded(network->spec_path, &network->seconds, read_job, &job);
    return network;
}

/* ---- the reference ---- */

struct reference {
    struct job job;
    struct text *out;
};

static int call_reference(lua_State *L)
{
    struct reference *reference = lua_touserdata(L, 1);
    push_language(L, &reference->job);
    lua_call(L, 0, 1);
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    text_add(reference->out, text, length);
    return 0;
}

static void run_reference(void *context)
{
    struct reference *reference = context;
    const struct vm_limits limits = spec_limits();
    reference->job.vm = vm_new(reference->job.arena, &limits);
    vm_run(reference->job.vm, call_reference, reference);
}

void spec_print_reference(struct text *out)
{
    struct reference reference = {.job = {.path = ""}, .out = out};
    reference.job.arena = arena_new();
    run_and_free(&reference.job, run_reference);
    arena_free(reference.job.arena);
}
