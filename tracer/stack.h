/*
 * stack.h: from what was captured of a thread in user space to the addresses of its calls.
 *
 * A capture is registers and a copy of a part of the stack; where it comes from, and whether the
 * thread still stands there, is of no interest here.  What it holds may be anything: nothing is
 * read outside of the copy, each caller's frame lies above that of what it called (but for signal
 * handlers, which may have a stack of their own), and there is an end to it in any case.
 */
#ifndef SYSCLAMP_STACK_H
#define SYSCLAMP_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "space.h"
#include "symbols.h"

enum {
	STACK_REGS = 17,
	STACK_FRAMES = 128, /* at most, of one stack */
	STACK_COPY_MAX = 32 << 10, /* bytes that stack_capture_traced() copies */
};

/*
 * Registers by their numbers in DWARF, which are those of the psABIs.
 * x86-64: rax rdx rcx rbx rsi rdi rbp rsp r8...r15 rip; i386: eax ecx edx ebx esp ebp esi edi eip.
 */
struct stack_regs {
	uint64_t value[STACK_REGS];
	uint32_t known; /* bit by number */
};

/* What is known of a thread that entered a system call. */
struct stack_capture {
	bool bits32; /* it executes 32-bit code, whatever the ABI of the call */
	struct stack_regs regs; /* at least the pc and sp */
	uint64_t start; /* address of the first byte of the copy: sp */
	const void *bytes;
	size_t size;
};

/* How the frame was found. */
enum stack_way {
	STACK_TOP, /* it made the system call */
	STACK_RULES, /* by the call frame information of what it called */
	STACK_POINTER, /* by the frame pointer */
	STACK_LEAF, /* on top of the stack lay the address of an instruction behind a call */
	/*
	 * Such an address lay further up: most likely the caller, but it may be what an earlier
	 * call left there.  Nothing else helps with a C library that has neither rules nor frame
	 * pointers, as musl.
	 */
	STACK_SEARCH,
};

struct stack_frame {
	uint64_t address;
	/*
	 * This instruction is meant: a signal interrupted it, or the handler returns to it and
	 * nobody called from there.  Otherwise it is the one behind a call.
	 */
	bool exact;
	enum stack_way way;
};

/* Why no more frames were found. */
enum stack_end {
	STACK_OUTERMOST, /* there are none */
	STACK_CUT, /* they lie outside of the copy */
	STACK_UNMAPPED, /* what was found lies in no code of this space (any more, or yet) */
	STACK_NO_WAY, /* no rules, no frame pointer, and nothing that looks like a caller */
	STACK_LOOP, /* a frame lies below what it called */
	STACK_FULL, /* STACK_FRAMES */
};

/* Frames, innermost first. */
struct stack {
	struct stack_frame frames[STACK_FRAMES];
	size_t n; /* at least 1 */
	enum stack_end end;
};

/** Unwind what was captured of a thread in @space. */
void stack_unwind(struct symbols *symbols, const struct space *space,
	const struct stack_capture *capture, struct stack *out);

/** Name the @frame of a stack; as symbols_name(). */
void stack_name(struct symbols *symbols, const struct space *space, const struct stack_frame *frame,
	struct symbols_name *out);

/**
 * Capture a task that is in a ptrace stop at a system call.
 *
 * @bytes: STACK_COPY_MAX bytes, for the copy.
 * Errors: it is gone, or does not stand still.
 */
int stack_capture_traced(pid_t tid, void *bytes, struct stack_capture *out, struct err *e);

/**
 * Capture a task whose registers are known, and that stands still where they say.
 *
 * @regs: by x86-64's numbers in DWARF, whatever it executes: STACK_REGS of them.
 * @bytes: as above.
 */
void stack_capture_held(
	pid_t tid, const uint64_t *regs, bool bits32, void *bytes, struct stack_capture *out);

/**
 * Capture a task that waits in a call, as /proc/TID/syscall shows it (proc(5)): of its registers pc
 * and sp are known, and nothing else.
 *
 * @compat: the call is one of a 32-bit ABI.
 * @bytes: as above.
 * Errors: it does not wait, is gone, or is none of the caller's.
 */
int stack_capture_waiting(
	pid_t tid, bool compat, void *bytes, struct stack_capture *out, struct err *e);

/** Read a value of @width bytes (1, 2, 4, 8) from the copy; false if not all of it is in there. */
bool stack_read(const struct stack_capture *capture, uint64_t address, size_t width, uint64_t *out);

#endif
