/* command_fit: the command line of lathe fit. */
#include "command.h"

#include <string.h>

int fit_option_rows(struct command *c, struct lathe_option *rows)
{
    struct fit_options *o = &c->fit;
    static const char *taken; /* --set is taken before: it is here for the help */
    const struct lathe_option all[] = {
        {"set", "KEY=VALUE", "an option of the spec", LATHE_OPTION_TEXT, &taken, 0, 0, 0},
        {"data", "DIR", "folder with the data set's files", LATHE_OPTION_TEXT, &c->data, 0, 0, 0},
        {"method", "METHOD",
         "grid: all points; halving: many with little training, the best with\n"
         "                             more; gradient: L, Q and I are trained as weights are",
         LATHE_OPTION_TEXT, &o->method, 0, 0, 0},
        {"output", "FILE", "-o: the fit file, as specs/fits/NAME.lua, for fit \"NAME\"",
         LATHE_OPTION_TEXT, &c->output, 0, 0, 0},
        {"per-layer", NULL, "a curve for each layer, one after the other (gradient: all at once)",
         LATHE_OPTION_FLAG, &o->per_layer, 0, 0, 0},
        {"grid", "PRESET",
         "global: I=1:10:4 L=1:50:6 Q=0.01:10:7; layers: I=-1:-3:3 L=1:50:4\n"
         "                             Q=0.01:10:4; wide: L=1:60 Q=0.01:20 I=+-0.03:10 (default:\n"
         "                             by --per-layer; wide for halving and gradient)",
         LATHE_OPTION_TEXT, &o->grid, 0, 0, 0},
        {"L", "A:B:N", "N values A (B/A)^(j/N), j < N; several ranges with commas",
         LATHE_OPTION_TEXT, &o->ranges[0], 0, 0, 0},
        {"Q", "A:B:N", "the same for Q", LATHE_OPTION_TEXT, &o->ranges[1], 0, 0, 0},
        {"I", "A:B:N", "the same for I, as in 1:10:4,-1:-3:2", LATHE_OPTION_TEXT, &o->ranges[2], 0,
         0, 0},
        {"subset", "N", "train candidates on N samples (default: as the spec has it)",
         LATHE_OPTION_WHOLE, &o->subset, 1, INT32_MAX, 0},
        {"validation", "N",
         "judge them by N others of the training set (default: the spec's\n"
         "                             share, or 1000)",
         LATHE_OPTION_WHOLE, &o->validation, 1, INT32_MAX, 0},
        {"epochs", "N", "of a candidate's training (default: the spec's)", LATHE_OPTION_WHOLE,
         &o->epochs, 1, 1000000, 0},
        {"seeds", "N", "train each with seeds 1 to N (default 1)", LATHE_OPTION_WHOLE, &o->seeds, 1,
         1000, 0},
        {"candidates", "N", "halving: how many (default: what the budget allows, else 27)",
         LATHE_OPTION_WHOLE, &o->candidates, 1, 512, 0},
        {"budget", "MINUTES", "of the search, the comparison after it not counted",
         LATHE_OPTION_REAL, &o->budget, 1e-3, 1e6, 0},
        {"jobs", "N|auto", "trials at a time (auto: one, or one a core, what is faster)",
         LATHE_OPTION_TEXT, &o->jobs, 0, 0, 0},
        {"threads", "N", "threads of a trial (default: by --jobs)", LATHE_OPTION_WHOLE, &o->threads,
         1, 1024, 0},
        {"work", "DIR", "trials and programs, to go on from (default out/fit-NAME)",
         LATHE_OPTION_TEXT, &o->work, 0, 0, 0},
        {"judge-seeds", "N",
         "in the end train ReLU and the curve with so many seeds on the\n"
         "                             spec's whole recipe and compare (default 5; 0: do not)",
         LATHE_OPTION_WHOLE, &o->judge_seeds, 0, 1000, 0},
        {"judge-epochs", "N", "epochs of the comparison (default: the spec's)", LATHE_OPTION_WHOLE,
         &o->judge_epochs, 1, 1000000, 0},
        {"judge-subset", "N", "training samples of the comparison (default: the spec's)",
         LATHE_OPTION_WHOLE, &o->judge_subset, 1, INT32_MAX, 0},
    };
    memcpy(rows, all, sizeof all);
    return (int)(sizeof all / sizeof *all);
}

struct fit_options command_fit_options(const struct command *c)
{
    struct fit_options options = c->fit;
    options.spec = c->spec;
    options.settings = c->settings;
    options.setting_count = c->setting_count;
    options.build = c->build;
    options.data = c->data;
    options.output = c->output;
    return options;
}
