/* vm: the sandbox. See vm.h. */
#include "vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

/* Chunk i is called "#i" inside Lua, whatever its path: Lua cuts long names short. */
struct chunk {
    const char *path;
    bool trusted;
};

struct vm {
    lua_State *L;
    struct arena *arena;
    struct vm_limits limits;
    size_t memory;       /* bytes that Lua has now */
    size_t allocated;    /* bytes since the last charge */
    int64_t steps;       /* so far */
    clock_t start;       /* of processor time */
    const char *refused; /* why the allocator said no, last time it did */
    int64_t failed_at;   /* place of the error on its way out; 0: none known */
    VECTOR(struct chunk) chunks;
};

/* A place is chunk + 1 and line in one number. */
enum { LINE_BITS = 24, LINE_MASK = (1 << LINE_BITS) - 1 };

enum {
    HOOK_PERIOD = 1000,   /* instructions between two looks at the limits */
    BYTES_A_STEP = 16,    /* of allocation */
    DEEPEST_CALLER = 200, /* frames searched for a line to blame */
    LONGEST_REPETITION = 1 << 20,
    MOST_UNPACKED = 1 << 16, /* values of table.unpack and table.move */
    SORT_STEPS = 20,         /* an element */
    PAIRS_STEPS = 100        /* a key: it is listed and sorted by a function */
};

struct vm *vm_of(lua_State *L)
{
    return *(struct vm **)lua_getextraspace(L);
}

/* ---- limits ---- */

/* Lua's allocator (lua_Alloc): realloc that counts. A NULL block's OLD_SIZE is the kind of object.
 */
static void *allocate(void *context, void *block, size_t old_size, size_t new_size)
{
    struct vm *vm = context;
    size_t had = block ? old_size : 0;
    if (new_size == 0) {
        free(block);
        vm->memory -= had;
        return NULL;
    }
    if (!block && old_size == LUA_TSTRING && vm->limits.string && new_size > vm->limits.string) {
        vm->refused = "a string of this code is too long";
        return NULL;
    }
    if (new_size > had && vm->limits.memory && new_size - had > vm->limits.memory - vm->memory) {
        vm->refused = "this code takes too much memory";
        return NULL;
    }
    void *moved = realloc(block, new_size);
    if (!moved)
        return NULL;
    vm->memory += new_size - had;
    vm->allocated += new_size > had ? new_size - had : 0;
    return moved;
}

void vm_charge(lua_State *L, int64_t n)
{
    struct vm *vm = vm_of(L);
    vm->steps += n + (int64_t)(vm->allocated / BYTES_A_STEP);
    vm->allocated = 0;
    double seconds = (double)(clock() - vm->start) / CLOCKS_PER_SEC;
    if ((vm->limits.steps && vm->steps > vm->limits.steps) ||
        (vm->limits.seconds > 0 && seconds > vm->limits.seconds))
        vm_error(L, 0, "this code takes too many steps (an endless loop?)");
}

/* The count hook. It sees memory grow before the allocator has to refuse, and so knows the line. */
static void watch(lua_State *L, lua_Debug *record)
{
    (void)record;
    struct vm *vm = vm_of(L);
    size_t high = vm->limits.memory / 4 * 3;
    vm_charge(L, HOOK_PERIOD);
    if (high && vm->memory > high)
        lua_gc(L, LUA_GCCOLLECT);
    if (high && vm->memory > high)
        vm_error(L, 0, "this code takes too much memory");
}

/* ---- places ---- */

/* The place of RECORD (filled by lua_getinfo "Sl") if it runs untrusted code, else 0. */
static int64_t place_of(struct vm *vm, const lua_Debug *record)
{
    if (strncmp(record->source, "=#", 2) != 0 || record->currentline <= 0)
        return 0;
    int chunk = atoi(record->source + 2);
    if (chunk < 0 || chunk >= vm->chunks.count || vm->chunks.items[chunk].trusted)
        return 0;
    return (int64_t)(chunk + 1) << LINE_BITS | (record->currentline & LINE_MASK);
}

int64_t vm_place(lua_State *L)
{
    lua_Debug record;
    for (int level = 0; level < DEEPEST_CALLER && lua_getstack(L, level, &record); level++) {
        lua_getinfo(L, "Sl", &record);
        int64_t place = place_of(vm_of(L), &record);
        if (place)
            return place;
    }
    return 0;
}

/* Where PLACE is; without a place, the file of the first untrusted chunk. */
static struct where where_in(struct vm *vm, int64_t place)
{
    int64_t chunk = (place >> LINE_BITS) - 1;
    if (chunk >= 0 && chunk < vm->chunks.count)
        return (struct where){vm->chunks.items[chunk].path, (int)(place & LINE_MASK)};
    for (int i = 0; i < vm->chunks.count; i++)
        if (!vm->chunks.items[i].trusted)
            return (struct where){vm->chunks.items[i].path, 0};
    return (struct where){0};
}

struct where vm_where(lua_State *L, int64_t place)
{
    return where_in(vm_of(L), place);
}

void vm_error(lua_State *L, int64_t place, const char *format, ...)
{
    char message[sizeof((struct failure *)0)->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    vm_of(L)->failed_at = place;
    lua_pushstring(L, message);
    lua_error(L);
    abort(); /* lua_error does not return, but is not declared so */
}

/* ---- running ---- */

/* Message handler of every protected call: keeps the place before the stack is unwound. */
static int locate(lua_State *L)
{
    struct vm *vm = vm_of(L);
    if (!vm->failed_at)
        vm->failed_at = vm_place(L);
    return 1;
}

/* Skip the "#chunk:line: " that Lua itself put before MESSAGE; *place becomes that line, if it is
 * untrusted code's, and *own tells if it is trusted code's. */
static const char *skip_place(struct vm *vm, const char *message, int64_t *place, bool *own)
{
    char *end;
    *own = false;
    if (message[0] != '#')
        return message;
    long chunk = strtol(message + 1, &end, 10);
    if (*end != ':' || chunk < 0 || chunk >= vm->chunks.count)
        return message;
    long line = strtol(end + 1, &end, 10);
    if (*end != ':' || line <= 0 || line > LINE_MASK)
        return message;
    *own = vm->chunks.items[chunk].trusted;
    if (*own)
        return message;
    *place = (int64_t)(chunk + 1) << LINE_BITS | line;
    return end + 1 + strspn(end + 1, " ");
}

/* Turn the error object on the top of the stack into a failure. */
_Noreturn static void fail_with_error(struct vm *vm, int status)
{
    lua_State *L = vm->L;
    int64_t place = vm->failed_at;
    bool own = false;
    if (status == LUA_ERRMEM && !vm->refused)
        fail(STATUS_RESOURCE, "out of memory");
    if (status == LUA_ERRMEM)
        fail_at(STATUS_USER, where_in(vm, place), "%s", vm->refused);
    if (lua_type(L, -1) == LUA_TNUMBER)
        fail_at(STATUS_USER, where_in(vm, place), "error %.14g", lua_tonumber(L, -1));
    if (lua_type(L, -1) != LUA_TSTRING)
        fail_at(STATUS_USER, where_in(vm, place), "an error without a message (a %s)",
                luaL_typename(L, -1));
    const char *message = skip_place(vm, lua_tostring(L, -1), &place, &own);
    if (status == LUA_ERRERR || strstr(message, "stack overflow"))
        fail_at(STATUS_USER, where_in(vm, place), "this code is nested or calls itself too deeply");
    fail_at(STATUS_USER, where_in(vm, place), "%s%s", own ? "a bug of lathe: " : "",
            *message ? message : "an empty message");
}

void vm_run(struct vm *vm, int (*body)(lua_State *L), void *context)
{
    lua_State *L = vm->L;
    vm->failed_at = 0;
    vm->refused = NULL;
    lua_settop(L, 0);
    lua_pushcfunction(L, locate);
    lua_pushcfunction(L, body);
    lua_pushlightuserdata(L, context);
    int status = lua_pcall(L, 1, 0, 1);
    if (status != LUA_OK)
        fail_with_error(vm, status);
    lua_settop(L, 0);
}

void vm_load(lua_State *L, const char *path, const char *text, size_t length, bool trusted)
{
    struct vm *vm = vm_of(L);
    char name[16];
    snprintf(name, sizeof name, "=#%d", vm->chunks.count);
    struct chunk chunk = {arena_copy(vm->arena, path), trusted};
    vector_push(vm->arena, &vm->chunks, chunk);
    if (length > 0 && text[0] == LUA_SIGNATURE[0])
        vm_error(L, (int64_t)vm->chunks.count << LINE_BITS, "this is bytecode, not text");
    if (luaL_loadbufferx(L, text, length, name, "t") != LUA_OK)
        lua_error(L);
    lua_insert(L, -2);
    lua_setupvalue(L, -2, 1);
}

bool vm_call(lua_State *L, int arguments, int results, int64_t *place, const char **message)
{
    struct vm *vm = vm_of(L);
    int handler = lua_gettop(L) - arguments;
    bool own;
    lua_pushcfunction(L, locate);
    lua_insert(L, handler);
    vm->failed_at = 0;
    int status = lua_pcall(L, arguments, results, handler);
    lua_remove(L, handler);
    if (status == LUA_OK)
        return true;
    *place = vm->failed_at;
    if (status == LUA_ERRMEM)
        *message = vm->refused ? vm->refused : "out of memory";
    else if (lua_type(L, -1) == LUA_TSTRING || lua_type(L, -1) == LUA_TNUMBER)
        *message = skip_place(vm, lua_tostring(L, -1), place, &own);
    else
        *message = "an error without a message";
    return false;
}

static int open_libraries(lua_State *L)
{
    luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
    return 0;
}

struct vm *vm_new(struct arena *arena, const struct vm_limits *limits)
{
    struct vm *vm = arena_new_of(arena, struct vm);
    vm->arena = arena;
    vm->limits = *limits;
    vm->start = clock();
    vm->L = lua_newstate(allocate, vm);
    if (!vm->L)
        fail(STATUS_RESOURCE, "out of memory");
    *(struct vm **)lua_getextraspace(vm->L) = vm;
    lua_pushcfunction(vm->L, open_libraries);
    if (lua_pcall(vm->L, 0, 0, 0) != LUA_OK) {
        lua_close(vm->L);
        fail(STATUS_RESOURCE, "out of memory");
    }
    if (limits->steps || limits->seconds > 0)
        lua_sethook(vm->L, watch, LUA_MASKCOUNT, HOOK_PERIOD);
    return vm;
}

void vm_free(struct vm *vm)
{
    if (vm)
        lua_close(vm->L);
}

/* ---- the sandbox: an order for keys ---- */

/* Push the text of the value at INDEX: what tostring gives, but a type's name for an address. */
static void push_text(lua_State *L, int index)
{
    int type = lua_type(L, index);
    if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING)
        luaL_tolstring(L, index, NULL);
    else if (luaL_getmetafield(L, index, "__name") != LUA_TSTRING)
        lua_pushstring(L, luaL_typename(L, index));
}

/* Where keys of this type stand in the order; those without an order are refused. */
static int key_rank(lua_State *L, int key)
{
    switch (lua_type(L, key)) {
    case LUA_TNUMBER:
        return 0;
    case LUA_TSTRING:
        return 1;
    case LUA_TBOOLEAN:
        return 2;
    }
    push_text(L, key);
    vm_error(L, 0, "a %s as a key has no place in an order: use numbers or strings",
             lua_tostring(L, -1));
}

static bool key_before(lua_State *L, int a, int b)
{
    int rank = key_rank(L, a), other = key_rank(L, b);
    if (rank != other)
        return rank < other;
    return rank == 2 ? lua_toboolean(L, a) < lua_toboolean(L, b) : lua_compare(L, a, b, LUA_OPLT);
}

static int compare_keys(lua_State *L)
{
    lua_pushboolean(L, key_before(L, 1, 2));
    return 1;
}

/* next(table, key): the least key above KEY with its value, nil after the last. */
static int ordered_next(lua_State *L)
{
    enum { TABLE = 1, AFTER, BEST, KEY, VALUE };
    luaL_checktype(L, TABLE, LUA_TTABLE);
    lua_settop(L, AFTER);
    lua_pushnil(L);
    lua_pushnil(L);
    int64_t looked_at = 0;
    while (lua_next(L, TABLE)) {
        bool after = lua_isnil(L, AFTER) || key_before(L, AFTER, KEY);
        if (after && (lua_isnil(L, BEST) || key_before(L, KEY, BEST)))
            lua_copy(L, KEY, BEST);
        lua_settop(L, KEY);
        looked_at++;
    }
    vm_charge(L, looked_at);
    if (lua_isnil(L, BEST))
        return 1;
    lua_pushvalue(L, BEST);
    lua_rawget(L, TABLE);
    return 2;
}

/* The iterator of ordered_pairs: upvalues are the sorted keys, the table, the place among keys. */
static int next_pair(lua_State *L)
{
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(3));
    for (;;) {
        lua_settop(L, 0);
        if (lua_rawgeti(L, lua_upvalueindex(1), ++i) == LUA_TNIL)
            return 1;
        lua_pushvalue(L, -1);
        if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL)
            break; /* else the loop's body has removed it */
    }
    lua_pushinteger(L, i);
    lua_replace(L, lua_upvalueindex(3));
    return 2;
}

/* pairs(table) in the order of keys. Upvalue: Lua's table.sort. */
static int ordered_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_newtable(L);
    lua_Integer count = 0;
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        key_rank(L, -1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, 2, ++count);
    }
    vm_charge(L, PAIRS_STEPS * count);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 2);
    lua_pushcfunction(L, compare_keys);
    lua_call(L, 2, 0);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_pair, 3);
    return 1;
}

/* ---- the sandbox: functions that differ from Lua's ---- */

static int text_of(lua_State *L)
{
    luaL_checkany(L, 1);
    push_text(L, 1);
    return 1;
}

/* string.format without addresses. Upvalue: Lua's own, which bounds widths to 99. */
static int format(lua_State *L)
{
    const char *format = luaL_checkstring(L, 1);
    for (const char *p = strchr(format, '%'); p; p = strchr(p + 1, '%')) {
        p += 1 + strspn(p + 1, "-+ #0123456789.");
        if (*p == 'p')
            vm_error(L, 0, "%%p is not part of the spec language");
        if (!*p)
            break;
    }
    int64_t bytes = 0;
    for (int i = 1; i <= lua_gettop(L); i++) {
        if (lua_type(L, i) >= LUA_TTABLE) {
            push_text(L, i);
            lua_replace(L, i);
        }
        bytes += (int64_t)lua_rawlen(L, i);
    }
    vm_charge(L, bytes);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static int repeat(lua_State *L)
{
    size_t length, separator;
    luaL_checklstring(L, 1, &length);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &separator);
    if (n > LONGEST_REPETITION || (n > 0 && length + separator > LONGEST_REPETITION / (size_t)n))
        vm_error(L, 0, "rep: a string of more than %d bytes", (int)LONGEST_REPETITION);
    vm_charge(L, n > 0 ? n : 0);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* Work that grows with the table or string it is given first. Upvalues: Lua's own, steps an element
 * or byte. */
static int charged(lua_State *L)
{
    vm_charge(L, (int64_t)lua_rawlen(L, 1) * lua_tointeger(L, lua_upvalueindex(2)));
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* unpack and move: work that grows with a range. Upvalues: Lua's own, index of the range's start.
 */
static int ranged(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    int start = (int)lua_tointeger(L, lua_upvalueindex(2));
    lua_Integer from = luaL_optinteger(L, start, 1);
    lua_Integer to = luaL_optinteger(L, start + 1, (lua_Integer)lua_rawlen(L, 1));
    if (from <= to && (lua_Unsigned)to - (lua_Unsigned)from >= MOST_UNPACKED)
        vm_error(L, 0, "more than %d values at once", (int)MOST_UNPACKED);
    vm_charge(L, from <= to ? to - from + 1 : 0);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* ---- the sandbox ---- */

/* A function of a Lua library that the sandbox has, as it is (no wrapper) or under WRAPPER. */
struct grant {
    const char *library, *name;
    lua_CFunction wrapper;
    int number; /* second upvalue of the wrapper */
};

static const struct grant grants[] = {
    {"_G", "assert", NULL, 0},       {"_G", "error", NULL, 0},
    {"_G", "ipairs", NULL, 0},       {"_G", "next", ordered_next, 0},
    {"_G", "select", NULL, 0},       {"_G", "tonumber", NULL, 0},
    {"_G", "tostring", text_of, 0},  {"_G", "type", NULL, 0},
    {"table", "concat", charged, 1}, {"table", "insert", charged, 1},
    {"table", "move", ranged, 2},    {"table", "pack", NULL, 0},
    {"table", "remove", charged, 1}, {"table", "sort", charged, SORT_STEPS},
    {"table", "unpack", ranged, 2},  {"string", "byte", NULL, 0},
    {"string", "char", NULL, 0},     {"string", "format", format, 0},
    {"string", "len", NULL, 0},      {"string", "lower", charged, 1},
    {"string", "rep", repeat, 0},    {"string", "reverse", charged, 1},
    {"string", "sub", NULL, 0},      {"string", "upper", charged, 1},
    {"math", "abs", NULL, 0},        {"math", "acos", NULL, 0},
    {"math", "asin", NULL, 0},       {"math", "atan", NULL, 0},
    {"math", "ceil", NULL, 0},       {"math", "cos", NULL, 0},
    {"math", "deg", NULL, 0},        {"math", "exp", NULL, 0},
    {"math", "floor", NULL, 0},      {"math", "fmod", NULL, 0},
    {"math", "huge", NULL, 0},       {"math", "log", NULL, 0},
    {"math", "max", NULL, 0},        {"math", "maxinteger", NULL, 0},
    {"math", "min", NULL, 0},        {"math", "mininteger", NULL, 0},
    {"math", "modf", NULL, 0},       {"math", "pi", NULL, 0},
    {"math", "rad", NULL, 0},        {"math", "sin", NULL, 0},
    {"math", "sqrt", NULL, 0},       {"math", "tan", NULL, 0},
    {"math", "tointeger", NULL, 0},  {"math", "type", NULL, 0},
    {"math", "ult", NULL, 0},
};

/* Push LIBRARY.NAME of Lua's own. */
static void push_original(lua_State *L, const char *library, const char *name)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, library);
    lua_getfield(L, -1, name);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* Set field NAME of the table at the top's place in LIBRARY to the value on the top; pops it. */
static void grant_value(lua_State *L, int sandbox, const struct grant *grant)
{
    if (strcmp(grant->library, "_G") == 0) {
        lua_setfield(L, sandbox, grant->name);
        return;
    }
    if (lua_getfield(L, sandbox, grant->library) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setfield(L, sandbox, grant->library);
    }
    lua_insert(L, -2);
    lua_setfield(L, -2, grant->name);
    lua_pop(L, 1);
}

void vm_push_sandbox(lua_State *L)
{
    lua_newtable(L);
    int sandbox = lua_gettop(L);
    for (size_t i = 0; i < sizeof grants / sizeof *grants; i++) {
        push_original(L, grants[i].library, grants[i].name);
        if (grants[i].wrapper) {
            lua_pushinteger(L, grants[i].number);
            lua_pushcclosure(L, grants[i].wrapper, 2);
        }
        grant_value(L, sandbox, &grants[i]);
    }
    push_original(L, "table", "sort");
    lua_pushcclosure(L, ordered_pairs, 1);
    lua_setfield(L, sandbox, "pairs");

    lua_pushliteral(L, ""); /* any string: all have one metatable */
    lua_getmetatable(L, -1);
    lua_getfield(L, sandbox, "string");
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_settop(L, sandbox);
}

/* ---- opaque values ---- */

static const char seal_key; /* its address marks the metatables of sealed values */

/* seal(metatable, fields) */
static int seal(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    lua_pushboolean(L, true);
    lua_rawsetp(L, 1, &seal_key);
    lua_newuserdatauv(L, 0, 1);
    lua_insert(L, 2);
    lua_setiuservalue(L, 2, 1);
    lua_pushvalue(L, 1);
    lua_setmetatable(L, 2);
    return 1;
}

/* open(value): the fields of a sealed value, nil for any other */
static int open_sealed(lua_State *L)
{
    lua_settop(L, 1);
    if (!lua_isuserdata(L, 1) || !lua_getmetatable(L, 1) ||
        lua_rawgetp(L, -1, &seal_key) != LUA_TBOOLEAN)
        lua_pushnil(L);
    else
        lua_getiuservalue(L, 1, 1);
    return 1;
}

static int call_word(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* word(f) */
static int wrap_word(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushcclosure(L, call_word, 1);
    return 1;
}

static int place(lua_State *L)
{
    lua_pushinteger(L, vm_place(L));
    return 1;
}

/* fail(place, message) */
static int raise(lua_State *L)
{
    vm_error(L, lua_tointeger(L, 1), "%s", luaL_checkstring(L, 2));
}

/* nearest(word, list) */
static int nearest(lua_State *L)
{
    const char *word = luaL_checkstring(L, 1);
    int count = (int)lua_rawlen(L, 2);
    const char **words =
        lua_newuserdatauv(L, checked_multiply((size_t)count + 1, sizeof *words), 0);
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, 2, i + 1);
        words[i] = luaL_checkstring(L, -1); /* the list keeps it alive */
        lua_pop(L, 1);
    }
    lua_pushstring(L, nearest_word(word, words, count));
    return 1;
}

void vm_push_host(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"seal", seal},  {"open", open_sealed}, {"word", wrap_word}, {"place", place},
        {"fail", raise}, {"nearest", nearest},  {NULL, NULL},
    };
    luaL_newlib(L, functions);
}
