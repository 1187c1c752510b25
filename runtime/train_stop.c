/*
 * train_stop: SIGINT and SIGTERM. While data are read there is nothing to save, and what reads them
 * looks at no flag: the handler itself says how to go on and ends the process. From the first step
 * on it sets a flag, which training looks at between steps and evaluation between batches.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "args.h"
#include "file.h"
#include "train.h"

static volatile sig_atomic_t asked, preparing;
static char *farewell; /* what the handler says while preparing */
static size_t farewell_length;

static void ask_to_stop(int signal)
{
    (void)signal;
    asked = 1;
    if (!preparing)
        return;
    ssize_t written = write(STDOUT_FILENO, farewell, farewell_length);
    _exit(written == (ssize_t)farewell_length ? LATHE_DONE : LATHE_RESOURCE);
}

void lathe_train_catch_signals(const struct lathe_trainer *t, int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (!t->options->checkpoint)
        return;
    FILE *out = lathe_open_text(&farewell, &farewell_length, "the command line");
    fputs("stopped before the first step; to go on:", out);
    lathe_train_print_how_to_resume(t, argc, argv, out);
    lathe_close_text(out, &farewell, "the command line");
    preparing = 1;
    struct sigaction action = {.sa_handler = ask_to_stop,
                               .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void lathe_train_begin_steps(void)
{
    preparing = 0;
}

bool lathe_train_asked_to_stop(void)
{
    return asked;
}

void lathe_train_print_how_to_resume(const struct lathe_trainer *t, int argc, char **argv,
                                     FILE *out)
{
    for (int i = 0; i < argc; i++)
        lathe_print_word(out, argv[i]);
    fputs(t->options->resume ? "\n" : " --resume\n", out);
}
