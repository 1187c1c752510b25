// A network by ONNX Runtime (npm's onnxruntime-node), as a peer of the table (serve.h).
//
//   node onnx_peer.js MODULE MODEL.onnx INPUT.f32 BATCH C H W
//
// MODULE: the folder of onnxruntime-node. Threads: OMP_NUM_THREADS. It runs the binding's session,
// whose run() is synchronous and writes into an array that is there already: the public run() adds
// a promise and a turn of the event loop to every call.
"use strict";
const fs = require("fs");
const os = require("os");
const path = require("path");
const readline = require("readline");

const [given, model, input, ...numbers] = process.argv.slice(2);
const folder = path.resolve(given);
const shape = numbers.map(Number);
const { Tensor } = require(folder);
const { binding, initOrt } = require(path.join(folder, "dist", "binding.js"));

function open() {
  initOrt();
  const session = new binding.InferenceSession();
  session.loadModel(model, {
    intraOpNumThreads: Number(process.env.OMP_NUM_THREADS || os.cpus().length),
    interOpNumThreads: 1, executionMode: "sequential", graphOptimizationLevel: "all",
    logSeverityLevel: 3,
  });
  const bytes = fs.readFileSync(input);
  const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset,
    bytes.byteOffset + bytes.length));
  const feeds = { input: new Tensor("float32", data, shape) };
  const first = session.run(feeds, { output: null }, {}).output;
  const result = new Tensor("float32", new Float32Array(first.data.length), first.dims);
  const fetches = { output: result };
  return { run: () => session.run(feeds, fetches, {}), output: () => result.data };
}

function time(network, runs) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < runs; i++)
    network.run();
  return Number(process.hrtime.bigint() - start) * 1e-9;
}

function answer(network, line) {
  const [word, first, second] = line.split(" ");
  if (word === "time")
    return first === "0" ? time(network, Number(second)).toPrecision(9) : "none";
  if (word !== "output")
    return "none";
  network.run();
  const data = network.output();
  fs.writeFileSync(line.slice("output ".length),
    Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return "ok";
}

const network = open();
console.log("ready onnxruntime");
readline.createInterface({ input: process.stdin })
  .on("line", (line) => console.log(answer(network, line)));
