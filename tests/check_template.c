/*
 * Templates: what lines become, what errors name, what numbers look like.
 */
#include "../gen/embedded.h"
#include "../gen/template.h"

#include <check.h>
#include <float.h>
#include <lauxlib.h>
#include <lua.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct lua_State *lua;
static struct text out, error;

static void open_templates(void)
{
    lua = templates_open();
}

static void close_templates(void)
{
    templates_close(lua);
    text_free(&out);
    text_free(&error);
}

/* Render SOURCE as t.c.t with the arguments of a Lua table constructor. */
static bool render(const char *source, const char *arguments)
{
    text_free(&out);
    text_free(&error);
    lua_pushfstring(lua, "return {%s}", arguments);
    ck_assert_int_eq(luaL_dostring(lua, lua_tostring(lua, -1)), LUA_OK);
    lua_remove(lua, -2);
    bool done = template_render_source(lua, "t.c.t", source, &out, &error);
    ck_assert_int_eq(lua_gettop(lua), 0);
    return done;
}

static void expect(const char *source, const char *arguments, const char *expected)
{
    if (!render(source, arguments))
        ck_abort_msg("%s", error.data);
    ck_assert_str_eq(out.data ? out.data : "", expected);
}

static void expect_error(const char *source, const char *arguments, const char *expected)
{
    ck_assert(!render(source, arguments));
    ck_assert_msg(strstr(error.data, expected) == error.data, "'%s' does not begin with '%s'",
                  error.data, expected);
}

START_TEST(text_stays_as_it_is)
{
    expect("", "", "");
    expect("int x;\n", "", "int x;\n");
    expect("no newline at the end", "", "no newline at the end\n");
    expect("\n\n  a\n", "", "\n\n  a\n");
    expect("\"quoted\" \\n %d ]] \\\\ \t'x'\n", "", "\"quoted\" \\n %d ]] \\\\ \t'x'\n");
    expect("cost $5, a { b } }\n $ not Lua\n", "", "cost $5, a { b } }\n $ not Lua\n");
    expect("caf\xc3\xa9 \x01"
           "2\n",
           "",
           "caf\xc3\xa9 \x01"
           "2\n");
}
END_TEST

START_TEST(lua_lines_control)
{
    expect("$ for i = 1, 3 do\nx${i};\n$ end\n", "", "x1;\nx2;\nx3;\n");
    expect("$if n > 1 then\nmany\n$else\none\n$end\n", "n = 2", "many\n");
    expect("$ local function f(v)\nf(${v});\n$ end\n$ f(1) f(2)\n", "", "f(1);\nf(2);\n");
    expect("$ for _, p in ipairs(list) do\n ${p}\n$ end", "list = {'a', 'b'}", " a\n b\n");
    expect("$ if bias then\nb\n$ end\nx\n", "bias = false", "x\n");
}
END_TEST

START_TEST(holes_hold_expressions)
{
    expect("a${x}b${x + 1}c\n", "x = 1", "a1b2c\n");
    expect(" ${({1, 2})[2]} ${#{3, {4}}} \n", "", " 2 2 \n");
    expect(" ${'}'}${\"{\\\"}\"}\n", "", " }{\"}\n");
    expect(" ${string.format('%03d', 7)}|${table.concat({'a', 'b'}, ', ')}\n", "", " 007|a, b\n");
    expect(" ${select('#', 1, 2)} ${(\"x\"):rep(3)}\n", "", " 2 xxx\n");
    expect(" ${yes}${no}\n", "yes = true, no = false", " 10\n");
    expect(" $${x}\n", "x = 1", " $1\n");
}
END_TEST

START_TEST(numbers_are_c_constants)
{
    expect(" ${x}\n", "x = -42", " -42\n");
    expect(" ${x}\n", "x = 9007199254740993", " 9007199254740993\n");
    expect(" ${x}\n", "x = 7 // 2", " 3\n");
    expect(" ${x}\n", "x = 2.0", " 2.0f\n");
    expect(" ${x}\n", "x = 0.5", " 0.5f\n");
    expect(" ${x}\n", "x = 0.1", " 0.1f\n");
    expect(" ${x}\n", "x = 1e-5", " 1e-05f\n");
    expect(" ${x}\n", "x = 1e20", " 1e+20f\n");
    expect(" ${x}\n", "x = -0.0", " -0.0f\n");
    expect(" ${x}\n", "x = 1/3", " 0.33333334f\n");
    expect(" ${x}\n", "x = 16777216.0", " 16777216.0f\n");
}
END_TEST

START_TEST(floats_read_back_to_the_same_bits)
{
    uint32_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        float value, back;
        bits = bits * 1664525 + 1013904223;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        text_free(&out);
        lua_createtable(lua, 0, 1);
        lua_pushnumber(lua, (double)value);
        lua_setfield(lua, -2, "x");
        ck_assert(template_render_source(lua, "t.c.t", "+${x}\n", &out, &error));
        char *end;
        back = strtof(out.data + 1, &end);
        ck_assert_mem_eq(&back, &value, sizeof value);
        ck_assert_str_eq(end, "f\n");
        ck_assert_ptr_nonnull(strpbrk(out.data, ".e"));
    }
}
END_TEST

START_TEST(errors_name_template_and_line)
{
    expect_error("a\n ${x}\n", "", "templates/t.c.t:2: unknown name 'x'");
    expect_error("a\n\n ${x.y}\n", "x = {}", "templates/t.c.t:3: a hole holds a nil value");
    expect_error("$ local t = {}\n ${t}\n", "", "templates/t.c.t:2: a hole holds a table value");
    expect_error("${x}\n", "x = 1",
                 "templates/t.c.t:1: a line that starts with $ is Lua and has no holes");
    expect_error("a\n$ if ${x} then\n", "x = 1", "templates/t.c.t:2: a line that starts with $");
    expect_error("a\nb ${x\n", "x = 1", "templates/t.c.t:2: a hole without its closing brace");
    expect_error("a\nb ${'}\n", "", "templates/t.c.t:2: a hole without its closing brace");
    expect_error("b ${x -- y}\n", "x = 1", "templates/t.c.t:1: a comment inside a hole");
    expect_error("a\nb ${x +}\nc\n", "x = 1", "templates/t.c.t:2: ");
    expect_error("a\nb ${}\nc\n", "", "templates/t.c.t:2: ");
    expect_error("a\n$ fr i = 1, 2 do\n", "", "templates/t.c.t:2: ");
    expect_error("$ for i = 1, 2 do\na\n", "", "templates/t.c.t:3: 'end' expected");
    expect_error("a\n$ assert(n > 4, 'n is too small')\n", "n = 2",
                 "templates/t.c.t:2: n is too small");
    expect_error("\n$ assert(n > 4)\n", "n = 2", "templates/t.c.t:2: assertion failed");
    expect_error("$ error({})\n", "", "table");
}
END_TEST

START_TEST(environment_is_strict)
{
    expect_error("$ x = 1\n", "", "templates/t.c.t:1: 'x' is assigned and not local");
    expect_error("$ io.write('x')\n", "", "templates/t.c.t:1: unknown name 'io'");
    expect_error(" ${os.time()}\n", "", "templates/t.c.t:1: unknown name 'os'");
    expect_error(" ${math.random()}\n", "", "templates/t.c.t:1: ");
    expect_error(" ${1/0}\n", "", "templates/t.c.t:1: a hole holds inf, no float constant");
    expect_error(" ${1e39}\n", "", "templates/t.c.t:1: a hole holds 1");
    expect_error(" ${0/0}\n", "", "templates/t.c.t:1: a hole holds ");
}
END_TEST

START_TEST(pairs_follow_the_keys)
{
    expect("$ for k, v in pairs(t) do\n=${k}${v}\n$ end\n",
           "t = {z = 1, b = 2, a = 3, 'one', 'two', mm = 4}",
           "=1one\n=2two\n=a3\n=b2\n=mm4\n=z1\n");
}
END_TEST

START_TEST(inner_names_hide_outer_ones)
{
    expect("$ local both = within({n = 1}, _ENV)\n ${both.n}${both.m}${n}\n", "n = 2, m = 3",
           " 132\n");
    expect_error("$ local both = within({n = 1}, _ENV)\n ${both.k}\n", "",
                 "templates/t.c.t:2: unknown name 'k'");
}
END_TEST

START_TEST(include_indents)
{
    lua_newtable(lua);
    ck_assert(!template_render_source(lua, "step.c.t", "s${n} {\n\n    x${m};\n}\n", &out, &error));
    expect("begin\n$ include('step.c.t', {n = 1, m = 'one\\ntwo'}, 4)\nend\n", "",
           "begin\n    s1 {\n\n        xone\n    two;\n    }\nend\n");
    expect("$ include('step.c.t', {n = 1, m = 2})\n", "", "s1 {\n\n    x2;\n}\n");
    lua_newtable(lua);
    ck_assert(!template_render_source(
        lua, "outer.c.t", "{\n$ include('step.c.t', {n = n, m = 5}, 2)\n}\n", &out, &error));
    expect("$ for i = 1, 2 do\n$ include('outer.c.t', {n = i}, 2)\n$ end\nx\n", "",
           "  {\n    s1 {\n\n        x5;\n    }\n  }\n"
           "  {\n    s2 {\n\n        x5;\n    }\n  }\nx\n");
}
END_TEST

START_TEST(include_errors)
{
    expect_error("a\n$ include('nowhere.t', {})\n", "",
                 "templates/t.c.t:2: no template 'nowhere.t'");
    lua_newtable(lua);
    template_render_source(lua, "step.c.t", "a\n ${n}\n", &out, &error);
    expect_error("$ include('step.c.t', {})\n", "n = 1", "templates/step.c.t:2: unknown name 'n'");
    expect_error("$ include('t.c.t', {})\n", "", "");
    expect("fine after all that\n", "", "fine after all that\n");
}
END_TEST

START_TEST(output_is_appended)
{
    text_free(&out);
    text_printf(&out, "before\n");
    for (int i = 1; i <= 2; i++) {
        lua_createtable(lua, 0, 1);
        lua_pushinteger(lua, i);
        lua_setfield(lua, -2, "n");
        ck_assert(template_render_source(lua, "t.c.t", "n${n}\n", &out, &error));
    }
    ck_assert_str_eq(out.data, "before\nn1\nn2\n");
}
END_TEST

/* The real way in, where a failure is a bug of lathe. */
START_TEST(unknown_template_aborts)
{
    lua_newtable(lua);
    template_render(lua, "nowhere.t", &out);
}
END_TEST

START_TEST(embedded_tables_are_sorted)
{
    for (int i = 1; i < embedded_template_count; i++)
        ck_assert_str_lt(embedded_templates[i - 1].name, embedded_templates[i].name);
    for (int i = 1; i < embedded_runtime_count; i++)
        ck_assert_str_lt(embedded_runtime[i - 1].name, embedded_runtime[i].name);
    ck_assert_int_gt(embedded_runtime_count, 0);
    ck_assert_uint_eq(strlen(spec_lua), spec_lua_size);
}
END_TEST

/* Every template is Lua after translation, whatever its parameters. */
START_TEST(embedded_templates_compile)
{
    for (int i = 0; i < embedded_template_count; i++) {
        text_free(&error);
        lua_newtable(lua);
        template_render_source(lua, embedded_templates[i].name, embedded_templates[i].data, &out,
                               &error);
        if (error.data && strstr(error.data, " near "))
            ck_abort_msg("%s", error.data);
    }
}
END_TEST

Suite *template_suite(void);

Suite *template_suite(void)
{
    Suite *suite = suite_create("template");
    TCase *tests = tcase_create("template");
    tcase_add_checked_fixture(tests, open_templates, close_templates);
    tcase_add_test(tests, text_stays_as_it_is);
    tcase_add_test(tests, lua_lines_control);
    tcase_add_test(tests, holes_hold_expressions);
    tcase_add_test(tests, numbers_are_c_constants);
    tcase_add_test(tests, floats_read_back_to_the_same_bits);
    tcase_add_test(tests, errors_name_template_and_line);
    tcase_add_test(tests, environment_is_strict);
    tcase_add_test(tests, pairs_follow_the_keys);
    tcase_add_test(tests, inner_names_hide_outer_ones);
    tcase_add_test(tests, include_indents);
    tcase_add_test(tests, include_errors);
    tcase_add_test(tests, output_is_appended);
    tcase_add_test_raise_signal(tests, unknown_template_aborts, SIGABRT);
    tcase_add_test(tests, embedded_tables_are_sorted);
    tcase_add_test(tests, embedded_templates_compile);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(template_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
