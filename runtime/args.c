/*
 * args: reading the command line, and the help page.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "lathe.h"

/* ---- names ---- */

static int smallest(int a, int b, int c)
{
    int least = a < b ? a : b;
    return least < c ? least : c;
}

/* Insertions, deletions and changes of a letter that lead from A to B (Levenshtein), of which the
 * first 63 letters count. */
static int edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    int row[LONGEST + 1], length = (int)strnlen(b, LONGEST);
    for (int j = 0; j <= length; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= length; j++) {
            int above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[length];
}

/* WORD: an option's name, perhaps with =value. */
static _Noreturn void unknown_option(const struct lathe_command *command, const char *word)
{
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    const char *nearest = "help";
    int least = edit_distance(name, nearest);
    for (int i = 0; i < command->option_count; i++) {
        int distance = edit_distance(name, command->options[i].name);
        if (distance < least) {
            least = distance;
            nearest = command->options[i].name;
        }
    }
    lathe_die(LATHE_USAGE, "unknown option --%s; the nearest is --%s (--help lists all)", name,
              nearest);
}

/* The option whose name is the first LENGTH letters of NAME, or NULL. */
static struct lathe_option *find_option(const struct lathe_command *command, const char *name,
                                        size_t length)
{
    for (int i = 0; i < command->option_count; i++) {
        struct lathe_option *option = &command->options[i];
        if (strlen(option->name) == length && !strncmp(option->name, name, length))
            return option;
    }
    return NULL;
}

bool lathe_option_given(const struct lathe_command *command, const char *name)
{
    const struct lathe_option *option = find_option(command, name, strlen(name));
    return option && option->given;
}

/* ---- values ---- */

static bool is_whole(const struct lathe_option *option)
{
    return option->kind == LATHE_OPTION_WHOLE;
}

/* A number in full: "%.15g" is exact for the whole numbers and short for the others. */
static void take_number(struct lathe_option *option, const char *text)
{
    char *end = NULL;
    double real = 0;
    int64_t whole = 0;
    bool blank = !*text || strchr(" \t\n\v\f\r", *text);
    errno = 0;
    if (is_whole(option))
        whole = strtoll(text, &end, 10);
    else
        real = strtod(text, &end);
    if (blank || *end || (is_whole(option) && errno))
        lathe_die(LATHE_USAGE, "--%s: expected %s, given '%s'", option->name,
                  is_whole(option) ? "a whole number" : "a number", text);
    double number = is_whole(option) ? (double)whole : real;
    if (!(number >= option->minimum && number <= option->maximum))
        lathe_die(LATHE_USAGE, "--%s: expected %.15g to %.15g, given %s", option->name,
                  option->minimum, option->maximum, text);
    if (is_whole(option))
        *(int64_t *)option->value = whole;
    else
        *(double *)option->value = real;
}

static void add_text(struct lathe_option *option, const char *text)
{
    struct lathe_texts *texts = option->value;
    if (texts->count == LATHE_TEXTS_MAX)
        lathe_die(LATHE_USAGE, "--%s: given more than %d times", option->name, LATHE_TEXTS_MAX);
    texts->items[texts->count++] = text;
}

static void take_value(struct lathe_option *option, const char *text)
{
    bool texts = option->kind == LATHE_OPTION_TEXTS;
    if ((texts || option->kind == LATHE_OPTION_TEXT) && !*text)
        lathe_die(LATHE_USAGE, "--%s: expected %s, given nothing", option->name, option->argument);
    if (texts)
        add_text(option, text);
    else if (option->kind == LATHE_OPTION_TEXT)
        *(const char **)option->value = text;
    else
        take_number(option, text);
    option->given = true;
}

/* Read the option at argv[*AT]; *AT moves to the last word that it takes. */
static void take_option(const struct lathe_command *command, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2, *equals = strchr(name, '=');
    struct lathe_option *option =
        find_option(command, name, equals ? (size_t)(equals - name) : strlen(name));
    if (!option)
        unknown_option(command, name);
    if (option->kind == LATHE_OPTION_FLAG) {
        if (equals)
            lathe_die(LATHE_USAGE, "--%s takes no value, given '%s'", option->name, equals + 1);
        *(bool *)option->value = option->given = true;
    } else if (equals) {
        take_value(option, equals + 1);
    } else if (*at + 1 == argc || !strncmp(argv[*at + 1], "--", 2)) {
        lathe_die(LATHE_USAGE, "--%s: expected %s after it", option->name, option->argument);
    } else {
        take_value(option, argv[++*at]);
    }
}

/* ---- the help page ---- */

static void print_default(const struct lathe_option *option)
{
    if (option->kind == LATHE_OPTION_WHOLE && *(int64_t *)option->value >= option->minimum)
        printf(" [%lld]", (long long)*(int64_t *)option->value);
    if (option->kind == LATHE_OPTION_REAL && *(double *)option->value >= option->minimum)
        printf(" [%g]", *(double *)option->value);
}

static void print_help(const struct lathe_command *command, const char *program)
{
    printf("usage: %s %s\n\n%s\n\noptions (defaults in brackets):\n", program, command->arguments,
           command->about);
    for (int i = 0; i < command->option_count; i++) {
        const struct lathe_option *option = &command->options[i];
        char left[64];
        snprintf(left, sizeof left, "--%s %s", option->name,
                 option->argument ? option->argument : "");
        printf("  %-26s %s", left, option->help);
        print_default(option);
        putchar('\n');
    }
    printf("  %-26s %s\n", "--help", "this page");
    fputs("\nexamples:\n", stdout);
    for (const char *line = command->examples; *line;) {
        int length = (int)strcspn(line, "\n");
        printf("  %s %.*s\n", program, length, line);
        line += length + (line[length] == '\n');
    }
}

bool lathe_parse_arguments(const struct lathe_command *command, int argc, char **argv, int *rest)
{
    int found = 0;
    bool options_over = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (options_over || word[0] != '-' || !word[1]) {
            if (!rest)
                lathe_die(LATHE_USAGE, "unexpected argument '%s' (--help lists the options)", word);
            argv[1 + found++] = argv[i];
        } else if (!strcmp(word, "--")) {
            options_over = true;
        } else if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
            print_help(command, argv[0]);
            return false;
        } else if (word[1] != '-') {
            lathe_die(LATHE_USAGE, "unknown option %s; options begin with -- (--help lists them)",
                      word);
        } else {
            take_option(command, argc, argv, &i);
        }
    }
    if (rest)
        *rest = found;
    return true;
}

void lathe_print_word(FILE *out, const char *word)
{
    if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                    "_-+=./:,@%")]) {
        fprintf(out, " %s", word);
        return;
    }
    fputs(" '", out);
    for (; *word; word++)
        fputs(*word == '\'' ? "'\\''" : (char[2]){*word, '\0'}, out);
    fputc('\'', out);
}
