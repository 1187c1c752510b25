/*
 * A model's parameters in safetensors files: what weights.c shares with checkpoints and programs.
 */
#ifndef LATHE_WEIGHTS_H
#define LATHE_WEIGHTS_H

#include "lathe.h"
#include "safetensors.h"

/* Zeroed arrays, one a parameter, each aligned to 64; one allocation, freed by free(). */
float **lathe_logical_arrays(const struct lathe_model *model);

/* The parameters of a state block as logical arrays. */
void lathe_unpack_all(const struct lathe_model *model, const float *state, float **logical);

/* PARAMETER's name and shape, without data. */
struct lathe_stored lathe_parameter_stored(const struct lathe_parameter *parameter);

/* Read the tensor of EXPECTED's name, which must have EXPECTED's shape. */
bool lathe_read_stored(const struct lathe_tensors *file, const struct lathe_stored *expected,
                       float *elements, struct lathe_error *error);

/* Read all of MODEL's parameters. Tensors that are none of them are counted in OTHERS, but for
 * PyTorch's `num_batches_tracked` and a checkpoint's `optimizer.*`; where OTHERS is NULL they are
 * an error. */
bool lathe_read_parameters(const struct lathe_model *model, const struct lathe_tensors *file,
                           float **logical, int *others, struct lathe_error *error);

/* Put what the file PATH has of MODEL's parameters into STATE. What it does not have stays as it
 * is; that, and what the network does not have, is said in a line each on stderr. Dies where shapes
 * differ, or the file has nothing of MODEL's. */
void lathe_begin_weights(const struct lathe_model *model, const char *path, float *state);

/* As lathe_read_weights, from SIZE bytes of a safetensors file in memory. */
float **lathe_read_embedded_weights(const struct lathe_model *model, const void *bytes,
                                    size_t size);

#endif
