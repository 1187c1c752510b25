/*
 * loader: two batches take turns. While step s runs on batch s % 2, the thread fills the other with
 * step s + 1; what a batch holds depends on (seed, step) alone, so nothing of this shows in it.
 */
#define _GNU_SOURCE
#include "loader.h"

#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "evaluate.h"

#define NO_STEP UINT64_MAX

struct lathe_loader {
    struct lathe_journey journey;
    uint64_t steps_per_epoch;
    uint32_t *order; /* of order_epoch; the thread's, where there is one */
    uint64_t order_epoch;
    struct lathe_batch batches[2];
    bool background;
    pthread_t thread;
    pthread_mutex_t mutex; /* of all that follows */
    pthread_cond_t changed;
    uint64_t wanted, filled; /* the step to fill and the step that is filled, or NO_STEP */
    bool failed, ends;
    struct lathe_error error;
};

bool lathe_loader_helps(const struct lathe_journey *journey)
{
    const size_t many = 1 << 16; /* floats that take longer than to wake a thread */
    return lathe_costs_time(&journey->model->data, journey->dataset) ||
           (size_t)journey->batch * lathe_sample_floats(journey->model) >= many;
}

static int sample_count(const struct lathe_journey *journey)
{
    return journey->kept ? journey->kept_count : journey->dataset->count;
}

/* The order in which EPOCH meets the samples. */
static void shuffle(struct lathe_loader *loader, int epoch)
{
    const struct lathe_journey *journey = &loader->journey;
    int count = sample_count(journey);
    lathe_shuffle(loader->order, count, journey->seed, epoch);
    for (int i = 0; journey->kept && i < count; i++)
        loader->order[i] = journey->kept[loader->order[i]];
}

static bool fill(struct lathe_loader *loader, uint64_t step, struct lathe_error *error)
{
    const struct lathe_journey *journey = &loader->journey;
    uint64_t epoch = step / loader->steps_per_epoch;
    if (epoch != loader->order_epoch)
        shuffle(loader, (int)epoch);
    loader->order_epoch = epoch;
    int first = (int)(step % loader->steps_per_epoch) * journey->batch;
    int left = sample_count(journey) - first;
    const struct lathe_pick pick = {.order = loader->order,
                                    .first = first,
                                    .count = left < journey->batch ? left : journey->batch,
                                    .train = true,
                                    .seed = journey->seed,
                                    .epoch = (int)epoch};
    return lathe_try_fill_batch(&journey->model->data, journey->dataset, &pick,
                                &loader->batches[step % 2], error);
}

/* The thread: fills what is wanted until it ends. Signals are for the others. */
static void *work(void *context)
{
    struct lathe_loader *loader = context;
    omp_set_num_threads(1);
    pthread_mutex_lock(&loader->mutex);
    while (!loader->ends) {
        uint64_t step = loader->wanted;
        if (step == NO_STEP) {
            pthread_cond_wait(&loader->changed, &loader->mutex);
            continue;
        }
        pthread_mutex_unlock(&loader->mutex);
        struct lathe_error error;
        bool done = fill(loader, step, &error);
        pthread_mutex_lock(&loader->mutex);
        loader->filled = step;
        loader->wanted = NO_STEP;
        if (!done) {
            loader->failed = true;
            loader->error = error;
        }
        pthread_cond_broadcast(&loader->changed);
    }
    pthread_mutex_unlock(&loader->mutex);
    return NULL;
}

static bool start_thread(struct lathe_loader *loader)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&loader->thread, NULL, work, loader) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

struct lathe_loader *lathe_loader_new(const struct lathe_journey *journey, bool background)
{
    struct lathe_loader *loader = lathe_alloc(1, sizeof *loader);
    uint64_t samples = (uint64_t)sample_count(journey), batch = (uint64_t)journey->batch;
    loader->journey = *journey;
    loader->steps_per_epoch = (samples + batch - 1) / batch;
    loader->order = lathe_alloc(samples, sizeof *loader->order);
    loader->order_epoch = loader->wanted = loader->filled = NO_STEP;
    for (int i = 0; i < 2; i++)
        loader->batches[i] = lathe_batch_new(journey->model, journey->batch);
    pthread_mutex_init(&loader->mutex, NULL);
    pthread_cond_init(&loader->changed, NULL);
    loader->background = background && start_thread(loader);
    return loader;
}

/* Wait for STEP and ask for the one behind it. False where a batch failed. */
static bool wait_for(struct lathe_loader *loader, uint64_t step, struct lathe_error *error)
{
    pthread_mutex_lock(&loader->mutex);
    while (loader->filled != step && !loader->failed) {
        if (loader->wanted == NO_STEP) {
            loader->wanted = step;
            pthread_cond_broadcast(&loader->changed);
        }
        pthread_cond_wait(&loader->changed, &loader->mutex);
    }
    bool done = !loader->failed;
    if (!done)
        *error = loader->error;
    else if (step + 1 < loader->journey.total_steps) {
        loader->wanted = step + 1;
        pthread_cond_broadcast(&loader->changed);
    }
    pthread_mutex_unlock(&loader->mutex);
    return done;
}

const struct lathe_batch *lathe_loader_take(struct lathe_loader *loader, uint64_t step)
{
    struct lathe_error error;
    bool done = loader->background ? wait_for(loader, step, &error) : fill(loader, step, &error);
    if (!done)
        lathe_die(error.status, "%s", error.message);
    return &loader->batches[step % 2];
}

void lathe_loader_free(struct lathe_loader *loader)
{
    if (!loader)
        return;
    if (loader->background) {
        pthread_mutex_lock(&loader->mutex);
        loader->ends = true;
        pthread_cond_broadcast(&loader->changed);
        pthread_mutex_unlock(&loader->mutex);
        pthread_join(loader->thread, NULL);
    }
    pthread_mutex_destroy(&loader->mutex);
    pthread_cond_destroy(&loader->changed);
    for (int i = 0; i < 2; i++)
        lathe_batch_free(&loader->batches[i]);
    free(loader->order);
    free(loader);
}
