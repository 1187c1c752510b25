/*
 * What augment.c shares with warp.c and colour.c: an image on its way through the changes.
 */
#ifndef LATHE_AUGMENT_H
#define LATHE_AUGMENT_H

#include "lathe.h"

/* CHANNELS planes of HEIGHT x WIDTH floats, black 0 and white 1, and as much room beside. */
struct lathe_canvas {
    int channels, height, width;
    float *pixels, *spare;
};

/* The random numbers of one change of one sample: change I of its chain draws blocks I, I + 4096,
 * ... of the sample's stream. */
struct lathe_draws {
    uint64_t seed;
    uint32_t sample, epoch, change;
};

struct lathe_random4 lathe_draw_block(const struct lathe_draws *draws, uint32_t block);
/* Number INDEX of them, uniform in [0, 1). */
float lathe_draw(const struct lathe_draws *draws, uint32_t index);

/* ---- warp.c: geometry ---- */

/* A projective map of the plane: (x, y) becomes (m0 x + m1 y + m2, m3 x + m4 y + m5) / (m6 x + m7 y
 * + m8). Places are in pixels, (0, 0) the corner of the image: pixel i's centre is at i + 0.5. */
struct lathe_map {
    double m[9];
};

/* CHANGE is of a kind that lathe_change_map knows: random_resize, rotate, shear, perspective. */
bool lathe_is_warp(const struct lathe_augmentation *change);
/* The map from places of the changed image of HEIGHT x WIDTH to places of the image before, as
 * DRAWS has it. Returns false where chance leaves the image alone. */
bool lathe_change_map(const struct lathe_augmentation *change, const struct lathe_draws *draws,
                      int height, int width, struct lathe_map *map);
/* The map that torchvision's names mean, by their numbers: degrees counter-clockwise; degrees along
 * the lines; factor; the corners (x, y) of the image, from the upper left one clockwise, and where
 * they go to. */
struct lathe_map lathe_rotation(double degrees, int height, int width);
struct lathe_map lathe_shearing(double degrees, int height, int width);
struct lathe_map lathe_scaling(double factor, int height, int width);
struct lathe_map lathe_perspective(const int from[4][2], const int to[4][2]);
/* First FIRST, then SECOND. */
struct lathe_map lathe_compose(const struct lathe_map *first, const struct lathe_map *second);

/* Draw CANVAS anew: each pixel is the bilinear mean of the four around the place that MAP sends its
 * centre to, black where there are none. */
void lathe_warp(struct lathe_canvas *canvas, const struct lathe_map *map);
/* Scale CANVAS to HEIGHT x WIDTH by triangle filters (resample.h). */
void lathe_resize(struct lathe_canvas *canvas, int height, int width);

/* ---- colour.c ---- */

/* As torchvision's adjust_brightness, adjust_contrast, adjust_saturation and adjust_hue, of 1 or 3
 * channels; saturation and hue leave grey images alone. */
void lathe_adjust_brightness(struct lathe_canvas *canvas, float factor);
void lathe_adjust_contrast(struct lathe_canvas *canvas, float factor);
void lathe_adjust_saturation(struct lathe_canvas *canvas, float factor);
void lathe_adjust_hue(struct lathe_canvas *canvas, float turn);
/* color_jitter as torchvision's ColorJitter: the four in a random order, each by a factor from
 * max(0, 1 - amount) to 1 + amount, hue by -amount to amount; all of it with probability p. */
void lathe_color_jitter(struct lathe_canvas *canvas, const struct lathe_augmentation *change,
                        const struct lathe_draws *draws);
/* Add normal noise to each number; CLAMPED: what leaves 0 .. 1 is cut off. */
void lathe_add_noise(struct lathe_canvas *canvas, const struct lathe_augmentation *change,
                     const struct lathe_draws *draws, bool clamped);

#endif
