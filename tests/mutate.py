#!/usr/bin/env python3
"""Plant bugs and count how many of them the tests catch.

    python3 tests/mutate.py [-n COUNT] [--seed SEED] [--files PATTERN] [--list]

Each mutant is one change to one line of code (an operator swapped, a constant off by one, an index
shifted, a statement left out ...) of the templates, the passes, the operators, the curves or the
runtime, drawn by SEED. It is built in a copy of this folder, where only what it touches is compiled
again, and meets the test programs of its area until one fails; those that live meet them again
under AddressSanitizer and UBSan, as CI has them. A mutant whose object code is what it was is no
mutant and is drawn again. Those that live are named; tests/mutants.txt has the ones
that nobody can tell from the original, each with its reason, and these do not count.

Status 1 where less than 95 % are caught. A tool of developers: nothing else here needs Python.
"""

import argparse
import collections
import fnmatch
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENOUGH = 0.95
# Some mutants never stop: bytes of addresses and seconds of processor time that a process may have,
# and seconds that a test may take however busy the machine is.
MEMORY, PROCESSOR, PATIENCE = 8 << 30, 120, 600

# Area: its share of the mutants, its files, and its tests in the order of what catches most for
# least time. Nothing that removes files or sends signals is in it, and
# no line is drawn that speaks of what tests do not see: messages, prefetches, memory given back.
AREAS = {
    "templates": (30, ["templates/*.c.t"],
                  "check_golden:bytes check_random:random check_loosen check_winograd "
                  "check_streams"),
    "passes": (28, ["gen/fuse.c", "gen/layout.c", "gen/plan.c", "gen/lower*.c", "gen/grad.c",
                    "gen/recompute.c", "gen/team.c", "gen/emit*.c", "gen/interp.c"],
               "check_golden:bytes check_program check_winograd check_random:random check_loosen "
               "check_streams"),
    "winograd": (6, ["gen/winograd.c"], "check_winograd check_golden:bytes"),
    "operators": (12, ["gen/op/*.c"],
                  "check_ops check_reference check_golden:bytes check_program check_random:random "
                  "check_spec"),
    "curves": (12, ["gen/curve.c", "gen/curve_[bdfklmptw]*.c", "gen/loosen.c", "gen/tabulate.c"],
               "check_golden_tables check_curve check_lattice check_golden:bytes "
               "check_activations check_minimax check_weighted check_loosen check_random:random "
               "check_spec"),
    "runtime": (9, ["runtime/optimizer.c", "runtime/schedule.c", "runtime/augment.c",
                    "runtime/warp.c", "runtime/colour.c", "runtime/resample.c", "runtime/fold.c",
                    "runtime/parameter.c", "runtime/split.c", "runtime/loader.c",
                    "runtime/training.c", "runtime/curves.c"],
                "check_training check_augment check_runtime check_data check_validation "
                "check_candidates check_sources check_loosen test_tsan.sh"),
    "headers": (5, ["runtime/random.h", "runtime/vector.h", "runtime/learned.h",
                    "runtime/thread.h"],
                "check_activations check_data check_thread check_loosen check_random:random "
                "check_winograd"),
}

# ---- where a bug can be planted ----


def mask(text, template):
    """TEXT with the insides of comments and texts blanked, so that columns stay as they are, and
    the indents of what templates include."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())
    if template:
        text = re.sub(r", \d+\)$", blank, text, flags=re.M)
        lua_comment = r"^(\$.*?\s)(--.*)"
        text = re.sub(lua_comment, lambda m: m.group(1) + " " * len(m.group(2)), text, flags=re.M)
    text = re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S)
    quoted = r'"(?:\\.|[^"\\\n])*"' + ("" if template else r"|'(?:\\.|[^'\\\n])*'")
    return re.sub(quoted, blank, text)


SWAPS = [(" + ", " - "), (" - ", " + "), (" * ", " + "), (" / ", " * "), (" += ", " -= "),
         (" -= ", " += "), (" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "),
         (" == ", " != "), (" != ", " == "), (" == ", " ~= "), (" ~= ", " == "), (" && ", " || "),
         (" || ", " && "), (" and ", " or "), (" or ", " and "), ("(!", "("), ("if not ", "if ")]
WORDS = [("min_int", "max_int"), ("fmin", "fmax"), ("fminf", "fmaxf"), ("lathe_max", "lathe_min"),
         ("true", "false")]
NOT_CODE = re.compile(r"\s*(#\s*(?!define)|\$\s*(assert|local|--))|\b(fail|text_printf|"
                      r"arena_printf|printf|fprintf|check_bug|lathe_die|_Static_assert|"
                      r"LATHE_UNROLL|LATHE_FENCE|__builtin_prefetch|free|text_free)\(")
STATEMENT = re.compile(r"\s+(?!return|const|break|continue|enum|else|case)"
                       r"(\*?[\w.\[\]>-]+ [-+*/|&]?= .*;|\w+\([^{}]*\);|"
                       r"[\w.\[\]>-]+(\+\+|--);)\s*$")


def changes_of(line, masked, template):
    """Other forms of LINE, each with a mistake in it."""
    lua = template and line.startswith("$")
    found = []

    def put(start, end, text):
        found.append(line[:start] + text + line[end:])

    for old, new in SWAPS:
        if (lua and ("&" in old or "|" in old or "!" in old + new)) or \
           (not lua and any(word in old + new for word in (" and ", " or ", "~=", "if not"))):
            continue
        for match in re.finditer(re.escape(old), masked):
            put(match.start(), match.end(), new)
    for pair in WORDS:
        for old, new in (pair, pair[::-1]):
            for match in re.finditer(r"\b%s\b" % old, masked):
                put(match.start(), match.end(), new)
    for match in re.finditer(r"(?<![\w.$])(\d+)(?![\w.]|\s*:)", masked):
        put(match.start(), match.end(), str(int(match.group()) + 1))
        if match.group() != "0":
            put(match.start(), match.end(), str(int(match.group()) - 1))
    for match in re.finditer(r"(?<=[\w\])])\[(\w+)\]", masked):
        if not match.group(1).isdigit():
            put(match.end(1), match.end(1), " + 1")
    match = re.fullmatch(r"(\s+(?:\} else )?if \()(.*)(\)(?: \{)?\s*)", masked)
    if match and not lua:
        put(match.start(2), match.end(2), "!(%s)" % line[match.start(2):match.end(2)])
    if not lua and STATEMENT.match(masked):
        put(len(line) - len(line.lstrip()), len(line.rstrip()), ";")
    return found


def places(patterns):
    """(file, number of the line, line, its mutants) for every line of code of the files that
    PATTERNS name."""
    result = []
    files = subprocess.run(["git", "ls-files"], cwd=HERE, capture_output=True, text=True,
                           check=True).stdout.split()
    for name in files:
        if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            continue
        with open(os.path.join(HERE, name)) as file:
            text = file.read()
        template = name.endswith(".t")
        masked = mask(text, template).split("\n")
        in_print = False
        for number, line in enumerate(text.split("\n")):
            in_print = in_print or NOT_CODE.search(masked[number])
            if not in_print:
                forms = changes_of(line, masked[number], template)
                if forms:
                    result.append((name, number, line, forms))
            if in_print and (";" in masked[number] or not re.search(r"[(,]", line)):
                in_print = False
    return result


def mutants(generator, pattern):
    """Endless (area, file, number of the line, line, other line), none twice."""
    pools = {area: places([pattern] if pattern else files)
             for area, (share, files, tests) in AREAS.items()}
    if pattern:
        owned = {area: [p for p in pool if any(fnmatch.fnmatch(p[0], f) for f in AREAS[area][1])]
                 for area, pool in pools.items()}
        pools = owned
    areas = [area for area in AREAS if pools[area]]
    seen = set()
    while len(seen) < sum(len(p[3]) for pool in pools.values() for p in pool):
        area = generator.choices(areas, [AREAS[a][0] for a in areas])[0]
        name, number, line, forms = generator.choice(pools[area])
        other = generator.choice(forms)
        if (name, number, other) not in seen:
            seen.add((name, number, other))
            yield area, name, number, line, other


# ---- building one ----

# A way to build: what make is told, where lathe and the test programs are then, how many times its
# own limit a test has.
Build = collections.namedtuple("Build", "settings lathe tests patience")
PLAIN = Build([], "lathe", "out/.build/tests/", "2")
SANITIZED = Build(["BUILD=out/.build/asan", "PROGRAM=out/.build/asan/lathe",
                   "CFLAGS=-O1 -g -Wall -Wextra -fno-omit-frame-pointer "
                   "-fsanitize=address,undefined -fno-sanitize-recover=all"],
                  "out/.build/asan/lathe", "out/.build/asan/tests/", "10")


def same_tree(base, copy):
    """Make the folder COPY what BASE is, by times and sizes."""
    there = set()
    for folder, folders, files in os.walk(base):
        below = os.path.relpath(folder, base)
        os.makedirs(os.path.join(copy, below), exist_ok=True)
        for name in files:
            source, target = os.path.join(folder, name), os.path.join(copy, below, name)
            there.add(os.path.normpath(target))
            now = os.stat(source)
            old = os.stat(target) if os.path.exists(target) else None
            if not old or (old.st_size, old.st_mtime_ns) != (now.st_size, now.st_mtime_ns):
                shutil.copy2(source, target)
    for folder, folders, files in os.walk(copy):
        for name in files:
            path = os.path.normpath(os.path.join(folder, name))
            if path not in there:
                os.remove(path)


def run(arguments, folder, seconds, case="", build=PLAIN):
    """Status and output of a program in FOLDER; status None: it took longer than SECONDS. CASE: the
    test case of a test program that is to run alone."""
    environment = dict(os.environ, LATHE=os.path.join(folder, build.lathe), CK_FORK="yes",
                       OMP_WAIT_POLICY="passive", CK_DEFAULT_TIMEOUT="120",
                       CK_TIMEOUT_MULTIPLIER=build.patience, LATHE_SHRINK="0",
                       ASAN_OPTIONS="hard_rss_limit_mb=%d" % (MEMORY >> 20))
    environment.setdefault("LATHE_SEEDS", "3")
    if case:
        environment["CK_RUN_CASE"] = case

    def limit():
        if build == PLAIN:  # a sanitizer's own memory is all addresses
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        seconds = PROCESSOR * (1 if build == PLAIN else 5)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

    child = subprocess.Popen(arguments, cwd=folder, env=environment, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=limit,
                             errors="replace")
    try:
        output, _ = child.communicate(timeout=seconds)
        return child.returncode, output
    except subprocess.TimeoutExpired:
        for name in filter(str.isdigit, os.listdir("/proc")):  # Check's have groups of their own
            try:
                if os.getsid(int(name)) == child.pid:
                    os.kill(int(name), signal.SIGKILL)
            except ProcessLookupError:
                pass
        child.communicate()
        return None, ""


def make(folder, *targets, build=PLAIN):
    return run(["make", "-s", "-j2", *build.settings, *targets], folder, PATIENCE)


def make_tests(folder, names, build):
    programs = (build.tests + name for name in names if not name.endswith(".sh"))
    return make(folder, build.lathe, *programs, build=build)


def program_of(test, build):
    return ["sh", "tests/" + test] if test.endswith(".sh") else [build.tests + test]


def objects_of(folder, name):
    """The code of the objects that the source NAME goes into, without its lines' numbers."""
    code = b""
    build = os.path.join(folder, "out/.build")
    for place, _, files in os.walk(build):
        for file in sorted(files):
            path = os.path.join(place, file)
            if not file.endswith(".o") or re.search("/(tests|asan)", place) or file == "embedded.o":
                continue
            if name.endswith(".c") and path != os.path.join(build, name[:-2] + ".o"):
                continue
            with tempfile.NamedTemporaryFile() as stripped:
                subprocess.run(["strip", "-g", "-o", stripped.name, path], check=True)
                code += open(stripped.name, "rb").read()
    return code


def emitted(folder):
    """The C of all networks that are here, on every instruction set."""
    code = b""
    for spec in ("specs/*.lua", "tests/golden/*.lua", "tests/num/*.lua"):
        paths = sorted(p for p in os.listdir(os.path.join(folder, os.path.dirname(spec)))
                       if p.endswith(".lua"))
        for path in paths:
            for isa in ("avx512", "avx2", "portable"):
                out = os.path.join(folder, "emitted")
                run(["./lathe", "build", os.path.join(os.path.dirname(spec), path), "--isa", isa,
                     "--emit-only", "-o", out], folder, 60)
                for file in sorted(os.listdir(out)) if os.path.isdir(out) else []:
                    if file.endswith((".c", ".h")):
                        code += open(os.path.join(out, file), "rb").read()
                shutil.rmtree(out, ignore_errors=True)
    return code


class Shop:
    """Where mutants are built: the original beside the copy at hand."""

    def __init__(self, folder):
        self.base, self.copy = os.path.join(folder, "base"), os.path.join(folder, "copy")
        files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=HERE,
                               capture_output=True, text=True, check=True).stdout.split("\n")
        for name in filter(None, files):
            target = os.path.join(self.base, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.exists(os.path.join(HERE, name)):
                shutil.copy2(os.path.join(HERE, name), target)
        data = os.path.abspath(os.path.join(HERE, "../shared"))
        if os.path.isdir(data):
            os.symlink(data, os.path.join(folder, "shared"))
        build = os.path.join(HERE, "out/.build")
        if os.path.isdir(build):  # what is built already
            shutil.copytree(build, os.path.join(self.base, "out/.build"))
        names = sorted({test.partition(":")[0] for _, _, tests in AREAS.values()
                        for test in tests.split()})
        for build in PLAIN, SANITIZED:
            status, output = make_tests(self.base, names, build)
            if status:
                sys.exit("mutate: the original does not build:\n" + output)
        self.emission, self.sound = None, set()

    def plant(self, name, number, other):
        same_tree(self.base, self.copy)
        path = os.path.join(self.copy, name)
        with open(path) as file:
            lines = file.read().split("\n")
        lines[number] = other
        with open(path, "w") as file:
            file.write("\n".join(lines))

    def try_one(self, area, name):
        """What became of the mutant in copy: "lives", "equal", "broken" (does not compile) or
        what caught it; and whether any emitted C differs, for those that live."""
        status, _ = make(self.copy, "lathe")
        if status is None or status:
            return "broken"
        if not name.endswith(".t") and objects_of(self.copy, name) == objects_of(self.base, name):
            return "equal"
        return self.try_tests(area, PLAIN) or self.try_tests(area, SANITIZED) or "lives"

    def try_tests(self, area, build):
        """What of AREA's tests catches the mutant in copy; None: nothing."""
        for test in AREAS[area][2].split():
            test, _, case = test.partition(":")
            if test.endswith(".sh") and build == SANITIZED:
                continue
            status, output = make_tests(self.copy, [test], build)
            if status is None or status:
                return "broken"
            status, output = run(program_of(test, build), self.copy, PATIENCE, case, build)
            if status is None or status:
                self.check_original(test, case, build)
                return test + (" (time)" if status is None else "") + \
                    (" (sanitized)" if build == SANITIZED else "")
        return None

    def check_original(self, test, case, build):
        """A test that the original does not pass catches nothing."""
        if (test, case, build.lathe) not in self.sound:
            status, output = run(program_of(test, build), self.base, PATIENCE, case, build)
            if status is None or status:
                sys.exit("mutate: the original fails %s:\n%s" % (test, output))
            self.sound.add((test, case, build.lathe))

    def emits_the_same(self):
        if self.emission is None:
            self.emission = emitted(self.base)
        return emitted(self.copy) == self.emission


def excused():
    """Mutants that are as good as the original: {(file, line, other line)}."""
    result = set()
    path = os.path.join(HERE, "tests/mutants.txt")
    if os.path.exists(path):
        with open(path) as file:
            entry = []
            for line in file:
                if line.startswith("#"):
                    continue
                if line.strip():
                    entry.append(line.strip())
                elif entry:
                    result.add((entry[0], entry[1][2:].strip(), entry[2][2:].strip()))
                    entry = []
            if entry:
                result.add((entry[0], entry[1][2:].strip(), entry[2][2:].strip()))
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", type=int, default=100, help="mutants to try (100)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", help="of these alone: a pattern such as 'gen/lower*.c'")
    parser.add_argument("--emitted", action="store_true",
                        help="of those that live, say whether any network's C differs")
    parser.add_argument("--list", action="store_true", help="print the mutants, build nothing")
    options = parser.parse_args()
    drawn = mutants(random.Random(options.seed), options.files)
    if options.list:
        for _, (area, name, number, line, other) in zip(range(options.n), drawn):
            print("%s:%d:\n- %s\n+ %s" % (name, number + 1, line.strip(), other.strip()))
        return
    os.nice(10)
    folder = tempfile.mkdtemp(prefix="lathe-mutants-")
    tried = caught = 0
    living, known = [], excused()
    try:
        shop = Shop(folder)
        for area, name, number, line, other in drawn:
            if tried == options.n:
                break
            if (name, line.strip(), other.strip()) in known:
                continue
            began = time.time()
            shop.plant(name, number, other)
            fate = shop.try_one(area, name)
            if fate in ("broken", "equal"):
                continue
            tried += 1
            text = "%s:%d:\n    - %s\n    + %s" % (name, number + 1, line.strip(), other.strip())
            if fate == "lives":
                if options.emitted:
                    text += "\n    " + ("no network that is here emits other C"
                                        if shop.emits_the_same() else "emitted C differs")
                living.append(text)
            else:
                caught += 1
            print("%d %s: %s (%d s)" % (tried, fate, text, time.time() - began), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(["", "alive:"] + living if living else []))
    print("mutants: %d of %d caught (seed %d)" % (caught, tried, options.seed))
    sys.exit(caught < ENOUGH * tried)


if __name__ == "__main__":
    main()
