/*
 * cc: start the C compiler, or make, through posix_spawn, never through a shell.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2, posix_spawn_file_actions_addchdir_np */
#endif

#include "cc.h"

#include <errno.h>
#include <fcntl.h>
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

/* Wait until CHILD ends; its exit status, 128 + the signal's number where a signal ended it. */
static int wait_for(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            fail(STATUS_RESOURCE, "cannot wait for a program: %s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
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
