/*
 * check_json: what is read, what is refused and where, what is written.
 */
#include "../gen/json.h"
#include "../gen/json_tree.h"
#include "../gen/record.h"

#include <check.h>
#undef fail /* check's old name for ck_abort_msg */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena *arena;

static void make_arena(void)
{
    arena = arena_new();
}

static void drop_arena(void)
{
    arena_free(arena);
}

START_TEST(values_are_read)
{
    const struct tree *all = tree_read(
        arena, "x", " {\"a\": [1, -2.5e3, true, false, null, \"t\"], \"b\": {}, \"a b\": \"\"} \n");
    ck_assert(all->kind == TREE_OBJECT && all->count == 3);
    const struct tree *list = tree_get(all, "a");
    ck_assert(list->kind == TREE_LIST && list->count == 6);
    ck_assert(list->items[0].number == 1 && list->items[1].number == -2500);
    ck_assert(list->items[2].kind == TREE_FLAG && list->items[2].flag && !list->items[3].flag);
    ck_assert(list->items[4].kind == TREE_NULL && isnan(list->items[4].number));
    ck_assert_str_eq(list->items[5].text, "t");
    ck_assert_str_eq(tree_text(all, "a b", "no"), "");
    ck_assert_str_eq(tree_text(all, "b", "no"), "no");
    ck_assert(isnan(tree_number(all, "b")) && tree_get(list, "b")->kind == TREE_NULL);
    ck_assert(tree_get(all, "c")->kind == TREE_NULL);
}
END_TEST

START_TEST(texts_have_escapes)
{
    const struct tree *text = tree_read(
        arena, "x", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\\ud83dx\"");
    ck_assert_str_eq(text->text,
                     "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbdx");
    struct text out = {0};
    json_put_text(&out, "a\"b\\c\nd\x01\xc3\xa9");
    ck_assert_str_eq(out.data, "\"a\\\"b\\\\c\\u000ad\\u0001\xc3\xa9\"");
    ck_assert_str_eq(tree_read(arena, "x", out.data)->text, "a\"b\\c\nd\x01\xc3\xa9");
    out.length = 0;
    json_put_numbers(&out, (const double[]){1, 0.1, NAN, -INFINITY}, 4);
    ck_assert_str_eq(out.data, "[1, 0.1, null, null]");
    text_free(&out);
}
END_TEST

static void read_given(void *text)
{
    tree_read(arena, "file.json", text);
}

static void read_lines(void *path)
{
    tree_read_lines(arena, path);
}

START_TEST(what_is_no_json_is_refused)
{
    static const char *const cases[][2] = {
        {"", "file.json:1: not JSON: neither a value nor an end"},
        {"\n[1,\n2", "file.json:3: not JSON: a comma or an end of the list is missing"},
        {"[1,]", "file.json:1: not JSON: neither a value nor an end"},
        {"{\"a\" 1}", "file.json:1: not JSON: a colon is missing"},
        {"{a: 1}", "file.json:1: not JSON: the name of a member is missing"},
        {"{\"a\": 1", "file.json:1: not JSON: a comma or an end of the list is missing"},
        {"\"abc", "file.json:1: not JSON: a text without its end"},
        {"\"a\nb\"", "file.json:1: not JSON: a text without its end"},
        {"\"\\x\"", "file.json:1: not JSON: an unknown escape in a text"},
        {"\"\\", "file.json:1: not JSON: an unknown escape in a text"},
        {"\"\\u12g4\"", "file.json:1: not JSON: \\u needs four hexadecimal digits"},
        {"\"\\u12", "file.json:1: not JSON: \\u needs four hexadecimal digits"},
        {"1 2", "file.json:1: not JSON: something after the value"},
        {"nan", "file.json:1: not JSON: neither a value nor an end"},
        {"0x10", "file.json:1: not JSON: neither a value nor an end"},
        {"+1", "file.json:1: not JSON: neither a value nor an end"},
        {"1e", "file.json:1: not JSON: neither a value nor an end"},
        {"tru", "file.json:1: not JSON: neither a value nor an end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct failure failure;
        ck_assert_int_eq(protected_call(read_given, (void *)cases[i][0], &failure), STATUS_USER);
        ck_assert_str_eq(failure.message, cases[i][1]);
    }
    char deep[201] = "";
    memset(deep, '[', 200);
    struct failure failure;
    ck_assert_int_eq(protected_call(read_given, deep, &failure), STATUS_USER);
    ck_assert_str_eq(failure.message, "file.json:1: not JSON: too many levels");
}
END_TEST

START_TEST(lines_are_read_to_the_last_whole_one)
{
    char path[] = "/tmp/check_json.XXXXXX";
    ck_assert_int_ge(mkstemp(path), 0);
    const char *text = "{\"a\": 1}\n\n[2]\n{\"a\": ";
    write_file(path, text, strlen(text));
    const struct tree *lines = tree_read_lines(arena, path);
    ck_assert_int_eq(lines->count, 2);
    ck_assert(tree_number(&lines->items[0], "a") == 1 && lines->items[1].items[0].number == 2);
    remove(path);
}
END_TEST

/* What a loss of power leaves between the lines is no line. */
static void count_line(void *context, const char *line)
{
    ck_assert(json_whole(arena, line, "a") == 1 && json_whole(arena, line, "b") == 0);
    ++*(int *)context;
}

START_TEST(records_are_read_around_holes)
{
    char path[] = "/tmp/check_json.XXXXXX";
    ck_assert_int_ge(mkstemp(path), 0);
    const char text[] = "{\"a\": 1, \"b\": -7}\n{\"a\": 2\0\0}\n\0\n{\"a\": 1, \"b\": 1e300}\n{\"a";
    int lines = 0;
    write_file(path, text, sizeof text - 1);
    close(record_open(arena, path, count_line, &lines));
    ck_assert_int_eq(lines, 2);
    struct failure failure;
    ck_assert_int_eq(protected_call(read_lines, path, &failure), STATUS_USER);
    ck_assert_str_eq(failure.message,
                     arena_printf(arena, "cannot read %s: it holds a NUL, as no text does", path));
    remove(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tests = tcase_create("json");
    tcase_add_checked_fixture(tests, make_arena, drop_arena);
    tcase_add_test(tests, values_are_read);
    tcase_add_test(tests, texts_have_escapes);
    tcase_add_test(tests, what_is_no_json_is_refused);
    tcase_add_test(tests, lines_are_read_to_the_last_whole_one);
    tcase_add_test(tests, records_are_read_around_holes);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
