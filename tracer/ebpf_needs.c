#include "ebpf_needs.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caps.h"
#include "host.h"
#include "scope.h"

/* CAP_SYS_ADMIN stands for both: capabilities(7). */
static const char *missing_capability(void)
{
	bool admin = cap_is_effective(CAP_SYS_ADMIN);
	bool bpf = admin || cap_is_effective(CAP_BPF);
	bool perfmon = admin || cap_is_effective(CAP_PERFMON);

	if (bpf && perfmon)
		return NULL;
	return bpf ? "CAP_PERFMON" : perfmon ? "CAP_BPF" : "CAP_BPF and CAP_PERFMON";
}

int ebpf_needs_check(struct err *e)
{
	const char *missing = missing_capability();

	if (missing)
		return err_set(e, EPERM,
			"ebpf: needs %s: run as root, or give them with "
			"setpriv --inh-caps +bpf,+perfmon --ambient-caps +bpf,+perfmon",
			missing);
	if (access(EBPF_BTF_FILE, R_OK))
		return err_sys(e, errno,
			"ebpf: needs the types of the kernel, a kernel with "
			"CONFIG_DEBUG_INFO_BTF: " EBPF_BTF_FILE);
	return 0;
}

/* libbpf keeps a copy of them, and an index that is smaller. */
static bool has_room_for_types(void)
{
	struct stat st;
	size_t size = stat(EBPF_BTF_FILE, &st) ? 0 : 2 * (size_t)st.st_size;
	void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		return errno != ENOMEM;
	(void)munmap(room, size);
	return true;
}

int ebpf_needs_explain(int code, struct err *e)
{
	bool refused = code == EPERM || code == EACCES;

	if (refused && host_in_user_namespace() == HOST_YES)
		return err_set(e, code,
			"ebpf: in a user namespace capabilities do not count: run on the host, or "
			"in a container that is not rootless");
	if (code == EACCES)
		return err_sys(e, code,
			"ebpf: this kernel's verifier, or a security module, refuses the programs "
			"(if no module does, report it with uname -r)");
	if (refused)
		return err_sys(e, code, "ebpf: the kernel refuses the programs (lockdown?)");
	/* What libbpf says of types that it cannot read for whatever reason: btf.c,
	 * btf__load_vmlinux_btf(). */
	if (code == ESRCH && !has_room_for_types())
		return err_set(e, ENOMEM,
			"ebpf: no memory for the types of the kernel, " EBPF_BTF_FILE
			" (raise ulimit -v)");
	if (code == ENOMEM || code == E2BIG)
		return err_sys(e, code,
			"ebpf: no memory for the maps (before Linux 5.11: raise ulimit -l)");
	if (code == EMFILE || code == ENFILE)
		return err_sys(e, code, "ebpf: no descriptors for the programs (raise ulimit -n)");
	/* Without bpf_rdonly_cast() libbpf looks for it in modules, whose types only the
	 * administrator can list: bpf(2), BPF_BTF_GET_NEXT_ID. */
	return err_sys(e, code,
		"ebpf: this kernel cannot run the programs (Linux 5.17 or newer is needed%s)",
		cap_is_effective(CAP_SYS_ADMIN) ? "" : "; before 6.2 with CAP_SYS_ADMIN");
}

bool ebpf_has_vsyscall_event(void)
{
	/* A kernel that maps the page at all emulates it: arch/x86/entry/vsyscall. */
	scoped_file FILE *maps = fopen("/proc/self/maps", "re");
	char line[PATH_MAX];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "[vsyscall]"))
			return true;
	}
	return false;
}
