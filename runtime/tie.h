/*
 * Parameters of several nodes that are one number (struct lathe_parameter, tie).
 */
#ifndef LATHE_TIE_H
#define LATHE_TIE_H

#include "lathe.h"

/* Give all parameters of a tie the sum of their gradients, added up in MODEL's order, so that an
 * optimizer moves them alike. GRADIENTS: as a step leaves them. */
void lathe_tie_gradients(const struct lathe_model *model, float *gradients);

#endif
