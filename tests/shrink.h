/*
 * shrink: the small part of a spec that fails as the whole does.
 */
#ifndef LATHE_TEST_SHRINK_H
#define LATHE_TEST_SHRINK_H

#include "../gen/base.h"

/* Does SPEC still fail, and in the same way? false, too, where it is no spec. */
typedef bool shrink_fails(void *context, const char *spec);

/* SPEC, which has a layer a line and fails, without the layers that do not matter (a block as a
 * whole, or its braces alone) and with smaller numbers, as far as FAILS holds: leaving out any one
 * line or making any number less by half or by one, it holds no more. The method: delta debugging
 * (Zeller, Hildebrandt: "Simplifying and isolating failure-inducing input", 2002), by lines. The
 * text is to be freed. */
struct text shrink(const char *spec, shrink_fails *fails, void *context);

#endif
