#!/usr/bin/python3
"""Reference numbers from PyTorch (Debian's python3-torch) for tests/check_reference.c.

Writes NAME.safetensors beside itself, one a network below:

    input, labels or targets     a batch
    initial.TENSOR               weights and running statistics, by their names in lathe
    inference                    output of evaluation with these
    output, loss                 of a training step
    grad.TENSOR                  its gradients
    moved.TENSOR                 running statistics after it
    sgd.TENSOR, adam.TENSOR      everything after three steps of these optimizers

PyTorch computes in double, from numbers that a float holds; what is stored is rounded to float.
The same numbers stand in check_reference.c's descriptions of networks and optimizers.
"""

import json
import os
import struct

import torch
from torch import nn
from torch.nn import functional as f


class Convolutions(nn.Module):
    """Stride, padding, dilation, groups; average pooling with padding that counts."""

    shape, batch, classes = (3, 9, 8), 4, 5

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(4, 6, 3, padding=2, dilation=2, groups=2, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv3 = nn.Conv2d(6, 6, (2, 3), padding=(0, 1), groups=6)
        self.linear1 = nn.Linear(24, 5)

    def forward(self, x):
        x = torch.tanh(self.conv1(x))
        x = f.leaky_relu(self.bn1(self.conv2(x)), 0.1)
        x = f.avg_pool2d(self.conv3(x), 3, stride=2, padding=1)
        return self.linear1(x.flatten(1))


class Residual(nn.Module):
    """Overlapping maximum pooling, a residual with a shortcut, global pooling."""

    shape, batch, classes = (3, 8, 8), 4, 5

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(6)
        self.conv3 = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(6)
        self.shortcut = nn.Conv2d(4, 6, 1, stride=2, bias=False)
        self.bn4 = nn.BatchNorm2d(6)
        self.linear1 = nn.Linear(6, 5)

    def forward(self, x):
        x = f.max_pool2d(f.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        body = self.bn3(self.conv3(f.relu(self.bn2(self.conv2(x)))))
        x = f.relu(body + self.bn4(self.shortcut(x)))
        return self.linear1(f.adaptive_avg_pool2d(x, 1).flatten(1))


class Structure(nn.Module):
    """Concatenation, local response normalisation, another shape."""

    shape, batch, classes = (3, 6, 4), 4, 5

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 6, 1, bias=False)
        self.conv3 = nn.Conv2d(20, 5, 3, padding=1)
        self.linear1 = nn.Linear(60, 5)

    def forward(self, x):
        x = f.local_response_norm(self.conv1(x), 3, alpha=0.5, beta=0.6, k=2)
        x = torch.cat((x, f.relu(self.conv2(x))), 1).reshape(-1, 20, 4, 3)
        x = f.local_response_norm(self.conv3(x), 5, alpha=2, beta=0.75, k=1)
        return self.linear1(x.flatten(1))


class LearnedElu(nn.Module):
    """ELU whose depth, minus the limit to the left, is a weight."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.75))

    def forward(self, x):
        return torch.where(x > 0, x, f.elu(x) * self.weight.reshape(-1, *[1] * (x.dim() - 2)))


class LearnedDynamic(nn.Module):
    """The Dynamic curve as its formula stands, by automatic differentiation."""

    def __init__(self, parameters, power, z):
        super().__init__()
        for name, value in zip("LQI", parameters):
            setattr(self, name, nn.Parameter(torch.tensor([value])))
        self.power, self.z = power, z

    def forward(self, x):
        right = self.L / (self.Q.abs() * (x + self.I) ** self.power + self.z)
        left = self.L / (self.Q.abs() * (x - self.I) ** self.power + self.z)
        return torch.where(x > 0, x + right - left, torch.zeros_like(x))


class DynamicRelu(nn.Module):
    """DY-ReLU-B: the outputs of linear2 are those of a_1 ... a_k, then b_1 ... b_k."""

    def __init__(self, channels, k, reduction):
        super().__init__()
        self.k, self.channels = k, channels
        self.linear1 = nn.Linear(channels, channels // reduction)
        self.linear2 = nn.Linear(channels // reduction, 2 * k * channels)

    def forward(self, x):
        made = self.linear2(f.relu(self.linear1(x.mean((2, 3)))))
        made = 2 * torch.sigmoid(made.reshape(-1, 2, self.k, self.channels, 1, 1)) - 1
        first = torch.zeros(1, self.k, 1, 1, 1).double()
        first[0, 0] = 1
        return ((first + made[:, 0]) * x.unsqueeze(1) + 0.5 * made[:, 1]).max(1)[0]


class Learned(nn.Module):
    """Activations with trained parameters: one a channel, one for all, flat."""

    shape, batch, classes = (3, 6, 5), 4, 5

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.prelu1 = nn.PReLU(6, init=0.3)
        self.act1 = DynamicRelu(6, 2, 3)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
        self.prelu2 = nn.PReLU()
        self.elu1 = LearnedElu(6)
        self.conv3 = nn.Conv2d(6, 4, 1)
        self.dynamic1 = LearnedDynamic((4.0, 2.0, 0.5), 4, 3.0)
        self.linear1 = nn.Linear(4, 7)
        self.elu2 = LearnedElu(1)
        self.prelu3 = nn.PReLU(7)
        self.linear2 = nn.Linear(7, 5)

    def forward(self, x):
        x = self.act1(self.prelu1(self.bn1(self.conv1(x))))
        x = self.elu1(self.prelu2(self.conv2(x)))
        x = self.dynamic1(self.conv3(x)).mean((2, 3))
        return self.linear2(self.prelu3(self.elu2(self.linear1(x))))


class Perceptron(nn.Module):
    """Flat layers and the mean squared error."""

    shape, batch, classes = (6,), 5, 0

    def __init__(self):
        super().__init__()
        self.linear1 = nn.Linear(6, 8)
        self.bn1 = nn.BatchNorm1d(8)
        self.linear2 = nn.Linear(8, 3, bias=False)

    def forward(self, x):
        return self.linear2(self.bn1(torch.sigmoid(self.linear1(x))))


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=5e-3),
    "adam": lambda p: torch.optim.Adam(p, 0.01, weight_decay=1e-2),
}
CLIP_VALUE = {"sgd": None, "adam": 0.05}


def loss_of(network, output, wanted):
    return (f.cross_entropy if network.classes else f.mse_loss)(output, wanted)


def gradients(network, x, wanted):
    """Zero, then fill the gradients; output and loss."""
    network.zero_grad()
    output = network(x)
    loss = loss_of(network, output, wanted)
    loss.backward()
    return output, loss


def state(network, prefix):
    return {prefix + "." + name: tensor.detach().clone()
            for name, tensor in network.state_dict().items() if "num_batches" not in name}


def fresh(kind):
    """A network with weights that floats hold and running statistics that are not trivial."""
    torch.manual_seed(1)
    network = kind()
    for name, tensor in network.state_dict().items():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.3)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif "bn" in name and "num_batches" not in name:
            tensor.add_(0.3 * torch.randn_like(tensor))
    return network.double()


def reference(kind):
    torch.manual_seed(2)
    x = torch.randn(kind.batch, *kind.shape).double()
    if kind.classes:
        wanted = torch.randint(kind.classes, (kind.batch,))
        tensors = {"input": x, "labels": wanted}
    else:
        wanted = torch.randn(kind.batch, 3).double()
        tensors = {"input": x, "targets": wanted}

    network = fresh(kind)
    tensors.update(state(network, "initial"))
    tensors["inference"] = network.eval()(x)
    output, loss = gradients(network.train(), x, wanted)
    tensors.update({"output": output, "loss": loss.reshape(1)})
    tensors.update({"grad." + name: p.grad.clone() for name, p in network.named_parameters()})
    tensors.update({name: t for name, t in state(network, "moved").items() if "running" in name})

    for name, make in OPTIMIZERS.items():
        network = fresh(kind).train()
        optimizer = make(network.parameters())
        for _ in range(3):
            gradients(network, x, wanted)
            if CLIP_VALUE[name]:
                nn.utils.clip_grad_value_(network.parameters(), CLIP_VALUE[name])
            optimizer.step()
        tensors.update(state(network, name))
    return tensors


def write_safetensors(path, tensors):
    """The header's length, the header padded to 8 bytes, the data in order."""
    header, data = {}, b""
    for name, tensor in tensors.items():
        numbers = tensor.detach().float().contiguous()
        content = numbers.numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(numbers.shape),
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    torch.set_num_threads(1)
    folder = os.path.dirname(os.path.abspath(__file__))
    for kind in (Convolutions, Residual, Structure, Learned, Perceptron):
        path = os.path.join(folder, kind.__name__.lower() + ".safetensors")
        write_safetensors(path, reference(kind))
        print(path, os.path.getsize(path), "bytes")


if __name__ == "__main__":
    main()
