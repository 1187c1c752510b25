/*
 * What inference prepares when weights are loaded: batch norm folded into the layer before it.
 */
#include "fold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void lathe_sum_losses(const float *loss, const float *correct, int count,
                      struct lathe_step_result *result)
{
    double sum = 0;
    int right = 0;
    for (int n = 0; n < count; n++) {
        sum += loss[n];
        right += correct[n] > 0;
    }
    result->loss = sum / count;
    result->correct = right;
}

/* gamma / sqrt(var + eps) of channel K. */
static double scale_of(const float *const *logical, int norm, double eps, int k)
{
    return logical[norm][k] / sqrt(logical[norm + 3][k] + eps);
}

void lathe_fold(const struct lathe_parameter *parameters, const float *const *logical, int weight,
                int bias, int norm, double eps, float *packed, float *packed_bias)
{
    const struct lathe_parameter *p = &parameters[weight];
    const size_t elements = lathe_parameter_elements(p), row = elements / (size_t)p->out;
    const int padded = (p->out + p->block_out - 1) / p->block_out * p->block_out;
    float *folded = lathe_alloc(elements, sizeof *folded);
    memset(packed_bias, 0, (size_t)padded * sizeof *packed_bias);
    for (int k = 0; k < p->out; k++) {
        const double scale = norm < 0 ? 1 : scale_of(logical, norm, eps, k);
        const double b = bias < 0 ? 0 : logical[bias][k];
        for (size_t i = 0; i < row; i++)
            folded[(size_t)k * row + i] = (float)(logical[weight][(size_t)k * row + i] * scale);
        packed_bias[k] =
            (float)(norm < 0 ? b : (b - logical[norm + 2][k]) * scale + logical[norm + 1][k]);
    }
    lathe_pack(p, folded, packed);
    free(folded);
}

void lathe_affine(const struct lathe_parameter *parameters, const float *const *logical, int norm,
                  double eps, float *mean, float *scale, float *beta)
{
    const struct lathe_parameter *p = &parameters[norm];
    const int padded = (p->out + p->block_out - 1) / p->block_out * p->block_out;
    for (int k = 0; k < padded; k++) {
        mean[k] = k < p->out ? logical[norm + 2][k] : 0;
        scale[k] = k < p->out ? (float)scale_of(logical, norm, eps, k) : 0;
        beta[k] = k < p->out ? logical[norm + 1][k] : 0;
    }
}
