/*
 * find: which peers there are.
 */
#ifndef BENCH_FIND_H
#define BENCH_FIND_H

#include "../../gen/base.h"

/* What to run the peers with; NULL: not there. */
struct tools {
    const char *python; /* has torch */
    const char *node;
    const char *onnx_runtime; /* the folder of onnxruntime-node */
    const char *onednn;       /* tests/bench/onednn.c, built */
};

/* BENCH: the path of the bench program, beside which oneDNN's peer and the folder node/ of npm's
 * packages are; SCRATCH: a folder for messages. The environment's PYTHON is the python to take;
 * without it, python3 or Debian's own, whichever has torch. */
struct tools find_tools(struct arena *arena, const char *bench, const char *scratch);

#endif
