#include "tracer.h"

#include <errno.h>
#include <string.h>

#include "ptrace.h"
#include "scope.h"

/* The eBPF recorder is not written yet; its row keeps its name and its place before ptrace. */
static int ebpf_probe(struct err *e)
{
	return err_set(e, ENOSYS, "ebpf: not in this version");
}

static const struct tracer_backend BACKENDS[] = {
	{"ebpf", "kernel-side counters (not in this version)", ebpf_probe, NULL},
	{"ptrace", "one stop per call; no privileges needed", ptrace_probe, ptrace_record},
	{"ptrace-syscall", "two stops per call; for workloads that enter strict mode", ptrace_probe,
		ptrace_record_syscall},
};

const struct tracer_backend *tracer_backends(size_t *out_len)
{
	*out_len = ARRAY_LEN(BACKENDS);
	return BACKENDS;
}

static int choose_best(const struct tracer_backend **out_backend, char *out_why, struct err *e)
{
	struct err first = {0}, reason = {0};

	for (size_t i = 0; i < ARRAY_LEN(BACKENDS); i++) {
		if (!BACKENDS[i].probe(&reason)) {
			*out_backend = &BACKENDS[i];
			memcpy(out_why, first.text, sizeof(first.text));
			return 0;
		}
		if (!first.code)
			first = reason;
	}
	*e = reason;
	return -e->code;
}

int tracer_choose(
	const char *name, const struct tracer_backend **out_backend, char *out_why, struct err *e)
{
	if (!strcmp(name, "auto"))
		return choose_best(out_backend, out_why, e);
	for (size_t i = 0; i < ARRAY_LEN(BACKENDS); i++) {
		if (strcmp(BACKENDS[i].name, name) != 0)
			continue;
		if (BACKENDS[i].probe(e))
			return -e->code;
		*out_backend = &BACKENDS[i];
		out_why[0] = '\0';
		return 0;
	}
	return err_set(
		e, EINVAL, "unknown back end \"%s\": auto, ebpf, ptrace or ptrace-syscall", name);
}
