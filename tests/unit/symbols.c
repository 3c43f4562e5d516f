/*
 * symbols.h: names for addresses of this process itself, which maps copies of a library.
 */
#include "symbols.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scope.h"
#include "tap.h"

enum { COPIES = SYMBOLS_MODULES + 10, ROOM = 256 };

static char dir[] = "/tmp/sysclamp-test.XXXXXX";

__attribute__((format(printf, 1, 2))) static bool run(const char *format, ...)
{
	char command[PATH_MAX + 512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command) == 0;
}

/* A library of that name in our directory: a copy of the tests'. */
static const char *copy(const char *name)
{
	static char path[ROOM];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!run("cp %s/tests/programs/nested_library %s", getenv("BUILD"), path))
		printf("# no copy of nested_library\n");
	return path;
}

/* The address of library_call in it; 0: it cannot be opened. */
static uint64_t load(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	return library ? (uint64_t)(uintptr_t)dlsym(library, "library_call") : 0;
}

/* What @address means in this process as it is now. */
static struct symbols_name name_now(struct symbols *symbols, uint64_t address)
{
	static struct space space;
	struct symbols_name name;
	struct err e;

	space_done(&space);
	if (space_read(getpid(), &space, &e))
		printf("# %s\n", e.text);
	symbols_name(symbols, &space, address, false, &name);
	return name;
}

static size_t count_open(const struct symbols *symbols)
{
	size_t n = 0;

	for (size_t i = 0; i < SYMBOLS_MODULES; i++)
		n += symbols->entries[i].module.elf != NULL;
	return n;
}

static void test_kinds(struct symbols *symbols)
{
	uint64_t own = (uint64_t)(uintptr_t)count_open;
	struct symbols_name name = name_now(symbols, own + 4);
	uint8_t *made = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	scoped_fd int text = open("README.md", O_RDONLY | O_CLOEXEC);
	uint8_t *prose = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, text, 0);

	is_text(name.symbol, "count_open", "a static function");
	ok(name.offset == 4, "and the offset in it");
	name = name_now(symbols, (uint64_t)(uintptr_t)made + 12);
	ok(!*name.module && !*name.symbol && name.offset == (uint64_t)(uintptr_t)made + 12,
		"code of no file: the address");
	name = name_now(symbols, (uint64_t)(uintptr_t)prose + 12);
	ok(strstr(name.module, "README.md") && !*name.symbol && name.offset == 12,
		"a file that is no ELF file: the offset in it");
	name = name_now(symbols, 1);
	ok(!*name.module && !*name.symbol && name.offset == 1, "nothing at all: the address");
	(void)munmap(made, 4096);
	(void)munmap(prose, 4096);
}

/* A call that does not return may be the last instruction of its function. */
static void test_returned(struct symbols *symbols)
{
	static struct space space;
	const struct symbol_table *table;
	struct symbols_name before, name;
	struct err e;
	uint64_t own = (uint64_t)(uintptr_t)count_open, end;
	const struct space_map *map;
	struct module *module;

	if (space_read(getpid(), &space, &e))
		return;
	map = space_find(&space, own);
	module = symbols_module(symbols, &space, map);
	table = module_symbols(module, NULL);
	if (!module_address(module, space_offset(map, own), &end))
		return;
	end = own + symbol_table_find(table, end)->end - end;
	symbols_name(symbols, &space, end, true, &before);
	is_text(before.symbol, "count_open", "the address behind a function, returned to");
	ok(before.offset == end - own, "and its offset, that of the address itself");
	symbols_name(symbols, &space, end, false, &name);
	ok(strcmp(name.symbol, "count_open") != 0, "executed, it is not: %s", name.symbol);
	space_done(&space);
}

static void test_vdso(struct symbols *symbols)
{
	void *vdso = dlopen("linux-vdso.so.1", RTLD_NOW | RTLD_NOLOAD);
	void *call = vdso ? dlsym(vdso, "__vdso_getcpu") : NULL;
	struct symbols_name name;

	if (!call) {
		tap_skip("vdso", "the vDSO", "it cannot be opened");
		return;
	}
	name = name_now(symbols, (uint64_t)(uintptr_t)call);
	is_text(name.module, SPACE_VDSO, "the vDSO");
	ok(strstr(name.symbol, "getcpu"), "and a function of it: %s", name.symbol);
}

/* More files than are kept open. */
static void test_many(struct symbols *symbols)
{
	uint64_t calls[COPIES];
	size_t named = 0, again = 0;
	char name[32];

	for (size_t i = 0; i < COPIES; i++) {
		(void)snprintf(name, sizeof(name), "copy%zu", i);
		calls[i] = load(copy(name));
		named += !strcmp(name_now(symbols, calls[i] + 1).symbol, "library_call");
	}
	for (size_t i = 0; i < COPIES; i++)
		again += !strcmp(name_now(symbols, calls[i] + 1).symbol, "library_call");
	ok(named == COPIES && again == COPIES, "%zu files, %zu, and again %zu named",
		(size_t)COPIES, named, again);
	ok(count_open(symbols) <= SYMBOLS_MODULES, "%zu are open", count_open(symbols));
}

/* What has its path by now is never taken for what is mapped. */
static void test_changed(struct symbols *symbols)
{
	struct symbols_name name;
	const char *path = copy("deleted");
	uint64_t call = load(path);

	(void)unlink(path);
	name = name_now(symbols, call);
	if (geteuid() == 0)
		is_text(name.symbol, "library_call", "a file that was deleted");
	else
		ok(!*name.symbol, "a file that was deleted: an offset");
	ok(strstr(name.module, "/deleted"), "its path: %s", name.module);

	call = load(copy("replaced"));
	(void)run("cp %s/tests/programs/nested %s/other && mv %s/other %s/replaced",
		getenv("BUILD"), dir, dir, dir);
	name = name_now(symbols, call);
	ok(!*name.symbol || !strcmp(name.symbol, "library_call"),
		"a file that was replaced: its own, or an offset: \"%s\"", name.symbol);
}

/* The address of library_call in a copy that is mapped, and not loaded: nothing of it runs. */
static uint64_t map_copy(const char *path, size_t offset)
{
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	return (uint64_t)(uintptr_t)mmap(
		       NULL, offset + 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) +
	       offset;
}

/* Where library_call lies in its file. */
static size_t call_offset(void)
{
	uint64_t call = load(copy("whole"));
	struct space space = {0};
	struct err e;
	size_t offset = 0;

	if (!space_read(getpid(), &space, &e))
		offset = space_offset(space_find(&space, call), call);
	space_done(&space);
	return offset;
}

/* A file that is cut short, after it was opened or before. */
static void test_cut(struct symbols *symbols)
{
	size_t offset = call_offset();

	for (int opened = 0; opened < 2; opened++) {
		const char *path = copy(opened ? "opened" : "unopened");
		uint64_t call = map_copy(path, offset);
		struct space space = {0};
		struct symbols_name name;
		struct err e;

		if (space_read(getpid(), &space, &e))
			return;
		if (opened)
			(void)symbols_module(symbols, &space, space_find(&space, call));
		if (truncate(path, 100))
			return;
		symbols_name(symbols, &space, call, false, &name);
		ok(!*name.symbol && name.offset == offset,
			"a file that was cut short %s it was "
			"opened: the offset in it",
			opened ? "after" : "before");
		space_done(&space);
	}
}

/* The debug file of a stripped library, found by its build ID. */
static void test_debug_files(void)
{
	static const char SPLIT[] =
		"id=$(readelf -n '%s' | sed -n 's/.*Build ID: //p') && "
		"to='%s'/.build-id/${id%%${id#??}} && mkdir -p $to && "
		"objcopy --only-keep-debug '%s' $to/${id#??}.debug && strip '%s'";
	char path[ROOM], root[ROOM];
	struct symbols symbols;
	uint64_t call;

	(void)snprintf(path, sizeof(path), "%s", copy("stripped"));
	(void)snprintf(root, sizeof(root), "%s/debug", dir);
	if (!ok(run(SPLIT, path, root, path, path), "a library and its debug file"))
		return;
	call = load(path);
	symbols_init(&symbols, NULL);
	is_text(name_now(&symbols, call - 16).symbol, "", "a function that is not exported");
	is_text(name_now(&symbols, call + 1).symbol, "library_call", "one that is");
	symbols_done(&symbols);
	symbols_init(&symbols, root);
	is_text(name_now(&symbols, call - 16).symbol, "nested_outer",
		"the former, by its debug file");
	is_text(name_now(&symbols, call + 1).symbol, "library_call", "and the latter");
	symbols_done(&symbols);
}

int main(void)
{
	struct symbols symbols;

	if (!getenv("BUILD") || !mkdtemp(dir))
		return 1;
	symbols_init(&symbols, NULL);
	test_kinds(&symbols);
	test_returned(&symbols);
	test_vdso(&symbols);
	test_many(&symbols);
	test_changed(&symbols);
	test_cut(&symbols);
	symbols_done(&symbols);
	test_debug_files();
	(void)run("rm -r %s", dir);
	return tap_done();
}
