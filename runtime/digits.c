/*
 * Digits drawn from strokes: a data set that needs no file. They look like handwriting to a network
 * of that size, but they are a drawing, not MNIST.
 *
 * Every digit has several glyphs of strokes; an image is one of them with every control point
 * moved a little, squeezed, slanted, turned and shifted, drawn with a pen of random width and a
 * little noise. All of it is done in integers (lengths in 1/256 of a pixel), so the images have the
 * same bytes on every machine and with every compiler.
 */
#include "data.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "random.h"

enum {
    SIDE = 28,
    PIXEL = 256, /* the unit of length */
    TRAIN_COUNT = 10000,
    TEST_COUNT = 2000,
    CLASSES = 10,
    GLYPHS = 3,       /* at most, of a digit */
    STROKES = 2,      /* at most, of a glyph */
    POINTS = 16,      /* at most, of a stroke */
    CURVE_PIECES = 6, /* straight pieces between two control points of a smooth stroke */
    SEED = 0x1e7e     /* any number; another one draws another set */
};

/* Control points in a box of 100 x 100, y downwards. SMOOTH: a Catmull-Rom curve through them. */
struct stroke {
    bool smooth;
    int count;
    uint8_t points[POINTS][2];
};

struct glyph {
    int stroke_count;
    struct stroke strokes[STROKES];
};

struct digit {
    int glyph_count;
    struct glyph glyphs[GLYPHS];
};

struct point {
    int x, y;
};

/* From the box (its middle is 0, 0) to the image, in 1/256 of PIXEL for a unit of the box. */
struct placement {
    int xx, xy, yx, yy;
    struct point middle;
};

/* What is being drawn: the square of every pixel's distance from the pen's line. */
struct canvas {
    int reach; /* half the pen's width and half a pixel: the ink ends here */
    int nearest[SIDE * SIDE];
};

/* The random numbers of one image, one after the other. */
struct draws {
    uint32_t image, train, used;
    struct lathe_random4 block;
};

/* clang-format off */
static const struct digit digits[CLASSES] = {
    {3, {{1, {{true, 10, {{52,2}, {26,16}, {14,48}, {22,82}, {48,98}, {74,86}, {86,54}, {80,20},
                          {56,2}, {40,6}}}}},
         {1, {{true, 9, {{64,4}, {34,8}, {16,36}, {16,70}, {40,98}, {70,88}, {84,52}, {74,16},
                         {56,2}}}}},
         {1, {{true, 9, {{48,2}, {30,24}, {24,56}, {34,88}, {52,98}, {70,84}, {76,48}, {66,14},
                         {46,2}}}}}}},
    {3, {{1, {{false, 2, {{50,0}, {50,100}}}}},
         {1, {{false, 3, {{30,24}, {54,2}, {54,100}}}}},
         {2, {{false, 3, {{30,22}, {52,2}, {52,98}}},
              {false, 2, {{28,98}, {76,98}}}}}}},
    {3, {{2, {{true, 8, {{18,26}, {28,8}, {50,2}, {72,10}, {76,32}, {62,56}, {40,78}, {16,97}}},
              {false, 2, {{16,97}, {86,96}}}}},
         {1, {{true, 11, {{20,22}, {40,3}, {66,8}, {74,30}, {58,60}, {32,90}, {16,90}, {24,78},
                          {46,84}, {66,96}, {88,88}}}}},
         {2, {{true, 6, {{22,16}, {48,2}, {74,16}, {72,44}, {48,72}, {20,98}}},
              {true, 4, {{20,98}, {42,90}, {64,96}, {86,92}}}}}}},
    {3, {{2, {{true, 5, {{20,14}, {46,2}, {72,12}, {74,32}, {44,47}}},
              {true, 6, {{44,47}, {72,54}, {80,76}, {64,94}, {38,98}, {16,86}}}}},
         {2, {{false, 3, {{20,4}, {76,4}, {46,42}}},
              {true, 6, {{46,42}, {72,50}, {82,70}, {68,92}, {42,98}, {16,86}}}}},
         {2, {{true, 6, {{24,10}, {52,2}, {74,14}, {70,34}, {54,44}, {36,50}}},
              {true, 6, {{36,50}, {60,48}, {78,62}, {72,86}, {48,98}, {18,92}}}}}}},
    {3, {{2, {{false, 3, {{30,4}, {16,60}, {86,58}}},
              {false, 2, {{66,22}, {62,100}}}}},
         {1, {{false, 4, {{64,100}, {64,2}, {14,66}, {90,66}}}}},
         {2, {{true, 5, {{26,2}, {22,28}, {26,50}, {48,54}, {74,46}}},
              {false, 2, {{76,4}, {70,100}}}}}}},
    {3, {{2, {{false, 3, {{78,3}, {30,3}, {26,44}}},
              {true, 7, {{26,44}, {50,36}, {74,46}, {80,68}, {66,92}, {40,98}, {16,88}}}}},
         {2, {{true, 7, {{32,6}, {26,44}, {52,38}, {76,54}, {74,80}, {50,98}, {18,90}}},
              {false, 2, {{32,6}, {82,4}}}}},
         {1, {{true, 9, {{80,4}, {56,4}, {34,8}, {28,42}, {52,44}, {72,58}, {72,82}, {48,98},
                         {20,92}}}}}}},
    {3, {{1, {{true, 10, {{70,4}, {42,20}, {24,50}, {22,80}, {46,98}, {72,88}, {76,66}, {56,52},
                          {34,60}, {24,78}}}}},
         {1, {{true, 9, {{54,0}, {34,30}, {20,66}, {30,92}, {54,98}, {74,82}, {68,62}, {46,58},
                         {24,74}}}}},
         {1, {{true, 9, {{38,0}, {28,32}, {24,68}, {34,94}, {58,98}, {76,80}, {66,58}, {44,58},
                         {26,76}}}}}}},
    {3, {{1, {{false, 3, {{16,6}, {82,4}, {44,100}}}}},
         {2, {{false, 3, {{18,6}, {80,4}, {46,100}}},
              {false, 2, {{36,50}, {78,50}}}}},
         {2, {{true, 4, {{16,20}, {20,6}, {50,8}, {84,4}}},
              {true, 4, {{84,4}, {64,36}, {50,68}, {46,100}}}}}}},
    {3, {{1, {{true, 13, {{74,16}, {50,2}, {26,14}, {30,36}, {52,48}, {76,64}, {78,86}, {50,99},
                          {22,86}, {24,64}, {48,48}, {70,36}, {74,16}}}}},
         {2, {{true, 7, {{50,2}, {28,12}, {28,36}, {50,47}, {72,36}, {72,12}, {48,2}}},
              {true, 7, {{50,47}, {22,60}, {20,86}, {50,99}, {80,86}, {78,60}, {50,47}}}}},
         {1, {{true, 12, {{80,8}, {48,4}, {28,20}, {44,42}, {70,60}, {74,86}, {48,98}, {24,86},
                          {34,62}, {62,40}, {78,20}, {66,6}}}}}}},
    {3, {{2, {{true, 8, {{74,20}, {54,3}, {30,8}, {20,30}, {34,50}, {58,48}, {74,30}, {76,16}}},
              {true, 3, {{76,16}, {74,58}, {64,100}}}}},
         {1, {{true, 11, {{74,22}, {50,2}, {26,12}, {22,36}, {44,52}, {68,40}, {75,18}, {78,50},
                          {68,84}, {46,98}, {22,90}}}}},
         {2, {{true, 7, {{70,14}, {46,2}, {24,20}, {30,44}, {54,48}, {72,30}, {70,12}}},
              {false, 2, {{72,8}, {70,100}}}}}}},
};
/* clang-format on */

/* The next random number of DRAWS between LOW and HIGH, both included. */
static int draw(struct draws *draws, int low, int high)
{
    if (draws->used % 4 == 0)
        draws->block =
            lathe_random(SEED, LATHE_STREAM_DIGITS, draws->image, draws->train, draws->used / 4);
    uint64_t bits = draws->block.v[draws->used++ % 4];
    return low + (int)(bits * (uint64_t)(high - low + 1) >> 32);
}

/* As draw, with the middle likelier than the ends. */
static int draw_middle(struct draws *draws, int low, int high)
{
    int first = draw(draws, low, high);
    return (first + draw(draws, low, high)) / 2;
}

/* The square of the distance between POINT and the line from A to B. */
static int distance_squared(struct point point, struct point a, struct point b)
{
    int dx = b.x - a.x, dy = b.y - a.y, px = point.x - a.x, py = point.y - a.y;
    int length = dx * dx + dy * dy, along = px * dx + py * dy;
    if (along <= 0)
        return px * px + py * py;
    if (along >= length)
        return (px - dx) * (px - dx) + (py - dy) * (py - dy);
    int64_t area = (int64_t)px * dy - (int64_t)py * dx;
    return (int)(area * area / length);
}

/* The first and one past the last pixel that lengths between A and B, widened by REACH, touch. */
static void touched(int a, int b, int reach, int *first, int *end)
{
    int low = (a < b ? a : b) - reach, high = (a < b ? b : a) + reach;
    *first = low < 0 ? 0 : low / PIXEL;
    *end = high < 0 ? 0 : high / PIXEL + 1;
    if (*end > SIDE)
        *end = SIDE;
}

static void draw_line(struct canvas *canvas, struct point a, struct point b)
{
    int top, bottom, left, right;
    touched(a.y, b.y, canvas->reach, &top, &bottom);
    touched(a.x, b.x, canvas->reach, &left, &right);
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) {
            struct point centre = {x * PIXEL + PIXEL / 2, y * PIXEL + PIXEL / 2};
            int distance = distance_squared(centre, a, b);
            if (distance < canvas->nearest[y * SIDE + x])
                canvas->nearest[y * SIDE + x] = distance;
        }
}

/* Catmull and Rom's curve between b and c at STEP / CURVE_PIECES, one coordinate. */
static int curve_at(int a, int b, int c, int d, int step)
{
    const int64_t n = CURVE_PIECES, t = step;
    int64_t linear = c - a;
    int64_t square = 2 * (int64_t)a - 5 * (int64_t)b + 4 * (int64_t)c - d;
    int64_t cube = 3 * (int64_t)b - a - 3 * (int64_t)c + d;
    return (int)((2 * b * n * n * n + linear * t * n * n + square * t * t * n + cube * t * t * t) /
                 (2 * n * n * n));
}

/* Draw COUNT control points that lie on the canvas already. */
static void draw_points(struct canvas *canvas, const struct point *points, int count, bool smooth)
{
    int pieces = smooth ? CURVE_PIECES : 1;
    for (int i = 0; i + 1 < count; i++) {
        struct point a = points[i > 0 ? i - 1 : 0], b = points[i], c = points[i + 1];
        struct point d = points[i + 2 < count ? i + 2 : count - 1], from = b;
        for (int step = 1; step <= pieces; step++) {
            struct point to = c;
            if (step < pieces) {
                to.x = curve_at(a.x, b.x, c.x, d.x, step);
                to.y = curve_at(a.y, b.y, c.y, d.y, step);
            }
            draw_line(canvas, from, to);
            from = to;
        }
    }
}

/* Draw GLYPH at PLACEMENT, its points moved by up to 6 hundredths of the box. */
static void draw_glyph(struct canvas *canvas, const struct glyph *glyph,
                       const struct placement *placement, struct draws *draws)
{
    const int wobble = 6 * 16; /* points are in 1/16 of the box's unit meanwhile */
    for (int s = 0; s < glyph->stroke_count; s++) {
        const struct stroke *stroke = &glyph->strokes[s];
        struct point points[POINTS];
        for (int i = 0; i < stroke->count; i++) {
            int x = (stroke->points[i][0] - 50) * 16 + draw_middle(draws, -wobble, wobble);
            int y = (stroke->points[i][1] - 50) * 16 + draw_middle(draws, -wobble, wobble);
            points[i].x =
                placement->middle.x + (placement->xx * x + placement->xy * y) / (16 * 256);
            points[i].y =
                placement->middle.y + (placement->yx * x + placement->yy * y) / (16 * 256);
        }
        draw_points(canvas, points, stroke->count, stroke->smooth);
    }
}

/* A digit is 16 to 20 pixels high, 11 to 18 wide, leans to the right rather than to the left, is
 * turned by up to 7 degrees and lies up to 1.5 pixels off the middle. */
static struct placement draw_placement(struct draws *draws)
{
    const int unit = PIXEL * 256 / 100; /* one pixel for the whole box, 1 / 100 for its unit */
    struct placement placement;
    placement.xx = unit * draw(draws, 110, 180) / 10;
    placement.yy = unit * draw(draws, 160, 200) / 10;
    placement.xy = placement.yy * draw_middle(draws, -40, 18) / 100;
    placement.yx = placement.xx * draw_middle(draws, -13, 13) / 100;
    placement.middle.x = SIDE * PIXEL / 2 + draw_middle(draws, -PIXEL * 3 / 2, PIXEL * 3 / 2);
    placement.middle.y = SIDE * PIXEL / 2 + draw_middle(draws, -PIXEL * 3 / 2, PIXEL * 3 / 2);
    return placement;
}

/* Ink CANVAS into IMAGE, full at half a pixel inside the pen's edge, with a little noise. */
static void ink(const struct canvas *canvas, struct draws *draws, uint8_t *image)
{
    const int noise = 9, strength = draw(draws, 190, 255);
    for (int i = 0; i < SIDE * SIDE; i++) {
        int coverage = 0, grain = draw(draws, -noise, noise);
        if (canvas->nearest[i] < canvas->reach * canvas->reach)
            coverage = canvas->reach - (int)sqrt((double)canvas->nearest[i]);
        if (coverage > PIXEL)
            coverage = PIXEL;
        int value = strength * coverage / PIXEL + grain;
        image[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

/* The digit of image INDEX: every ten images in a row show all ten, in random order. */
static int label_of(uint32_t index, uint32_t train)
{
    struct draws draws = {.image = index / CLASSES, .train = train | 2};
    int order[CLASSES];
    for (int i = 0; i < CLASSES; i++)
        order[i] = i;
    for (int i = CLASSES - 1; i > 0; i--) {
        int j = draw(&draws, 0, i), held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
    return order[index % CLASSES];
}

static void draw_digit(uint32_t index, uint32_t train, int label, uint8_t *image)
{
    struct draws draws = {.image = index, .train = train};
    const struct digit *digit = &digits[label];
    const struct glyph *glyph = &digit->glyphs[draw(&draws, 0, digit->glyph_count - 1)];
    struct placement placement = draw_placement(&draws);
    int radius = draw(&draws, PIXEL * 3 / 4, PIXEL * 3 / 2);
    struct canvas canvas = {.reach = radius + PIXEL / 2};
    for (int i = 0; i < SIDE * SIDE; i++)
        canvas.nearest[i] = INT_MAX;
    draw_glyph(&canvas, glyph, &placement, &draws);
    ink(&canvas, &draws, image);
}

void lathe_draw_digits(bool train, struct lathe_dataset *dataset)
{
    dataset->count = train ? TRAIN_COUNT : TEST_COUNT;
    dataset->channels = 1;
    dataset->height = dataset->width = SIDE;
    dataset->images = lathe_alloc((size_t)dataset->count, SIDE * SIDE);
    dataset->labels = lathe_alloc((size_t)dataset->count, sizeof *dataset->labels);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < dataset->count; i++) {
        dataset->labels[i] = label_of((uint32_t)i, train);
        draw_digit((uint32_t)i, train, dataset->labels[i],
                   dataset->images + (size_t)i * SIDE * SIDE);
    }
}
