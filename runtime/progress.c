/*
 * progress: a bar on a terminal, plain lines elsewhere.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "lathe.h"
#include "progress.h"

double lathe_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int lathe_terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    enum { WIDEST = 10000 };
    const char *columns = getenv("COLUMNS");
    long number = columns ? strtol(columns, NULL, 10) : 0;
    return number > 0 && number <= WIDEST ? (int)number : 80;
}

void lathe_progress_start(struct lathe_progress *progress, bool quiet, int epochs,
                          uint64_t steps_per_epoch)
{
    const char *kind = getenv("TERM");
    *progress = (struct lathe_progress){.quiet = quiet, .epochs = epochs, .judged = "test"};
    progress->steps_per_epoch = steps_per_epoch;
    progress->terminal = isatty(STDOUT_FILENO) && kind && strcmp(kind, "dumb") != 0;
    progress->started = lathe_seconds();
}

const char *lathe_duration(char text[32], double seconds)
{
    long long s = seconds > 0 ? (long long)(seconds + 0.5) : 0;
    if (s < 60)
        snprintf(text, 32, "%llds", s);
    else if (s < 3600)
        snprintf(text, 32, "%lld:%02lld", s / 60, s % 60);
    else
        snprintf(text, 32, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return text;
}

/* Steps that are still to come take as long as those of this process did. */
static double time_left(const struct lathe_progress *progress, const struct lathe_running *running)
{
    uint64_t all = (uint64_t)progress->epochs * progress->steps_per_epoch;
    uint64_t before = (uint64_t)(running->epoch - 1) * progress->steps_per_epoch + running->step;
    return (lathe_seconds() - progress->started) / (double)progress->done * (double)(all - before);
}

/* The line in three parts: epoch, bar (in what room is left), numbers. */
static void draw(const struct lathe_progress *progress, const struct lathe_running *running)
{
    enum { BAR_MAX = 40, BAR_MIN = 4 };
    char left[64], right[160], accuracy[32] = "", time[32];
    int columns = lathe_terminal_columns();
    snprintf(left, sizeof left, "epoch %d/%d ", running->epoch, progress->epochs);
    if (!isnan(running->accuracy))
        snprintf(accuracy, sizeof accuracy, "  accuracy %.4f", running->accuracy);
    snprintf(right, sizeof right, " loss %.4f%s  %.0f images/s  %s left", running->loss, accuracy,
             running->images_per_s, lathe_duration(time, time_left(progress, running)));
    int room = columns - 1 - (int)strlen(left) - (int)strlen(right) - 2;
    int bar = room > BAR_MAX ? BAR_MAX : room;
    char line[256] = "";
    if (bar >= BAR_MIN) {
        int full = (int)((uint64_t)bar * running->step / progress->steps_per_epoch);
        char cells[BAR_MAX + 1];
        memset(cells, '.', (size_t)bar);
        memset(cells, '#', (size_t)full);
        snprintf(line, sizeof line, "%s[%.*s]%s", left, bar, cells, right);
    } else {
        snprintf(line, sizeof line, "%s%s", left, right);
    }
    printf("\r%.*s\033[K", columns - 1, line);
    fflush(stdout);
}

void lathe_progress_step(struct lathe_progress *progress, const struct lathe_running *running)
{
    const double interval = 0.1;
    double now = lathe_seconds();
    progress->done++;
    if (progress->quiet || !progress->terminal || now - progress->drawn < interval)
        return;
    draw(progress, running);
    progress->drawn = now;
    progress->visible = true;
}

void lathe_progress_clear(struct lathe_progress *progress)
{
    if (progress->visible) {
        fputs("\r\033[K", stdout);
        fflush(stdout);
    }
    progress->visible = false;
}

/* "  NAME 0.1234", or nothing for NaN. */
static void put_figure(const char *name, double value)
{
    if (!isnan(value))
        printf("  %s %.4f", name, value);
}

void lathe_progress_epoch(struct lathe_progress *progress, const struct lathe_epoch *epoch)
{
    lathe_progress_clear(progress);
    if (progress->quiet)
        return;
    char time[32], name[32];
    printf("epoch %d/%d", epoch->epoch, progress->epochs);
    put_figure("train_loss", epoch->train_loss);
    put_figure("train_accuracy", epoch->train_accuracy);
    snprintf(name, sizeof name, "%s_loss", progress->judged);
    put_figure(name, epoch->validation_loss);
    snprintf(name, sizeof name, "%s_accuracy", progress->judged);
    put_figure(name, epoch->validation_accuracy);
    printf("  lr %.4g  %.0f images/s  %s\n", epoch->lr, epoch->images_per_s,
           lathe_duration(time, epoch->seconds));
    fflush(stdout);
}
