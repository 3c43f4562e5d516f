/*
 * stack.h: captures of tasks that stand still.
 */
#include "stack.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#include "scope.h"

enum { PAGE = 4096, PARTS = STACK_COPY_MAX / PAGE + 1 };

/* Registers of a 32-bit task, as the kernel orders them: struct user_regs_struct32. */
struct regs32 {
	uint32_t ebx, ecx, edx, esi, edi, ebp, eax, ds, es, fs, gs, orig_eax, eip, cs, eflags, esp,
		ss;
};

/* The size of the set tells which one it is. */
union regs {
	struct user_regs_struct bits64;
	struct regs32 bits32;
};

#define R64(name) offsetof(struct user_regs_struct, name)
#define R32(name) offsetof(struct regs32, name)

/* Where registers lie in the kernel's set, by their numbers in DWARF. */
static const struct layout {
	uint8_t n, width; /* registers; bytes of each */
	uint8_t sp;
	uint8_t at[STACK_REGS];
} LAYOUTS[] = {
	{.n = 17,
		.width = 8,
		.sp = 7,
		.at = {R64(rax), R64(rdx), R64(rcx), R64(rbx), R64(rsi), R64(rdi), R64(rbp),
			R64(rsp), R64(r8), R64(r9), R64(r10), R64(r11), R64(r12), R64(r13),
			R64(r14), R64(r15), R64(rip)}},
	{.n = 9,
		.width = 4,
		.sp = 4,
		.at = {R32(eax), R32(ecx), R32(edx), R32(ebx), R32(esp), R32(ebp), R32(esi),
			R32(edi), R32(eip)}},
};

static void take_regs(const struct layout *layout, const union regs *from, struct stack_regs *out)
{
	*out = (struct stack_regs){.known = (1U << layout->n) - 1};
	for (size_t i = 0; i < layout->n; i++)
		memcpy(&out->value[i], (const char *)from + layout->at[i], layout->width);
}

/* Page by page, so that what lies in front of the end of a stack is there. */
static size_t copy_stack(pid_t tid, uint64_t start, void *bytes)
{
	struct iovec local = {bytes, STACK_COPY_MAX}, remote[PARTS];
	size_t n = 0, left = STACK_COPY_MAX;
	ssize_t got;

	for (uint64_t at = start; left > 0; n++) {
		size_t part = PAGE - at % PAGE < left ? PAGE - at % PAGE : left;

		remote[n] = (struct iovec){(void *)(uintptr_t)at, part};
		at += part;
		left -= part;
	}
	got = process_vm_readv(tid, &local, 1, remote, n, 0);
	return got > 0 ? (size_t)got : 0;
}

int stack_capture_traced(pid_t tid, void *bytes, struct stack_capture *out, struct err *e)
{
	union regs regs;
	struct iovec set = {&regs, sizeof(regs)};
	struct stack_capture capture = {.bytes = bytes};
	const struct layout *layout;

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &set))
		return err_sys(e, errno, "registers of task %d", tid);
	capture.bits32 = set.iov_len == sizeof(regs.bits32);
	layout = &LAYOUTS[capture.bits32];
	take_regs(layout, &regs, &capture.regs);
	capture.start = capture.regs.value[layout->sp];
	capture.size = copy_stack(tid, capture.start, bytes);
	*out = capture;
	return 0;
}

void stack_capture_held(
	pid_t tid, const uint64_t *regs, bool bits32, void *bytes, struct stack_capture *out)
{
	/* The registers of i386 in its own order: eax ecx edx ebx esp ebp esi edi eip. */
	static const uint8_t OF_32[] = {0, 2, 1, 3, 7, 6, 4, 5, 16};
	const struct layout *layout = &LAYOUTS[bits32];

	*out = (struct stack_capture){.bits32 = bits32, .bytes = bytes};
	out->regs.known = (1U << layout->n) - 1;
	for (size_t i = 0; i < layout->n; i++)
		out->regs.value[i] = bits32 ? (uint32_t)regs[OF_32[i]] : regs[i];
	out->start = out->regs.value[layout->sp];
	out->size = copy_stack(tid, out->start, bytes);
}

/* "1 0x0 0x55d0 0x6 0x0 0x0 0x0 0x7ffd 0x7f12": number, arguments, sp, pc. */
static bool read_waiting(pid_t tid, uint64_t *out_sp, uint64_t *out_pc)
{
	char path[64], text[256], *at;
	scoped_fd int fd = -1;
	ssize_t size;

	(void)snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (size <= 0)
		return false;
	text[size] = '\0';
	at = strrchr(text, ' ');
	if (!at)
		return false;
	*out_pc = strtoull(at, NULL, 16);
	*at = '\0';
	at = strrchr(text, ' ');
	*out_sp = at ? strtoull(at, NULL, 16) : 0;
	return *out_pc && *out_sp;
}

int stack_capture_waiting(
	pid_t tid, bool compat, void *bytes, struct stack_capture *out, struct err *e)
{
	static const uint8_t PC[] = {16, 8};
	struct stack_capture capture = {.bytes = bytes};
	uint64_t sp, pc;

	if (!read_waiting(tid, &sp, &pc))
		return err_set(e, ESRCH, "registers of task %d cannot be read", tid);
	/* 64-bit code can make 32-bit calls, but has its stack where that cannot. */
	capture.bits32 = compat && sp <= UINT32_MAX && pc <= UINT32_MAX;
	capture.regs.value[LAYOUTS[capture.bits32].sp] = sp;
	capture.regs.value[PC[capture.bits32]] = pc;
	capture.regs.known = 1U << LAYOUTS[capture.bits32].sp | 1U << PC[capture.bits32];
	capture.start = sp;
	capture.size = copy_stack(tid, sp, bytes);
	*out = capture;
	return 0;
}
