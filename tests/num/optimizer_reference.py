#!/usr/bin/python3
"""What PyTorch's optimizers and schedules give, for tests/check_training.c: run with /usr/bin/python3
(torch 1.13); writes optimizer_reference.inc beside itself."""
import math
import os
import torch

COUNT, STEPS = 8, 20
LR = {"sgd": 0.1, "adagrad": 0.05, "rmsprop": 0.01, "adadelta": 1.0, "adam": 0.01, "adamw": 0.01}
MAKE = {"sgd": torch.optim.SGD, "adagrad": torch.optim.Adagrad, "rmsprop": torch.optim.RMSprop,
        "adadelta": torch.optim.Adadelta, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
# what lathe's words have where nothing is given
DEFAULTS = {"adagrad": {"eps": 1e-10}, "rmsprop": {"alpha": 0.99, "eps": 1e-8},
            "adadelta": {"rho": 0.9, "eps": 1e-6}, "adam": {"betas": (0.9, 0.999), "eps": 1e-8},
            "adamw": {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}}

# optimizer, its options, clipping and l1, whether one-cycle
CASES = [
    ("sgd", {}, {}),
    ("sgd", {"weight_decay": 0.01}, {"clip_value": 0.3}),
    ("sgd", {"momentum": 0.9}, {}),
    ("sgd", {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01}, {}),
    ("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, {}),
    ("sgd", {"momentum": 0.9}, {"onecycle": True}),
    ("sgd", {}, {"l1": 0.02}),
    ("sgd", {"momentum": 0.9}, {"clip_norm": 0.5}),
    ("sgd", {}, {"clip_norm": 100}),
    ("sgd", {"weight_decay": 0.02}, {"clip_value": 0.3, "clip_norm": 0.4, "l1": 0.01}),
    ("adagrad", {}, {}),
    ("adagrad", {"lr_decay": 0.1}, {}),
    ("adagrad", {"eps": 0.01}, {}),
    ("adagrad", {"initial_accumulator_value": 0.5}, {}),
    ("adagrad", {"lr_decay": 0.02, "initial_accumulator_value": 0.1, "weight_decay": 0.05},
     {"l1": 0.01, "clip_norm": 0.6}),
    ("rmsprop", {}, {}),
    ("rmsprop", {"alpha": 0.9}, {}),
    ("rmsprop", {"eps": 0.01}, {}),
    ("rmsprop", {"momentum": 0.8}, {}),
    ("rmsprop", {"centered": True}, {}),
    ("rmsprop", {"centered": True, "momentum": 0.5, "alpha": 0.95, "weight_decay": 0.05}, {"l1": 0.01}),
    ("rmsprop", {}, {"onecycle": True}),
    ("adadelta", {}, {}),
    ("adadelta", {"rho": 0.8}, {}),
    ("adadelta", {"eps": 1e-3}, {}),
    ("adadelta", {"weight_decay": 0.05}, {"l1": 0.01, "clip_value": 0.2}),
    ("adam", {}, {}),
    ("adam", {"betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.01}, {"clip_value": 0.3}),
    ("adam", {}, {"onecycle": True}),
    ("adam", {"amsgrad": True, "betas": (0.9, 0.9)}, {}),
    ("adam", {"weight_decay": 0.05}, {"l1": 0.05, "clip_norm": 0.5}),
    ("adamw", {}, {}),
    ("adamw", {"weight_decay": 0.2, "betas": (0.7, 0.9)}, {}),
    ("adamw", {"eps": 0.01}, {"onecycle": True}),
    ("adamw", {"weight_decay": 0.2, "amsgrad": True, "betas": (0.9, 0.9)}, {"l1": 0.02}),
]


def parameters():
    """The last one has no gradient and is 0: it must stay so."""
    return torch.tensor([math.cos(i) for i in range(COUNT - 1)] + [0], dtype=torch.float32,
                        requires_grad=True)


def gradients(t):
    return torch.tensor([0.5 * math.sin(1.7 * i + 0.9 * t) for i in range(COUNT - 1)] + [0],
                        dtype=torch.float32)


def optimised(word, options, around):
    """The parameters after STEPS steps."""
    w = parameters()
    optimizer = MAKE[word]([w], lr=LR[word], **options)
    scheduler = onecycle(optimizer) if around.get("onecycle") else None
    for t in range(1, STEPS + 1):
        w.grad = gradients(t)
        if "clip_value" in around:
            torch.nn.utils.clip_grad_value_([w], around["clip_value"])
        if "clip_norm" in around:
            torch.nn.utils.clip_grad_norm_([w], around["clip_norm"])
        w.grad += around.get("l1", 0) * w.detach().sign()
        optimizer.step()
        if scheduler:
            scheduler.step()
    return w.detach().tolist()


def onecycle(optimizer, total=STEPS + 1):
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=total)


def initialiser(word, options, around):
    """OPTIONS as members of struct lathe_optimizer."""
    members = dict(DEFAULTS.get(word, {}), **options)
    members.update({k: v for k, v in around.items() if k != "onecycle"})
    if "betas" in members:
        members["beta1"], members["beta2"] = members.pop("betas")
    if "initial_accumulator_value" in members:
        members["initial_accumulator"] = members.pop("initial_accumulator_value")
    text = [f".kind = LATHE_{word.upper()}"]
    for name, value in members.items():
        text.append(f".{name} = " + (str(value).lower() if isinstance(value, bool) else f"{value:.17g}"))
    return "{" + ", ".join(text) + "}"


def optimizers():
    yield "static const struct optimizer_case {\n    const char *name;\n    struct lathe_optimizer optimizer;"
    yield f"    double lr;\n    bool onecycle;\n    float expected[{COUNT}];\n}} optimizer_cases[] = {{"
    for word, options, around in CASES:
        numbers = optimised(word, options, around)
        name = " ".join([word] + list(options) + list(around))
        cycles = around.get("onecycle", False)
        yield f"    {{\"{name}\", {initialiser(word, options, around)},"
        yield f"     {0.1 if cycles else LR[word]}, {str(cycles).lower()},"
        yield "     {" + ", ".join("%.9gf" % x if x % 1 else "%.1ff" % x for x in numbers) + "}},"
    yield "};\n"


def onecycles():
    yield "/* OneCycleLR(max_lr = 0.1): total steps, step, lr, beta1 */"
    yield "static const struct {\n    uint64_t total, step;\n    double lr, momentum;\n} onecycle_cases[] = {"
    for total in (1, 2, 3, 10, 97):
        optimizer = torch.optim.Adam([parameters()], lr=0.01)
        scheduler = onecycle(optimizer, total)
        for step in range(total):
            group = optimizer.param_groups[0]
            if total < 11 or step in (0, 1, 27, 28, 29, 50, 95, 96):
                yield f"    {{{total}, {step}, {group['lr']:.17g}, {group['betas'][0]:.17g}}},"
            optimizer.step()
            if step + 1 < total:
                scheduler.step()
    yield "};\n"


def rates(make, steps):
    optimizer = torch.optim.SGD([parameters()], lr=0.4)
    scheduler, found = make(optimizer), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return ", ".join(f"{lr:.17g}" for lr in found)


def decays():
    lr_scheduler = torch.optim.lr_scheduler
    yield "/* ExponentialLR(exp(-0.3)), an epoch a step; CosineAnnealingLR(T_max = 9, eta_min = 0.05); lr 0.4 */"
    yield "static const double exponential_rates[] = {"
    yield "    " + rates(lambda o: lr_scheduler.ExponentialLR(o, math.exp(-0.3)), 9) + "};"
    yield "static const double cosine_rates[] = {"
    yield "    " + rates(lambda o: lr_scheduler.CosineAnnealingLR(o, 9, 0.05), 9) + "};\n"


LOSSES = [1.0, 0.9, 0.95, 0.95, 0.95, 0.94, 0.93, 0.8999, 0.85, 0.86, 0.87, 0.88, 0.9, 0.84, 0.8395,
          0.839, 0.8385, 0.838, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86]
PLATEAUS = [{"factor": 0.1, "patience": 10, "threshold": 1e-4, "cooldown": 0, "min_lr": 0},
            {"factor": 0.5, "patience": 2, "threshold": 1e-4, "cooldown": 0, "min_lr": 0},
            {"factor": 0.5, "patience": 1, "threshold": 0.01, "cooldown": 2, "min_lr": 0},
            {"factor": 0.3, "patience": 0, "threshold": 1e-3, "cooldown": 1, "min_lr": 0.02},
            {"factor": 0.01, "patience": 0, "threshold": 0, "cooldown": 0, "min_lr": 0}]


def plateaus():
    yield f"/* ReduceLROnPlateau: the rates after these losses, beginning with 0.4 */\nenum {{ LOSSES = {len(LOSSES)} }};"
    yield "static const double plateau_losses[LOSSES] = {" + ", ".join(map(str, LOSSES)) + "};"
    yield "static const struct {\n    struct lathe_schedule schedule;\n    double expected[LOSSES];\n} plateau_cases[] = {"
    for options in PLATEAUS:
        optimizer = torch.optim.SGD([parameters()], lr=0.4)
        scheduler, found = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options), []
        for loss in LOSSES:
            scheduler.step(loss)
            found.append(optimizer.param_groups[0]["lr"])
        members = ", ".join(f".{'min' if k == 'min_lr' else k} = {v:.17g}" for k, v in options.items())
        yield f"    {{{{.kind = LATHE_PLATEAU, .lr = 0.4, {members}}},"
        yield "     {" + ", ".join(f"{lr:.17g}" for lr in found) + "}},"
    yield "};"


with open(os.path.splitext(__file__)[0] + ".inc", "w") as file:
    file.write("/* Written by tests/num/optimizer_reference.py with PyTorch 1.13: parameters after "
               f"{STEPS} steps. */\n")
    for part in (optimizers(), onecycles(), decays(), plateaus()):
        file.write("\n".join(part) + "\n")
