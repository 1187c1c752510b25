/* JSON of anyone's: a file as a tree, as lines, and as histograms. */
#include "fuzz.h"

#include "../../gen/histogram.h"
#include "../../gen/json_tree.h"

#include <string.h>

/* Every name must find a member; nothing may be deeper than is said. */
static void walk(const struct tree *tree, int depth)
{
    fuzz_claim(depth <= 65 && tree->text && tree->count <= tree->capacity);
    for (int i = 0; i < tree->count; i++) {
        if (tree->kind == TREE_OBJECT)
            fuzz_claim(tree_get(tree, tree->items[i].name) <= &tree->items[i]);
        walk(&tree->items[i], depth + 1);
    }
}

static void join(struct arena *arena, const struct histograms *histograms)
{
    struct text out = {0};
    struct histograms all = {0};
    vector_push(arena, &all.nodes, join_histograms(arena, histograms));
    print_histograms_json(&out, histograms);
    print_histograms_json(&out, &all);
    text_free(&out);
}

void fuzz_parse(const uint8_t *bytes, size_t count)
{
    enum { TREE, LINES, HISTOGRAMS, CHOICES };
    struct arena *arena = arena_new();
    unsigned choice = fuzz_choose(&bytes, &count, CHOICES);
    fuzz_put("file", bytes, count);
    if (choice == HISTOGRAMS) {
        struct histograms histograms = read_histograms(arena, fuzz_path("file"));
        join(arena, &histograms);
    } else {
        walk((choice == TREE ? tree_read_file : tree_read_lines)(arena, fuzz_path("file")), 0);
    }
    arena_free(arena);
}
