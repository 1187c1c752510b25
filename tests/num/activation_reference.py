#!/usr/bin/python3
"""Writes activations.h beside it: values and slopes of torch's activations in double, for
tests/check_activations.c. Run with /usr/bin/python3 (torch 1.13)."""
import pathlib
import torch
from torch.nn import functional as f

X = [-1e4, -120, -88.5, -50, -30, -12, -6.5, -4, -3, -2.5, -1.75, -1, -0.6, -0.25, -1e-3, -1e-6, 0,
     1e-6, 1e-3, 0.25, 0.5, 0.75, 1, 1.75, 2.5, 3, 4, 6.5, 12, 19, 30, 88.5, 120, 1e4]

CURVES = [  # word, parameter, function
    ("relu", 0, f.relu),
    ("relu_at", 0.5, lambda x: f.threshold(x, 0.5, 0.5)),
    ("leaky_relu", 0.25, lambda x: f.leaky_relu(x, 0.25)),
    ("sigmoid", 0, torch.sigmoid),
    ("tanh", 0, torch.tanh),
    ("softplus", 0, lambda x: f.softplus(x, threshold=1000)),
    ("elu", 1, f.elu),
    ("elu", 0.5, lambda x: f.elu(x, alpha=0.5)),
    ("silu", 0, f.silu),
    ("gelu", 0, f.gelu),
    ("hardswish", 0, f.hardswish),
]


def numbers(tensor):
    text, line = "", "       "
    for x in tensor.tolist():
        word = f" {x!r},"
        if len(line + word) > 98:
            text, line = text + line + "\n", "       "
        line += word
    return text + line


def table(x):
    return "{\n" + numbers(x) + "\n    }"


with open(pathlib.Path(__file__).with_name("activations.h"), "w", encoding="ascii") as out:
    out.write("/* Written by activation_reference.py: torch's activations in double. */\n")
    out.write("/* clang-format off */\n")
    out.write(f"enum {{ REFERENCE_POINTS = {len(X)} }};\n")
    out.write(f"static const double reference_x[REFERENCE_POINTS] = {table(torch.tensor(X).double())};\n")
    out.write("static const struct reference {\n    const char *word;\n    double parameter;\n"
              "    double value[REFERENCE_POINTS], slope[REFERENCE_POINTS];\n} references[] = {\n")
    for word, parameter, function in CURVES:
        x = torch.tensor(X).double().requires_grad_()
        y = function(x)
        y.sum().backward()
        out.write(f"    {{\"{word}\", {parameter}, {table(y.detach())}, {table(x.grad)}}},\n")
    out.write("};\n/* clang-format on */\n")
