/*
 * find: which peers there are.
 */
#include "find.h"

#include "peer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool runs(char *program, char *option, char *text, const char *log)
{
    char *arguments[] = {program, option, text, NULL};
    return run_command(arguments, log);
}

struct tools find_tools(struct arena *arena, const char *bench, const char *scratch)
{
    char *pythons[] = {getenv("PYTHON"), "python3", "/usr/bin/python3"};
    struct tools tools = {0};
    const char *log = arena_printf(arena, "%s/find.log", scratch);
    const char *slash = strrchr(bench, '/');
    int length = slash ? (int)(slash - bench) + 1 : 0;
    char *onednn = arena_printf(arena, "%.*sonednn", length, bench);
    char *module = arena_printf(arena, "%.*snode/node_modules/onnxruntime-node", length, bench);
    for (int i = pythons[0] ? 0 : 1; i < (pythons[0] ? 1 : 3) && !tools.python; i++)
        if (runs(pythons[i], "-c", "import torch", log))
            tools.python = pythons[i];
    if (runs("node", "--version", NULL, log))
        tools.node = "node";
    if (access(module, R_OK) == 0)
        tools.onnx_runtime = module;
    if (access(onednn, X_OK) == 0)
        tools.onednn = onednn;
    return tools;
}
