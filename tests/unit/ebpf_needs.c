/* What is said of a kernel that refuses the programs, by errno. */
#include "ebpf_needs.h"

#include <errno.h>
#include <string.h>

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

int main(void)
{
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
