/*
 * Augmentation: single changes against torchvision's results (num/augment_reference.py), chains
 * against the changes one by one, chance, and the loader against batches that are filled in place.
 * Runs in the source folder.
 */
#define _GNU_SOURCE
#include "../runtime/augment.h"
#include "../runtime/data.h"
#include "../runtime/loader.h"
#include "../runtime/random.h"
#include "../runtime/safetensors.h"

#include <check.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *augment_suite(void);

enum { HEIGHT = 13, WIDTH = 17, ROOM = 3 * 64 * 64 };

static struct lathe_tensors file;

/* Tensor NAME of the reference into NUMBERS. Returns how many. */
static size_t read_reference(const char *name, float *numbers)
{
    struct lathe_error error;
    const struct lathe_stored *tensor = lathe_tensors_find(&file, name);
    ck_assert_msg(tensor != NULL, "no tensor %s", name);
    ck_assert_uint_le(tensor->elements, ROOM);
    ck_assert(lathe_tensors_read(&file, tensor, numbers, &error));
    return tensor->elements;
}

static void open_reference(void)
{
    struct lathe_error error;
    ck_assert_msg(lathe_tensors_open(&file, "tests/num/augment.safetensors", &error), "%s",
                  error.message);
}

static void close_reference(void)
{
    lathe_tensors_close(&file);
}

/* The reference's image on a canvas. */
static struct lathe_canvas canvas_new(int channels)
{
    struct lathe_canvas canvas = {channels, HEIGHT, WIDTH, lathe_alloc(ROOM, sizeof(float)),
                                  lathe_alloc(ROOM, sizeof(float))};
    ck_assert_uint_eq(read_reference("image", canvas.pixels), 3 * HEIGHT * WIDTH);
    return canvas;
}

static void canvas_free(struct lathe_canvas *canvas)
{
    free(canvas->pixels);
    free(canvas->spare);
}

/* ---- single changes ---- */

static const int corners[4][2] = {{0, 0}, {16, 0}, {16, 12}, {0, 12}};
static const int moved[4][2] = {{2, 1}, {14, 3}, {16, 10}, {1, 12}};

/* Change CANVAS as the reference called NAME. */
static void change_as(const char *name, struct lathe_canvas *canvas)
{
    char word[32];
    float amount = 0;
    int height, width;
    struct lathe_map map;
    ck_assert_int_ge(sscanf(name, "%31s %f", word, &amount), 1);
    if (!strcmp(word, "brightness"))
        return lathe_adjust_brightness(canvas, amount);
    if (!strcmp(word, "contrast"))
        return lathe_adjust_contrast(canvas, amount ? amount : 1.7f);
    if (!strcmp(word, "saturation"))
        return lathe_adjust_saturation(canvas, amount);
    if (!strcmp(word, "hue"))
        return lathe_adjust_hue(canvas, amount);
    if (sscanf(name, "resize %dx%d", &height, &width) == 2)
        return lathe_resize(canvas, height, width);
    if (!strcmp(word, "rotate"))
        map = lathe_rotation((double)amount, HEIGHT, WIDTH);
    else if (!strcmp(word, "shear"))
        map = lathe_shearing((double)amount, HEIGHT, WIDTH);
    else if (!strcmp(word, "scale"))
        map = lathe_scaling((double)amount, HEIGHT, WIDTH);
    else
        map = lathe_perspective(corners, moved);
    lathe_warp(canvas, &map);
}

static const char *const changes[] = {
    "rotate 30",      "rotate -75.5",   "shear 20",       "shear -41",     "scale 0.7",
    "scale 1.5",      "perspective",    "resize 7x9",     "resize 20x31",  "resize 13x5",
    "brightness 0.4", "brightness 1.3", "contrast 0.5",   "contrast 1.7",  "contrast grey",
    "hue 0.2",        "hue -0.35",      "saturation 0.3", "saturation 1.8"};

START_TEST(changes_are_torchvisions)
{
    const char *name = changes[_i];
    struct lathe_canvas canvas = canvas_new(strstr(name, "grey") ? 1 : 3);
    float expected[ROOM], before[ROOM];
    size_t count = read_reference(name, expected);
    size_t same = read_reference("image", before);
    change_as(name, &canvas);
    ck_assert_uint_eq(count, (size_t)canvas.channels * canvas.height * canvas.width);
    double largest = 0, moved_by = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)canvas.pixels[i] - (double)expected[i]));
        moved_by += i < same ? fabs((double)before[i] - (double)expected[i]) : 1;
    }
    ck_assert_msg(largest < 2e-5, "%s: %g from torchvision", name, largest);
    ck_assert_msg(moved_by > 1, "%s: the reference changes nothing", name);
    canvas_free(&canvas);
}
END_TEST

/* Two maps composed are the one after the other: a turn there and back leaves the inside alone, and
 * two turns of a quarter are a turn of a half. */
START_TEST(maps_are_composed)
{
    struct lathe_canvas once = canvas_new(3), twice = canvas_new(3);
    struct lathe_map quarter = lathe_rotation(90, 13, 13), half = lathe_rotation(180, 13, 13);
    struct lathe_map both = lathe_compose(&quarter, &quarter);
    for (int i = 0; i < 9; i++)
        ck_assert_double_le(fabs(both.m[i] - half.m[i]), 1e-12);
    struct lathe_map tilt = lathe_perspective(corners, moved);
    struct lathe_map back = lathe_perspective(moved, corners);
    struct lathe_map none = lathe_compose(&tilt, &back);
    for (int i = 0; i < 9; i++)
        ck_assert_double_le(fabs(none.m[i] / none.m[8] - (i % 4 == 0)), 1e-9);
    lathe_warp(&twice, &none);
    for (int i = 0; i < 3 * HEIGHT * WIDTH; i++)
        ck_assert_float_le(fabsf(once.pixels[i] - twice.pixels[i]), 1e-5f);
    canvas_free(&once);
    canvas_free(&twice);
}
END_TEST

/* ---- chains ---- */

static struct lathe_dataset *noise_set(int count, int height, int width)
{
    struct lathe_dataset *set = lathe_alloc(1, sizeof *set);
    set->name = "noise";
    set->count = count;
    set->channels = 3;
    set->height = height;
    set->width = width;
    size_t bytes = (size_t)count * 3 * height * width;
    set->images = lathe_alloc(bytes, 1);
    set->labels = lathe_alloc((size_t)count, sizeof *set->labels);
    for (size_t i = 0; i < bytes; i++)
        set->images[i] = (uint8_t)lathe_random(9, LATHE_STREAM_TEST, 0, 0, (uint32_t)i).v[0];
    const float mean[3] = {0.5f, 0.25f, 0.125f}, deviation[3] = {0.5f, 0.25f, 2};
    lathe_normalise(set, mean, deviation);
    return set;
}

static struct lathe_data data_of(const struct lathe_augmentation *chain, int count, int height,
                                 int width)
{
    return (struct lathe_data){.source = LATHE_CIFAR10,
                               .channels = 3,
                               .height = height,
                               .width = width,
                               .classes = 10,
                               .augmentation = chain,
                               .augmentation_count = count,
                               .subset = 1};
}

static const struct lathe_augmentation whole_chain[] = {
    {.kind = LATHE_CROP, .size = 20, .pad = 3, .reflect = true},
    {.kind = LATHE_ROTATE, .p = 1, .amount = {30}},
    {.kind = LATHE_SHEAR, .p = 1, .amount = {20}},
    {.kind = LATHE_HFLIP, .p = 1},
    {.kind = LATHE_PERSPECTIVE, .p = 1, .amount = {0.4f}},
    {.kind = LATHE_RANDOM_RESIZE, .amount = {0.7f, 1.4f}},
    {.kind = LATHE_COLOR_JITTER, .p = 1, .amount = {0.4f, 0.3f, 0.2f, 0.1f}},
    {.kind = LATHE_RESIZE, .size = 18, .width = 24},
    {.kind = LATHE_NOISE, .amount = {0.02f}},
    {.kind = LATHE_CENTER_CROP, .size = 16},
};
enum { CHAIN = sizeof whole_chain / sizeof *whole_chain };

/* The pixels of SAMPLE's window that the first change of whole_chain cuts out under SEED. */
static struct lathe_canvas cut_out(struct lathe_dataset *set, int sample, uint64_t seed, int epoch)
{
    struct lathe_data data = data_of(whole_chain, 1, 20, 20);
    struct lathe_canvas canvas = {3, 20, 20, lathe_alloc(ROOM, 4), lathe_alloc(ROOM, 4)};
    const float zero[3] = {0}, one[3] = {1, 1, 1};
    uint32_t order[1] = {(uint32_t)sample};
    struct lathe_batch batch = {.input = canvas.pixels};
    lathe_normalise(set, zero, one);
    lathe_fill_batch(&data, set, order, 0, 1, true, seed, epoch, &batch);
    return canvas;
}

/* The rest of whole_chain by hand, change by change. */
static void rest_of_chain(struct lathe_canvas *canvas, struct lathe_draws draws)
{
    struct lathe_map first, second;
    draws.change = 1;
    ck_assert(lathe_change_map(&whole_chain[1], &draws, 20, 20, &first));
    draws.change = 2;
    ck_assert(lathe_change_map(&whole_chain[2], &draws, 20, 20, &second));
    first = lathe_compose(&second, &first);
    lathe_warp(canvas, &first);
    for (int line = 0; line < 60; line++)
        for (int x = 0; x < 10; x++) {
            float *pixels = canvas->pixels + line * 20, held = pixels[x];
            pixels[x] = pixels[19 - x];
            pixels[19 - x] = held;
        }
    draws.change = 4;
    ck_assert(lathe_change_map(&whole_chain[4], &draws, 20, 20, &first));
    draws.change = 5;
    ck_assert(lathe_change_map(&whole_chain[5], &draws, 20, 20, &second));
    first = lathe_compose(&second, &first);
    lathe_warp(canvas, &first);
    draws.change = 6;
    lathe_color_jitter(canvas, &whole_chain[6], &draws);
    lathe_resize(canvas, 18, 24);
    draws.change = 8;
    lathe_add_noise(canvas, &whole_chain[8], &draws, true);
}

START_TEST(chains_are_their_changes)
{
    const float mean[3] = {0.5f, 0.25f, 0.125f}, deviation[3] = {0.5f, 0.25f, 2};
    struct lathe_dataset *set = noise_set(4, 19, 23);
    struct lathe_data data = data_of(whole_chain, CHAIN, 16, 16);
    float input[3 * 256], *expected;
    struct lathe_batch batch = {.input = input};
    lathe_check_augmentation(&data, set);
    for (uint64_t seed = 0; seed < 20; seed++) {
        const struct lathe_draws draws = {seed, 2, 5, 0};
        const uint32_t order[] = {2};
        struct lathe_canvas canvas = cut_out(set, 2, seed, 5);
        rest_of_chain(&canvas, draws);
        lathe_normalise(set, mean, deviation);
        lathe_fill_batch(&data, set, order, 0, 1, true, seed, 5, &batch);
        expected = canvas.pixels;
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < 16; y++)
                for (int x = 0; x < 16; x++) {
                    float wanted = expected[c * 18 * 24 + (y + 1) * 24 + x + 4];
                    ck_assert_float_le(
                        fabsf(input[c * 256 + y * 16 + x] * deviation[c] + mean[c] - wanted),
                        1e-5f);
                }
        canvas_free(&canvas);
    }
    lathe_close_dataset(set);
}
END_TEST

/* Test sets: the crop's middle, scaled, the middle of that; nothing random, so seeds do not matter.
 */
START_TEST(test_sets_are_not_left_to_chance)
{
    struct lathe_dataset *set = noise_set(3, 20, 20);
    struct lathe_data data = data_of(whole_chain, CHAIN, 16, 16);
    const struct lathe_augmentation plain[] = {whole_chain[0], whole_chain[7], whole_chain[9]};
    struct lathe_data same = data_of(plain, 3, 16, 16);
    float one[3 * 768], two[3 * 768], other[3 * 768];
    lathe_fill_batch(&data, set, NULL, 0, 3, false, 1, 0, &(struct lathe_batch){.input = one});
    lathe_fill_batch(&data, set, NULL, 0, 3, false, 2, 7, &(struct lathe_batch){.input = two});
    lathe_fill_batch(&same, set, NULL, 0, 3, false, 3, 9, &(struct lathe_batch){.input = other});
    ck_assert_mem_eq(one, two, sizeof one);
    ck_assert_mem_eq(one, other, sizeof one);
    lathe_close_dataset(set);
}
END_TEST

/* ---- chance ---- */

START_TEST(changes_have_their_probability)
{
    static const enum lathe_augmentation_kind kinds[] = {LATHE_ROTATE, LATHE_SHEAR,
                                                         LATHE_PERSPECTIVE, LATHE_COLOR_JITTER};
    struct lathe_augmentation change = {.kind = kinds[_i], .p = 0.3f, .amount = {0.9f, 0.9f}};
    struct lathe_dataset *set = noise_set(1, 16, 16);
    struct lathe_data data = data_of(&change, 1, 16, 16);
    float plain[768], input[768];
    const int trials = 4000;
    int changed = 0;
    if (change.kind == LATHE_ROTATE || change.kind == LATHE_SHEAR)
        change.amount[0] = 40;
    lathe_fill_batch(&data, set, NULL, 0, 1, false, 1, 0, &(struct lathe_batch){.input = plain});
    for (int epoch = 0; epoch < trials; epoch++) {
        lathe_fill_batch(&data, set, NULL, 0, 1, true, 5, epoch,
                         &(struct lathe_batch){.input = input});
        changed += memcmp(plain, input, sizeof plain) != 0;
    }
    ck_assert_msg(fabs(changed - 0.3 * trials) < 5 * sqrt(0.21 * trials), "%d of %d", changed,
                  trials);
    lathe_close_dataset(set);
}
END_TEST

/* Angles and factors fill their ranges evenly: least, mean and largest of many. */
START_TEST(amounts_fill_their_range)
{
    const struct lathe_augmentation turn = {.kind = LATHE_ROTATE, .p = 1, .amount = {40}};
    const struct lathe_augmentation scale = {.kind = LATHE_RANDOM_RESIZE, .amount = {0.5f, 2}};
    double least[2] = {1e9, 1e9}, most[2] = {-1e9, -1e9}, sum[2] = {0};
    const int trials = 20000;
    for (int i = 0; i < trials; i++) {
        const struct lathe_draws draws = {3, (uint32_t)i, 0, 0};
        struct lathe_map map;
        ck_assert(lathe_change_map(&turn, &draws, 10, 10, &map));
        double found[2] = {atan2(map.m[3], map.m[0]) * 57.29577951308232, 0};
        ck_assert(lathe_change_map(&scale, &draws, 10, 10, &map));
        found[1] = 1 / map.m[0];
        for (int k = 0; k < 2; k++) {
            least[k] = fmin(least[k], found[k]);
            most[k] = fmax(most[k], found[k]);
            sum[k] += found[k] / trials;
        }
    }
    ck_assert(least[0] >= -40 && least[0] < -39.9 && most[0] <= 40 && most[0] > 39.9);
    ck_assert(least[1] >= 0.5 && least[1] < 0.501 && most[1] <= 2 && most[1] > 1.999);
    ck_assert(fabs(sum[0]) < 1 && fabs(sum[1] - 1.25) < 0.02);
}
END_TEST

/* Noise is normal, of its deviation, and bytes' numbers stay within 0 and 1; points' do not. */
START_TEST(noise_is_normal)
{
    enum { COUNT = 2000 };
    const struct lathe_augmentation noise = {.kind = LATHE_NOISE, .amount = {0.5f}};
    struct lathe_data data = data_of(&noise, 1, 1, 1);
    struct lathe_dataset set = {
        .name = "points", .count = COUNT, .channels = 3, .height = 1, .width = 1};
    static float zeros[3 * COUNT], input[3 * COUNT];
    static uint8_t bytes[3 * COUNT];
    const float mean[3] = {0}, deviation[3] = {1, 1, 1};
    double sum = 0, squares = 0, fourth = 0;
    set.points = zeros;
    lathe_normalise(&set, mean, deviation);
    lathe_fill_batch(&data, &set, NULL, 0, COUNT, true, 1, 0,
                     &(struct lathe_batch){.input = input});
    for (int i = 0; i < 3 * COUNT; i++) {
        double x = (double)input[i] / 0.5;
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
    }
    ck_assert_double_lt(fabs(sum / (3 * COUNT)), 0.07);
    ck_assert_double_lt(fabs(squares / (3 * COUNT) - 1), 0.1);
    ck_assert_double_lt(fabs(fourth / (3 * COUNT) - 3), 0.6);
    set.points = NULL;
    set.images = bytes;
    lathe_fill_batch(&data, &set, NULL, 0, COUNT, true, 1, 0,
                     &(struct lathe_batch){.input = input});
    int positive = 0;
    for (int i = 0; i < 3 * COUNT; i++) {
        ck_assert(input[i] >= 0 && input[i] <= 1);
        positive += input[i] > 0;
    }
    ck_assert(positive > 2800 && positive < 3200);
    free(set.mean);
    free(set.deviation);
}
END_TEST

/* The order of color_jitter's four is random: brightness then contrast differs from the reverse. */
START_TEST(jitter_has_every_order)
{
    const struct lathe_augmentation jitter = {
        .kind = LATHE_COLOR_JITTER, .p = 1, .amount = {0.5f, 0.5f, 0, 0}};
    int first = 0, second = 0;
    for (uint32_t i = 0; i < 200; i++) {
        const struct lathe_draws draws = {11, i, 0, 0};
        struct lathe_canvas mixed = canvas_new(3), one = canvas_new(3), two = canvas_new(3);
        float brightness = 0.5f + lathe_draw(&draws, 4), contrast = 0.5f + lathe_draw(&draws, 5);
        lathe_color_jitter(&mixed, &jitter, &draws);
        lathe_adjust_brightness(&one, brightness);
        lathe_adjust_contrast(&one, contrast);
        lathe_adjust_contrast(&two, contrast);
        lathe_adjust_brightness(&two, brightness);
        bool is_one = !memcmp(mixed.pixels, one.pixels, sizeof(float) * 3 * HEIGHT * WIDTH);
        bool is_two = !memcmp(mixed.pixels, two.pixels, sizeof(float) * 3 * HEIGHT * WIDTH);
        ck_assert(is_one || is_two);
        first += is_one;
        second += is_two;
        canvas_free(&mixed);
        canvas_free(&one);
        canvas_free(&two);
    }
    ck_assert(first > 60 && second > 60);
}
END_TEST

/* ---- threads ---- */

START_TEST(batches_do_not_depend_on_threads)
{
    enum { COUNT = 60, NUMBERS = COUNT * 768 };
    struct lathe_dataset *set = noise_set(COUNT, 19, 23);
    struct lathe_data data = data_of(whole_chain, CHAIN, 16, 16);
    float *inputs[4];
    for (int threads = 1; threads <= 3; threads++) {
        inputs[threads] = lathe_alloc(NUMBERS, sizeof(float));
        omp_set_num_threads(threads);
        lathe_fill_batch(&data, set, NULL, 0, COUNT, true, 7, 2,
                         &(struct lathe_batch){.input = inputs[threads]});
        ck_assert_mem_eq(inputs[threads], inputs[1], NUMBERS * sizeof(float));
    }
    float alone[768];
    lathe_fill_batch(&data, set, NULL, 31, 1, true, 7, 2, &(struct lathe_batch){.input = alone});
    ck_assert_mem_eq(alone, inputs[1] + 31 * 768, sizeof alone);
    for (int threads = 1; threads <= 3; threads++)
        free(inputs[threads]);
    lathe_close_dataset(set);
}
END_TEST

/* ---- the loader ---- */

static struct lathe_model model_of(const struct lathe_data *data)
{
    return (struct lathe_model){.name = "net",
                                .channels = data->channels,
                                .height = data->height,
                                .width = data->width,
                                .outputs = 10,
                                .data = *data};
}

/* Three epochs of a loader, in the background or not, are what lathe_fill_batch gives. */
START_TEST(loader_gives_every_batch)
{
    enum { COUNT = 103, BATCH = 25, STEPS = 15 };
    struct lathe_dataset *set = noise_set(COUNT, 19, 23);
    struct lathe_data data = data_of(whole_chain, CHAIN, 16, 16);
    const struct lathe_model model = model_of(&data);
    const struct lathe_journey journey = {&model, set, BATCH, 9, STEPS, NULL, 0};
    uint32_t order[COUNT];
    static float input[BATCH * 768];
    int32_t labels[BATCH];
    for (int i = 0; i < COUNT; i++)
        set->labels[i] = i % 10;
    ck_assert(lathe_loader_helps(&journey));
    struct lathe_loader *loader = lathe_loader_new(&journey, _i == 1);
    for (uint64_t step = 0; step < STEPS; step++) {
        const struct lathe_batch *batch = lathe_loader_take(loader, step);
        struct lathe_batch expected = {.input = input, .labels = labels};
        int first = (int)(step % 5) * BATCH, count = first + BATCH > COUNT ? COUNT - first : BATCH;
        lathe_shuffle(order, COUNT, 9, (int)(step / 5));
        lathe_fill_batch(&data, set, order, first, count, true, 9, (int)(step / 5), &expected);
        ck_assert_int_eq(batch->count, count);
        ck_assert_mem_eq(batch->input, input, (size_t)count * 768 * sizeof(float));
        ck_assert_mem_eq(batch->labels, labels, (size_t)count * sizeof *labels);
    }
    lathe_loader_free(loader);
    loader = lathe_loader_new(&journey, _i == 1); /* as a run that is resumed */
    const struct lathe_batch *batch = lathe_loader_take(loader, 14);
    ck_assert_int_eq(batch->count, 3);
    ck_assert_mem_eq(batch->input, input, 3 * 768 * sizeof(float));
    lathe_loader_free(loader);
    lathe_close_dataset(set);
}
END_TEST

/* A loader may end before it was asked for anything, or while it fills a batch nobody takes. */
START_TEST(loader_ends_at_any_time)
{
    struct lathe_dataset *set = noise_set(40, 19, 23);
    struct lathe_data data = data_of(whole_chain, CHAIN, 16, 16);
    const struct lathe_model model = model_of(&data);
    const struct lathe_journey journey = {&model, set, 4, 9, 1000, NULL, 0};
    for (uint64_t steps = 0; steps < 40; steps++) {
        struct lathe_loader *loader = lathe_loader_new(&journey, true);
        for (uint64_t step = 0; step < steps; step++)
            lathe_loader_take(loader, step);
        lathe_loader_free(loader);
    }
    lathe_loader_free(NULL);
    lathe_close_dataset(set);
}
END_TEST

static void tell(int status, const char *message)
{
    bool said = status == LATHE_USER && strstr(message, "gone.png: cannot read: No such file");
    _exit(said ? 77 : 1);
}

/* A file that is gone when its batch is filled ends the run from the thread that takes the batch.
 */
START_TEST(loader_dies_of_files)
{
    char *paths[] = {"/nonexistent/gone.png", "/nonexistent/gone.png"};
    float mean[3] = {0}, deviation[3] = {1, 1, 1};
    struct lathe_dataset set = {.name = "images",
                                .count = 2,
                                .channels = 3,
                                .height = 8,
                                .width = 8,
                                .paths = paths,
                                .mean = mean,
                                .deviation = deviation};
    struct lathe_data data = data_of(NULL, 0, 8, 8);
    const struct lathe_model model = model_of(&data);
    const struct lathe_journey journey = {&model, &set, 2, 9, 4, NULL, 0};
    lathe_die_handler = tell;
    struct lathe_loader *loader = lathe_loader_new(&journey, true);
    lathe_loader_take(loader, 0);
}
END_TEST

/* ---- the suite ---- */

Suite *augment_suite(void)
{
    Suite *suite = suite_create("augment");
    TCase *single = tcase_create("changes"), *chains = tcase_create("chains");
    tcase_add_checked_fixture(single, open_reference, close_reference);
    tcase_add_loop_test(single, changes_are_torchvisions, 0, sizeof changes / sizeof *changes);
    tcase_add_test(single, maps_are_composed);
    tcase_add_test(single, jitter_has_every_order);
    tcase_set_timeout(chains, 60);
    tcase_add_test(chains, chains_are_their_changes);
    tcase_add_test(chains, test_sets_are_not_left_to_chance);
    tcase_add_loop_test(chains, changes_have_their_probability, 0, 4);
    tcase_add_test(chains, amounts_fill_their_range);
    tcase_add_test(chains, noise_is_normal);
    tcase_add_test(chains, batches_do_not_depend_on_threads);
    suite_add_tcase(suite, single);
    suite_add_tcase(suite, chains);
    TCase *loader = tcase_create("loader");
    tcase_add_loop_test(loader, loader_gives_every_batch, 0, 2);
    tcase_add_test(loader, loader_ends_at_any_time);
    tcase_add_exit_test(loader, loader_dies_of_files, 77);
    suite_add_tcase(suite, loader);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(augment_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
