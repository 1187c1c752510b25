/*
 * The passes: each takes the graph (or what the pass before it made) and knows no other pass.
 * Floor 2 of the generator.
 */
#ifndef LATHE_PASSES_H
#define LATHE_PASSES_H

#include "ir.h"

/* shape.c: run every node's shape rule in order; adds outputs, parameters, buffers. */
void infer_shapes(struct graph *graph);

/* What becomes of a network's Dynamic curves. */
enum curves {
    CURVES_FIXED,   /* as the spec has them */
    CURVES_TABLES,  /* tables that stand with the weights, and are not trained */
    CURVES_LEARNED, /* L, Q, I of each are trained */
    CURVES_TIED     /* the same, and all nodes keep one L, one Q, one I */
};
enum { PIECES_DEFAULT = 16, PIECES_MOST = 64 };
/* loosen.c: make every dynamic curve of GRAPH, in closed form, as a table or with learn, what
 * CURVES says; tables have room for PIECES. Fails where there is none, or a spec's table has more
 * pieces. Before tables and gradients; a graph that is loosened already stays as it is. */
void loosen_curves(struct graph *graph, enum curves curves, int pieces);

/* tabulate.c: check and tabulate every curve node's curve (fails naming node and parameter).
 */
void tabulate_curves(struct graph *graph);
/* The same of NETWORK's graph, within its spec's bounds: see watchdog.h. */
void tabulate_network(struct network *network);

/* grad.c: add gradient nodes from the loss backwards. A tensor used n times gets n - 1 add nodes;
 * nothing is computed that no parameter needs. */
void add_gradients(struct graph *graph);

#endif
