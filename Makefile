# sysclamp: one non-recursive Makefile; everything built goes below $(BUILD).
#
#   make help      what there is to make
#   make V=1 ...   show the commands
#   make BPF=0 ... build without clang, bpftool and libbpf
#   make STATIC=0  link against shared libraries

VERSION := 0.1.0
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
BPF ?= 1
# sysclamp itself is linked statically, position-independent all the same: `run` then starts without the
# work of a dynamic linker.  STATIC=0 links libraries that are loaded.
STATIC ?= 1
JOBS ?= 2
CC ?= gcc
# make's own default for CC is cc: prefer gcc by name where nobody chose.
ifeq ($(origin CC),default)
CC := gcc
endif

bindir = $(PREFIX)/bin
datadir = $(PREFIX)/share/sysclamp
mandir = $(PREFIX)/share/man
# Where podman and CRI-O look for hooks, with PREFIX=/usr; from elsewhere they are told.
hookdir = $(PREFIX)/share/containers/oci/hooks.d

MODULES := lib tracer profiler runtime cli
# Which folders a module may include from: a forbidden include does not compile.
SEES_lib := lib
SEES_tracer := tracer lib
SEES_profiler := profiler lib
SEES_runtime := runtime lib
SEES_cli := cli tracer profiler runtime lib
SEES_tests := tests $(SEES_cli)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef
HARDEN_CC := -fPIE -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
PIE := -pie
HARDEN_LD = $(PIE) -Wl,-z,relro,-z,now -Wl,-z,noexecstack
OPT ?= -O2 -g
ifneq ($(SANITIZE),)
OPT := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
HARDEN_CC := -fPIE
STATIC := 0
endif
ifneq ($(FUZZER),)
# The targets of tests/fuzz with clang's libFuzzer in place of the driver that replays.
OPT := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
HARDEN_CC := -fPIE
STATIC := 0
FUZZ_LINK := -fsanitize=fuzzer
endif
ifneq ($(COVERAGE),)
OPT := -O0 -g --coverage
HARDEN_CC := -fPIE
STATIC := 0
endif
ifneq ($(WERROR),)
WARNINGS += -Werror
endif

CPPFLAGS_ALL = -D_GNU_SOURCE -DSYSCLAMP_VERSION='"$(VERSION)"' -DSYSCLAMP_BPF=$(BPF) $(CPPFLAGS)
CFLAGS_ALL = -std=gnu17 $(WARNINGS) $(OPT) $(HARDEN_CC) -MMD -MP $(CFLAGS)
LDFLAGS_ALL = $(filter -fsanitize=% --coverage,$(OPT)) $(HARDEN_LD) $(LDFLAGS)
LIBS := -lseccomp -ljansson -pthread
# Linked in: only `record` opens these, and no other command shall load libraries for it.
ifneq ($(BPF),0)
LIBS += -l:libbpf.a
CLANG ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
endif
LIBS += -l:libdw.a -l:libelf.a -l:libz.a -l:libbz2.a -l:liblzma.a

ifeq ($(V),)
Q := @
say = @printf '  %-6s %s\n' $(1) $(2);
endif

BIN := $(BUILD)/sysclamp
SOURCES := $(filter-out %.bpf.c,$(foreach m,$(MODULES),$(wildcard $(m)/*.c)))
ifeq ($(BPF),0)
SOURCES := $(filter-out tracer/ebpf%,$(SOURCES))
endif
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
PARTS := $(filter-out $(BUILD)/cli/%,$(OBJECTS))
UNIT := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*.c))
FUZZ := $(patsubst %.c,$(BUILD)/%,$(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))
FUZZ_MAIN := $(if $(FUZZER),,$(BUILD)/tests/fuzz/replay.o)
# Parts of sysclamp behind a command line that only tests have.
DRIVERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/drivers/*.c))
BENCH := $(patsubst %.c,$(BUILD)/%,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(filter-out %.bpf.c,$(wildcard tests/programs/*.c)))
ifeq ($(BPF),0)
UNIT := $(filter-out $(BUILD)/tests/unit/ebpf_%,$(UNIT))
BENCH := $(filter-out $(BUILD)/tests/bench/ebpf%,$(BENCH))
PROGRAMS := $(filter-out $(BUILD)/tests/programs/oracle,$(PROGRAMS))
endif
SCRIPT_TESTS := $(sort $(wildcard tests/unit/*.sh tests/unit/*.py tests/golden/*.sh tests/live/*.sh tests/live/*.py \
	tests/engines/*.py))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all deps demo check check-sanitize check-bare check-kernel soak soak-node soak-deny soak-launches faults fuzz fuzzers coverage tidy format format-check metrics bench \
	man-lint install uninstall clean help tests

all: $(BIN) ## build sysclamp

# Goals that do their own set-up first; everything compiled waits for it.
NEEDS_BUILD := build $(if $(filter-out 0,$(BPF)),bpf)
SECTIONS_demo := $(NEEDS_BUILD) demo
SECTIONS_check := $(NEEDS_BUILD) check
SECTIONS_check-sanitize := $(NEEDS_BUILD) check
SECTIONS_check-kernel := $(NEEDS_BUILD) check kernel
SECTIONS_bench := $(NEEDS_BUILD) check
SECTIONS_fuzz := $(NEEDS_BUILD) check dev
SECTIONS_coverage := $(NEEDS_BUILD) check dev
SECTIONS := $(sort $(foreach g,$(MAKECMDGOALS),$(SECTIONS_$(g))))
ifneq ($(SECTIONS),)
SETUP := deps
endif
deps: ## install what is missing to build, check and demo (Debian packages)
	$(Q)scripts/deps.sh $(or $(SECTIONS),$(NEEDS_BUILD) check demo)

ifneq ($(STATIC),0)
# What no command uses is left out, and relocations are packed: the pages of both are read at each start.
$(BIN) $(DRIVERS): PIE := -static-pie -Wl,--gc-sections -Wl,-z,pack-relative-relocs
endif
$(BIN): $(OBJECTS)
	$(call say,LINK,$@)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# One template per module.
define module
$(BUILD)/$(1)/%.o: $(1)/%.c Makefile | $(SETUP)
	$$(call say,CC,$$<)mkdir -p $$(@D) && $$(CC) $$(CPPFLAGS_ALL) $$(patsubst %,-iquote %,$$(SEES_$(1))) \
		-iquote $$(BUILD)/gen -isystem $$(BUILD)/gen $$(CFLAGS_ALL) -c -o $$@ $$<
endef
$(foreach m,$(MODULES),$(eval $(call module,$(m))))

# Data that is compiled in.
$(BUILD)/gen/runtime_base.inc: profiles/runtime-base.tsv Makefile | $(SETUP)
	$(call say,GEN,$@)mkdir -p $(@D) && awk -F '\t' '!/^#/ && NF == 4 { \
		printf "\t{\"%s\", \"%s\", \"%s\", \"%s\"},\n", $$1, $$2, $$3, $$4 }' $< > $@
$(BUILD)/profiler/base.o: $(BUILD)/gen/runtime_base.inc
# Five columns of text: implied.tsv becomes the rows of implied.inc.
CLOSURES := implied portable arch
$(CLOSURES:%=$(BUILD)/gen/%.inc): $(BUILD)/gen/%.inc: profiles/%.tsv Makefile | $(SETUP)
	$(call say,GEN,$@)mkdir -p $(@D) && awk -F '\t' '!/^#/ && NF == 5 { \
		printf "\t{\"%s\", \"%s\", \"%s\", \"%s\", \"%s\"},\n", $$1, $$2, $$3, $$4, $$5 }' $< > $@
$(BUILD)/profiler/closure.o: $(CLOSURES:%=$(BUILD)/gen/%.inc)
$(BUILD)/gen/systemd_groups.inc: profiles/systemd-groups.tsv | $(SETUP)
	$(call say,GEN,$@)mkdir -p $(@D) && awk -F '\t' '/^# systemd:/ { n = split($$0, v, ";") } \
		!/^#/ { printf "\t{\"%s\", \"%s\", %s},\n", $$1, $$2, \
			split($$3, in_version, ",") == n ? "true" : "false" }' $< > $@
$(BUILD)/gen/systemd_versions.inc: profiles/systemd-groups.tsv | $(SETUP)
	$(call say,GEN,$@)mkdir -p $(@D) && sed -n 's/^# systemd: \(.*\)/\t"\1"/p' $< > $@
$(BUILD)/profiler/systemd_groups.o: $(BUILD)/gen/systemd_groups.inc $(BUILD)/gen/systemd_versions.inc
$(BUILD)/gen/args.inc: lib/args.tsv | $(SETUP)
	$(call say,GEN,$@)mkdir -p $(@D) && awk -F '\t' '!/^#/ && NF { \
		printf "ARG(\"%s\", %s, %d, ARG_%s, %s, \"%s: %s\")\n", $$1, $$2, $$3 ~ /long/ ? 64 : 32, \
			toupper($$4), $$5, $$6, $$3 }' $< > $@
$(BUILD)/lib/args.o: $(BUILD)/gen/args.inc
$(BUILD)/gen/arg_names.inc: scripts/arg_names.awk lib/arg_names.tsv lib/arg_counts.tsv | $(SETUP)
	$(call say,GEN,$@)mkdir -p $(@D) && awk -f $^ > $@
$(BUILD)/gen/arg_texts.inc: lib/arg_texts.tsv | $(SETUP)
	$(call say,GEN,$@)mkdir -p $(@D) && awk -F '\t' 'BEGIN { print "static const struct arg_text TEXTS[] = {" } \
		!/^#/ && NF == 2 { printf "\t{%s, \" %s \"},\n", $$1, $$2 } END { print "};" }' $< > $@
$(BUILD)/lib/args_text.o: $(BUILD)/gen/arg_names.inc $(BUILD)/gen/arg_texts.inc
# What libseccomp knows of names and numbers: asked once, here.
$(BUILD)/gen/syscall_names: scripts/syscall_names.c lib/syscall_hash.h lib/abis.inc Makefile | $(SETUP)
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) -std=gnu17 -O1 -Wall -Wextra -iquote lib -o $@ $< -lseccomp
$(BUILD)/gen/syscall_names.inc: $(BUILD)/gen/syscall_names
	$(call say,GEN,$@)$< > $@
$(BUILD)/lib/syscalls.o: $(BUILD)/gen/syscall_names.inc
# Files that are compiled in as they are: report.css becomes the string in report_css.inc.
$(BUILD)/gen/report_%.inc: profiler/report.% | $(SETUP)
	$(call say,GEN,$@)mkdir -p $(@D) && sed 's/[\\"]/\\&/g; s/.*/\t"&\\n"/' $< > $@
$(BUILD)/profiler/report.o: $(BUILD)/gen/report_css.inc $(BUILD)/gen/report_js.inc
# The profile of run --mode strict-filter, as a string.
$(BUILD)/gen/%_json.inc: profiles/%.json | $(SETUP)
	$(call say,GEN,$@)mkdir -p $(@D) && sed 's/[\\"]/\\&/g; s/.*/\t"&\\n"/' $< > $@
$(BUILD)/cli/run_late.o: $(BUILD)/gen/strict-filter_json.inc

# Programs for the kernel, those of the eBPF back end and of the tests, and the skeletons through which
# they are loaded.  The generated headers are not held to our warnings (-isystem).
define bpf_folder
$(BUILD)/gen/$(2)%.bpf.o: $(1)/%.bpf.c $$(wildcard $(1)/*.h) tracer/ebpf_shared.h Makefile | $(SETUP)
	$$(call say,BPF,$$<)mkdir -p $$(@D) && $$(CLANG) -target bpf -mcpu=v3 -O2 -g -Wall -Wextra \
		-Wno-unused-parameter -D__TARGET_ARCH_x86 -iquote $(1) -iquote tracer \
		-idirafter /usr/include/$$(shell $$(CC) -print-multiarch) -c -o $$@ $$<
endef
$(eval $(call bpf_folder,tracer))
$(eval $(call bpf_folder,tests/bench,bench/))
$(eval $(call bpf_folder,tests/programs,programs/))
$(BUILD)/gen/%.skel.h: $(BUILD)/gen/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $(notdir $*)_programs > $@
$(BUILD)/tracer/ebpf_kernel.o $(BUILD)/tracer/ebpf_target.o: $(BUILD)/gen/ebpf.skel.h
$(BUILD)/tests/bench/ebpf: $(BUILD)/gen/bench/ladder.skel.h

# One template for the test programs of each folder: everything but cli/ is linked, and, for the fuzz
# targets, what drives them.
define test_folder
$(BUILD)/tests/$(1)/%: tests/$(1)/%.c $(2) $(PARTS) Makefile | $(SETUP)
	$$(call say,TEST,$$<)mkdir -p $$(@D) && $$(CC) $$(CPPFLAGS_ALL) $$(patsubst %,-iquote %,$$(SEES_tests)) \
		-isystem $$(BUILD)/gen $$(CFLAGS_ALL) $$(LDFLAGS_ALL) $(3) -o $$@ $$< $(2) $$(PARTS) $$(LIBS)
endef
$(foreach folder,unit bench soak drivers,$(eval $(call test_folder,$(folder))))
$(eval $(call test_folder,fuzz,$(FUZZ_MAIN),$(FUZZ_LINK)))

# Tests with programs of their own in the kernel, and workloads that they record.
$(BUILD)/tests/unit/ebpf_losses: $(BUILD)/gen/programs/recursing.skel.h

$(BUILD)/tests/fuzz/replay.o: tests/fuzz/replay.c Makefile | $(SETUP)
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(CPPFLAGS_ALL) $(patsubst %,-iquote %,$(SEES_tests)) \
		$(CFLAGS_ALL) -c -o $@ $<

# Workloads for the tests: plain programs, without our flags and sanitizers.  The first line of a source
# may say how it is built beyond that:  /* build: -static -m32 */
$(BUILD)/tests/programs/%: tests/programs/%.c Makefile | $(SETUP)
	$(call say,PROG,$<)mkdir -p $(@D) && $(CC) -std=gnu17 -D_GNU_SOURCE -O1 -Wall -Wextra -o $@ $< \
		$$(sed -n '1s|^/\* build: \(.*\) \*/|\1|p' $<) $(PROGRAM_FLAGS)
$(BUILD)/tests/programs/call_loop: tests/bench/workload.h
$(BUILD)/tests/programs/in_flight: tests/programs/in_flight.h
$(addprefix $(BUILD)/tests/programs/late_,breaks cases tree): tests/programs/late_cases.h
$(filter $(BUILD)/tests/programs/nested%,$(PROGRAMS)): tests/programs/nested.h
$(BUILD)/tests/programs/oracle: $(BUILD)/gen/programs/oracle.skel.h tests/programs/oracle.h
$(BUILD)/tests/programs/oracle: PROGRAM_FLAGS = -isystem $(BUILD)/gen $(filter -l:%,$(LIBS))

tests: $(BIN) $(UNIT) $(FUZZ) $(PROGRAMS) $(DRIVERS)

export TEST_REQUIRE
TEST_ENV = BUILD=$(BUILD) SYSCLAMP=$(abspath $(BIN)) SANITIZE=$(SANITIZE) PYTHONDONTWRITEBYTECODE=1
# No signal is ignored in tests because it is where they are started, as under nohup.
check: tests | $(SETUP) ## set up, build and run all tests (TAP, by prove)
	$(Q)$(TEST_ENV) env --default-signal prove -j $(JOBS) --timer --failures --comments --exec '' $(UNIT) $(FUZZ) $(SCRIPT_TESTS)

check-sanitize: | $(SETUP) ## the same tests under ASan and UBSan
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitize SANITIZE=1 check

TIME ?= 60
fuzz: | $(SETUP) ## search with each fuzz target for TIME=60 seconds (clang)
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz FUZZER=1 CC=clang fuzzers
	$(Q)scripts/fuzz.sh $(BUILD)/fuzz $(TIME)
fuzzers: $(FUZZ)

check-bare: ## both README commands in a minimal Debian 12 root (needs root)
	$(Q)scripts/deps.sh dev
	$(Q)scripts/check-bare.sh

TESTS ?= $(UNIT) $(FUZZ) $(SCRIPT_TESTS)
check-kernel: tests | $(SETUP) ## TESTS=... (all) on another kernel, in QEMU: KERNEL=6.1, 6.12, or the file of a package
	$(Q)KERNEL=$(KERNEL) JOBS=$(JOBS) scripts/check-kernel.sh $(BUILD) $(TESTS)

demo: $(BIN) | $(SETUP) ## set up, build, and show the whole loop on redis
	$(Q)scripts/demo.sh $(BUILD)

soak: $(BUILD)/tests/soak/prove | $(SETUP) ## COUNT random profiles (2,000,000) compiled and proven, JOBS at a time
	$(Q)$< $(or $(COUNT),2000000) $(JOBS)

MINUTES ?= 30
soak-node: $(BIN) $(BUILD)/tests/programs/timed_calls | $(SETUP) ## MINUTES=30 of containers that come and go, and a recorder of all that is killed
	$(Q)$(TEST_ENV) tests/soak/node.py $(MINUTES)

soak-deny: MINUTES = 1
soak-deny: $(BIN) $(BUILD)/tests/programs/many_calls | $(SETUP) ## MINUTES=1 of denied calls from 50 processes, explained, then learned
	$(Q)$(TEST_ENV) tests/soak/denials.py $(MINUTES)

soak-launches: $(BIN) $(BUILD)/tests/programs/static_true | $(SETUP) ## COUNT=10000 full cages in a row, of root and an ordinary user: nothing is left
	$(Q)$(TEST_ENV) tests/soak/launches.py $(or $(COUNT),10000)

faults: $(BIN) | $(SETUP) ## faults put into the prover: its tests notice each
	$(Q)BUILD=$(BUILD) scripts/faults.sh

coverage: | $(SETUP) ## line and branch coverage of the tests
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage COVERAGE=1 check || \
		echo 'Some tests fail when instrumented: what they ran counts all the same.'
	$(Q)gcovr --root . --object-directory $(BUILD)/coverage --exclude tests/ --branches --print-summary

bench: $(BIN) $(BENCH) $(PROGRAMS) | $(SETUP) ## ratios side by side, written to $(BUILD)/bench.tsv
	$(Q)$(TEST_ENV) scripts/bench.sh

C_FILES := $(wildcard $(foreach m,$(MODULES) tests tests/unit tests/fuzz tests/bench tests/programs tests/drivers,$(m)/*.[ch]))
tidy: $(BUILD)/gen/runtime_base.inc $(CLOSURES:%=$(BUILD)/gen/%.inc) $(BUILD)/gen/systemd_groups.inc $(BUILD)/gen/systemd_versions.inc $(BUILD)/gen/args.inc $(BUILD)/gen/arg_names.inc $(BUILD)/gen/arg_texts.inc $(BUILD)/gen/syscall_names.inc $(BUILD)/gen/report_css.inc $(BUILD)/gen/report_js.inc $(BUILD)/gen/strict-filter_json.inc $(if $(filter-out 0,$(BPF)),$(BUILD)/gen/ebpf.skel.h) ## clang-tidy
	$(Q)for m in $(MODULES); do for f in $$(ls $$m/*.c | grep -v "\.bpf\.c$$"); do \
		case $$m in cli) sees="$(SEES_cli)";; lib) sees=lib;; *) sees="$$m lib";; esac; \
		clang-tidy --quiet $$f -- -std=gnu17 $(CPPFLAGS_ALL) -iquote $(BUILD)/gen -isystem $(BUILD)/gen \
			$$(for s in $$sees; do echo -iquote $$s; done) || exit 1; done; done
format: ## format the C code
	$(Q)clang-format -i $(C_FILES)
format-check: ## is it formatted?
	$(Q)clang-format --dry-run --Werror $(C_FILES)
metrics: ## sizes and complexity of functions and files
	$(Q)scripts/metrics.sh
man-lint: ## mandoc -T lint
	$(Q)mandoc -T lint -W warning $(wildcard docs/*.1 docs/*.5)

install: $(BIN) ## install below $(DESTDIR)$(PREFIX)
	install -D -m 0755 $(BIN) $(DESTDIR)$(bindir)/sysclamp
	for f in docs/*.1; do install -D -m 0644 $$f $(DESTDIR)$(mandir)/man1/$$(basename $$f); done
	for f in docs/*.5; do install -D -m 0644 $$f $(DESTDIR)$(mandir)/man5/$$(basename $$f); done
	for f in profiles/*.json; do install -D -m 0644 $$f $(DESTDIR)$(datadir)/profiles/$$(basename $$f); done
	for f in docs/*.schema.json; do install -D -m 0644 $$f $(DESTDIR)$(datadir)/$$(basename $$f); done
	install -d $(DESTDIR)$(hookdir)
	sed 's|/usr/local/bin|$(bindir)|' deploy/oci-hooks/sysclamp.json >$(BUILD)/hook.json
	install -m 0644 $(BUILD)/hook.json $(DESTDIR)$(hookdir)/sysclamp.json
uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(bindir)/sysclamp
	for f in docs/*.1; do rm -f $(DESTDIR)$(mandir)/man1/$$(basename $$f); done
	for f in docs/*.5; do rm -f $(DESTDIR)$(mandir)/man5/$$(basename $$f); done
	rm -rf $(DESTDIR)$(datadir)
	rm -f $(DESTDIR)$(hookdir)/sysclamp.json

clean: ## remove what was built
	rm -rf $(BUILD)
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile

-include $(OBJECTS:.o=.d) $(addsuffix .d,$(UNIT) $(FUZZ) $(BENCH) $(DRIVERS))
