/*
 * build: a network to a folder of C, and the folder to programs. Floor 4 of the generator.
 */
#ifndef LATHE_BUILD_H
#define LATHE_BUILD_H

#include "ir.h"
#include "passes.h"
#include "program.h"

struct build_options {
    const struct isa *isa;
    int batch;               /* of training; 0: the spec's */
    int infer_batch;         /* samples a call of infer takes at most */
    int typical_batch;       /* of training, for which costs are compared; 0: the batch */
    enum conv_method method; /* of convolutions */
    enum curves curves;      /* what becomes of Dynamic curves */
    int pieces;              /* that tables of CURVES_TABLES have room for; 0: PIECES_DEFAULT */
    const char *cc;          /* the C compiler: name or path */
    const char *weights;     /* safetensors to embed into infer; NULL: none */
    bool verify;             /* list the training step's tensors; none overlap; no call is too small
                              * for threads */
    size_t part_bytes;       /* kernels of more than this are spread over files; 0: a sane size */
    const char *dump; /* passes after which to print the graph, separated by commas; or NULL */
};

/* Run the passes over NETWORK and write its C to FOLDER. */
void build_sources(struct arena *arena, struct network *network,
                   const struct build_options *options, const char *folder);

/* The sha256 of the C that NETWORK becomes, but for its recipe of training (batch aside) and what
 * says where it came from: networks of the same digest can be trained by one program. The gradient
 * nodes are added to NETWORK's graph. */
void build_digest(struct arena *arena, const struct network *network,
                  const struct build_options *options, char digest[65]);

/* Fail (STATUS_USER) where the compiler of OPTIONS does not run: before anything is written. */
void check_compiler(const struct build_options *options);

/* Compile FOLDER with make and the compiler of OPTIONS; TARGET NULL: the programs. Fails
 * (STATUS_USER) with the compiler's first line of complaint. */
void build_programs(const struct build_options *options, const char *folder, const char *target);

/* Build NETWORK as a shared library in FOLDER and load it: its model, with training where the
 * network trains. The library stays loaded. */
const struct lathe_model *build_and_load(struct arena *arena, struct network *network,
                                         const struct build_options *options, const char *folder);

/* The programs that inference and training of NETWORK become; for `show`. TRAINING needs a loss. */
struct program *build_program(struct arena *arena, struct network *network,
                              const struct build_options *options, bool training);

#endif
