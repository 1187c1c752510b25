/*
 * emit_parts: what the files of emission share.
 */
#ifndef LATHE_EMIT_PARTS_H
#define LATHE_EMIT_PARTS_H

#include "emit.h"

#include <lua.h>

/* A function that was rendered: its text with '@' for the name, and the name. */
struct rendered {
    const char *text, *name;
};

/* A call's kernel: the bytes that say what it is rendered from (malloc'd), and its name. */
struct kernel {
    struct text key;
    const char *name;
};

/* A curve's functions. */
struct curve_name {
    const struct curve *curve;
    const char *name;
};

struct printer {
    struct arena *arena;
    lua_State *lua;
    const struct emission *emission;
    VECTOR(struct output) outputs;     /* files to be written */
    VECTOR(struct rendered) functions; /* of the file under way */
    VECTOR(struct kernel) known;
    VECTOR(struct curve_name) curve_names;
    struct text curves, kernels, calls;
    int indent;                       /* of calls */
    const struct gate *gate, *unless; /* of the calls under way */
    bool training;                    /* the file is of the training step */
};

/* Set field NAME of the table on top of Lua's stack. */
void emit_set_number(lua_State *lua, const char *name, double value);
void emit_set_integer(lua_State *lua, const char *name, lua_Integer value);
void emit_set_string(lua_State *lua, const char *name, const char *value);
void emit_set_flag(lua_State *lua, const char *name, bool value);
/* A block of lines for the hole NAME, which stands at the end of the line before them; TEXT is
 * freed. */
void emit_set_text(lua_State *lua, const char *name, struct text *text);

/* emit_calls.c: the calls of PROGRAM to p->calls, the kernels and curves that they need to
 * p->kernels and p->curves. */
void emit_calls(struct printer *p, const struct program *program);

/* emit_model.c: fill the table on top of Lua's stack with what model.c.t takes. */
void emit_model_fields(struct printer *p);

#endif
