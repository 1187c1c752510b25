#!/usr/bin/python3
"""What PyTorch's losses give, for tests/check_ops.c and tests/check_validation.c: run with
/usr/bin/python3 (torch 1.13); writes loss_reference.inc beside itself."""
import math
import os
import torch
from torch.nn import functional

N, C = 4, 2
LABELS = [0, 1, 1, 0]  # of exclusive or
X = [[round(3 * math.sin(1 + 2.3 * (n * C + c)), 3) for c in range(C)] for n in range(N)]
SOFT = [[round(0.5 + 0.5 * math.cos(1.7 * (n * C + c)), 3) for c in range(C)] for n in range(N)]


def table(name, rows):
    text = ", ".join(f"{x:.17g}" for row in rows for x in row)
    return f"static const double {name}[] = {{{text}}};\n"


def case(name, of):
    x = torch.tensor(X, dtype=torch.float64, requires_grad=True)
    loss = of(x)
    loss.backward()
    gradient = ", ".join(f"{g:.17g}" for row in x.grad.tolist() for g in row)
    return f"    {{\"{name}\", {loss.item():.17g}, {{{gradient}}}}},\n"


labels = torch.tensor(LABELS)
one_hot = functional.one_hot(labels, C).double()
with open(os.path.splitext(__file__)[0] + ".inc", "w") as file:
    file.write("/* Written by tests/num/loss_reference.py with PyTorch 1.13: losses and their gradients in "
               "double. */\n")
    file.write(table("loss_inputs", X) + table("soft_targets", SOFT))
    file.write(f"static const struct {{\n    const char *name;\n    double loss, gradient[{N * C}];\n}} "
               "loss_cases[] = {\n")
    file.write(case("cross_entropy", lambda x: functional.cross_entropy(x, labels)))
    file.write(case("smoothing 0.1", lambda x: functional.cross_entropy(x, labels, label_smoothing=0.1)))
    file.write(case("mse", lambda x: functional.mse_loss(x, one_hot)))
    file.write(case("bce one-hot",
                    lambda x: functional.binary_cross_entropy_with_logits(x, one_hot)))
    file.write(case("bce soft", lambda x: functional.binary_cross_entropy_with_logits(
        x, torch.tensor(SOFT, dtype=torch.float64))))
    file.write("};\n")
