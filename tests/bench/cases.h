/*
 * cases: what the table shows.
 */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include <stdbool.h>

enum task { TASK_TRAIN, TASK_INFER, TASK_MEMORY, TASK_LAYERS, TASKS };
extern const char *const task_name[TASKS];

/* Peers of a case, to be added up. */
enum {
    PYTORCH = 1,
    ONNX_RUNTIME = 2,
    INTERPRETER = 4,
    OWN_RELU = 8, /* the same network with ReLU, ours too */
    ONEDNN = 16
};

struct bench_case {
    const char *name;
    enum task task;
    const char *spec; /* SPEC[:key=value,...] */
    int batch;
    unsigned peers;
};

extern const struct bench_case cases[];
extern const int case_count;

/* The spec that OWN_RELU means. */
extern const char *const relu_spec;

#endif
