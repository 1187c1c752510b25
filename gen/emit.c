/*
 * emit: programs to files. What templates print is decided before; here it becomes Lua tables, and
 * text becomes files.
 */
#include "emit.h"
#include "embedded.h"
#include "template.h"

#include "../runtime/random.h"
#include "training.h"

#include <ctype.h>
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

/* A function that was rendered: its text with '@' for the name, and the name. */
struct rendered {
    const char *text, *name;
};

struct printer {
    struct arena *arena;
    lua_State *lua;
    const struct emission *emission;
    VECTOR(struct rendered) functions; /* of the file under way */
    struct text curves, kernels, calls;
    int indent;                       /* of calls */
    const struct gate *gate, *unless; /* of the calls under way */
    bool training;                    /* the file is of the training step */
};

char *identifier(struct arena *arena, const char *name)
{
    char *copy = arena_copy(arena, name);
    for (char *c = copy; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    return copy;
}

/* ---- functions, each signature once ---- */

static void replace_name(struct text *out, const char *text, const char *name)
{
    for (const char *c = text; *c; c++) {
        if (*c == '@')
            text_printf(out, "%s", name);
        else
            text_add(out, c, 1);
    }
}

static bool name_taken(const struct printer *p, const char *name)
{
    for (int i = 0; i < p->functions.count; i++)
        if (strcmp(p->functions.items[i].name, name) == 0)
            return true;
    return false;
}

/* Render TEMPLATE with the arguments on the stack, whose name is '@', to OUT unless the same text
 * is there. Returns the function's name: WISH, with OWNER where WISH is taken by another text. */
static const char *render_once(struct printer *p, const char *template, const char *wish,
                               const char *owner, struct text *out)
{
    struct text text = {0};
    lua_pushliteral(p->lua, "@");
    lua_setfield(p->lua, -2, "name");
    template_render(p->lua, template, &text);
    for (int i = 0; i < p->functions.count; i++)
        if (strcmp(p->functions.items[i].text, text.data) == 0) {
            text_free(&text);
            return p->functions.items[i].name;
        }
    const char *name = wish;
    for (int i = 1; name_taken(p, name); i++)
        name = i == 1 ? arena_printf(p->arena, "%s_%s", wish, identifier(p->arena, owner))
                      : arena_printf(p->arena, "%s_%s_%d", wish, identifier(p->arena, owner), i);
    struct rendered rendered = {arena_copy(p->arena, text.data), name};
    vector_push(p->arena, &p->functions, rendered);
    replace_name(out, text.data, name);
    text_free(&text);
    return name;
}

/* ---- values to Lua ---- */

static void set_number(lua_State *lua, const char *name, double value)
{
    lua_pushnumber(lua, value);
    lua_setfield(lua, -2, name);
}

static void set_integer(lua_State *lua, const char *name, lua_Integer value)
{
    lua_pushinteger(lua, value);
    lua_setfield(lua, -2, name);
}

static void set_string(lua_State *lua, const char *name, const char *value)
{
    lua_pushstring(lua, value);
    lua_setfield(lua, -2, name);
}

static void set_flag(lua_State *lua, const char *name, bool value)
{
    lua_pushboolean(lua, value);
    lua_setfield(lua, -2, name);
}

static void push_pieces(lua_State *lua, const struct table *table)
{
    lua_newtable(lua);
    for (int i = 0; i < table->count; i++) {
        lua_newtable(lua);
        set_number(lua, "from", table->pieces[i].from);
        set_number(lua, "slope", table->pieces[i].slope);
        set_number(lua, "intercept", table->pieces[i].intercept);
        lua_rawseti(lua, -2, i + 1);
    }
}

/* CURVE's parameters by their letters, and what Dynamic's closed form needs besides. */
static void set_curve_parameters(lua_State *lua, const struct curve *curve)
{
    const char *letters = curve_kind_parameters(curve->kind);
    const double *v = curve->parameter;
    for (int i = 0; letters[i]; i++)
        set_number(lua, (char[]){letters[i], '\0'}, v[i]);
    if (curve->kind != CURVE_DYNAMIC)
        return;
    set_integer(lua, "P", (lua_Integer)v[DYNAMIC_P]);
    set_number(lua, "LQI4", 4 * v[DYNAMIC_L] * v[DYNAMIC_Q] * v[DYNAMIC_I]);
    set_number(lua, "LQP", v[DYNAMIC_L] * v[DYNAMIC_Q] * v[DYNAMIC_P]);
}

/* Print CURVE's functions; their name. */
static const char *curve_function(struct printer *p, const struct curve *curve,
                                  const char *node_name)
{
    lua_State *lua = p->lua;
    bool plain = curve->kind == CURVE_RELU || curve->kind == CURVE_LEAKY_RELU;
    lua_newtable(lua);
    set_flag(lua, "training", p->training);
    set_string(lua, "kind", curve_kind_name(curve->kind));
    set_string(lua, "description", curve_describe(p->arena, curve));
    set_curve_parameters(lua, curve);
    if (curve->table && !plain)
        push_pieces(lua, curve->table);
    else
        lua_pushboolean(lua, false);
    lua_setfield(lua, -2, "pieces");
    const char *wish = plain ? curve_kind_name(curve->kind) : identifier(p->arena, node_name);
    return render_once(p, "curve.c.t", arena_printf(p->arena, "curve_%s", wish), node_name,
                       &p->curves);
}

static void push_table(struct printer *p, const struct value *table);

static void push_field(struct printer *p, const struct field *field)
{
    switch (field->kind) {
    case VALUE_INT:
        lua_pushinteger(p->lua, field->integer);
        break;
    case VALUE_REAL:
        lua_pushnumber(p->lua, field->real);
        break;
    case VALUE_TEXT:
        lua_pushstring(p->lua, field->text);
        break;
    case VALUE_FLAG:
        lua_pushboolean(p->lua, field->flag);
        break;
    case VALUE_CURVE:
        lua_pushstring(p->lua, curve_function(p, field->curve.curve, field->curve.node_name));
        break;
    case VALUE_TABLE:
        push_table(p, field->table);
        break;
    }
}

static void push_table(struct printer *p, const struct value *table)
{
    int items = 0;
    luaL_checkstack(p->lua, 8, "values");
    lua_newtable(p->lua);
    for (int i = 0; i < table->fields.count; i++) {
        const struct field *field = &table->fields.items[i];
        push_field(p, field);
        if (field->name)
            lua_setfield(p->lua, -2, field->name);
        else
            lua_rawseti(p->lua, -2, ++items);
    }
}

/* ---- calls ---- */

/* The operands as parameters (with types) or names; INNER: those of the kernel's inner functions.
 */
static void set_operands(struct printer *p, const char *field, const struct call *call,
                         bool declare, bool inner)
{
    struct text text = {0};
    for (int i = 0; i < call->operands.count; i++) {
        const struct operand *o = &call->operands.items[i];
        if (inner && o->outer)
            continue;
        text_printf(&text, "%s%s%s", text.length ? ", " : "", declare ? o->type : "", o->name);
    }
    set_string(p->lua, field, text.data);
    text_free(&text);
}

static void print_argument(struct printer *p, const struct operand *operand)
{
    const struct region *region = operand->region;
    if (!region)
        text_printf(&p->calls, "%s", operand->text);
    else if (region->space == SPACE_CALLER)
        text_printf(&p->calls, "%s", region->name);
    else
        text_printf(&p->calls, "arena + at_%s", identifier(p->arena, region->name));
}

static void print_call(struct printer *p, const struct call *call)
{
    push_table(p, call->arguments);
    set_operands(p, "parameters", call, true, false);
    set_operands(p, "inner_parameters", call, true, true);
    set_operands(p, "inner_names", call, false, true);
    const char *owner = call->group ? call->group->name : "border";
    const char *name = render_once(p, call->template_name, call->kernel_name, owner, &p->kernels);

    text_printf(&p->calls, "%*s%s(", p->indent, "", name);
    for (int i = 0; i < call->operands.count; i++) {
        text_printf(&p->calls, "%s", i ? ", " : "");
        print_argument(p, &call->operands.items[i]);
    }
    text_printf(&p->calls, ");\n");
}

static void print_node(struct text *out, const struct node *node, bool first)
{
    text_printf(out, "%s%s", first ? "" : " + ", node->name);
    if (node->where.line > 0)
        text_printf(out, " (line %d)", node->where.line);
}

/* One paragraph before a call: nodes with their lines, what it does and costs. */
static void print_paragraph(struct printer *p, const struct call *call)
{
    const struct group *group = call->group;
    bool opens = p->calls.length >= 2 && strcmp(p->calls.data + p->calls.length - 2, "{\n") == 0;
    text_printf(&p->calls, "%s%*s/* ", opens ? "" : "\n", p->indent, "");
    if (!group)
        text_printf(&p->calls, "%s between (N, C, H, W) and blocks of channels", call->label);
    else {
        if (group->head)
            print_node(&p->calls, group->head, true);
        for (int s = 0; s < group->steps.count; s++)
            print_node(&p->calls, group->steps.items[s], !group->head && s == 0);
        if (group->pool)
            print_node(&p->calls, group->pool, !group->head && group->steps.count == 0);
        text_printf(&p->calls, ": %s", call->label);
    }
    if (call->flops > 0)
        text_printf(&p->calls, "; %.3f MFLOP, %.3f MB of activations a sample", call->flops * 1e-6,
                    call->bytes * 1e-6);
    text_printf(&p->calls, " */\n");
}

/* ---- the parts of a file ---- */

/* A block of lines for the hole NAME, which stands at the end of the line before them. */
static void set_text(struct printer *p, const char *name, struct text *text)
{
    lua_pushfstring(p->lua, "\n%s", text->data ? text->data : "");
    lua_setfield(p->lua, -2, name);
    text_free(text);
}

static void print_map(struct printer *p, const struct program *program, struct text *out)
{
    for (int i = 0; i < program->regions.count; i++) {
        const struct region *region = program->regions.items[i];
        if (region->space == SPACE_CALLER || (region->space == SPACE_WORK && region->last < 0))
            continue;
        char *name = arena_printf(p->arena, "at_%s = %zu,", identifier(p->arena, region->name),
                                  region->offset);
        text_printf(out, "    %-44s /* %s", name, region->note ? region->note : "");
        if (region->space == SPACE_WORK)
            text_printf(out, "; calls %d to %d", region->first + 1, region->last + 1);
        text_printf(out, " */\n");
    }
}

static void print_loads(struct printer *p, const struct program *program, struct text *out)
{
    for (int i = 0; i < program->loads.count; i++) {
        const struct load *load = &program->loads.items[i];
        const char *name = p->emission->network->name;
        if (load->packed)
            text_printf(out,
                        "    lathe_fold(%s_parameters, logical, %d, %d, %d, %.17g, arena + at_%s, "
                        "arena + at_%s);\n",
                        name, load->weight, load->bias, load->scale ? -1 : load->norm, load->eps,
                        identifier(p->arena, load->packed->name),
                        identifier(p->arena, load->packed_bias->name));
        if (load->packed_vector)
            text_printf(out, "    lathe_pack(&%s_parameters[%d], logical[%d], arena + at_%s);\n",
                        name, load->vector, load->vector,
                        identifier(p->arena, load->packed_vector->name));
        if (load->scale)
            text_printf(out,
                        "    lathe_affine(%s_parameters, logical, %d, %.17g, arena + at_%s, "
                        "arena + at_%s, arena + at_%s);\n",
                        name, load->norm, load->eps, identifier(p->arena, load->mean->name),
                        identifier(p->arena, load->scale->name),
                        identifier(p->arena, load->shift->name));
    }
}

static bool region_is_compared(const struct region *region)
{
    return region->space == SPACE_WORK && region->tensor && region->last >= 0;
}

static void print_tensors(struct printer *p, const struct program *program, struct text *out)
{
    for (int i = 0; i < program->regions.count; i++) {
        const struct region *r = program->regions.items[i];
        if (!region_is_compared(r))
            continue;
        text_printf(out, "    {\"%s\", at_%s * sizeof(float), %s, %d, %d, %d, %d, %zu},\n",
                    r->tensor->name, identifier(p->arena, r->name),
                    r->tensor->batched ? "true" : "false", r->layout.c, r->layout.h, r->layout.w,
                    r->layout.block, r->image);
    }
}

static void print_costs(const struct program *program, struct text *out)
{
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        text_printf(out, "    {\"%s\", \"%s\", %.17g, %.17g},\n",
                    call->group ? call->group->name : "border", call->label, call->flops,
                    call->bytes);
    }
}

static const char *relative_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The fields every file template gets. */
static void push_common(struct printer *p)
{
    const struct network *network = p->emission->network;
    const struct isa *isa = p->emission->infer->isa;
    lua_State *lua = p->lua;
    lua_newtable(lua);
    set_string(lua, "network", network->name);
    const char *origin = arena_printf(p->arena, "lathe %s from %s", LATHE_VERSION,
                                      relative_name(network->spec_path));
    const char *digest = arena_printf(p->arena, "sha256 %.16s, %s", network->digest, isa->name);
    set_string(lua, "origin", origin);
    set_string(lua, "digest", digest);
    set_string(lua, "provenance", arena_printf(p->arena, "%s, %s", origin, digest));
    set_string(lua, "isa", isa->name);
    set_string(lua, "flags", isa->flags);
    set_integer(lua, "V", isa->lanes);
    set_integer(lua, "ABI", LATHE_ABI);
    set_string(lua, "cc", p->emission->cc);
    set_flag(lua, "trains", p->emission->train != NULL);
    const struct tensor *in = network->graph->input;
    set_integer(lua, "channels", tensor_c(in));
    set_integer(lua, "height", tensor_h(in));
    set_integer(lua, "width", tensor_w(in));
    set_integer(lua, "outputs", (lua_Integer)tensor_elements(network->graph->output));
    set_integer(lua, "infer_batch", p->emission->infer->batch);
    set_integer(lua, "infer_floats", (lua_Integer)p->emission->infer->space_offset[SPACE_COUNT]);
    const struct program *train = p->emission->train;
    set_integer(lua, "batch", train ? train->batch : 0);
    set_integer(lua, "train_floats", train ? (lua_Integer)train->space_offset[SPACE_COUNT] : 0);
    set_integer(lua, "trainable_floats", (lua_Integer)p->emission->infer->trainable_floats);
    set_integer(lua, "state_floats", (lua_Integer)p->emission->infer->state_floats);
    set_integer(lua, "gradient_floats",
                train ? (lua_Integer)train->space_offset[SPACE_GRADIENT] : 0);
    set_integer(lua, "state_at", train ? (lua_Integer)train->space_offset[SPACE_STATE] : 0);
    set_flag(lua, "probabilities", graph_gives_probabilities(network->graph));
    set_integer(lua, "parameter_count", p->emission->infer->parameter_count);
    set_flag(lua, "embeds", p->emission->weights != NULL);
}

/* ---- stochastic depth ---- */

/* Calls that run under another condition than those before them: close its block, open one. */
static void print_condition(struct printer *p, const struct gate *gate, const struct gate *unless)
{
    if (p->gate == gate && p->unless == unless)
        return;
    bool open = p->gate || p->unless, other = unless && p->gate == unless && !p->unless;
    const char *kept = gate ? gate_variable(p->arena, gate) : NULL;
    text_printf(&p->calls, other ? "        }" : open ? "        }\n" : "");
    if (other && kept)
        text_printf(&p->calls, " else if (%s) {\n", kept);
    else if (other)
        text_printf(&p->calls, " else {\n");
    else if (kept || unless)
        text_printf(&p->calls, "\n        if (%s%s%s%s) {\n", kept ? kept : "",
                    kept && unless ? " && " : "", unless ? "!" : "",
                    unless ? gate_variable(p->arena, unless) : "");
    p->gate = gate;
    p->unless = unless;
    p->indent = gate || unless ? 12 : 8;
}

/* Whether this step keeps the body of each gate, drawn once. */
static void print_gates(struct printer *p, const struct graph *graph, struct text *out)
{
    for (int i = 0; i < graph->gates.count; i++) {
        const struct gate *gate = graph->gates.items[i];
        text_printf(out, "    const bool %s = ", gate_variable(p->arena, gate));
        if (gate->outer)
            text_printf(out, "%s && ", gate_variable(p->arena, gate->outer));
        text_printf(out, "lathe_kept(seed, step, %d, %uu); /* %s */\n", gate->number,
                    lathe_threshold(gate->p), gate->name);
    }
}

static void push_program(struct printer *p, const struct program *program)
{
    struct text map = {0}, loads = {0}, tensors = {0}, costs = {0}, gates = {0};
    const struct group *group = NULL;
    bool profiles = p->emission->profile && program->training;
    p->functions.count = 0;
    p->training = program->training;
    p->indent = 8;
    if (profiles)
        text_printf(&p->calls, "        lathe_mark(-1);\n");
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        print_condition(p, call->gate, call->unless);
        if (i == 0 || call->group != group || !group || call->flops > 0)
            print_paragraph(p, call);
        group = call->group;
        print_call(p, call);
        if (profiles)
            text_printf(&p->calls, "%*slathe_mark(%d);\n", p->indent, "", i);
    }
    print_condition(p, NULL, NULL);
    if (program->training)
        print_gates(p, program->graph, &gates);
    print_map(p, program, &map);
    print_loads(p, program, &loads);
    if (p->emission->verify && program->training)
        print_tensors(p, program, &tensors);
    if (profiles)
        print_costs(program, &costs);
    push_common(p);
    set_flag(p->lua, "profiles", profiles);
    set_text(p, "costs", &costs);
    set_flag(p->lua, "verifies", p->emission->verify && program->training);
    set_text(p, "gates", &gates);
    set_text(p, "map", &map);
    set_text(p, "loads", &loads);
    set_text(p, "tensors", &tensors);
    set_text(p, "curves", &p->curves);
    set_text(p, "kernels", &p->kernels);
    set_text(p, "calls", &p->calls);
}

/* ---- the model's constants ---- */

static void print_parameters(const struct program *program, struct text *out)
{
    static const char *const inits[] = {"LATHE_CONSTANT", "LATHE_UNIFORM", "LATHE_NORMAL"};
    for (int i = 0; i < program->parameter_count; i++) {
        const struct lathe_parameter *q = &program->parameters[i];
        text_printf(
            out,
            "    {\"%s\", %d, {%d, %d, %d, %d}, %s, %zu, %d, %d, %d, %d, %d, %d, %d, %d, %d, "
            "%s, %.17g},\n",
            q->name, q->rank, q->dims[0], q->dims[1], q->dims[2], q->dims[3],
            q->trainable ? "true" : "false", q->offset, q->out, q->in, q->kh, q->kw, q->groups,
            q->spans, q->window, q->block_out, q->block_in, inits[q->init], q->value);
    }
}

static void print_augmentation(const struct lathe_data *data, struct text *out)
{
    static const char *const kinds[] = {"LATHE_CROP",   "LATHE_HFLIP",         "LATHE_CENTER_CROP",
                                        "LATHE_RESIZE", "LATHE_RANDOM_RESIZE", "LATHE_ROTATE",
                                        "LATHE_SHEAR",  "LATHE_PERSPECTIVE",   "LATHE_COLOR_JITTER",
                                        "LATHE_NOISE"};
    for (int i = 0; i < data->augmentation_count; i++) {
        const struct lathe_augmentation *a = &data->augmentation[i];
        text_printf(out, "    {%s, %d, %d, %d, %s, %.9g, {%.9g, %.9g, %.9g, %.9g}},\n",
                    kinds[a->kind], a->size, a->width, a->pad, a->reflect ? "true" : "false",
                    (double)a->p, (double)a->amount[0], (double)a->amount[1], (double)a->amount[2],
                    (double)a->amount[3]);
    }
}

/* The names of ARRAYS' files, which hold nothing that C would quote. */
static void print_files(const struct lathe_data *data, struct text *out)
{
    if (data->source != LATHE_ARRAYS)
        return;
    text_printf(out, "                 .files = {");
    for (int i = 0; i < 4; i++)
        text_printf(out, data->files[i] ? "%s\"%s\"" : "%sNULL", i ? ", " : "", data->files[i]);
    text_printf(out, "},\n");
}

static void print_data(const struct network *network, struct text *out)
{
    static const char *const sources[] = {
        "LATHE_MNIST",     "LATHE_FASHION_MNIST", "LATHE_CIFAR10", "LATHE_CIFAR100",
        "LATHE_DIGITS",    "LATHE_XOR",           "LATHE_LINEAR",  "LATHE_MAX",
        "LATHE_LOGSUMEXP", "LATHE_IMAGES",        "LATHE_ARRAYS",  "LATHE_NO_DATA"};
    static const char *const targets[] = {"LATHE_TARGET_OWN", "LATHE_TARGET_INPUT",
                                          "LATHE_TARGET_NONE"};
    const struct lathe_data *d = &network->data;
    text_printf(out,
                "        .data = {%s, %d, %d, %d, %d, %d, %d, %d, %s,\n"
                "                 {%.9g, %.9g, %.9g, %.9g}, {%.9g, %.9g, %.9g, %.9g}, %s,\n",
                sources[d->source], d->channels, d->height, d->width, d->load_height, d->load_width,
                d->classes, d->targets, targets[d->target], (double)d->mean[0], (double)d->mean[1],
                (double)d->mean[2], (double)d->mean[3], (double)d->deviation[0],
                (double)d->deviation[1], (double)d->deviation[2], (double)d->deviation[3],
                d->measured ? "true" : "false");
    print_files(d, out);
    text_printf(out, "                 .augmentation = %s, .augmentation_count = %d, ",
                d->augmentation_count ? "augmentation" : "NULL", d->augmentation_count);
    text_printf(out, ".subset = %.17g, .validation = %.17g},\n", d->subset, d->validation);
}

/* The fields of PART that are not 0, as designated initialisers. */
static void print_fields(const struct lathe_training *training, enum lathe_field_part part,
                         struct text *out)
{
    for (int i = 0; i < lathe_training_field_count; i++) {
        const struct lathe_field *field = &lathe_training_fields[i];
        double value = lathe_field_get(training, field);
        if (field->part != part || value == 0)
            continue;
        if (field->type == LATHE_FIELD_FLAG)
            text_printf(out, ", .%s = true", field->name);
        else
            text_printf(out, ", .%s = %.17g", field->name, value);
    }
}

/* "LATHE_ADAM" for "adam". */
static void print_enumerator(const char *word, struct text *out)
{
    text_printf(out, "LATHE_");
    for (; *word; word++)
        text_printf(out, "%c", toupper((unsigned char)*word));
}

/* BATCH: samples of a step, what the training arena has room for. */
static void print_training(const struct network *network, int batch, struct text *out)
{
    const struct lathe_training *t = &network->training;
    text_printf(out, "        .training = {.batch = %d, .epochs = %d", batch,
                network->training.epochs);
    print_fields(t, LATHE_IN_TRAIN, out);
    text_printf(out, ",\n                     .optimizer = {.kind = ");
    print_enumerator(lathe_optimizer_words[t->optimizer.kind], out);
    print_fields(t, LATHE_IN_OPTIMIZER, out);
    text_printf(out, "},\n                     .schedule = {.kind = ");
    print_enumerator(lathe_schedule_words[t->schedule.kind], out);
    print_fields(t, LATHE_IN_SCHEDULE, out);
    text_printf(out, "}},\n");
}

static void push_model(struct printer *p)
{
    const struct network *network = p->emission->network;
    struct text parameters = {0}, augmentation = {0}, data = {0}, training = {0};
    print_parameters(p->emission->infer, &parameters);
    print_augmentation(&network->data, &augmentation);
    print_data(network, &data);
    print_training(network,
                   p->emission->train ? p->emission->train->batch : network->training.batch,
                   &training);
    push_common(p);
    set_text(p, "parameters", &parameters);
    set_flag(p->lua, "augments", network->data.augmentation_count > 0);
    set_text(p, "augmentation", &augmentation);
    set_text(p, "data", &data);
    set_string(p->lua, "training", training.data);
    text_free(&training);
    static const char *const losses[] = {[LATHE_CROSS_ENTROPY] = "LATHE_CROSS_ENTROPY",
                                         [LATHE_MSE] = "LATHE_MSE",
                                         [LATHE_BCE] = "LATHE_BCE"};
    set_string(p->lua, "loss", losses[network->loss]);
    const char *smoothing =
        network->smoothing > 0
            ? arena_printf(p->arena, "\n        .smoothing = %.17g,", network->smoothing)
            : "";
    set_string(p->lua, "smoothing", smoothing);
}

/* ---- files ---- */

/* Render TEMPLATE with the arguments on the stack to FOLDER/FILE. */
static void write_rendered(struct printer *p, const char *folder, const char *file,
                           const char *template)
{
    struct text text = {0}, narrow = {0};
    template_render(p->lua, template, &text);
    if (strcmp(file, "Makefile") != 0) {
        emit_wrap(text.data, text.length, &narrow);
        text_free(&text);
        text = narrow;
    }
    if (p->emission->digest)
        sha256_add(p->emission->digest, text.data, text.length);
    else
        write_file(arena_printf(p->arena, "%s/%s", folder, file), text.data, text.length);
    text_free(&text);
}

static void write_runtime(struct printer *p, const char *folder)
{
    make_folder(arena_printf(p->arena, "%s/runtime", folder));
    for (int i = 0; i < embedded_runtime_count; i++)
        write_file(arena_printf(p->arena, "%s/runtime/%s", folder, embedded_runtime[i].name),
                   embedded_runtime[i].data, embedded_runtime[i].size);
}

/* The weights go beside the C and into infer by .incbin. */
static void write_embedded(struct printer *p, const char *folder)
{
    size_t length;
    char *weights = read_file(p->arena, p->emission->weights, &length);
    write_file(arena_printf(p->arena, "%s/embedded.safetensors", folder), weights, length);
    push_common(p);
    write_rendered(p, folder, "embedded.S", "embedded.S.t");
}

/* Training and inference pack each parameter alike: the model has one table for both. */
static void check_packing(const struct program *infer, const struct program *train)
{
    for (int i = 0; train && i < infer->parameter_count; i++) {
        const struct lathe_parameter *a = &infer->parameters[i], *b = &train->parameters[i];
        check_bug(a->offset == b->offset && a->in == b->in && a->kh == b->kh && a->kw == b->kw);
        check_bug(a->spans == b->spans && a->window == b->window && a->block_out == b->block_out &&
                  a->block_in == b->block_in);
    }
}

void emit(struct arena *arena, const struct emission *emission, const char *folder)
{
    const char *name = emission->network->name;
    check_packing(emission->infer, emission->train);
    struct printer p = {.arena = arena, .lua = templates_open(), .emission = emission};
    if (!emission->digest) {
        make_folder(folder);
        write_runtime(&p, folder);
    }

    push_program(&p, emission->infer);
    write_rendered(&p, folder, arena_printf(arena, "%s_infer.c", name), "infer_program.c.t");
    push_common(&p);
    write_rendered(&p, folder, "infer.c", "infer_main.c.t");
    if (emission->train) {
        push_program(&p, emission->train);
        write_rendered(&p, folder, arena_printf(arena, "%s_train.c", name), "train_program.c.t");
        push_common(&p);
        write_rendered(&p, folder, "train.c", "train_main.c.t");
    }
    push_model(&p);
    write_rendered(&p, folder, arena_printf(arena, "%s_model.c", name), "model.c.t");
    push_common(&p);
    write_rendered(&p, folder, arena_printf(arena, "%s.h", name), "model.h.t");
    push_common(&p);
    write_rendered(&p, folder, "Makefile", "Makefile.t");
    if (emission->weights && !emission->digest)
        write_embedded(&p, folder);
    templates_close(p.lua);
}
