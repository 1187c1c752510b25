/*
 * vm: a Lua state that may run hostile code. Memory and steps are bounded, nothing of the outside
 * is in reach, iteration has a fixed order, and every failure becomes one line with the file and
 * line of the code that caused it. Knows no graphs.
 * Floor 1 of the generator. Only spec, template.c and emit may include lua.h besides vm.c.
 */
#ifndef LATHE_VM_H
#define LATHE_VM_H

#include "base.h"

struct lua_State;
struct vm;

/* What code may use; 0: no limit. */
struct vm_limits {
    size_t memory;  /* bytes at one time */
    size_t string;  /* bytes of one string */
    int64_t steps;  /* instructions, plus what library functions and allocation are charged for */
    double seconds; /* of processor time: the net under the steps */
};

/* A new state without anything in it but Lua's base, table, string and math libraries, for trusted
 * code. Paths of chunks are kept in ARENA, which must outlive the VM. */
struct vm *vm_new(struct arena *arena, const struct vm_limits *limits);
void vm_free(struct vm *vm);
struct vm *vm_of(struct lua_State *L);

/* Run BODY under protection with CONTEXT as a light userdata, its one argument. A Lua error fails
 * (STATUS_USER) with the place of the innermost running line of an untrusted chunk. */
void vm_run(struct vm *vm, int (*body)(struct lua_State *L), void *context);

/* What follows is for code that runs inside vm_run; each may raise Lua errors. */

/* Compile TEXT (never bytecode) and push it as a function with the value on the top of the stack as
 * its globals, which is popped. PATH is what messages call it. TRUSTED code is lathe's own: places
 * are looked for in its callers, an error in its own lines is a bug of lathe. */
void vm_load(struct lua_State *L, const char *path, const char *text, size_t length, bool trusted);

/* The line of untrusted code that runs now, as a number for Lua to carry; 0 when there is none. */
int64_t vm_place(struct lua_State *L);
struct where vm_where(struct lua_State *L, int64_t place);

/* Raise MESSAGE, a printf format, at PLACE (0: the innermost untrusted line). */
_Noreturn void vm_error(struct lua_State *L, int64_t place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Call the function below ARGUMENTS values on the stack for RESULTS values, as lua_call. False
 * where it failed: *MESSAGE is its error (to be raised again with more words, before anything else
 * is done), *PLACE where. */
bool vm_call(struct lua_State *L, int arguments, int results, int64_t *place, const char **message);

/* Count N steps of work that a C function is about to do; raises an error past the limit. */
void vm_charge(struct lua_State *L, int64_t n);

/*
 * Push a table of the functions that hostile code may have: assert, error, ipairs, next, pairs,
 * select, tonumber, tostring, type, and the tables math, string, table. Left out is all that loads
 * code, catches errors, sees metatables, matches patterns or is random. Changed: pairs and next go
 * in the order of keys (numbers, strings, booleans) and tostring and %s show no addresses, so that
 * the same code does the same in each run; rep is bounded. The methods of strings are the same.
 */
void vm_push_sandbox(struct lua_State *L);

/*
 * Opaque values. seal(metatable, fields) makes a userdata that nobody can look into, change or
 * forge; open(value) gives back its fields to those who have `open`, nil for anything else.
 * word(f) wraps f so that its caller's line is on the stack even in `return f(...)`. place() is
 * vm_place, fail(place, message) raises, nearest(word, list) is nearest_word.
 * Pushes a table of these functions, for trusted code.
 */
void vm_push_host(struct lua_State *L);

#endif
