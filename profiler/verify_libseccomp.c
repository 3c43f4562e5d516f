#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "scope.h"
#include "verify_parts.h"

enum {
	RUNC_TREE_ABOVE = 32, /* names; seccomp_linux.go: InitSeccomp() */
	COMPILE_MAX_S = 60,
};

static void release(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

static const enum scmp_compare OPS[OP_COUNT] = {
	[OP_NE] = SCMP_CMP_NE,
	[OP_LT] = SCMP_CMP_LT,
	[OP_LE] = SCMP_CMP_LE,
	[OP_EQ] = SCMP_CMP_EQ,
	[OP_GE] = SCMP_CMP_GE,
	[OP_GT] = SCMP_CMP_GT,
	[OP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
};

/* One rule of libseccomp's; codes: seccomp_rule_add(3). */
static int add_conds(scmp_filter_ctx ctx, const struct rule *rule, int nr,
	const struct condition *conds, size_t n_conds)
{
	struct scmp_arg_cmp args[SYSCALL_ARGS];

	for (size_t i = 0; i < n_conds; i++)
		args[i] = (struct scmp_arg_cmp){
			conds[i].index, OPS[conds[i].op], conds[i].value, conds[i].value_two};
	return seccomp_rule_add_array(ctx, rule->action, nr, (unsigned)n_conds, args);
}

static int add_name(scmp_filter_ctx ctx, const struct rule *rule, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR)
		return 0;
	if (!rule_repeats_an_index(rule))
		return add_conds(ctx, rule, nr, rule->conds, rule->n_conds);
	for (size_t i = 0; i < rule->n_conds; i++) {
		int code = add_conds(ctx, rule, nr, &rule->conds[i], 1);

		if (code)
			return code;
	}
	return 0;
}

static int add_rules(scmp_filter_ctx ctx, const struct profile *profile, struct err *e)
{
	for (size_t i = 0; i < profile->n_rules; i++) {
		const struct rule *rule = &profile->rules[i];

		if (rule->action == profile->default_action)
			continue;
		for (size_t j = 0; j < rule->n_names; j++) {
			int code = add_name(ctx, rule, rule->names[j]);

			if (code)
				return err_set(e, EPERM,
					"it refuses $.syscalls[%zu] for %s: %s; runc starts no "
					"container with it",
					i, rule->names[j], strerror(-code));
		}
	}
	return 0;
}

static int add_abis(scmp_filter_ctx ctx, const struct profile *profile, struct err *e)
{
	for (size_t i = 0; i < profile->n_abis; i++) {
		int code = seccomp_arch_add(ctx, profile->abis[i]->scmp_arch);

		if (code && code != -EEXIST)
			return err_set(e, EPERM,
				"it refuses $.architectures: %s: %s; runc starts no container with "
				"it",
				profile->abis[i]->oci, strerror(-code));
	}
	return 0;
}

static int export_filter(scmp_filter_ctx ctx, struct filter *out, struct err *e)
{
	scoped_fd int fd = memfd_create("libseccomp", MFD_CLOEXEC);
	scoped(filter_done) struct filter filter = {0};
	off_t size;
	int code;

	if (fd < 0)
		return err_sys(e, errno, "memfd_create");
	code = seccomp_export_bpf(ctx, fd);
	if (code)
		return err_set(e, EPERM, "it cannot compile the rules: %s", strerror(-code));
	size = lseek(fd, 0, SEEK_END);
	filter.len = (size_t)size / sizeof(*filter.insns);
	if (filter.len > FILTER_INSNS_MAX)
		return err_set(e, EPERM,
			"its program has %zu instructions, and the kernel takes %d", filter.len,
			FILTER_INSNS_MAX);
	filter.insns = malloc((size_t)size);
	if (!filter.insns)
		return err_nomem(e);
	if (pread(fd, filter.insns, (size_t)size, 0) != size)
		return err_sys(e, errno, "cannot read libseccomp's program");
	*out = filter;
	memset(&filter, 0, sizeof(filter)); /* it is the caller's now */
	return 0;
}

int libseccomp_compile(const struct profile *profile, bool tree, struct filter *out, struct err *e)
{
	scoped(release) scmp_filter_ctx ctx = NULL;

	if ((profile->default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
		return err_set(e, EPERM, "runc refuses SCMP_ACT_NOTIFY as $.defaultAction");
	ctx = seccomp_init(profile->default_action);
	if (!ctx)
		return err_set(e, EPERM, "it refuses $.defaultAction");
	/* Left at libseccomp's default: the action for other ABIs, KILL_THREAD. */
	if (tree && seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2))
		return err_set(e, EPERM, "this libseccomp has no binary tree");
	if (add_abis(ctx, profile, e) || add_rules(ctx, profile, e))
		return -e->code;
	return export_filter(ctx, out, e);
}

/* What the child that compiles sends: this, then the instructions. */
struct compiled {
	struct err e; /* code 0: none */
	size_t len;
};

static bool write_compiled(int fd, const struct compiled *compiled, const struct filter *filter)
{
	return !file_write_all(fd, compiled, sizeof(*compiled)) &&
	       !file_write_all(fd, filter->insns, compiled->len * sizeof(*filter->insns));
}

/* In the child. */
static _Noreturn void compile_and_send(const struct profile *profile, bool tree, int fd)
{
	struct compiled compiled = {0};
	struct filter filter = {0};

	(void)alarm(COMPILE_MAX_S);
	if (!libseccomp_compile(profile, tree, &filter, &compiled.e))
		compiled.len = filter.len;
	_exit(!write_compiled(fd, &compiled, &filter));
}

static bool read_exactly(int fd, void *out, size_t size)
{
	char *at = out;

	while (size > 0) {
		ssize_t got = read(fd, at, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		size -= (size_t)got;
	}
	return true;
}

static int receive(int fd, struct filter *out, struct err *e)
{
	struct compiled compiled;
	struct filter filter = {0};

	if (!read_exactly(fd, &compiled, sizeof(compiled)))
		return err_set(e, EPERM,
			"it crashed, or did not end within %d s, when it was given these rules",
			COMPILE_MAX_S);
	if (compiled.e.code) {
		*e = compiled.e;
		return -e->code;
	}
	filter.len = compiled.len;
	filter.insns = calloc(filter.len + 1, sizeof(*filter.insns));
	if (!filter.insns)
		return err_nomem(e);
	if (!read_exactly(fd, filter.insns, filter.len * sizeof(*filter.insns))) {
		filter_done(&filter);
		return err_set(e, EPIPE, "what libseccomp compiled did not arrive");
	}
	*out = filter;
	return 0;
}

/*
 * libseccomp_compile() in a child: releases have written beyond their memory when a filter got too
 * large (GHSA-2hqh-5c36-grrm), and profiles come from anywhere.
 */
static int compile_apart(
	const struct profile *profile, bool tree, struct filter *out, struct err *e)
{
	scoped_fd int from = -1, to = -1;
	int ends[2], code;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return err_sys(e, errno, "pipe");
	from = ends[0];
	to = ends[1];
	child = fork();
	if (child < 0)
		return err_sys(e, errno, "fork");
	if (child == 0)
		compile_and_send(profile, tree, to);
	(void)close(steal_fd(&to));
	code = receive(from, out, e);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	return code;
}

static size_t count_names(const struct profile *profile)
{
	size_t n = 0;

	for (size_t i = 0; i < profile->n_rules; i++)
		n += profile->rules[i].n_names;
	return n;
}

static int verify_one(const struct verify_subject *subject, const struct reading *written,
	bool tree, struct verify_report *out, struct err *e)
{
	const struct scmp_version *version = seccomp_version();
	scoped(filter_done) struct filter filter = {0};
	struct filters one = {&filter, 1};
	struct verify_report report = {0};
	struct err why;

	(void)snprintf(report.subject, sizeof(report.subject), "libseccomp %u.%u.%u%s",
		version->major, version->minor, version->micro, tree ? " (binary tree)" : "");
	if (compile_apart(subject->profile, tree, &filter, &why)) {
		if (why.code != EPERM) {
			*e = why;
			return -e->code;
		}
		report.answer = VERIFY_NONE;
		(void)snprintf(report.why, sizeof(report.why), "%s", why.text);
	} else if (verify_filters(subject, written, &one, &report, e)) {
		return -e->code;
	}
	*out = report;
	return 0;
}

int verify_libseccomp(
	const struct verify_subject *subject, struct verify_report *out, struct err *e)
{
	struct verify_report linear = {0}, tree = {0};
	scoped(reading_done) struct reading written = {0};
	bool both = count_names(subject->profile) > RUNC_TREE_ABOVE;

	if (reading_as_written(subject, &written, e) ||
		verify_one(subject, &written, false, &linear, e))
		return -e->code;
	if (both && linear.answer == VERIFY_EQUAL) {
		if (verify_one(subject, &written, true, &tree, e))
			return -e->code;
		if (tree.answer != VERIFY_EQUAL)
			linear = tree;
	}
	*out = linear;
	return 0;
}
