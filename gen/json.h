/*
 * json: lines of JSON as lathe and its programs write them, one object a line, put together and
 * read back. Reads what was written here or by the runtime's log, no JSON of others: a name is
 * followed by ": ", and no text holds a name in quotes. Floor 0 of the generator.
 */
#ifndef LATHE_JSON_H
#define LATHE_JSON_H

#include "base.h"

/* Append TEXT in quotes, escaped. */
void json_put_text(struct text *out, const char *text);
/* Append NUMBER with nine digits; null where it is not finite. */
void json_put_number(struct text *out, double number);
/* The same with as many digits as it takes to read the same double back. */
void json_put_exact(struct text *out, double number);
/* Append [a, b, ...]. */
void json_put_numbers(struct text *out, const double *numbers, int count);

/* What follows "NAME": in LINE, or NULL. */
const char *json_field(struct arena *arena, const char *line, const char *name);
/* A number of LINE; NaN where there is none. */
double json_number(struct arena *arena, const char *line, const char *name);
/* A whole number of LINE; 0 where there is none, or it is below. */
int json_whole(struct arena *arena, const char *line, const char *name);
/* A text of LINE with its escapes; "" where there is none. */
const char *json_text(struct arena *arena, const char *line, const char *name);
/* The numbers of a list of LINE, in ARENA, NaN for null; returns how many. */
int json_numbers(struct arena *arena, const char *line, const char *name, double **numbers);

#endif
