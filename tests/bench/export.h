/*
 * export: a network as the peers read it.
 */
#ifndef BENCH_EXPORT_H
#define BENCH_EXPORT_H

#include "../../gen/ir.h"

/*
 * Write to FOLDER: network.json, the graph; weights.safetensors, its drawn weights; input.f32,
 * BATCH samples, those that a subject of that batch has.
 *
 *     {"name", "batch", "input": TENSOR, "shape": [C, H, W], "output": TENSOR, "outputs": numbers,
 *      "nodes": [{"op": as in gen/ops.def, "name", "inputs": [TENSOR ...], "output": TENSOR, and
 *                 what the operator needs}],
 *      "logits": TENSOR (what the loss takes), "optimizer": {...}}     only of a network that
 * trains
 *
 * A TENSOR is a name; parameters and running statistics are in weights.safetensors by theirs.
 */
void export_network(struct arena *arena, struct network *network, int batch, const char *folder);

#endif
