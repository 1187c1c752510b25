/*
 * language: the steps of spec_read from one snapshot to the next. See language.h.
 */
#include "language.h"

#include "../../gen/spec_parts.h"

/* Smaller than lathe's: a second of real time is what a run may take here. */
static const struct vm_limits small_limits = {
    .memory = 8 << 20, .string = 1 << 20, .steps = 300000};

static struct arena *kept; /* of the state itself */
static struct job job;     /* at one place: functions of the language hold it */
static const char finish_key, globals_key;

static int keep_language(lua_State *L)
{
    push_language(L, &job); /* globals, finish, reference */
    lua_pop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &finish_key);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &globals_key);
    lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

void language_load(const char *path)
{
    kept = arena_new();
    job = (struct job){.arena = kept, .path = path};
    job.vm = vm_new(job.arena, &small_limits);
    vm_run(job.vm, keep_language, NULL);
    pool_save(job.vm);
}

/* evaluate() with the language that was kept. */
static int evaluate_kept(lua_State *L)
{
    lua_settop(L, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &finish_key);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &globals_key);
    vm_load(L, job.path, job.text, job.length, false);
    lua_call(L, 0, 1);
    lua_call(L, 1, 1);
    read_network(L, &job);
    return 0;
}

struct network *language_read(struct arena *arena, const void *text, size_t count)
{
    struct network *network = arena_new_of(arena, struct network);
    job = (struct job){.arena = arena,
                       .path = job.path,
                       .text = text,
                       .length = count,
                       .vm = job.vm,
                       .network = network};
    network->arena = arena;
    network->spec_path = job.path;
    pool_restore(job.vm, arena);
    sha256_begin(&job.digest);
    vm_run(job.vm, evaluate_kept, NULL);
    finish_digest(&job);
    build_graph(&job);
    return network;
}
