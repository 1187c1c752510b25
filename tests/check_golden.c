/*
 * The text of what lathe generates: small networks byte for byte as in tests/golden/NAME.ISA/, many
 * more by their digests, the same bytes twice, no warning, no line over 100 columns. LATHE_BLESS=1
 * takes what is generated now as what is expected.
 */
#include "../gen/build.h"
#include "../gen/cc.h"
#include "../gen/sha256.h"
#include "../gen/show.h"
#include "../gen/spec.h"
#include "random_spec.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena *arena;
static char folder[64];

static void set_up(void)
{
    arena = arena_new();
    strcpy(folder, "/tmp/lathe-golden-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void tear_down(void)
{
    const char *const removal[] = {"rm", "-rf", folder, NULL};
    struct text output = {0};
    run_program(removal, "/", &output);
    text_free(&output);
    arena_free(arena);
}

/* ---- generating ---- */

/* The C of SPEC for ISA, in a folder of that name below `folder`; PART_BYTES and METHOD: of
 * build_options. Returns the folder. */
static const char *generate_with(const char *spec, const char *isa, const char *below,
                                 size_t part_bytes, enum conv_method method)
{
    const struct build_options options = {.isa = isa_find(isa),
                                          .infer_batch = 4,
                                          .cc = "cc",
                                          .part_bytes = part_bytes,
                                          .method = method};
    const char *path = arena_printf(arena, "%s/%s", folder, below);
    build_sources(arena, spec_read(arena, spec, NULL, 0), &options, path);
    return path;
}

static const char *generate_parts(const char *spec, const char *isa, const char *below,
                                  size_t part_bytes)
{
    return generate_with(spec, isa, below, part_bytes, CONV_BY_COST);
}

static const char *generate(const char *spec, const char *isa, const char *below)
{
    return generate_parts(spec, isa, below, 0);
}

/* "NAME" of "folder/NAME.lua". */
static const char *name_of(const char *spec)
{
    const char *slash = strrchr(spec, '/');
    char *name = arena_copy(arena, slash ? slash + 1 : spec);
    name[strlen(name) - strlen(".lua")] = '\0';
    return name;
}

/* Files or folders that match PATTERN, in order; at least one. */
static int list(const char *pattern, char ***paths)
{
    static glob_t found;
    globfree(&found);
    ck_assert_msg(glob(pattern, 0, NULL, &found) == 0, "%s: nothing there", pattern);
    *paths = found.gl_pathv;
    return (int)found.gl_pathc;
}

/* ---- byte for byte ---- */

static const struct {
    const char *name, *isa;
    enum conv_method method;
} goldens[] = {{"dense", "portable", CONV_BY_COST}, {"dense", "avx512", CONV_BY_COST},
               {"block", "portable", CONV_BY_COST}, {"block", "avx512", CONV_BY_COST},
               {"paths", "avx512", CONV_BY_COST},   {"winograd", "avx2", CONV_WINOGRAD},
               {"samples", "avx512", CONV_SAMPLES}, {"lanes", "avx512", CONV_LANES},
               {"rare", "avx512", CONV_BY_COST},    {"curves", "portable", CONV_BY_COST},
               {"curves", "avx512", CONV_BY_COST},  {"groups", "avx512", CONV_BY_COST},
               {"folded", "avx512", CONV_WINOGRAD}, {"forks", "avx512", CONV_BY_COST}};
enum { GOLDENS = sizeof goldens / sizeof *goldens };

/* The line of A in which B first differs. */
static int first_difference(const char *a, const char *b)
{
    int line = 1;
    for (; *a && *a == *b; a++, b++)
        line += *a == '\n';
    return line;
}

static void compare_file(const char *made, const char *expected)
{
    size_t length, wanted;
    const char *text = read_file(arena, made, &length);
    if (getenv("LATHE_BLESS")) {
        if (write_file(expected, text, length))
            printf("blessed %s\n", expected);
        return;
    }
    ck_assert_msg(access(expected, R_OK) == 0, "%s is missing: make bless", expected);
    const char *before = read_file(arena, expected, &wanted);
    ck_assert_msg(length == wanted && memcmp(text, before, length) == 0,
                  "%s:%d: not what lathe generates now; make bless, if that is meant", expected,
                  first_difference(before, text));
}

START_TEST(generated_is_golden)
{
    static const char *const files[] = {"%s/%s.h", "%s/%s_model.c", "%s/%s_infer.c",
                                        "%s/%s_train.c"};
    const char *name = goldens[_i].name;
    const char *spec = arena_printf(arena, "tests/golden/%s.lua", name);
    const char *expected = arena_printf(arena, "tests/golden/%s.%s", name, goldens[_i].isa);
    const char *made = generate_with(spec, goldens[_i].isa, "made", 1 << 20, goldens[_i].method);
    if (getenv("LATHE_BLESS"))
        make_folder(expected);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[2][256];
        snprintf(path[0], sizeof path[0], files[i], made, name);
        snprintf(path[1], sizeof path[1], files[i], expected, name);
        compare_file(path[0], path[1]);
    }
    compare_file(arena_printf(arena, "%s/Makefile", made),
                 arena_printf(arena, "%s/Makefile", expected));
}
END_TEST

/* ---- by digest: which networks a change of lathe reaches ---- */

enum { DRAWN = 60 };
static const char digests[] = "tests/golden/digests.txt";

/* Add "LABEL DIGEST", of the network of SPEC as OPTIONS have it, to OUT. */
static void add_digest(const char *label, const char *spec, const struct build_options *options,
                       struct text *out)
{
    struct arena *own = arena_new();
    char digest[65];
    build_digest(own, spec_read(own, spec, NULL, 0), options, digest);
    text_printf(out, "%s %.16s\n", label, digest);
    arena_free(own);
}

/* Add what `lathe show --json` says of SPEC: shapes, parameters, costs, predictions. */
static void add_shown(const char *spec, struct text *out)
{
    const struct build_options options = {
        .isa = isa_find("avx512"), .infer_batch = 1, .batch = 16, .cc = "cc"};
    const struct show_options show = {.json = true, .peak = 100, .bandwidth = 10};
    struct arena *own = arena_new();
    struct text shown = {0};
    struct sha256 hash;
    char digest[65];
    show_network(own, spec_read(own, spec, NULL, 0), &options, &show, &shown);
    sha256_begin(&hash);
    sha256_add(&hash, shown.data, shown.length);
    sha256_end(&hash, digest);
    text_printf(out, "%s shown %.16s\n", spec, digest);
    text_free(&shown);
    arena_free(own);
}

/* All networks that match PATTERN, on three instruction sets. */
static void add_networks(const char *pattern, struct text *out)
{
    static const char *const isas[] = {"avx512", "avx2", "portable"};
    char **found;
    int count = list(pattern, &found);
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < 3; k++) {
            const struct build_options options = {.isa = isa_find(isas[k]), .cc = "cc"};
            add_digest(arena_printf(arena, "%s %s", found[i], isas[k]), found[i], &options, out);
        }
        add_shown(found[i], out);
    }
}

/* A network whose curves are read or trained instead of compiled in. */
static void add_loosened(struct text *out)
{
    static const char *const names[] = {"fixed", "tables", "learned", "tied"};
    for (int curves = CURVES_TABLES; curves <= CURVES_TIED; curves++) {
        const struct build_options options = {
            .isa = isa_find("avx512"), .curves = (enum curves)curves, .cc = "cc"};
        add_digest(arena_printf(arena, "specs/resnet9.lua avx512 %s", names[curves]),
                   "specs/resnet9.lua", &options, out);
    }
}

/* Random networks: their choices and shapes are others than people's. */
static void add_drawn(struct text *out)
{
    static const char *const isas[] = {"avx512", "avx2", "portable"};
    for (int seed = 1; seed <= DRAWN; seed++) {
        struct draw draw = {.seed = (uint64_t)seed};
        struct text spec = random_spec(&draw, false);
        const char *path = arena_printf(arena, "%s/drawn.lua", folder);
        const struct build_options options = {.isa = isa_find(isas[seed % 3]),
                                              .batch = batch_of(spec.data),
                                              .infer_batch = 1 + seed % 4,
                                              .method = (enum conv_method)(seed % 5),
                                              .verify = seed % 7 == 0,
                                              .cc = "cc"};
        write_file(path, spec.data, spec.length);
        add_digest(arena_printf(arena, "drawn %d %s", seed, isas[seed % 3]), path, &options, out);
        text_free(&spec);
    }
}

/* The labels of MADE's lines that EXPECTED has not, to stdout; how many. */
static int report_changed(const char *made, const char *expected)
{
    int count = 0;
    for (const char *line = made; *line; line += strcspn(line, "\n") + 1) {
        char *copy = arena_printf(arena, "%.*s\n", (int)strcspn(line, "\n"), line);
        if (strstr(expected, copy))
            continue;
        *strrchr(copy, ' ') = '\0';
        printf("other than before: %s\n", copy);
        fflush(stdout);
        count++;
    }
    return count;
}

/* Every choice of every pass stands in some network's C: that no choice changes unseen. */
START_TEST(digests_are_as_before)
{
    struct text made = {0};
    size_t length;
    add_networks("specs/*.lua", &made);
    add_networks("tests/num/*.lua", &made);
    add_networks("tests/golden/*.lua", &made);
    add_loosened(&made);
    add_drawn(&made);
    if (getenv("LATHE_BLESS")) {
        if (write_file(digests, made.data, made.length))
            printf("blessed %s\n", digests);
    } else {
        const char *expected = read_file(arena, digests, &length);
        ck_assert_msg(strcmp(made.data, expected) == 0,
                      "%s: %d lines are other than before; make bless, if that is meant", digests,
                      report_changed(made.data, expected));
    }
    text_free(&made);
}
END_TEST

START_TEST(twice_the_same_bytes)
{
    char **specs;
    int count = list("specs/*.lua", &specs);
    for (int i = 0; i < count; i++) {
        const char *name = name_of(specs[i]);
        struct text output = {0};
        const char *const compare[] = {
            "diff", "-r", generate(specs[i], "avx2", arena_printf(arena, "one/%s", name)),
            generate(specs[i], "avx2", arena_printf(arena, "two/%s", name)), NULL};
        ck_assert_msg(run_program(compare, ".", &output) == 0, "%s: %.300s", specs[i], output.data);
        text_free(&output);
    }
}
END_TEST

/* ---- kernels in files of their own ---- */

enum { FLOATS = 1 << 16 };

/* One training step of tests/golden/block.lua: its gradients, and how many there are. */
static size_t gradients(const char *below, size_t part_bytes, float *to)
{
    const struct build_options options = {
        .isa = isa_find("portable"), .infer_batch = 4, .cc = "cc", .part_bytes = part_bytes};
    struct network *network = spec_read(arena, "tests/golden/block.lua", NULL, 0);
    const struct lathe_model *model =
        build_and_load(arena, network, &options, arena_printf(arena, "%s/%s", folder, below));
    float *input = arena_array(arena, FLOATS, float);
    int32_t labels[4] = {1, 2, 3, 4};
    const struct lathe_batch batch = {.input = input, .labels = labels, .count = 4};
    struct lathe_step_result result;
    char *memory = lathe_alloc(model->train_arena_bytes, 1);
    for (int i = 0; i < FLOATS; i++)
        input[i] = (float)(i * 37 % 101) / 50 - 1;
    lathe_initialise_all(model, 1, (float *)(void *)(memory + model->state_offset));
    model->step(model, &batch, 1, 0, &result, memory);
    ck_assert_uint_le(model->trainable_floats, FLOATS);
    memcpy(to, memory + model->gradient_offset, model->trainable_floats * sizeof *to);
    free(memory);
    return model->trainable_floats;
}

START_TEST(kernels_in_many_files_compute_the_same)
{
    static float together[FLOATS], spread[FLOATS];
    char **files;
    size_t count = gradients("together", 0, together);
    ck_assert_uint_eq(gradients("spread", 4000, spread), count);
    ck_assert_mem_eq(together, spread, count * sizeof *spread);
    ck_assert_int_gt(list(arena_printf(arena, "%s/spread/*_kernels*.c", folder), &files), 3);
    ck_assert_int_ne(
        access(arena_printf(arena, "%s/together/block_train_kernels1.c", folder), F_OK), 0);
}
END_TEST

/* ---- form ---- */

static void check_width(const char *path)
{
    size_t length;
    int number = 1;
    for (const char *line = read_file(arena, path, &length); *line; number++) {
        size_t columns = strcspn(line, "\n");
        ck_assert_msg(columns <= 100, "%s:%d: %zu columns: %.*s", path, number, columns,
                      (int)columns, line);
        line += columns + (line[columns] == '\n');
    }
}

/* Of all that lathe wrote; runtime/ is no generated code. */
static void check_widths(const char *spec, const char *isa)
{
    char **files;
    const char *made = generate(spec, isa, arena_printf(arena, "%s.%s", name_of(spec), isa));
    int count = list(arena_printf(arena, "%s/*.[ch]", made), &files);
    ck_assert_int_ge(count, 3);
    for (int i = 0; i < count; i++)
        check_width(files[i]);
}

START_TEST(lines_fit_100_columns)
{
    static const char *const places[] = {"specs/*.lua", "tests/golden/*.lua"};
    static const char *const isas[] = {"avx512", "avx2", "neon", "portable"};
    for (int p = 0; p < 2; p++) {
        char **found;
        int count = list(places[p], &found);
        const char **specs = arena_array(arena, (size_t)count, const char *);
        for (int i = 0; i < count; i++)
            specs[i] = arena_copy(arena, found[i]);
        for (int i = 0; i < count; i++)
            check_widths(specs[i], isas[i % 4]);
    }
}
END_TEST

START_TEST(long_names_fit_too)
{
    static const char spec[] =
        "return network { input = image(3, 9, 9), residual { name = 'the_first_residual_of_all',\n"
        "  conv(3, 3, { name = 'convolution_of_the_residual' }), batchnorm { name = 'its_norm' } "
        "},\n"
        "  flatten(), linear(7, { name = 'what_comes_out_of_it' }), loss = cross_entropy() }\n";
    const char *path = arena_printf(arena, "%s/a_network_with_rather_a_long_name.lua", folder);
    write_file(path, spec, strlen(spec));
    check_widths(path, "portable");
}
END_TEST

/* ---- warnings ---- */

/* Compile every C file of MADE for ISA with COMPILER and its flag HOW; any warning is a failure. */
static void compile(const char *compiler, const char *how, const char *isa, const char *made)
{
    struct text output = {0};
    const char *command = arena_printf(
        arena,
        "for file in *.c; do %s -std=gnu11 -fopenmp %s %s -fno-math-errno -fno-trapping-math "
        "-ffp-contract=fast -Wall -Wextra -Werror -Iruntime -c $file -o /dev/null || exit 1; done",
        compiler, how, isa_find(isa)->flags);
    const char *const shell[] = {"sh", "-c", command, NULL};
    ck_assert_msg(run_program(shell, made, &output) == 0, "%s, %s: %.600s", compiler, isa,
                  output.data);
    text_free(&output);
}

/* Kernels that dense, block and paths have not: read, but not made code of. */
static void compile_others(const char *compiler)
{
    static const char *const specs[] = {"tests/num/grouped.lua", "tests/num/lanes.lua",
                                        "tests/num/loose.lua", "tests/num/samples.lua",
                                        "tests/golden/rare.lua"};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        compile(compiler, "-fsyntax-only", "native",
                generate(specs[i], "native", name_of(specs[i])));
}

/* The golden networks, HOW: with the warnings of the optimizer or without. */
static void compile_everything(const char *compiler, const char *how)
{
    static const char *const isas[] = {"avx512", "avx2", "portable"};
    bool x86 = isa_find("native") != isa_find("neon");
    for (int i = 0; i < GOLDENS && goldens[i].method == CONV_BY_COST; i += 2)
        for (int k = 0; k < 3; k++) {
            const char *isa = x86 ? isas[k] : "neon";
            const char *spec = arena_printf(arena, "tests/golden/%s.lua", goldens[i].name);
            size_t part_bytes = k == 1 ? 20000 : 0; /* kernels in several files */
            compile(compiler, how, isa,
                    generate_parts(spec, isa, arena_printf(arena, "%s.%s", goldens[i].name, isa),
                                   part_bytes));
        }
    compile_others(compiler);
}

START_TEST(gcc_has_no_warning)
{
    compile_everything("cc", "-O2");
}
END_TEST

/* What clang's optimizer has to say, check_random hears. */
START_TEST(clang_has_no_warning)
{
    if (system("command -v clang > /dev/null") != 0)
        puts("skipped: no clang here");
    else
        compile_everything("clang", "-fsyntax-only");
}
END_TEST

Suite *golden_suite(void);

Suite *golden_suite(void)
{
    Suite *suite = suite_create("golden");
    TCase *bytes = tcase_create("bytes"), *tests = tcase_create("golden");
    tcase_add_checked_fixture(bytes, set_up, tear_down);
    tcase_add_loop_test(bytes, generated_is_golden, 0, GOLDENS);
    tcase_add_test(bytes, digests_are_as_before);
    tcase_set_timeout(bytes, 60);
    suite_add_tcase(suite, bytes);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 300);
    if (!getenv("LATHE_BLESS")) {
        tcase_add_test(tests, twice_the_same_bytes);
        tcase_add_test(tests, kernels_in_many_files_compute_the_same);
        tcase_add_test(tests, lines_fit_100_columns);
        tcase_add_test(tests, long_names_fit_too);
        tcase_add_test(tests, gcc_has_no_warning);
        tcase_add_test(tests, clang_has_no_warning);
    }
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(golden_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
