# lathe: `make help` lists what there is to make; `make demo` shows it at work; `make V=1` shows the
# commands. Objects are in out/.build/, the program is ./lathe.

CFLAGS ?= -O2 -g -Wall -Wextra
HOSTCC ?= $(CC)
PREFIX ?= /usr/local
LATHE_DATA ?= ../shared/data
BUILD := out/.build
PROGRAM := lathe

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
Q := $(if $(V),,@)
# -j for the targets that start a make of their own, unless the user gave one
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# ---- what the machine has: "deps" installs what is missing ----

package = $(shell for name in $(1); do pkg-config --exists $$name 2>/dev/null && echo $$name && \
                  break; done)
flags = $(if $(strip $(1)),$(shell pkg-config $(2) $(1) 2>/dev/null))
LUA := $(call package,lua5.4 lua-5.4 lua54)
CHECK := $(call package,check)
BLAS := $(call package,openblas)
ZLIB := $(call package,zlib)
ONEDNN := $(shell grep -ls 'VERSION_MAJOR 2' /usr/include/oneapi/dnnl/dnnl_version.h)
STB := $(firstword $(wildcard $(patsubst %,%/stb_image.h,/usr/include/stb /usr/local/include/stb \
                                                        /usr/include /usr/local/include)))

ALL_CFLAGS := -std=gnu11 -fopenmp -Werror=implicit-function-declaration $(CFLAGS) -Igen -Iruntime \
    $(if $(ZLIB),-DLATHE_ZLIB) \
    $(if $(STB),-idirafter $(dir $(STB))) $(call flags,$(LUA) $(ZLIB) $(BLAS),--cflags) $(CPPFLAGS)
ALL_LIBS := -Wl,--as-needed $(call flags,$(LUA) $(ZLIB) $(BLAS),--libs) $(LDLIBS) -lm
TEST_CFLAGS := $(call flags,$(CHECK),--cflags)
TEST_LIBS := $(call flags,$(CHECK),--libs)

# ---- sources: whatever is in the folders, but for the files that are programs of their own ----

RUNTIME_PROGRAMS := $(shell grep -ls '^int main' runtime/*.c)
SOURCES := $(filter-out gen/embed.c $(RUNTIME_PROGRAMS),$(wildcard gen/*.c gen/op/*.c runtime/*.c))
EMBEDDED := gen/spec.lua $(wildcard templates/*.t runtime/*.c runtime/*.h) $(STB)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/embedded.o
ROOM_OBJECTS := $(filter-out $(BUILD)/gen/main.o,$(OBJECTS))
TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/check_*.c))
TEST_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/check_%.c,$(wildcard tests/*.c)))
TEST_SCRIPTS := $(wildcard tests/test_*.sh)
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/onednn.c,$(wildcard tests/bench/*.c)))
BENCH_RUNTIME := $(patsubst %.c,$(BUILD)/bench/%.o,$(filter runtime/%,$(SOURCES)))
BENCHES := $(BUILD)/bench/bench $(if $(ONEDNN),$(BUILD)/bench/onednn)
GOLDEN := $(foreach test,$(TESTS) $(TEST_SCRIPTS),$(if $(findstring golden,$(test)),$(test)))
C_FILES := $(filter-out tests/golden/%, \
    $(wildcard $(foreach folder,gen gen/op runtime tests tests/*,$(folder)/*.c $(folder)/*.h)))

.PHONY: all check bench demo data lint fmt bless asan ubsan tsan fuzz repro install clean help deps
.PHONY: soak soak-deps check-all check-programs benches bench-deps fuzz-deps fuzz-programs FORCE
.PHONY: libraries-found

all: $(PROGRAM) ## build ./lathe (the default)

# ---- building ----

# Rewrite the file $@ only where the text $(1) is new, so that what depends on it is made again.
define write_if_new
	@mkdir -p $(@D)
	@printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' > $@
endef

$(BUILD)/flags: FORCE
	$(call write_if_new,$(CC) $(ALL_CFLAGS) $(TEST_CFLAGS) $(LDFLAGS) $(ALL_LIBS) $(TEST_LIBS))

$(BUILD)/files: FORCE
	$(call write_if_new,$(SOURCES) $(EMBEDDED))

# Not "deps": a plain make installs nothing.
libraries-found:
	@$(if $(and $(LUA),$(BLAS)),:,echo "Lua 5.4 and OpenBLAS are needed: make deps" >&2; exit 1)

define compile
	@mkdir -p $(@D)
	@echo "  cc $(@:$(BUILD)/%.o=%.c)"
	$(Q)$(CC) $(ALL_CFLAGS) $(1) -MMD -MP -c $< -o $@
endef
# -rdynamic: kernels that lathe compare and lathe verify load call the runtime inside lathe
define link
	@echo "  link $@"
	$(Q)$(CC) $(ALL_CFLAGS) -rdynamic $(LDFLAGS) $(filter %.o,$^) -o $@ $(1) $(ALL_LIBS)
endef

$(PROGRAM): $(OBJECTS) $(BUILD)/flags $(BUILD)/files
	$(call link)

$(OBJECTS): | libraries-found

$(BUILD)/embed: gen/embed.c gen/base.c gen/base_file.c gen/base.h
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -O1 -Wall -Wextra $(filter %.c,$^) -o $@

$(BUILD)/embedded.c: $(BUILD)/embed $(EMBEDDED) $(BUILD)/files
	$(Q)$(BUILD)/embed $@ $(EMBEDDED) && touch $@

$(BUILD)/embedded.o: $(BUILD)/embedded.c $(BUILD)/flags
	$(call compile)

$(BUILD)/%.o: %.c $(BUILD)/flags
	$(call compile)

# The peak is this machine's, with all it has; the optimizer is compiled as in generated programs.
BENCH_CFLAGS := -O3 -march=native -mprefer-vector-width=512
$(BUILD)/tests/bench/curves.o: BENCH_CFLAGS += -fno-math-errno -fno-trapping-math
$(BUILD)/tests/bench/%.o: tests/bench/%.c $(BUILD)/flags
	$(call compile,$(BENCH_CFLAGS))
$(BUILD)/bench/runtime/%.o: runtime/%.c $(BUILD)/flags
	$(call compile,$(BENCH_CFLAGS) -fno-math-errno -fno-trapping-math -ffp-contract=fast)

$(BUILD)/tests/%.o: tests/%.c $(BUILD)/flags
	$(call compile,$(TEST_CFLAGS))

$(TESTS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_SUPPORT) $(ROOM_OBJECTS) $(BUILD)/files
	$(call link,$(TEST_LIBS))

$(BUILD)/bench/bench: $(BENCH_OBJECTS) $(BENCH_RUNTIME) \
                      $(filter-out $(BUILD)/runtime/%,$(ROOM_OBJECTS)) $(BUILD)/files
	@mkdir -p $(@D)
	$(call link)

$(BUILD)/bench/onednn: $(BUILD)/tests/bench/onednn.o $(BUILD)/files
	@mkdir -p $(@D)
	$(call link,-ldnnl)

-include $(patsubst %.o,%.d,$(OBJECTS) $(TEST_SUPPORT) $(TESTS:=.o) \
                            $(BENCH_OBJECTS) $(BENCH_RUNTIME) $(BUILD)/tests/bench/onednn.o) \
         $(wildcard $(BUILD)/tests/fuzz/*.d)

# ---- tests ----

RUN_TESTS = LATHE='$(abspath $(PROGRAM))' BENCH='$(abspath $(BUILD)/bench/bench)' \
    LATHE_DATA='$(abspath $(LATHE_DATA))' CCACHE_DIR='$(abspath out/.build/ccache)' \
    sh tests/run.sh

check: fuzz-deps ## build and run all tests
	@$(MAKE) $(JOBS) check-all

# The scripts first: they take longest.
check-all: $(PROGRAM) $(TESTS) $(BENCHES)
	@$(RUN_TESTS) $(TEST_SCRIPTS) $(TESTS)

check-programs: $(PROGRAM) $(TESTS)
	@$(RUN_TESTS) $(TESTS)

bless: deps ## accept what the golden tests now generate as what they expect
	@$(if $(strip $(GOLDEN)),:,echo "no golden tests: tests/*golden*" >&2; exit 1)
	@$(MAKE) $(JOBS) all $(filter $(TESTS),$(GOLDEN))
	@LATHE_BLESS=1 $(RUN_TESTS) $(GOLDEN)

comma := ,
# The check programs under a sanitizer: $(1) its folder, $(2) its flags.
define sanitize
	@CK_TIMEOUT_MULTIPLIER=10 $(MAKE) $(JOBS) BUILD=$(BUILD)/$(1) PROGRAM=$(BUILD)/$(1)/lathe \
	    CFLAGS='-O1 -g -Wall -Wextra -fno-omit-frame-pointer $(2)' check-programs
endef

asan: deps ## run the check programs under AddressSanitizer and UBSan
	$(call sanitize,asan,-fsanitize=address$(comma)undefined -fno-sanitize-recover=all)

ubsan: deps ## run the check programs under UndefinedBehaviorSanitizer alone
	$(call sanitize,ubsan,-fsanitize=undefined -fno-sanitize-recover=all)

tsan: deps ## train under ThreadSanitizer (clang and its OpenMP runtime)
	@$(MAKE) $(JOBS) all
	@$(RUN_TESTS) tests/test_tsan.sh

# SECONDS=n: so long each target; RUNS=n: so many inputs instead; ONLY="idx spec": these
fuzz: fuzz-deps ## feed random bytes to every parser for SECONDS=30 each (clang's libFuzzer)
	@FUZZ_SECONDS='$(or $(SECONDS),$(FUZZ_SECONDS))' RUNS='$(RUNS)' ONLY='$(ONLY)' \
	    FUZZ='$(BUILD)/fuzz' sh tests/fuzz/run.sh

FUZZ_FLAGS := -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all \
              -fsanitize=fuzzer-no-link -Wno-pass-failed
fuzz-programs:
	@$(MAKE) $(JOBS) CC=clang HOSTCC=clang BUILD=$(BUILD)/fuzz \
	    CFLAGS='-O1 -g -Wall -Wextra -fno-omit-frame-pointer $(FUZZ_FLAGS)' \
	    $(FUZZ_TARGETS:%=$(BUILD)/fuzz/%) $(BUILD)/fuzz/seeds

# In front of the rooms: pool_vm has what vm.c has, its own way.
FUZZ_HARNESS := $(BUILD)/tests/fuzz/fuzz.o $(BUILD)/tests/fuzz/small_model.o
$(BUILD)/fuzz_spec $(BUILD)/fuzz_fit: $(BUILD)/tests/fuzz/language.o $(BUILD)/tests/fuzz/pool_vm.o
$(FUZZ_TARGETS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_HARNESS) \
                              $(ROOM_OBJECTS) $(BUILD)/files
	@echo "  link $@"
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -Wl,-z,muldefs \
	    $(filter %.o,$(filter-out $(ROOM_OBJECTS),$^)) $(ROOM_OBJECTS) -o $@ $(ALL_LIBS)

$(BUILD)/seeds: $(BUILD)/tests/fuzz/seeds.o $(BUILD)/tests/fuzz/small_model.o $(ROOM_OBJECTS) \
                $(BUILD)/files
	$(call link)

# NETS: random networks. MUTANTS: planted bugs; MUTANT_SEED: which.
NETS ?= 2000
MUTANTS ?= 200
MUTANT_SEED ?= 1
soak: soak-deps ## the long forms of tests: hours (10^7 inputs a parser, 2,000 random networks, ...)
	@$(MAKE) fuzz RUNS=10000000
	@$(MAKE) $(JOBS) $(PROGRAM) $(BUILD)/tests/check_random
	@LATHE_SEEDS=$(NETS) $(RUN_TESTS) $(BUILD)/tests/check_random
	@LATHE_LONG=1 $(RUN_TESTS) tests/test_same_bits.sh
	@FAULT_POINTS=all FAULT_KILLS=1000 $(RUN_TESTS) tests/test_faults.sh
	@python3 tests/mutate.py -n $(MUTANTS) --seed $(MUTANT_SEED)

repro: deps ## generate every spec twice in two folders and compare the bytes
	@$(MAKE) $(JOBS) all
	@sh tests/repro.sh '$(abspath $(PROGRAM))' $(BUILD)/repro

lint: ## check the laws of the house: floors, function length, width, format
	@sh tests/lint.sh

fmt: ## format the C files in place
	clang-format -i $(C_FILES)

# ---- using ----

demo: deps ## generate, train and run a small network on drawn digits
	@$(MAKE) $(JOBS) all
	@sh tests/demo.sh

# BENCH_ONLY: rows whose "task case batch" have it in them; BENCH_FLAGS=--json: for machines
bench: deps ## compare with other programs, side by side: tests/bench/README.md
	@$(MAKE) $(JOBS) all benches
	@$(BUILD)/bench/bench table $(BENCH_FLAGS) $(if $(BENCH_ONLY),'$(BENCH_ONLY)')

benches: $(BENCHES)

bench-deps: ## install what the bench compares with (apt, npm)
	@CC='$(CC)' sh tests/deps.sh bench
	@npm install --ignore-scripts --no-audit --no-fund --prefix $(BUILD)/bench/node \
	    onnxruntime-node@1.30.0

data: ## download MNIST, Fashion-MNIST and CIFAR into data/
	@sh tests/data.sh data

deps: ## install what building and testing need, where it is missing (apt)
	@CC='$(CC)' sh tests/deps.sh

fuzz-deps:
	@CC='$(CC)' sh tests/deps.sh fuzz

soak-deps:
	@CC='$(CC)' sh tests/deps.sh soak

install: all ## install into PREFIX (/usr/local), below DESTDIR
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/lathe
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/lathe
	cp -R specs $(DESTDIR)$(PREFIX)/share/lathe/

clean: ## remove ./lathe and the objects; other things in out/ stay
	rm -rf out/.build lathe

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' Makefile
