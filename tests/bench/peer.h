/*
 * peer: processes that serve (serve.h), seen from the table.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "../../gen/base.h"

#include <stdio.h>
#include <sys/types.h>

enum { MOST_VARIANTS = 16, MOST_NUMBERS = 192 };

struct peer {
    const char *name; /* "PyTorch" */
    const char *command;
    pid_t process;
    FILE *to, *from;
    const char *variant[MOST_VARIANTS];
    int variant_count;
};

/* Start ARGUMENTS, which end in NULL, and wait until it is ready; what it writes on stderr goes to
 * LOG. Returns false where it never got there. */
bool peer_start(struct arena *arena, struct peer *peer, const char *name, char **arguments,
                const char *log);
/* End it, and wait for its end. */
void peer_stop(struct peer *peer);

/* Ask for RUNS of VARIANT: the numbers of the answer into NUMBERS; how many, 0 where there are none
 * or the peer is gone. */
int peer_time(struct peer *peer, int variant, int runs, double *numbers);
/* Its largest resident set in bytes, 0 where it does not say. */
double peer_memory(struct peer *peer);
/* One inference, its output to PATH. */
bool peer_output(struct peer *peer, const char *path);

/* Run ARGUMENTS to the end, output to LOG: did it go well? */
bool run_command(char **arguments, const char *log);

#endif
