/*
 * stack.h: captures that are damaged, or made to mislead: there is an end to each, and what is
 * found lies in code.
 */
#include "stack.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "scope.h"
#include "seen_stack.h"
#include "tap.h"

enum {
	RIP = 16,
	RSP = 7,
	RBP = 6,
	CODE_SIZE = 4096,
	WORDS = 1024,
	CAPTURES = 20000,
	IMAGES = 3000,
};

/* Where the copy is said to come from. */
#define STACK_AT 0x7ffc00001000

static struct symbols symbols;
static struct space space;
static uint64_t code; /* of no file, where nothing but frame pointers helps */
static uint64_t seed = 1;

/* xorshift64*: the same numbers every time. */
static uint64_t draw(uint64_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * 0x2545f4914f6cdd1d >> 16) % below;
}

static uint64_t at(size_t word)
{
	return STACK_AT + 8 * word;
}

/* Unwind a stack of @n words, whose top is the first, from @pc and the frame pointer @bp. */
static void unwind(const uint64_t *words, size_t n, uint64_t pc, uint64_t bp, struct stack *out)
{
	/* Of that size exactly, so that a sanitizer sees what is read behind it. */
	scoped_free void *bytes = malloc(8 * n + 1);
	struct stack_capture capture = {.start = at(0), .bytes = bytes, .size = 8 * n};

	memcpy(bytes, words, 8 * n);
	capture.regs.value[RIP] = pc;
	capture.regs.value[RSP] = at(0);
	capture.regs.value[RBP] = bp;
	capture.regs.known = 1U << RIP | 1U << RSP | 1U << RBP;
	stack_unwind(&symbols, &space, &capture, out);
}

static void test_pointers(void)
{
	const struct {
		const char *name;
		uint64_t words[4], bp;
		size_t n; /* words */
		size_t frames;
		enum stack_end end;
	} rows[] = {
		{"two frames", {at(2), code + 8, 0, code + 16}, at(0), 4, 3, STACK_OUTERMOST},
		{"a frame that is its own caller", {at(0), code + 8}, at(0), 2, 2, STACK_NO_WAY},
		{"two frames that call each other", {at(2), code + 8, at(0), code + 8}, at(0), 4, 3,
			STACK_NO_WAY},
		{"a return to nowhere", {at(2), 4096}, at(0), 2, 1, STACK_UNMAPPED},
		{"a return to zero", {at(2), 0}, at(0), 2, 1, STACK_OUTERMOST},
		{"a pointer to the last word", {0, 0, 0, 0}, at(3), 4, 1, STACK_CUT},
		{"a pointer behind the copy", {0, 0, 0, 0}, at(4), 4, 1, STACK_CUT},
		{"a pointer below the stack", {0, 0, 0, 0}, at(0) - 16, 4, 1, STACK_NO_WAY},
		{"a pointer to the end of memory", {0, 0, 0, 0}, UINT64_MAX - 3, 4, 1,
			STACK_NO_WAY},
		{"an empty copy", {0}, at(0), 0, 1, STACK_CUT},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stack got;

		unwind(rows[i].words, rows[i].n, code + 4, rows[i].bp, &got);
		ok(got.n == rows[i].frames && got.end == rows[i].end, "%s: %zu frames, end %d",
			rows[i].name, got.n, (int)got.end);
	}
}

static void test_depth(void)
{
	uint64_t words[WORDS];
	struct stack got;

	for (size_t i = 0; i < WORDS; i += 2) {
		words[i] = at(i + 2);
		words[i + 1] = code + 8 + i;
	}
	unwind(words, WORDS, code + 4, at(0), &got);
	ok(got.n == STACK_FRAMES && got.end == STACK_FULL, "more frames than there is room for");
	unwind(words, 100, code + 4, at(0), &got);
	ok(got.n == 51 && got.end == STACK_CUT, "a copy that ends before the stack: %zu", got.n);
	unwind(words, WORDS, 0x1000, at(0), &got);
	ok(got.n == 1 && got.end == STACK_UNMAPPED, "a pc that lies nowhere");
}

/* A number as it may lie on a stack, or as nobody expects it. */
static uint64_t any_word(const struct seen *seen)
{
	const struct stack_capture *capture = &seen->capture;
	const struct space_map *map = &seen->space.maps[draw(seen->space.n)];

	switch (draw(4)) {
	case 0:
		return capture->start + draw(capture->size + 64);
	case 1:
		return map->start + draw(map->end - map->start);
	case 2:
		return draw(UINT64_MAX);
	default:
		return draw(2) - draw(2);
	}
}

static void spoil(const struct seen *seen, struct stack_capture *capture, uint8_t *bytes)
{
	size_t n = draw(16);

	for (size_t i = 0; i < n && capture->size >= 8; i++) {
		uint64_t word = any_word(seen);

		memcpy(bytes + (draw(2) ? draw(capture->size / 8)
					: draw(32) % (capture->size / 8)) *
					8,
			&word, 8);
	}
	for (n = draw(3); n > 0; n--)
		capture->regs.value[draw(STACK_REGS)] = any_word(seen);
	capture->regs.known |= 1U << RIP | 1U << RSP;
	if (draw(8) == 0)
		capture->bits32 = !capture->bits32;
}

/* Whether all that was found is what may be found. */
static bool is_sound(const struct seen *seen, const struct stack *stack)
{
	if (stack->n < 1 || stack->n > STACK_FRAMES || (unsigned)stack->end > STACK_FULL)
		return false;
	for (size_t i = 1; i < stack->n; i++) {
		const struct stack_frame *frame = &stack->frames[i];
		struct symbols_name name;

		if (!space_find(&seen->space, frame->address) &&
			!space_find(&seen->space, frame->address - 1))
			return false;
		stack_name(&symbols, &seen->space, frame, &name);
	}
	return true;
}

static void test_spoilt(const char *program)
{
	size_t sound = 0, frames = 0;
	struct seen seen;

	see(&seen, &symbols, program, NULL);
	for (size_t i = 0; seen.there && i < CAPTURES; i++) {
		struct stack_capture capture = seen.capture;
		scoped_free uint8_t *bytes = NULL;
		struct stack got;

		capture.size = draw(4) ? capture.size : draw(capture.size + 1);
		bytes = malloc(capture.size + 1);
		memcpy(bytes, capture.bytes, capture.size);
		capture.bytes = bytes;
		spoil(&seen, &capture, bytes);
		stack_unwind(&symbols, &seen.space, &capture, &got);
		sound += is_sound(&seen, &got);
		frames += got.n;
	}
	ok(sound == CAPTURES, "%s: %d spoilt captures, %zu frames", program, CAPTURES, frames);
	forget(&seen);
}

/* Bytes of a file of the tests, heap. */
static uint8_t *bytes_of(const char *program, size_t *out_size)
{
	char path[PATH_MAX];
	scoped_fd int fd = -1;
	struct stat st;
	uint8_t *bytes;

	(void)snprintf(path, sizeof(path), "%s/tests/programs/%s", getenv("BUILD"), program);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return NULL;
	bytes = malloc((size_t)st.st_size);
	*out_size = (size_t)st.st_size;
	return read(fd, bytes, *out_size) == st.st_size ? bytes : NULL;
}

/* All that is asked of a file. */
static void ask(struct module *module, size_t size)
{
	for (uint64_t offset = 0; offset < size; offset += 16) {
		const struct symbol_table *table = module_symbols(module, NULL);
		scoped_free Dwarf_Frame *rules = NULL;
		uint64_t address;
		Dwarf_Op *ops;
		size_t n;

		if (!module_address(module, offset, &address))
			continue;
		(void)symbol_table_find(table, address);
		if (module->cfi && !dwarf_cfi_addrframe(module->cfi, address, &rules))
			(void)dwarf_frame_cfa(rules, &ops, &n);
	}
}

/* Files are the workload's: one that is damaged tells less, and nothing else happens. */
static void test_files(void)
{
	size_t size = 0, opened = 0;
	scoped_free uint8_t *bytes = bytes_of("nested_library", &size);

	for (size_t i = 0; bytes && i < IMAGES; i++) {
		struct module module = MODULE_CLOSED;
		uint8_t *image = malloc(size);

		memcpy(image, bytes, size);
		for (size_t n = 1 + draw(8); n > 0; n--)
			image[draw(2) ? draw(size) : draw(1024)] = (uint8_t)draw(256);
		if (module_open_image(&module, image, size)) {
			opened++;
			ask(&module, size);
		}
		module_close(&module);
	}
	ok(opened > IMAGES / 4, "%zu of %d damaged files were ELF files still", opened, IMAGES);
}

static bool is_trusted(const uint8_t *bytes, size_t size)
{
	struct module module = MODULE_CLOSED;
	uint8_t *image = malloc(size);
	bool trusted;

	memcpy(image, bytes, size);
	trusted = module_open_image(&module, image, size) && module.cfi;
	module_close(&module);
	return trusted;
}

/* Rules that would make libdw take all memory, and a table that leads to the midst of an entry. */
static void test_rules(void)
{
	static const struct {
		const char *program;
		bool trusted;
	} rows[] = {{"nested", true}, {"nested_static", true}, {"nested_i386", true},
		{"rules_register", false}, {"rules_remember", false}};
	static const uint8_t header[] = {1, 0x1b, 3, 0x3b};
	size_t size = 0;
	scoped_free uint8_t *bytes = NULL;
	uint8_t *table;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped_free uint8_t *file = bytes_of(rows[i].program, &size);

		ok(file && is_trusted(file, size) == rows[i].trusted, "%s: its rules are %s",
			rows[i].program, rows[i].trusted ? "trusted" : "refused");
	}
	bytes = bytes_of("nested", &size);
	table = bytes ? memmem(bytes, size, header, sizeof(header)) : NULL;
	if (!ok(table, "there is a table for looking rules up"))
		return;
	table[12]++;
	ok(is_trusted(bytes, size), "the address of a function in it may be any");
	table[16] += 4;
	ok(!is_trusted(bytes, size), "one that leads to the midst of an entry is refused");
}

static bool opens(const uint8_t *bytes, size_t size)
{
	struct module module = MODULE_CLOSED;
	int fd = memfd_create("module", MFD_CLOEXEC);
	bool opened = write(fd, bytes, size) == (ssize_t)size && module_open_file(&module, fd);

	module_close(&module);
	return opened;
}

/* libelf takes memory for what a file claims to have. */
static void test_claims(void)
{
	size_t size = 0;
	scoped_free uint8_t *bytes = bytes_of("nested", &size);
	Elf64_Ehdr *header = (Elf64_Ehdr *)bytes;
	Elf64_Ehdr was;
	Elf64_Shdr *sections;

	if (!ok(bytes && opens(bytes, size), "a program as it is opens"))
		return;
	was = *header;
	header->e_shnum = 0;
	ok(!opens(bytes, size), "not with more sections than fit into the header");
	*header = was;
	header->e_phnum = PN_XNUM;
	ok(!opens(bytes, size), "not with more segments either");
	*header = was;
	sections = (Elf64_Shdr *)(bytes + header->e_shoff);
	sections[header->e_shstrndx].sh_size = 1ULL << 40;
	ok(!opens(bytes, size), "nor with names of sections that are larger than all memory");
}

int main(void)
{
	struct err e = {0};
	void *memory = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!getenv("BUILD") || memory == MAP_FAILED || space_read(getpid(), &space, &e))
		return 1;
	code = (uint64_t)(uintptr_t)memory;
	symbols_init(&symbols, NULL);
	test_pointers();
	test_depth();
	test_spoilt("nested");
	test_spoilt("nested_no_rules");
	test_spoilt("nested_signal");
	test_files();
	test_rules();
	test_claims();
	symbols_done(&symbols);
	space_done(&space);
	return tap_done();
}
