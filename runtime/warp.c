/*
 * warp: turning, shearing, scaling and tilting images as torchvision does (transforms/functional
 * and functional_tensor of 0.14: _get_inverse_affine_matrix, _get_perspective_coeffs, grids without
 * align_corners, bilinear, zeros outside). Maps of consecutive changes are composed, and the image
 * is sampled once.
 */
#include "augment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "resample.h"

/* ---- maps ---- */

struct lathe_map lathe_compose(const struct lathe_map *first, const struct lathe_map *second)
{
    struct lathe_map product;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            double sum = 0;
            for (int k = 0; k < 3; k++)
                sum += second->m[3 * i + k] * first->m[3 * k + j];
            product.m[3 * i + j] = sum;
        }
    return product;
}

/* The linear map (A B; C D) around the middle of the image. */
static struct lathe_map around_middle(double a, double b, double c, double d, int height, int width)
{
    double x = width / 2.0, y = height / 2.0;
    return (struct lathe_map){{a, b, x - a * x - b * y, c, d, y - c * x - d * y, 0, 0, 1}};
}

static const double degree = 0.017453292519943295;

struct lathe_map lathe_rotation(double degrees, int height, int width)
{
    double cosine = cos(degrees * degree), sine = sin(degrees * degree);
    return around_middle(cosine, -sine, sine, cosine, height, width);
}

struct lathe_map lathe_shearing(double degrees, int height, int width)
{
    return around_middle(1, tan(degrees * degree), 0, 1, height, width);
}

struct lathe_map lathe_scaling(double factor, int height, int width)
{
    return around_middle(1 / factor, 0, 0, 1 / factor, height, width);
}

/* Solve the 8 equations ROWS (the last column is the right side) by Gauss's elimination with
 * pivots, in place: the solution is the last column. */
static void solve(double rows[8][9])
{
    for (int i = 0; i < 8; i++) {
        int pivot = i;
        for (int k = i + 1; k < 8; k++)
            pivot = fabs(rows[k][i]) > fabs(rows[pivot][i]) ? k : pivot;
        for (int j = 0; j < 9; j++) {
            double held = rows[i][j];
            rows[i][j] = rows[pivot][j];
            rows[pivot][j] = held;
        }
        for (int k = 0; k < 8; k++) {
            double factor = rows[k][i] / rows[i][i];
            for (int j = i; j < 9 && k != i; j++)
                rows[k][j] -= factor * rows[i][j];
        }
    }
    for (int i = 0; i < 8; i++)
        rows[i][8] /= rows[i][i];
}

struct lathe_map lathe_perspective(const int from[4][2], const int to[4][2])
{
    double rows[8][9];
    for (int i = 0; i < 4; i++) {
        double x = to[i][0], y = to[i][1], u = from[i][0], v = from[i][1];
        const double equations[2][9] = {{x, y, 1, 0, 0, 0, -u * x, -u * y, u},
                                        {0, 0, 0, x, y, 1, -v * x, -v * y, v}};
        memcpy(rows[2 * i], equations, sizeof equations);
    }
    solve(rows);
    struct lathe_map map = {{0, 0, 0, 0, 0, 0, 0, 0, 1}};
    for (int i = 0; i < 8; i++)
        map.m[i] = rows[i][8];
    return map;
}

/* ---- by chance ---- */

/* From LOW to LOW + ROOM, whole. */
static int whole(const struct lathe_draws *draws, uint32_t index, int low, int room)
{
    return low + (int)(lathe_draw(draws, index) * (float)(room + 1));
}

/* RandomPerspective.get_params: each corner moves towards the middle, by at most DISTORTION times
 * half the sides. */
static struct lathe_map random_perspective(float distortion, const struct lathe_draws *draws,
                                           int height, int width)
{
    int right = width - 1, bottom = height - 1;
    int dx = (int)(distortion * (float)(width / 2)), dy = (int)(distortion * (float)(height / 2));
    const int from[4][2] = {{0, 0}, {right, 0}, {right, bottom}, {0, bottom}};
    int to[4][2];
    for (uint32_t i = 0; i < 4; i++) {
        to[i][0] = whole(draws, 4 + 2 * i, from[i][0] ? right - dx : 0, dx);
        to[i][1] = whole(draws, 5 + 2 * i, from[i][1] ? bottom - dy : 0, dy);
    }
    return lathe_perspective(from, (const int(*)[2])to);
}

bool lathe_is_warp(const struct lathe_augmentation *change)
{
    return change->kind == LATHE_RANDOM_RESIZE || change->kind == LATHE_ROTATE ||
           change->kind == LATHE_SHEAR || change->kind == LATHE_PERSPECTIVE;
}

bool lathe_change_map(const struct lathe_augmentation *change, const struct lathe_draws *draws,
                      int height, int width, struct lathe_map *map)
{
    float low = change->amount[0], high = change->amount[1], part = lathe_draw(draws, 1);
    double degrees = (double)low * (2 * (double)part - 1);
    if (change->kind == LATHE_RANDOM_RESIZE) {
        *map = lathe_scaling((double)(low + part * (high - low)), height, width);
        return true;
    }
    if (lathe_draw(draws, 0) >= change->p)
        return false;
    if (change->kind == LATHE_ROTATE)
        *map = lathe_rotation(degrees, height, width);
    else if (change->kind == LATHE_SHEAR)
        *map = lathe_shearing(degrees, height, width);
    else
        *map = random_perspective(low, draws, height, width);
    return true;
}

/* ---- pixels ---- */

static void swap_buffers(struct lathe_canvas *canvas)
{
    float *held = canvas->pixels;
    canvas->pixels = canvas->spare;
    canvas->spare = held;
}

/* Pixel (X, Y) of PLANE, black outside. */
static float pixel_at(const float *plane, int height, int width, int y, int x)
{
    return y < 0 || y >= height || x < 0 || x >= width ? 0 : plane[(size_t)y * width + x];
}

/* Sample all channels of CANVAS at the place (U, V), where pixel centres are whole, into OUTPUT[0],
 * [plane], ... */
static void sample(const struct lathe_canvas *canvas, double u, double v, float *output)
{
    int height = canvas->height, width = canvas->width;
    size_t plane = (size_t)height * width;
    bool near = u > -1 && u < width && v > -1 && v < height; /* false of NaN too */
    int x = near ? (int)floor(u) : -2, y = near ? (int)floor(v) : -2;
    float right = (float)(u - x), lower = (float)(v - y);
    bool inside = x >= 0 && x + 1 < width && y >= 0 && y + 1 < height;
    for (int c = 0; c < canvas->channels; c++, output += plane) {
        const float *from = canvas->pixels + c * plane;
        float a, b, d, e;
        if (!near) {
            *output = 0;
            continue;
        }
        if (inside) {
            const float *corner = from + (size_t)y * width + x;
            a = corner[0], b = corner[1], d = corner[width], e = corner[width + 1];
        } else {
            a = pixel_at(from, height, width, y, x), b = pixel_at(from, height, width, y, x + 1);
            d = pixel_at(from, height, width, y + 1, x);
            e = pixel_at(from, height, width, y + 1, x + 1);
        }
        *output =
            (1 - lower) * ((1 - right) * a + right * b) + lower * ((1 - right) * d + right * e);
    }
}

void lathe_warp(struct lathe_canvas *canvas, const struct lathe_map *map)
{
    const double *m = map->m;
    for (int i = 0; i < canvas->height; i++)
        for (int j = 0; j < canvas->width; j++) {
            double x = j + 0.5, y = i + 0.5, share = 1 / (m[6] * x + m[7] * y + m[8]);
            sample(canvas, (m[0] * x + m[1] * y + m[2]) * share - 0.5,
                   (m[3] * x + m[4] * y + m[5]) * share - 0.5,
                   canvas->spare + (size_t)i * canvas->width + j);
        }
    swap_buffers(canvas);
}

void lathe_resize(struct lathe_canvas *canvas, int height, int width)
{
    struct lathe_filter across =
        lathe_filter_new(canvas->width, width, (double)canvas->width / width);
    struct lathe_filter down =
        lathe_filter_new(canvas->height, height, (double)canvas->height / height);
    size_t lines = (size_t)canvas->channels * canvas->height;
    for (size_t i = 0; i < lines; i++)
        lathe_filter_line(&across, canvas->pixels + i * canvas->width, width,
                          canvas->spare + i * width);
    for (int c = 0; c < canvas->channels; c++)
        lathe_filter_lines(&down, canvas->spare + (size_t)c * canvas->height * width, width, height,
                           canvas->pixels + (size_t)c * height * width);
    lathe_filter_free(&across);
    lathe_filter_free(&down);
    canvas->height = height;
    canvas->width = width;
}
