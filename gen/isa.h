/*
 * isa: the instruction sets that kernels are written for. Floor 0: facts, no graphs.
 */
#ifndef LATHE_ISA_H
#define LATHE_ISA_H

struct isa {
    const char *name;  /* what --isa takes */
    int lanes;         /* floats in a vector, the channel block V of the layout */
    int registers;     /* vector registers a kernel may count on */
    const char *flags; /* for the C compiler, separated by single blanks */
};

/* "avx512", "avx2", "neon", "portable", or "native": the best that this machine runs. NULL when
 * NAME is none of them. */
const struct isa *isa_find(const char *name);

#endif
