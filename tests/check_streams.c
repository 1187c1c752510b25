/*
 * check_streams: kernels of narrow groups, of planar images, of strides and of Winograd's method
 * compute what the interpreter does, where outputs are streamed past the caches and where they are
 * not, with the same bits on any number of threads.
 */
#include "../gen/build.h"
#include "../gen/cc.h"
#include "../gen/spec.h"
#include "../gen/verify.h"
#include "kernels.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *spec, *kernel; /* a template, or a flag of it, */
    int least;                 /* that so many calls have */
    const char *isa;
    int batch;
    bool streams; /* samples of 16 x 64 x 64 pixels are 0.26 MB, of 32 x 50 x 47 0.3 MB */
} cases[] = {
    {"tests/num/grouped.lua", "narrow", 10, "avx512", 65, true},
    {"tests/num/grouped.lua", "narrow", 10, "avx2", 65, true},
    {"tests/num/grouped.lua", "narrow", 10, "avx512", 3, false},
    {"tests/num/grouped.lua", "narrow", 10, "portable", 3, false},
    {"tests/num/planar.lua", "conv_weights_planar.c.t", 1, "avx512", 33, true},
    {"tests/num/planar.lua", "conv_weights_planar.c.t", 1, "avx512", 3, false},
    {"tests/num/planar.lua", "winograd.c.t", 4, "avx2", 33, true},
    {"tests/num/stride.lua", "streams_zeros", 2, "avx512", 17, false},
    {"tests/num/stride.lua", "stride.c.t", 2, "avx2", 3, false},
};
enum { CASES = sizeof cases / sizeof *cases };

/* Calls of the template NAME, or with a flag of that name. */
static int count_calls(const struct program *program, const char *name)
{
    int count = 0;
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        count += strcmp(call->template_name, name) == 0;
        for (int k = 0; k < call->arguments->fields.count; k++) {
            const struct field *field = &call->arguments->fields.items[k];
            count += field->name && strcmp(field->name, name) == 0 && field->flag;
        }
    }
    return count;
}

/* What the kernels of the file PATH stream, or the tiles before them, is fenced before they end: a
 * missing fence does not show in results on x86. Returns how many there are. */
static int check_fences(const char *path)
{
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    char line[512];
    bool in_kernel = false, open = false;
    int fences = 0;
    while (fgets(line, sizeof line, file)) {
        in_kernel |= !strncmp(line, "void ", 5) || !strncmp(line, "static void ", 12);
        open |= strstr(line, "lathe_stream(") != NULL;
        if (strstr(line, "lathe_streamed(")) {
            fences += open;
            open = false;
        }
        if (line[0] != '}')
            continue;
        ck_assert_msg(!in_kernel || !open, "%s: a kernel streams without a fence", path);
        in_kernel = false;
    }
    fclose(file);
    return fences;
}

/* Of all files of FOLDER. */
static int check_folder(const char *folder)
{
    char pattern[64];
    glob_t files;
    int fences = 0;
    snprintf(pattern, sizeof pattern, "%s/*.c", folder);
    ck_assert_int_eq(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        fences += check_fences(files.gl_pathv[i]);
    globfree(&files);
    return fences;
}

START_TEST(kernels_are_right)
{
    if (!runs_here(cases[_i].isa))
        return;
    char folder[] = "/tmp/lathe-streams-XXXXXX";
    struct arena *arena = arena_new();
    int batch = cases[_i].batch;
    struct build_options options = {.isa = isa_find(cases[_i].isa),
                                    .batch = batch,
                                    .infer_batch = batch,
                                    .cc = "cc",
                                    .verify = true};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    struct network *network = spec_read(arena, cases[_i].spec, NULL, 0);
    const struct lathe_model *generated = build_and_load(arena, network, &options, folder);
    const struct program *program = build_program(arena, network, &options, true);
    ck_assert_int_ge(count_calls(program, cases[_i].kernel), cases[_i].least);
    ck_assert_int_eq(count_calls(program, "streams") > 0, cases[_i].streams);
    bool streams = cases[_i].streams || count_calls(program, "streams_zeros") > 0;
    ck_assert_int_eq(check_folder(folder) > 0, streams);
    struct text out = {0};
    const struct verify_options verify = {.seed = 1, .batch = batch, .entries = 8};
    ck_assert_msg(verify_generated(network->graph, generated, &verify, &out), "%s:\n%s",
                  cases[_i].isa, out.data);
    check_threads(arena, generated, batch, (int[]){1, 3}, 2);
    const char *const removal[] = {"rm", "-rf", folder, NULL};
    run_program(removal, "/", &out);
    text_free(&out);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("streams");
    TCase *tests = tcase_create("streams");
    tcase_add_loop_test(tests, kernels_are_right, 0, CASES);
    tcase_set_timeout(tests, 300);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
