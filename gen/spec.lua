-- The spec language: its words, and how a spec becomes a flat list of nodes for spec.c.
--
-- The vocabulary below is one table, a row a word. A row says what the word takes; one function,
-- read_arguments, checks every call against it, and reference() prints it as documentation. Adding
-- a word is adding a row (and, if it computes something new, an operator).
--
-- A word gives an opaque value: a sealed table of fields { word, kind, at = place of the call, and
-- every parameter in its normal form }. Code of the spec can hold it, and nothing else. Inside, a
-- parameter that takes a value (optimizer, table ...) has the value's fields.
--
-- This file is trusted, its caller is not: the tables that come from a spec have no metatables, and
-- nothing here is reachable from the spec but the words themselves.

local host, sandbox, settings, stem = ...
local seal, open, place = host.seal, host.open, host.place
local ordered = sandbox.pairs -- pairs in the order of keys

local LARGEST <const> = 65536 -- of a dimension
local MOST_NODES <const> = 2048
local DEEPEST <const> = 64 -- lists in lists, layers in layers
local LONGEST_NAME <const> = 64
local LONGEST_PATH <const> = 200 -- name of a node with those of its parents

---- Messages ----

local function join(list, separator) return table.concat(list, separator or ", ") end

local function sorted_keys(t)
  local keys = {}
  for key in ordered(t) do keys[#keys + 1] = tostring(key) end
  return keys
end

-- Give up with a message (string.format's) at a place; 0: the line of the spec that runs.
local function fail(at, format, ...) host.fail(at, string.format(format, ...)) end

-- VALUE as messages show it.
local function show(value)
  local kind = type(value)
  if value == nil then return "nothing" end
  if value ~= value then return "nan" end
  if math.type(value) == "integer" then return string.format("%d", value) end
  if kind == "number" then return string.format("%.14g", value) end
  if kind == "boolean" then return tostring(value) end
  if kind == "string" then
    value = #value > 40 and string.sub(value, 1, 37) .. "..." or value
    return "'" .. string.gsub(value, "[^ -~]", "?") .. "'"
  end
  if kind == "function" then return "a function (are the () after a word missing?)" end
  if kind == "table" then return #value > 0 and "a list" or "a table" end
  return open(value).word .. "(...)"
end

-- "no option 'widht' (did you mean width?)", or what there is instead.
local function unknown(what, word, list)
  word = tostring(word)
  local near = #word <= 100 and host.nearest(word, list)
  local text = string.format("%s %s", what, show(word))
  if near then return string.format("%s (did you mean %s?)", text, near) end
  if #list == 0 or #list > 20 then return text end
  return string.format("%s (it has: %s)", text, join(list))
end

---- Types: what a parameter may be ----

-- A type has a name for messages, and check, which gives the normal form of a value, or nil and
-- perhaps the reason.

-- From LOW to HIGH, where given; without LOW itself where open_end is "low", HIGH where "high".
local function number(low, high, open_end)
  local name = "a number"
  if low then name = name .. (open_end == "low" and " above " or " from ") .. show(low) end
  if high then
    local to = open_end == "high" and "to below " or "to "
    name = name .. (low and " " or "") .. to .. show(high)
  end
  return { name = name, check = function(value)
    if type(value) ~= "number" or value ~= value or math.abs(value) == math.huge then return nil end
    if low and (value < low or value == low and open_end == "low") then return nil end
    if high and (value > high or value == high and open_end == "high") then return nil end
    return value + 0.0
  end }
end

local function whole(low, high)
  return { name = string.format("a whole number from %d to %d", low, high), check = function(value)
    local n = type(value) == "number" and math.tointeger(value)
    return n and n >= low and n <= high and n or nil
  end }
end

local flag = { name = "true or false", check = function(value)
  if type(value) == "boolean" then return value end
end }

local func = { name = "a function of x", check = function(value)
  if type(value) == "function" then return value end
end }

local function one_of(...)
  local words, known = { ... }, {}
  for _, word in ipairs(words) do known[word] = word end
  return { name = "'" .. join(words, "' or '") .. "'", check = function(value)
    return known[value]
  end }
end

-- A list of COUNT values of a type, which is also its normal form.
local function tuple(count, inner)
  return { name = string.format("a list of %d, each %s", count, inner.name), check = function(value)
    if type(value) ~= "table" or #value ~= count then return nil end
    local list = {}
    for key, entry in ordered(value) do
      list[key] = inner.check(entry)
      if list[key] == nil or #list ~= key then return nil end
    end
    return list
  end }
end

-- One number for height and width, or { height, width }.
local function pair(low, high)
  local inner = whole(low, high)
  local both = tuple(2, inner)
  return { name = inner.name .. ", or { height, width }", check = function(value)
    local n = inner.check(value)
    return n and { n, n } or both.check(value)
  end }
end

-- A list of one or of three: the size of a row of numbers, or channels, height and width.
local sample_shape = { name = "{ size } or { channels, height, width }", check = function(value)
  if type(value) ~= "table" then return nil end
  return tuple(1, whole(1, LARGEST)).check(value) or tuple(3, whole(1, LARGEST)).check(value)
end }

-- One number, which stays one, or { height, width }.
local side = { name = "the shorter side, from 1 to 1024, or { height, width }",
  check = function(value)
    local n = whole(1, 1024).check(value)
    return n and { n } or tuple(2, whole(1, 1024)).check(value)
  end }

-- One number for all sides, or { top, left, bottom, right }; "same" where allowed.
local function padding(same)
  local inner = whole(0, LARGEST)
  local all = tuple(4, inner)
  local name = inner.name .. ", or { top, left, bottom, right }"
  return { name = (same and "'same', " or "") .. name, check = function(value)
    if same and value == "same" then return "same" end
    local n = inner.check(value)
    return n and { n, n, n, n } or all.check(value)
  end }
end

-- A number for each channel; one number where there is one channel.
local function per_channel(inner)
  return { name = "a list with, for each channel, " .. inner.name, check = function(value)
    if type(value) ~= "table" then value = { value } end
    return #value >= 1 and #value <= 4 and tuple(#value, inner).check(value) or nil
  end }
end

local function text_matching(pattern, name)
  return { name = name, check = function(value)
    if type(value) == "string" and #value <= LONGEST_NAME and string.find(value, pattern) then
      return value
    end
  end }
end

local layer_name = text_matching("^%a[%w_-]*$",
  "a letter, then letters, digits, _ and -, at most " .. LONGEST_NAME)
local fit_name = text_matching("^[%w_-]+$",
  "letters, digits, _ and -, at most " .. LONGEST_NAME)

-- Below the folder of --data; nothing of it is hidden or leads out of it.
local file_name = {
  name = "a file's name below --data: letters, digits, _, -, . and /",
  check = function(value)
    if type(value) ~= "string" or #value > LONGEST_PATH then return nil end
    for part in string.gmatch(value .. "/", "([^/]*)/") do
      if not string.find(part, "^[%w_-][%w_.-]*$") then return nil end
    end
    return value
  end,
}

local words_of -- (kind): the words of a kind, as a list; below, with the vocabulary

-- Fields of a value made by a word of one of the kinds.
local function made_by(...)
  local kinds = {}
  for _, kind in ipairs { ... } do kinds[kind] = true end
  local first = ...
  return {
    check = function(value)
      local fields = open(value)
      return fields and kinds[fields.kind] and fields or nil
    end,
    name = setmetatable({}, { __tostring = function()
      local words = first == "layer" and {} or words_of(first)
      local article = string.find(first, "^[aeiou]") and "an " or first == "data" and "" or "a "
      return article .. first .. (#words > 0 and " (" .. join(words) .. ")" or "")
    end }),
  }
end

-- Append to FLAT the entries of LIST and of the lists in it; false entries are left out. Gives the
-- reason where that cannot be.
local function flatten(list, inner, flat, depth)
  if depth > DEEPEST then return string.format("lists are more than %d deep", DEEPEST) end
  for key, value in ordered(list) do
    if math.type(key) ~= "integer" then
      return string.format("a list in the list has the key %s", show(key))
    end
    if type(value) == "table" then
      local reason = flatten(value, inner, flat, depth + 1)
      if reason then return reason end
    elseif value then
      local normal = inner.check(value)
      if normal == nil then
        return string.format("entry %d must be %s, given %s", key, tostring(inner.name),
          show(value))
      end
      flat[#flat + 1] = normal
      if #flat > MOST_NODES then return string.format("more than %d entries", MOST_NODES) end
    end
  end
end

local function list_of(inner, name)
  return { name = name, check = function(value)
    if type(value) ~= "table" then value = { value } end
    local flat = {}
    local reason = flatten(value, inner, flat, 1)
    if reason then return nil, reason end
    return flat
  end }
end

local layer = made_by("layer", "activation")
local layers = list_of(layer, "layers")

-- The branches of concat, each as { at, list = layers }.
local branches = { name = "branches", check = function(list, at)
  local flat = {}
  for key, value in ordered(list) do
    if value then
      local list, reason = layers.check(value)
      if reason then return nil, string.format("branch %d: %s", key, reason) end
      local only = #list == 1 and list[1]
      if only and only.word == "chain" and not only.name then list = only.list end
      flat[#flat + 1] = { at = only and only.at or at, list = list }
      if #flat > MOST_NODES then return nil, string.format("more than %d entries", MOST_NODES) end
    end
  end
  return flat
end }

-- The points of piecewise.
local points = { name = "points { x, y }, x increasing", check = function(list)
  local point, flat = tuple(2, number()), {}
  for key, value in ordered(list) do
    local normal = point.check(value)
    if not normal or key ~= #flat + 1 then
      return nil, string.format("point %s must be { x, y }, given %s", tostring(key), show(value))
    end
    if flat[#flat] and flat[#flat][1] >= normal[1] then
      return nil, string.format("x must increase, but point %d has x = %s after %s", key,
        show(normal[1]), show(flat[#flat][1]))
    end
    flat[key] = normal
  end
  if #flat < 2 then return nil, "at least two points are needed" end
  return flat
end }

-- What weighted tables go by; gen/curve.c says what is wrong with the numbers.
local histogram = {
  name = "{ from = number, to = number, counts = a list of numbers }",
  check = function(value)
    local real = number()
    if type(value) ~= "table" or type(value.counts) ~= "table" then return nil end
    local from, to, counts = real.check(value.from), real.check(value.to), {}
    for key, count in ordered(value.counts) do
      counts[key] = real.check(count)
      if counts[key] == nil or key ~= #counts then
        return nil, "counts must be a list of numbers"
      end
    end
    for key in ordered(value) do
      if key ~= "from" and key ~= "to" and key ~= "counts" then
        return nil, unknown("no field", key, { "from", "to", "counts" })
      end
    end
    return from and to and { from = from, to = to, counts = counts } or nil
  end,
}

local schedule = made_by("schedule")
local learning_rate = {
  name = setmetatable({}, { __tostring = function()
    return number(0).name .. ", or " .. tostring(schedule.name)
  end }),
  check = function(value)
    if type(value) ~= "number" then return schedule.check(value) end
    local lr = number(0).check(value)
    return lr and { word = "fixed", lr = lr }
  end,
}

local read_fields -- (row, at, named, fields), below

-- A table of attributes with a row of its own ("train").
local function record(word)
  return { name = "a table { ... }", row = word, check = function(value, at)
    if type(value) ~= "table" then return nil end
    return read_fields(word, at, value, { word = word, at = at })
  end }
end

local measured = record("normalize")
local normalization = { name = "'auto' or " .. measured.name, check = function(value, at)
  return value == "auto" and value or measured.check(value, at)
end }

---- The vocabulary ----

-- Parameters: an argument by its place, required without a default; a named attribute that may be
-- left out (default nil: then it is not there); a named attribute that may not. Arguments may be
-- given by name, too.
local function argument(name, kind, default)
  return { name = name, type = kind, default = default, required = default == nil, placed = true }
end
local function option(name, kind, default)
  return { name = name, type = kind, default = default }
end
local function needed(name, kind) return { name = name, type = kind, required = true } end

local size, window = whole(1, LARGEST), pair(1, LARGEST)
local positive, share = number(0, nil, "low"), number(0, 1)
local fraction = number(0, 1, "high") -- 1 itself not
local weight_decay, l1 = option("weight_decay", number(0), 0), option("l1", number(0), 0)
local betas = option("betas", tuple(2, fraction), { 0.9, 0.999 })
local amsgrad = option("amsgrad", flag, false)
local eps = number(1e-30) -- at least: 0 / 0 is no number
local tabled = option("table", made_by("table")) -- exact() where not given
local initial = option("init", made_by("init"))
local augment = option("augment", list_of(made_by("augmentation"), "augmentations"))
local subset = option("subset", number(0, 1, "low"), 1)
local validation = option("validation", fraction, 0)
local normalize = option("normalize", normalization)
local target = option("target", one_of("input", "none"))
local likely = option("p", share, 1)

-- { word, kind, parameters...; about }, and where a word has them:
-- list: the type of the unnamed entries of its one table; check(fields): what no single parameter
-- can tell; op: the operator of a layer, if not the word; data sets: shape and classes.
local vocabulary = {
  { "options", "spec",
    about = "options { name = default, ... }: what --set NAME=VALUE may change. Defaults are "
      .. "numbers, strings, true, false or a choice; the result has the values." },
  { "choice", "spec",
    about = "choice { 'first', 'second', ... }: for options, one of these strings; the first is "
      .. "the default." },
  { "fit", "spec",
    about = "fit 'NAME' is the table that fits/NAME.lua beside the spec returns: a file of `lathe "
      .. "fit`, or one's own. As dynamic's first argument it gives L, Q, I, P and Z, or, where it "
      .. "has layers = { ['NAME'] = { L, Q, I, P, Z }, ... }, the activation of that name its "
      .. "own; all names must be those of the network's activations." },
  { "network", "network", option("name", layer_name), option("input", made_by("input")),
    option("loss", made_by("loss")), option("data", made_by("data")),
    option("train", record("train")), initial, list = layers,
    about = "What a spec returns. name: the file's, without .lua, where not given. input: the "
      .. "data's shape where not given. loss: with data, cross_entropy() of classes and mse() of "
      .. "numbers. Without data "
      .. "or train, the network can only infer. init: for layers without their own." },
  { "image", "input", argument("channels", size), argument("height", size), argument("width", size),
    about = "The input is an image, read as floats in the order C, H, W." },
  { "vector", "input", argument("size", size), about = "The input is a row of so many numbers." },
  { "train", "part", needed("batch", size), needed("epochs", whole(1, 1000000)),
    needed("optimizer", made_by("optimizer")), needed("lr", learning_rate),
    option("clip_value", positive), option("clip_norm", positive),
    option("early_stopping", whole(1, 1000000)), option("curve_lr", positive),
    about = "A plain table in the network: how it is trained. epochs and lr are what train's "
      .. "options --epochs and --lr replace. clip_value: gradients are clamped to +- this; "
      .. "clip_norm: then all are scaled so that the norm of all together is at most this, as "
      .. "torch.nn.utils.clip_grad_norm_. early_stopping: the run ends after so many epochs "
      .. "without a lower validation loss; it needs data with validation. curve_lr: the L, Q and "
      .. "I of dynamic with learn move by shares of their size, at so many times the rate, "
      .. "without decay and clipping; else they are weights as all others." },

  { "conv", "layer", argument("channels", size), argument("kernel", window),
    option("stride", window, 1), option("pad", padding(true), "same"),
    option("dilation", window, 1), option("groups", size, 1), option("bias", flag, true), initial,
    about = "Convolution, as torch.nn.Conv2d but for its padding. pad = 'same' (PyTorch's default "
      .. "is 0): the output is ceil(input / stride), an odd pixel is added at the bottom and "
      .. "right. groups divides both the input's channels and these." },
  { "linear", "layer", argument("units", whole(1, 1048576)), option("bias", flag, true), initial,
    about = "Fully connected: units sums over the whole input, which is flat (flatten() comes "
      .. "before). As torch.nn.Linear." },
  { "batchnorm", "layer", option("eps", positive, 1e-5), option("momentum", share, 0.1),
    about = "Batch normalisation, a channel at a time, of images and flat layers: in training by "
      .. "the batch's mean and variance, in infer by the running ones, which move by momentum a "
      .. "step. As torch.nn.BatchNorm2d." },
  { "lrn", "layer", option("size", size, 5), option("alpha", number(0), 1e-4),
    option("beta", number(0), 0.75), option("k", positive, 1),
    about = "Local response normalisation: x (k + alpha / size * s)^-beta, where s sums the "
      .. "squares of a channel and of its neighbours, size channels in all, an odd number. As "
      .. "torch.nn.LocalResponseNorm." },
  { "maxpool", "layer", argument("kernel", window), option("stride", window),
    option("pad", padding(), 0),
    about = "The largest number of each window; padding never wins. stride: the kernel where not "
      .. "given. Windows that do not fit whole are left out." },
  { "avgpool", "layer", argument("kernel", window), option("stride", window),
    option("pad", padding(), 0),
    about = "The mean of each window, padding counted as zeros. stride: the kernel where not "
      .. "given." },
  { "globalpool", "layer", about = "The mean of each channel: C x H x W becomes C x 1 x 1." },
  { "flatten", "layer",
    about = "C x H x W becomes one row of numbers, channel by channel, as PyTorch does." },
  { "reshape", "layer", argument("channels", size), argument("height", size),
    argument("width", size),
    about = "The same numbers in the same order, as an image of this shape." },
  { "dropout", "layer", argument("p", fraction, 0.5),
    about = "In training, a number becomes 0 with probability p, the others grow by 1 / (1 - p). "
      .. "In infer it is nothing." },
  { "softmax", "layer",
    about = "Probabilities: exp(x) over the sum of all exp(x), of a flat input. Where it is the "
      .. "last layer and the loss is cross_entropy, the loss takes its input (logits), and infer "
      .. "writes its output." },
  { "chain", "layer", list = layers,
    about = "Layers one after the other, as one entry of a list. With a name, its layers' names "
      .. "begin with it: block1.conv1." },
  { "residual", "layer", option("shortcut", layers), option("drop", fraction, 0), list = layers,
    about = "The body's result plus its input, or plus what the shortcut's layers make of it. The "
      .. "sum has the name of the residual. drop is stochastic depth: a training step skips the "
      .. "body with this probability and computes nothing of it; in infer, its result is "
      .. "multiplied by 1 - drop." },
  { "concat", "layer", list = branches,
    about = "The results of the branches, one after the other along the channels; each reads the "
      .. "input. A branch is a layer, a chain or a list of layers; chain {} passes the input on. "
      .. "Their layers' names begin with branch1, branch2 ... after the name of the concat." },

  { "relu", "activation", about = "max(0, x)." },
  { "relu_at", "activation", argument("t", number()),
    about = "max(t, x): ReLU with its corner at x = t. As torch.nn.Threshold(t, t)." },
  { "leaky_relu", "activation", argument("a", number(), 0.01), about = "x, or a x where x < 0." },
  { "prelu", "activation", option("init", number(), 0.25), option("shared", flag, false),
    op = "learned",
    about = "x, or a x where x < 0, a trained from init on: one a channel, or with shared one for "
      .. "all. As torch.nn.PReLU; NAME.weight in files. weight_decay, which is for all that is "
      .. "trained, draws a to 0." },
  { "elu_learned", "activation", option("a", number(), 1), option("shared", flag, false),
    op = "learned",
    about = "x, or a (exp(x) - 1) where x < 0, a trained from its value here on: one a channel, or "
      .. "with shared one for all. NAME.weight in files." },
  { "dynamic_relu", "activation", option("k", whole(1, 8), 2), option("reduction", size, 8),
    about = "Dynamic ReLU (Chen et al. 2020, DY-ReLU-B), of images: the largest of k straight "
      .. "lines a x + b, whose a and b are a small network's for each sample and channel: "
      .. "NAME.globalpool1, flatten1, linear1 (channels / reduction units), relu1, linear2; a and "
      .. "b are tanh(its outputs / 2), b half of that, plus 1 for the first a. Of equal lines the "
      .. "first has the gradient." },
  { "sigmoid", "activation", tabled, about = "1 / (1 + exp(-x))." },
  { "tanh", "activation", tabled, about = "The hyperbolic tangent of x." },
  { "elu", "activation", argument("a", number(), 1), tabled,
    about = "x, or a (exp(x) - 1) where x < 0. As torch.nn.ELU." },
  { "softplus", "activation", tabled, about = "log(1 + exp(x)). As torch.nn.Softplus." },
  { "silu", "activation", tabled,
    about = "x sigmoid(x), also called swish. As torch.nn.SiLU." },
  { "gelu", "activation", tabled,
    about = "x times the normal distribution's P(X < x), x (1 + erf(x / sqrt(2))) / 2, not its "
      .. "approximation by tanh. As torch.nn.GELU." },
  { "hardswish", "activation", tabled,
    about = "0 where x < -3, x where x > 3, x (x + 3) / 6 between. As torch.nn.Hardswish." },
  { "dynamic", "activation", needed("L", number()), needed("Q", number()), needed("I", number()),
    option("P", whole(1, 16), 2), option("Z", number(), 10), tabled, option("learn", flag, false),
    option("histogram", histogram),
    about = "The fitted Dynamic curve: 0 where x < 0, else x + L/(Q(x+I)^P + Z) - L/(Q(x-I)^P + "
      .. "Z), whose denominators must not vanish. A fit's parameters may come first: dynamic(fit "
      .. "'mine', { table = tangent(0.1) }). learn: L, Q and I are trained from these values on "
      .. "(NAME.L, NAME.Q, NAME.I in files); Q counts by its absolute value, P must be even and Z "
      .. "above 0, so that the curve stays whole wherever they go. histogram: for a weighted "
      .. "table; fits have one.",
    check = function(fields)
      if fields.learn and fields.table and fields.table.word ~= "exact" then
        return "a curve that learns has no table: training moves it"
      end
    end },
  { "curve", "activation", needed("f", func), option("table", made_by("table")),
    about = "Any function of x, function(x) ... end, called while the spec is read and made a "
      .. "table: minimax(0.01) where none is given; exact() cannot be. Its bound is measured on "
      .. "samples, close where f bends, not proven. f gives a number for every x, does not jump, "
      .. "and becomes straight on both sides, or the table has a max, beyond which its last slope "
      .. "goes on.",
    check = function(fields)
      local method = fields.table or { word = "minimax", eps = 0.01 }
      if method.word == "exact" then
        return "a function has no formula for exact(): minimax(eps) or tangent(k)"
      end
      fields.samples = host.sample(fields.f, fields.at, method)
      fields.f = nil
    end },
  { "piecewise", "activation", list = points,
    about = "Straight lines through the points; the outer ones go on for ever." },
  { "tangent", "table", argument("k", positive), option("max", positive),
    about = "An inequality table: straight pieces in a corridor of half-width k along the curve's "
      .. "tangents, nowhere more than 3 k from the curve. max: where the corridor ends, chosen by "
      .. "lathe where not given; beyond, the curve's asymptote goes on." },
  { "minimax", "table", argument("eps", positive), option("max", positive),
    about = "An inequality table of the fewest straight pieces that are nowhere more than eps from "
      .. "the curve, outside of -max .. max its asymptotes. max: chosen by lathe where not given "
      .. "(four times as far out as the curve takes to its asymptotes)." },
  { "weighted", "table", argument("eps", positive), option("max", positive),
    option("histogram", histogram),
    about = "An inequality table of the fewest straight pieces, from break points that lathe "
      .. "offers, whose distance from the curve is at most eps in the root mean square under a "
      .. "histogram of the numbers that the curve sees: counts of equal stretches of from .. to. A "
      .. "hundredth of the weight lies evenly where break points may be. `lathe interpret "
      .. "--histogram` counts; a fit has its own, which holds where none is given here. For "
      .. "trained networks: a new one's numbers are elsewhere, where the table may be flat. "
      .. "Outside of -max .. max (the histogram, and as far as the curve takes to them) its "
      .. "asymptotes." },
  { "exact", "table",
    about = "No table: the curve is computed by its formula. The same as to give no table." },

  { "cross_entropy", "loss", option("smoothing", fraction, 0),
    about = "Minus the logarithm of the right class's probability, from logits (no softmax is "
      .. "needed before it), mean over the batch. As torch.nn.CrossEntropyLoss. smoothing: this "
      .. "share of the target is spread evenly over all classes, its label_smoothing." },
  { "mse", "loss",
    about = "Mean squared error over the batch and all outputs; against one-hot targets where "
      .. "there are classes. As torch.nn.MSELoss." },
  { "bce", "loss",
    about = "Binary cross-entropy, from logits, mean over the batch and all outputs, as "
      .. "torch.nn.BCEWithLogitsLoss: each output is a yes or no of its own. Targets are one-hot "
      .. "where there are classes, else numbers from 0 to 1. Where sigmoid() is the last layer, "
      .. "the loss takes its input, and infer writes its output." },

  { "sgd", "optimizer", option("momentum", number(0), 0), option("dampening", number(0), 0),
    option("nesterov", flag, false), weight_decay, l1,
    about = "Stochastic gradient descent, as torch.optim.SGD. weight_decay is L2: weight_decay "
      .. "times the weight is added to its gradient (after clipping); l1: so is l1 times the "
      .. "weight's sign.",
    check = function(fields)
      if fields.nesterov and (fields.momentum == 0 or fields.dampening ~= 0) then
        return "nesterov needs a momentum above 0 and no dampening"
      end
    end },
  { "adagrad", "optimizer", option("lr_decay", number(0), 0),
    option("initial_accumulator", number(0), 0), option("eps", eps, 1e-10), weight_decay, l1,
    about = "As torch.optim.Adagrad: steps divided by the root of the sum of all squared gradients "
      .. "since the beginning, which starts at initial_accumulator." },
  { "rmsprop", "optimizer", option("alpha", fraction, 0.99), option("eps", eps, 1e-8),
    option("momentum", number(0), 0), option("centered", flag, false), weight_decay, l1,
    about = "As torch.optim.RMSprop: steps divided by the root of a running mean of squared "
      .. "gradients, with centered by their running deviation." },
  { "adadelta", "optimizer", option("rho", fraction, 0.9), option("eps", eps, 1e-6), weight_decay,
    l1,
    about = "As torch.optim.Adadelta: steps as large as a running mean of those before. Its usual "
      .. "lr is 1." },
  { "adam", "optimizer", betas, option("eps", eps, 1e-8), amsgrad, weight_decay, l1,
    about = "As torch.optim.Adam: steps scaled by running means of the gradient and its square, "
      .. "with amsgrad by the largest of these. weight_decay is L2, as for sgd." },
  { "adamw", "optimizer", betas, option("eps", eps, 1e-8), amsgrad,
    option("weight_decay", number(0), 0.01), l1,
    about = "As torch.optim.AdamW: adam whose weight_decay is decoupled: before each step, weights "
      .. "shrink by lr times weight_decay." },

  { "steps", "schedule", needed("lr", number(0)), needed("every", positive),
    option("gamma", positive, 0.1),
    about = "Begins at lr, which is multiplied by gamma every so many epochs." },
  { "exponential", "schedule", needed("lr", number(0)), needed("k", positive),
    about = "lr times exp(-k epoch); epoch: whole epochs before, 0 in the first. As "
      .. "torch.optim.lr_scheduler.ExponentialLR with gamma = exp(-k)." },
  { "inverse", "schedule", needed("lr", number(0)), needed("k", positive),
    about = "lr / (1 + k epoch), epoch as for exponential." },
  { "cosine", "schedule", needed("lr", number(0)), option("min", number(0), 0),
    about = "Half a cosine from lr down to min over all steps, as "
      .. "torch.optim.lr_scheduler.CosineAnnealingLR with T_max = all steps, moved on every step.",
    check = function(fields)
      if fields.min > fields.lr then return "min must not be above lr" end
    end },
  { "warmup", "schedule", argument("epochs", positive), argument("inner", learning_rate),
    about = "In the first so many epochs (1.5 is one and a half) the rate rises in equal steps to "
      .. "the first of inner, a number or another schedule, which then begins.",
    check = function(fields)
      if fields.inner.word == "warmup" then return "inner must not be a warmup itself" end
    end },
  { "onecycle", "schedule", needed("max", positive), option("pct_start", share, 0.3),
    option("div_factor", positive, 25), option("final_div_factor", positive, 1e4),
    option("cycle_momentum", flag, true), option("base_momentum", fraction, 0.85),
    option("max_momentum", fraction, 0.95),
    about = "As torch.optim.lr_scheduler.OneCycleLR with cosines: up from max / div_factor to max "
      .. "in the first pct_start of all steps, then down to the first rate / final_div_factor; "
      .. "with cycle_momentum, momentum (adam's first beta) goes the other way; adagrad and "
      .. "adadelta have none." },

  { "plateau", "schedule", needed("lr", number(0)), option("factor", number(1e-6, 1, "high"), 0.1),
    option("patience", whole(0, 1000000), 10), option("threshold", fraction, 1e-4),
    option("cooldown", whole(0, 1000000), 0), option("min", number(0), 0),
    about = "As torch.optim.lr_scheduler.ReduceLROnPlateau on the validation loss: after more than "
      .. "patience epochs in which it did not fall by threshold of its lowest, lr is multiplied by "
      .. "factor, and cooldown epochs are not counted. It needs data with validation." },

  { "uniform", "init", option("bound", positive),
    about = "U(-bound, bound), biases too; bound: 1/sqrt(fan_in) where not given. Layers without "
      .. "init have that, too." },
  { "normal", "init", needed("std", positive), about = "Normal, deviation std; biases 0." },
  { "xavier", "init", about = "Normal, deviation 1/sqrt(fan_in); biases 0." },
  { "he", "init", about = "Normal, deviation sqrt(2/fan_in); biases 0." },
  { "zeros", "init",
    about = "All 0, biases too. Nothing is learnt from there: with relu between two layers or more "
      .. "that have no bias, no weight ever moves; with biases, the last layer's bias alone." },

  { "mnist", "data", augment, normalize, subset, validation, target,
    shape = { 1, 28, 28 }, classes = 10,
    about = "Handwritten digits: 60,000 to train, 10,000 to test, in IDX files (plain or .gz)." },
  { "fashion_mnist", "data", augment, normalize, subset, validation, target,
    shape = { 1, 28, 28 }, classes = 10,
    about = "Pictures of clothes: 60,000 to train, 10,000 to test, in IDX files (plain or .gz)." },
  { "cifar10", "data", augment, normalize, subset, validation, target,
    shape = { 3, 32, 32 }, classes = 10,
    about = "Small colour photographs of 10 classes: 50,000 to train, 10,000 to test, binary "
      .. "version." },
  { "cifar100", "data", augment, normalize, subset, validation, target,
    shape = { 3, 32, 32 }, classes = 100,
    about = "Small colour photographs of 100 classes (the fine labels), binary version." },
  { "digits", "data", augment, normalize, subset, validation, target,
    shape = { 1, 28, 28 }, classes = 10,
    about = "Digits that the runtime draws from strokes, the same each time: 10,000 to train, "
      .. "2,000 to test, no files. Drawings, not MNIST." },
  { "images", "data", needed("size", tuple(3, whole(1, 1024))), needed("classes", size), augment,
    normalize, subset, validation, target,
    about = "Folders of pictures (PNG, JPEG, BMP, PNM): DIR/train/CLASS/NAME.png, and DIR/test or "
      .. "DIR/val alike; classes are numbered in the order of their names. size = { channels, "
      .. "height, width }: each picture is made grey or coloured, scaled until it just covers "
      .. "height x width, and its middle is cut out; then comes augment. subset (and --limit) take "
      .. "pictures at equal distances.",
    complete = function(fields)
      fields.shape = fields.size
      if fields.size[1] ~= 1 and fields.size[1] ~= 3 then
        return "size must have 1 or 3 channels"
      end
    end },
  { "arrays", "data", needed("x", file_name), option("y", file_name), option("test_x", file_name),
    option("test_y", file_name), needed("shape", sample_shape), option("classes", size),
    option("values", size), augment, normalize, subset, validation, target,
    about = "NumPy's files (.npy: u1, i4, i8, f4, f8), named from --data DIR on. x has a sample a "
      .. "row, of this shape; bytes become 0 .. 1. y has its class, or so many values (1 where "
      .. "neither is given) to approach. Without test_x and test_y every fifth sample is for tests "
      .. "and the others for training.",
    complete = function(fields)
      if not fields.target and not fields.y then return "y is missing, " .. file_name.name end
      if fields.classes and fields.values then return "takes classes or values, given both" end
      if fields.test_y and not fields.test_x or
        fields.test_x and not fields.test_y and not fields.target then
        return "test_x and test_y come together"
      end
      fields.targets = fields.classes and 0 or fields.values or 1
      fields.classes = fields.classes or 0
    end },
  { "points", "data", argument("set", one_of("xor", "linear", "max", "logsumexp")),
    option("inputs", whole(1, 4096)), augment, normalize, subset, validation, target,
    about = "xor: the four points of exclusive or, to train and to test; two outputs make it two "
      .. "classes, one output and mse a regression. The others: a function of inputs (8 where not "
      .. "given) normal numbers x through a fixed matrix W, the same each time, 8,000 samples to "
      .. "train and 2,000 to test: the sum of W x, its largest entry, log-sum-exp of it.",
    complete = function(fields)
      fields.source = { word = fields.set }
      if fields.set == "xor" and fields.inputs then return "xor has two inputs" end
      fields.shape = { fields.set == "xor" and 2 or fields.inputs or 8 }
      fields.classes = fields.set == "xor" and 2 or 0
      fields.targets = 1
    end },
  { "normalize", "part", needed("mean", per_channel(number())),
    needed("std", per_channel(positive)),
    about = "A plain table in data words: each byte, scaled to 0 .. 1, becomes (x - mean) / std of "
      .. "its channel. Without it, bytes stay within 0 .. 1. normalize = 'auto': mean and "
      .. "deviation of each channel (of each number, where samples are rows) are measured on the "
      .. "training set when training begins, and kept with the weights as data.mean and "
      .. "data.std." },

  { "crop", "augmentation", argument("size", whole(1, 1024)), option("pad", whole(0, 1024), 0),
    option("mode", one_of("zero", "reflect"), "zero"),
    about = "A square of this size from a random place of the padded image; in tests its centre. "
      .. "mode: what the padding holds, black (0 before normalize) or the mirrored image." },
  { "center_crop", "augmentation", argument("size", whole(1, 1024)),
    about = "The middle square of this size, in tests too. As torchvision's CenterCrop." },
  { "resize", "augmentation", argument("size", side),
    about = "Scaled, in tests too, with antialiasing, as torchvision's Resize: until the shorter "
      .. "side has this size, or to { height, width }." },
  { "random_resize", "augmentation", argument("low", number(0.1, 10)),
    argument("high", number(0.1, 10)),
    about = "Shrunk or enlarged around the middle by a factor from low to high; the size stays: "
      .. "what is outside is cut off, what is missing black. As torchvision's RandomAffine with "
      .. "scale. Not in tests.",
    check = function(fields)
      if fields.low > fields.high then return "low must not be above high" end
    end },
  { "hflip", "augmentation", argument("p", share, 0.5),
    about = "Left and right change places with probability p; not in tests." },
  { "rotate", "augmentation", argument("degrees", number(0, 180)), likely,
    about = "With probability p, turned around the middle by an angle from -degrees to degrees, as "
      .. "torchvision's RandomRotation with bilinear sampling; black outside. Not in tests." },
  { "shear", "augmentation", argument("degrees", number(0, 85)), likely,
    about = "With probability p, lines slide against each other by an angle from -degrees to "
      .. "degrees, as torchvision's RandomAffine with shear; black outside. Not in tests." },
  { "perspective", "augmentation", argument("distortion", share, 0.5), option("p", share, 0.5),
    about = "With probability p, each corner moves in by up to distortion times half of each side, "
      .. "as torchvision's RandomPerspective. Not in tests." },
  { "color_jitter", "augmentation", option("brightness", number(0, 100), 0),
    option("contrast", number(0, 100), 0), option("saturation", number(0, 100), 0),
    option("hue", number(0, 0.5), 0), likely,
    about = "With probability p, in a random order: brightness, contrast and saturation times a "
      .. "factor from 1 - x (0 at least) to 1 + x, hue turned by -hue to hue of the circle. As "
      .. "torchvision's ColorJitter, of images with 1 or 3 channels. Not in tests." },
  { "noise", "augmentation", argument("std", positive),
    about = "Normal noise of this deviation on every number, before normalize (bytes are 0 .. 1 "
      .. "then, and stay within). Not in tests." },
}

local rows = {} -- the vocabulary by word
for _, row in ipairs(vocabulary) do
  row.word, row.kind, row.parameters = row[1], row[2], {}
  for i = 3, #row do row.parameters[i - 2] = row[i] end
  if row.kind == "layer" or row.kind == "activation" then
    row.parameters[#row.parameters + 1] = option("name", layer_name)
  end
  rows[row.word] = row
end

function words_of(kind)
  local words = {}
  for _, row in ipairs(vocabulary) do
    if row.kind == kind then words[#words + 1] = row.word end
  end
  return words
end

---- Calls of words ----

local function parameter_names(row)
  local names = {}
  for i, parameter in ipairs(row.parameters) do names[i] = parameter.name end
  table.sort(names)
  return names
end

-- The normal form of VALUE, given for PARAMETER of WORD; nil is replaced by the default.
local function read_parameter(word, at, parameter, value)
  if value == nil then value = parameter.default end
  if value == nil then
    if parameter.required then
      fail(at, "%s: %s is missing, %s", word, parameter.name, tostring(parameter.type.name))
    end
    return nil
  end
  local normal, reason = parameter.type.check(value, at)
  if reason then fail(at, "%s: %s: %s", word, parameter.name, reason) end
  if normal == nil then
    fail(at, "%s: %s must be %s, given %s", word, parameter.name, tostring(parameter.type.name),
      show(value))
  end
  return normal
end

-- Add to FIELDS every parameter of WORD's row by what NAMED has for it.
function read_fields(word, at, named, fields)
  local row = rows[word]
  local known = {}
  for _, parameter in ipairs(row.parameters) do known[parameter.name] = true end
  for name, value in ordered(named) do
    if type(name) ~= "string" then
      fail(at, "%s: takes no entry without a name, given %s", word, show(value))
    elseif not known[name] then
      fail(at, "%s", unknown(word .. ": no attribute", name, parameter_names(row)))
    end
  end
  for _, parameter in ipairs(row.parameters) do
    local value = named[parameter.name]
    if value == false and parameter.type ~= flag then value = nil end
    fields[parameter.name] = read_parameter(word, at, parameter, value)
  end
  return fields
end

-- The entries with a name, and those without.
local function split(entries)
  local named, list = {}, {}
  for key, value in ordered(entries) do
    if math.type(key) == "integer" then list[key] = value else named[key] = value end
  end
  return named, list
end

-- What `lathe fit` wrote, by the table that the spec holds: { name, at, data, used = { names } }.
local fits, fit_list = {}, {}

-- What a fit says of itself, beside its curves.
local fit_notes = { found = true, layers = true }

-- The attributes that CURVE, a fit's or a layer's of it, gives.
local function fit_attributes(curve)
  local attributes = {}
  for key, value in ordered(curve) do
    if not fit_notes[key] then attributes[key] = value end
  end
  return attributes
end

-- The attributes that a call of a word with places gives: arguments, then tables of names; and the
-- fit that is one of them.
local function collect(row, at, arguments)
  local named, next_one = {}, 1
  for _, parameter in ipairs(row.parameters) do
    local value = arguments[next_one]
    local attributes = type(value) == "table" and #value == 0
    if parameter.placed and next_one <= arguments.n and not attributes then
      named[parameter.name] = value
      next_one = next_one + 1
    end
  end
  local last, fitted = next_one - 1, nil
  for i = next_one, arguments.n do
    local value = arguments[i]
    if fits[value] then
      -- of a fit with a curve for each layer the first stands in until add_layers knows the name
      fitted = fits[value]
      local layers = fitted.data.layers
      value = fit_attributes(layers and layers[sorted_keys(layers)[1]] or fitted.data)
    end
    if type(value) ~= "table" and value then
      fail(at, "%s: takes %s, given also %s", row.word,
        last == 0 and "named attributes only: { name = value }" or
        string.format("%d argument%s and a table of attributes", last, last == 1 and "" or "s"),
        show(value))
    end
    for name, entry in ordered(value or {}) do
      if i <= last + 1 and named[name] ~= nil then
        fail(at, "%s: %s is given twice", row.word, tostring(name))
      end
      named[name] = entry
    end
  end
  return named, fitted
end

-- What every data set's FIELDS have in the end: shape, classes (0: none), targets (numbers to
-- approach, where there are no classes) and the source's word.
local function complete_data(row, fields)
  fields.source = { word = row.word }
  fields.shape = fields.shape or row.shape
  fields.classes = fields.classes or row.classes
  fields.targets = 0
  local problem = row.complete and row.complete(fields)
  if problem then fail(fields.at, "%s: %s", row.word, problem) end
  if fields.target then fields.classes, fields.targets = 0, 0 end
end

-- The fields of a call of ROW's word.
local function read_arguments(row, at, ...)
  local arguments = table.pack(...)
  local fields = { word = row.word, kind = row.kind, at = at }
  if not row.list then
    local named
    named, fields.fit = collect(row, at, arguments)
    read_fields(row.word, at, named, fields)
  else
    if arguments.n ~= 1 or type(arguments[1]) ~= "table" then
      fail(at, "%s: takes one table, %s { ... }, given %s", row.word, row.word,
        arguments.n == 1 and show(arguments[1]) or arguments.n .. " arguments")
    end
    local named, list = split(arguments[1])
    read_fields(row.word, at, named, fields)
    local reason
    fields.list, reason = row.list.check(list, at)
    if reason then fail(at, "%s: %s", row.word, reason) end
  end
  local problem = row.check and row.check(fields)
  if problem then fail(at, "%s: %s", row.word, problem) end
  if row.kind == "data" then complete_data(row, fields) end
  return fields
end

-- A metatable for sealed values that messages call NAME, whose entries read(fields, key) gives.
local function opaque(name, read)
  return {
    __name = name,
    __metatable = false,
    __index = function(value, key) return read(open(value), key) end,
    __newindex = function() fail(place(), "%s cannot be changed", name) end,
  }
end

local words = {} -- what a spec may call, by name
for _, row in ipairs(vocabulary) do
  if row.kind ~= "part" and row.kind ~= "spec" then
    local metatable = opaque(row.word, function(fields, key)
      if key == "classes" and fields.classes then return fields.classes end
      fail(place(), "%s has no readable entry %s", row.word, show(tostring(key)))
    end)
    words[row.word] = host.word(function(...)
      return seal(metatable, read_arguments(row, place(), ...))
    end)
  end
end

---- Options ----

local options_called = false
local option_names = {}

-- The value of option NAME, by its default and what --set has.
local function set_option(file, name, default)
  local choices = open(default)
  local value = choices and choices.kind == "choice" and choices.list[1] or default
  local kind = type(value)
  local text = settings[name]
  if text == nil then return value end
  if choices then
    if choices.known[text] then return text end
    fail(file, "option %s must be %s, given %s", name, choices.name, show(text))
  end
  if kind == "string" then return text end
  if kind == "boolean" and (text == "true" or text == "false") then return text == "true" end
  local n = kind == "number" and number().check(tonumber(text))
  if n then return math.tointeger(n) or n end
  fail(file, "option %s must be %s, given %s", name,
    kind == "number" and "a number" or "true or false", show(text))
end

words.options = host.word(function(defaults, ...)
  local at, values = place(), {}
  local file = at & ~0xffffff -- the file without a line
  if type(defaults) ~= "table" or select("#", ...) > 0 then
    fail(at, "options: takes one table, options { name = default }")
  end
  if options_called then fail(at, "options: called a second time") end
  options_called = true
  for name, default in ordered(defaults) do
    local sealed = open(default)
    local kind = sealed and sealed.kind or type(default)
    if type(name) ~= "string" or not string.find(name, "^%a[%w_]*$") or #name > LONGEST_NAME then
      fail(at, "options: %s is no name for an option", show(name))
    end
    if not (kind == "number" or kind == "string" or kind == "boolean" or kind == "choice") then
      fail(at, "options: %s must be a number, a string, true, false or choice {...}, given %s",
        name, show(default))
    end
    values[name] = set_option(file, name, default)
  end
  option_names = sorted_keys(values)
  for name in ordered(settings) do
    if values[name] == nil then
      local near = host.nearest(name, option_names)
      fail(file, "no option %s (%sit has: %s)", show(name),
        near and "did you mean " .. near .. "? " or "", join(option_names))
    end
  end
  return seal(opaque("options", function(fields, key)
    local value = fields.values[key]
    if value ~= nil then return value end
    fail(place(), "%s", unknown("no option", key, sorted_keys(fields.values)))
  end), { word = "options", kind = "options", values = values })
end)

local choice_metatable = opaque("choice", function()
  fail(place(), "choice is for options { ... } only")
end)

words.choice = host.word(function(list, ...)
  local at, known = place(), {}
  if type(list) ~= "table" or #list == 0 or #list > 100 or select("#", ...) > 0 then
    fail(at, "choice: takes a list of at most 100 strings, choice { 'first', 'second' }")
  end
  for key, word in ordered(list) do
    if math.type(key) ~= "integer" or type(word) ~= "string" then
      fail(at, "choice: takes strings only, given %s", show(word))
    end
    known[word] = true
  end
  local fields = { word = "choice", kind = "choice", list = table.move(list, 1, #list, 1, {}),
    known = known, name = one_of(table.unpack(list)).name }
  return seal(choice_metatable, fields)
end)

---- Fits ----

-- A copy of plain data; anything else is refused.
local function copy_data(value, name, at, depth)
  local kind = type(value)
  if kind == "number" or kind == "string" or kind == "boolean" then return value end
  if kind ~= "table" or depth > 8 then
    fail(at, "fit %s: numbers, strings and tables of them only, found %s", show(name),
      depth > 8 and "tables more than 8 deep" or show(value))
  end
  local copy = {}
  for key, entry in ordered(value) do copy[key] = copy_data(entry, name, at, depth + 1) end
  return copy
end

-- Die where LAYERS, of the fit NAME, are not curves by name.
local function check_fit_layers(layers, name, at)
  local sound = type(layers) == "table" and next(layers) ~= nil
  for key, curve in ordered(sound and layers or {}) do
    sound = sound and type(key) == "string" and type(curve) == "table"
  end
  if not sound then
    fail(at, "fit %s: layers must be a table of curves, ['NAME'] = { L, Q, I }", show(name))
  end
end

-- FIELDS of an activation whose fit has a curve for each layer, with those of the layer NAME.
local function fitted_fields(fields, name)
  local fitted, own = fields.fit, {}
  local curve = fitted.data.layers[name]
  if not curve then
    fail(fields.at, "%s: fit %s has no curve of that name, but %s: is it of another network?", name,
      show(fitted.name), join(sorted_keys(fitted.data.layers)))
  end
  fitted.used[name] = true
  for key, value in ordered(fields) do own[key] = value end
  local normal = read_fields(fields.word, fields.at, fit_attributes(curve), {})
  for key in ordered(fit_attributes(curve)) do own[key] = normal[key] end
  own.histogram = normal.histogram -- not the first's
  return own
end

-- Die where a fit whose layers are used has one that the network does not.
local function check_fits_used()
  for _, fitted in ipairs(fit_list) do
    for name in ordered(next(fitted.used) and fitted.data.layers or {}) do
      if not fitted.used[name] then
        fail(fitted.at, "fit %s has a curve for %s, which is no activation here that takes it: is "
          .. "it of another network?", show(fitted.name), name)
      end
    end
  end
end

words.fit = host.word(function(name, ...)
  local at = place()
  if not fit_name.check(name) or select("#", ...) > 0 then
    fail(at, "fit: the name must be %s, given %s", fit_name.name, show(name))
  end
  local data = host.read_fit(name, at)
  if type(data) ~= "table" then
    fail(at, "fit %s: the file must return a table, it returned %s", show(name), show(data))
  end
  local copy = copy_data(data, name, at, 1)
  if #copy == 0 then
    if copy.layers ~= nil then check_fit_layers(copy.layers, name, at) end
    fits[copy] = { name = name, at = at, data = copy, used = {} }
    fit_list[#fit_list + 1] = fits[copy]
  end
  return copy
end)

---- What a spec sees ----

local environment = {}
do
  local known = {}
  for name, value in ordered(words) do known[name] = value end
  for name, value in ordered(sandbox) do
    if type(value) == "table" then
      local metatable = opaque(name, function(fields, key)
        local entry = fields.functions[key]
        if entry == nil then
          fail(place(), "%s", unknown(name .. " has no", key, sorted_keys(fields.functions)))
        end
        return entry
      end)
      value = seal(metatable, { word = name, kind = "library", functions = value })
    end
    known[name] = value
  end
  local names = sorted_keys(known)
  setmetatable(environment, {
    __metatable = false,
    __index = function(_, name)
      local value = known[name]
      if value == nil then fail(place(), "%s", unknown("unknown word", name, names)) end
      return value
    end,
    __newindex = function(globals, name, value)
      if known[name] ~= nil then
        fail(place(), "%s is a word of the spec language: call yours something else, or local",
          show(tostring(name)))
      end
      rawset(globals, name, value)
    end,
  })
end

---- Layers to nodes ----

-- A node for spec.c: { op, name, at, inputs = { node numbers, 0 the network's input }, fields }.
local nodes, names = {}, {}

-- Bodies that stochastic depth may skip: { name, p, outer = number of the one around it, or 0 };
-- and the number of the one that nodes are added to now, 0 for none.
local gates, gate = {}, 0

-- NAME is from here on taken, for a node or for a group of them.
local function claim(name, at)
  local identifier = string.gsub(name, "[.-]", "_") -- what is left of it in C
  local other = names[identifier]
  if #name > LONGEST_PATH then
    fail(at, "the name %s is longer than %d characters", show(name), LONGEST_PATH)
  end
  if other == "reserved" then fail(at, "the name %s is taken by lathe", show(name)) end
  if other and other.name ~= name then
    fail(at, "the names %s and %s (line %d) are the same in C", show(name),
      show(other.name), other.at & 0xffffff)
  end
  if other then
    fail(at, "two layers are called %s, the other is in line %d", show(name),
      other.at & 0xffffff)
  end
  names[identifier] = { name = name, at = at }
end

local function add_node(op, name, fields, ...)
  if #nodes == MOST_NODES then
    fail(fields.at, "the network has more than %d layers", MOST_NODES)
  end
  nodes[#nodes + 1] = { op = op, name = name, at = fields.at, inputs = { ... }, gate = gate,
    fields = fields }
  return #nodes
end

-- The name of FIELDS' layer in SCOPE: its own, or its kind and its place among its kind.
local function name_in(scope, fields)
  local place_of_kind = (scope.counts[fields.word] or 0) + 1
  scope.counts[fields.word] = place_of_kind
  local name = scope.prefix .. (fields.name or fields.word .. place_of_kind)
  claim(name, fields.at)
  return name
end

local function new_scope(prefix, depth) return { prefix = prefix, counts = {}, depth = depth } end

local add_layers -- (list, scope, input, init): the number of the node that computes the result

local function add_chain(fields, scope, input, init)
  local inner = { prefix = scope.prefix, counts = scope.counts, depth = scope.depth + 1 }
  if fields.name then
    inner.prefix, inner.counts = name_in(scope, fields) .. ".", {}
  end
  return add_layers(fields.list, inner, input, init)
end

-- Each branch has a scope of its own, NAME.branch1 ...; an empty one passes the input on.
local function add_concat(fields, scope, input, init)
  local name = name_in(scope, fields)
  if #fields.list == 0 then fail(fields.at, "%s: concat has no branches", name) end
  local results = {}
  for i, branch in ipairs(fields.list) do
    local prefix = string.format("%s.branch%d", name, i)
    claim(prefix, branch.at)
    local inner = new_scope(prefix .. ".", scope.depth + 1)
    results[i] = add_layers(branch.list, inner, input, init)
  end
  return add_node("concat", name, fields, table.unpack(results))
end

local function add_residual(fields, scope, input, init)
  local name = name_in(scope, fields)
  local outer, drop = gate, fields.drop > 0
  if drop then
    gates[#gates + 1] = { name = name, p = fields.drop, outer = outer }
    gate = #gates
  end
  local own = gate
  local body = add_layers(fields.list, new_scope(name .. ".", scope.depth + 1), input, init)
  gate = outer
  if body == input then fail(fields.at, "%s: residual has no layers", name) end
  local shortcut = input
  if fields.shortcut then
    claim(name .. ".shortcut", fields.at)
    local inner = new_scope(name .. ".shortcut.", scope.depth + 1)
    shortcut = add_layers(fields.shortcut, inner, input, init)
  end
  if drop then
    claim(name .. ".drop", fields.at)
    body = add_node("drop_path", name .. ".drop", { at = fields.at, gate = own }, body)
  end
  return add_node("add", name, fields, body, shortcut)
end

-- The network that makes the coefficients, its layers' names within that of the activation, and
-- the operator that applies them. A linear layer with units_of has its units by the channels of
-- that node: times so many, over so many, at least 1.
local function add_dynamic_relu(fields, scope, input, init)
  local name, at = name_in(scope, fields), fields.at
  local function linear(times, over)
    return { word = "linear", at = at, bias = true, units = 1, units_of = input, times = times,
      over = over }
  end
  local residuals = add_layers({ { word = "globalpool", at = at }, { word = "flatten", at = at },
    linear(1, fields.reduction), { word = "relu", kind = "activation", at = at },
    linear(2 * fields.k, 1) }, new_scope(name .. ".", scope.depth + 1), input, init)
  return add_node("dynamic_relu", name, fields, input, residuals)
end

-- The operator of the layer or activation FIELDS.
local function operator(fields)
  if fields.learn then return "learned" end
  local row = rows[fields.word]
  return row.op or row.kind == "activation" and "curve" or fields.word
end

function add_layers(list, scope, input, init)
  for _, fields in ipairs(list) do
    if scope.depth > DEEPEST then
      fail(fields.at, "layers are more than %d deep in others", DEEPEST)
    end
    if fields.word == "chain" then
      input = add_chain(fields, scope, input, init)
    elseif fields.word == "residual" then
      input = add_residual(fields, scope, input, init)
    elseif fields.word == "concat" then
      input = add_concat(fields, scope, input, init)
    elseif fields.word == "dynamic_relu" then
      input = add_dynamic_relu(fields, scope, input, init)
    else
      local name = name_in(scope, fields)
      if fields.fit and fields.fit.data.layers then fields = fitted_fields(fields, name) end
      input = add_node(operator(fields), name, fields, input)
      nodes[input].init = fields.init or init
    end
  end
  return input
end

---- The network as a whole ----

local c_words = {}
for word in string.gmatch([[
  alignas alignof asm auto bool break case char const constexpr continue default do double else enum
  extern false float for goto if inline int long main nullptr register restrict return short signed
  sizeof static static_assert struct switch thread_local true typedef typeof typeof_unqual union
  unsigned void volatile while lathe]], "%S+") do
  c_words[word] = true
end

-- The network's name as a C identifier in lower case.
local function identifier(fields)
  local name = fields.name or stem
  local given = fields.name and "network: name" or "network: without a name, that of the file,"
  if not layer_name.check(name) then
    fail(fields.at, "%s must be %s, given %s", given, layer_name.name, show(name))
  end
  name = string.lower((string.gsub(name, "-", "_")))
  if c_words[name] or string.find(name, "^lathe_") then
    fail(fields.at, "%s must not be a word of C or lathe's, given %s", given, show(name))
  end
  return name
end

local function shape_text(shape) return join(shape, "x") end

local function crop_shape(step, h, w)
  local smaller, pad = math.min(h, w), step.pad or 0
  if step.size > smaller + 2 * pad then
    fail(step.at, "%s: a square of %d does not fit %dx%d%s", step.word, step.size, h, w,
      step.pad and " with a padding of " .. pad or "")
  end
  if step.mode == "reflect" and pad >= smaller then
    fail(step.at, "crop: an image of %dx%d has no %d pixels to reflect", h, w, pad)
  end
  return step.size, step.size
end

-- As torchvision's Resize computes the longer side.
local function resize_shape(step, h, w)
  local n, width = table.unpack(step.size)
  if width then return n, width end
  if h <= w then return n, n * w // h end
  return n * h // w, n
end

-- The shape of DATA's samples after augmentation.
local function augmented_shape(data)
  local c, h, w = table.unpack(data.shape)
  for _, step in ipairs(data.augment or {}) do
    local where = string.format("%s: %s", step.word, data.word)
    if not h and step.word ~= "noise" then
      fail(step.at, "%s has rows of numbers, no images", where)
    end
    if h and (h > 1024 or w > 1024) then
      fail(step.at, "%s has images of %dx%d, at most 1024 a side can be changed", where, h, w)
    end
    if step.word == "color_jitter" and c ~= 1 and c ~= 3 then
      fail(step.at, "%s has images of %d channels, 1 or 3 are needed", where, c)
    end
    if step.word == "crop" or step.word == "center_crop" then
      h, w = crop_shape(step, h, w)
    elseif step.word == "resize" then
      h, w = resize_shape(step, h, w)
      if h > 1024 or w > 1024 then
        fail(step.at, "resize: the result is %dx%d, at most 1024 a side are possible", h, w)
      end
      step.result = { h, w }
    end
  end
  return { c, h, w }
end

local function check_normalize(data)
  if data.normalize == "auto" then
    names.data = "reserved"
    return
  end
  for _, name in ipairs { "mean", "std" } do
    local list = data.normalize and data.normalize[name]
    if list and #list ~= data.shape[1] then
      fail(data.at, "%s: normalize: %s must have a number for each of %d channel%s, given %d",
        data.word, name, data.shape[1], data.shape[1] == 1 and "" or "s", #list)
    end
  end
end

-- The shape of the network's input: as given, and as the data have it.
local function input_shape(fields)
  local input, data = fields.input, fields.data
  local given = input and (input.word == "vector" and { input.size }
    or { input.channels, input.height, input.width })
  if not data then
    return given or fail(fields.at,
      "network: input is missing: image(channels, height, width) or vector(size)")
  end
  check_normalize(data)
  local shape = augmented_shape(data)
  if given and shape_text(given) ~= shape_text(shape) then
    fail(input.at, "the input is %s, but %s gives %s", shape_text(given), data.word,
      shape_text(shape))
  end
  return shape
end

-- Die where the network's LOSS and training do not go with its data.
local function check_target(fields)
  local data, loss = fields.data, fields.loss
  if not data then return end
  if data.target == "none" and (loss or fields.train) then
    fail(fields.at, "network: without a target (%s has target = 'none') there is no %s", data.word,
      loss and "loss" or "training")
  end
  if data.classes == 0 and loss and loss.word == "cross_entropy" then
    fail(loss.at,
      "cross_entropy: needs classes, and the target of %s is numbers: mse() is for them", data.word)
  end
end

-- The node that computes the loss of OUTPUT, if there is a loss; gives its word.
local function add_loss(fields, output)
  local data = fields.data
  local loss = fields.loss or data and data.target ~= "none" and
    { word = data.classes == 0 and "mse" or "cross_entropy", at = fields.at }
  if not loss then return nil end
  local last = nodes[output]
  local whole = last.op == "softmax" and loss.word == "cross_entropy"
    or last.fields.word == "sigmoid" and loss.word == "bce"
  local from = whole and last.inputs[1] or output
  add_node(loss.word, "loss", loss, from)
  return loss.word
end

-- Train's data are there, with validation samples where it looks at them.
local function check_training(fields)
  local train, data = fields.train, fields.data
  if not data then fail(fields.at, "network: train needs data") end
  local lr = train.lr.inner or train.lr
  local what = lr.word == "plateau" and "plateau" or train.early_stopping and "early_stopping"
  if what and (data.validation or 0) == 0 then
    fail(data.at, "%s: %s in train needs validation samples, validation = 0.1", data.word, what)
  end
end

-- What spec.c makes a network of, from what the spec returned.
local function finish(result)
  local fields = open(result)
  if not fields or fields.kind ~= "network" then
    fail(0, "a spec ends with return network { ... }, this one returned %s", show(result))
  end
  if next(settings) and not options_called then
    fail(fields.at & ~0xffffff, "no option %s: the spec has no options", show((next(settings))))
  end
  if fields.train then check_training(fields) end
  check_target(fields)
  for _, name in ipairs { "input", "output", "loss" } do names[name] = "reserved" end
  local network = { name = identifier(fields), at = fields.at, input = input_shape(fields),
    data = fields.data, train = fields.train, nodes = nodes, gates = gates,
    options = option_names }
  network.output = add_layers(fields.list, new_scope("", 1), 0, fields.init)
  if network.output == 0 then fail(fields.at, "network: has no layers") end
  check_fits_used()
  network.loss = add_loss(fields, network.output)
  return network
end

---- The reference ----

-- What a call of ROW's word looks like.
local function usage(row)
  local placed, named = {}, {}
  for _, parameter in ipairs(row.parameters) do
    local list = parameter.placed and placed or named
    list[#list + 1] = parameter.name
  end
  local attributes = #named > 0 and "{ " .. join(named) .. " }" or nil
  if row.kind == "spec" then return row.word end
  if row.kind == "part" then return row.word .. " = " .. attributes end
  if row.list then return row.word .. " { ..., " .. join(named) .. " }" end
  if #placed == 0 and attributes then return row.word .. " " .. attributes end
  placed[#placed + 1] = attributes
  return row.word .. "(" .. join(placed) .. ")"
end

-- What PARAMETER takes: "stride = 1: a whole number ...".
local function describe(parameter)
  local text, default = string.format("`%s`", parameter.name), parameter.default
  if type(default) == "table" then default = "{ " .. join(default) .. " }" end
  if type(default) == "number" then default = show(default) end
  if default ~= nil then text = text .. " = " .. tostring(default) end
  return text .. ": " .. tostring(parameter.type.name)
end

-- Markdown: a table for each kind, a line for each word. Every layer takes a name, said once.
local function reference()
  local lines, seen = {}, {}
  local function put(...) lines[#lines + 1] = string.format(...) end
  local function put_row(row)
    local takes = { row.list and "entries: " .. row.list.name or nil }
    for _, parameter in ipairs(row.parameters) do
      if parameter.name ~= "name" then takes[#takes + 1] = describe(parameter) end
    end
    put("| `%s` | %s | %s |", usage(row), join(takes, "<br>"), row.about)
  end
  for _, first in ipairs(vocabulary) do
    if not seen[first.kind] then
      put("### %s\n\n| word | takes | |\n|---|---|---|", first.kind)
      for _, row in ipairs(vocabulary) do
        if row.kind == first.kind then put_row(row) end
      end
      put("")
    end
    seen[first.kind] = true
  end
  return table.concat(lines, "\n")
end

return environment, finish, reference
