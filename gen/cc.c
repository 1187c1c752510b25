/*
 * cc: start the C compiler, or make, through posix_spawn, never through a shell.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2, posix_spawn_file_actions_addchdir_np */
#endif

#include "cc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { OUTPUT_MAX = 64 * 1024 };

/* Start ARGUMENTS in FOLDER, stdin empty, stdout and stderr into WRITE_END; 0 or an errno. */
static int start(pid_t *child, const char *const *arguments, const char *folder, int write_end)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawn_file_actions_addchdir_np(&actions, folder);
    if (!error)
        error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&actions, write_end, STDOUT_FILENO);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    if (!error) /* posix_spawnp takes char *const * for history's sake and changes nothing */
        error =
            posix_spawnp(child, arguments[0], &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Read DESCRIPTOR to its end; the first OUTPUT_MAX bytes go to OUTPUT. */
static void collect(int descriptor, struct text *output)
{
    size_t room = OUTPUT_MAX;
    char block[4096];
    for (;;) {
        ssize_t got = read(descriptor, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        size_t kept = (size_t)got < room ? (size_t)got : room;
        text_add(output, block, kept);
        room -= kept;
    }
}

static int exit_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Wait until CHILD ends; its exit status, 128 + the signal's number where a signal ended it. */
static int wait_for(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            fail(STATUS_RESOURCE, "cannot wait for a program: %s", strerror(errno));
    return exit_status(status);
}

int run_program(const char *const *arguments, const char *folder, struct text *output)
{
    if (access(folder, X_OK) < 0)
        fail(STATUS_USER, "cannot enter %s: %s", folder, strerror(errno));
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        fail(STATUS_RESOURCE, "cannot make a pipe: %s", strerror(errno));
    pid_t child;
    int error = start(&child, arguments, folder, ends[1]);
    close(ends[1]);
    if (!error)
        collect(ends[0], output);
    close(ends[0]);
    if (error)
        fail(STATUS_USER, "cannot run %s: %s", arguments[0], strerror(error));
    return wait_for(child);
}

/* Start ARGUMENTS, stdin empty, stdout and stderr into the file OUTPUT; 0 or an errno. */
static int start_apart(pid_t *child, const char *const *arguments, const char *output)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    if (!error)
        error = posix_spawnattr_setsigmask(&attributes, &none);
    if (!error)
        error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output,
                                                 O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    if (!error)
        error = posix_spawnp(child, arguments[0], &actions, &attributes, (char *const *)arguments,
                             environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

pid_t start_program(const char *const *arguments, const char *output)
{
    pid_t child;
    int error = start_apart(&child, arguments, output);
    if (error)
        fail(STATUS_USER, "cannot run %s into %s: %s", arguments[0], output, strerror(error));
    return child;
}

bool program_ended(pid_t child, int *status)
{
    pid_t ended = waitpid(child, status, WNOHANG);
    if (ended < 0 && errno != EINTR)
        fail(STATUS_RESOURCE, "cannot wait for a program: %s", strerror(errno));
    if (ended != child)
        return false;
    *status = exit_status(*status);
    return true;
}
