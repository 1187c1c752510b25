/*
 * table: the operators' rules by enum op, from ops.def.
 */
#include "op.h"

#define OP(name, file) extern const struct op_rules op_##name;
#include "../ops.def"
#undef OP

const struct op_rules *const op_table[OP_COUNT] = {
#define OP(name, file) [OP_##name] = &op_##name,
#include "../ops.def"
#undef OP
};
