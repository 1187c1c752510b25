/*
 * Whether numbers are finite, by their bits: compilers that were told that there are no NaNs
 * (-ffast-math) take isfinite away, and flushing of denormals does not matter.
 */
#ifndef LATHE_FINITE_H
#define LATHE_FINITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* X is neither infinite nor NaN. */
static inline bool lathe_is_finite(double x)
{
    const uint64_t exponent = UINT64_C(0x7ff) << 52;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (bits & exponent) != exponent;
}

/* All COUNT floats at X are. Threads share long arrays. */
bool lathe_are_finite(const float *x, size_t count);

/* "nan", "inf" or "-inf" for an X that is not finite. */
const char *lathe_not_finite_text(double x);

#endif
