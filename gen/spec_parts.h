/*
 * The parts of reading a spec: what spec.lua is given (spec_language.c), and what its table
 * becomes: layers (spec_layer.c), data and training (spec_data.c), by fields (spec_field.c), and
 * the graph (spec_graph.c); spec.c is the whole in its order. Inside room `spec`.
 */
#ifndef LATHE_SPEC_PARTS_H
#define LATHE_SPEC_PARTS_H

#include "sha256.h"
#include "spec.h"
#include "vm.h"

#include <lua.h>

enum { LARGEST_FILE = 1 << 17 }; /* bytes of a spec or a fit */

/* A node of the spec before its shape is known: inputs are nodes by number from 1, 0 the network's
 * input. */
struct layer {
    struct node node; /* op, name, where and the operator's attributes */
    int *inputs;
    int input_count;
    /* A linear layer whose units are the channels of the node units_of, times and over these; 0
     * times: they are given. */
    int units_of, units_times, units_over;
};

/* One reading of a spec. */
struct job {
    struct arena *arena;
    const char *path;
    const struct spec_setting *settings;
    int setting_count;
    const char *text; /* of the spec */
    size_t length;
    struct sha256 digest;
    struct vm *vm;
    struct network *network;
    struct layer *layers;
    int layer_count;
    struct gate **gates; /* from 1 */
    int gate_count;
    struct where where; /* of the network word */
    int input_rank, input_dims[3];
    int output; /* number of the node whose result infer writes */
    int dropout_count;
};

/* ---- spec_field.c: fields of the table on the top of the stack ---- */

/* Numbers that spec.lua always has there; number_or: that may be left out. */
double number_field(lua_State *L, const char *name);
int whole_field(lua_State *L, const char *name);
double number_or(lua_State *L, const char *name, double absent);
bool flag_field(lua_State *L, const char *name);
/* A text in the job's arena; NULL where there is none. */
const char *text_field(lua_State *L, struct job *job, const char *name);
/* Is the field NAME the text WORD? */
bool text_is(lua_State *L, const char *name, const char *word);
/* The place in the spec that the field "at" is. */
struct where where_field(lua_State *L);
/* Up to MOST numbers of the list NAME into VALUES; returns how many there are, 0 without a list. */
int numbers_field(lua_State *L, const char *name, double *values, int most);
/* The list NAME of two; false, leaving both as they are, where it is none. */
bool pair_field(lua_State *L, const char *name, int *h, int *w);
/* Padding of conv and pools: false, leaving all as it is, where it is no list ("same"). */
bool padding_field(lua_State *L, int *top, int *left, int *bottom, int *right);
/* Which of WORDS[0..COUNT) the field "word" is. */
int word_field(lua_State *L, const char *const *words, int count);
#define WORD_FIELD(L, words) word_field((L), (words), (int)(sizeof(words) / sizeof *(words)))

/* Push the table NAME of the table on the top; false, pushing nothing, where there is none. */
bool enter_table(lua_State *L, const char *name);
void leave_table(lua_State *L);

/* ---- spec_layer.c ---- */

/* The table on the top, made by one of the table words, into CURVE. */
void read_method(lua_State *L, struct job *job, struct curve *curve);
/* The bodies of stochastic depth; then the layers, which are in them. */
void read_gates(lua_State *L, struct job *job);
void read_layers(lua_State *L, struct job *job);

/* ---- spec_data.c ---- */

/* The data set, once the input's shape is known. */
void read_data(lua_State *L, struct job *job);
void read_training(lua_State *L, struct network *network);

/* ---- spec_language.c ---- */

/* Add LABEL and LENGTH bytes to the digest; the length keeps neighbours apart. */
void add_digest(struct job *job, const char *label, const char *bytes, size_t length);
/* Run spec.lua: pushes the spec's globals, the function finish, the function reference. */
void push_language(lua_State *L, struct job *job);

/* ---- spec_graph.c ---- */

/* The graph of the layers, with shapes; STATUS_USER where they do not fit each other or the data.
 */
void build_graph(struct job *job);

/* ---- spec.c ---- */

/* The table that spec.lua's finish gives, on the top, into the job. */
void read_network(lua_State *L, struct job *job);
/* The digest, once all has been read. */
void finish_digest(struct job *job);

#endif
