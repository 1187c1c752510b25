/*
 * show: images as half blocks. A character is two pixels, the upper one over the lower one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "classes.h"
#include "progress.h"
#include "show.h"

const char *lathe_class_text(const struct lathe_model *model, const struct lathe_dataset *dataset,
                             int class_index, char text[16])
{
    const char *name = lathe_class_name(model->data.source, class_index);
    if (dataset && dataset->class_names)
        name = dataset->class_names[class_index];
    if (name)
        return name;
    snprintf(text, 16, "%d", class_index);
    return text;
}

/* Red, green and blue of a pixel, each 0 to 1; black below the last row. */
static void pixel(const struct lathe_data *data, const float *image, int y, int x, float rgb[3])
{
    size_t plane = (size_t)data->height * (size_t)data->width;
    for (int i = 0; i < 3; i++) {
        int c = data->channels == 3 ? i : 0;
        float value = 0;
        if (y < data->height)
            value = image[(size_t)c * plane + (size_t)y * (size_t)data->width + (size_t)x] *
                        data->deviation[c] +
                    data->mean[c];
        rgb[i] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
}

/* Black or white? Grey images by one threshold; colour ones by a pattern of four (ordered dither),
 * so that shades survive. */
static bool is_light(const struct lathe_data *data, const float rgb[3], int y, int x)
{
    static const float pattern[2][2] = {{0.2f, 0.6f}, {0.8f, 0.4f}};
    float luma = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
    return luma > (data->channels == 3 ? pattern[y % 2][x % 2] : 0.4f);
}

static void print_cell(const struct lathe_data *data, const float *image, int y, int x, bool colour)
{
    static const char *const blocks[4] = {" ", "\u2580", "\u2584", "\u2588"};
    float upper[3], lower[3];
    pixel(data, image, y, x, upper);
    pixel(data, image, y + 1, x, lower);
    if (colour)
        printf("\033[38;2;%.0f;%.0f;%.0f;48;2;%.0f;%.0f;%.0fm\u2580", (double)(upper[0] * 255),
               (double)(upper[1] * 255), (double)(upper[2] * 255), (double)(lower[0] * 255),
               (double)(lower[1] * 255), (double)(lower[2] * 255));
    else
        fputs(blocks[is_light(data, upper, y, x) + 2 * is_light(data, lower, y + 1, x)], stdout);
}

/* COUNT images side by side. */
static void print_images(const struct lathe_data *data, const float *images, int count)
{
    bool colour = isatty(STDOUT_FILENO);
    size_t floats = (size_t)data->channels * (size_t)data->height * (size_t)data->width;
    for (int y = 0; y < data->height; y += 2) {
        for (int i = 0; i < count; i++) {
            for (int x = 0; x < data->width; x++)
                print_cell(data, images + (size_t)i * floats, y, x, colour);
            fputs(colour ? "\033[0m  " : "  ", stdout);
        }
        putchar('\n');
    }
}

/* "ship, says boat (0.51)" for sample I of the batch, cut to the picture's width. */
static void print_caption(const struct lathe_evaluator *evaluator,
                          const struct lathe_dataset *dataset, int i, int width)
{
    const struct lathe_model *model = evaluator->model;
    const float *output = evaluator->output + (size_t)i * (size_t)model->outputs;
    double *probability = lathe_alloc((size_t)model->outputs, sizeof *probability);
    int best = lathe_answer(output, model->outputs), label = evaluator->batch.labels[i];
    lathe_probabilities(evaluator, output, probability);
    char says[16], is[16], caption[128];
    snprintf(caption, sizeof caption, "%s %s, says %s (%.2f)", best == label ? "+" : "-",
             lathe_class_text(model, dataset, label, is),
             lathe_class_text(model, dataset, best, says), probability[best]);
    printf("%-*.*s  ", width, width, caption);
    free(probability);
}

/* Samples that are no pictures, or have no class: numbers. */
static void print_numbers(const struct lathe_evaluator *evaluator, int i)
{
    const struct lathe_model *model = evaluator->model;
    const struct lathe_batch *batch = &evaluator->batch;
    size_t outputs = (size_t)model->outputs, inputs = lathe_sample_floats(model);
    for (size_t j = 0; j < inputs && j < 8; j++)
        printf("%s%g", j ? " " : "", (double)batch->input[(size_t)i * inputs + j]);
    fputs(inputs > 8 ? " ... ->" : " ->", stdout);
    for (size_t j = 0; j < outputs; j++)
        printf(" %.4f", (double)evaluator->output[(size_t)i * outputs + j]);
    if (batch->labels)
        printf("  (class %d)", batch->labels[i]);
    else if (batch->targets)
        printf("  (target %g%s)", (double)batch->targets[(size_t)i * outputs],
               outputs > 1 ? " ..." : "");
    putchar('\n');
}

void lathe_show(struct lathe_evaluator *evaluator, struct lathe_dataset *dataset)
{
    const struct lathe_model *model = evaluator->model;
    const struct lathe_data *data = &evaluator->members[evaluator->member_count - 1].data;
    bool pictures = !dataset->points && data->height * data->width > 1 && data->channels <= 3 &&
                    evaluator->batch.labels;
    int row = pictures ? (lathe_terminal_columns() + 2) / (data->width + 2) : 1;
    row = row < 1 ? 1 : row > model->infer_batch ? model->infer_batch : row;
    for (int first = 0; first < dataset->count; first += row) {
        int count = dataset->count - first < row ? dataset->count - first : row;
        lathe_evaluator_run(evaluator, dataset, NULL, first, count);
        if (!pictures) {
            print_numbers(evaluator, 0);
            continue;
        }
        print_images(data, evaluator->batch.input, count);
        for (int i = 0; i < count; i++)
            print_caption(evaluator, dataset, i, data->width);
        fputs("\n\n", stdout);
    }
}
