#include "isa.h"
#include <stddef.h>
#include <string.h>

/*
 * avx512 is the server baseline (F, BW, DQ, VL: Skylake-SP and later, Zen 4); the flags name
 * features, not a processor, so that a folder built on one machine runs on another of its class.
 * portable uses four-lane vectors: SSE2 on every x86-64, NEON on every AArch64, and GCC and Clang
 * lower them to scalars elsewhere; one lane would only take that choice away from the compiler.
 */
static const struct isa isas[] = {
    {"avx512", 16, 32,
     "-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512"},
    {"avx2", 8, 16, "-mavx2 -mfma"},
    {"neon", 4, 32, ""},
    {"portable", 4, 16, ""},
};

static const char *native_name(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return "avx512";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "avx2";
#elif defined(__aarch64__)
    return "neon";
#endif
    return "portable";
}

const struct isa *isa_find(const char *name)
{
    if (strcmp(name, "native") == 0)
        name = native_name();
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        if (strcmp(isas[i].name, name) == 0)
            return &isas[i];
    return NULL;
}
