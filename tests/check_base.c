/*
 * check_base: arenas, vectors, text, failing, arithmetic, words and files.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif

#include "../gen/base.h"

#include <check.h>
#undef fail /* check's old name for ck_abort_msg */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *base_suite(void);

/* Under the address sanitizer memory that is not to be had is NULL too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* ---- arenas, vectors, text ---- */

static bool all_zero(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i])
            return false;
    return true;
}

START_TEST(arena_memory_is_aligned_zeroed_and_apart)
{
    struct arena *arena = arena_new();
    char *blocks[600];
    size_t sizes[600];
    for (int i = 0; i < 600; i++) {
        sizes[i] = i % 50 == 49 ? 100000 : (size_t)(i * 37 % 300);
        blocks[i] = arena_array(arena, sizes[i], char);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 64, 0);
        ck_assert(all_zero(blocks[i], sizes[i]));
        memset(blocks[i], i % 255 + 1, sizes[i]);
    }
    for (int i = 0; i < 600; i++)
        for (size_t j = 0; j < sizes[i]; j++)
            ck_assert_int_eq((unsigned char)blocks[i][j], i % 255 + 1);
    arena_free(arena);
    arena_free(NULL);
}
END_TEST

static void allocate_overflow(void *arena)
{
    arena_alloc(arena, SIZE_MAX / 2, 3);
}

static void allocate_too_much(void *arena)
{
    arena_alloc(arena, SIZE_MAX / 2 - 4096, 1);
}

START_TEST(arena_fails_when_memory_is_short)
{
    struct arena *arena = arena_new();
    struct failure failure;
    ck_assert_int_eq(protected_call(allocate_overflow, arena, &failure), STATUS_RESOURCE);
    ck_assert_ptr_nonnull(strstr(failure.message, "out of memory"));
    ck_assert_int_eq(protected_call(allocate_too_much, arena, &failure), STATUS_RESOURCE);
    ck_assert_ptr_nonnull(strstr(failure.message, "out of memory"));
    ck_assert_ptr_nonnull(arena_new_of(arena, int)); /* still of use */
    arena_free(arena);
}
END_TEST

START_TEST(arena_texts)
{
    struct arena *arena = arena_new();
    ck_assert_str_eq(arena_copy(arena, ""), "");
    ck_assert_str_eq(arena_copy(arena, "lathe"), "lathe");
    ck_assert_str_eq(arena_printf(arena, "%s-%d", "a", 12), "a-12");
    ck_assert_uint_eq(strlen(arena_printf(arena, "%0*d", 70000, 7)), 70000);
    arena_free(arena);
}
END_TEST

START_TEST(vector_grows_and_keeps_its_items)
{
    struct arena *arena = arena_new();
    VECTOR(struct where) places = {0};
    for (int i = 0; i < 10000; i++) {
        struct where place = {"net.lua", i};
        vector_push(arena, &places, place);
        ck_assert_int_le(places.count, places.capacity);
    }
    ck_assert_int_eq(places.count, 10000);
    for (int i = 0; i < 10000; i++)
        ck_assert_int_eq(places.items[i].line, i);
    arena_free(arena);
}
END_TEST

START_TEST(text_grows)
{
    struct text text = {0};
    ck_assert_ptr_null(text.data);
    text_add(&text, "", 0);
    ck_assert_str_eq(text.data, "");
    text_add(&text, "a\0b", 3);
    ck_assert_uint_eq(text.length, 3);
    ck_assert_mem_eq(text.data, "a\0b", 4);
    for (int i = 0; i < 5000; i++)
        text_printf(&text, "%04d", i);
    ck_assert_uint_eq(text.length, 3 + 4 * 5000);
    ck_assert_str_eq(text.data + text.length - 8, "49984999");
    text_free(&text);
    ck_assert_ptr_null(text.data);
    text_free(&text);
}
END_TEST

/* ---- failing ---- */

static void fail_with_place(void *unused)
{
    (void)unused;
    fail_at(STATUS_USER, (struct where){"specs/net.lua", 14}, "%s: kernel %d", "conv1", 7);
}

static void fail_with_file(void *unused)
{
    (void)unused;
    fail_at(STATUS_NUMBERS, (struct where){"specs/net.lua", 0}, "no line\nbut a newline");
}

static void fail_long(void *unused)
{
    (void)unused;
    fail(STATUS_USAGE, "%0*d", 5000, 1);
}

static void do_nothing(void *called)
{
    ++*(int *)called;
}

START_TEST(failures_are_caught_with_their_message)
{
    struct failure failure;
    ck_assert_int_eq(protected_call(fail_with_place, NULL, &failure), STATUS_USER);
    ck_assert_int_eq(failure.status, STATUS_USER);
    ck_assert_str_eq(failure.message, "specs/net.lua:14: conv1: kernel 7");
    ck_assert_int_eq(protected_call(fail_with_file, NULL, &failure), STATUS_NUMBERS);
    ck_assert_str_eq(failure.message, "specs/net.lua: no line but a newline");
    ck_assert_int_eq(protected_call(fail_long, NULL, &failure), STATUS_USAGE);
    ck_assert_uint_eq(strlen(failure.message), sizeof failure.message - 1);
    int called = 0;
    ck_assert_int_eq(protected_call(do_nothing, &called, &failure), STATUS_DONE);
    ck_assert_int_eq(called, 1);
    ck_assert_int_eq(failure.status, STATUS_DONE);
    ck_assert_str_eq(failure.message, "");
}
END_TEST

/* Catches a failure of its own, then fails in another way. */
static void catch_and_fail(void *context)
{
    struct failure *inner = context;
    protected_call(fail_with_place, NULL, inner);
    int called = 0;
    struct failure none;
    protected_call(do_nothing, &called, &none);
    fail(STATUS_USAGE, "outer %d", called);
}

START_TEST(protected_calls_nest)
{
    struct failure inner, outer;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(protected_call(catch_and_fail, &inner, &outer), STATUS_USAGE);
        ck_assert_str_eq(outer.message, "outer 1");
        ck_assert_str_eq(inner.message, "specs/net.lua:14: conv1: kernel 7");
    }
}
END_TEST

static void hit_a_bug(void *unused)
{
    (void)unused;
    check_bug(1 + 1 == 3);
}

/* What BODY prints on stderr in a process of its own without handler; its wait status in *status.
 */
static char *run_alone(struct arena *arena, void (*body)(void *), int *status)
{
    char path[] = "/tmp/check_base.XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(descriptor, STDERR_FILENO);
        body(NULL);
        _exit(99);
    }
    ck_assert_int_eq(waitpid(child, status, 0), child);
    close(descriptor);
    size_t length;
    char *printed = read_file(arena, path, &length);
    unlink(path);
    return printed;
}

static void fail_alone(void *unused)
{
    (void)unused;
    fail(STATUS_RESOURCE, "no %s", "disk");
}

START_TEST(failures_without_handler_print_and_exit)
{
    struct arena *arena = arena_new();
    int status;
    ck_assert_str_eq(run_alone(arena, fail_alone, &status), "lathe: no disk\n");
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == STATUS_RESOURCE);
    ck_assert_str_eq(run_alone(arena, fail_with_place, &status),
                     "specs/net.lua:14: conv1: kernel 7\n");
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == STATUS_USER);
    const char *bug_message = run_alone(arena, hit_a_bug, &status);
    ck_assert_int_eq(strncmp(bug_message, "lathe: bug: ", 12), 0);
    ck_assert_ptr_nonnull(strstr(bug_message, "1 + 1 == 3"));
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    arena_free(arena);
}
END_TEST

/* ---- arithmetic and words ---- */

static void multiply_too_much(void *unused)
{
    (void)unused;
    checked_multiply(SIZE_MAX / 2, 3);
}

static void add_too_much(void *unused)
{
    (void)unused;
    checked_add(SIZE_MAX, 1);
}

START_TEST(arithmetic_is_checked)
{
    struct failure failure;
    ck_assert_uint_eq(checked_multiply(1u << 20, 1u << 20), (size_t)1 << 40);
    ck_assert_uint_eq(checked_multiply(SIZE_MAX, 0), 0);
    ck_assert_uint_eq(checked_add(SIZE_MAX - 1, 1), SIZE_MAX);
    ck_assert_int_eq(protected_call(multiply_too_much, NULL, &failure), STATUS_USER);
    ck_assert_ptr_nonnull(strstr(failure.message, "too large"));
    ck_assert_int_eq(protected_call(add_too_much, NULL, &failure), STATUS_USER);
    ck_assert_ptr_nonnull(strstr(failure.message, "too large"));
    ck_assert_int_eq(divide_up(7, 3), 3);
    ck_assert_int_eq(divide_up(6, 3), 2);
    ck_assert_int_eq(round_up(17, 16), 32);
}
END_TEST

START_TEST(nearest_word_is_near)
{
    const char *const words[] = {"conv", "linear", "batchnorm", "maxpool", "relu", "chain", "elu"};
    struct {
        const char *word, *nearest;
    } cases[] = {{"convv", "conv"},     {"conv2d", "conv"}, {"batch_norm", "batchnorm"},
                 {"ReLU", "relu"},      {"chian", "chain"}, {"lineer", "linear"},
                 {"maxpol", "maxpool"}, {"elu", "elu"},     {"transformer", NULL},
                 {"x", NULL},           {"", NULL},         {"poolmax", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *nearest = nearest_word(cases[i].word, words, 7);
        if (cases[i].nearest)
            ck_assert_pstr_eq(nearest, cases[i].nearest);
        else
            ck_assert_msg(!nearest, "%s is not near %s", cases[i].word, nearest);
    }
    char endless[5000];
    memset(endless, 'r', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    const char *const long_words[] = {endless, "relu"};
    ck_assert_ptr_null(nearest_word(endless, words, 7));
    ck_assert_pstr_eq(nearest_word("rely", long_words, 2), "relu");
    ck_assert_ptr_null(nearest_word("conv", NULL, 0));
}
END_TEST

/* ---- files ---- */

static char folder[] = "/tmp/check_base.XXXXXX";
static struct arena *test_arena;

static void make_test_folder(void)
{
    test_arena = arena_new();
    strcpy(folder, "/tmp/check_base.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_test_folder(void)
{
    char command[64];
    arena_free(test_arena);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* FOLDER/NAME, in one of a few buffers that take turns. */
static const char *in_folder(const char *name)
{
    static char paths[4][256];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int count_entries(void)
{
    DIR *listing = opendir(folder);
    int count = -2; /* . and .. */
    while (readdir(listing))
        count++;
    closedir(listing);
    return count;
}

static void assert_holds(const char *path, const char *data, size_t length)
{
    struct arena *arena = arena_new();
    size_t found;
    const char *bytes = read_file(arena, path, &found);
    ck_assert_uint_eq(found, length);
    ck_assert_mem_eq(bytes, data, length);
    ck_assert_int_eq(bytes[length], 0);
    arena_free(arena);
}

START_TEST(files_are_written_only_when_they_change)
{
    const char *path = in_folder("a.c");
    ck_assert(write_file(path, "one\0two", 7));
    assert_holds(path, "one\0two", 7);
    struct stat before, after;
    ck_assert_int_eq(stat(path, &before), 0);
    ck_assert(!write_file(path, "one\0two", 7));
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert(write_file(path, "one\0tw2", 7));
    ck_assert(write_file(path, "", 0));
    ck_assert(!write_file(path, "", 0));
    assert_holds(path, "", 0);
    ck_assert_int_eq(count_entries(), 1);
    mode_t mask = umask(022);
    umask(mask);
    ck_assert_uint_eq(before.st_mode & 0777, 0666 & ~mask);
}
END_TEST

START_TEST(big_files_come_back)
{
    size_t length = (3u << 20) + 17;
    char *data = malloc(length);
    for (size_t i = 0; i < length; i++)
        data[i] = (char)(i * 2654435761u >> 13);
    ck_assert(write_file(in_folder("big"), data, length));
    assert_holds(in_folder("big"), data, length);
    data[length - 1]++;
    ck_assert(write_file(in_folder("big"), data, length));
    ck_assert(!write_file(in_folder("big"), data, length));
    free(data);
}
END_TEST

START_TEST(a_link_stays_a_link)
{
    struct stat about;
    write_file(in_folder("real"), "old", 3);
    ck_assert_int_eq(symlink("real", in_folder("link")), 0);
    ck_assert(write_file(in_folder("link"), "new", 3));
    ck_assert_int_eq(lstat(in_folder("link"), &about), 0);
    ck_assert(S_ISLNK(about.st_mode));
    assert_holds(in_folder("real"), "new", 3);
}
END_TEST

static void write_x(void *path)
{
    write_file(path, "x", 1);
}

static void write_megabyte(void *path)
{
    static char zeros[1 << 20];
    write_file(path, zeros, sizeof zeros);
}

static void read_it(void *path)
{
    size_t length;
    read_file(test_arena, path, &length);
}

static void read_words(void *path)
{
    size_t length;
    read_text_file(test_arena, path, &length);
}

static void make_it(void *path)
{
    make_folder(path);
}

/* BODY(PATH) fails with just the message "BEFORE PATH: AFTER". */
static void assert_fails(void (*body)(void *), const char *path, enum status status,
                         const char *before, const char *after)
{
    struct failure failure;
    char expected[1024];
    snprintf(expected, sizeof expected, "%s %s: %s", before, path, after);
    ck_assert_int_eq(protected_call(body, (void *)path, &failure), status);
    ck_assert_str_eq(failure.message, expected);
}

START_TEST(failed_writes_leave_all_as_it_was)
{
    write_file(in_folder("file"), "kept", 4);
    assert_fails(write_x, in_folder("file/under"), STATUS_RESOURCE, "cannot write",
                 "Not a directory");
    assert_fails(write_x, in_folder("none/under"), STATUS_RESOURCE, "cannot write",
                 "No such file or directory");
    assert_fails(write_x, folder, STATUS_RESOURCE, "cannot write", "Is a directory");
    assert_fails(write_x, "/dev/full", STATUS_RESOURCE, "cannot write", "No space left on device");
    assert_holds(in_folder("file"), "kept", 4);
    ck_assert_int_eq(count_entries(), 1);
}
END_TEST

/* A limit on file sizes stands for a disk that fills up half-way. */
static void write_beyond_limit(void *unused)
{
    (void)unused;
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {1 << 16, 1 << 16};
    setrlimit(RLIMIT_FSIZE, &limit);
    write_megabyte((void *)in_folder("file"));
}

START_TEST(a_disk_that_fills_up_leaves_the_old_file)
{
    struct arena *arena = arena_new();
    int status;
    write_file(in_folder("file"), "kept", 4);
    const char *printed = run_alone(arena, write_beyond_limit, &status);
    ck_assert_ptr_nonnull(strstr(printed, "lathe: cannot write /tmp/"));
    ck_assert_ptr_nonnull(strstr(printed, "/file: File too large\n"));
    ck_assert_int_eq(WEXITSTATUS(status), STATUS_RESOURCE);
    assert_holds(in_folder("file"), "kept", 4);
    ck_assert_int_eq(count_entries(), 1);
    arena_free(arena);
}
END_TEST

static void write_two(void *second)
{
    const struct output outputs[] = {{in_folder("first"), "new", 3}, {second, "new", 3}};
    write_files(outputs, 2);
}

START_TEST(files_take_their_names_together)
{
    write_file(in_folder("first"), "old", 3);
    write_file(in_folder("third"), "same", 4);
    assert_fails(write_two, in_folder("none/under"), STATUS_RESOURCE, "cannot write",
                 "No such file or directory");
    assert_holds(in_folder("first"), "old", 3);
    ck_assert_int_eq(count_entries(), 2);
    make_folder(in_folder("sub"));
    const struct output outputs[] = {{in_folder("first"), "new", 3},
                                     {in_folder("sub/second"), "new", 3},
                                     {in_folder("third"), "same", 4}};
    ck_assert_int_eq(write_files(outputs, 3), 2);
    ck_assert_int_eq(write_files(outputs, 3), 0);
    ck_assert_int_eq(write_files(outputs, 0), 0);
    assert_holds(in_folder("first"), "new", 3);
    assert_holds(in_folder("sub/second"), "new", 3);
    ck_assert_int_eq(count_entries(), 3);
}
END_TEST

START_TEST(devices_are_written_into)
{
    struct stat about;
    ck_assert(write_file("/dev/null", "x", 1));
    ck_assert_int_eq(stat("/dev/null", &about), 0);
    ck_assert(S_ISCHR(about.st_mode));
}
END_TEST

START_TEST(reading_fails_by_name)
{
    write_file(in_folder("file"), "x", 1);
    assert_fails(read_it, in_folder("none"), STATUS_USER, "cannot read",
                 "No such file or directory");
    assert_fails(read_it, in_folder("file/under"), STATUS_USER, "cannot read", "Not a directory");
}
END_TEST

/* Nothing waits for a pipe or reads without end; a file of holes takes no memory. */
START_TEST(plain_files_alone_are_read)
{
    assert_fails(read_it, folder, STATUS_USER, "cannot read", "not a plain file");
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    assert_fails(read_it, in_folder("pipe"), STATUS_USER, "cannot read", "not a plain file");
    ck_assert_int_eq(symlink("pipe", in_folder("link")), 0);
    assert_fails(read_it, in_folder("link"), STATUS_USER, "cannot read", "not a plain file");
    assert_fails(read_it, "/dev/zero", STATUS_USER, "cannot read", "not a plain file");
    write_file(in_folder("holes"), "x", 1);
    ck_assert_int_eq(truncate(in_folder("holes"), (off_t)1 << 40), 0);
    assert_fails(read_words, in_folder("holes"), STATUS_USER, "cannot read",
                 "1099511627776 bytes, at most 67108864 are read");
    write_file(in_folder("nul"), "a\0b", 3);
    assert_fails(read_words, in_folder("nul"), STATUS_USER, "cannot read",
                 "it holds a NUL, as no text does");
}
END_TEST

START_TEST(folders_are_made_with_their_parents)
{
    struct stat about;
    const char *const paths[] = {"a/b/c", "a/b/c", "a//b/d/", "a/b/../e/x"};
    for (int i = 0; i < 4; i++) {
        make_folder(in_folder(paths[i]));
        ck_assert_int_eq(stat(in_folder(paths[i]), &about), 0);
        ck_assert(S_ISDIR(about.st_mode));
    }
    make_folder("/");
    make_folder(".");
    ck_assert_int_eq(chdir(folder), 0);
    make_folder("x");
    make_folder("y/z");
    ck_assert_int_eq(stat(in_folder("y/z"), &about), 0);
    ck_assert_int_eq(stat(in_folder("x"), &about), 0);
    ck_assert_int_eq(chdir("/"), 0);
    write_file(in_folder("file"), "x", 1);
    assert_fails(make_it, in_folder("file"), STATUS_RESOURCE, "cannot make folder",
                 "Not a directory");
    assert_fails(make_it, in_folder("file/b"), STATUS_RESOURCE, "cannot make folder",
                 "Not a directory");
}
END_TEST

Suite *base_suite(void)
{
    Suite *suite = suite_create("base");
    TCase *memory = tcase_create("memory");
    tcase_add_test(memory, arena_memory_is_aligned_zeroed_and_apart);
    tcase_add_test(memory, arena_fails_when_memory_is_short);
    tcase_add_test(memory, arena_texts);
    tcase_add_test(memory, vector_grows_and_keeps_its_items);
    tcase_add_test(memory, text_grows);
    suite_add_tcase(suite, memory);
    TCase *failing = tcase_create("failing");
    tcase_add_test(failing, failures_are_caught_with_their_message);
    tcase_add_test(failing, protected_calls_nest);
    tcase_add_test(failing, failures_without_handler_print_and_exit);
    tcase_add_test(failing, arithmetic_is_checked);
    tcase_add_test(failing, nearest_word_is_near);
    suite_add_tcase(suite, failing);
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, make_test_folder, remove_test_folder);
    tcase_add_test(files, files_are_written_only_when_they_change);
    tcase_add_test(files, big_files_come_back);
    tcase_add_test(files, a_link_stays_a_link);
    tcase_add_test(files, failed_writes_leave_all_as_it_was);
    tcase_add_test(files, a_disk_that_fills_up_leaves_the_old_file);
    tcase_add_test(files, files_take_their_names_together);
    tcase_add_test(files, devices_are_written_into);
    tcase_add_test(files, reading_fails_by_name);
    tcase_add_test(files, plain_files_alone_are_read);
    tcase_add_test(files, folders_are_made_with_their_parents);
    suite_add_tcase(suite, files);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(base_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
