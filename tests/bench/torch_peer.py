#!/usr/bin/python3
"""A network of export.h by PyTorch, as a peer of the table (serve.h).

    torch_peer.py train FOLDER          forward, loss, backward, clipping and the optimizer
    torch_peer.py infer FOLDER
    torch_peer.py export FOLDER FILE    the network as ONNX; FOLDER's batch is fixed

Its variants: the memory formats, with and without oneDNN ("mkldnn"), for curves with a table the
ways to write it, and for inference the frozen graph. Threads: OMP_NUM_THREADS.
"""

import json
import os
import re
import struct
import sys
import time

import torch
import torch.nn.functional as F


def read_weights(path):
    """The tensors of a safetensors file by name."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    (length,) = struct.unpack("<Q", data[:8])
    weights = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4,
                                offset=8 + length + begin)
        weights[name] = flat.clone().reshape(entry["shape"])
    return weights


# ---- curves ----


def dynamic(x, parameters):
    """The closed form, as one would write it."""
    l, q, i, p, z = parameters
    p = int(p)
    y = x + l / (q * (x + i) ** p + z) - l / (q * (x - i) ** p + z)
    return torch.where(x >= 0, y, torch.zeros((), dtype=x.dtype))


class Lookup(torch.autograd.Function):
    """A table by search of the piece and two look-ups; backward by the slope that was found."""

    @staticmethod
    def forward(ctx, x, ends, slopes, intercepts):
        piece = torch.bucketize(x, ends, out_int32=True).long()
        slope = slopes[piece]
        ctx.save_for_backward(slope)
        return torch.addcmul(intercepts[piece], slope, x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0], None, None, None


class Hinges(torch.autograd.Function):
    """A table as a sum of hinges: a straight line, and where a piece begins the change of slope
    times max(0, x - begin). Backward adds up the changes of slope."""

    @staticmethod
    def forward(ctx, x, first, changes):
        ctx.save_for_backward(x)
        ctx.lines = first, changes
        y = x * first[0] + first[1]
        for begin, change in changes:
            y.add_((x - begin).clamp_(min=0), alpha=change)
        return y

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        first, changes = ctx.lines
        slope = torch.full_like(x, first[0])
        for begin, change in changes:
            slope.add_((x > begin).to(x.dtype), alpha=change)
        return slope.mul_(gradient), None, None


class Table:
    """The pieces [to, slope, intercept] of a curve; TABLES tells the ways to compute it."""

    def __init__(self, pieces):
        self.ends = torch.tensor([piece[0] for piece in pieces[:-1]])
        self.slopes = torch.tensor([piece[1] for piece in pieces])
        self.intercepts = torch.tensor([piece[2] for piece in pieces])
        self.first = pieces[0][1:]
        self.changes = [(a[0], b[1] - a[1]) for a, b in zip(pieces, pieces[1:])]

    def lookup(self, x):
        if torch.is_grad_enabled():
            return Lookup.apply(x, self.ends, self.slopes, self.intercepts)
        piece = torch.bucketize(x, self.ends, out_int32=True).long()
        return torch.addcmul(self.intercepts[piece], self.slopes[piece], x)

    def hinges(self, x):
        if torch.is_grad_enabled():
            return Hinges.apply(x, self.first, self.changes)
        y = x * self.first[0] + self.first[1]
        for begin, change in self.changes:
            y = y + change * F.relu(x - begin)
        return y


TABLES = {"look-up": Table.lookup, "hinges": Table.hinges}


def make_curve(node, tables):
    """The curve of NODE as a function; TABLES names the way to compute a table."""
    plain = {
        "relu": F.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "softplus": F.softplus,
        "silu": F.silu, "gelu": F.gelu, "hardswish": F.hardswish,
    }
    if not node["table"] and node["curve"] in plain:
        return plain[node["curve"]]
    if not node["table"] and node["curve"] == "dynamic":
        return lambda x: dynamic(x, node["parameters"])
    table = Table(node["pieces"])
    return lambda x: TABLES[tables](table, x)


# ---- the network ----


def padded(x, pad, value):
    """X with PAD (top, left, bottom, right) where it is not the same on opposite sides, and the
    padding that is left to the operator."""
    top, left, bottom, right = pad
    if (top, left) == (bottom, right):
        return x, (top, left)
    return F.pad(x, (left, right, top, bottom), value=value), (0, 0)


def run_node(module, node, x):
    """NODE on its inputs X: activations and weights."""
    op = node["op"]
    if op == "conv":
        image, padding = padded(x[0], node["pad"], 0.0)
        return F.conv2d(image, x[1], x[2] if len(x) > 2 else None, node["stride"], padding,
                        node["dilation"], node["groups"])
    if op == "linear":
        return F.linear(x[0].flatten(1), *x[1:])
    if op == "batchnorm":
        return F.batch_norm(x[0], x[3], x[4], x[1], x[2], module.training, node["momentum"],
                            node["eps"])
    if op == "maxpool":
        image, padding = padded(x[0], node["pad"], float("-inf"))
        return F.max_pool2d(image, node["kernel"], node["stride"], padding)
    if op == "avgpool":
        image, padding = padded(x[0], node["pad"], 0.0)
        return F.avg_pool2d(image, node["kernel"], node["stride"], padding)
    return {
        "curve": lambda: module.curves[node["name"]](x[0]),
        "globalpool": lambda: F.adaptive_avg_pool2d(x[0], 1),
        "flatten": lambda: x[0].flatten(1),
        "dropout": lambda: F.dropout(x[0], node["p"], module.training),
        "add": lambda: x[0] + x[1],
        "concat": lambda: torch.cat(x, 1),
        "softmax": lambda: F.softmax(x[0], 1),
    }[op]()


class Network(torch.nn.Module):
    """The graph, node by node. What it gives: OUTPUT, the name of a tensor."""

    def __init__(self, graph, weights, output, tables):
        super().__init__()
        self.graph, self.output, self.at = graph, output, {}
        self.curves = {node["name"]: make_curve(node, tables)
                       for node in graph["nodes"] if node["op"] == "curve"}
        for name, tensor in weights.items():
            self.at[name] = name.replace(".", "__")
            if name.split(".")[-1].startswith("running_"):
                self.register_buffer(self.at[name], tensor.clone())
            else:
                self.register_parameter(self.at[name], torch.nn.Parameter(tensor.clone()))

    def forward(self, x):
        values = {self.graph["input"]: x}
        for node in self.graph["nodes"]:
            inputs = [getattr(self, self.at[name]) if name in self.at else values[name]
                      for name in node["inputs"]]
            values[node["output"]] = run_node(self, node, inputs)
        return values[self.output]


# ---- variants ----


class Variant:
    """A way to run it: NAME, and run(), which is made by the first call of prepare()."""

    def __init__(self, case, channels_last, mkldnn, tables, frozen=False):
        self.case, self.channels_last, self.mkldnn = case, channels_last, mkldnn
        self.tables, self.frozen, self.run = tables, frozen, None
        words = ["channels_last" if channels_last else "contiguous"]
        words += [] if mkldnn else ["no-mkldnn"]
        words += [tables] if tables else []
        words += ["frozen"] if frozen else []
        self.name = ",".join(words)

    def prepare(self):
        torch.backends.mkldnn.flags(self.mkldnn).__enter__()
        if self.run is None:
            layout = torch.channels_last if self.channels_last else torch.contiguous_format
            self.input = self.case.input.contiguous(memory_format=layout)
            self.run = self.trainer(layout) if self.case.train else self.inferrer(layout)

    def forget(self):
        self.run = self.input = None

    def trainer(self, layout):
        case = self.case
        model = Network(case.graph, case.weights, case.graph["logits"], self.tables)
        model = model.to(memory_format=layout).train()
        settings = case.graph["optimizer"]
        if settings["adam"]:
            optimizer = torch.optim.Adam(model.parameters(), lr=settings["lr"],
                                         weight_decay=settings["weight_decay"])
        else:
            optimizer = torch.optim.SGD(model.parameters(), lr=settings["lr"],
                                        momentum=settings["momentum"],
                                        weight_decay=settings["weight_decay"])
        labels = torch.arange(case.graph["batch"]) % case.graph["outputs"]

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(self.input), labels)
            loss.backward()
            if settings["clip_value"]:
                torch.nn.utils.clip_grad_value_(model.parameters(), settings["clip_value"])
            optimizer.step()
            return loss.item()

        return step

    def inferrer(self, layout):
        case = self.case
        model = Network(case.graph, case.weights, case.graph["output"], self.tables)
        model = model.to(memory_format=layout).eval()
        with torch.inference_mode(not self.frozen), torch.no_grad():
            if self.frozen:
                model = torch.jit.freeze(torch.jit.trace(model, self.input))
                model = torch.jit.optimize_for_inference(model)

        def infer():
            with torch.inference_mode():
                return model(self.input)

        return infer


class Case:
    """A network, its weights and its input; and the variants."""

    def __init__(self, task, folder):
        with open(os.path.join(folder, "network.json"), encoding="utf-8") as file:
            self.graph = json.load(file)
        self.train = task == "train"
        self.weights = read_weights(os.path.join(folder, "weights.safetensors"))
        with open(os.path.join(folder, "input.f32"), "rb") as file:
            data = bytearray(file.read())
        shape = [self.graph["batch"], *self.graph["shape"]]
        self.input = torch.frombuffer(data, dtype=torch.float32).reshape(shape)

    def variants(self):
        nodes = self.graph["nodes"]
        images = any(node["op"] == "conv" for node in nodes)
        tabled = any(node["op"] == "curve" and (node["table"] or node["curve"] == "function")
                     for node in nodes)
        ways = list(TABLES) if tabled else [None]
        formats = [(False, True), (True, True), (False, False), (True, False)]
        for tables in ways:
            for channels_last, mkldnn in formats if images else formats[::2]:
                if tables != ways[0] and not mkldnn:
                    continue
                yield Variant(self, channels_last, mkldnn, tables)
            if not self.train:
                yield Variant(self, False, True, tables, frozen=True)


# ---- serving ----


def time_runs(variant, runs):
    variant.prepare()
    start = time.perf_counter()
    for _ in range(runs):
        variant.run()
    return time.perf_counter() - start


def peak_memory():
    """Bytes. Not getrusage's figure: that one remembers what the parent had when it forked."""
    with open("/proc/self/status", encoding="ascii") as file:
        return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1))


def serve(case):
    variants = list(case.variants())
    last = None
    print("ready", *(variant.name for variant in variants), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "time":
            if last not in (None, int(words[1])):
                variants[last].forget()
            last = int(words[1])
            print(f"{time_runs(variants[last], int(words[2])):.9g}", flush=True)
        elif words[0] == "output":
            variants[last or 0].prepare()
            output = variants[last or 0].run().contiguous().flatten()
            with open(line.split(maxsplit=1)[1].rstrip("\n"), "wb") as file:
                file.write(struct.pack(f"<{output.numel()}f", *output.tolist()))
            print("ok", flush=True)
        elif words[0] == "memory":
            print(peak_memory(), flush=True)


def export(case, path):
    model = Network(case.graph, case.weights, case.graph["output"], "hinges").eval()
    with torch.no_grad():
        torch.onnx.export(model, case.input, path, opset_version=13, input_names=["input"],
                          output_names=["output"])


def main():
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    torch.manual_seed(1)
    case = Case(sys.argv[1], sys.argv[2])
    if sys.argv[1] == "export":
        export(case, sys.argv[3])
    else:
        serve(case)


if __name__ == "__main__":
    main()
