/* What is said of a kernel that refuses the programs, by errno. */
#include "ebpf_needs.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "caps.h"
#include "host.h"
#include "scope.h"
#include "tap.h"

static const struct {
	int code;
	const char *said;
} ROWS[] = {
	{EPERM, "lockdown"},
	{EACCES, "uname -r"}, /* no privilege helps: the verifier's answer, bpf(2) */
	{ENOMEM, "no memory for the maps"},
	{EMFILE, "ulimit -n"},
	{EINVAL, "Linux 5.17 or newer"},
};

/* Of a process with other capabilities. */
static void check_without_admin(void *arg)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	struct err e = {0};

	(void)arg;
	if (syscall(SYS_capset, &header, none))
		_exit(2);
	(void)ebpf_needs_explain(EINVAL, &e);
	_exit(!strstr(e.text, "before 6.2 with CAP_SYS_ADMIN"));
}

int main(void)
{
	ok(!tap_child(check_without_admin, NULL),
		"who is no administrator is told from when on that does");
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		bool inside = host_in_user_namespace() == HOST_YES &&
			      (ROWS[i].code == EPERM || ROWS[i].code == EACCES);
		struct err e = {0};
		int code = ebpf_needs_explain(ROWS[i].code, &e);

		ok(code == -ROWS[i].code && e.code == ROWS[i].code &&
				strstr(e.text, inside ? "user namespace" : ROWS[i].said) &&
				!strchr(e.text, '\n'),
			"%s: %s", strerror(ROWS[i].code), e.text);
	}
	return tap_done();
}
