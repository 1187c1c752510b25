/*
 * show: what a network is: shapes, parameters and costs a layer, groups and memory. Floor 4.
 */
#ifndef LATHE_SHOW_H
#define LATHE_SHOW_H

#include "build.h"

/* Append to OUT a table for people, or JSON {"name", "parameters", "flops_forward", "layers",
 * "groups", "memory"}, or the graph in Graphviz's language. */
void show_network(struct arena *arena, struct network *network, const struct build_options *options,
                  bool json, bool dot, struct text *out);

#endif
