/*
 * finite: all exponents of an array at once. An exponent of ones plus one carries into the sign's
 * place, so a loop of and, add and or, which compilers turn into vectors, finds the first such bit.
 */
#include "finite.h"

typedef uint32_t __attribute__((may_alias)) bits_of_float;

static uint32_t carries(const float *x, size_t count)
{
    const bits_of_float *bits = (const bits_of_float *)x;
    uint32_t carry = 0;
    for (size_t i = 0; i < count; i++)
        carry |= (bits[i] & 0x7fffffff) + 0x00800000;
    return carry;
}

bool lathe_are_finite(const float *x, size_t count)
{
    enum { BLOCK = 16384, SHORT = 2 * BLOCK };
    uint32_t carry = 0;
#pragma omp parallel for schedule(static) reduction(| : carry) if (count > SHORT)
    for (size_t first = 0; first < count; first += BLOCK)
        carry |= carries(x + first, count - first < BLOCK ? count - first : BLOCK);
    return !(carry >> 31);
}

const char *lathe_not_finite_text(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bool nan = bits << 12;
    return nan ? "nan" : bits >> 63 ? "-inf" : "inf";
}
