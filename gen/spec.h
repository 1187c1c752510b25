/*
 * spec: the spec language. Evaluates a Lua file in the sandbox (vm.h) with the words of spec.lua as
 * its globals and turns what it returns into a network.
 *
 *     spec file --spec.lua: words, checks, names--> flat list of layers --spec.c--> struct network
 *
 * The vocabulary, one row a word, is the table at the heart of spec.lua.
 * Floor 3 of the generator.
 */
#ifndef LATHE_SPEC_H
#define LATHE_SPEC_H

#include "ir.h"

/* One --set KEY=VALUE of the command line. */
struct spec_setting {
    const char *key, *value;
};

/*
 * The network that the spec at PATH describes, in ARENA. Its graph has the forward nodes with their
 * shapes, and the loss node where the spec has a loss or data:
 *
 * - graph->output is what the last layer computes. The loss takes it too, but where that layer is
 *   softmax and the loss cross_entropy, or sigmoid and bce, the loss takes the layer's input: these
 *   are computed from logits, and infer still writes probabilities.
 * - residual is an add node of the residual's name ("residual1") over (body, shortcut).
 * - Without data, has_data is false and data holds the input's shape alone (classes 0); without
 *   train, has_training is false; without both and without loss, graph->loss is NULL.
 *
 * Fails (STATUS_USER) with one line that names the spec's file and line; the spec may be hostile.
 * SETTINGS replace the defaults of the spec's options; the last of equal keys holds.
 */
struct network *spec_read(struct arena *arena, const char *path,
                          const struct spec_setting *settings, int setting_count);

/* Markdown tables of all words: what each takes, of which type and range, and its defaults. */
void spec_print_reference(struct text *out);

#endif
