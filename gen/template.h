/*
 * template: C with Lua holes. A line whose first character is `$` is Lua; `${expr}` is a hole;
 * never both on one line. One template line becomes one Lua line, so that Lua's own errors name
 * "templates/conv.c.t:12". An unknown name or a nil hole is an error. Templates are embedded into
 * the binary by the build. Floor 3 of the generator.
 *
 * A template sees its arguments (the fields of the table it was given) as plain names, the
 * functions ipairs, pairs, assert, string.format, table.concat, math.floor ..., and these two:
 * include("steps.c.t", {arguments}, indent), another template in place, its lines indented by
 * INDENT blanks; within({fields}, _ENV), the fields and whatever else is in sight.
 */
#ifndef LATHE_TEMPLATE_H
#define LATHE_TEMPLATE_H

#include "base.h"

struct lua_State;

/* A Lua state for templates; compile on first use, keep. Templates are lathe's own, not the user's:
 * a failure in one is a bug of lathe and aborts naming the template's line. */
struct lua_State *templates_open(void);
void templates_close(struct lua_State *lua);

/* Render template NAME ("conv.c.t") with the argument table on top of LUA's stack, and pop it. */
void template_render(struct lua_State *lua, const char *name, struct text *out);

/* The same with SOURCE as the text of template NAME, which later includes find by that name; where
 * it fails returns false with the message in *error. For tests. */
bool template_render_source(struct lua_State *lua, const char *name, const char *source,
                            struct text *out, struct text *error);

/* A hole's value: strings as they are, whole numbers without a decimal point, other numbers as
 * float constants that read back to the same bits (%.9g and an f: 0.5f, 1e-05f); booleans 1 and 0.
 */

#endif
