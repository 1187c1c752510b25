/* tie: see tie.h. */
#include "tie.h"

/* All from the parameter FIRST on that are of its tie: add up, or take the sum. */
static void tie_from(const struct lathe_model *model, int first, float *gradients)
{
    const struct lathe_parameter *p = &model->parameters[first];
    for (size_t i = 0; i < lathe_parameter_floats(p); i++) {
        double sum = 0;
        for (int k = first; k < model->parameter_count; k++)
            if (model->parameters[k].tie == p->tie)
                sum += (double)gradients[model->parameters[k].offset + i];
        for (int k = first; k < model->parameter_count; k++)
            if (model->parameters[k].tie == p->tie)
                gradients[model->parameters[k].offset + i] = (float)sum;
    }
}

void lathe_tie_gradients(const struct lathe_model *model, float *gradients)
{
    int done = 0; /* ties are numbered from 1, in the order of their first parameters */
    for (int i = 0; i < model->parameter_count; i++)
        if (model->parameters[i].tie > done)
            tie_from(model, i, gradients), done = model->parameters[i].tie;
}
