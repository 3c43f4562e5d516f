#include "flatten.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "caps.h"
#include "nearest.h"
#include "num.h"
#include "scope.h"
#include "syscalls.h"

#define BIT(cap) (1ull << (cap))

/* containers/common, pkg/config/containers.conf, default_capabilities (0.50). */
#define CAPS_PODMAN                                                                                \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |              \
		BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SETFCAP) | BIT(CAP_SETGID) |   \
		BIT(CAP_SETPCAP) | BIT(CAP_SETUID) | BIT(CAP_SYS_CHROOT))

/* moby, oci/caps/defaults.go (1086671); containerd, oci/spec.go, defaultUnixCaps(). */
#define CAPS_DOCKER (CAPS_PODMAN | BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) | BIT(CAP_AUDIT_WRITE))

static const struct cap_set {
	const char *name;
	uint64_t caps;
} CAP_SETS[] = {
	{"none", 0},
	{"all", BIT(CAP_LAST_CAP + 1) - 1},
	{"default", CAPS_DOCKER},
	{"podman", CAPS_PODMAN},
};

/* A name as a person writes it. */
static bool is_cap(const char *cap, const char *word)
{
	return !strcasecmp(cap, word) || !strcasecmp(cap + strlen("CAP_"), word);
}

static int cap_word_parse(const char *word, uint64_t *caps, struct err *e)
{
	struct nearest nearest = nearest_to(word);
	char hint[128];

	for (size_t i = 0; i < ARRAY_LEN(CAP_SETS); i++) {
		if (!strcasecmp(CAP_SETS[i].name, word)) {
			*caps |= CAP_SETS[i].caps;
			return 0;
		}
		nearest_offer(&nearest, CAP_SETS[i].name);
	}
	for (unsigned cap = 0; cap_name(cap); cap++) {
		if (is_cap(cap_name(cap), word)) {
			*caps |= BIT(cap);
			return 0;
		}
		nearest_offer(&nearest, cap_name(cap));
		nearest_offer(&nearest, cap_name(cap) + strlen("CAP_"));
	}
	return err_set(e, EINVAL,
		"\"%s\" is neither a capability nor one of none, all, default, podman%s", word,
		nearest_hint(&nearest, hint, sizeof(hint)));
}

int flatten_caps_parse(const char *list, uint64_t *out_caps, struct err *e)
{
	scoped_free char *words = strdup(list);
	char *rest = words;
	uint64_t caps = 0;

	if (!words)
		return err_nomem(e);
	do {
		if (cap_word_parse(strsep(&rest, ","), &caps, e))
			return -e->code;
	} while (rest);
	*out_caps = caps;
	return 0;
}

/*
 * What Docker's files call an architecture is what libseccomp-golang does (seccomp.go,
 * ScmpArch.String()); Go's own name (GOARCH) where that is another.
 */
static const struct machine {
	const char *abi, *arch, *go;
	bool podman_maps;
} MACHINES[] = {
	{"x86_64", "amd64", "amd64", true},
	{"i386", "x86", "386", false},
	{"x32", "x32", "x32", false},
	{"aarch64", "arm64", "arm64", true},
	{"arm", "arm", "arm", false},
	{"riscv64", "riscv64", "riscv64", false},
	{"ppc64le", "ppc64le", "ppc64le", false},
	{"ppc64", "ppc64", "ppc64", false},
	{"ppc", "ppc", "ppc", false},
	{"s390x", "s390x", "s390x", true},
	{"s390", "s390", "s390", false},
	{"mips", "mips", "mips", false},
	{"mipsel", "mipsel", "mipsle", false},
	{"mips64", "mips64", "mips64", true},
	{"mipsel64", "mipsel64", "mips64le", true},
	{"mips64n32", "mips64n32", "mips64p32", true},
	{"mipsel64n32", "mipsel64n32", "mips64p32le", true},
};

static const struct machine *machine_of(const struct abi *abi)
{
	for (size_t i = 0; i < ARRAY_LEN(MACHINES); i++) {
		if (!strcmp(MACHINES[i].abi, abi->name))
			return &MACHINES[i];
	}
	return NULL;
}

const char *flatten_arch_name(const struct abi *abi)
{
	const struct machine *machine = machine_of(abi);

	return machine ? machine->arch : abi->name;
}

bool flatten_podman_maps(const struct abi *abi)
{
	const struct machine *machine = machine_of(abi);

	return machine && machine->podman_maps;
}

int flatten_abi_parse(const char *name, const struct abi **out_abi, struct err *e)
{
	const struct abi *abi = abi_by_name(name);
	struct nearest nearest = nearest_to(name);
	char hint[128];

	if (!abi)
		abi = abi_by_oci(name);
	for (size_t i = 0; i < ARRAY_LEN(MACHINES) && !abi; i++) {
		if (!strcmp(MACHINES[i].arch, name) || !strcmp(MACHINES[i].go, name))
			abi = abi_by_name(MACHINES[i].abi);
		nearest_offer(&nearest, MACHINES[i].abi);
		nearest_offer(&nearest, MACHINES[i].arch);
	}
	if (!abi)
		return err_set(e, EINVAL,
			"\"%s\" is no architecture known here, such as x86_64 or amd64%s", name,
			nearest_hint(&nearest, hint, sizeof(hint)));
	*out_abi = abi;
	return 0;
}

/* A number 0...255 at *@text, which is moved behind it. */
static bool take_number(const char **text, unsigned *out_number)
{
	enum { DIGITS_MAX = 3 };
	size_t digits = strspn(*text, "0123456789");
	char word[DIGITS_MAX + 1] = {0};
	uint64_t number;

	if (digits > DIGITS_MAX)
		return false;
	memcpy(word, *text, digits);
	if (num_parse(word, UINT8_MAX, &number))
		return false;
	*out_number = (unsigned)number;
	*text += digits;
	return true;
}

int flatten_kernel_parse(const char *text, struct kernel_version *out, struct err *e)
{
	struct kernel_version kernel = {0};
	const char *at = text;

	if (!take_number(&at, &kernel.version) || *at++ != '.' ||
		!take_number(&at, &kernel.major) || (*at && !strchr(".-+_~", *at)))
		return err_set(e, EINVAL,
			"\"%s\" is no kernel version; write the first two numbers, such as 6.1",
			text);
	*out = kernel;
	return 0;
}
