/*
 * The batches of a training run, one ahead of the step that uses them.
 */
#ifndef LATHE_LOADER_H
#define LATHE_LOADER_H

#include "data.h"

struct lathe_loader;

/* What a run goes through: DATASET, or its KEPT_COUNT samples whose places KEPT lists, in an order
 * of its own each epoch, BATCH samples a step (fewer in an epoch's last), for TOTAL_STEPS steps. */
struct lathe_journey {
    const struct lathe_model *model;
    const struct lathe_dataset *dataset;
    int batch;
    uint64_t seed, total_steps;
    const uint32_t *kept; /* NULL: all */
    int kept_count;
};

/* Is filling a batch of JOURNEY worth another thread? */
bool lathe_loader_helps(const struct lathe_journey *journey);

/* BACKGROUND: a thread of its own fills the next batch while this one is used; else batches are
 * filled when they are taken, by all threads. The bits are the same. JOURNEY is copied; what it
 * points to must outlive the loader. */
struct lathe_loader *lathe_loader_new(const struct lathe_journey *journey, bool background);

/* The batch of step STEP, which stays until the next is taken; steps are best taken one after the
 * other. Dies, in the calling thread, where a file of it cannot be decoded any more. */
const struct lathe_batch *lathe_loader_take(struct lathe_loader *loader, uint64_t step);

/* End the thread and free everything; NULL is nothing to do. */
void lathe_loader_free(struct lathe_loader *loader);

#endif
