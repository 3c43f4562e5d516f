#include "start_code.h"

#include <stddef.h>
#include <string.h>

#include "memory.h"
#include "scope.h"

/*
 * _start of glibc from 2.34 on, which is a part of every program (sysdeps/x86_64/start.S).  None of
 * it jumps: what it ends with is certain to come.
 */
static const unsigned char CODE[] = {
	0x31, 0xed, /* xor %ebp, %ebp */
	0x49, 0x89, 0xd1, /* mov %rdx, %r9 */
	0x5e, /* pop %rsi: argc */
	0x48, 0x89, 0xe2, /* mov %rsp, %rdx: argv */
	0x48, 0x83, 0xe4, 0xf0, /* and $-16, %rsp */
	0x50, /* push %rax */
	0x54, /* push %rsp */
	0x45, 0x31, 0xc0, /* xor %r8d, %r8d */
	0x31, 0xc9, /* xor %ecx, %ecx */
};

/* With -fcf-protection. */
static const unsigned char ENDBR64[] = {0xf3, 0x0f, 0x1e, 0xfa};

/* Then: main to %rdi, in four bytes behind one of these. */
static const unsigned char LEA[] = {0x48, 0x8d, 0x3d}; /* lea main(%rip), %rdi */
static const unsigned char MOV[] = {0x48, 0xc7, 0xc7}; /* mov $main, %rdi */

/* Then: a call of __libc_start_main. */
static const unsigned char CALLS[][2] = {
	{0xff, 0x15}, /* call *...(%rip) */
	{0x67, 0xe8}, /* addr32 call ..., what a static linker makes of it */
};

enum { ALL_SIZE = sizeof(CODE) + sizeof(LEA) + sizeof(int32_t) + sizeof(CALLS[0]) };

static bool is_call(const unsigned char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(CALLS); i++) {
		if (!memcmp(code, CALLS[i], sizeof(CALLS[i])))
			return true;
	}
	return false;
}

bool start_code_main(pid_t tid, uint64_t entry, uint64_t *out_main)
{
	unsigned char all[sizeof(ENDBR64) + ALL_SIZE];
	const unsigned char *code = all, *load, *call;
	int32_t number;

	if (!memory_read(tid, entry, all, sizeof(all)))
		return false;
	if (!memcmp(code, ENDBR64, sizeof(ENDBR64)))
		code += sizeof(ENDBR64);
	load = code + sizeof(CODE);
	call = load + sizeof(LEA) + sizeof(number);
	if (memcmp(code, CODE, sizeof(CODE)) != 0 || !is_call(call))
		return false;
	memcpy(&number, load + sizeof(LEA), sizeof(number));
	if (!memcmp(load, MOV, sizeof(MOV)))
		*out_main = (uint64_t)number;
	else if (!memcmp(load, LEA, sizeof(LEA)))
		*out_main = entry + (uint64_t)(call - all) + (uint64_t)number;
	else
		return false;
	return true;
}
