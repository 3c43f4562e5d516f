#include "deny_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "args.h"
#include "proc.h"
#include "recording_text.h"
#include "scope.h"

enum { PAGE = 4096 };

/* At most @size bytes that lie in memory there, in two parts, as the second page may be missing. */
static size_t read_memory(pid_t tid, uint64_t address, char *out, size_t size)
{
	size_t first = PAGE - address % PAGE;
	struct iovec local = {out, size}, remote[2];
	ssize_t got;

	if (first > size)
		first = size;
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address in another process */
	remote[0] = (struct iovec){(void *)(uintptr_t)address, first};
	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	remote[1] = (struct iovec){(void *)(uintptr_t)(address + first), size - first};
	got = process_vm_readv(tid, &local, 1, remote, 2, 0);
	return got > 0 ? (size_t)got : 0;
}

/* Quotation marks as in C, control characters away, and a sign where it goes on. */
static void quote(const char *text, bool goes_on, char *out, size_t size)
{
	size_t n = 0;

	for (; *text && n + 6 < size; text++) {
		if (*text == '"' || *text == '\\')
			out[n++] = '\\';
		out[n++] = *text;
	}
	out[n] = '\0';
	text_tame(out);
	if (goes_on || *text)
		strcpy(out + n, "...");
}

static bool capture_string(pid_t tid, uint64_t address, char *out, size_t size)
{
	char text[DENY_STRING_MAX + 1];
	size_t got = read_memory(tid, address, text, DENY_STRING_MAX);
	bool ended = memchr(text, '\0', got);

	if (got == 0)
		return false;
	text[got] = '\0';
	quote(text, !ended, out, size);
	return true;
}

static void read_comm(pid_t tid, char *out, size_t size)
{
	char path[64];
	scoped_fd int fd = -1;
	ssize_t len;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? 0 : read(fd, out, size - 1);
	out[len < 0 ? 0 : len] = '\0';
	out[strcspn(out, "\n")] = '\0';
	text_tame(out);
}

void deny_view_capture(struct deny_view *view, const struct deny_call *call, struct stacks *stacks)
{
	pid_t tid = call->denial.tid;
	unsigned texts = args_texts(call->name);

	*view = (struct deny_view){.pid = proc_process(tid)};
	read_comm(tid, view->comm, sizeof(view->comm));
	for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
		if (texts >> i & 1 && capture_string(tid, call->args[i], view->strings[i],
					      sizeof(view->strings[i])))
			view->strings_known |= 1u << i;
	}
	view->has_stack = stacks && view->pid > 0 &&
			  stacks_capture_waiting(stacks, view->pid, tid, call->abi->bits32);
	view->known = denial_waits(&call->denial);
}

void deny_text_call(
	const struct deny_call *call, const struct deny_view *view, char out[CALL_TEXT_MAX])
{
	const char *strings[SYSCALL_ARGS] = {0};
	int n = call->abi == abi_native() ? 0
					  : snprintf(out, CALL_TEXT_MAX, "%s:", call->abi->name);

	for (size_t i = 0; view && view->known && i < SYSCALL_ARGS; i++) {
		if (view->strings_known >> i & 1)
			strings[i] = view->strings[i];
	}
	(void)args_text_call_with(call->abi, call->name, call->args, (const char *const *)strings,
		out + n, CALL_TEXT_MAX - (size_t)n);
}

const char *deny_text_result(action_t action, char *out, size_t size)
{
	uint32_t data = action & SECCOMP_RET_DATA;
	const char *name;

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_TRACE:
		data = ENOSYS;
		__attribute__((fallthrough));
	case SECCOMP_RET_ERRNO:
		name = strerrorname_np((int)data);
		if (data == 0)
			(void)snprintf(out, size, "0");
		else if (name)
			(void)snprintf(out, size, "-1 %s", name);
		else
			(void)snprintf(out, size, "-1 (errno %u)", data);
		return out;
	case SECCOMP_RET_TRAP:
		(void)snprintf(out, size, "SIGSYS");
		return out;
	default:
		(void)snprintf(out, size, "killed");
		return out;
	}
}

void deny_text_program(
	const struct deny_call *call, const struct deny_view *view, char *out, size_t size)
{
	const char *slash = strrchr(call->program, '/');
	const char *base = slash ? slash + 1 : call->program;
	bool known = view && view->known;

	(void)snprintf(out, size, "%s[%d] %s", known && *view->comm ? view->comm : base,
		known && view->pid ? view->pid : call->denial.tid, call->program);
	text_tame(out);
}

static void append(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *out, size_t size, const char *format, ...)
{
	size_t used = strlen(out);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(out + used, size - used, format, args);
	va_end(args);
}

void deny_text_stack(const struct deny_view *view, struct stacks *stacks, char *out, size_t size)
{
	struct rec_origin origin = {0};
	char line[REC_FRAME_LINE_MAX];

	*out = '\0';
	if (!view->known || !view->has_stack)
		return;
	stacks_name(stacks, &origin);
	for (size_t i = 0; i < origin.n_frames; i++) {
		(void)rec_text_frame(&origin.frames[i], line);
		text_tame(line);
		append(out, size, "    at %s\n", line);
	}
	rec_origin_done(&origin);
}
