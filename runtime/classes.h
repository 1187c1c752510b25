/*
 * The names of the classes of known data sets.
 */
#ifndef LATHE_CLASSES_H
#define LATHE_CLASSES_H

#include "lathe.h"

/* The name of CLASS of SOURCE, or NULL where it has none but its number. */
const char *lathe_class_name(enum lathe_source source, int class_index);

#endif
