/*
 * language: specs read one after the other in one process, as spec_read does, but with the language
 * loaded once.
 */
#ifndef LATHE_FUZZ_LANGUAGE_H
#define LATHE_FUZZ_LANGUAGE_H

#include "fuzz.h"

struct network;
struct vm;

/* Load the language; PATH is that of all specs and stays theirs. */
void language_load(const char *path);
/* The network of the spec of COUNT bytes at TEXT, in ARENA; fails as spec_read does. */
struct network *language_read(struct arena *arena, const void *text, size_t count);

/* pool_vm.c: keep the state of VM as it is; put it back, with chunks' paths in ARENA from now on.
 */
void pool_save(const struct vm *vm);
void pool_restore(struct vm *vm, struct arena *arena);

#endif
