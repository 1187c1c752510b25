/*
 * What the manual shows is what lathe does: the tables of specs/README.md are what
 * spec_print_reference prints, its examples are specs, specs/curve.svg is the drawing of the
 * README's curve. LATHE_BLESS=1 rewrites tables and drawing.
 */
#include "../gen/base.h"
#include "../gen/curve.h"
#include "../gen/passes.h"
#include "../gen/spec.h"

#include <check.h>
#undef fail
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char page_path[] = "specs/README.md";
static const char first_mark[] =
    "<!-- words: from here on written by tests/check_reference_page -->\n";
static const char last_mark[] = "<!-- words end -->\n";

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new();
}

static void tear_down(void)
{
    arena_free(arena);
}

/* TEXT is what PATH holds; blessed, it is so from now on. */
static void file_is(const char *path, const char *text)
{
    size_t length;
    if (getenv("LATHE_BLESS"))
        write_file(path, text, strlen(text));
    ck_assert_msg(strcmp(read_file(arena, path, &length), text) == 0,
                  "%s is not what lathe prints now; LATHE_BLESS=1 rewrites it", path);
}

/* Where MARK ends (or, before it, begins) in the page; there is one. */
static const char *find_mark(const char *page, const char *mark)
{
    const char *at = strstr(page, mark);
    ck_assert_msg(at && !strstr(at + 1, mark), "%s needs the line once: %s", page_path, mark);
    return at;
}

START_TEST(tables_are_what_lathe_prints)
{
    size_t length;
    const char *page = read_file(arena, page_path, &length);
    const char *first = find_mark(page, first_mark) + strlen(first_mark);
    const char *last = find_mark(page, last_mark);
    ck_assert(first <= last);
    struct text words = {0};
    spec_print_reference(&words);
    const char *now =
        arena_printf(arena, "%.*s\n%s\n%s", (int)(first - page), page, words.data, last);
    text_free(&words);
    file_is(page_path, now);
}
END_TEST

/* "| `word...` | takes | about |": the last column of each row says something. */
START_TEST(every_word_says_what_it_does)
{
    struct text words = {0};
    spec_print_reference(&words);
    int rows = 0;
    for (char *line = strtok(words.data, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "| `", 3) != 0)
            continue;
        const char *end = line + strlen(line) - 2;
        ck_assert_msg(strcmp(end, " |") == 0 || strcmp(end, ". |") == 0, "%s", line);
        const char *about = end;
        while (strncmp(about, "| ", 2) != 0)
            about--;
        ck_assert_msg(end - about > 10 && end[-1] == '.', "thin: %s", line);
        rows++;
    }
    text_free(&words);
    ck_assert_int_ge(rows, 40);
}
END_TEST

/* ---- every word is tested ---- */

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Append the files of FOLDER that hold tests and specs of tests. */
static void add_files(struct text *all, const char *folder)
{
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || (strcmp(dot, ".c") != 0 && strcmp(dot, ".h") != 0 && strcmp(dot, ".lua") != 0 &&
                     strcmp(dot, ".sh") != 0))
            continue;
        size_t length;
        const char *text =
            read_file(arena, arena_printf(arena, "%s/%s", folder, entry->d_name), &length);
        text_add(all, text, length);
    }
    closedir(dir);
}

/* TEXT has the word of LENGTH characters, followed by blanks and one of the characters of NEXT. */
static bool has_word(const char *text, const char *word, size_t length, const char *next)
{
    char name[128];
    ck_assert(length < sizeof name);
    memcpy(name, word, length);
    name[length] = '\0';
    for (const char *at = text; (at = strstr(at, name)); at++) {
        const char *end = at + length;
        if ((at > text && is_word_char(at[-1])) || is_word_char(*end))
            continue;
        end += strspn(end, " \\");
        if (*end && strchr(next, *end))
            return true;
    }
    return false;
}

static size_t word_length(const char *word)
{
    size_t length = 0;
    while (is_word_char(word[length]))
        length++;
    return length;
}

/* ROW: "conv(channels, kernel, { stride, pad })`...", a word of the reference with its attributes.
 * Returns how many of them no test writes down. */
static int untested(const char *tests, const char *row)
{
    size_t length = word_length(row);
    int missing = 0;
    if (!has_word(tests, row, length, "({\"'=")) {
        missing++;
        fprintf(stderr, "no test has the word %.*s\n", (int)length, row);
    }
    const char *end = strchr(row, '`'), *at = memchr(row, '{', (size_t)(end - row));
    for (; at && at < end; at++) {
        size_t attribute = word_length(at);
        if (attribute == 0 || is_word_char(at[-1]))
            continue;
        if (!has_word(tests, at, attribute, "=")) {
            missing++;
            fprintf(stderr, "no test has the attribute %.*s of %.*s\n", (int)attribute, at,
                    (int)length, row);
        }
        at += attribute - 1;
    }
    return missing;
}

START_TEST(every_word_is_in_a_test)
{
    static const char *const folders[] = {"tests", "tests/num", "tests/golden"};
    struct text tests = {0}, words = {0};
    int missing = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        add_files(&tests, folders[i]);
    spec_print_reference(&words);
    for (char *line = strtok(words.data, "\n"); line; line = strtok(NULL, "\n"))
        if (strncmp(line, "| `", 3) == 0)
            missing += untested(tests.data, line + 3);
    text_free(&tests);
    text_free(&words);
    ck_assert_int_eq(missing, 0);
}
END_TEST

/* Read the spec at CONTEXT as lathe does. */
static void read_example(void *context)
{
    struct network *network = spec_read(arena, context, NULL, 0);
    tabulate_curves(network->graph);
}

/* Each block ```lua of the page, in a folder that has our fits, is a spec. */
START_TEST(examples_are_specs)
{
    size_t length;
    char folder[] = "/tmp/lathe-page-XXXXXX", here[4096];
    const char *at = read_file(arena, page_path, &length);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    char *path = arena_printf(arena, "%s/example.lua", folder);
    const char *fits = arena_printf(arena, "%s/fits", folder);
    ck_assert_int_eq(symlink(arena_printf(arena, "%s/specs/fits", here), fits), 0);
    int count = 0;
    struct failure failure = {0};
    for (; (at = strstr(at, "```lua\n")) && failure.status == STATUS_DONE; count++) {
        at += strlen("```lua\n");
        write_file(path, at, (size_t)(strstr(at, "\n```") + 1 - at));
        failure.status = protected_call(read_example, path, &failure);
    }
    unlink(path);
    unlink(fits);
    rmdir(folder);
    ck_assert_msg(failure.status == STATUS_DONE, "%s", failure.message);
    ck_assert_int_ge(count, 1);
}
END_TEST

/* lathe table --dynamic L=55.9344471040698,Q=12,I=0.0292401773821286 --tangent 0.1 --max 3 */
START_TEST(the_drawing_is_current)
{
    struct curve curve = {.kind = CURVE_DYNAMIC, .method = TABLE_TANGENT, .k = 0.1, .max = 3};
    curve.parameter[DYNAMIC_L] = 55.9344471040698;
    curve.parameter[DYNAMIC_Q] = 12;
    curve.parameter[DYNAMIC_I] = 0.0292401773821286;
    curve.parameter[DYNAMIC_P] = 2;
    curve.parameter[DYNAMIC_Z] = 10;
    ck_assert_ptr_null(curve_problem(arena, &curve));
    curve_tabulate(arena, &curve);
    struct text svg = {0};
    curve_print_svg(&svg, &curve);
    const char *drawing = arena_copy(arena, svg.data);
    text_free(&svg);
    file_is("specs/curve.svg", drawing);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reference page");
    TCase *tests = tcase_create("reference page");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, tables_are_what_lathe_prints);
    tcase_add_test(tests, every_word_says_what_it_does);
    tcase_add_test(tests, every_word_is_in_a_test);
    tcase_add_test(tests, examples_are_specs);
    tcase_add_test(tests, the_drawing_is_current);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
