/*
 * curve_weights: curves of nodes in small safetensors files, which the programs of `lathe build
 * --curves` take with --weights, and which they save. Floor 1 of the generator.
 */
#ifndef LATHE_CURVE_WEIGHTS_H
#define LATHE_CURVE_WEIGHTS_H

#include "curve.h"

/* L, Q and I of a Dynamic curve; Q counts by its absolute value. */
struct dynamic_numbers {
    double l, q, i;
};

/* Write PATH: NODES[k].table is TABLES[k], of at most PIECES pieces, for --curves tables with as
 * many --pieces. Fails where the file cannot be written. */
void curve_weights_write_tables(struct arena *arena, const char *path, const char *const *nodes,
                                const struct table *const *tables, int count, int pieces);
/* Write PATH: NODES[k].L, .Q and .I are NUMBERS[k], for --curves learned or tied. */
void curve_weights_write_learned(struct arena *arena, const char *path, const char *const *nodes,
                                 const struct dynamic_numbers *numbers, int count);
/* The NUMBERS of each node in the weights PATH, Q as |Q|. Fails (STATUS_USER) where one is not
 * there. */
void curve_weights_read_learned(struct arena *arena, const char *path, const char *const *nodes,
                                struct dynamic_numbers *numbers, int count);

#endif
