/*
 * peer: processes that serve.
 */
#define _GNU_SOURCE /* pipe2 */
#include "peer.h"

#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 8192 };

/* In the child: descriptors in place, then the program. */
static _Noreturn void become(char **arguments, int input, int output, const char *log)
{
    int errors = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (errors >= 0)
        dup2(errors, 2);
    dup2(input, 0);
    dup2(output < 0 ? 2 : output, 1);
    execvp(arguments[0], arguments);
    fprintf(stderr, "%s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

static bool read_ready(struct arena *arena, struct peer *peer)
{
    char line[LINE], *state = NULL;
    if (!fgets(line, sizeof line, peer->from) || strncmp(line, "ready ", 6) != 0)
        return false;
    for (char *word = strtok_r(line + 6, " \n", &state);
         word && peer->variant_count < MOST_VARIANTS; word = strtok_r(NULL, " \n", &state))
        peer->variant[peer->variant_count++] = arena_copy(arena, word);
    return peer->variant_count > 0;
}

bool peer_start(struct arena *arena, struct peer *peer, const char *name, char **arguments,
                const char *log)
{
    int to[2], from[2];
    *peer = (struct peer){.name = name};
    signal(SIGPIPE, SIG_IGN);
    if (pipe2(to, O_CLOEXEC) != 0)
        fail(STATUS_RESOURCE, "bench: no pipe: %s", strerror(errno));
    if (pipe2(from, O_CLOEXEC) != 0)
        fail(STATUS_RESOURCE, "bench: no pipe: %s", strerror(errno));
    fflush(NULL);
    peer->process = fork();
    if (peer->process < 0)
        fail(STATUS_RESOURCE, "bench: no process: %s", strerror(errno));
    if (peer->process == 0)
        become(arguments, to[0], from[1], log);
    close(to[0]);
    close(from[1]);
    peer->to = fdopen(to[1], "w");
    peer->from = fdopen(from[0], "r");
    if (read_ready(arena, peer))
        return true;
    peer_stop(peer);
    return false;
}

void peer_stop(struct peer *peer)
{
    if (!peer->to)
        return;
    fclose(peer->to);
    fclose(peer->from);
    waitpid(peer->process, NULL, 0);
    peer->to = peer->from = NULL;
}

/* One line to the peer, its answer into LINE; false where it is gone. */
static bool ask(struct peer *peer, const char *question, char line[LINE])
{
    if (!peer->to)
        return false;
    if (fprintf(peer->to, "%s\n", question) > 0 && fflush(peer->to) == 0 &&
        fgets(line, LINE, peer->from))
        return true;
    peer_stop(peer);
    return false;
}

int peer_time(struct peer *peer, int variant, int runs, double *numbers)
{
    char line[LINE], question[64], *at = line, *end;
    int count = 0;
    snprintf(question, sizeof question, "time %d %d", variant, runs);
    wait_for_quiet();
    if (!ask(peer, question, line))
        return 0;
    for (; count < MOST_NUMBERS; at = end) {
        numbers[count] = strtod(at, &end);
        if (end == at)
            break;
        count++;
    }
    return count;
}

double peer_memory(struct peer *peer)
{
    char line[LINE];
    return ask(peer, "memory", line) ? strtod(line, NULL) : 0;
}

bool peer_output(struct peer *peer, const char *path)
{
    char line[LINE], question[LINE];
    snprintf(question, sizeof question, "output %s", path);
    return ask(peer, question, line) && strcmp(line, "ok\n") == 0;
}

bool run_command(char **arguments, const char *log)
{
    int status = -1;
    fflush(NULL);
    pid_t process = fork();
    if (process == 0)
        become(arguments, open("/dev/null", O_RDONLY), -1, log);
    return process > 0 && waitpid(process, &status, 0) == process && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}
