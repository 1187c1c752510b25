/*
 * Hostile specs, through lathe itself: each must be refused with one line, status 1, within 2 s of
 * processor time and 256 MiB of memory, and nothing written. They are in tests/hostile, NAME.lua
 * with its line in NAME.expected (a first line "-- set: K=V" is a --set; LATHE_BLESS=1 writes the
 * lines), and below, where a file of text cannot hold them. LATHE: the program.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* wait4, truncate, symlink */
#endif

#include "../gen/base.h"

#include "child.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#undef fail

static const double most_seconds = 2;
enum { MOST_MEGABYTES = 256 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool measured = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
static const bool measured = false;
#else
static const bool measured = true;
#endif
#else
static const bool measured = true;
#endif

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new();
    make_root();
}

static void tear_down(void)
{
    remove_root();
    arena_free(arena);
}

/* ---- running lathe ---- */

struct ending {
    int status;
    double seconds;  /* of processor time */
    long kilobytes;  /* at most in memory */
    const char *err; /* what it said */
};

/* In the child: nets under lathe's own bounds, so that a test ends. */
static void bound_child(void)
{
    const struct rlimit seconds = {20, 20}, space = {(rlim_t)1 << 30, (rlim_t)1 << 30};
    setrlimit(RLIMIT_CPU, &seconds);
    if (measured)
        setrlimit(RLIMIT_AS, &space);
    else
        setenv("LATHE_SPEC_SECONDS", "5", 0);
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* who gives up frees nothing */
    setenv("OPENBLAS_NUM_THREADS", "1", 1); /* a thread of it takes as much memory as a spec may */
}

/* A path in the test's folder that lasts. */
static const char *below(const char *name)
{
    return arena_copy(arena, in_root(name));
}

/* Run ARGUMENTS (NULL at the end) with stderr in a file. */
static struct ending run_words(const char *const *arguments)
{
    const char *err = below("stderr.txt"), *out = below("stdout.txt");
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        bound_child();
        if (!freopen(err, "w", stderr) || !freopen(out, "w", stdout) ||
            !freopen("/dev/null", "r", stdin))
            _exit(99);
        execv(arguments[0], (char *const *)arguments);
        _exit(98);
    }
    int status;
    struct rusage usage;
    ck_assert_int_eq(wait4(child, &status, 0, &usage), child);
    size_t length;
    struct ending ending = {
        .status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
        .seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6,
        .kilobytes = usage.ru_maxrss};
    ending.err = read_file(arena, err, &length);
    return ending;
}

static const char *lathe(void)
{
    const char *program = getenv("LATHE");
    return program ? program : "./lathe";
}

/* lathe build --emit-only of SPEC into the test's folder, or lathe show. */
static struct ending run_lathe(bool builds, const char *spec, const char *setting)
{
    const char *words[12] = {lathe(), builds ? "build" : "show", spec, "--isa", "portable"};
    int count = 5;
    if (builds) {
        words[count++] = "--emit-only";
        words[count++] = "-o";
        words[count++] = in_root("made");
    }
    if (setting) {
        words[count++] = "--set";
        words[count++] = setting;
    }
    return run_words(words);
}

/* SPEC is refused as it has to be; what lathe said. */
static const char *refusal(bool builds, const char *spec, const char *setting)
{
    struct ending e = run_lathe(builds, spec, setting);
    const char *newline = strchr(e.err, '\n');
    ck_assert_msg(e.status == STATUS_USER, "%s: status %d: %s", spec, e.status, e.err);
    ck_assert_msg(newline && newline[1] == '\0', "%s: not one line: %s", spec, e.err);
    for (const char *c = e.err; c < newline; c++)
        ck_assert_msg((unsigned char)*c >= ' ', "%s: byte %d in: %s", spec, *c, e.err);
    ck_assert_msg(access(in_root("made"), F_OK) != 0, "%s: something was written", spec);
    if (measured) {
        ck_assert_msg(e.seconds < most_seconds, "%s: %.2f s: %s", spec, e.seconds, e.err);
        ck_assert_msg(e.kilobytes < MOST_MEGABYTES * 1024, "%s: %ld kB: %s", spec, e.kilobytes,
                      e.err);
    }
    return e.err;
}

/* ---- tests/hostile ---- */

static struct dirent **hostile;
static int hostile_count;

static int is_spec(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');
    return end && strcmp(end, ".lua") == 0;
}

/* "K=V" of a first line "-- set: K=V"; NULL: none. */
static const char *setting_of(const char *path)
{
    size_t length;
    char *text = read_file(arena, path, &length);
    if (strncmp(text, "-- set: ", 8) != 0)
        return NULL;
    text[strcspn(text, "\n")] = '\0';
    return text + 8;
}

/* LINE says that the spec at PATH takes too many steps, too much memory, too much time or, of a
 * table whose search goes on until there are, too many pieces. */
static bool names_a_bound(const char *line, const char *path)
{
    return strncmp(line, path, strlen(path)) == 0 &&
           (strstr(line, ": this code takes too ") ||
            strstr(line, ": this spec takes more than ") ||
            strstr(line, " pieces; choose a larger eps"));
}

/* LINE is what the test expects; where that is a bound, any other may have come first: which does
 * depends on the machine, and on sanitizers. */
static bool is_expected(const char *line, const char *expected, const char *path)
{
    return strcmp(line, expected) == 0 ||
           (names_a_bound(expected, path) && names_a_bound(line, path));
}

START_TEST(hostile_specs_are_refused)
{
    const char *name = hostile[_i]->d_name;
    const char *path = arena_printf(arena, "tests/hostile/%s", name);
    const char *line = refusal(true, path, setting_of(path));
    const char *expected =
        arena_printf(arena, "tests/hostile/%.*s.expected", (int)strlen(name) - 4, name);
    if (getenv("LATHE_BLESS"))
        write_file(expected, line, strlen(line));
    size_t length;
    const char *wanted = read_file(arena, expected, &length);
    ck_assert_msg(is_expected(line, wanted, path), "expected %sgiven    %s", wanted, line);
    if (_i % 4 == 0)
        ck_assert(is_expected(refusal(false, path, setting_of(path)), wanted, path));
}
END_TEST

START_TEST(there_are_fifty)
{
    ck_assert_int_ge(hostile_count, 50);
}
END_TEST

/* ---- texts that no file of tests/hostile holds ---- */

/* COUNT times WHAT, between HEAD and TAIL. */
static struct text repeated(const char *head, const char *what, int count, const char *tail)
{
    struct text text = {0};
    text_printf(&text, "%s", head);
    for (int i = 0; i < count; i++)
        text_add(&text, what, strlen(what));
    text_printf(&text, "%s", tail);
    return text;
}

static const struct {
    const char *head, *what;
    int count;
    const char *tail, *message;
} texts[] = {
    {"local x = ", "(", 100000, "", ": this code is nested or calls itself too deeply"},
    {"local x = ", "{", 100000, "", ": this code is nested or calls itself too deeply"},
    {"local x = ", "not ", 30000, "1", ": this code is nested or calls itself too deeply"},
    {"local x = 1", " .. 1", 20000, "", ": this code is nested or calls itself too deeply"},
    {"", "do ", 40000, "", ": this code is nested or calls itself too deeply"},
    {"", "local a ", 16000, "",
     ":1: too many local variables (limit is 200) in main function "
     "near 'local'"},
    {"return function(", "a,", 60000, "b) end", ":1: too many local variables"},
    {"goto x ", "::a:: ", 2, "", ":1: label 'a' already defined on line 1"},
    {"return 0x", "f", 100000, "", ": a spec ends with return network { ... }, this one returned "},
    {"return 1e", "9", 100000, "", ": a spec ends with return network { ... }, this one returned "},
    {"-- ", "\\", 100000, "", ": a spec ends with return network { ... }, this one returned no"},
    {"x = \"\\u{7FFFFFFF", "F", 10, "}\"", ":1: UTF-8 value too large near '\"\\u{7FFFFFFFF'"},
    {"[", "=", 100000, "[", ":1: unfinished long string (starting at line 1) near <eof>"},
    {"\xff\xfe", "\xff", 100, "", ":1: unexpected symbol near '<\\255>'"},
};

START_TEST(odd_texts_are_refused)
{
    struct text text = repeated(texts[_i].head, texts[_i].what, texts[_i].count, texts[_i].tail);
    const char *path = below("odd.lua");
    write_bytes(path, text.data, text.length);
    text_free(&text);
    const char *line = refusal(true, path, NULL);
    const char *message = arena_printf(arena, "%s%s", path, texts[_i].message);
    ck_assert_msg(strncmp(line, message, strlen(message)) == 0 || !texts[_i].message[1],
                  "expected %s\ngiven    %s", message, line);
}
END_TEST

/* A NUL is a byte like others; bytecode, of any version, is none. */
START_TEST(bytes_are_no_bytecode)
{
    static const char code[] = "\33Lua\x54\0\x19\x93\r\n\x1a\n\x04\x08\x08xV\0\0\0";
    const char *path = below("bytes.lua");
    write_bytes(path, code, sizeof code - 1);
    ck_assert_str_eq(refusal(true, path, NULL),
                     arena_printf(arena, "%s: this is bytecode, not text\n", path));
    write_bytes(path, "return\0network", 14);
    ck_assert_str_eq(refusal(true, path, NULL),
                     arena_printf(arena, "%s:1: unexpected symbol\n", path));
}
END_TEST

/* A file that says it has gigabytes is not read. */
START_TEST(a_spec_of_gigabytes_is_not_read)
{
    const char *path = below("long.lua");
    write_bytes(path, "return 1\n", 9);
    ck_assert_int_eq(truncate(path, (off_t)8 << 30), 0);
    ck_assert_str_eq(
        refusal(true, path, NULL),
        arena_printf(arena, "cannot read %s: 8589934592 bytes, at most 131072 are read\n", path));
    ck_assert_str_eq(refusal(false, "/dev/zero", NULL),
                     "cannot read /dev/zero: not a plain file\n");
}
END_TEST

/* The bounds are those of the other commands, too. */
START_TEST(tables_are_bounded)
{
    const char *path = "tests/hostile/tables_too_many.lua";
    const char *const words[] = {lathe(), "table", path, NULL};
    struct ending e = run_words(words);
    ck_assert_str_eq(e.err, arena_printf(arena,
                                         "%s: this spec takes more than 1.75 s "
                                         "(LATHE_SPEC_SECONDS=18 allows more)\n",
                                         path));
    ck_assert_int_eq(e.status, STATUS_USER);
}
END_TEST

/* Two hundred layers with one costly curve are an honest spec: the curve is tabulated once, whether
 * it is compiled in or a table of the weights. */
START_TEST(equal_curves_are_tabulated_once)
{
    const char *path = below("equal.lua"), *made = below("made");
    const char *text = arena_printf(arena,
                                    "local act, list = dynamic({ L = 50, Q = 1, I = 3 }%s), {}\n"
                                    "for i = 1, 200 do list[i] = act end\n"
                                    "return network { input = image(1, 2, 2), list }\n",
                                    _i ? "" : ", { table = minimax(0.003) }");
    const char *const words[] = {lathe(),  "build",    path,
                                 "--isa",  "portable", "--emit-only",
                                 "-o",     made,       _i ? "--curves" : NULL,
                                 "tables", NULL};
    write_bytes(path, text, strlen(text));
    setenv("LATHE_SPEC_SECONDS", "15", 1); /* one takes 0.3 s; a sanitizer some times as long */
    struct ending e = run_words(words);
    ck_assert_msg(e.status == 0, "%s", e.err);
}
END_TEST

/* The limits are the environment's to raise, and the message says how. */
START_TEST(limits_can_be_raised)
{
    const char *path = "tests/hostile/table_too_fine_minimax.lua";
    setenv("LATHE_SPEC_SECONDS", "0.5", 1);
    ck_assert_str_eq(refusal(true, path, NULL), arena_printf(arena,
                                                             "%s: this spec takes more than 0.5 s "
                                                             "(LATHE_SPEC_SECONDS=5 allows more)\n",
                                                             path));
    setenv("LATHE_SPEC_SECONDS", "20", 1);
    setenv("LATHE_SPEC_MEGABYTES", "64", 1);
    if (measured)
        ck_assert_str_eq(refusal(true, path, NULL),
                         arena_printf(arena,
                                      "%s: this spec takes more than 64 MB "
                                      "(LATHE_SPEC_MEGABYTES=640 allows more)\n",
                                      path));
}
END_TEST

/* ---- files outside of the spec's folder ---- */

/* What a spec that takes "fit 'x'" is told where fits/x.lua beside it is not right. */
static void expect_fit(const char *what)
{
    const char *path = below("net.lua"), *file = below("fits/x.lua");
    const char *message = arena_printf(arena, what, file);
    write_bytes(path, "local f = fit 'x'\n", 18);
    ck_assert_str_eq(refusal(true, path, NULL),
                     arena_printf(arena, "%s:1: fit 'x': %s\n", path, message));
}

/* A fit that is a link, in a folder that is a link, a pipe: none is read, and none is waited for.
 */
START_TEST(links_are_not_followed)
{
    static const char fit[] = "return { L = 'secret' }\n";
    const char *fits = below("fits"), *file = below("fits/x.lua");
    ck_assert_int_eq(mkdir(in_root("other"), 0777), 0);
    write_bytes(in_root("other/x.lua"), fit, sizeof fit - 1);
    expect_fit("there is no file %s");
    ck_assert_int_eq(symlink("other", fits), 0);
    expect_fit("%s is a link, or below one");
    ck_assert_int_eq(unlink(fits), 0);
    ck_assert_int_eq(mkdir(fits, 0777), 0);
    ck_assert_int_eq(symlink("../other/x.lua", file), 0);
    expect_fit("%s is a link, or below one");
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_int_eq(mkfifo(file, 0666), 0);
    expect_fit("cannot read %s: not a plain file");
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_int_eq(mkdir(file, 0777), 0);
    expect_fit("cannot read %s: not a plain file");
}
END_TEST

/* ---- what reaches the generated C ---- */

static const char xor [] = "return network { %s linear(2), tanh(), linear(1), loss = mse(),\n"
                           "  data = points('xor'), train = { batch = 4, epochs = 1, optimizer = "
                           "sgd(), lr = 0.1 } }\n";

/* Nothing that PATTERN matches has TEXT in it. */
static void assert_nowhere(const char *pattern, const char *text)
{
    glob_t found;
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        size_t length;
        const char *content = read_file(arena, found.gl_pathv[i], &length);
        ck_assert_msg(!strstr(content, text), "%s: has %s", found.gl_pathv[i], text);
    }
    globfree(&found);
}

/* A file's name goes into comments and a string: whatever it holds, the programs are built, from
 * the same lines, and the weights that train writes have the name as it is. */
START_TEST(file_names_are_escaped)
{
    static const char odd[] =
        "/od\"d\" \\ ?"
        "?= ?"
        "?< %s%n $x $(touch made/spilled) `touch made/spilled` @ ' # \xc3\xa9\n"
        "spilled:\n\ttouch spilled\n#error spilled\t\\.lua";
    static const char in_json[] = "from od\\\"d\\\" \\\\ ?"
                                  "?= ?"
                                  "?< %s%n $x $(touch made";
    const char *path = arena_printf(arena, "%s%s", root, odd);
    for (char *c = strchr(path + strlen(root) + 1, '/'); c; c = strchr(c, '/'))
        *c = '-'; /* a name holds no slash */
    const char *spec = arena_printf(arena, xor, "name = \"plain\",");
    write_bytes(path, spec, strlen(spec));
    struct ending e = run_lathe(true, path, NULL);
    ck_assert_msg(e.status == 0, "%s", e.err);
    assert_nowhere(in_root("made/Makefile"), "spilled");
    const char *script = arena_printf(
        arena,
        "cd '%s/made' && for f in *.c; do cc -std=gnu11 -trigraphs -fopenmp -Wall -Wextra -Werror "
        "-fsyntax-only -Iruntime $f || exit 1; done && make -s CFLAGS=-O1 train 2>&1 && "
        "./train --save w.st > out.txt && grep -aq 'result: ' out.txt && ! ls | grep spilled",
        root);
    const char *const shell[] = {"/bin/sh", "-c", script, NULL};
    e = run_words(shell);
    size_t length;
    ck_assert_msg(e.status == 0, "status %d: %s%s", e.status, e.err,
                  read_file(arena, in_root("stdout.txt"), &length));
    const char *weights = read_file(arena, in_root("made/w.st"), &length);
    const char *wanted = arena_copy(arena, in_json);
    for (char *c = strchr(wanted, '/'); c; c = strchr(c, '/'))
        *c = '-';
    ck_assert_msg(memmem(weights, length, wanted, strlen(wanted)), "not in the weights' header: %s",
                  wanted);
}
END_TEST

/* Without a name, a file's is the network's: nothing but an identifier will do. */
START_TEST(file_names_are_no_identifiers)
{
    static const char *const names[] = {"a b", "$(id)", "a\nb", "-x",   ";",    "a\"b",
                                        "a\\", "",      "#",    "1x",   "a.b",  "\xc3\xa9",
                                        "a'b", "%s",    "int",  "main", "lathe"};
    const char *path = arena_printf(arena, "%s/%s.lua", root, names[_i]);
    const char *spec = arena_printf(arena, xor, "");
    write_bytes(path, spec, strlen(spec));
    const char *line = refusal(true, path, NULL);
    ck_assert_msg(strstr(line, "network: without a name, that of the file, must "), "%s", line);
}
END_TEST

/* An option's value may be anything, and is nowhere but in the digest. */
START_TEST(values_of_options_are_not_printed)
{
    const char *path = below("net.lua");
    const char *spec = arena_printf(arena, xor, "");
    struct text text = {0};
    text_printf(&text, "local o = options { note = 'x' }\n%s", spec);
    write_bytes(path, text.data, text.length);
    text_free(&text);
    struct ending e = run_lathe(true, path,
                                "note=spilled */ \" \\ ?"
                                "?/\n#error spilled $(id) %s");
    ck_assert_msg(e.status == 0, "%s", e.err);
    assert_nowhere(in_root("made/*.[ch]"), "spilled");
    assert_nowhere(in_root("made/Makefile"), "spilled");
}
END_TEST

Suite *hostile_suite(void);

Suite *hostile_suite(void)
{
    Suite *suite = suite_create("hostile");
    TCase *tests = tcase_create("hostile");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    hostile_count = scandir("tests/hostile", &hostile, is_spec, alphasort);
    tcase_add_test(tests, there_are_fifty);
    if (hostile_count > 0)
        tcase_add_loop_test(tests, hostile_specs_are_refused, 0, hostile_count);
    tcase_add_loop_test(tests, odd_texts_are_refused, 0, (int)(sizeof texts / sizeof *texts));
    tcase_add_test(tests, bytes_are_no_bytecode);
    tcase_add_test(tests, a_spec_of_gigabytes_is_not_read);
    if (measured)
        tcase_add_test(tests, tables_are_bounded);
    tcase_add_loop_test(tests, equal_curves_are_tabulated_once, 0, 2);
    tcase_add_test(tests, limits_can_be_raised);
    tcase_add_test(tests, links_are_not_followed);
    tcase_add_test(tests, file_names_are_escaped);
    tcase_add_loop_test(tests, file_names_are_no_identifiers, 0, 17);
    tcase_add_test(tests, values_of_options_are_not_printed);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(hostile_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    for (int i = 0; i < hostile_count; i++)
        free(hostile[i]);
    free(hostile);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
