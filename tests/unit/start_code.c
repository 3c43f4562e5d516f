/* start_code.h: start-up code that is known, and such as looks like it. */
#include "start_code.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scope.h"
#include "tap.h"

enum { ROOM = 64 };

#define HEAD                                                                                       \
	0x31, 0xed, 0x49, 0x89, 0xd1, 0x5e, 0x48, 0x89, 0xe2, 0x48, 0x83, 0xe4, 0xf0, 0x50, 0x54
#define NO_HOOKS 0x45, 0x31, 0xc0, 0x31, 0xc9
#define LEA_BACK 0x48, 0x8d, 0x3d, 0x25, 0xff, 0xff, 0xff /* -0xdb */
#define CALL	 0xff, 0x15, 1, 2, 3, 4

static const struct {
	const char *name;
	unsigned char code[ROOM];
	bool known;
	bool relative; /* @main is, to the entry */
	int64_t main;
} CASES[] = {
	{"a position-independent program", {HEAD, NO_HOOKS, LEA_BACK, CALL}, true, true,
		20 + 7 - 0xdb},
	{"one that lies where it was linked to",
		{HEAD, NO_HOOKS, 0x48, 0xc7, 0xc7, 0x15, 0x16, 0x40, 0, CALL}, true, false,
		0x401615},
	{"a static one", {HEAD, NO_HOOKS, LEA_BACK, 0x67, 0xe8, 1, 2, 3, 4}, true, true,
		20 + 7 - 0xdb},
	{"with endbr64", {0xf3, 0x0f, 0x1e, 0xfa, HEAD, NO_HOOKS, LEA_BACK, CALL}, true, true,
		24 + 7 - 0xdb},
	{"a jump in its midst", {HEAD, 0xeb, 0x00, NO_HOOKS, LEA_BACK, CALL}, false, false, 0},
	{"another first instruction", {0x90, HEAD, NO_HOOKS, LEA_BACK, CALL}, false, false, 0},
	{"main from memory", {HEAD, NO_HOOKS, 0x48, 0x8b, 0x3d, 1, 0, 0, 0, CALL}, false, false, 0},
	{"main to another register", {HEAD, NO_HOOKS, 0x48, 0x8d, 0x35, 1, 0, 0, 0, CALL}, false,
		false, 0},
	{"no call", {HEAD, NO_HOOKS, LEA_BACK, 0xff, 0x25, 1, 2, 3, 4}, false, false, 0},
	{"nothing", {0}, false, false, 0},
};

static void test_cases(void)
{
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		uint64_t entry = (uintptr_t)CASES[i].code, found = 1;
		uint64_t want = (uint64_t)CASES[i].main + (CASES[i].relative ? entry : 0);
		bool known = start_code_main(getpid(), entry, &found);

		ok(known == CASES[i].known && found == (known ? want : 1), "%s: %s", CASES[i].name,
			CASES[i].known ? "where main is" : "not known");
	}
}

/* At the end of what is mapped. */
static void test_cut(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *pages = mmap(
		NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *code = pages + page - 30;
	uint64_t found;

	ok(pages != MAP_FAILED && !munmap(pages + page, page), "a page, and nothing behind it");
	memcpy(code, CASES[0].code, 30);
	ok(!start_code_main(getpid(), (uintptr_t)code, &found), "code that is cut: not known");
}

int main(void)
{
	test_cases();
	test_cut();
	return tap_done();
}
