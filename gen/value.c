#include "program.h"

struct value *value_table(struct arena *arena)
{
    struct value *table = arena_new_of(arena, struct value);
    table->arena = arena;
    return table;
}

static struct field *add_field(struct value *table, const char *name, enum value_kind kind)
{
    struct field field = {.name = name, .kind = kind};
    vector_push(table->arena, &table->fields, field);
    return &table->fields.items[table->fields.count - 1];
}

void value_int(struct value *table, const char *name, long long number)
{
    add_field(table, name, VALUE_INT)->integer = number;
}

void value_real(struct value *table, const char *name, double number)
{
    add_field(table, name, VALUE_REAL)->real = number;
}

void value_text(struct value *table, const char *name, const char *text)
{
    add_field(table, name, VALUE_TEXT)->text = text;
}

void value_flag(struct value *table, const char *name, bool flag)
{
    add_field(table, name, VALUE_FLAG)->flag = flag;
}

void value_curve(struct value *table, const char *name, const struct curve *curve,
                 const char *node_name)
{
    struct field *field = add_field(table, name, VALUE_CURVE);
    field->curve.curve = curve;
    field->curve.node_name = node_name;
}

void value_child(struct value *table, const char *name, struct value *child)
{
    add_field(table, name, VALUE_TABLE)->table = child;
}
