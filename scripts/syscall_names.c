/*
 * syscall_names: what libseccomp knows, as a table in C (lib/syscalls.c) on standard output.
 *
 * Every name that it has for a number of any ABI, and what it answers for that name under each.
 */
#include <linux/audit.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syscall_hash.h"

/* Numbers that calls have, and the negative ones that libseccomp gives to what an ABI lacks. */
enum { NUMBER_FIRST = -11000, NUMBER_END = 7000, NAMES_MAX = SYSCALL_SLOTS / 2 };

static const uint32_t ABIS[] = {
#define ABI(name, scmp, audit, base, bits32, big_endian) SCMP_ARCH_##scmp,
#include "abis.inc"
#undef ABI
};

enum { N_ABIS = sizeof(ABIS) / sizeof(ABIS[0]) };

static char *names[NAMES_MAX];
static size_t n_names;
static uint16_t slots[SYSCALL_SLOTS];

/* The slot of a name: its own, or the free one that it would get. */
static uint16_t *slot_of(const char *name)
{
	uint32_t at = syscall_hash(name);

	while (slots[at % SYSCALL_SLOTS] != SYSCALL_NO_ROW &&
		strcmp(names[slots[at % SYSCALL_SLOTS]], name))
		at++;
	return &slots[at % SYSCALL_SLOTS];
}

/* Takes @name over. */
static bool add(char *name)
{
	uint16_t *slot = slot_of(name);

	if (*slot != SYSCALL_NO_ROW) {
		free(name);
		return true;
	}
	if (n_names == NAMES_MAX)
		return false;
	*slot = (uint16_t)n_names;
	names[n_names++] = name;
	return true;
}

static bool collect(void)
{
	memset(slots, 0xff, sizeof(slots));
	for (size_t abi = 0; abi < N_ABIS; abi++) {
		for (int nr = NUMBER_FIRST; nr < NUMBER_END; nr++) {
			char *name = seccomp_syscall_resolve_num_arch(ABIS[abi], nr);

			if (name && !add(name))
				return false;
		}
	}
	return true;
}

static void print_numbers(void)
{
	printf("static const int32_t NUMBERS[][%zu] = {\n", n_names);
	for (size_t abi = 0; abi < N_ABIS; abi++) {
		printf("\t{");
		for (size_t i = 0; i < n_names; i++)
			printf("%d,", seccomp_syscall_resolve_name_arch(ABIS[abi], names[i]));
		printf("},\n");
	}
	printf("};\n");
}

static void print_texts(void)
{
	size_t at = 0;

	printf("static const char NAMES[] =\n");
	for (size_t i = 0; i < n_names; i++)
		printf("\t\"%s\\0\"\n", names[i]);
	printf("\t;\nstatic const uint16_t STARTS[] = {");
	for (size_t i = 0; i < n_names; i++) {
		printf("%zu,", at);
		at += strlen(names[i]) + 1;
	}
	printf("};\nstatic const uint16_t SLOTS[SYSCALL_SLOTS] = {");
	for (size_t i = 0; i < SYSCALL_SLOTS; i++)
		printf("%u,", slots[i]);
	printf("};\n");
}

int main(void)
{
	if (!collect()) {
		fprintf(stderr, "syscall_names: more than %d names\n", NAMES_MAX);
		return 1;
	}
	print_texts();
	print_numbers();
	return fflush(stdout) || ferror(stdout);
}
