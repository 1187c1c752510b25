#!/usr/bin/python3
"""Numbers of torch.optim for tests/check_runtime.c: run with /usr/bin/python3 (torch 1.13), paste what
it prints."""
import math
import torch

COUNT, STEPS = 5, 4


def parameters():
    return torch.tensor([math.cos(i) for i in range(COUNT)], dtype=torch.float32, requires_grad=True)


def gradients(t):
    return torch.tensor([0.5 * math.sin(1.7 * i + 0.9 * t) for i in range(COUNT)],
                        dtype=torch.float32)


def optimised(make, clip=0.0, schedule=None):
    """The parameters after STEPS steps."""
    w = parameters()
    optimizer = make([w])
    scheduler = schedule(optimizer) if schedule else None
    for t in range(1, STEPS + 1):
        w.grad = gradients(t)
        if clip:
            torch.nn.utils.clip_grad_value_([w], clip)
        optimizer.step()
        if scheduler:
            scheduler.step()
    return w.detach().tolist()


def onecycle(optimizer, total=STEPS + 1):
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=total)


def show(name, numbers, form):
    print(f"    {{\"{name}\", {{" + ", ".join(form % x for x in numbers) + "}},")


SGD, ADAM = torch.optim.SGD, torch.optim.Adam
print("/* optimizers */")
for name, numbers in [
        ("sgd", optimised(lambda w: SGD(w, lr=0.1))),
        ("sgd decay clip", optimised(lambda w: SGD(w, lr=0.1, weight_decay=0.01), clip=0.3)),
        ("momentum", optimised(lambda w: SGD(w, lr=0.1, momentum=0.9))),
        ("dampening", optimised(lambda w: SGD(w, lr=0.1, momentum=0.9, dampening=0.5,
                                              weight_decay=0.01))),
        ("nesterov", optimised(lambda w: SGD(w, lr=0.1, momentum=0.9, nesterov=True,
                                             weight_decay=0.01))),
        ("adam", optimised(lambda w: ADAM(w, lr=0.01))),
        ("adam decay clip", optimised(lambda w: ADAM(w, lr=0.01, betas=(0.8, 0.95), eps=1e-6,
                                                     weight_decay=0.01), clip=0.3)),
        ("adam onecycle", optimised(lambda w: ADAM(w, lr=0.01), schedule=onecycle)),
        ("sgd onecycle", optimised(lambda w: SGD(w, lr=0.01, momentum=0.9), schedule=onecycle)),
]:
    show(name, numbers, "%.9gf")

print("/* schedules: lr, momentum of each step */")
for total in (1, 2, 3, 10, 97):
    w = parameters()
    optimizer = ADAM([w], lr=0.01)
    scheduler = onecycle(optimizer, total)
    rows = []
    for step in range(total):
        group = optimizer.param_groups[0]
        rows.append((step, group["lr"], group["betas"][0]))
        w.grad = gradients(step)
        optimizer.step()
        if step + 1 < total:
            scheduler.step()
    for step, lr, beta in rows:
        if total < 11 or step in (0, 1, 27, 28, 29, 50, 95, 96):
            print(f"    {{{total}, {step}, {lr:.17g}, {beta:.17g}}},")
