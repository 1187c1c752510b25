#!/usr/bin/python3
"""The autoencoder of specs/autoencoder.lua beside PCA with as many components.

    autoencoder.py prepare MNIST DIR     DIR/train.npy and test.npy, a picture a row of 784 bytes,
                                         and their labels, from MNIST's IDX files (.gz or not);
                                         own.npy: see below
    autoencoder.py pca DIR               PCA's mean squared error on the three
    autoencoder.py encoder WHOLE PART    the encoder's share of the whole network's weights
    autoencoder.py columns CODES LABELS  codes and digits as text, for gnuplot

Pixels are scaled as normalize = "auto" does: by the mean and deviation that each has in the
training set. own.npy are the test pictures moved so that this scaling gives what scaling by their
own mean and deviation would: pixels that are constant in the test set become 0, as in the source's
figures. PCA is the eigenvectors of the covariance (numpy), its error that of the projection.
"""

import gzip
import json
import os
import struct
import sys

import numpy


def read_idx(folder, name):
    path = os.path.join(folder, name)
    opener = open if os.path.exists(path) else gzip.open
    with opener(path if opener is open else path + ".gz", "rb") as file:
        data = file.read()
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4:4 + 4 * rank])
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * rank).reshape(shape)


def prepare(source, folder):
    os.makedirs(folder, exist_ok=True)
    for ours, theirs in (("train", "train"), ("test", "t10k")):
        pictures = read_idx(source, theirs + "-images-idx3-ubyte").reshape(-1, 784)
        numpy.save(f"{folder}/{ours}.npy", pictures)
        numpy.save(f"{folder}/{ours}_labels.npy", read_idx(source, theirs + "-labels-idx1-ubyte"))


    train, test = (numpy.load(f"{folder}/{name}.npy") / 255 for name in ("train", "test"))
    mean, deviation = scale_of(train)
    own_mean, own_deviation = scale_of(test)
    own = (test - own_mean) / own_deviation * deviation + mean
    numpy.save(f"{folder}/own.npy", own.astype(numpy.float32))


def scale_of(pictures):
    deviation = pictures.std(0)
    return pictures.mean(0), numpy.where(deviation == 0, 1, deviation)


def pca(folder):
    train, test = (numpy.load(f"{folder}/{name}.npy") / 255 for name in ("train", "test"))
    own = numpy.load(f"{folder}/own.npy").astype(float)
    mean, deviation = scale_of(train)
    train, test, own = ((x - mean) / deviation for x in (train, test, own))
    _, vectors = numpy.linalg.eigh(train.T @ train)
    best = vectors[:, -2:]
    for name, x in (("train", train), ("test", test), ("own", own)):
        print(f"{name}: PCA {((x - x @ best @ best.T) ** 2).mean():.4f}")


def encoder(whole, part):
    with open(whole, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), file.read()
    kept, content = {}, b""
    for name, entry in header.items():
        if name.startswith(("encoder.", "data.")):
            first, last = entry["data_offsets"]
            kept[name] = dict(entry, data_offsets=[len(content), len(content) + last - first])
            content += data[first:last]
    text = json.dumps(kept).encode()
    text += b" " * (-len(text) % 8)
    with open(part, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + content)


def columns(codes, labels):
    numpy.savetxt(sys.stdout, numpy.column_stack([numpy.load(codes), numpy.load(labels)]), "%.5g")


def main():
    commands = {"prepare": (prepare, 2), "pca": (pca, 1), "encoder": (encoder, 2),
                "columns": (columns, 2)}
    command, count = commands.get(sys.argv[1] if len(sys.argv) > 1 else "", (None, 0))
    if not command or len(sys.argv) != 2 + count:
        sys.exit(__doc__)
    command(*sys.argv[2:])


if __name__ == "__main__":
    main()
