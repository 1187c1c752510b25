/*
 * Starting programs: their status, their output, their folder, and those that are not there.
 */
#include "../gen/cc.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static struct text output;

static void free_output(void)
{
    text_free(&output);
}

static int shell(const char *command, const char *folder)
{
    const char *const arguments[] = {"sh", "-c", command, NULL};
    return run_program(arguments, folder, &output);
}

START_TEST(output_and_errors_come_in_order)
{
    ck_assert_int_eq(shell("echo one; echo two >&2; echo three", "."), 0);
    ck_assert_str_eq(output.data, "one\ntwo\nthree\n");
}
END_TEST

START_TEST(status_is_the_programs)
{
    ck_assert_int_eq(shell("exit 7", "."), 7);
    ck_assert_int_eq(shell("kill -TERM $$", "."), 128 + 15);
}
END_TEST

START_TEST(folder_and_environment)
{
    ck_assert_int_eq(setenv("LATHE_CHECK", "passed on", 1), 0);
    ck_assert_int_eq(shell("pwd; echo $LATHE_CHECK; cat", "/usr"), 0);
    ck_assert_str_eq(output.data, "/usr\npassed on\n");
}
END_TEST

START_TEST(arguments_are_not_a_shells)
{
    const char *const arguments[] = {"printf", "%s|", "$HOME *", "a;b", NULL};
    ck_assert_int_eq(run_program(arguments, ".", &output), 0);
    ck_assert_str_eq(output.data, "$HOME *|a;b|");
}
END_TEST

START_TEST(long_output_is_cut)
{
    ck_assert_int_eq(shell("i=0; while [ $i -lt 3000 ]; do echo 'forty bytes of text, a line of "
                           "them ......'; i=$((i+1)); done",
                           "."),
                     0);
    ck_assert_uint_eq(output.length, 64 * 1024);
}
END_TEST

START_TEST(no_child_is_left)
{
    shell("true", ".");
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

static void run_nothing(void *folder)
{
    const char *const arguments[] = {"no-such-compiler", "-c", NULL};
    run_program(arguments, folder, &output);
}

START_TEST(missing_program_is_named)
{
    struct failure failure;
    ck_assert_int_eq(protected_call(run_nothing, ".", &failure), STATUS_USER);
    ck_assert_str_eq(failure.message, "cannot run no-such-compiler: No such file or directory");
    ck_assert_int_eq(protected_call(run_nothing, "/no/such", &failure), STATUS_USER);
    ck_assert_str_eq(failure.message, "cannot enter /no/such: No such file or directory");
}
END_TEST

Suite *cc_suite(void);

Suite *cc_suite(void)
{
    Suite *suite = suite_create("cc");
    TCase *tests = tcase_create("cc");
    tcase_add_checked_fixture(tests, NULL, free_output);
    tcase_add_test(tests, output_and_errors_come_in_order);
    tcase_add_test(tests, status_is_the_programs);
    tcase_add_test(tests, folder_and_environment);
    tcase_add_test(tests, arguments_are_not_a_shells);
    tcase_add_test(tests, long_output_is_cut);
    tcase_add_test(tests, no_child_is_left);
    tcase_add_test(tests, missing_program_is_named);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(cc_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
