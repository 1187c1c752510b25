#!/usr/bin/python3
"""What torchvision (Debian's python3-torchvision) makes of one image, for tests/check_augment.c.

Writes augment.safetensors beside itself: `image`, floats in 0 .. 1, and a tensor for each change
below, by the name of its test case.
"""

import json
import os
import struct

import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as f
from torchvision.transforms import functional_tensor as t

BILINEAR = InterpolationMode.BILINEAR
FROM = [[0, 0], [16, 0], [16, 12], [0, 12]]
TO = [[2, 1], [14, 3], [16, 10], [1, 12]]


def write(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        numbers = tensor.float().contiguous().flatten().tolist()
        part = struct.pack("<%df" % len(numbers), *numbers)
        header[name] = {"dtype": "F32", "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


torch.manual_seed(1)
image = torch.randint(0, 256, (3, 13, 17)).float() / 255
image[:, 3, 4] = 0.5  # grey, black and white have no hue
image[:, 3, 5] = 0
image[:, 3, 6] = 1
grey = image[:1]


def affine(**changes):
    numbers = {"angle": 0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0], **changes}
    return f.affine(image, interpolation=BILINEAR, **numbers)


def resize(height, width):
    return f.resize(image, [height, width], BILINEAR, antialias=True)


results = {
    "image": image,
    "rotate 30": f.rotate(image, 30, BILINEAR),
    "rotate -75.5": f.rotate(image, -75.5, BILINEAR),
    "shear 20": affine(shear=[20.0, 0.0]),
    "shear -41": affine(shear=[-41.0, 0.0]),
    "scale 0.7": affine(scale=0.7),
    "scale 1.5": affine(scale=1.5),
    "perspective": f.perspective(image, FROM, TO, BILINEAR),
    "resize 7x9": resize(7, 9),
    "resize 20x31": resize(20, 31),
    "resize 13x5": resize(13, 5),
    "brightness 0.4": f.adjust_brightness(image, 0.4),
    "brightness 1.3": f.adjust_brightness(image, 1.3),
    "contrast 0.5": f.adjust_contrast(image, 0.5),
    "contrast 1.7": f.adjust_contrast(image, 1.7),
    "contrast grey": f.adjust_contrast(grey, 1.7),
    "saturation 0.3": f.adjust_saturation(image, 0.3),
    "saturation 1.8": f.adjust_saturation(image, 1.8),
    "hue 0.2": f.adjust_hue(image, 0.2),
    "hue -0.35": f.adjust_hue(image, -0.35),
}
here = os.path.dirname(os.path.abspath(__file__))
write(os.path.join(here, "augment.safetensors"), results)
