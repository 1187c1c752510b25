/* Command lines: the words of a program, a recipe, the ranges of a search. */
#include "fuzz.h"

#include "../../gen/fit_parts.h"
#include "../../runtime/args.h"
#include "../../runtime/lathe.h"
#include "../../runtime/recipe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A line of TEXT is a word. */
static void read_words(char *text)
{
    bool flag = false;
    int64_t whole = 3;
    double real = 0.5;
    const char *word = NULL;
    struct lathe_texts words = {0};
    struct lathe_option options[] = {
        {"quiet", NULL, "a flag", LATHE_OPTION_FLAG, &flag, 0, 0, 0},
        {"epochs", "N", "a whole number", LATHE_OPTION_WHOLE, &whole, 0, 1000000, 0},
        {"lr", "X", "a number", LATHE_OPTION_REAL, &real, 0, 1e6, 0},
        {"save", "FILE", "a text", LATHE_OPTION_TEXT, &word, 0, 0, 0},
        {"weights", "FILE", "texts", LATHE_OPTION_TEXTS, &words, 0, 0, 0},
    };
    const struct lathe_command command = {.arguments = "[options] IMAGE...",
                                          .about = "Reads words.",
                                          .examples = "--lr 1",
                                          .options = options,
                                          .option_count = sizeof options / sizeof *options};
    enum { MOST = 64 };
    char *argv[MOST + 2] = {(char *)"program"}, *state = NULL;
    int argc = 1, rest;
    for (char *at = strtok_r(text, "\n", &state); at && argc <= MOST;
         at = strtok_r(NULL, "\n", &state))
        argv[argc++] = at;
    if (!lathe_parse_arguments(&command, argc, argv, &rest))
        return;
    fuzz_claim(rest >= 0 && rest < argc && whole >= 0 && whole <= 1000000);
    fuzz_claim(real >= 0 && real <= 1e6 && words.count <= LATHE_TEXTS_MAX);
}

/* What is taken is written, and taken again to the same. */
static void read_recipe(const char *text)
{
    struct lathe_training training = {.batch = 32, .epochs = 1, .schedule.lr = 0.1}, again;
    char first[LATHE_RECIPE_TEXT], second[LATHE_RECIPE_TEXT], one[80], other[80];
    struct lathe_error error;
    again = training;
    lathe_recipe_difference(text, "optimizer=sgd,lr=0.1", one, other);
    if (!lathe_recipe_read(text, &training, &error))
        return;
    lathe_recipe_write(&training, first);
    fuzz_claim(lathe_recipe_read(first, &again, &error));
    lathe_recipe_write(&again, second);
    fuzz_claim(!strcmp(first, second));
}

static void read_ranges(const char *text)
{
    struct arena *arena = arena_new();
    const struct fit_options options = {.method = "grid", .ranges = {text, "1:2:2", "1:2:2"}};
    const struct fit_space space = fit_space_of(arena, &options);
    for (int i = 0; i < space.axes[0].ranges.count; i++) {
        struct fit_range range = space.axes[0].ranges.items[i];
        fuzz_claim(isfinite(range.from) && isfinite(range.to) && range.count > 0);
    }
    fit_space_text(arena, &space);
    arena_free(arena);
}

void fuzz_parse(const uint8_t *bytes, size_t count)
{
    unsigned choice = fuzz_choose(&bytes, &count, 3);
    char *text = malloc(count + 1);
    memcpy(text, bytes, count);
    text[count] = '\0';
    choice == 0 ? read_words(text) : choice == 1 ? read_recipe(text) : read_ranges(text);
    free(text);
}
