/*
 * layers: the convolutions of a training step.
 */
#include "layers.h"

#include "../../gen/op/op.h"
#include "../../runtime/profile.h"

#include <string.h>

const char *const pass_name[PASSES] = {"forward", "backward data", "backward weights"};

struct layers list_layers(const struct network *network)
{
    struct layers layers = {0};
    for (int i = 0; i < network->graph->nodes.count; i++) {
        const struct node *node = network->graph->nodes.items[i];
        if (node->op == OP_conv && !node->backward && layers.count < MOST_LAYERS)
            layers.node[layers.count++] = node;
    }
    return layers;
}

char *layer_text(struct arena *arena, const struct node *conv, int batch)
{
    const struct conv_attributes *a = &conv->conv;
    const struct tensor *x = conv->inputs[0], *y = conv->outputs[0];
    return arena_printf(arena, "%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d", batch,
                        tensor_c(x), tensor_h(x), tensor_w(x), tensor_c(y), tensor_h(y),
                        tensor_w(y), a->kernel_h, a->kernel_w, a->stride_h, a->stride_w, a->pad_top,
                        a->pad_left, a->pad_bottom, a->pad_right, a->groups);
}

void layer_seconds(const struct subject *s, const struct layers *layers, double *seconds)
{
    const struct lathe_profile *profile = s->model->train_profile;
    for (int i = 0; i < layers->count; i++)
        for (int pass = 0; pass < PASSES; pass++) {
            double *sum = &seconds[i * PASSES + pass];
            *sum = 0;
            for (int k = 0; k < profile->count; k++) {
                const struct lathe_cost *cost = &profile->costs[k];
                if (strcmp(cost->group, layers->node[i]->name) == 0 &&
                    strncmp(cost->label, pass_name[pass], strlen(pass_name[pass])) == 0)
                    *sum += profile->spent[k].seconds;
            }
        }
}

double layer_flops(const struct node *conv)
{
    return op_table[OP_conv]->flops(conv);
}
