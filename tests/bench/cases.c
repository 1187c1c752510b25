/*
 * cases: what the table shows.
 */
#include "cases.h"

#define RESNET9  "specs/resnet9.lua:data=cifar10,"
#define RESNET18 "specs/resnet18.lua:data=cifar10"

const char *const task_name[TASKS] = {"train", "infer", "memory", "layers"};
const char *const relu_spec = RESNET9 "act=relu";

const struct bench_case cases[] = {
    {"resnet9 relu", TASK_TRAIN, RESNET9 "act=relu", 128, PYTORCH | INTERPRETER},
    {"resnet9 exact", TASK_TRAIN, RESNET9 "act=exact", 128, PYTORCH | OWN_RELU},
    {"resnet9 table k=0.1", TASK_TRAIN, RESNET9 "act=table,k=0.1", 128, PYTORCH | OWN_RELU},
    {"resnet9 table k=0.01", TASK_TRAIN, RESNET9 "act=table,k=0.01", 128, PYTORCH | OWN_RELU},
    {"resnet9 mish, 16 pieces", TASK_TRAIN, RESNET9 "act=mish", 128, PYTORCH | OWN_RELU},
    {"resnet18 32x32", TASK_TRAIN, RESNET18, 128, PYTORCH},
    {"lenet5", TASK_TRAIN, "specs/lenet5.lua", 64, PYTORCH},
    {"mlp", TASK_TRAIN, "specs/mlp.lua", 128, PYTORCH},

    {"resnet9 relu", TASK_INFER, RESNET9 "act=relu", 1, PYTORCH | ONNX_RUNTIME},
    {"resnet9 relu", TASK_INFER, RESNET9 "act=relu", 16, PYTORCH | ONNX_RUNTIME},
    {"resnet9 relu", TASK_INFER, RESNET9 "act=relu", 128, PYTORCH | ONNX_RUNTIME},
    {"resnet9 exact", TASK_INFER, RESNET9 "act=exact", 128, PYTORCH | ONNX_RUNTIME | OWN_RELU},
    {"resnet9 table k=0.1", TASK_INFER, RESNET9 "act=table,k=0.1", 128,
     PYTORCH | ONNX_RUNTIME | OWN_RELU},
    {"resnet9 table k=0.01", TASK_INFER, RESNET9 "act=table,k=0.01", 128,
     PYTORCH | ONNX_RUNTIME | OWN_RELU},
    {"resnet9 mish, 16 pieces", TASK_INFER, RESNET9 "act=mish", 128,
     PYTORCH | ONNX_RUNTIME | OWN_RELU},
    {"resnet18 32x32", TASK_INFER, RESNET18, 1, PYTORCH | ONNX_RUNTIME},
    {"resnet18 32x32", TASK_INFER, RESNET18, 128, PYTORCH | ONNX_RUNTIME},
    {"resnet18 224x224", TASK_INFER, "specs/resnet18.lua", 1, PYTORCH | ONNX_RUNTIME},
    {"resnet18 224x224", TASK_INFER, "specs/resnet18.lua", 8, PYTORCH | ONNX_RUNTIME},
    {"resnet50 224x224", TASK_INFER, "specs/resnet50.lua", 1, PYTORCH | ONNX_RUNTIME},
    {"resnet50 224x224", TASK_INFER, "specs/resnet50.lua", 8, PYTORCH | ONNX_RUNTIME},
    {"densenet121 224x224", TASK_INFER, "specs/densenet121.lua", 1, PYTORCH | ONNX_RUNTIME},
    {"densenet121 224x224", TASK_INFER, "specs/densenet121.lua", 8, PYTORCH | ONNX_RUNTIME},
    {"lenet5", TASK_INFER, "specs/lenet5.lua", 1, PYTORCH | ONNX_RUNTIME | INTERPRETER},
    {"mlp", TASK_INFER, "specs/mlp.lua", 1, PYTORCH | ONNX_RUNTIME},

    {"resnet9 relu", TASK_MEMORY, RESNET9 "act=relu", 128, PYTORCH},

    {"resnet9", TASK_LAYERS, RESNET9 "act=relu", 128, ONEDNN},
    {"pointwise", TASK_LAYERS, "tests/bench/pointwise.lua", 16, ONEDNN},
    {"grouped", TASK_LAYERS, "tests/bench/grouped.lua", 16, ONEDNN},
};
const int case_count = sizeof cases / sizeof *cases;
