#include "watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays are little-endian");

/* ---- the confusion matrix ---- */

struct lathe_confusion lathe_confusion_new(int classes)
{
    size_t count = (size_t)classes;
    return (struct lathe_confusion){classes, lathe_alloc(count * count, sizeof(int64_t))};
}

void lathe_confusion_free(struct lathe_confusion *confusion)
{
    free(confusion->counts);
}

void lathe_confusion_add(struct lathe_confusion *confusion, const struct lathe_evaluator *evaluator)
{
    size_t outputs = (size_t)evaluator->model->outputs;
    for (int i = 0; i < evaluator->batch.count; i++) {
        int answer = lathe_answer(evaluator->output + (size_t)i * outputs, (int)outputs);
        confusion->counts[(size_t)evaluator->batch.labels[i] * outputs + (size_t)answer]++;
    }
}

/* The widest of all counts and class names, at most MOST. */
static int column_width(const struct lathe_confusion *confusion, const struct lathe_model *model,
                        const struct lathe_dataset *dataset, int most)
{
    int width = 4;
    for (int c = 0; c < confusion->classes; c++) {
        char text[16];
        int length = (int)strlen(lathe_class_text(model, dataset, c, text));
        width = length > width ? length : width;
    }
    width = width > most ? most : width;
    for (size_t i = 0; i < (size_t)confusion->classes * (size_t)confusion->classes; i++) {
        int length = snprintf(NULL, 0, "%" PRId64, confusion->counts[i]);
        width = length > width ? length : width;
    }
    return width;
}

void lathe_confusion_print(const struct lathe_confusion *confusion, const struct lathe_model *model,
                           const struct lathe_dataset *dataset)
{
    enum { ROW_NAME = 16 };
    int classes = confusion->classes;
    int width = column_width(confusion, model, dataset, confusion->classes > 20 ? 4 : 8);
    char text[16];
    printf("%-*s", ROW_NAME, "truth \\ answer");
    for (int c = 0; c < classes; c++)
        printf(" %*.*s", width, width, lathe_class_text(model, dataset, c, text));
    puts(" accuracy");
    for (int r = 0; r < classes; r++) {
        const int64_t *row = confusion->counts + (size_t)r * (size_t)classes;
        int64_t sum = 0;
        printf("%-*.*s", ROW_NAME, ROW_NAME, lathe_class_text(model, dataset, r, text));
        for (int c = 0; c < classes; c++) {
            printf(" %*" PRId64, width, row[c]);
            sum += row[c];
        }
        if (sum)
            printf(" %8.4f\n", (double)row[r] / (double)sum);
        else
            printf(" %8s\n", "-");
    }
}

void lathe_confusion_print_json(const struct lathe_confusion *confusion)
{
    int classes = confusion->classes;
    for (int r = 0; r < classes; r++) {
        fputs(r ? ", [" : "[[", stdout);
        for (int c = 0; c < classes; c++)
            printf("%s%" PRId64, c ? ", " : "",
                   confusion->counts[(size_t)r * (size_t)classes + (size_t)c]);
        putchar(']');
    }
    putchar(']');
}

/* ---- NumPy's arrays ---- */

static void append(struct lathe_output *file, const void *bytes, size_t length)
{
    struct lathe_error error;
    if (lathe_output_write(file, bytes, length, &error))
        return;
    lathe_output_discard(file);
    lathe_die(error.status, "%s", error.message);
}

void lathe_npy_begin(struct lathe_output *file, const char *path, int samples, int outputs)
{
    enum { HEAD = 128, BEFORE = 10 }; /* numpy.lib.format: padded to 64, ends in a newline */
    char head[HEAD + 1];
    struct lathe_error error;
    if (!lathe_output_open(file, path, &error))
        lathe_die(error.status, "%s", error.message);
    memcpy(head, "\x93NUMPY\1\0", 8);
    head[8] = HEAD - BEFORE;
    head[9] = 0;
    int length =
        snprintf(head + BEFORE, HEAD - BEFORE,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", samples, outputs);
    memset(head + BEFORE + length, ' ', (size_t)(HEAD - BEFORE - length));
    head[HEAD - 1] = '\n';
    append(file, head, HEAD);
}

void lathe_npy_add(struct lathe_output *file, const struct lathe_evaluator *evaluator)
{
    append(file, evaluator->output,
           (size_t)evaluator->batch.count * (size_t)evaluator->model->outputs * sizeof(float));
}
