/*
 * template: C with Lua holes.
 *
 *     for every template line           one Lua line
 *     $ for i = 1, taps do        -->    for i = 1, taps do
 *         sum += w[${i}] * x;     -->   __put("    sum += w[") __hole((i)) __put("] * x;\n")
 *     $ end                       -->    end
 *
 * Lines keep their numbers, so Lua's own errors name templates/NAME:LINE. A compiled template is a
 * function (environment, put, hole) that appends to the text of the render under way.
 */
#include "template.h"

#include "embedded.h"

#include <ctype.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- translation ---- */

/* What is wrong in which line; problem is NULL while nothing is. */
struct translation {
    const char *problem;
    int line;
};

/* BYTES as the inside of a Lua string in double quotes. */
static void add_quoted(struct text *code, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '"' || c == '\\')
            text_printf(code, "\\%c", c);
        else if (iscntrl(c))
            text_printf(code, "\\%03d", c);
        else
            text_add(code, bytes + i, 1);
    }
}

/* The closing quote of the Lua string that opens at OPENING, or END. */
static const char *skip_string(const char *opening, const char *end)
{
    const char *c = opening + 1;
    while (c < end && *c != *opening)
        c += *c == '\\' ? 2 : 1;
    return c < end ? c : end;
}

/* The brace that closes the hole whose expression starts at C; NULL with *problem set where the
 * line ends before it. Braces inside Lua strings do not count. */
static const char *find_hole_end(const char *c, const char *end, const char **problem)
{
    int depth = 1;
    for (; c < end; c++) {
        if (*c == '"' || *c == '\'') {
            c = skip_string(c, end);
        } else if (*c == '-' && c + 1 < end && c[1] == '-') {
            *problem = "a comment inside a hole";
            return NULL;
        } else if (*c == '{') {
            depth++;
        } else if (*c == '}' && --depth == 0) {
            return c;
        }
    }
    *problem = "a hole without its closing brace";
    return NULL;
}

/* The next "${" of [C, END), or NULL. */
static const char *find_hole(const char *c, const char *end)
{
    for (; c + 1 < end; c++)
        if (c[0] == '$' && c[1] == '{')
            return c;
    return NULL;
}

/* Append the Lua line of a line of C without its newline; returns the problem, or NULL. */
static const char *translate_c_line(const char *c, const char *end, struct text *code)
{
    for (const char *hole; (hole = find_hole(c, end)) != NULL;) {
        const char *problem = NULL;
        const char *closing = find_hole_end(hole + 2, end, &problem);
        if (!closing)
            return problem;
        text_printf(code, "__put(\"");
        add_quoted(code, c, (size_t)(hole - c));
        text_printf(code, "\") __hole((%.*s)) ", (int)(closing - hole - 2), hole + 2);
        c = closing + 1;
    }
    text_printf(code, "__put(\"");
    add_quoted(code, c, (size_t)(end - c));
    text_printf(code, "\\n\")");
    return NULL;
}

/* Append the Lua of a whole template to CODE. */
static struct translation translate(const char *source, size_t length, struct text *code)
{
    struct translation result = {.line = 1};
    const char *line = source, *end = source + length;
    text_printf(code, "local _ENV, __put, __hole = ...; ");
    for (; line < end; result.line++) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = newline ? newline : end;
        if (*line != '$')
            result.problem = translate_c_line(line, line_end, code);
        else if (find_hole(line, line_end))
            result.problem = "a line that starts with $ is Lua and has no holes";
        else
            text_add(code, line + 1, (size_t)(line_end - line - 1));
        if (result.problem)
            break;
        text_add(code, "\n", 1);
        line = line_end + 1;
    }
    return result;
}

/* ---- writing ---- */

/* The render under way: where its text goes and how far it is indented. */
struct writer {
    struct text *out;
    lua_Integer indent;
    bool line_start;
};

static struct writer **current_writer(struct lua_State *lua)
{
    return (struct writer **)lua_getextraspace(lua);
}

/* Append BYTES, every line that is not empty indented. */
static void write_bytes(struct writer *writer, const char *bytes, size_t length)
{
    while (length > 0) {
        const char *newline = memchr(bytes, '\n', length);
        size_t size = newline ? (size_t)(newline - bytes) + 1 : length;
        if (writer->line_start && *bytes != '\n')
            text_blanks(writer->out, (size_t)writer->indent);
        text_add(writer->out, bytes, size);
        writer->line_start = newline != NULL;
        bytes += size;
        length -= size;
    }
}

static int put(struct lua_State *lua)
{
    size_t length;
    const char *bytes = lua_tolstring(lua, 1, &length);
    write_bytes(*current_writer(lua), bytes, length);
    return 0;
}

/* VALUE as a C float constant with as few digits as read back to the same bits: 2.0f, 0.1f, 1e-05f.
 * Returns its length, 0 where no float constant stands for VALUE. */
static int format_float(double value, char *buffer, size_t size)
{
    float wanted = (float)value;
    if (!isfinite(wanted))
        return 0;
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(buffer, size, "%.*g", digits, (double)wanted);
        if (strtof(buffer, NULL) == wanted)
            break;
    }
    size_t length = strlen(buffer);
    const char *ending = strpbrk(buffer, ".e") ? "f" : ".0f";
    return (int)length + snprintf(buffer + length, size - length, "%s", ending);
}

static int put_hole(struct lua_State *lua)
{
    char buffer[64];
    int length;
    switch (lua_type(lua, 1)) {
    case LUA_TSTRING:
        return put(lua);
    case LUA_TBOOLEAN:
        length = snprintf(buffer, sizeof buffer, "%d", lua_toboolean(lua, 1));
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(lua, 1))
            length = snprintf(buffer, sizeof buffer, LUA_INTEGER_FMT, lua_tointeger(lua, 1));
        else
            length = format_float(lua_tonumber(lua, 1), buffer, sizeof buffer);
        if (length == 0)
            return luaL_error(lua, "a hole holds %f, no float constant", lua_tonumber(lua, 1));
        break;
    default:
        return luaL_error(lua, "a hole holds a %s value", luaL_typename(lua, 1));
    }
    write_bytes(*current_writer(lua), buffer, (size_t)length);
    return 0;
}

/* ---- the environment ---- */

static const char library_key, templates_key; /* their addresses are keys of Lua's registry */

/* A template's unknown names: its arguments first (upvalue 1), then the library (upvalue 2). */
static int look_up(struct lua_State *lua)
{
    for (int i = 1; i <= 2; i++) {
        lua_pushvalue(lua, 2);
        if (lua_gettable(lua, lua_upvalueindex(i)) != LUA_TNIL)
            return 1;
        lua_pop(lua, 1);
    }
    return luaL_error(lua, "unknown name '%s'", lua_tostring(lua, 2));
}

static int refuse_global(struct lua_State *lua)
{
    return luaL_error(lua, "'%s' is assigned and not local", lua_tostring(lua, 2));
}

/* Push a strict environment over the arguments at stack index ARGUMENTS. */
static void push_environment(struct lua_State *lua, int arguments)
{
    lua_newtable(lua);
    lua_createtable(lua, 0, 2);
    lua_pushvalue(lua, arguments);
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &library_key);
    lua_pushcclosure(lua, look_up, 2);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, refuse_global);
    lua_setfield(lua, -2, "__newindex");
    lua_setmetatable(lua, -2);
}

/* assert(value, message): unlike Lua's own, the error names the template's line. */
static int assert_here(struct lua_State *lua)
{
    luaL_checkany(lua, 1);
    if (lua_toboolean(lua, 1))
        return lua_gettop(lua);
    return luaL_error(lua, "%s", luaL_optstring(lua, 2, "assertion failed"));
}

/* Translate, compile, keep under NAME and push the function; raises Lua's errors. */
static void compile(struct lua_State *lua, const char *name, const char *source, size_t length)
{
    struct text code = {0};
    struct translation translation = translate(source, length, &code);
    int status = LUA_ERRSYNTAX;
    const char *chunk = lua_pushfstring(lua, "@templates/%s", name);
    if (translation.problem)
        lua_pushfstring(lua, "%s:%d: %s", chunk + 1, translation.line, translation.problem);
    else
        status = luaL_loadbufferx(lua, code.data, code.length, chunk, "t");
    text_free(&code);
    if (status != LUA_OK)
        lua_error(lua);
    lua_remove(lua, -2); /* the chunk's name */
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &templates_key);
    lua_pushvalue(lua, -2);
    lua_setfield(lua, -2, name);
    lua_pop(lua, 1);
}

/* Push the compiled template NAME. */
static void push_template(struct lua_State *lua, const char *name)
{
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &templates_key);
    int type = lua_getfield(lua, -1, name);
    lua_remove(lua, -2);
    if (type != LUA_TNIL)
        return;
    lua_pop(lua, 1);
    for (int i = 0; i < embedded_template_count; i++) {
        const struct embedded_file *file = &embedded_templates[i];
        if (strcmp(file->name, name) == 0) {
            compile(lua, name, file->data, file->size);
            return;
        }
    }
    luaL_error(lua, "no template '%s'", name);
}

/* include(name, arguments, indent): what a template calls, and the way in from C. */
static int include(struct lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 1);
    lua_Integer indent = luaL_optinteger(lua, 3, 0);
    lua_settop(lua, 2);
    if (lua_isnil(lua, 2)) {
        lua_newtable(lua);
        lua_replace(lua, 2);
    }
    luaL_checktype(lua, 2, LUA_TTABLE);
    push_template(lua, name);
    push_environment(lua, 2);
    lua_pushcfunction(lua, put);
    lua_pushcfunction(lua, put_hole);
    (*current_writer(lua))->indent += indent;
    lua_call(lua, 3, 0);
    (*current_writer(lua))->indent -= indent;
    return 0;
}

/* Lua's own pairs follows a hash that differs from run to run; a generated file may not. */
static const char sorted_pairs[] = "local next, type, sort = next, type, table.sort\n"
                                   "local function before(a, b)\n"
                                   "  if type(a) == type(b) then return a < b end\n"
                                   "  return type(a) == 'number'\n"
                                   "end\n"
                                   "return function(t)\n"
                                   "  local keys, i = {}, 0\n"
                                   "  for key in next, t do keys[#keys + 1] = key end\n"
                                   "  sort(keys, before)\n"
                                   "  return function()\n"
                                   "    i = i + 1\n"
                                   "    if keys[i] ~= nil then return keys[i], t[keys[i]] end\n"
                                   "  end\n"
                                   "end\n";

/* within(inner, outer): INNER, which finds in OUTER what it lacks. */
static const char nested_tables[] = "local setmetatable = setmetatable\n"
                                    "return function(inner, outer)\n"
                                    "  return setmetatable(inner, {__index = outer})\n"
                                    "end\n";

/* Keep as the library what templates may use of Lua: nothing that reads or writes outside, nothing
 * random. */
static int open_library(struct lua_State *lua)
{
    static const char *const words[] = {"error", "ipairs", "select", "tonumber", "tostring",
                                        "type",  "string", "table",  "math",     NULL};
    luaL_requiref(lua, LUA_GNAME, luaopen_base, 1);
    luaL_requiref(lua, LUA_STRLIBNAME, luaopen_string, 1);
    luaL_requiref(lua, LUA_TABLIBNAME, luaopen_table, 1);
    luaL_requiref(lua, LUA_MATHLIBNAME, luaopen_math, 1);
    lua_pushnil(lua);
    lua_setfield(lua, -2, "random");
    lua_pushnil(lua);
    lua_setfield(lua, -2, "randomseed");
    lua_newtable(lua);
    for (int i = 0; words[i]; i++) {
        lua_getglobal(lua, words[i]);
        lua_setfield(lua, -2, words[i]);
    }
    if (luaL_dostring(lua, sorted_pairs))
        lua_error(lua);
    lua_setfield(lua, -2, "pairs");
    if (luaL_dostring(lua, nested_tables))
        lua_error(lua);
    lua_setfield(lua, -2, "within");
    lua_pushcfunction(lua, assert_here);
    lua_setfield(lua, -2, "assert");
    lua_pushcfunction(lua, include);
    lua_setfield(lua, -2, "include");
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &library_key);
    lua_newtable(lua);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &templates_key);
    return 0;
}

/* ---- the interface ---- */

/* Lua's allocator (lua_Alloc), which gives up instead of telling Lua: half of what is done with the
 * state, passing arguments, is done outside of protected calls. */
static void *allocate(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)context, (void)old_size;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    void *moved = realloc(block, new_size);
    if (!moved)
        fail(STATUS_RESOURCE, "out of memory");
    return moved;
}

struct lua_State *templates_open(void)
{
    struct lua_State *lua = lua_newstate(allocate, NULL);
    if (!lua)
        fail(STATUS_RESOURCE, "out of memory: cannot start Lua for the templates");
    lua_pushcfunction(lua, open_library);
    if (lua_pcall(lua, 0, 0, 0) != LUA_OK)
        bug("templates: %s", lua_tostring(lua, -1));
    return lua;
}

void templates_close(struct lua_State *lua)
{
    lua_close(lua);
}

/* Pop a Lua error into ERROR. */
static void take_error(struct lua_State *lua, struct text *error)
{
    text_printf(error, "%s", luaL_tolstring(lua, -1, NULL));
    lua_pop(lua, 2);
}

/* Render with the arguments on top of the stack; pops them. False with what went wrong in ERROR. */
static bool render(struct lua_State *lua, const char *name, struct text *out, struct text *error)
{
    struct writer writer = {.out = out};
    writer.line_start = out->length == 0 || out->data[out->length - 1] == '\n';
    *current_writer(lua) = &writer;
    lua_pushcfunction(lua, include);
    lua_insert(lua, -2);
    lua_pushstring(lua, name);
    lua_insert(lua, -2);
    int status = lua_pcall(lua, 2, 0, 0);
    *current_writer(lua) = NULL;
    if (status != LUA_OK)
        take_error(lua, error);
    return status == LUA_OK;
}

void template_render(struct lua_State *lua, const char *name, struct text *out)
{
    struct text error = {0};
    if (!render(lua, name, out, &error))
        bug("%s", error.data);
}

/* compile() as a function to be called protected: (name, source). */
static int compile_source(struct lua_State *lua)
{
    size_t length;
    const char *source = lua_tolstring(lua, 2, &length);
    compile(lua, lua_tostring(lua, 1), source, length);
    return 0;
}

bool template_render_source(struct lua_State *lua, const char *name, const char *source,
                            struct text *out, struct text *error)
{
    lua_pushcfunction(lua, compile_source);
    lua_pushstring(lua, name);
    lua_pushstring(lua, source);
    if (lua_pcall(lua, 2, 0, 0) == LUA_OK)
        return render(lua, name, out, error);
    take_error(lua, error);
    lua_pop(lua, 1);
    return false;
}
