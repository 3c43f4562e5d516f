#include "tracer.h"

#include <errno.h>
#include <string.h>

#include "ebpf.h"
#include "ptrace.h"
#include "scope.h"

#if !SYSCLAMP_BPF
int ebpf_open(enum tracer_room room, void **out_state, struct err *e)
{
	(void)room;
	(void)out_state;
	return err_set(e, ENOSYS, "ebpf: not in this build (make BPF=1)");
}
#define ebpf_close  NULL
#define ebpf_record NULL
#define ebpf_attach NULL
#endif

static const struct tracer_backend BACKENDS[] = {
	{
		.name = "ebpf",
		.summary = "counts in the kernel; needs CAP_BPF and CAP_PERFMON",
		.open = ebpf_open,
		.record = ebpf_record,
		.attach = ebpf_attach,
		.close = ebpf_close,
	},
	{
		.name = "ptrace",
		.summary = "one stop per call; no privileges needed",
		.tells_writes = true,
		.open = ptrace_open,
		.record = ptrace_record,
	},
	{
		.name = "ptrace-syscall",
		.summary = "two stops per call; for workloads that enter strict mode",
		.tells_writes = true,
		.open = ptrace_open_syscall,
		.record = ptrace_record_syscall,
	},
};

const struct tracer_backend *tracer_backends(size_t *out_len)
{
	*out_len = ARRAY_LEN(BACKENDS);
	return BACKENDS;
}

static int open_one(const struct tracer_backend *backend, enum tracer_room room, struct tracer *out,
	struct err *e)
{
	void *state;

	if (backend->open(room, &state, e))
		return -e->code;
	*out = (struct tracer){.backend = backend, .state = state};
	return 0;
}

static int open_best(enum tracer_room room, struct tracer *out, char *out_why, struct err *e)
{
	struct err first = {0}, reason = {0};

	for (size_t i = 0; i < ARRAY_LEN(BACKENDS); i++) {
		if (!open_one(&BACKENDS[i], room, out, &reason)) {
			out->automatic = true;
			memcpy(out_why, first.text, sizeof(first.text));
			return 0;
		}
		if (!first.code)
			first = reason;
	}
	*e = reason;
	return -e->code;
}

int tracer_open(
	const char *name, enum tracer_room room, struct tracer *out, char *out_why, struct err *e)
{
	if (!strcmp(name, "auto"))
		return open_best(room, out, out_why, e);
	for (size_t i = 0; i < ARRAY_LEN(BACKENDS); i++) {
		if (strcmp(BACKENDS[i].name, name) != 0)
			continue;
		out_why[0] = '\0';
		return open_one(&BACKENDS[i], room, out, e);
	}
	return err_set(
		e, EINVAL, "unknown back end \"%s\": auto, ebpf, ptrace or ptrace-syscall", name);
}

void tracer_close(struct tracer *tracer)
{
	if (tracer->backend && tracer->backend->close)
		tracer->backend->close(tracer->state);
	*tracer = (struct tracer){0};
}

void tracer_tell_notifying(const struct tracer_job *job)
{
	notice_tell(&job->notice,
		"the workload supervises calls of its own through seccomp notification: calls that "
		"its supervisor refuses count as made, not as denied");
}
