/*
 * The threads of a parallel region: they meet, see what each has written before, and leave a
 * processor that two of them are on, without a lasting change to those that they may use.
 *
 * Regions are in the children that Check forks, never in the process that forks.
 */
#define _GNU_SOURCE
#include <check.h>
#include <omp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "../runtime/thread.h"

Suite *thread_suite(void);

enum { THREADS = 4, MEETINGS = 2000 };

START_TEST(what_was_written_before_is_seen)
{
    static struct lathe_team team;
    static int count[THREADS];
    int wrong = 0;
    for (int region = 0; region < 3; region++) {
#pragma omp parallel num_threads(_i) reduction(+ : wrong)
        {
            int own = lathe_thread();
            lathe_begin(&team);
            for (int i = 0; i < MEETINGS; i++) {
                count[own]++;
                lathe_meet();
                for (int k = 0; k < lathe_threads(); k++)
                    wrong += count[k] != region * MEETINGS + i + 1;
                lathe_meet();
            }
        }
    }
    ck_assert_int_eq(wrong, 0);
    for (int k = 0; k < _i; k++)
        ck_assert_int_eq(count[k], 3 * MEETINGS);
}
END_TEST

#if defined(__linux__)

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Keep the calling thread's processor busy for MILLISECONDS. */
static void work(double milliseconds)
{
    for (double end = seconds() + 1e-3 * milliseconds; seconds() < end;)
        continue;
}

/* The first COUNT of the processors in SET. */
static cpu_set_t first_of(const cpu_set_t *set, int count)
{
    cpu_set_t first;
    CPU_ZERO(&first);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&first) < count; i++)
        if (CPU_ISSET(i, set))
            CPU_SET(i, &first);
    return first;
}

/* Two threads begin on one processor, may use _i of them, and meet until they were seen apart (or
 * ten seconds have passed): they can be if there are two. */
START_TEST(threads_part_where_they_can)
{
    cpu_set_t all;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    if (CPU_COUNT(&all) < _i)
        return;
    cpu_set_t one = first_of(&all, 1), some = first_of(&all, _i);
    struct lathe_team team = {0};
    int processor[2] = {0}, changed = 0;
    bool apart = false, over = false;
#pragma omp parallel num_threads(2) reduction(+ : changed)
    {
        cpu_set_t left;
        int own = lathe_thread();
        double end = seconds() + (_i > 1 ? 10 : 0.2);
        sched_setaffinity(0, sizeof one, &one);
        sched_setaffinity(0, sizeof some, &some);
        lathe_begin(&team);
        for (int i = 0; !over; i++) {
            work(i % 2 == own ? 2 : 0);
            processor[own] = sched_getcpu();
            lathe_meet();
            if (own == 0) {
                apart = processor[0] != processor[1];
                over = apart || seconds() > end;
            }
            lathe_meet();
        }
        changed += sched_getaffinity(0, sizeof left, &left) != 0 || !CPU_EQUAL(&left, &some);
    }
    ck_assert_int_eq(changed, 0);
    ck_assert_int_eq(apart, _i > 1);
}
END_TEST

#endif

Suite *thread_suite(void)
{
    Suite *suite = suite_create("thread");
    TCase *meetings = tcase_create("meetings");
    tcase_set_timeout(meetings, 60);
    tcase_add_loop_test(meetings, what_was_written_before_is_seen, 1, THREADS + 1);
#if defined(__linux__)
    tcase_add_loop_test(meetings, threads_part_where_they_can, 1, 3);
#endif
    suite_add_tcase(suite, meetings);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(thread_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
