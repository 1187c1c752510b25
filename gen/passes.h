/*
 * The passes: each takes the graph (or what the pass before it made) and knows no other pass.
 * Floor 2 of the generator.
 */
#ifndef LATHE_PASSES_H
#define LATHE_PASSES_H

#include "ir.h"

/* shape.c: run every node's shape rule in order; adds outputs, parameters, buffers. */
void infer_shapes(struct graph *graph);

/* curve.c's tables: check and tabulate every curve node's curve (fails naming node and parameter).
 */
void tabulate_curves(struct graph *graph);

/* grad.c: add gradient nodes from the loss backwards. A tensor used n times gets n - 1 add nodes;
 * nothing is computed that no parameter needs. */
void add_gradients(struct graph *graph);

#endif
