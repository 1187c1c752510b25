/*
 * emit_calls: a program's calls, and the kernels they need, each signature once.
 */
#include "emit_parts.h"
#include "template.h"

#include <lauxlib.h>
#include <string.h>

/* ---- functions, each signature once ---- */

static void replace_name(struct text *out, const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *at; (at = strchr(text, '@')) != NULL; text = at + 1) {
        text_add(out, text, (size_t)(at - text));
        text_add(out, name, length);
    }
    text_add(out, text, strlen(text));
}

static bool name_taken(const struct printer *p, const char *name)
{
    for (int i = 0; i < p->functions.count; i++)
        if (strcmp(p->functions.items[i].name, name) == 0)
            return true;
    return false;
}

/* Render TEMPLATE with the arguments on the stack, whose name is '@', unless the same text is
 * there. Returns the function's place; its name: WISH, with OWNER where WISH is taken by another
 * text. */
static int render_once(struct printer *p, const char *template, const char *wish, const char *owner,
                       const char *parameters)
{
    struct text text = {0};
    lua_pushliteral(p->lua, "@");
    lua_setfield(p->lua, -2, "name");
    template_render(p->lua, template, &text);
    for (int i = 0; i < p->functions.count; i++)
        if (strcmp(p->functions.items[i].text, text.data) == 0) {
            text_free(&text);
            return i;
        }
    const char *name = wish;
    for (int i = 1; name_taken(p, name); i++)
        name = i == 1 ? arena_printf(p->arena, "%s_%s", wish, identifier(p->arena, owner))
                      : arena_printf(p->arena, "%s_%s_%d", wish, identifier(p->arena, owner), i);
    struct rendered rendered = {arena_copy(p->arena, text.data), name, parameters};
    vector_push(p->arena, &p->functions, rendered);
    text_free(&text);
    return p->functions.count - 1;
}

/* The kernel FUNCTION for a file apart from its callers: it gets a prototype, and its name PREFIX,
 * for it is seen everywhere; the functions before it in its text are the file's own. */
static void print_apart(struct printer *p, struct rendered *function, const char *prefix,
                        struct text *out)
{
    static const char opening[] = "static void @(";
    const char *start = strstr(function->text, opening);
    check_bug(start && !strstr(start + 1, opening));
    char *before = arena_copy(p->arena, function->text);
    before[start - function->text] = '\0';
    replace_name(out, before, function->name);
    const char *full_name = arena_printf(p->arena, "%s_%s", prefix, function->name);
    text_printf(&p->prototypes, "void %s(%s);\n", full_name, function->parameters);
    text_printf(out, "void %s(", full_name);
    replace_name(out, start + strlen(opening), function->name);
    function->name = full_name;
}

/* Curves and kernels to their texts. */
static void print_functions(struct printer *p, const char *prefix)
{
    size_t length = 0, part = p->emission->part_bytes;
    for (int i = 0; i < p->functions.count; i++)
        length += p->functions.items[i].parameters ? strlen(p->functions.items[i].text) : 0;
    for (int i = 0; i < p->functions.count; i++) {
        struct rendered *function = &p->functions.items[i];
        if (!function->parameters) {
            replace_name(&p->curves, function->text, function->name);
            continue;
        }
        struct text *last = p->kernels.count ? &p->kernels.items[p->kernels.count - 1] : NULL;
        if (!last || (length > part && last->length >= part)) {
            vector_push(p->arena, &p->kernels, (struct text){0});
            last = &p->kernels.items[p->kernels.count - 1];
        }
        if (length > part)
            print_apart(p, function, prefix, last);
        else
            replace_name(last, function->text, function->name);
    }
}

/* ---- values to Lua ---- */

static void push_pieces(lua_State *lua, const struct table *table)
{
    lua_newtable(lua);
    for (int i = 0; i < table->count; i++) {
        lua_newtable(lua);
        emit_set_number(lua, "from", table->pieces[i].from);
        emit_set_number(lua, "slope", table->pieces[i].slope);
        emit_set_number(lua, "intercept", table->pieces[i].intercept);
        lua_rawseti(lua, -2, i + 1);
    }
}

/* The steps of TABLE's lattice: "max" or "min" of two numbers, pieces counted from 1, steps behind
 * them; or false. */
static void push_lattice(struct printer *p, const struct table *table)
{
    lua_State *lua = p->lua;
    struct lattice_step *steps;
    int count = table_lattice(p->arena, table, &steps);
    if (count < 0) {
        lua_pushboolean(lua, false);
        return;
    }
    lua_newtable(lua);
    for (int i = 0; i < count; i++) {
        lua_newtable(lua);
        emit_set_string(lua, "operation", steps[i].maximum ? "max" : "min");
        emit_set_integer(lua, "a", steps[i].a + 1);
        emit_set_integer(lua, "b", steps[i].b + 1);
        lua_rawseti(lua, -2, i + 1);
    }
}

/* What it takes to find a table's value and its slope, nanoseconds a vector (of LANES, in the first
 * cache): by a lattice or by comparisons, a piece; by a search (lathe_table), whose rows fill one
 * register or two. `bench curves` prints such a line of the machine that it runs on. 8 lanes: the
 * mean of an Intel Xeon of AVX-512 (0.27, 0.75, 0.33, {1.7, 5.8}, {1.5, 4.7}) and of a Zen 3 (0.20,
 * 0.35, 0.18, {2.2, 6.3}, {1.7, 5.1}). */
struct finding {
    int lanes;
    double lattice, compared_value, compared_slope;
    double searched_value[2], searched_slope[2];
};
static const struct finding findings[] = {
    {16, 0.30, 0.46, 0.29, {2.6, 3.3}, {2.4, 3.2}},
    {8, 0.24, 0.55, 0.26, {2.0, 6.0}, {1.6, 4.9}},
};

/* TABLE as lathe_table wants it, of PIECES with those that are none. */
static void push_rows(struct printer *p, const struct table *table, int pieces)
{
    float *numbers = arena_array(p->arena, 3 * (size_t)pieces, float);
    curve_pack_table(table, pieces, numbers);
    lua_newtable(p->lua);
    for (int i = 0; i < 3 * pieces; i++) {
        lua_pushnumber(p->lua, (double)numbers[i]);
        lua_rawseti(p->lua, -2, i + 1);
    }
}

static const struct finding *finding_of(int lanes)
{
    for (size_t i = 0; i < sizeof findings / sizeof *findings; i++)
        if (findings[i].lanes == lanes)
            return &findings[i];
    return NULL;
}

/* How TABLE's value and its slope are found: what takes the least time. "searched" is how many
 * pieces the rows are for, 0 where there is no search. */
static void set_finding(struct printer *p, const struct table *table, bool lattice)
{
    int lanes = p->emission->infer->isa->lanes, registers = divide_up(table->count, lanes);
    const struct finding *f = finding_of(lanes);
    bool value = false, slope = false;
    if (f && registers <= 2) {
        double other = lattice ? f->lattice : f->compared_value;
        value = f->searched_value[registers - 1] < other * table->count;
        slope = p->training && f->searched_slope[registers - 1] < f->compared_slope * table->count;
    }
    emit_set_flag(p->lua, "value_searched", value);
    emit_set_flag(p->lua, "slope_searched", slope);
    emit_set_integer(p->lua, "searched", value || slope ? registers * lanes : 0);
    if (value || slope) {
        push_rows(p, table, registers * lanes);
        lua_setfield(p->lua, -2, "rows");
    }
}

static void set_table(struct printer *p, const struct table *table)
{
    push_pieces(p->lua, table);
    lua_setfield(p->lua, -2, "pieces");
    push_lattice(p, table);
    bool lattice = lua_toboolean(p->lua, -1);
    lua_setfield(p->lua, -2, "lattice");
    set_finding(p, table, lattice);
}

/* CURVE's parameters by their letters, and what Dynamic's closed form needs besides. */
static void set_curve_parameters(lua_State *lua, const struct curve *curve)
{
    const char *letters = curve_kind_parameters(curve->kind);
    const double *v = curve->parameter;
    for (int i = 0; letters[i]; i++)
        emit_set_number(lua, (char[]){letters[i], '\0'}, v[i]);
    if (curve->kind != CURVE_DYNAMIC)
        return;
    emit_set_integer(lua, "P", (lua_Integer)v[DYNAMIC_P]);
    emit_set_number(lua, "LQI4", 4 * v[DYNAMIC_L] * v[DYNAMIC_Q] * v[DYNAMIC_I]);
    emit_set_number(lua, "LQP", v[DYNAMIC_L] * v[DYNAMIC_Q] * v[DYNAMIC_P]);
}

static const char *print_curve(struct printer *p, const struct curve *curve, const char *node_name)
{
    lua_State *lua = p->lua;
    bool plain = curve->kind == CURVE_RELU || curve->kind == CURVE_LEAKY_RELU;
    lua_newtable(lua);
    emit_set_flag(lua, "training", p->training);
    emit_set_string(lua, "kind", curve_kind_name(curve->kind));
    emit_set_string(lua, "description", curve_describe(p->arena, curve));
    set_curve_parameters(lua, curve);
    if (curve->table && !plain) {
        set_table(p, curve->table);
    } else {
        emit_set_flag(lua, "pieces", false);
    }
    const char *wish = plain ? curve_kind_name(curve->kind) : identifier(p->arena, node_name);
    int function =
        render_once(p, "curve.c.t", arena_printf(p->arena, "curve_%s", wish), node_name, NULL);
    return p->functions.items[function].name;
}

/* Print CURVE's functions unless they are there; their name. */
static const char *curve_function(struct printer *p, const struct curve *curve,
                                  const char *node_name)
{
    for (int i = 0; i < p->curve_names.count; i++)
        if (p->curve_names.items[i].curve == curve)
            return p->curve_names.items[i].name;
    struct curve_name found = {curve, print_curve(p, curve, node_name)};
    vector_push(p->arena, &p->curve_names, found);
    return found.name;
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

/* Set FIELD to the operands as parameters (with types) or names; INNER: those of the kernel's inner
 * functions. */
static const char *set_operands(struct printer *p, const char *field, const struct call *call,
                                bool declare, bool inner)
{
    struct text text = {0};
    for (int i = 0; i < call->operands.count; i++) {
        const struct operand *o = &call->operands.items[i];
        if (inner && o->outer)
            continue;
        text_printf(&text, "%s%s%s", text.length ? ", " : "", declare ? o->type : "", o->name);
    }
    const char *copy = arena_copy(p->arena, text.data ? text.data : "");
    emit_set_string(p->lua, field, copy);
    text_free(&text);
    return copy;
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

static void add_bytes(struct text *key, const void *bytes, size_t size)
{
    text_add(key, bytes, size);
}

/* Append what distinguishes TABLE from others to KEY: names end in a NUL, an item's is empty. */
static void add_table(struct printer *p, const struct value *table, struct text *key)
{
    for (int i = 0; i < table->fields.count; i++) {
        const struct field *field = &table->fields.items[i];
        const char *text = NULL, *name = field->name ? field->name : "";
        add_bytes(key, name, strlen(name) + 1);
        add_bytes(key, &(char){(char)('0' + (int)field->kind)}, 1);
        if (field->kind == VALUE_INT)
            add_bytes(key, &field->integer, sizeof field->integer);
        else if (field->kind == VALUE_REAL)
            add_bytes(key, &field->real, sizeof field->real);
        else if (field->kind == VALUE_FLAG)
            add_bytes(key, &field->flag, sizeof field->flag);
        else if (field->kind == VALUE_TEXT)
            text = field->text;
        else if (field->kind == VALUE_CURVE)
            text = curve_function(p, field->curve.curve, field->curve.node_name);
        else
            add_table(p, field->table, key);
        if (text)
            add_bytes(key, text, strlen(text) + 1);
    }
    add_bytes(key, "", 1);
}

/* What CALL's kernel is rendered from, in bytes. */
static struct text kernel_key(struct printer *p, const struct call *call)
{
    struct text key = {0};
    add_bytes(&key, call->template_name, strlen(call->template_name) + 1);
    add_table(p, call->arguments, &key);
    for (int i = 0; i < call->operands.count; i++) {
        const struct operand *o = &call->operands.items[i];
        add_bytes(&key, o->type, strlen(o->type) + 1);
        add_bytes(&key, o->name, strlen(o->name) + 1);
        add_bytes(&key, &o->outer, sizeof o->outer);
    }
    return key;
}

/* Render CALL's kernel; its place among the functions. */
static int print_kernel(struct printer *p, const struct call *call)
{
    push_table(p, call->arguments);
    const char *parameters = set_operands(p, "parameters", call, true, false);
    set_operands(p, "inner_parameters", call, true, true);
    set_operands(p, "inner_names", call, false, true);
    const char *owner = call->group ? call->group->name : "border";
    return render_once(p, call->template_name, call->kernel_name, owner, parameters);
}

/* The place of CALL's kernel, which is rendered where no call before had the same. */
static int kernel_function(struct printer *p, const struct call *call)
{
    struct text key = kernel_key(p, call);
    for (int i = 0; i < p->known.count; i++)
        if (p->known.items[i].key.length == key.length &&
            memcmp(p->known.items[i].key.data, key.data, key.length) == 0) {
            text_free(&key);
            return p->known.items[i].function;
        }
    struct kernel kernel = {key, print_kernel(p, call)};
    vector_push(p->arena, &p->known, kernel);
    return kernel.function;
}

/* All kernels that PROGRAM calls; their places by call, then those of what is called once. */
static const int *render_kernels(struct printer *p, const struct program *program)
{
    int count = program->calls.count;
    int *functions = arena_array(p->arena, (size_t)(count + program->prepares.count) + 1, int);
    p->functions.count = p->known.count = p->curve_names.count = 0;
    p->training = program->training;
    for (int i = 0; i < count; i++)
        functions[i] = kernel_function(p, program->calls.items[i]);
    for (int i = 0; i < program->prepares.count; i++)
        functions[count + i] = kernel_function(p, program->prepares.items[i]);
    for (int i = 0; i < p->known.count; i++)
        text_free(&p->known.items[i].key);
    return functions;
}

/* A call of the function NAME as CALL says; all threads meet behind it. */
static void print_call(struct printer *p, const struct call *call, const char *name)
{
    text_printf(&p->calls, "%*s%s(", p->indent, "", name);
    for (int i = 0; i < call->operands.count; i++) {
        text_printf(&p->calls, "%s", i ? ", " : "");
        print_argument(p, &call->operands.items[i]);
    }
    text_printf(&p->calls, ");\n%*slathe_meet();\n", p->indent, "");
}

static void print_node(struct printer *p, const struct node *node, bool first)
{
    struct text *out = &p->calls;
    text_printf(out, "%s%s", first ? "" : " + ", c_text(p->arena, node->name));
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
            print_node(p, group->head, true);
        for (int s = 0; s < group->steps.count; s++)
            print_node(p, group->steps.items[s], !group->head && s == 0);
        if (group->pool)
            print_node(p, group->pool, !group->head && group->steps.count == 0);
        text_printf(&p->calls, ": %s", call->label);
    }
    if (call->flops > 0)
        text_printf(&p->calls, "; %.3f MFLOP, %.3f MB of activations a sample", call->flops * 1e-6,
                    call->bytes * 1e-6);
    text_printf(&p->calls, " */\n");
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

/* The calls of PROGRAM that are made once, to p->prepares; FUNCTIONS: their kernels' places. */
static void print_prepares(struct printer *p, const struct program *program, const int *functions)
{
    struct text calls = p->calls;
    p->calls = (struct text){0};
    for (int i = 0; i < program->prepares.count; i++)
        print_call(p, program->prepares.items[i], p->functions.items[functions[i]].name);
    p->prepares = p->calls;
    p->calls = calls;
}

void emit_calls(struct printer *p, const struct program *program, const char *prefix)
{
    const struct group *group = NULL;
    const int *functions = render_kernels(p, program);
    p->kernels.count = 0;
    print_functions(p, prefix);
    p->indent = 8;
    print_prepares(p, program, functions + program->calls.count);
    text_printf(&p->calls, "        lathe_mark(profile, -1, count);\n");
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        print_condition(p, call->gate, call->unless);
        if (i == 0 || call->group != group || !group || call->flops > 0)
            print_paragraph(p, call);
        group = call->group;
        print_call(p, call, p->functions.items[functions[i]].name);
        text_printf(&p->calls, "%*slathe_mark(profile, %d, count);\n", p->indent, "", i);
    }
    print_condition(p, NULL, NULL);
}
