/*
 * log: one JSON object an epoch, appended with a single write so that readers see whole lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "lathe.h"
#include "log.h"

int lathe_log_open(const char *path)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor < 0)
        lathe_die(LATHE_RESOURCE, "%s: cannot write: %s", path, strerror(errno));
    return descriptor;
}

/* Append ,"NAME": VALUE to LINE, null where there is none. */
static void put_number(char *line, size_t size, const char *name, double value)
{
    size_t length = strlen(line);
    if (isfinite(value))
        snprintf(line + length, size - length, ", \"%s\": %.9g", name, value);
    else
        snprintf(line + length, size - length, ", \"%s\": null", name);
}

void lathe_log_write(int descriptor, const char *path, const struct lathe_epoch *epoch)
{
    char line[512];
    snprintf(line, sizeof line, "{\"epoch\": %d, \"step\": %" PRIu64, epoch->epoch, epoch->step);
    put_number(line, sizeof line, "lr", epoch->lr);
    put_number(line, sizeof line, "train_loss", epoch->train_loss);
    put_number(line, sizeof line, "train_accuracy", epoch->train_accuracy);
    put_number(line, sizeof line, "validation_loss", epoch->validation_loss);
    put_number(line, sizeof line, "validation_accuracy", epoch->validation_accuracy);
    put_number(line, sizeof line, "images_per_s", epoch->images_per_s);
    put_number(line, sizeof line, "seconds", epoch->seconds);
    strcat(line, "}\n");
    if (!lathe_write_all(descriptor, line, strlen(line)))
        lathe_die(LATHE_RESOURCE, "%s: cannot write: %s", path, strerror(errno));
}
