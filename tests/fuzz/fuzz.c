/*
 * fuzz: the harness. See fuzz.h.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../runtime/lathe.h"

#include <fcntl.h>
#include <sanitizer/allocator_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
#pragma weak fuzz_set_up

/* ---- the memory of a run: a table of blocks, by address ---- */

enum { SLOTS = 1 << 20 };

static _Thread_local bool counting;
static uintptr_t slots[SLOTS];
static uint32_t used[SLOTS]; /* slots that are not empty */
static uint32_t used_count;

static const uintptr_t gone = 1; /* in a slot whose block was freed */

static uint32_t first_slot(uintptr_t block)
{
    return (uint32_t)((uint64_t)block * UINT64_C(0x9e3779b97f4a7c15) >> 44);
}

static void note_malloc(const volatile void *block, size_t size)
{
    (void)size;
    if (!counting)
        return;
    uint32_t slot = first_slot((uintptr_t)block);
    while (slots[slot] > gone)
        slot = (slot + 1) % SLOTS;
    if (!slots[slot])
        used[used_count++] = slot;
    if (used_count == SLOTS / 2)
        bug("a run of more than %d blocks of memory", SLOTS / 2);
    slots[slot] = (uintptr_t)block;
}

static void note_free(const volatile void *block)
{
    if (!counting)
        return;
    uint32_t slot = first_slot((uintptr_t)block);
    while (slots[slot] && slots[slot] != (uintptr_t)block)
        slot = (slot + 1) % SLOTS;
    if (slots[slot])
        slots[slot] = gone;
}

/* End the count; free what is left of it where TAKE. */
static void end_count(bool take)
{
    counting = false;
    for (uint32_t i = 0; i < used_count; i++) {
        if (take && slots[used[i]] > gone)
            free((void *)slots[used[i]]);
        slots[used[i]] = 0;
    }
    used_count = 0;
}

/* ---- files ---- */

static char folder[128];
static int first_descriptor;

static void remove_folder(void)
{
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0)
        fprintf(stderr, "%s is left\n", folder);
}

const char *fuzz_folder(void)
{
    return folder;
}

const char *fuzz_path(const char *name)
{
    enum { GOOD = 8 };
    static char paths[GOOD][256];
    static unsigned turn;
    char *path = paths[turn++ % GOOD];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void fuzz_put(const char *name, const void *bytes, size_t count)
{
    int file = open(fuzz_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || write(file, bytes, count) != (ssize_t)count)
        bug("%s: cannot write", fuzz_path(name));
    close(file);
}

void fuzz_put_text(const char *name, const char *text)
{
    fuzz_put(name, text, strlen(text));
}

/* ---- runs ---- */

static bool said; /* FUZZ_SAY is set: say what comes of each input */

unsigned fuzz_choose(const uint8_t **bytes, size_t *count, unsigned choices)
{
    if (!*count)
        return 0;
    --*count;
    return (uint8_t)(*(*bytes)++ - '0') % choices;
}

static void died(int status, const char *message)
{
    fail((enum status)status, "%s", message);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/lathe-fuzz-XXXXXX", root);
    if (!mkdtemp(folder))
        bug("no folder in %s", root);
    atexit(remove_folder);
    for (int i = 0; i < 256; i++)
        if (fcntl(i, F_GETFD) >= 0)
            first_descriptor = i + 1;
    lathe_die_handler = died;
    said = getenv("FUZZ_SAY") != NULL;
    if (!__sanitizer_install_malloc_and_free_hooks(note_malloc, note_free))
        bug("no hooks for memory");
    if (fuzz_set_up)
        fuzz_set_up();
    return 0;
}

struct input {
    const uint8_t *bytes;
    size_t count;
};

static void parse(void *context)
{
    const struct input *input = context;
    fuzz_parse(input->bytes, input->count);
}

/* Of this thread: how busy the machine is does not count. */
static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct failure failure;
    double began = processor_seconds();
    counting = true;
    enum status status = protected_call(parse, &(struct input){bytes, count}, &failure);
    end_count(status != STATUS_DONE);
    if (said)
        fprintf(stderr, "fuzz: %s\n", status == STATUS_DONE ? "taken" : failure.message);
    if (processor_seconds() - began > 1)
        bug("a run of %.3f s", processor_seconds() - began);
    if (status != STATUS_DONE) {
        fuzz_claim(failure.message[0] && !strchr(failure.message, '\n'));
        close_range((unsigned)first_descriptor, ~0U, 0);
    }
    return 0;
}
