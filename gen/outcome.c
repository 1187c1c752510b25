/* outcome: logs and results of train programs. See outcome.h. */
#include "outcome.h"
#include "json.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run_log read_run_log(struct arena *arena, const char *path, int most)
{
    const char *const names[] = {"train_loss",          "train_accuracy", "validation_loss",
                                 "validation_accuracy", "images_per_s",   "seconds"};
    enum { COLUMNS = sizeof names / sizeof *names };
    double *columns[COLUMNS];
    struct run_log log = {0};
    size_t length;
    for (int i = 0; i < COLUMNS; i++)
        columns[i] = arena_array(arena, (size_t)most, double);
    char *line = access(path, F_OK) == 0 ? read_text_file(arena, path, &length) : "", *end;
    for (; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        double epoch = json_number(arena, line, "epoch");
        if (!(epoch >= 1 && epoch <= most))
            continue;
        for (int i = 0; i < COLUMNS; i++)
            columns[i][(int)epoch - 1] = json_number(arena, line, names[i]);
        if (epoch > log.epochs)
            log.epochs = (int)epoch;
    }
    for (int i = 0; i < log.epochs; i++)
        log.seconds += columns[5][i];
    log.train_losses = columns[0];
    log.train_accuracies = columns[1];
    log.losses = columns[2];
    log.accuracies = columns[3];
    log.images_per_s = columns[4];
    return log;
}

void remove_checkpoint(struct arena *arena, const char *folder)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (strncmp(entry->d_name, "checkpoint-", 11) == 0 ||
            strncmp(entry->d_name, ".checkpoint-", 12) == 0 || strcmp(entry->d_name, ".lock") == 0)
            unlink(arena_printf(arena, "%s/%s", folder, entry->d_name));
    if (entries)
        closedir(entries);
    rmdir(folder);
}

const char *last_line_said(struct arena *arena, const char *text, const char *head)
{
    const char *found = NULL;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (*line != '\n' && strncmp(line, head, strlen(head)) == 0)
            found = line;
    return found ? arena_printf(arena, "%.*s", (int)strcspn(found, "\n"), found) : NULL;
}

double result_figure(struct arena *arena, const char *result, const char *name, double fine)
{
    const char *pattern = arena_printf(arena, " %s=", name), *at = strstr(result, pattern);
    double rough = at ? strtod(at + strlen(pattern), NULL) : (double)NAN;
    return fabs(rough - fine) <= 0.5001e-4 ? fine : rough;
}
