#!/usr/bin/python3
"""A torchvision model (Debian's python3-torchvision) as lathe's networks under specs/ have it.

    torchvision_weights.py MODEL DIR [STATE_DICT]     writes into DIR
        weights.safetensors   its weights by lathe's names
        input.f32             two images, for infer --raw
        output.f32            what the model makes of them
    torchvision_weights.py --compare DIR OUTPUT       prints OUTPUT's relative L2 error, and fails
                                                      above 1e-5

MODEL: alexnet, resnet18, resnet50, resnext50 or densenet121. Without STATE_DICT (a .pth file that
torchvision published), the weights are random, by torchvision's own initialisation, and running
statistics and norms are moved away from 0 and 1, where a mistake could hide. PyTorch computes in
double, so that the error is lathe's alone.
"""

import re
import sys

import numpy
import torch
import torchvision

from reference import write_safetensors

MODELS = {
    "alexnet": torchvision.models.alexnet,
    "resnet18": torchvision.models.resnet18,
    "resnet50": torchvision.models.resnet50,
    "resnext50": torchvision.models.resnext50_32x4d,
    "densenet121": torchvision.models.densenet121,
}

# Names of lathe by torchvision's, a substitution after the other.
RENAMED = [
    (r"^(layer\d)\.(\d+)\b", r"\1_\2"),  # layer1.0.conv1 is layer1_0.conv1
    (r"\.downsample\.0\b", ".shortcut.conv1"),
    (r"\.downsample\.1\b", ".shortcut.batchnorm1"),
    (r"\bbn(\d)\b", r"batchnorm\1"),
    (r"^fc\b", "linear1"),
    # densenet: the layer's own branch is the second, the first is its input
    (r"^features\.", ""),
    (r"^conv0\b", "conv1"),
    (r"^norm0\b", "batchnorm1"),
    (r"^norm5\b", "batchnorm2"),
    (r"^classifier\b", "linear1"),
    (r"^denseblock(\d+)\.denselayer(\d+)\.", r"dense\1_\2.branch2."),
    (r"\bnorm(\d)\b", r"batchnorm\1"),
    (r"^(transition\d)\.norm\b", r"\1.batchnorm1"),
    (r"^(transition\d)\.conv\b", r"\1.conv1"),
]


def lathe_names(model):
    """Lathe's name of each module with weights, by torchvision's: where torchvision numbers the
    entries of a list (features.0, classifier.6), lathe counts layers of a kind."""
    names, counts = {}, {"conv": 0, "linear": 0}
    for name, module in model.named_modules():
        kind = {"Conv2d": "conv", "Linear": "linear"}.get(type(module).__name__)
        lathe = name
        if kind and re.fullmatch(r"(features|classifier)\.\d+", name):
            counts[kind] += 1
            lathe = kind + str(counts[kind])
        for pattern, replacement in RENAMED:
            lathe = re.sub(pattern, replacement, lathe)
        names[name] = lathe
    return names


def perturb(model):
    """Norms and running statistics as training would leave them, not as it begins."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.1)


def write(kind, folder, state_dict):
    torch.manual_seed(1)
    model = MODELS[kind](weights=None)
    if state_dict:
        model.load_state_dict(torch.load(state_dict, map_location="cpu"))
    else:
        perturb(model)
    names, weights = lathe_names(model), {}
    for name, tensor in model.state_dict().items():
        module, _, entry = name.rpartition(".")
        if entry != "num_batches_tracked":
            weights[names[module] + "." + entry] = tensor.clone()
    write_safetensors(folder + "/weights.safetensors", weights)
    x = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        y = model.double().eval()(x.double())
    x.numpy().astype("<f4").tofile(folder + "/input.f32")
    y.float().numpy().astype("<f4").tofile(folder + "/output.f32")


def compare(folder, path):
    expected = numpy.fromfile(folder + "/output.f32", "<f4").astype(float)
    given = numpy.fromfile(path, "<f4").astype(float)
    if given.shape != expected.shape:
        sys.exit(f"{expected.size} numbers expected, {given.size} given")
    error = numpy.linalg.norm(given - expected) / numpy.linalg.norm(expected)
    print(f"relative L2 error {error:.2e}, norm {numpy.linalg.norm(expected):.3g}")
    sys.exit(0 if error <= 1e-5 else 1)


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--compare":
        compare(sys.argv[2], sys.argv[3])
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in MODELS:
        sys.exit(__doc__)
    write(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else None)


if __name__ == "__main__":
    main()
