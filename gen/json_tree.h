/*
 * json_tree: any JSON text, whoever wrote it, read into a tree. Floor 0 of the generator.
 */
#ifndef LATHE_JSON_TREE_H
#define LATHE_JSON_TREE_H

#include "base.h"

enum tree_kind { TREE_NULL, TREE_FLAG, TREE_NUMBER, TREE_TEXT, TREE_LIST, TREE_OBJECT };

struct tree {
    enum tree_kind kind;
    const char *name; /* of a member of an object; else NULL */
    double number;    /* NaN where it is none */
    const char *text; /* UTF-8, NUL-terminated; a \u0000 ends it. "" where it is none */
    bool flag;
    struct tree *items; /* of a list or object, in the file's order */
    int count, capacity;
};

/* The value that TEXT is, in ARENA, blanks around it allowed. Fails (STATUS_USER) with "PATH:LINE:
 * not JSON: what" where TEXT is something else, or is deeper than 64 levels. */
const struct tree *tree_read(struct arena *arena, const char *path, const char *text);
/* The lines of the file PATH, each a value, as a list. A last line without its end, which a killed
 * program leaves, is left out. */
const struct tree *tree_read_lines(struct arena *arena, const char *path);
/* The value that the file PATH holds. */
const struct tree *tree_read_file(struct arena *arena, const char *path);

/* The member NAME of OBJECT: a TREE_NULL where there is none, or OBJECT is no object. */
const struct tree *tree_get(const struct tree *object, const char *name);
/* The same as a number (NaN: none) and as a text (OTHERWISE: none). */
double tree_number(const struct tree *object, const char *name);
const char *tree_text(const struct tree *object, const char *name, const char *otherwise);

#endif
