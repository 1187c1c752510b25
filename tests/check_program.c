/*
 * From graph to program: groups, layouts, calls, the plan of memory, and what `lathe show` says.
 *
 * Small graphs are held against what a person expects of them; what must hold for any program (each
 * node in one group, no call reads what nobody wrote or writes what it should not, nothing that
 * lives at the same time shares memory) is checked for every spec in specs/, on all ISAs, and on
 * random regions. CHECK_SEED=N repeats a random test.
 */
#include "net.h"
#include "../gen/base.h"
#include "../gen/build.h"
#include "../gen/program.h"
#include "../gen/show.h"
#include "../gen/spec.h"

#include <check.h>
#undef fail
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct net net;
static struct arena *arena; /* of a test; net's own is freed with it */

static void set_up(void)
{
    arena = arena_new();
    net = net_new(3, 8, 8);
}

static void tear_down(void)
{
    arena_free(net.arena);
    arena_free(arena);
}

static void has(const char *text, const char *part);
static void check_groups(const struct program *program);
static void check_lifetimes(const struct program *program);
static void check_calls(const struct program *program);

/* ---- groups ---- */

static const struct pool_attributes halves = {2, 2, 2, 2, 0, 0, 0, 0};

static struct tensor *conv(const char *name)
{
    return net_conv(&net, square_conv(16, 3, 1, 1), name);
}

static struct tensor *relu(const char *name)
{
    return net_curve(&net, CURVE_RELU, 0, name);
}

/* What TEXT holds, in the arena. */
static const char *taken(struct text *text)
{
    const char *copy = arena_copy(arena, text->data ? text->data : "");
    text_free(text);
    return copy;
}

static const char *groups_text(bool training)
{
    struct text text = {0};
    groups_print(fuse(net.graph, training), &text);
    return taken(&text);
}

#define groups_are(expected) ck_assert_str_eq(groups_text(false), expected)

START_TEST(a_convolution_takes_what_follows)
{
    conv("c");
    net_batchnorm(&net, "b");
    relu("r");
    net_pool(&net, OP_maxpool, halves, "p");
    conv("c2");
    net_pool(&net, OP_avgpool, halves, "p2");
    groups_are("c: c + b + r + p\nc2: c2 + p2\n");
    const struct group *first = fuse(net.graph, false)->list.items[0];
    ck_assert_int_eq(first->kind, GROUP_CHAIN);
    ck_assert_int_eq(first->norm, 0);
    ck_assert_str_eq(first->input->name, "input");
    ck_assert_str_eq(first->raw->name, "c");
    ck_assert_str_eq(first->output->name, "p");
}
END_TEST

START_TEST(learned_activations_are_steps)
{
    conv("c");
    net_learned(&net, prelu_attributes(false), "p");
    net_batchnorm(&net, "b");
    net_learned(&net, dynamic_attributes(4, 2, 1, 2, 3), "d");
    net_learned(&net, elu_attributes(true), "e");
    net_pool(&net, OP_maxpool, halves, "m");
    groups_are("c: c + p + b + d + e + m\n");
}
END_TEST

START_TEST(a_second_batchnorm_starts_a_group)
{
    conv("c");
    relu("r");
    net_batchnorm(&net, "b");
    net_batchnorm(&net, "b2");
    relu("r2");
    groups_are("c: c + r + b\nb2: b2 + r2\n");
    ck_assert_int_eq(fuse(net.graph, false)->list.items[0]->norm, 1);
}
END_TEST

/* A batchnorm and a ReLU after a convolution that they do not follow alone, then one of SIZE taps
 * each way; TWICE: something else reads the ReLU too. */
static void norm_before(int size, bool twice)
{
    struct tensor *x = conv("c");
    net_batchnorm(&net, "b");
    struct tensor *r = relu("r");
    struct tensor *c2 = net_conv(&net, square_conv(16, size, 1, size / 2), "c2");
    struct tensor *sum = net_add(&net, c2, x, "sum");
    if (twice)
        net_add(&net, sum, r, "sum2");
}

START_TEST(a_norm_is_before_one_convolution_of_one_tap)
{
    norm_before(1, false);
    groups_are("c: c\nc2: b + r + c2 + sum\n");
    const struct group *group = fuse(net.graph, false)->list.items[1];
    ck_assert_str_eq(group->input->name, "r");
    ck_assert_str_eq(group->before->input->name, "c");
    ck_assert_int_eq(group->before->steps.count, 2);
    ck_assert_int_eq(group->norm, -1);
}
END_TEST

START_TEST(a_norm_is_not_before_several_taps)
{
    norm_before(3, false);
    groups_are("c: c\nb: b + r\nc2: c2 + sum\n");
}
END_TEST

START_TEST(a_norm_read_twice_is_before_nothing)
{
    norm_before(1, true);
    groups_are("c: c\nb: b + r\nc2: c2 + sum + sum2\n");
}
END_TEST

/* x, body(x), and their sum, the operands in either order. */
static void identity_residual(bool body_first)
{
    struct tensor *x = conv("c");
    conv("body");
    struct tensor *body = net_batchnorm(&net, "b");
    net_add(&net, body_first ? body : x, body_first ? x : body, "sum");
}

START_TEST(add_joins_the_body)
{
    identity_residual(_i == 0);
    net_pool(&net, OP_maxpool, halves, "p");
    groups_are("c: c\nbody: body + b + sum + p\n");
}
END_TEST

START_TEST(add_joins_the_shortcut_which_is_last)
{
    struct tensor *x = conv("c");
    struct tensor *body = conv("body");
    net.last = x;
    conv("short");
    net_add(&net, body, net_batchnorm(&net, "b"), "sum");
    relu("r");
    groups_are("c: c\nbody: body\nshort: short + b + sum + r\n");
}
END_TEST

START_TEST(add_of_lone_tensors_is_a_group)
{
    struct tensor *x = conv("c");
    net_add(&net, x, x, "twice");
    net_add(&net, net.last, x, "thrice");
    groups_are("c: c\ntwice: twice + thrice\n");
}
END_TEST

START_TEST(add_of_a_pool_is_a_group)
{
    struct tensor *x = conv("c");
    struct tensor *pooled =
        net_pool(&net, OP_maxpool, (struct pool_attributes){3, 3, 1, 1, 1, 1, 1, 1}, "p");
    net_add(&net, pooled, x, "sum");
    relu("r");
    groups_are("c: c\np: p\nsum: sum + r\n");
}
END_TEST

START_TEST(pools_that_overlap_are_alone)
{
    static const struct pool_attributes pools[] = {
        {3, 3, 2, 2, 0, 0, 0, 0}, /* overlaps */
        {2, 2, 2, 2, 1, 1, 0, 0}, /* is padded */
        {2, 2, 3, 2, 0, 0, 0, 0}, /* leaves rows out */
        {2, 2, 2, 3, 0, 0, 0, 0}, /* columns */
        {2, 2, 2, 2, 1, 0, 0, 0}, {2, 2, 2, 2, 0, 1, 0, 0},
        {2, 2, 2, 2, 0, 0, 1, 0}, {2, 2, 2, 2, 0, 0, 0, 1},
    };
    conv("c");
    relu("r");
    if (_i < 8)
        net_pool(&net, OP_maxpool, pools[_i], "p");
    else
        net_plain(&net, OP_globalpool, "p");
    groups_are("c: c + r\np: p\n");
    ck_assert_int_eq(fuse(net.graph, false)->list.items[1]->kind, GROUP_POOL);
}
END_TEST

START_TEST(a_pool_ends_its_group)
{
    conv("c");
    net_pool(&net, OP_maxpool, halves, "p");
    net_pool(&net, OP_maxpool, halves, "p2");
    relu("r");
    groups_are("c: c + p\np2: p2\nr: r\n");
}
END_TEST

START_TEST(dropout_renames_in_inference_alone)
{
    struct tensor *x = conv("c");
    net_dropout(&net, 0.5, 0);
    net_dropout(&net, 0.5, 1);
    net_add(&net, net.last, x, "sum");
    ck_assert_str_eq(groups_text(false), "c: c\nsum: sum\n");
    net_plain(&net, OP_flatten, "f");
    net_finish(&net, OP_cross_entropy);
    ck_assert_str_eq(groups_text(true), "c: c\nlayer1: layer1 + layer2 + sum\nf: f\nloss: loss\n");
}
END_TEST

START_TEST(flatten_is_nothing_before_linear)
{
    conv("c");
    net_plain(&net, OP_flatten, "f");
    net_linear(&net, 5, true, "l");
    relu("r");
    groups_are("c: c\nl: l + r\n");
}
END_TEST

START_TEST(flatten_moves_numbers_before_a_curve)
{
    conv("c");
    net_plain(&net, OP_flatten, "f");
    relu("r");
    net_linear(&net, 5, true, "l");
    groups_are("c: c\nf: f\nr: r\nl: l\n");
}
END_TEST

START_TEST(flatten_of_one_pixel_is_nothing)
{
    conv("c");
    net_plain(&net, OP_globalpool, "p");
    net_plain(&net, OP_flatten, "f");
    relu("r");
    groups_are("c: c\np: p\nr: r\n");
}
END_TEST

START_TEST(a_tensor_used_twice_ends_its_group)
{
    struct tensor *x = conv("c");
    struct tensor *r = relu("r");
    net_add(&net, x, r, "sum");
    groups_are("c: c\nr: r + sum\n");
}
END_TEST

/* Also where the reader that comes last could join. */
START_TEST(a_tensor_that_a_convolution_reads_too_ends_its_group)
{
    struct tensor *x = conv("c"), *d = conv("d");
    net.last = x;
    net_add(&net, relu("r"), d, "sum");
    groups_are("c: c\nd: d\nr: r + sum\n");
}
END_TEST

/* What dropout makes of x in inference is x, and so is there when the body's add wants it. */
START_TEST(add_knows_other_names)
{
    struct tensor *x = conv("c"), *dropped = net_dropout(&net, 0.5, 0);
    net.last = x;
    net_add(&net, conv("body"), dropped, "sum");
    groups_are("c: c\nbody: body + sum\n");
}
END_TEST

START_TEST(the_output_ends_its_group)
{
    struct tensor *x = conv("c");
    relu("r");
    net.graph->output = x;
    groups_are("c: c\n");
}
END_TEST

START_TEST(training_needs_no_softmax_for_cross_entropy)
{
    struct tensor *logits = net_linear(&net, 5, true, "l");
    net_plain(&net, OP_softmax, "s");
    if (_i == 0)
        net.last = logits;
    net_finish(&net, _i == 0 ? OP_cross_entropy : OP_mse);
    ck_assert_str_eq(groups_text(false), "l: l\ns: s\n");
    ck_assert_str_eq(groups_text(true),
                     _i == 0 ? "l: l\nloss: loss\n" : "l: l\ns: s\nloss: loss\n");
}
END_TEST

static void set_up_flat(void)
{
    arena = arena_new();
    net = net_new(3, 0, 0);
}

/* ---- layout ---- */

static const struct layout *layout_at(const struct tensor *tensor, bool training)
{
    return &choose_layout(arena, net.graph, 8, training, NULL)[tensor->id];
}

START_TEST(the_input_stays_planar_for_heads)
{
    conv("c");
    net.last = net.graph->input;
    net_plain(&net, OP_flatten, "f");
    net_linear(&net, 5, true, "l");
    ck_assert_int_eq(layout_at(net.graph->input, false)->block, 1);
    ck_assert_int_eq(layout_at(net.graph->input, true)->block, 1);
}
END_TEST

/* Whatever else reads the input, in training or not, both programs block it: they share weights. */
START_TEST(the_input_is_blocked_for_anything_else)
{
    conv("c");
    net.last = net.graph->input;
    if (_i == 0)
        relu("r");
    else if (_i == 1)
        net_dropout(&net, 0.5, 0);
    else if (_i == 2)
        net_pool(&net, OP_maxpool, halves, "p");
    else {
        net_plain(&net, OP_flatten, "f");
        relu("r");
    }
    ck_assert_int_eq(layout_at(net.graph->input, false)->block, 8);
    ck_assert_int_eq(layout_at(net.graph->input, true)->block, 8);
}
END_TEST

START_TEST(channels_are_blocked_and_padded)
{
    const struct tensor *c = net_conv(&net, square_conv(20, 3, 2, 1), "c");
    const struct layout *layout = layout_at(c, false);
    ck_assert_int_eq(layout->block, 8);
    ck_assert_int_eq(layout->c, 20);
    ck_assert_int_eq(layout->h, 4);
    ck_assert_int_eq(layout_blocks(layout), 3);
    ck_assert_uint_eq(layout_floats(layout), 3 * 8 * 4 * 4);
    ck_assert_ptr_eq(layout->root, c);
}
END_TEST

START_TEST(flatten_stands_as_the_image)
{
    struct tensor *c = conv("c"), *f = net_plain(&net, OP_flatten, "f");
    net_linear(&net, 5, true, "l");
    const struct layout *layout = layout_at(f, false);
    ck_assert_ptr_eq(layout->root, c);
    ck_assert_int_eq(layout->c, 16);
    ck_assert_int_eq(layout->h, 8);
    net_finish(&net, OP_cross_entropy);
    ck_assert_ptr_eq(layout_at(c->gradient, true)->root, f->gradient);
    ck_assert_int_eq(layout_at(f->gradient, true)->c, 16);
}
END_TEST

START_TEST(flatten_that_moves_owns_a_row)
{
    conv("c");
    struct tensor *f = net_plain(&net, OP_flatten, "f");
    relu("r");
    const struct layout *layout = layout_at(f, false);
    ck_assert_ptr_eq(layout->root, f);
    ck_assert_int_eq(layout->c, 16 * 8 * 8);
    ck_assert_int_eq(layout->h, 1);
}
END_TEST

START_TEST(dropout_owns_memory_in_training_alone)
{
    struct tensor *c = conv("c"), *d = net_dropout(&net, 0.5, 0);
    ck_assert_ptr_eq(layout_at(d, false)->root, c);
    ck_assert_ptr_eq(layout_at(d, true)->root, d);
}
END_TEST

/* ---- concat ---- */

static struct tensor *conv_of(struct tensor *x, int channels, const char *name)
{
    net.last = x;
    return net_conv(&net, square_conv(channels, 3, 1, 1), name);
}

START_TEST(concats_nest_in_one_array)
{
    struct tensor *a = conv("a"), *b = conv_of(a, 8, "b");
    struct tensor *ab = net_concat(&net, (struct tensor *[]){a, b}, 2, "ab");
    struct tensor *c = conv_of(ab, 20, "c");
    struct tensor *cab = net_concat(&net, (struct tensor *[]){ab, c}, 2, "cab");
    const struct tensor *parts[] = {a, b, ab, c, cab};
    static const int first[] = {0, 2, 0, 3, 0}, channels[] = {16, 8, 24, 20, 44};
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_eq(layout_at(parts[i], true)->root, cab);
        ck_assert_int_eq(layout_at(parts[i], true)->first_block, first[i]);
        ck_assert_int_eq(layout_at(parts[i], true)->c, channels[i]);
    }
    net_plain(&net, OP_globalpool, "p");
    net_plain(&net, OP_flatten, "f");
    net_finish(&net, OP_cross_entropy);
    ck_assert_ptr_eq(layout_at(c->gradient, true)->root, cab->gradient);
    ck_assert_int_eq(layout_at(c->gradient, true)->first_block, 3);
    ck_assert_ptr_eq(layout_at(ab->gradient, true)->root, ab->gradient); /* a sum */
    ck_assert_ptr_eq(layout_at(b->gradient, true)->root, ab->gradient);
}
END_TEST

START_TEST(reshape_is_another_name_where_channels_stay)
{
    const struct tensor *c = conv("c"), *r = net_reshape(&net, 16, 4, 16);
    ck_assert_ptr_eq(layout_at(r, false)->root, c);
    ck_assert_int_eq(layout_at(r, false)->w, 16);
    ck_assert_int_eq(layout_at(c, false)->w, 8);
    struct tensor *d = relu("d"), *moved = net_reshape(&net, 8, 16, 8);
    ck_assert_ptr_eq(layout_at(moved, false)->root, moved);
    ck_assert_int_eq(layout_at(d, false)->w, 16);
    groups_are("c: c\nd: d\nlayer2: layer2\n");
}
END_TEST

/* What is not aligned, the network's input, a second time in the same or another concat. */
START_TEST(some_parts_are_copied)
{
    struct tensor *a = conv_of(net.graph->input, 12, "a"), *b = conv_of(a, 8, "b");
    struct tensor *twelve = net_concat(&net, (struct tensor *[]){b, a, b}, 3, "twelve");
    struct tensor *again =
        net_concat(&net, (struct tensor *[]){b, twelve, net.graph->input}, 3, "again");
    ck_assert_ptr_eq(layout_at(b, false)->root, twelve);
    ck_assert_ptr_eq(layout_at(a, false)->root, a);           /* 12 channels before others */
    ck_assert_ptr_eq(layout_at(twelve, false)->root, twelve); /* 28 channels before others */
    ck_assert_ptr_eq(layout_at(net.graph->input, false)->root, net.graph->input);
    ck_assert_ptr_eq(layout_at(again, false)->root, again);
}
END_TEST

/* ---- programs ---- */

static struct program *program_of(bool training, bool keep)
{
    struct program *program =
        lower(arena, net.graph, fuse(net.graph, training),
              &(struct lower_options){
                  .isa = isa_find("avx2"), .batch = 4, .training = training, .keep = keep});
    plan_memory(program);
    return program;
}

static bool is_detail(const char *label)
{
    return strchr(label, ',') || strcmp(label, "weights for backward data") == 0;
}

/* "group: label" a line, without the calls that one way of convolving needs and another does not.
 */
static const char *calls_text(const struct program *program)
{
    struct text text = {0};
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        if (!is_detail(call->label))
            text_printf(&text, "%s: %s\n", call->group ? call->group->name : "-", call->label);
    }
    return taken(&text);
}

START_TEST(inference_is_a_call_a_group)
{
    conv("c");
    net_batchnorm(&net, "b");
    relu("r");
    net_pool(&net, OP_maxpool, halves, "p");
    net_plain(&net, OP_flatten, "f");
    net_linear(&net, 5, true, "l");
    net_plain(&net, OP_softmax, "s");
    ck_assert_str_eq(calls_text(program_of(false, false)),
                     "c: forward\nl: forward\ns: forward\n-: output\n");
}
END_TEST

START_TEST(the_input_is_packed_where_it_is_blocked)
{
    relu("r");
    ck_assert_str_eq(calls_text(program_of(false, false)), "-: input\nr: forward\n-: output\n");
}
END_TEST

START_TEST(a_training_step_is_forward_loss_backward)
{
    conv("c");
    net_batchnorm(&net, "b");
    relu("r");
    net_pool(&net, OP_maxpool, halves, "p");
    net_conv(&net, square_conv(8, 3, 1, 1), "c2");
    relu("r2");
    net_plain(&net, OP_flatten, "f");
    net_linear(&net, 5, true, "l");
    net_finish(&net, OP_cross_entropy);
    ck_assert_str_eq(calls_text(program_of(true, false)),
                     "c: forward\nc: batch statistics\nc: steps forward\n"
                     "c2: forward\nl: forward\n"
                     "loss: forward and backward\n"
                     "l: gradient of the bias\n"
                     "l: backward weights\nl: backward data\n"
                     "c2: steps backward\nc2: gradient of the bias\n"
                     "c2: backward weights\nc2: backward data\n"
                     "c: sums for the batchnorm\nc: batchnorm's gradients\n"
                     "c: steps backward\nc: backward weights\n");
}
END_TEST

/* ---- what the backward pass computes again ---- */

static const struct region *region_named(const struct program *program, const char *name)
{
    for (int i = 0; i < program->regions.count; i++)
        if (strcmp(program->regions.items[i]->name, name) == 0)
            return program->regions.items[i];
    return NULL;
}

/* Two convolutions with batchnorm, of CHANNELS on 8 x 8 pixels, the second in a residual. */
static struct program *two_convolutions(int channels)
{
    struct tensor *first;
    net_conv(&net, square_conv(channels, 3, 1, 1), "c");
    net_batchnorm(&net, "b");
    first = relu("r");
    net_conv(&net, square_conv(channels, 3, 1, 1), "c2");
    net_add(&net, net_batchnorm(&net, "b2"), first, "a");
    net_conv(&net, square_conv(8, 3, 1, 1), "c3");
    net_plain(&net, OP_flatten, "f");
    net_linear(&net, 5, true, "l");
    net_finish(&net, OP_cross_entropy);
    return lower(arena, net.graph, fuse(net.graph, true),
                 &(struct lower_options){.isa = isa_find("avx2"), .batch = 4, .training = true});
}

START_TEST(steps_are_computed_again)
{
    struct program *program = two_convolutions(8);
    int calls = program->calls.count;
    recompute(program, true);
    ck_assert_int_eq(program->calls.count, calls + 2);
    const struct region *first = region_named(program, "r.again");
    const struct region *sum = region_named(program, "a"),
                        *again = region_named(program, "a.again");
    ck_assert_ptr_nonnull(again);
    ck_assert_int_eq(again->last - again->first, 1); /* made, and read by c3's gradient */
    ck_assert_int_lt(sum->last, again->first);
    ck_assert_str_eq(program->calls.items[again->first]->label, "again, for backward");
    ck_assert_str_eq(program->calls.items[again->last]->label, "backward weights");
    ck_assert_ptr_nonnull(first); /* for the sum, and for c2's gradient behind it */
    ck_assert_int_eq(first->first, again->first - 1);
    ck_assert_int_gt(first->last, again->last);
}
END_TEST

/* Where a ReLU is all that follows a convolution, what it makes stands for what it is made of. */
START_TEST(a_relu_keeps_one_tensor)
{
    net_conv(&net, square_conv(8, 3, 1, 1), "c");
    relu("r");
    net_conv(&net, square_conv(8, 3, 1, 1), "c2");
    net_curve(&net, CURVE_LEAKY_RELU, 0.1, "r2");
    net_conv(&net, square_conv(8, 3, 1, 1), "c3");
    relu("r3");
    net_pool(&net, OP_maxpool, halves, "p");
    net_plain(&net, OP_flatten, "f");
    net_linear(&net, 5, true, "l");
    net_finish(&net, OP_cross_entropy);
    const struct program *program = program_of(true, false);
    ck_assert_ptr_null(region_named(program, "c"));
    ck_assert_ptr_nonnull(region_named(program, "r"));
    ck_assert_ptr_nonnull(region_named(program, "c2")); /* negative slopes want the sign */
    ck_assert_ptr_nonnull(region_named(program, "c3")); /* the maximum's place is not in p */
    check_lifetimes(program);
    check_calls(program);
    ck_assert_ptr_nonnull(region_named(program_of(true, true), "c")); /* verify wants both */
}
END_TEST

START_TEST(what_the_loss_reads_is_kept)
{
    net_plain(&net, OP_flatten, "f");
    net_linear(&net, 5, true, "l");
    net_batchnorm(&net, "b");
    relu("r");
    net_finish(&net, OP_cross_entropy);
    struct program *program =
        lower(arena, net.graph, fuse(net.graph, true),
              &(struct lower_options){.isa = isa_find("avx2"), .batch = 4, .training = true});
    int calls = program->calls.count;
    recompute(program, true);
    ck_assert_int_eq(program->calls.count, calls);
}
END_TEST

START_TEST(small_networks_keep_all)
{
    struct program *program = two_convolutions(8);
    int calls = program->calls.count;
    recompute(program, false);
    ck_assert_int_eq(program->calls.count, calls);
}
END_TEST

START_TEST(a_large_plan_shrinks)
{
    struct spec_setting settings[] = {{"data", "cifar10"}, {"batch", "128"}, {"act", "relu"}};
    struct build_options options = {.isa = isa_find("avx512"), .infer_batch = 1};
    struct network *network = spec_read(arena, "specs/resnet9.lua", settings, 3);
    tabulate_curves(network->graph);
    add_gradients(network->graph);
    struct program *kept =
        lower(arena, network->graph, fuse(network->graph, true),
              &(struct lower_options){.isa = options.isa, .batch = 128, .training = true});
    plan_memory(kept);
    const struct program *less = build_program(arena, network, &options, true);
    ck_assert_double_lt((double)less->space_offset[SPACE_COUNT],
                        0.85 * (double)kept->space_offset[SPACE_COUNT]);
}
END_TEST

static const struct operand *find_operand(const struct call *call, const char *name)
{
    for (int i = 0; i < call->operands.count; i++)
        if (strcmp(call->operands.items[i].name, name) == 0)
            return &call->operands.items[i];
    return NULL;
}

/* The calls that do nothing but sum two gradients. */
static int count_sums(const struct program *program)
{
    int sums = 0;
    for (int i = 0; i < program->calls.count; i++) {
        const struct group *group = program->calls.items[i]->group;
        sums += group && group->steps.count == 1 && node_sums_gradients(group->steps.items[0]);
    }
    return sums;
}

static void finish_flat(void)
{
    net_plain(&net, OP_flatten, "f");
    net_linear(&net, 5, true, "l");
    net_finish(&net, OP_cross_entropy);
}

START_TEST(backward_data_takes_the_sum_along)
{
    identity_residual(_i == 0);
    finish_flat();
    const struct program *program = program_of(true, false);
    const struct call *body = NULL;
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        if (strcmp(call->label, "backward data") == 0 && strcmp(call->group->name, "body") == 0)
            body = call;
    }
    ck_assert_ptr_nonnull(body);
    ck_assert_int_eq(count_sums(program), 0);
    const struct operand *accumulate = find_operand(body, "accumulate");
    ck_assert_ptr_nonnull(accumulate);
    ck_assert_str_eq(accumulate->region->name, "f.grad"); /* of the sum, and so of its side */
    ck_assert_str_eq(find_operand(body, "out")->region->name, "c.grad");
}
END_TEST

/* Calls of the template concat.c.t. */
static int count_copies(const struct program *program)
{
    int copies = 0;
    for (int i = 0; i < program->calls.count; i++)
        copies += strcmp(program->calls.items[i]->template_name, "concat.c.t") == 0;
    return copies;
}

START_TEST(copies_are_counted)
{
    struct tensor *a = conv_of(net.graph->input, 12, "a"), *b = conv_of(a, 8, "b");
    net_concat(&net, (struct tensor *[]){b, a, b}, 3, "c");
    finish_flat();
    ck_assert_str_eq(groups_text(true), "a: a\nb: b\nc: c\nl: l\nloss: loss\n");
    ck_assert_int_eq(count_copies(program_of(false, false)), 2); /* a, and b the second time */
    ck_assert_int_eq(count_copies(program_of(true, false)), 4);
}
END_TEST

/* One layer of DenseNet: x and what batchnorm, relu, conv make of it. */
static void dense_layer(int number)
{
    struct tensor *x = net.last;
    net_batchnorm(&net, arena_printf(net.arena, "norm%d", number));
    net_curve(&net, CURVE_RELU, 0, arena_printf(net.arena, "relu%d", number));
    struct tensor *y = conv_of(net.last, 32, arena_printf(net.arena, "conv%d", number));
    net_concat(&net, (struct tensor *[]){x, y}, 2, arena_printf(net.arena, "concat%d", number));
}

/* Neither copies nor sums: features grow in one array, and gradients add up on the way. */
START_TEST(a_dense_block_copies_nothing)
{
    conv_of(net.graph->input, 64, "c");
    for (int i = 1; i <= 12; i++)
        dense_layer(i);
    const struct tensor *last = net.last;
    net_pool(&net, OP_avgpool, halves, "p");
    finish_flat();
    for (int training = 0; training < 2; training++) {
        const struct program *program = program_of(training, false);
        int samples_of_features = 0;
        ck_assert_int_eq(count_copies(program), 0);
        ck_assert_int_eq(count_sums(program), 0);
        for (int i = 0; i < program->regions.count; i++)
            samples_of_features += program->regions.items[i]->tensor == last;
        ck_assert_int_eq(samples_of_features, 1);
    }
}
END_TEST

/* The calls of a body are under its gate, and nothing else is; where it is skipped, the gradient
 * goes past it and those of its weights are zeros: one call each. */
START_TEST(a_body_is_skipped_whole)
{
    struct tensor *x = conv("c");
    struct gate *gate = net_gate(&net, 0.5, NULL);
    conv("body")->producer->gate = gate;
    net_batchnorm(&net, "b")->producer->gate = gate;
    relu("r")->producer->gate = gate;
    conv("body2")->producer->gate = gate;
    struct tensor *dropped = net_drop_path(&net, gate);
    net_add(&net, dropped, x, "sum");
    relu("r2");
    finish_flat();
    ck_assert_str_eq(groups_text(true), "c: c\nbody: body + b + r\nbody2: body2\n"
                                        "layer1: layer1 + sum + r2\nl: l\nloss: loss\n");
    ck_assert_str_eq(groups_text(false),
                     "c: c\nbody: body + b + r\nbody2: body2 + layer1 + sum + r2\nl: l\n");
    const struct program *program = program_of(true, false);
    int skipped = 0;
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        bool body = call->group && strncmp(call->group->name, "body", 4) == 0;
        skipped += call->unless == gate;
        ck_assert_ptr_eq(call->gate, body && !call->unless ? gate : NULL);
        ck_assert(!call->unless || body);
    }
    ck_assert_int_eq(skipped, 2);
    ck_assert_int_eq(count_sums(program), 0);
    program = program_of(false, false);
    for (int i = 0; i < program->calls.count; i++)
        ck_assert(!program->calls.items[i]->gate && !program->calls.items[i]->unless);
}
END_TEST

START_TEST(verify_keeps_every_gradient)
{
    identity_residual(true);
    finish_flat();
    ck_assert_int_eq(count_sums(program_of(true, true)), 1);
}
END_TEST

/* A gradient that an inner add hands on is there only after its pass: the sum is a call. */
START_TEST(a_sum_that_nobody_takes_is_a_call)
{
    struct tensor *x = conv("c");
    struct tensor *y = relu("r");
    net_add(&net, y, x, "sum");
    relu("r2");
    finish_flat();
    ck_assert_str_eq(groups_text(true), "c: c\nr: r + sum + r2\nl: l\nloss: loss\n");
    ck_assert_int_eq(count_sums(program_of(true, false)), 1);
}
END_TEST

/* A learned step before the batchnorm is summed in the second pass, one after it in the first; the
 * parameters of one that nothing is before are all that its pass is for. */
START_TEST(learned_steps_are_summed_where_their_gradient_is)
{
    net_learned(&net, prelu_attributes(true), "first");
    net_conv(&net, square_conv(16, 3, 1, 1), "c");
    net_learned(&net, prelu_attributes(false), "p");
    net_batchnorm(&net, "b");
    net_learned(&net, dynamic_attributes(4, 2, 1, 2, 3), "d");
    finish_flat();
    const struct program *program = program_of(true, false);
    const char *parameter = ": gradient of the parameter\n";
    const char *expected = arena_printf(
        arena,
        "c: sums for the batchnorm\nc%sc%sc%sc: batchnorm's gradients\n"
        "c: steps backward\nc%sc: gradient of the bias\nc: backward weights\nc: backward data\n"
        "first: steps backward\nfirst%s",
        parameter, parameter, parameter, parameter, parameter);
    const char *calls = calls_text(program);
    ck_assert_ptr_nonnull(strstr(calls, "c: sums for"));
    ck_assert_str_eq(strstr(calls, "c: sums for"), expected);
    check_groups(program);
    check_lifetimes(program);
    check_calls(program);
}
END_TEST

START_TEST(dynamic_relu_is_two_calls)
{
    struct tensor *x = conv("c");
    net_plain(&net, OP_globalpool, "g");
    net_plain(&net, OP_flatten, "f0");
    struct tensor *residuals = net_linear(&net, 64, true, "l0");
    net.last = x;
    struct node *node = net_node(&net, OP_dynamic_relu, "d");
    node_add_input(node, residuals, net.graph);
    node->dynamic_relu.pieces = 2;
    net_shape(&net, node);
    net_pool(&net, OP_maxpool, halves, "m");
    groups_are("c: c\ng: g\nl0: l0\nd: d\nm: m\n");
    finish_flat();
    const struct program *program = program_of(true, false);
    has(calls_text(program), "l0: forward\nd: forward\nm: forward\n");
    has(calls_text(program), "m: steps backward\nd: backward\nl0: gradient of the bias\n");
    check_groups(program);
    check_lifetimes(program);
    check_calls(program);
}
END_TEST

START_TEST(programs_print)
{
    relu("r");
    struct text text = {0};
    program_print(program_of(false, false), &text);
    ck_assert_str_eq(taken(&text), "  1 - pack_3x8x8(input, input, count)\n"
                                   "  2 r steps_3x8x8_forward(input, r, count)\n"
                                   "  3 - unpack_3x8x8(r, output, count)\n"
                                   "           0         2048 input, calls 1 to 2\n"
                                   "        2048         2048 r, calls 2 to 3\n"
                                   "arena: 4096 floats\n");
}
END_TEST

/* ---- what holds for every program ---- */

static bool writes(const struct operand *operand)
{
    return operand->region && strncmp(operand->type, "float *", 7) == 0;
}

static bool reads(const struct operand *operand)
{
    return operand->region && strncmp(operand->type, "const float *", 13) == 0;
}

static bool trainable_state(const struct program *program, const struct region *region)
{
    for (int i = 0; i < program->parameter_count; i++)
        if (strcmp(program->parameters[i].name, region->name) == 0)
            return program->parameters[i].trainable;
    ck_abort_msg("%s is no parameter", region->name);
}

/* A program writes its work; training the gradients and the running statistics, too. */
static bool may_write(const struct program *program, const struct region *region)
{
    if (region->space == SPACE_WORK)
        return true;
    if (!program->training)
        return false;
    return region->space == SPACE_GRADIENT ||
           (region->space == SPACE_STATE && !trainable_state(program, region));
}

static int region_index(const struct program *program, const struct region *region)
{
    for (int i = 0; i < program->regions.count; i++)
        if (program->regions.items[i] == region)
            return i;
    ck_abort_msg("%s is not in the list of regions", region->name);
}

static const struct region *whole_of(const struct region *region)
{
    return region->whole ? region->whole : region;
}

/* The blocks of channels that REGION has of its whole: *first and so many from there; a region
 * without samples is one. */
static int blocks_of(const struct region *region, int *first)
{
    size_t block = (size_t)region->layout.h * region->layout.w * region->layout.block;
    *first = region->image ? (int)(region->start / block) : 0;
    return region->image ? layout_blocks(&region->layout) : 1;
}

static bool overlap(const struct region *a, const struct region *b)
{
    int first_a, first_b, count_a = blocks_of(a, &first_a), count_b = blocks_of(b, &first_b);
    return whole_of(a) == whole_of(b) && first_a < first_b + count_b && first_b < first_a + count_a;
}

/* Two operands meet in memory only where neither is said to be restrict. */
static void check_aliases(const struct call *call)
{
    for (int i = 0; i < call->operands.count; i++)
        for (int j = 0; j < i; j++) {
            const struct operand *a = &call->operands.items[i], *b = &call->operands.items[j];
            if (a->region && b->region && overlap(a->region, b->region) && (writes(a) || writes(b)))
                ck_assert_msg(!strstr(a->type, "restrict") && !strstr(b->type, "restrict"),
                              "%s: %s and %s are the same", call->kernel_name, a->name, b->name);
        }
}

/* What a block of channels of a region holds, while the calls are followed. */
struct content {
    bool written;
    const struct group *overwritten; /* its forward value is gone: by this group's backward pass */
};

static void follow_operand(const struct program *program, const struct call *call,
                           const struct operand *operand, struct content *content)
{
    const struct region *region = operand->region;
    if (reads(operand) && (region->space == SPACE_WORK || region->space == SPACE_GRADIENT))
        ck_assert_msg(content->written, "%s reads %s, which nobody wrote", call->kernel_name,
                      region->name);
    if (reads(operand) && content->overwritten)
        ck_assert_msg(content->overwritten == call->group, "%s reads %s, which %s overwrote",
                      call->kernel_name, region->name, content->overwritten->name);
    if (!writes(operand))
        return;
    ck_assert_msg(may_write(program, region), "%s writes %s", call->kernel_name, region->name);
}

static void write_content(const struct operand *operand, const struct call *call,
                          struct content *content)
{
    if (content->written && strcmp(operand->name, "raw_gradient") == 0)
        content->overwritten = call->group;
    content->written = true;
}

static void check_calls(const struct program *program)
{
    struct content **contents =
        arena_array(arena, (size_t)program->regions.count, struct content *);
    for (int i = 0, first; i < program->regions.count; i++)
        contents[i] = arena_array(arena, (size_t)blocks_of(program->regions.items[i], &first),
                                  struct content);
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        check_aliases(call);
        for (int pass = 0; pass < 2; pass++)
            for (int j = 0; j < call->operands.count; j++) {
                const struct operand *operand = &call->operands.items[j];
                if (!operand->region)
                    continue;
                int first, blocks = blocks_of(operand->region, &first);
                struct content *content =
                    contents[region_index(program, whole_of(operand->region))] + first;
                for (int b = 0; b < blocks; b++) {
                    if (pass == 0)
                        follow_operand(program, call, operand, &content[b]);
                    else if (writes(operand))
                        write_content(operand, call, &content[b]);
                }
            }
    }
    for (int i = 0; i < program->regions.count; i++)
        if (program->regions.items[i]->space == SPACE_GRADIENT)
            ck_assert_msg(contents[i]->written, "nobody writes %s",
                          program->regions.items[i]->name);
}

static bool strictly_within(const struct gate *inner, const struct gate *outer)
{
    for (; inner && inner != outer; inner = inner->outer)
        if (inner->outer == outer)
            return true;
    return false;
}

/* Some call writes REGION, or memory that it shares, where GATE's body is skipped. */
static bool written_unless(const struct program *program, const struct region *region,
                           const struct gate *gate)
{
    for (int i = 0; i < program->calls.count; i++)
        for (int j = 0; j < program->calls.items[i]->operands.count; j++) {
            const struct operand *operand = &program->calls.items[i]->operands.items[j];
            if (program->calls.items[i]->unless == gate && writes(operand) &&
                overlap(operand->region, region))
                return true;
        }
    return false;
}

/* What a call reads though it is outside of the body that writes it has another writer, or the call
 * is told whether it was written. */
static void check_gate(const struct program *program, const struct call *call,
                       const struct operand *operand)
{
    if (!reads(operand) || operand->region->space != SPACE_WORK || find_operand(call, "kept1"))
        return;
    for (int i = 0; i < program->calls.count && program->calls.items[i] != call; i++) {
        const struct call *writer = program->calls.items[i];
        for (int j = 0; j < writer->operands.count; j++)
            if (writes(&writer->operands.items[j]) &&
                overlap(writer->operands.items[j].region, operand->region) &&
                strictly_within(writer->gate, call->gate))
                ck_assert_msg(written_unless(program, operand->region, writer->gate),
                              "%s reads %s, which may be skipped", call->kernel_name,
                              operand->region->name);
    }
}

static void check_gates(const struct program *program)
{
    for (int i = 0; i < program->calls.count && program->graph->gates.count > 0; i++)
        for (int j = 0; j < program->calls.items[i]->operands.count; j++)
            check_gate(program, program->calls.items[i],
                       &program->calls.items[i]->operands.items[j]);
}

/* First and last of each region are the calls that use it, or a slice of it. */
static bool uses_region(const struct operand *operand, const struct region *region)
{
    return operand->region && (operand->region == region || operand->region->whole == region);
}

static void check_lifetimes(const struct program *program)
{
    for (int i = 0; i < program->regions.count; i++) {
        const struct region *region = program->regions.items[i];
        int first = -1, last = -1;
        for (int c = 0; c < program->calls.count; c++)
            for (int j = 0; j < program->calls.items[c]->operands.count; j++)
                if (uses_region(&program->calls.items[c]->operands.items[j], region)) {
                    first = first < 0 ? c : first;
                    last = c;
                }
        ck_assert_msg(region->first == first && region->last == last, "%s", region->name);
    }
}

static void check_one_group(const struct node *node, int *count, const struct node *in_group)
{
    *count += node == in_group;
}

static void check_group(const struct node *node, int *count, const struct group *group)
{
    check_one_group(node, count, group->head);
    check_one_group(node, count, group->pool);
    for (int s = 0; s < group->steps.count; s++)
        check_one_group(node, count, group->steps.items[s]);
    if (group->before)
        check_group(node, count, group->before);
}

/* How many groups compute NODE. */
static int groups_of(const struct groups *groups, const struct node *node)
{
    int count = 0;
    for (int i = 0; i < groups->list.count; i++)
        check_group(node, &count, groups->list.items[i]);
    return count;
}

/* Each node that the program needs is in one group; what only renames, in one at most. */
static void check_groups(const struct program *program)
{
    const struct graph *graph = program->graph;
    for (int i = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        if (node->backward || node_sums_gradients(node))
            continue;
        bool loss = node->outputs[0] == graph->loss;
        bool last = node->outputs[0] == graph->output;
        int count = groups_of(program->groups, node);
        if (loss)
            ck_assert_int_eq(count, program->training);
        else if (node_renames(node, program->training) || (last && node->op == OP_softmax))
            ck_assert_int_le(count, 1);
        else
            ck_assert_msg(count == 1, "%s is in %d groups", node->name, count);
    }
}

/* ---- plan ---- */

static size_t aligned(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

static bool is_planned(const struct region *region)
{
    if (region->whole)
        return false;
    return region->space == SPACE_WORK ? region->last >= 0 : region->space != SPACE_CALLER;
}

static void check_place(const struct program *program, const struct region *region)
{
    ck_assert_msg(region->offset % 16 == 0, "%s is not aligned", region->name);
    ck_assert_msg(region->offset >= program->space_offset[region->space] &&
                      region->offset + region->floats <= program->space_offset[region->space + 1],
                  "%s is outside of its space", region->name);
}

static bool may_share(const struct program *program, const struct region *a, const struct region *b)
{
    if (a->space != SPACE_WORK || b->space != SPACE_WORK || program->keep)
        return false;
    return a->last < b->first || b->last < a->first;
}

/* Of millions of pairs: an assertion of Check's writes a message each time. */
static void check_pair(const struct program *program, const struct region *a,
                       const struct region *b)
{
    bool apart = a->offset + a->floats <= b->offset || b->offset + b->floats <= a->offset;
    if (!apart && !may_share(program, a, b))
        ck_abort_msg("%s [%zu, %zu), calls %d to %d, and %s [%zu, %zu), calls %d to %d, overlap",
                     a->name, a->offset, a->offset + a->floats, a->first, a->last, b->name,
                     b->offset, b->offset + b->floats, b->first, b->last);
}

/* Floats of the work regions that live while call CALL runs; CALL -1: of all. */
static size_t live_floats(const struct program *program, int call)
{
    size_t sum = 0;
    for (int i = 0; i < program->regions.count; i++) {
        const struct region *r = program->regions.items[i];
        if (r->space == SPACE_WORK && !r->whole && r->last >= 0 &&
            (call < 0 || (r->first <= call && call <= r->last)))
            sum += aligned(r->floats);
    }
    return sum;
}

/* A slice lies within a sample of what it is a slice of. */
static void check_slices(const struct program *program)
{
    for (int i = 0; i < program->regions.count; i++) {
        const struct region *slice = program->regions.items[i], *whole = slice->whole;
        if (!whole)
            continue;
        ck_assert_msg(!whole->whole && slice->image == whole->image, "%s", slice->name);
        ck_assert_uint_eq(slice->offset, whole->offset + slice->start);
        ck_assert_uint_le(slice->start + layout_floats(&slice->layout), whole->image);
    }
}

static uint64_t region_seed; /* of the random regions under way, so that messages name it */

/* Check PROGRAM's plan, of CALLS calls; returns work floats over those that live at one time. */
static double check_plan(const struct program *program, int calls)
{
    for (int i = 0; i < program->regions.count; i++) {
        const struct region *region = program->regions.items[i];
        if (!is_planned(region))
            continue;
        check_place(program, region);
        for (int j = 0; j < i; j++)
            if (is_planned(program->regions.items[j]))
                check_pair(program, region, program->regions.items[j]);
    }
    size_t work = program->space_offset[SPACE_COUNT] - program->space_offset[SPACE_WORK];
    size_t least = program->keep ? live_floats(program, -1) : 0;
    for (int call = 0; call < calls; call++)
        if (live_floats(program, call) > least)
            least = live_floats(program, call);
    ck_assert_msg(work >= least && work <= live_floats(program, -1),
                  "%zu floats are planned, %zu live at one time, %zu are all (CHECK_SEED=%llu)",
                  work, least, live_floats(program, -1), (unsigned long long)region_seed);
    return least ? (double)work / (double)least : 1;
}

static uint64_t random_state;

/* splitmix64, as a whole number from LOW to HIGH. */
static int draw(int low, int high)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return low + (int)((z ^ (z >> 31)) % (uint64_t)(high - low + 1));
}

enum { RANDOM_CALLS = 30 };

static struct program *empty_program(bool training, bool keep)
{
    struct program *program = arena_new_of(arena, struct program);
    program->arena = arena;
    program->training = training;
    program->keep = keep;
    return program;
}

static struct region *add_region(struct program *program, enum space space, size_t floats,
                                 int first, int last)
{
    struct region *region = arena_new_of(arena, struct region);
    *region = (struct region){.space = space, .floats = floats, .first = first, .last = last};
    region->name = arena_printf(arena, "region%d of CHECK_SEED=%llu", program->regions.count,
                                (unsigned long long)region_seed);
    vector_push(arena, &program->regions, region);
    return region;
}

static struct program *random_regions(void)
{
    struct program *program = empty_program(draw(0, 1), draw(0, 9) == 0);
    int count = draw(0, 60), longest = draw(1, 3) == 1 ? RANDOM_CALLS : 4;
    program->trainable_floats = (size_t)draw(0, 99);
    program->state_floats = program->trainable_floats + (size_t)draw(0, 99);
    for (int i = 0; i < count; i++) {
        bool used = draw(0, 9) > 0, weights = !program->training && draw(0, 5) == 0;
        int first = draw(0, RANDOM_CALLS - 1);
        int last = min_int(first + draw(0, longest), RANDOM_CALLS - 1);
        int most = draw(0, 1) ? 5000 : 40; /* many are equal, and many not */
        add_region(program, weights ? SPACE_WEIGHTS : SPACE_WORK, (size_t)draw(0, most),
                   used ? first : -1, used ? last : -1);
    }
    return program;
}

START_TEST(random_plans_are_sound)
{
    const char *given = getenv("CHECK_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 1;
    double worst = 1;
    for (int round = 0; round < (given ? 1 : 500); round++) {
        random_state = region_seed = seed + (uint64_t)round;
        struct program *program = random_regions();
        plan_memory(program);
        double ratio = check_plan(program, RANDOM_CALLS);
        worst = ratio > worst ? ratio : worst;
        arena_free(arena);
        arena = arena_new();
    }
    printf("random plans from CHECK_SEED=%llu: at most %.3f of the lower bound\n",
           (unsigned long long)seed, worst);
}
END_TEST

START_TEST(regions_take_turns)
{
    struct program *program = empty_program(false, _i == 1);
    struct region *a = add_region(program, SPACE_WORK, 100, 0, 1);
    struct region *b = add_region(program, SPACE_WORK, 60, 1, 2);
    struct region *c = add_region(program, SPACE_WORK, 30, 2, 3);
    plan_memory(program);
    ck_assert_uint_eq(a->offset, 0);
    ck_assert_uint_eq(b->offset, 112); /* a's 100 floats end in the middle of a line */
    ck_assert_uint_eq(c->offset, _i == 1 ? 176 : 0);
    ck_assert_uint_eq(program->space_offset[SPACE_COUNT], _i == 1 ? 208 : 176);
}
END_TEST

static void plan_it(void *program)
{
    plan_memory(program);
}

START_TEST(too_large_a_network_is_refused)
{
    struct program *program = empty_program(false, false);
    struct failure failure;
    add_region(program, SPACE_WORK, (size_t)1 << 30, 0, 1);
    ck_assert_int_eq(protected_call(plan_it, program, &failure), STATUS_DONE);
    program = empty_program(false, false);
    add_region(program, SPACE_WORK, (size_t)1 << 30, 0, 1);
    add_region(program, SPACE_WORK, (size_t)1 << 30, 1, 2);
    ck_assert_int_eq(protected_call(plan_it, program, &failure), STATUS_USER);
    ck_assert_str_eq(failure.message, "the network needs 8192 MB, more than an arena holds: take a "
                                      "smaller batch");
}
END_TEST

/* ---- threads ---- */

/* team_from of CALLS calls of MFLOP a sample each, at most 64 samples. */
static int team_of(int calls, double mflop)
{
    struct program *program = empty_program(false, false);
    program->batch = 64;
    for (int i = 0; i < calls; i++) {
        struct call *call = arena_new_of(arena, struct call);
        call->flops = mflop * 1e6;
        vector_push(arena, &program->calls, call);
    }
    choose_team(program);
    return program->team_from;
}

START_TEST(small_calls_get_one_thread)
{
    int one = team_of(1, 0.1), many = team_of(100, 0.001);
    ck_assert_int_eq(team_of(1, 1000), 1);
    ck_assert_int_gt(one, 1);
    ck_assert_int_le(one, 64);
    ck_assert_int_gt(many, one); /* the same work with more barriers */
    ck_assert_int_eq(team_of(1, 0.0001), 65);
    struct program *heavy = empty_program(false, false); /* few flops, but much to read */
    heavy->batch = 1;
    struct call *call = arena_new_of(arena, struct call);
    struct operand weights = {.region = add_region(heavy, SPACE_WEIGHTS, 10 << 20, 0, 0)};
    vector_push(arena, &call->operands, weights);
    vector_push(arena, &heavy->calls, call);
    choose_team(heavy);
    ck_assert_int_eq(heavy->team_from, 1);
}
END_TEST

/* ---- parameters ---- */

static size_t region_floats(const struct program *program, const char *name)
{
    for (int i = 0; i < program->regions.count; i++)
        if (program->regions.items[i]->space == SPACE_STATE &&
            strcmp(program->regions.items[i]->name, name) == 0)
            return program->regions.items[i]->floats;
    ck_abort_msg("%s has no region", name);
}

/* What is packed comes back, and fills as many floats as are planned. */
static void check_packing(const struct program *program, int index)
{
    const struct lathe_parameter *parameter = &program->parameters[index];
    size_t elements = lathe_parameter_elements(parameter);
    size_t floats = lathe_parameter_floats(parameter);
    ck_assert_uint_eq(elements, tensor_elements(program->parameter_tensors[index]));
    ck_assert_uint_eq(floats, region_floats(program, parameter->name));
    ck_assert_uint_eq(parameter->offset % 16, 0);
    float *logical = arena_array(arena, elements, float), *packed = malloc(floats * sizeof *packed);
    float *back = arena_array(arena, elements, float);
    size_t used = 0;
    for (size_t i = 0; i < elements; i++)
        logical[i] = (float)(i % 8191 + 1);
    lathe_pack(parameter, logical, packed);
    lathe_unpack(parameter, packed, back);
    for (size_t i = 0; i < floats; i++)
        used += packed[i] != 0;
    free(packed);
    ck_assert_uint_eq(used, elements);
    ck_assert_msg(memcmp(logical, back, elements * sizeof *back) == 0, "%s", parameter->name);
}

static void check_parameters(const struct program *train, const struct program *infer)
{
    size_t end = 0;
    ck_assert_int_eq(train->parameter_count, infer->parameter_count);
    for (int i = 0; i < train->parameter_count; i++) {
        struct lathe_parameter a = train->parameters[i], b = infer->parameters[i];
        ck_assert_msg(memcmp(&a.rank, &b.rank, sizeof a - offsetof(struct lathe_parameter, rank)) ==
                          0,
                      "training and inference pack %s differently", a.name);
        ck_assert_int_eq(a.trainable, a.offset < train->trainable_floats);
        check_packing(train, i);
        if (a.offset + lathe_parameter_floats(&a) > end)
            end = a.offset + lathe_parameter_floats(&a);
    }
    ck_assert_uint_le(end, train->state_floats);
    ck_assert_uint_eq(aligned(end), train->state_floats);
}

START_TEST(groups_and_spans_are_packed)
{
    static const int groups[] = {1, 2, 4, 8, 32};
    struct conv_attributes attributes = square_conv(32, 3, 1, 1);
    net_conv(&net, attributes, "c");
    attributes.groups = groups[_i];
    net_conv(&net, attributes, "c2");
    relu("r");
    finish_flat();
    const struct program *train = program_of(true, false);
    check_parameters(train, program_of(false, false));
    /* avx2: spans of whole blocks of 8 channels, or narrow groups within one */
    bool narrow = groups[_i] > 4;
    ck_assert_int_eq(train->parameters[2].spans, narrow ? 1 : groups[_i]);
    ck_assert_int_eq(train->parameters[2].window, narrow);
    ck_assert_int_eq(train->parameters[2].block_in, narrow ? 32 / groups[_i] : 8);
    ck_assert_int_eq(train->parameters[2].groups, groups[_i]);
}
END_TEST

/* ---- the specs that come with lathe ---- */

static glob_t specs;

static struct network *read_spec(const char *path)
{
    struct spec_setting digits = {"data", "digits"};
    return spec_read(arena, path, &digits, strstr(path, "lenet5") != NULL);
}

static void check_program(const struct program *program, const char *spec)
{
    check_groups(program);
    check_lifetimes(program);
    check_slices(program);
    check_gates(program);
    check_calls(program);
    double ratio = check_plan(program, program->calls.count);
    printf("%s, %s, %s%s: %.1f MB, planned / lower bound = %.3f\n", spec, program->isa->name,
           program->training ? "training" : "inference", program->keep ? ", kept" : "",
           (double)program->space_offset[SPACE_COUNT] * 4e-6, ratio);
}

static void check_spec(const char *path, const char *isa)
{
    struct build_options options = {.isa = isa_find(isa), .infer_batch = 16};
    struct network *network = read_spec(path);
    tabulate_curves(network->graph);
    add_gradients(network->graph);
    const struct program *infer = build_program(arena, network, &options, false);
    const struct program *train = build_program(arena, network, &options, true);
    check_program(infer, path);
    check_program(train, path);
    check_parameters(train, infer);
    options.verify = true;
    check_program(build_program(arena, network, &options, true), path);
}

START_TEST(programs_of_our_specs_are_sound)
{
    static const char *const isas[] = {"portable", "neon", "avx2", "avx512"};
    for (size_t i = 0; i < specs.gl_pathc; i++)
        check_spec(specs.gl_pathv[i], isas[_i]);
    check_spec("tests/num/small.lua", isas[_i]);
    ck_assert_uint_ge(specs.gl_pathc, 4);
}
END_TEST

/* ---- values, ISAs ---- */

START_TEST(values_keep_their_order)
{
    struct value *table = value_table(arena), *inner = value_table(arena);
    struct curve curve = {.kind = CURVE_RELU};
    value_int(table, "n", -5000000000);
    value_real(table, "x", 0.25);
    value_text(table, "text", "t");
    value_flag(table, "flag", true);
    value_curve(table, "curve", &curve, "r");
    value_int(inner, "inside", 1);
    value_child(table, "list", inner);
    value_child(table, NULL, inner);

    static const char *const names[] = {"n", "x", "text", "flag", "curve", "list"};
    const struct field *fields = table->fields.items;
    ck_assert_int_eq(table->fields.count, 7);
    for (int i = 0; i < 6; i++)
        ck_assert_str_eq(fields[i].name, names[i]);
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(fields[i].kind, i < 6 ? (enum value_kind)i : VALUE_TABLE);
    ck_assert(fields[0].integer == -5000000000);
    ck_assert_double_eq(fields[1].real, 0.25);
    ck_assert_str_eq(fields[2].text, "t");
    ck_assert(fields[3].flag);
    ck_assert_ptr_eq(fields[4].curve.curve, &curve);
    ck_assert_str_eq(fields[4].curve.node_name, "r");
    ck_assert_ptr_null(fields[6].name);
    ck_assert_int_eq((int)fields[6].table->fields.items[0].integer, 1);
}
END_TEST

START_TEST(isas_are_found_by_name)
{
    static const struct {
        const char *name;
        int lanes, registers;
    } rows[] = {{"avx512", 16, 32}, {"avx2", 8, 16}, {"neon", 4, 32}, {"portable", 4, 16}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct isa *isa = isa_find(rows[i].name);
        ck_assert_str_eq(isa->name, rows[i].name);
        ck_assert_int_eq(isa->lanes, rows[i].lanes);
        ck_assert_int_eq(isa->registers, rows[i].registers);
    }
    const struct isa *native = isa_find("native");
    ck_assert_ptr_eq(native, isa_find(native->name));
    ck_assert_ptr_null(isa_find("AVX2"));
    ck_assert_ptr_null(isa_find(""));
}
END_TEST

/* ---- show ---- */

static const char *skip_value(const char *at);

static const char *skip_blanks(const char *at)
{
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

/* AT stands at a string without escapes. */
static const char *skip_string(const char *at)
{
    ck_assert_msg(*at == '"', "no string: %.40s", at);
    const char *end = strchr(at + 1, '"');
    ck_assert_ptr_nonnull(end);
    return end + 1;
}

/* The entries of a list or object up to CLOSE. */
static const char *skip_entries(const char *at, char close)
{
    at = skip_blanks(at + 1);
    if (*at == close)
        return at + 1;
    for (;; at = skip_blanks(at + 1)) {
        if (close == '}') {
            at = skip_blanks(skip_string(at));
            ck_assert_msg(*at == ':', "no colon: %.40s", at);
            at = skip_blanks(at + 1);
        }
        at = skip_blanks(skip_value(at));
        if (*at == close)
            return at + 1;
        ck_assert_msg(*at == ',', "no comma: %.40s", at);
    }
}

/* A JSON value of the kinds that show writes; fails where there is none. */
static const char *skip_value(const char *at)
{
    char *end;
    if (*at == '{' || *at == '[')
        return skip_entries(at, *at == '{' ? '}' : ']');
    if (*at == '"')
        return skip_string(at);
    strtod(at, &end);
    ck_assert_msg(end > at && (isdigit((unsigned char)*at) || *at == '-'), "no value: %.40s", at);
    return end;
}

static const char *show_lenet5(bool json, bool dot)
{
    struct build_options options = {.isa = isa_find("avx2"), .infer_batch = 16};
    struct text text = {0};
    show_network(arena, read_spec("specs/lenet5.lua"), &options,
                 &(struct show_options){json, dot, 200, 20}, &text);
    return taken(&text);
}

static void has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no %s in\n%s", part, text);
}

/*
 * LeNet-5: conv 1 -> 6, 5x5, 28x28 (pad 2):  6 * 25 + 6 = 156
 *          conv 6 -> 16, 5x5, 14 -> 10:      16 * 6 * 25 + 16 = 2,416
 *          linear 16 * 5 * 5 = 400 -> 120:   48,120
 *          linear 120 -> 84:                 10,164
 *          linear 84 -> 10:                  850            sum 61,706
 */
START_TEST(show_knows_lenet5)
{
    static const char *const layers[] = {
        "{\"name\": \"conv1\", \"kind\": \"conv\", \"shape\": [6, 28, 28], \"parameters\": 156, ",
        "{\"name\": \"relu1\", \"kind\": \"curve\", \"shape\": [6, 28, 28], \"parameters\": 0, ",
        "{\"name\": \"maxpool1\", \"kind\": \"maxpool\", \"shape\": [6, 14, 14], ",
        "{\"name\": \"conv2\", \"kind\": \"conv\", \"shape\": [16, 10, 10], \"parameters\": 2416, ",
        "{\"name\": \"maxpool2\", \"kind\": \"maxpool\", \"shape\": [16, 5, 5], ",
        "{\"name\": \"flatten1\", \"kind\": \"flatten\", \"shape\": [400], \"parameters\": 0, ",
        "{\"name\": \"linear1\", \"kind\": \"linear\", \"shape\": [120], \"parameters\": 48120, ",
        "{\"name\": \"linear2\", \"kind\": \"linear\", \"shape\": [84], \"parameters\": 10164, ",
        "{\"name\": \"linear3\", \"kind\": \"linear\", \"shape\": [10], \"parameters\": 850, ",
        "{\"nodes\": [\"conv1\", \"relu1\", \"maxpool1\"], \"kernel\": \"conv5x5_",
        "{\"nodes\": [\"linear3\"], \"kernel\": \"linear_",
    };
    const char *json = show_lenet5(true, false);
    ck_assert_str_eq(skip_blanks(skip_value(json)), "");
    has(json, "{\"name\": \"lenet5\", \"parameters\": 61706, \"flops_forward\": ");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        has(json, layers[i]);
    /* conv2: a multiplication and an addition a weight and pixel, and the biases */
    has(json, "\"parameters\": 2416, \"flops\": 481600}"); /* 100 * 16 * (2 * 150 + 1) */
    ck_assert_ptr_null(strstr(json, "\"loss\""));
}
END_TEST

/* linear3, 16 samples, 8 lanes: 84 -> 10 are 11 and 2 blocks. Flops 2 * 10 * 84 a sample; bytes
 * 4 * (88 + 16) a sample and 4 * (88 * 16 + 16) of weights and biases a call. At 2e-3 GFLOP/s and
 * 1e-3 GB/s: 13.44 ms and 6.656 + 5.696 = 12.352 ms. */
START_TEST(show_predicts_a_roofline)
{
    struct build_options options = {.isa = isa_find("avx2"), .infer_batch = 16};
    struct text text = {0};
    show_network(arena, read_spec("specs/lenet5.lua"), &options,
                 &(struct show_options){.peak = 2e-3, .bandwidth = 1e-3}, &text);
    const char *inference = strstr(taken(&text), "\ninference of 16 samples at 0.0 GFLOP/s");
    ck_assert_ptr_nonnull(inference);
    has(inference, "\nlinear3     13.440     13.440     12.352\n");
    has(inference, "\ntraining step of 64 samples at ");
}
END_TEST

START_TEST(show_tells_the_programs_memory)
{
    struct build_options options = {.isa = isa_find("avx2"), .infer_batch = 16};
    struct network *network = read_spec("specs/lenet5.lua");
    add_gradients(network->graph);
    const struct program *infer = build_program(arena, network, &options, false);
    const struct program *train = build_program(arena, network, &options, true);
    has(show_lenet5(true, false),
        arena_printf(arena, "\"memory\": {\"infer_bytes\": %zu, \"train_bytes\": %zu}}\n",
                     infer->space_offset[SPACE_COUNT] * 4, train->space_offset[SPACE_COUNT] * 4));
}
END_TEST

START_TEST(show_prints_tables_and_drawings)
{
    const char *text = show_lenet5(false, false), *dot = show_lenet5(false, true);
    has(text, "\nconv1                        conv           6x28x28                 156 ");
    has(text, "\nparameters: 61706 (and 0 running statistics)\n");
    has(text, "\nfused groups (avx2, vectors of 8):\nconv1: conv1 + relu1 + maxpool1\n");
    has(text, "\nlinear3: linear3\nloss: loss\n");
    has(text, " MB at batch 16, train ");
    has(text, " MB at batch 64\n");
    has(dot, "digraph \"lenet5\" {\n");
    has(dot, "  \"input\" -> \"conv1\";\n");
    has(dot, "  \"linear2\" -> \"relu4\";\n");
}
END_TEST

/* ---- dumps ---- */

/* What build_program prints with --dump PASSES; for a test of its own process. */
static const char *dumped(const char *passes)
{
    char path[] = "/tmp/lathe-dump-XXXXXX";
    int file = mkstemp(path), before = dup(STDOUT_FILENO);
    struct build_options options = {
        .isa = isa_find("avx2"), .infer_batch = 2, .cc = "cc", .dump = passes};
    fflush(stdout);
    dup2(file, STDOUT_FILENO);
    build_program(arena, read_spec("specs/xor.lua"), &options, false);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    close(file);
    size_t length;
    const char *text = read_file(arena, path, &length);
    unlink(path);
    return text;
}

START_TEST(passes_are_dumped)
{
    const char *fused = "after fuse, inference:\nlinear1: linear1 + tanh1\n"
                        "linear2: linear2 + sigmoid1\n\n";
    ck_assert_str_eq(dumped("fuse"), fused);
    ck_assert_str_eq(dumped("shape,fuse"), fused);
    ck_assert_str_eq(dumped("fused,planet"), "");
    const char *both = dumped("plan,fuse");
    ck_assert_int_eq(strncmp(both, fused, strlen(fused)), 0);
    has(both, "after plan, inference:\n  1 linear1 linear_2_to_8_infer(input, linear1.weight, ");
    has(both, "\narena: ");
}
END_TEST

/* ---- suite ---- */

static TCase *fuse_tests(void)
{
    TCase *tests = tcase_create("fuse");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_convolution_takes_what_follows);
    tcase_add_test(tests, learned_activations_are_steps);
    tcase_add_test(tests, a_second_batchnorm_starts_a_group);
    tcase_add_test(tests, a_norm_is_before_one_convolution_of_one_tap);
    tcase_add_test(tests, a_norm_is_not_before_several_taps);
    tcase_add_test(tests, a_norm_read_twice_is_before_nothing);
    tcase_add_loop_test(tests, add_joins_the_body, 0, 2);
    tcase_add_test(tests, add_joins_the_shortcut_which_is_last);
    tcase_add_test(tests, add_of_lone_tensors_is_a_group);
    tcase_add_test(tests, add_of_a_pool_is_a_group);
    tcase_add_loop_test(tests, pools_that_overlap_are_alone, 0, 9);
    tcase_add_test(tests, a_pool_ends_its_group);
    tcase_add_test(tests, dropout_renames_in_inference_alone);
    tcase_add_test(tests, flatten_is_nothing_before_linear);
    tcase_add_test(tests, flatten_moves_numbers_before_a_curve);
    tcase_add_test(tests, flatten_of_one_pixel_is_nothing);
    tcase_add_test(tests, a_tensor_used_twice_ends_its_group);
    tcase_add_test(tests, a_tensor_that_a_convolution_reads_too_ends_its_group);
    tcase_add_test(tests, add_knows_other_names);
    tcase_add_test(tests, the_output_ends_its_group);
    return tests;
}

static TCase *flat_tests(void)
{
    TCase *tests = tcase_create("flat");
    tcase_add_checked_fixture(tests, set_up_flat, tear_down);
    tcase_add_loop_test(tests, training_needs_no_softmax_for_cross_entropy, 0, 2);
    return tests;
}

static TCase *layout_tests(void)
{
    TCase *tests = tcase_create("layout");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_input_stays_planar_for_heads);
    tcase_add_loop_test(tests, the_input_is_blocked_for_anything_else, 0, 4);
    tcase_add_test(tests, channels_are_blocked_and_padded);
    tcase_add_test(tests, flatten_stands_as_the_image);
    tcase_add_test(tests, flatten_that_moves_owns_a_row);
    tcase_add_test(tests, dropout_owns_memory_in_training_alone);
    tcase_add_test(tests, concats_nest_in_one_array);
    tcase_add_test(tests, some_parts_are_copied);
    tcase_add_test(tests, reshape_is_another_name_where_channels_stay);
    return tests;
}

static TCase *lower_tests(void)
{
    TCase *tests = tcase_create("lower");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, inference_is_a_call_a_group);
    tcase_add_test(tests, the_input_is_packed_where_it_is_blocked);
    tcase_add_test(tests, a_training_step_is_forward_loss_backward);
    tcase_add_loop_test(tests, backward_data_takes_the_sum_along, 0, 2);
    tcase_add_test(tests, a_body_is_skipped_whole);
    tcase_add_test(tests, verify_keeps_every_gradient);
    tcase_add_test(tests, copies_are_counted);
    tcase_add_test(tests, a_dense_block_copies_nothing);
    tcase_add_test(tests, a_sum_that_nobody_takes_is_a_call);
    tcase_add_test(tests, learned_steps_are_summed_where_their_gradient_is);
    tcase_add_test(tests, dynamic_relu_is_two_calls);
    tcase_add_test(tests, programs_print);
    tcase_add_loop_test(tests, groups_and_spans_are_packed, 0, 5);
    return tests;
}

/* The calls of lenet5's training step whose template has LANES in its name, or that have a flag of
 * that name: "group: label" a line. */
static const char *calls_with_lanes(const char *lanes, const char *isa, enum conv_method method,
                                    int batch)
{
    struct build_options options = {.isa = isa_find(isa), .method = method, .batch = batch};
    struct network *network = read_spec("specs/lenet5.lua");
    const char *flag = strcmp(lanes, "samples") == 0 ? "by_sample" : "pixel_lanes";
    struct text text = {0};
    add_gradients(network->graph);
    const struct program *program = build_program(arena, network, &options, true);
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        bool found = strstr(call->template_name, lanes) != NULL;
        for (int k = 0; k < call->arguments->fields.count; k++) {
            const struct field *field = &call->arguments->fields.items[k];
            found |= strcmp(field->name, flag) == 0 && field->flag;
        }
        if (found)
            text_printf(&text, "%s: %s\n", call->group ? call->group->name : "-", call->label);
    }
    const char *copy = arena_copy(arena, text.data ? text.data : "");
    text_free(&text);
    return copy;
}

/* 6 channels fill less than half of 16 lanes, but most of 8. */
START_TEST(few_channels_leave_the_lanes_to_pixels)
{
    ck_assert_str_eq(calls_with_lanes("lanes", "avx512", CONV_BY_COST, 8),
                     "conv1: forward\nconv2: backward data\nconv1: backward weights\n");
    ck_assert_str_eq(calls_with_lanes("lanes", "avx512", CONV_DIRECT, 8), "");
    ck_assert_str_eq(calls_with_lanes("lanes", "avx2", CONV_BY_COST, 4), "");
    ck_assert_str_eq(calls_with_lanes("lanes", "avx2", CONV_LANES, 64),
                     "conv1: forward\nconv2: backward data\nconv1: backward weights\n");
}
END_TEST

/* A batch that fills them has samples in lanes, from the input to the first linear layer. */
START_TEST(samples_fill_lanes)
{
    static const char all[] = "-: input\nconv1: forward\nconv2: forward\nconv2: from lanes\n"
                              "conv2: gradient to lanes\nconv2: gradient of the bias\n"
                              "conv2: backward weights\nconv2: backward data\n"
                              "conv1: gradient of the bias\nconv1: backward weights\n";
    ck_assert_str_eq(calls_with_lanes("samples", "avx512", CONV_BY_COST, 64), all);
    ck_assert_str_eq(calls_with_lanes("lanes", "avx512", CONV_BY_COST, 64), "");
    ck_assert_str_eq(calls_with_lanes("samples", "avx512", CONV_BY_COST, 16), all);
    ck_assert_str_eq(calls_with_lanes("samples", "avx512", CONV_BY_COST, 15), "");
    ck_assert_str_eq(calls_with_lanes("samples", "avx512", CONV_BY_COST, 18), ""); /* 14 idle */
    ck_assert_str_eq(calls_with_lanes("samples", "avx512", CONV_LANES, 64), "");
    ck_assert_str_eq(calls_with_lanes("samples", "portable", CONV_SAMPLES, 2), all);
}
END_TEST

/* Field NAME of the first call of mlp's inference of COUNT samples: 800 units, 50 blocks. */
static long long linear_field(int count, const char *name)
{
    struct build_options options = {.isa = isa_find("avx512"), .infer_batch = count};
    const struct program *program =
        build_program(arena, read_spec("specs/mlp.lua"), &options, false);
    const struct value *arguments = program->calls.items[0]->arguments;
    for (int i = 0; i < arguments->fields.count; i++) {
        const struct field *field = &arguments->fields.items[i];
        if (strcmp(field->name, name) == 0)
            return field->kind == VALUE_FLAG ? field->flag : field->integer;
    }
    ck_abort_msg("no %s", name);
}

START_TEST(one_sample_takes_many_weights_at_once)
{
    ck_assert_int_eq(linear_field(1, "K_TILE"), 5);
    ck_assert_int_eq(linear_field(1, "single"), 1);
    ck_assert_int_eq(linear_field(16, "K_TILE"), 2);
    ck_assert_int_eq(linear_field(16, "single"), 0);
}
END_TEST

static TCase *program_tests(void)
{
    TCase *tests = tcase_create("program");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, random_plans_are_sound);
    tcase_add_loop_test(tests, regions_take_turns, 0, 2);
    tcase_add_test(tests, too_large_a_network_is_refused);
    tcase_add_test(tests, small_calls_get_one_thread);
    tcase_add_test(tests, steps_are_computed_again);
    tcase_add_test(tests, a_relu_keeps_one_tensor);
    tcase_add_test(tests, what_the_loss_reads_is_kept);
    tcase_add_test(tests, small_networks_keep_all);
    tcase_add_test(tests, a_large_plan_shrinks);
    tcase_add_loop_test(tests, programs_of_our_specs_are_sound, 0, 4);
    tcase_add_test(tests, one_sample_takes_many_weights_at_once);
    tcase_add_test(tests, few_channels_leave_the_lanes_to_pixels);
    tcase_add_test(tests, samples_fill_lanes);
    tcase_add_test(tests, values_keep_their_order);
    tcase_add_test(tests, isas_are_found_by_name);
    tcase_add_test(tests, show_knows_lenet5);
    tcase_add_test(tests, show_predicts_a_roofline);
    tcase_add_test(tests, show_tells_the_programs_memory);
    tcase_add_test(tests, show_prints_tables_and_drawings);
    tcase_add_test(tests, passes_are_dumped);
    return tests;
}

int main(void)
{
    setenv("LATHE_SPEC_MEGABYTES", "4000", true); /* all specs in one process */
    if (glob("specs/*.lua", 0, NULL, &specs) != 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("program");
    suite_add_tcase(suite, fuse_tests());
    suite_add_tcase(suite, flat_tests());
    suite_add_tcase(suite, layout_tests());
    suite_add_tcase(suite, lower_tests());
    suite_add_tcase(suite, program_tests());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    globfree(&specs);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
