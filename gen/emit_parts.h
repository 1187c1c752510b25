/*
 * emit_parts: what the files of emission share.
 */
#ifndef LATHE_EMIT_PARTS_H
#define LATHE_EMIT_PARTS_H

#include "emit.h"

#include <lua.h>

/* A function that was rendered: its text with '@' for the name, the name, and the parameters as it
 * declares them; NULL: the functions of a curve. */
struct rendered {
    const char *text, *name, *parameters;
};

/* A call's kernel: the bytes that say what it is rendered from (malloc'd), and its place among
 * the functions. */
struct kernel {
    struct text key;
    int function;
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
    struct emitted emitted;            /* files to be written */
    VECTOR(struct rendered) functions; /* of the file under way */
    VECTOR(struct kernel) known;
    VECTOR(struct curve_name) curve_names;
    struct text curves, calls;
    struct text prepares;             /* calls too */
    struct text prototypes;           /* of kernels that are spread over files */
    VECTOR(struct text) kernels;      /* by the file that holds them; one: the program's own */
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

/* emit_calls.c: the calls of PROGRAM to p->calls and p->prepares, the kernels and curves that they
 * need to p->kernels and p->curves. Kernels that are longer than the emission wants files to be are
 * spread over several, and their names begin with PREFIX there. */
void emit_calls(struct printer *p, const struct program *program, const char *prefix);

/* emit_model.c: fill the table on top of Lua's stack with what model.c.t takes. */
void emit_model_fields(struct printer *p);

#endif
