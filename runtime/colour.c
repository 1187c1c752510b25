/*
 * colour: brightness, contrast, saturation and hue as torchvision changes them
 * (transforms/functional_tensor of 0.14), and noise.
 */
#include "augment.h"

#include <math.h>

#include "random.h"

static float clamp(float x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static size_t plane_of(const struct lathe_canvas *canvas)
{
    return (size_t)canvas->height * canvas->width;
}

/* The shade of pixel I: the weights of rgb_to_grayscale. */
static float grey(const struct lathe_canvas *canvas, size_t i)
{
    const float *pixels = canvas->pixels;
    size_t plane = plane_of(canvas);
    if (canvas->channels != 3)
        return pixels[i];
    return 0.2989f * pixels[i] + 0.587f * pixels[plane + i] + 0.114f * pixels[2 * plane + i];
}

void lathe_adjust_brightness(struct lathe_canvas *canvas, float factor)
{
    size_t numbers = plane_of(canvas) * (size_t)canvas->channels;
    for (size_t i = 0; i < numbers; i++)
        canvas->pixels[i] = clamp(factor * canvas->pixels[i]);
}

void lathe_adjust_contrast(struct lathe_canvas *canvas, float factor)
{
    size_t plane = plane_of(canvas), numbers = plane * (size_t)canvas->channels;
    double sum = 0;
    for (size_t i = 0; i < plane; i++)
        sum += (double)grey(canvas, i);
    float mean = (float)(sum / (double)plane);
    for (size_t i = 0; i < numbers; i++)
        canvas->pixels[i] = clamp(factor * canvas->pixels[i] + (1 - factor) * mean);
}

void lathe_adjust_saturation(struct lathe_canvas *canvas, float factor)
{
    size_t plane = plane_of(canvas);
    for (size_t i = 0; i < plane && canvas->channels == 3; i++) {
        float shade = grey(canvas, i);
        for (size_t c = 0; c < 3; c++) {
            float *pixel = canvas->pixels + c * plane + i;
            *pixel = clamp(factor * *pixel + (1 - factor) * shade);
        }
    }
}

/* Hue, saturation and value of a colour. */
static void to_hsv(const float rgb[3], float hsv[3])
{
    float most = fmaxf(fmaxf(rgb[0], rgb[1]), rgb[2]);
    float least = fminf(fminf(rgb[0], rgb[1]), rgb[2]), range = most - least;
    float share = range > 0 ? range : 1;
    float red = (most - rgb[0]) / share, green = (most - rgb[1]) / share;
    float blue = (most - rgb[2]) / share;
    float sixths = most == rgb[0]   ? blue - green
                   : most == rgb[1] ? 2 + red - blue
                                    : 4 + green - red;
    hsv[0] = fmodf(sixths / 6 + 1, 1);
    hsv[1] = range > 0 ? range / most : 0;
    hsv[2] = most;
}

static void to_rgb(const float hsv[3], float rgb[3])
{
    float sixths = floorf(hsv[0] * 6), rest = hsv[0] * 6 - sixths, v = hsv[2];
    float p = clamp(v * (1 - hsv[1])), q = clamp(v * (1 - hsv[1] * rest));
    float t = clamp(v * (1 - hsv[1] * (1 - rest)));
    const float sectors[6][3] = {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}};
    for (int c = 0; c < 3; c++)
        rgb[c] = sectors[(int)sixths % 6][c];
}

void lathe_adjust_hue(struct lathe_canvas *canvas, float turn)
{
    size_t plane = plane_of(canvas);
    for (size_t i = 0; i < plane && canvas->channels == 3; i++) {
        float rgb[3], hsv[3];
        for (size_t c = 0; c < 3; c++)
            rgb[c] = canvas->pixels[c * plane + i];
        to_hsv(rgb, hsv);
        hsv[0] += turn;
        hsv[0] -= floorf(hsv[0]);
        to_rgb(hsv, rgb);
        for (size_t c = 0; c < 3; c++)
            canvas->pixels[c * plane + i] = rgb[c];
    }
}

/* A factor around 1, as ColorJitter draws it. */
static float factor(float amount, float part)
{
    float least = amount < 1 ? 1 - amount : 0;
    return least + part * (1 + amount - least);
}

void lathe_color_jitter(struct lathe_canvas *canvas, const struct lathe_augmentation *change,
                        const struct lathe_draws *draws)
{
    int order[4] = {0, 1, 2, 3};
    if (lathe_draw(draws, 0) >= change->p)
        return;
    for (int i = 3; i > 0; i--) { /* Fisher and Yates */
        int j = (int)(lathe_draw(draws, (uint32_t)i) * (float)(i + 1)), held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
    for (int i = 0; i < 4; i++) {
        int what = order[i];
        float amount = change->amount[what], part = lathe_draw(draws, 4 + (uint32_t)what);
        if (amount == 0)
            continue;
        if (what == 0)
            lathe_adjust_brightness(canvas, factor(amount, part));
        else if (what == 1)
            lathe_adjust_contrast(canvas, factor(amount, part));
        else if (what == 2)
            lathe_adjust_saturation(canvas, factor(amount, part));
        else
            lathe_adjust_hue(canvas, amount * (2 * part - 1));
    }
}

void lathe_add_noise(struct lathe_canvas *canvas, const struct lathe_augmentation *change,
                     const struct lathe_draws *draws, bool clamped)
{
    size_t numbers = plane_of(canvas) * (size_t)canvas->channels;
    for (size_t i = 0; i < numbers; i += 4) {
        double four[4];
        lathe_normals(lathe_draw_block(draws, (uint32_t)(i / 4)), four);
        for (size_t k = 0; k < 4 && i + k < numbers; k++) {
            float x = canvas->pixels[i + k] + (float)four[k] * change->amount[0];
            canvas->pixels[i + k] = clamped ? clamp(x) : x;
        }
    }
}
