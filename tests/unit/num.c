#include <errno.h>
#include <inttypes.h>

#include "num.h"
#include "scope.h"
#include "tap.h"

static const struct {
	const char *text;
	uint64_t max;
	int code;
	uint64_t value;
} NUMBERS[] = {
	{"0", UINT64_MAX, 0, 0},
	{"007", UINT64_MAX, 0, 7},
	{"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
	{"18446744073709551616", UINT64_MAX, -ERANGE, 0},
	{"99999999999999999999999999", UINT64_MAX, -ERANGE, 0},
	{"4095", 4095, 0, 4095},
	{"4096", 4095, -ERANGE, 0},
	{"1", 0, -ERANGE, 0},
	{"", 10, -EINVAL, 0},
	{" 1", 10, -EINVAL, 0},
	{"1 ", 10, -EINVAL, 0},
	{"+1", 10, -EINVAL, 0},
	{"-1", 10, -EINVAL, 0},
	{"0x1", 10, -EINVAL, 0},
	{"1e3", 10, -EINVAL, 0},
	{"1.0", 10, -EINVAL, 0},
	{"1\t", 10, -EINVAL, 0},
	{"99999999999999999999999999x", UINT64_MAX, -EINVAL, 0},
};

static const struct {
	const char *text;
	int code;
	uint64_t value;
} HEX[] = {
	{"0x0", 0, 0},
	{"0xffffffffffffffff", 0, UINT64_MAX},
	{"0x1a", 0, 26},
	{"0x1ffffffffffffffff", -EINVAL, 0},
	{"0x01", -EINVAL, 0},
	{"0x", -EINVAL, 0},
	{"0x1A", -EINVAL, 0},
	{"0X1", -EINVAL, 0},
	{"1", -EINVAL, 0},
	{"", -EINVAL, 0},
	{"0", -EINVAL, 0},
	{" 0x1", -EINVAL, 0},
	{"0x1 ", -EINVAL, 0},
};

static void test_hex(void)
{
	for (size_t i = 0; i < ARRAY_LEN(HEX); i++) {
		uint64_t value = 42;
		int code = num_parse_hex(HEX[i].text, &value);

		ok(code == HEX[i].code && value == (code ? 42 : HEX[i].value),
			"\"%s\" in hex answers %d", HEX[i].text, HEX[i].code);
	}
}

static void test_numbers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++) {
		uint64_t value = 42;
		int code = num_parse(NUMBERS[i].text, NUMBERS[i].max, &value);

		ok(code == NUMBERS[i].code, "\"%s\" up to %" PRIu64 " answers %d", NUMBERS[i].text,
			NUMBERS[i].max, NUMBERS[i].code);
		ok(value == (code ? 42 : NUMBERS[i].value), "and %s",
			code ? "leaves the output alone" : "the value is right");
	}
}

static const struct {
	const char *text;
	int code;
	uint16_t value;
} ERRNOS[] = {
	{"EPERM", 0, 1},
	{"eperm", 0, 1},
	{"ENOSYS", 0, 38},
	{"EHWPOISON", 0, 133},
	{"EAGAIN", 0, 11},
	{"EWOULDBLOCK", 0, 11},
	{"EDEADLOCK", 0, 35},
	{"ENOTSUP", 0, 95},
	{"EOPNOTSUPP", 0, 95},
	{"1", 0, 1},
	{"4095", 0, 4095},
	{"4096", -EINVAL, 0},
	{"0", -EINVAL, 0},
	{"-1", -EINVAL, 0},
	{"", -EINVAL, 0},
	{"PERM", -EINVAL, 0},
	{"EPERM ", -EINVAL, 0},
	{"ENOSUCH", -EINVAL, 0},
};

static void test_errnos(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ERRNOS); i++) {
		uint16_t value = 42;
		int code = num_parse_errno(ERRNOS[i].text, &value);

		ok(code == ERRNOS[i].code && value == (code ? 42 : ERRNOS[i].value),
			"errno \"%s\" is %d", ERRNOS[i].text,
			ERRNOS[i].code ? ERRNOS[i].code : ERRNOS[i].value);
	}
}

static void test_every_errno(void)
{
	int wrong = 0, named = 0;

	for (int nr = 1; nr <= 4095; nr++) {
		const char *name = strerrorname_np(nr);
		uint16_t value;

		if (!name)
			continue;
		named++;
		wrong += num_parse_errno(name, &value) != 0 || value != nr;
	}
	ok(named > 100 && wrong == 0, "every name that libc knows is read as its number");
}

static void test_pids(void)
{
	static const struct {
		const char *text;
		pid_t pid; /* 0: refused */
	} PIDS[] = {{"1", 1}, {"4194304", 4194304}, {"4194305", 0}, {"0", 0}, {"-1", 0}, {"", 0}};

	for (size_t i = 0; i < ARRAY_LEN(PIDS); i++) {
		pid_t pid = 0;
		int code = num_parse_pid(PIDS[i].text, &pid);

		ok(code == (PIDS[i].pid ? 0 : -EINVAL) && pid == PIDS[i].pid,
			"\"%s\" is %s process ID", PIDS[i].text, PIDS[i].pid ? "a" : "no");
	}
}

int main(void)
{
	test_numbers();
	test_hex();
	test_pids();
	test_errnos();
	test_every_errno();
	return tap_done();
}
