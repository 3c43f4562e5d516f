#include "num.h"

#include <errno.h>
#include <string.h>

#include "scope.h"
#include "time_units.h"

enum { ERRNO_MAX = 4095, ERRNO_NAMED_MAX = 255, PID_MAX = 4194304, HEX_DIGITS_MAX = 16 };

int num_parse(const char *text, uint64_t max, uint64_t *out_value)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t value = 0;

	if (digits == 0 || text[digits])
		return -EINVAL;
	for (const char *c = text; *c; c++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*c - '0'), &value) || value > max)
			return -ERANGE;
	}
	*out_value = value;
	return 0;
}

int num_parse_hex(const char *text, uint64_t *out_value)
{
	static const char digits[] = "0123456789abcdef";
	const char *first = text + 2;
	size_t len;
	uint64_t value = 0;

	if (strncmp(text, "0x", 2) != 0)
		return -EINVAL;
	len = strspn(first, digits);
	if (len == 0 || len > HEX_DIGITS_MAX || first[len] || (*first == '0' && len > 1))
		return -EINVAL;
	for (const char *c = first; *c; c++)
		value = value << 4 | (uint64_t)(strchr(digits, *c) - digits);
	*out_value = value;
	return 0;
}

int num_parse_pid(const char *text, pid_t *out_pid)
{
	uint64_t number;

	if (num_parse(text, PID_MAX, &number) || number == 0)
		return -EINVAL;
	*out_pid = (pid_t)number;
	return 0;
}

int num_parse_duration(const char *text, uint64_t *out_ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} UNITS[] = {
		{"", NS_PER_S},
		{"s", NS_PER_S},
		{"ms", NS_PER_MS},
		{"m", 60 * NS_PER_S},
		{"h", 3600 * NS_PER_S},
		{"d", 86400 * NS_PER_S},
	};
	size_t digits = strspn(text, "0123456789");
	char number[24];
	uint64_t value;

	if (digits >= sizeof(number))
		return -ERANGE;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (num_parse(number, UINT64_MAX, &value))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(UNITS); i++) {
		if (!strcmp(UNITS[i].unit, text + digits))
			return __builtin_mul_overflow(value, UNITS[i].ns, out_ns) ? -ERANGE : 0;
	}
	return -EINVAL;
}

/* Second names of errno(3), which strerrorname_np(3) does not answer. */
static const struct {
	const char *name;
	int nr;
} ERRNO_ALIASES[] = {
	{"EWOULDBLOCK", EWOULDBLOCK},
	{"EDEADLOCK", EDEADLOCK},
	{"ENOTSUP", ENOTSUP},
	{"EOPNOTSUPP", EOPNOTSUPP},
};

int num_parse_errno(const char *text, uint16_t *out_errno)
{
	uint64_t number;

	for (size_t i = 0; i < ARRAY_LEN(ERRNO_ALIASES); i++) {
		if (!strcasecmp(ERRNO_ALIASES[i].name, text)) {
			*out_errno = (uint16_t)ERRNO_ALIASES[i].nr;
			return 0;
		}
	}
	for (int nr = 1; nr <= ERRNO_NAMED_MAX; nr++) {
		const char *name = strerrorname_np(nr);

		if (name && !strcasecmp(name, text)) {
			*out_errno = (uint16_t)nr;
			return 0;
		}
	}
	if (num_parse(text, ERRNO_MAX, &number) || number == 0)
		return -EINVAL;
	*out_errno = (uint16_t)number;
	return 0;
}
