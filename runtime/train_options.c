/* train_options: the command line of DIR/train. See train.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "recipe.h"
#include "train.h"

/* Whether samples are held out of training. */
static bool holds_samples(const struct lathe_model *model, const struct lathe_train_options *o)
{
    return o->validation >= 0 ? o->validation > 0 : model->data.validation > 0;
}

static void check_options(const struct lathe_model *model, const struct lathe_train_options *o)
{
    if (lathe_needs_folder(&model->data) && !o->data)
        lathe_die(LATHE_USAGE, "--data DIR is needed: the folder with the files of the data set");
    if (o->resume && !o->checkpoint)
        lathe_die(LATHE_USAGE, "--resume needs --checkpoint DIR: where to resume from");
    if (o->every && !o->checkpoint)
        lathe_die(LATHE_USAGE, "--every needs --checkpoint DIR: where to keep checkpoints");
    if (o->save && o->log && !strcmp(o->save, o->log))
        lathe_die(LATHE_USAGE, "--save and --log are the same file: %s", o->save);
    if (!model->train_arena_bytes || !model->step)
        lathe_die(LATHE_USER, "%s: built for inference alone", model->name);
    if (o->no_test && !holds_samples(model, o))
        lathe_die(LATHE_USAGE,
                  "--limit-test 0 leaves nothing to judge by: --validation N holds samples out");
}

/* TEXT, what is between two checkpoints, into O: "500", "500steps" or "600s". */
static void read_every(const char *text, struct lathe_train_options *o)
{
    const int64_t most = 1000000000000;
    char *unit;
    errno = 0;
    o->every = strtoll(text, &unit, 10);
    o->every_is_seconds = !strcmp(unit, "s");
    bool known = !*unit || o->every_is_seconds || !strcmp(unit, "steps") || !strcmp(unit, "step");
    if (*text < '0' || *text > '9' || errno || !known || o->every < 1 || o->every > most)
        lathe_die(LATHE_USAGE,
                  "--every: expected N or Nsteps, or Ns for seconds, N from 1 to %" PRId64
                  ", given '%s'",
                  most, text);
}

/* What --help says about --recipe: MODEL's own, in lines of about 70 columns. */
static void describe_recipe(const struct lathe_model *model, char *help, size_t size)
{
    char recipe[LATHE_RECIPE_TEXT];
    lathe_recipe_write(&model->training, recipe);
    size_t length = (size_t)snprintf(help, size, "change FIELD=VALUE,... of the recipe, which is");
    int column = 99;
    for (char *state = NULL, *item = strtok_r(recipe, ",", &state); item && length < size;
         item = strtok_r(NULL, ",", &state)) {
        bool fresh = column + (int)strlen(item) > 66;
        column = fresh ? (int)strlen(item) : column + 1 + (int)strlen(item);
        length += (size_t)snprintf(help + length, size - length, "%s%s",
                                   fresh ? "\n                             " : ",", item);
    }
}

bool lathe_train_read_options(const struct lathe_model *model, int argc, char **argv,
                              struct lathe_train_options *o)
{
    *o = (struct lathe_train_options){.epochs = model->training.epochs,
                                      .validation = -1,
                                      .lr = model->training.schedule.lr,
                                      .seed = 1};
    const char *every = NULL;
    char recipe_help[2 * LATHE_RECIPE_TEXT];
    describe_recipe(model, recipe_help, sizeof recipe_help);
    struct lathe_option table[] = {
        {"data", "DIR", "folder with the data set's files", LATHE_OPTION_TEXT, &o->data, 0, 0, 0},
        {"epochs", "N", "times through the training set", LATHE_OPTION_WHOLE, &o->epochs, 0,
         LATHE_EPOCHS_MAX, 0},
        {"lr", "X", "learning rate: first, or one-cycle's maximum", LATHE_OPTION_REAL, &o->lr, 0,
         1e6, 0},
        {"recipe", "TEXT", recipe_help, LATHE_OPTION_TEXT, &o->recipe, 0, 0, 0},
        {"seed", "N", "key of everything random", LATHE_OPTION_WHOLE, &o->seed, 0, 0x1p53, 0},
        {"threads", "N", "threads; else OMP_NUM_THREADS, else all cores", LATHE_OPTION_WHOLE,
         &o->threads, 1, 1024, 0},
        {"weights", "FILE", "begin with these weights (safetensors); what it lacks is drawn",
         LATHE_OPTION_TEXT, &o->weights, 0, 0, 0},
        {"save", "FILE",
         "write the weights (safetensors) in the end: with validation, of the best epoch",
         LATHE_OPTION_TEXT, &o->save, 0, 0, 0},
        {"keep-last", NULL, "with validation: the weights that count are the last epoch's",
         LATHE_OPTION_FLAG, &o->keep_last, 0, 0, 0},
        {"checkpoint", "DIR",
         "keep the last two checkpoints there: every epoch, at SIGINT, SIGTERM", LATHE_OPTION_TEXT,
         &o->checkpoint, 0, 0, 0},
        {"every", "N|Nsteps|Ns", "checkpoints every N steps, or N seconds, instead of every epoch",
         LATHE_OPTION_TEXT, &every, 0, 0, 0},
        {"skip-bad-steps", "N",
         "leave out updates whose loss or gradients are not finite, N in a row at most",
         LATHE_OPTION_WHOLE, &o->skip_bad_steps, 0, INT32_MAX, 0},
        {"resume", NULL, "go on from the newest checkpoint, if there is one", LATHE_OPTION_FLAG,
         &o->resume, 0, 0, 0},
        {"log", "FILE", "append one JSON object an epoch", LATHE_OPTION_TEXT, &o->log, 0, 0, 0},
        {"limit-train", "N", "use the first N training samples", LATHE_OPTION_WHOLE,
         &o->limit_train, 1, INT32_MAX, 0},
        {"limit-test", "N", "use the first N test samples; 0: judge by validation alone",
         LATHE_OPTION_WHOLE, &o->limit_test, 0, INT32_MAX, 0},
        {"subset", "N", "train on N samples, every so-manieth (instead of the spec's subset)",
         LATHE_OPTION_WHOLE, &o->subset, 1, INT32_MAX, 0},
        {"validation", "N", "hold N others out for validation (instead of the spec's share)",
         LATHE_OPTION_WHOLE, &o->validation, 0, INT32_MAX, 0},
        LATHE_BAD_FILE_OPTION(&o->on_bad_file),
        {"profile", NULL, "print the time of each group and its share of the machine's limit",
         LATHE_OPTION_FLAG, &o->profile, 0, 0, 0},
        {"quiet", NULL, "print the result alone", LATHE_OPTION_FLAG, &o->quiet, 0, 0, 0},
    };
    const struct lathe_command command = {
        .about = "Train the network and print its test loss and accuracy in the last line.",
        .arguments = lathe_needs_folder(&model->data) ? "--data DIR [options]" : "[options]",
        .examples = lathe_needs_folder(&model->data)
                        ? "--data data --save weights.safetensors\n"
                          "--data data --epochs 20 --checkpoint runs --every 600s --log run.jsonl\n"
                          "--data data --epochs 20 --checkpoint runs --log run.jsonl --resume\n"
                        : "--save weights.safetensors\n"
                          "--epochs 20 --checkpoint runs --log run.jsonl --resume\n",
        .options = table,
        .option_count = (int)(sizeof table / sizeof *table),
    };
    if (!lathe_parse_arguments(&command, argc, argv, NULL))
        return false;
    o->epochs_given = lathe_option_given(&command, "epochs");
    o->seed_given = lathe_option_given(&command, "seed");
    o->lr_given = lathe_option_given(&command, "lr");
    o->no_test = lathe_option_given(&command, "limit-test") && o->limit_test == 0;
    if (every)
        read_every(every, o);
    check_options(model, o);
    return true;
}

/* What looks at the validation loss needs samples that are not trained on, and the test set is
 * for the end. */
static void check_validation(const struct lathe_model *model, const struct lathe_training *training,
                             const struct lathe_train_options *o)
{
    const char *what = training->schedule.kind == LATHE_PLATEAU ? "schedule=plateau"
                       : training->early_stopping               ? "early_stopping"
                                                                : NULL;
    if (what && !holds_samples(model, o))
        lathe_die(LATHE_USER,
                  "%s: %s needs validation samples: validation = 0.1 in the spec's data, "
                  "or --validation N",
                  model->name, what);
}

struct lathe_training lathe_train_recipe(const struct lathe_model *model,
                                         struct lathe_train_options *o)
{
    struct lathe_error error;
    struct lathe_training training = model->training;
    if (o->recipe && !lathe_recipe_read(o->recipe, &training, &error))
        lathe_die(error.status, "--%s", error.message);
    if (o->recipe && !o->lr_given)
        o->lr = training.schedule.lr;
    o->lr_given |= o->recipe != NULL;
    check_validation(model, &training, o);
    return training;
}
