/*
 * emit: programs to files. What templates print is decided before; here it becomes Lua tables, and
 * text becomes files.
 */
#include "embedded.h"
#include "emit_parts.h"
#include "template.h"

#include "../runtime/random.h"

#include <ctype.h>
#include <string.h>

char *identifier(struct arena *arena, const char *name)
{
    char *copy = arena_copy(arena, name);
    for (char *c = copy; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    return copy;
}

char *c_text(struct arena *arena, const char *text)
{
    struct text escaped = {0};
    text_add(&escaped, "", 0);
    for (const char *c = text; *c; c++) {
        bool ends_comment = *c == '/' && c > text && c[-1] == '*';
        bool opens_comment = *c == '*' && c > text && c[-1] == '/';
        if (*c == '"' || *c == '\\' || *c == '?') /* ?: of a trigraph */
            text_printf(&escaped, "\\%c", *c);
        else if (*c < ' ' || *c > '~' || ends_comment || opens_comment)
            text_printf(&escaped, "\\%03o", (unsigned char)*c);
        else
            text_add(&escaped, c, 1);
    }
    char *copy = arena_copy(arena, escaped.data);
    text_free(&escaped);
    return copy;
}

/* ---- fields ---- */

void emit_set_number(lua_State *lua, const char *name, double value)
{
    lua_pushnumber(lua, value);
    lua_setfield(lua, -2, name);
}

void emit_set_integer(lua_State *lua, const char *name, lua_Integer value)
{
    lua_pushinteger(lua, value);
    lua_setfield(lua, -2, name);
}

void emit_set_string(lua_State *lua, const char *name, const char *value)
{
    lua_pushstring(lua, value);
    lua_setfield(lua, -2, name);
}

void emit_set_flag(lua_State *lua, const char *name, bool value)
{
    lua_pushboolean(lua, value);
    lua_setfield(lua, -2, name);
}

void emit_set_text(lua_State *lua, const char *name, struct text *text)
{
    lua_pushfstring(lua, "\n%s", text->data ? text->data : "");
    lua_setfield(lua, -2, name);
    text_free(text);
}

/* ---- the parts of a file ---- */

static void print_map(struct printer *p, const struct program *program, struct text *out)
{
    for (int i = 0; i < program->regions.count; i++) {
        const struct region *region = program->regions.items[i];
        if (region->space == SPACE_CALLER || (region->space == SPACE_WORK && region->last < 0))
            continue;
        char *name = arena_printf(p->arena, "at_%s = %zu,", identifier(p->arena, region->name),
                                  region->offset);
        text_printf(out, "    %-44s /* %s", name,
                    region->note ? c_text(p->arena, region->note) : "");
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
        text_printf(out, "    {\"%s\", at_%s * sizeof(float), %s, %d, %d, %d, %d, %d, %zu},\n",
                    c_text(p->arena, r->tensor->name), identifier(p->arena, r->name),
                    r->tensor->batched ? "true" : "false", r->layout.c, r->layout.h, r->layout.w,
                    r->layout.block, max_int(r->layout.samples, 1), r->image);
    }
}

static void print_costs(struct printer *p, const struct program *program, struct text *out)
{
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        struct traffic traffic = call_traffic(call);
        text_printf(out, "    {\"%s\", \"%s\", %.17g, %.17g, %.17g, %s},\n",
                    c_text(p->arena, call->group ? call->group->name : "border"), call->label,
                    call->flops, traffic.sample_bytes, traffic.fixed_bytes,
                    call->winograd ? "true" : "false");
    }
}

/* What the calls write, without what is the caller's. */
static void print_writes(struct printer *p, const struct program *program, struct text *out)
{
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        for (int k = 0; k < call->operands.count; k++) {
            const struct region *region = call->operands.items[k].region;
            while (region && region->whole)
                region = region->whole;
            if (region && call->operands.items[k].writes && region->space != SPACE_CALLER)
                text_printf(out, "    {%d, at_%s, %zu, %zu, %d},\n", i,
                            identifier(p->arena, region->name), region->image ? 0 : region->floats,
                            region->image, max_int(region->layout.samples, 1));
        }
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
    emit_set_string(lua, "network", network->name);
    const char *origin = arena_printf(p->arena, "lathe %s from %s", LATHE_VERSION,
                                      c_text(p->arena, relative_name(network->spec_path)));
    static const char *const curves[] = {[CURVES_FIXED] = "",
                                         [CURVES_TABLES] = ", curves as tables of the weights",
                                         [CURVES_LEARNED] = ", learned curves",
                                         [CURVES_TIED] = ", a learned curve"};
    const char *digest = arena_printf(p->arena, "sha256 %.16s, %s%s", network->digest, isa->name,
                                      curves[p->emission->curves]);
    emit_set_string(lua, "version", LATHE_VERSION);
    emit_set_string(lua, "origin", origin);
    emit_set_string(lua, "digest", digest);
    emit_set_string(lua, "provenance", arena_printf(p->arena, "%s, %s", origin, digest));
    emit_set_string(lua, "isa", isa->name);
    emit_set_string(lua, "flags", isa->flags);
    emit_set_integer(lua, "V", isa->lanes);
    emit_set_integer(lua, "ABI", LATHE_ABI);
    emit_set_string(lua, "cc", p->emission->cc);
    emit_set_flag(lua, "trains", p->emission->train != NULL);
    const struct tensor *in = network->graph->input;
    emit_set_integer(lua, "channels", tensor_c(in));
    emit_set_integer(lua, "height", tensor_h(in));
    emit_set_integer(lua, "width", tensor_w(in));
    emit_set_integer(lua, "outputs", (lua_Integer)tensor_elements(network->graph->output));
    emit_set_integer(lua, "infer_batch", p->emission->infer->batch);
    emit_set_integer(lua, "infer_floats",
                     (lua_Integer)p->emission->infer->space_offset[SPACE_COUNT]);
    const struct program *train = p->emission->train;
    emit_set_integer(lua, "batch", train ? train->batch : 0);
    emit_set_integer(lua, "train_floats",
                     train ? (lua_Integer)train->space_offset[SPACE_COUNT] : 0);
    emit_set_integer(lua, "trainable_floats", (lua_Integer)p->emission->infer->trainable_floats);
    emit_set_integer(lua, "state_floats", (lua_Integer)p->emission->infer->state_floats);
    emit_set_integer(lua, "gradient_floats",
                     train ? (lua_Integer)train->space_offset[SPACE_GRADIENT] : 0);
    emit_set_integer(lua, "state_at", train ? (lua_Integer)train->space_offset[SPACE_STATE] : 0);
    emit_set_flag(lua, "probabilities", graph_gives_probabilities(network->graph));
    emit_set_integer(lua, "parameter_count", p->emission->infer->parameter_count);
    emit_set_flag(lua, "embeds", p->emission->weights != NULL);
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
                    lathe_threshold(gate->p), c_text(p->arena, gate->name));
    }
}

/* What of a parallel region's clauses depends on the number of samples. */
static const char *team_clause(struct printer *p, const struct program *program)
{
    if (program->team_from <= 1)
        return "";
    if (program->team_from > program->batch)
        return " if (false)";
    return arena_printf(p->arena, " if (count >= %d)", program->team_from);
}

/* ---- files ---- */

/* DATA, which stays, is to be written to FOLDER/FILE. */
static void add_output(struct printer *p, const char *folder, const char *file, const char *data,
                       size_t length)
{
    struct output output = {arena_printf(p->arena, "%s/%s", folder, file), data, length};
    vector_push(p->arena, &p->emitted.files, output);
}

/* Render TEMPLATE with the arguments on the stack for FOLDER/FILE. */
static void add_rendered(struct printer *p, const char *folder, const char *file,
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
        add_output(p, folder, file,
                   memcpy(arena_alloc(p->arena, text.length, 1), text.data, text.length),
                   text.length);
    text_free(&text);
}

/* Push the fields that a program's files share. PARTS: files of kernels apart; 0: none. */
static void push_program(struct printer *p, const char *stem, int parts)
{
    push_common(p);
    emit_set_string(p->lua, "stem", stem);
    emit_set_integer(p->lua, "parts", parts);
}

/* The kernels of a program to files of their own, STEM_kernels1.c and so on. */
static void add_kernels(struct printer *p, const char *folder, const char *stem, int parts)
{
    push_program(p, stem, parts);
    emit_set_text(p->lua, "curves", &p->curves);
    emit_set_text(p->lua, "prototypes", &p->prototypes);
    add_rendered(p, folder, arena_printf(p->arena, "%s_kernels.h", stem), "kernels.h.t");
    for (int i = 0; i < parts; i++) {
        push_program(p, stem, parts);
        emit_set_integer(p->lua, "part", i + 1);
        emit_set_text(p->lua, "kernels", &p->kernels.items[i]);
        add_rendered(p, folder, arena_printf(p->arena, "%s_kernels%d.c", stem, i + 1),
                     "kernels.c.t");
    }
}

/* PROGRAM to NAME_infer.c or NAME_train.c, and to files of kernels where they are long. Returns how
 * many of the latter there are. */
static int add_program(struct printer *p, const char *folder, const struct program *program)
{
    struct text map = {0}, loads = {0}, tensors = {0}, costs = {0}, writes = {0};
    struct text gates = {0};
    bool training = program->training;
    bool verifies = p->emission->verify && training;
    const char *kind = training ? "train" : "infer";
    const char *stem = arena_printf(p->arena, "%s_%s", p->emission->network->name, kind);
    emit_calls(p, program, stem);
    int parts = p->prototypes.length ? p->kernels.count : 0;
    if (training)
        print_gates(p, program->graph, &gates);
    print_map(p, program, &map);
    print_loads(p, program, &loads);
    if (verifies)
        print_tensors(p, program, &tensors);
    print_costs(p, program, &costs);
    if (training)
        print_writes(p, program, &writes);
    if (parts)
        add_kernels(p, folder, stem, parts);
    push_program(p, stem, parts);
    emit_set_text(p->lua, "costs", &costs);
    emit_set_text(p->lua, "writes", &writes);
    emit_set_integer(p->lua, "cost_count", program->calls.count);
    emit_set_flag(p->lua, "verifies", verifies);
    emit_set_text(p->lua, "gates", &gates);
    emit_set_string(p->lua, "team", team_clause(p, program));
    emit_set_text(p->lua, "map", &map);
    emit_set_text(p->lua, "loads", &loads);
    emit_set_text(p->lua, "tensors", &tensors);
    emit_set_text(p->lua, "curves", &p->curves);
    emit_set_text(p->lua, "kernels",
                  parts || !p->kernels.count ? &(struct text){0} : &p->kernels.items[0]);
    emit_set_text(p->lua, "calls", &p->calls);
    emit_set_flag(p->lua, "prepares", program->prepares.count > 0);
    emit_set_text(p->lua, "preparations", &p->prepares);
    add_rendered(p, folder, arena_printf(p->arena, "%s.c", stem),
                 arena_printf(p->arena, "%s_program.c.t", kind));
    return parts;
}

static void add_runtime(struct printer *p, const char *folder)
{
    for (int i = 0; i < embedded_runtime_count; i++)
        add_output(p, folder, arena_printf(p->arena, "runtime/%s", embedded_runtime[i].name),
                   embedded_runtime[i].data, embedded_runtime[i].size);
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

/* The runtime's objects by name: a folder may have sources of an older lathe. */
static const char *runtime_objects(struct arena *arena)
{
    const char *list = "";
    size_t column = 0;
    for (int i = 0; i < embedded_runtime_count; i++) {
        const char *name = embedded_runtime[i].name, *end = strrchr(name, '.');
        if (!end || strcmp(end, ".c") != 0)
            continue;
        const char *object = arena_printf(arena, "%.*s.o", (int)(end - name), name);
        bool wraps = column + strlen(object) > 85;
        list = arena_printf(arena, "%s%s%s", list,
                            wraps   ? " \\\n         "
                            : *list ? " "
                                    : "",
                            object);
        column = (wraps ? 9 : column + 1) + strlen(object);
    }
    return list;
}

struct emitted emit(struct arena *arena, const struct emission *emission, const char *folder)
{
    const char *name = emission->network->name;
    check_packing(emission->infer, emission->train);
    struct printer p = {.arena = arena, .lua = templates_open(), .emission = emission};
    if (!emission->digest)
        add_runtime(&p, folder);
    int infer_parts = add_program(&p, folder, emission->infer), train_parts = 0;
    push_common(&p);
    add_rendered(&p, folder, "infer.c", "infer_main.c.t");
    if (emission->train) {
        train_parts = add_program(&p, folder, emission->train);
        push_common(&p);
        add_rendered(&p, folder, "train.c", "train_main.c.t");
    }
    push_common(&p);
    emit_model_fields(&p);
    add_rendered(&p, folder, arena_printf(arena, "%s_model.c", name), "model.c.t");
    push_common(&p);
    add_rendered(&p, folder, arena_printf(arena, "%s.h", name), "model.h.t");
    push_common(&p);
    emit_set_integer(p.lua, "infer_parts", infer_parts);
    emit_set_integer(p.lua, "train_parts", train_parts);
    emit_set_string(p.lua, "runtime", runtime_objects(arena));
    add_rendered(&p, folder, "Makefile", "Makefile.t");
    if (emission->weights && !emission->digest) {
        push_common(&p);
        add_rendered(&p, folder, "embedded.S", "embedded.S.t");
    }
    templates_close(p.lua);
    return p.emitted;
}

void emit_write(struct arena *arena, struct emitted *emitted, const char *weights,
                const char *folder)
{
    if (weights) { /* beside the C, and into infer by .incbin */
        struct output output = {.path = arena_printf(arena, "%s/embedded.safetensors", folder)};
        output.data = read_file(arena, weights, &output.length);
        vector_push(arena, &emitted->files, output);
    }
    make_folder(folder);
    make_folder(arena_printf(arena, "%s/runtime", folder));
    write_files(emitted->files.items, emitted->files.count);
}
