/* json: lines of JSON, written and read back. See json.h. */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_put_text(struct text *out, const char *text)
{
    text_add(out, "\"", 1);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            text_printf(out, "\\%c", *c);
        else if ((unsigned char)*c < ' ')
            text_printf(out, "\\u%04x", *c);
        else
            text_add(out, c, 1);
    }
    text_add(out, "\"", 1);
}

void json_put_number(struct text *out, double number)
{
    if (isfinite(number))
        text_printf(out, "%.9g", number);
    else
        text_printf(out, "null");
}

void json_put_exact(struct text *out, double number)
{
    char digits[32];
    if (!isfinite(number)) {
        text_printf(out, "null");
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, number);
        if (strtod(digits, NULL) == number)
            break;
    }
    text_printf(out, "%s", digits);
}

void json_put_numbers(struct text *out, const double *numbers, int count)
{
    text_printf(out, "[");
    for (int i = 0; i < count; i++) {
        text_printf(out, "%s", i ? ", " : "");
        json_put_number(out, numbers[i]);
    }
    text_printf(out, "]");
}

const char *json_field(struct arena *arena, const char *line, const char *name)
{
    const char *pattern = arena_printf(arena, "\"%s\": ", name);
    const char *at = strstr(line, pattern);
    return at ? at + strlen(pattern) : NULL;
}

double json_number(struct arena *arena, const char *line, const char *name)
{
    const char *at = json_field(arena, line, name);
    char *end = NULL;
    double number = at ? strtod(at, &end) : (double)NAN;
    return at && end > at ? number : (double)NAN;
}

int json_whole(struct arena *arena, const char *line, const char *name)
{
    double number = json_number(arena, line, name);
    return number >= 0 && number <= INT32_MAX ? (int)number : 0;
}

const char *json_text(struct arena *arena, const char *line, const char *name)
{
    const char *at = json_field(arena, line, name);
    if (!at || *at != '"')
        return "";
    size_t length = 1;
    while (at[length] && at[length] != '"')
        length += at[length] == '\\' && at[length + 1] ? 2 : 1;
    return arena_printf(arena, "%.*s", (int)length - 1, at + 1);
}

int json_numbers(struct arena *arena, const char *line, const char *name, double **numbers)
{
    const char *at = json_field(arena, line, name);
    VECTOR(double) list = {0};
    for (at = at && *at == '[' ? at + 1 : ""; *at && *at != ']'; at += strcspn(at, ",]")) {
        at += strspn(at, ", ");
        char *end;
        double number = strtod(at, &end);
        vector_push(arena, &list, end > at ? number : (double)NAN);
    }
    *numbers = list.items;
    return list.count;
}
