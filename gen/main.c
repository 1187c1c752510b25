/*
 * lathe: neural-network specs to C. Each command is one function; each calls the passes in order.
 */
#include "build.h"
#include "command.h"
#include "compare.h"
#include "curve.h"
#include "fit.h"
#include "interp.h"
#include "passes.h"
#include "report.h"
#include "show.h"
#include "sweep.h"
#include "verify.h"
#include "../runtime/lathe.h"
#include "../runtime/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int command_build(struct command *c)
{
    struct network *network = command_network(c);
    const char *folder = command_folder(c, network);
    if (!c->emit_only)
        check_compiler(&c->build);
    build_sources(c->arena, network, &c->build, folder);
    if (!c->emit_only)
        build_programs(&c->build, folder, NULL);
    printf("%s: %s\n", folder,
           c->emit_only           ? "written; make there builds the programs"
           : network->graph->loss ? "train and infer are built"
                                  : "infer is built (the spec has no loss: nothing to train)");
    return STATUS_DONE;
}

static int command_show(struct command *c)
{
    struct text out = {0};
    show_network(c->arena, command_network(c), &c->build, &c->show, &out);
    fputs(out.data, stdout);
    text_free(&out);
    return STATUS_DONE;
}

static int command_table(struct command *c)
{
    struct text out = {0};
    struct curve *curves;
    int count = command_curves(c, &curves);
    for (int i = 0; i < count; i++)
        (c->json ? curve_print_json : curve_print_text)(&out, &curves[i]);
    fputs(out.data, stdout);
    out.length = 0;
    if (c->svg) {
        curve_print_svg(&out, &curves[0]);
        write_file(c->svg, out.data, out.length);
    }
    text_free(&out);
    return STATUS_DONE;
}

/* What each curve sees, as a file. */
static int count_curves(struct command *c, struct network *network)
{
    struct text out = {0};
    struct histograms histograms = count_histograms(c->arena, network, &c->counted);
    print_histograms_json(&out, &histograms);
    write_file(c->histogram, out.data, out.length);
    text_free(&out);
    printf("%s: what %d curve%s of %s see%s in %.0f %s samples\n", c->histogram,
           histograms.nodes.count, histograms.nodes.count == 1 ? "" : "s", network->name,
           histograms.nodes.count == 1 ? "s" : "", histograms.nodes.items[0].samples,
           c->counted.test ? "test" : "training");
    return STATUS_DONE;
}

static int command_interpret(struct command *c)
{
    struct network *network = command_network(c);
    if (c->histogram)
        return count_curves(c, network);
    tabulate_network(network);
    return lathe_infer_main(interp_model(c->arena, network, c->build.infer_batch, 0), c->rest_count,
                            c->rest);
}

static int command_compare(struct command *c)
{
    struct network *network = command_network(c);
    struct compare_options options = {
        .train = c->train, .batch = (int)c->batch, .seed = 1, .data = c->data, .json = c->json};
    struct text out = {0};
    const struct lathe_model *generated =
        build_and_load(c->arena, network, &c->build, command_scratch(c, network, "compare"));
    bool right = compare_run(network, generated, &options, &out);
    fputs(out.data, stdout);
    text_free(&out);
    return right ? STATUS_DONE : STATUS_USER;
}

static int command_sweep(struct command *c)
{
    struct sweep_options options = c->sweep;
    options.spec = c->spec;
    options.settings = c->settings;
    options.setting_count = c->setting_count;
    options.build = c->build;
    options.folder = c->output;
    options.data = c->data;
    sweep(c->arena, &options);
    return STATUS_DONE;
}

static int command_fit(struct command *c)
{
    struct fit_options options = command_fit_options(c);
    fit(c->arena, &options);
    return STATUS_DONE;
}

static int command_report(struct command *c)
{
    int pictures;
    const char *lack;
    report(c->arena, (const char *const *)c->rest, c->rest_count, c->output, &pictures, &lack);
    if (lack)
        printf("%s: written without pictures: %s\n", c->output, lack);
    else
        printf("%s: written, %d pictures\n", c->output, pictures);
    return STATUS_DONE;
}

static int command_verify(struct command *c)
{
    struct network *network = command_network(c);
    struct verify_options options = {
        .seed = (uint64_t)c->seed, .batch = c->verify_batch, .entries = 16};
    struct text out = {0};
    c->build.verify = true;
    c->build.batch = c->verify_batch;
    c->build.typical_batch = network->training.batch; /* the kernels that training has */
    c->build.infer_batch = c->verify_batch;
    const struct lathe_model *generated =
        build_and_load(c->arena, network, &c->build, command_scratch(c, network, "verify"));
    bool right = verify_run(network, generated, &options, &out);
    fputs(out.data, stdout);
    text_free(&out);
    printf("%s: %s\n", network->name, right ? "verified" : "NOT verified");
    return right ? STATUS_DONE : STATUS_USER;
}

static const struct command_row commands[] = {
    {"build", "SPEC [options]", "a spec to train and infer programs", command_build},
    {"show", "SPEC [options]", "layers, shapes, parameters, costs, groups and memory",
     command_show},
    {"table", "SPEC | --curve WORD,.. | --dynamic L=..,Q=..,I=.. [options]",
     "a curve as an inequality table", command_table},
    {"interpret", "SPEC --weights FILE --data DIR [--histogram FILE.json]",
     "what infer does, node by node; or a histogram of what each curve sees", command_interpret},
    {"compare", "SPEC [options]", "generated against interpreted speed", command_compare},
    {"sweep", "SPEC --over KEY=A,B,... [--over ...] [--data DIR] [options]",
     "train all combinations of settings; a table and a picture of what they came to",
     command_sweep},
    {"fit", "SPEC --data DIR --method grid|halving|gradient -o FILE [options]",
     "search the numbers of a spec's Dynamic curve, and say whether it helps", command_fit},
    {"report", "DIR... -o FILE.html", "runs, sweeps and searches as one page with pictures",
     command_report},
    {"verify", "SPEC [options]", "generated = interpreted = finite differences", command_verify},
};

int main(int argc, char **argv)
{
    lathe_wait_briefly(argv);
    lathe_hold_standard_streams();
    int status = command_run(commands, sizeof commands / sizeof *commands, argc, argv);
    if (status == STATUS_DONE && !lathe_output_arrived())
        fail(STATUS_RESOURCE, "standard output: cannot write");
    return status;
}
