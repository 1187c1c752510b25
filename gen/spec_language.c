/* spec_language: spec.lua, and what it calls: fit files and functions of the spec. See
 * spec_parts.h. */
#include "spec_parts.h"

#include "embedded.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

void add_digest(struct job *job, const char *label, const char *bytes, size_t length)
{
    char head[96];
    int size = snprintf(head, sizeof head, "%s %zu\n", label, length);
    check_bug(size > 0 && (size_t)size < sizeof head);
    sha256_add(&job->digest, head, (size_t)size);
    sha256_add(&job->digest, bytes, length);
}

/* The file of a fit. */
struct source {
    struct job *job;
    const char *folder, *file; /* the spec's folder, ending in a slash or empty; NAME.lua */
    char *text;
    size_t length;
};

static void read_source(void *context)
{
    struct source *source = context;
    source->text = read_file_within(source->job->arena, source->folder, "fits", source->file,
                                    LARGEST_FILE, &source->length);
}

/* read_fit(name, place): what fits/NAME.lua beside the spec returns; it sees no globals. NAME is of
 * letters, digits, _ and -. Upvalue: the job. */
static int read_fit(lua_State *L)
{
    struct job *job = lua_touserdata(L, lua_upvalueindex(1));
    const char *name = luaL_checkstring(L, 1), *slash = strrchr(job->path, '/');
    int folder = slash ? (int)(slash + 1 - job->path) : 0;
    struct source source = {.job = job,
                            .folder = arena_printf(job->arena, "%.*s", folder, job->path),
                            .file = arena_printf(job->arena, "%s.lua", name)};
    const char *path = arena_printf(job->arena, "%sfits/%s", source.folder, source.file);
    int64_t place = lua_tointeger(L, 2);
    struct failure failure;
    if (protected_call(read_source, &source, &failure) != STATUS_DONE)
        vm_error(L, place, "fit '%s': %s", name, failure.message);
    add_digest(job, arena_printf(job->arena, "fit %s", name), source.text, source.length);
    lua_newtable(L);
    vm_load(L, path, source.text, source.length, false);
    lua_call(L, 0, 1);
    return 1;
}

/* A function of the spec, on the stack at index 1. */
struct function {
    lua_State *L;
    int64_t place; /* of the word that has it */
    int calls;
};

static double call_function(void *context, double x)
{
    struct function *function = context;
    lua_State *L = function->L;
    int64_t place;
    const char *message;
    enum { CALLS = 64, STEPS_A_CALL = 20 }; /* what is not Lua is not counted otherwise */
    if (++function->calls % CALLS == 0)
        vm_charge(L, CALLS * STEPS_A_CALL);
    lua_pushvalue(L, 1);
    lua_pushnumber(L, x);
    if (!vm_call(L, 1, 1, &place, &message))
        vm_error(L, place ? place : function->place, "curve: f(%.9g): %s", x, message);
    if (lua_type(L, -1) != LUA_TNUMBER)
        vm_error(L, function->place, "curve: f(%.9g) must be a number, given %s", x,
                 lua_isnil(L, -1) ? "nothing" : lua_pushfstring(L, "a %s", luaL_typename(L, -1)));
    double y = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return y;
}

/* sample(f, place, method): the struct curve of samples of f for a table by METHOD, a table word's
 * fields. Upvalue: the job. */
static int sample_function(lua_State *L)
{
    struct job *job = lua_touserdata(L, lua_upvalueindex(1));
    struct function function = {L, lua_tointeger(L, 2), 0};
    struct curve *curve = arena_new_of(job->arena, struct curve);
    curve->kind = CURVE_FUNCTION;
    lua_settop(L, 3);
    read_method(L, job, curve);
    const char *problem = curve_problem(job->arena, curve);
    if (!problem)
        problem = curve_sample(job->arena, curve, call_function, &function);
    if (problem)
        vm_error(L, function.place, "curve: %s", problem);
    lua_pushlightuserdata(L, curve);
    return 1;
}

/* The file's name without folder and ".lua", of PATH. */
static void push_stem(lua_State *L, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".lua") == 0)
        length -= 4;
    lua_pushlstring(L, name, length);
}

void push_language(lua_State *L, struct job *job)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    vm_load(L, "gen/spec.lua", spec_lua, spec_lua_size, true);
    vm_push_host(L);
    lua_pushlightuserdata(L, job);
    lua_pushcclosure(L, read_fit, 1);
    lua_setfield(L, -2, "read_fit");
    lua_pushlightuserdata(L, job);
    lua_pushcclosure(L, sample_function, 1);
    lua_setfield(L, -2, "sample");
    vm_push_sandbox(L);
    lua_newtable(L);
    for (int i = 0; i < job->setting_count; i++) {
        lua_pushstring(L, job->settings[i].value);
        lua_setfield(L, -2, job->settings[i].key);
    }
    push_stem(L, job->path);
    lua_call(L, 4, 3);
}
