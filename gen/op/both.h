/*
 * both: includes the file KERNELS twice, with REAL as float and as double. An operator's file whose
 * kernels are the same formula in both types names itself: its upper half holds the rules, its
 * lower half, under #ifdef REAL, the kernels. KERNEL(forward) is forward_float or forward_double.
 */
#define REAL         float
#define KERNEL(name) name##_float
#include KERNELS
#undef REAL
#undef KERNEL
#define REAL         double
#define KERNEL(name) name##_double
#include KERNELS
#undef REAL
#undef KERNEL
