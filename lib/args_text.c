#include "args_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Whence the names of arg_names.tsv.  Of two headers that cannot be together it is the kernel's:
 * <fcntl.h> has an O_LARGEFILE of 0. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <asm/termbits.h>
#ifdef __x86_64__
#include <asm/prctl.h>
#endif
#include <linux/bpf.h>
#include <linux/close_range.h>
#include <linux/eventpoll.h>
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/ipc.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <linux/membarrier.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <linux/stat.h>
#include <linux/wait.h>

#include "args.h"
#include "scope.h"

enum {
	ALWAYS = -1,
	SMALL_MAX = 4095, /* the largest number that stands in decimal, and the largest errno */
	KEY_MAX = SYSCALL_NAME_MAX + 8,
};

struct arg_name {
	char name[56]; /* in place: see struct arg_row */
	uint32_t value;
};

/* One row of arg_names.tsv. */
struct arg_group {
	const char *uses; /* " socket:0 socketpair:0 " */
	int8_t when; /* the argument on which it depends whether the row applies, or ALWAYS */
	uint32_t when_value;
	uint32_t mask; /* of the value that is a name; 0: the names are bits */
	const struct arg_name *names; /* ended by one without a name */
};

/* One row of arg_counts.tsv. */
struct arg_count {
	const char *calls; /* " read write " */
	uint8_t count;
};

#include "arg_names.inc"

/* One row of arg_texts.tsv: those whose argument @index is a text. */
struct arg_text {
	uint8_t index;
	const char *calls; /* " open access " */
};

#include "arg_texts.inc"

/* A text that grows in the caller's storage, and is cut where that ends. */
struct line {
	char *out;
	size_t size, len;
};

static void put(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct line *line, const char *format, ...)
{
	size_t left = line->size - line->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->out + line->len, left, format, args);
	va_end(args);
	if (n > 0)
		line->len += (size_t)n < left ? (size_t)n : left - 1;
}

/* What is being said of one argument. */
struct speech {
	struct line *line;
	const char *lead; /* in front of the next part: "", then "|" */
	uint64_t rest; /* what nothing has been said of */
};

static void say(struct speech *speech, const char *name, uint32_t value)
{
	put(speech->line, "%s%s", speech->lead, name);
	speech->lead = "|";
	speech->rest &= ~(uint64_t)value;
}

/* @word stands between spaces in @list. */
static bool is_listed(const char *list, const char *word)
{
	char key[KEY_MAX + 2];

	(void)snprintf(key, sizeof(key), " %s ", word);
	return strstr(list, key);
}

static bool group_is_of(const struct arg_group *group, const char *call, unsigned index)
{
	char use[KEY_MAX];

	(void)snprintf(use, sizeof(use), "%s:%u", call, index);
	return is_listed(group->uses, use);
}

/* Whether what the group depends on is so. */
static bool group_applies(
	const struct arg_group *group, const uint64_t values[SYSCALL_ARGS], unsigned known)
{
	return group->when == ALWAYS ||
	       ((known >> group->when & 1) && (uint32_t)values[group->when] == group->when_value);
}

/* The one name of what is under the mask. */
static void say_value(struct speech *speech, const struct arg_group *group, uint64_t value)
{
	uint64_t part = group->mask == UINT32_MAX ? value : value & group->mask;

	for (const struct arg_name *name = group->names; *name->name; name++) {
		if (name->value == part) {
			say(speech, name->name, name->value);
			return;
		}
	}
}

static void say_bits(struct speech *speech, const struct arg_group *group, uint64_t value)
{
	for (const struct arg_name *name = group->names; *name->name; name++) {
		if (name->value ? (speech->rest & name->value) == name->value : value == 0)
			say(speech, name->name, name->value);
	}
}

/* Whether the headers that were compiled in tell the truth about @abi. */
static bool has_names(const struct abi *abi)
{
	bool is_x86 = !strcmp(abi->name, "i386") || abi_is_x32(abi);

	return abi == abi_native() || (is_x86 && !strcmp(abi_native()->name, "x86_64"));
}

/* The width of an argument; one with names is an int unless the table of args.h knows better. */
static unsigned bits_of(const struct abi *abi, const char *call, unsigned index)
{
	const struct arg_row *rows = NULL;
	size_t n = args_of_call(abi, call, &rows);

	if (abi->bits32)
		return 32;
	for (size_t i = 0; i < n; i++) {
		if (rows[i].index == index)
			return rows[i].bits;
	}
	for (size_t i = 0; i < ARRAY_LEN(GROUPS); i++) {
		if (group_is_of(&GROUPS[i], call, index))
			return 32;
	}
	return 64;
}

/* -1 as an int is 0xffffffff in most registers, and as a long 64 bits of ones. */
static bool is_small_negative(uint64_t value)
{
	return (value >> 32 == 0 || value >> 32 == UINT32_MAX) &&
	       (uint32_t)value >= (uint32_t)-SMALL_MAX;
}

static void put_number(struct line *line, uint64_t value)
{
	if (value <= SMALL_MAX)
		put(line, "%" PRIu64, value);
	else if (is_small_negative(value))
		put(line, "%" PRId32, (int32_t)(uint32_t)value);
	else
		put(line, "0x%" PRIx64, value);
}

static void put_arg(struct line *line, const struct abi *abi, const char *call, unsigned index,
	const uint64_t values[SYSCALL_ARGS], unsigned known)
{
	uint64_t value = arg_cut(values[index], bits_of(abi, call, index));
	struct speech speech = {.line = line, .lead = "", .rest = value};

	for (size_t i = 0; has_names(abi) && i < ARRAY_LEN(GROUPS); i++) {
		const struct arg_group *group = &GROUPS[i];

		if (!group_is_of(group, call, index) || !group_applies(group, values, known))
			continue;
		if (group->mask)
			say_value(&speech, group, value);
		else
			say_bits(&speech, group, value);
	}
	if (!*speech.lead)
		put_number(line, value);
	else if (speech.rest)
		put(line, "|0x%" PRIx64, speech.rest);
}

const char *args_text_among(const struct abi *abi, const char *call, unsigned index,
	const uint64_t values[SYSCALL_ARGS], unsigned known, char *out, size_t size)
{
	struct line line = {.out = out, .size = size};

	*out = '\0';
	put_arg(&line, abi, call, index, values, known);
	return out;
}

const char *args_text(const struct abi *abi, const char *call, unsigned index, uint64_t value,
	char *out, size_t size)
{
	uint64_t values[SYSCALL_ARGS] = {0};

	values[index] = value;
	return args_text_among(abi, call, index, values, 1u << index, out, size);
}

unsigned args_texts(const char *call)
{
	unsigned texts = 0;

	for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
		if (is_listed(TEXTS[i].calls, call))
			texts |= 1u << TEXTS[i].index;
	}
	return texts;
}

/* Behind the last argument of which anything is known. */
static unsigned count_named(const struct abi *abi, const char *call)
{
	const struct arg_row *rows = NULL;
	size_t n = args_of_call(abi, call, &rows);
	unsigned count = n ? rows[n - 1].index + 1u : 0;

	for (unsigned index = count; index < SYSCALL_ARGS; index++) {
		if (args_texts(call) >> index & 1)
			count = index + 1;
		for (size_t i = 0; i < ARRAY_LEN(GROUPS); i++) {
			if (group_is_of(&GROUPS[i], call, index))
				count = index + 1;
		}
	}
	return count;
}

/* Whether it is known how many arguments the call has. */
static bool count_find(const struct abi *abi, const char *call, unsigned *out_count)
{
	/* A 64-bit number takes two registers of 32 bits. */
	for (size_t i = 0; !abi->bits32 && i < ARRAY_LEN(COUNTS); i++) {
		if (is_listed(COUNTS[i].calls, call)) {
			*out_count = COUNTS[i].count;
			return true;
		}
	}
	return false;
}

const char *args_text_call_with(const struct abi *abi, const char *call,
	const uint64_t values[SYSCALL_ARGS], const char *const strings[SYSCALL_ARGS], char *out,
	size_t size)
{
	struct line line = {.out = out, .size = size};
	unsigned count;
	bool is_known = count_find(abi, call, &count);

	if (!is_known)
		count = count_named(abi, call);
	*out = '\0';
	put(&line, "%s(", call);
	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			put(&line, ", ");
		if (strings[i])
			put(&line, "\"%s\"", strings[i]);
		else
			put_arg(&line, abi, call, i, values, (1u << SYSCALL_ARGS) - 1);
	}
	put(&line, "%s)", is_known ? "" : count ? ", ..." : "...");
	return out;
}

const char *args_text_call(const struct abi *abi, const char *call,
	const uint64_t values[SYSCALL_ARGS], char *out, size_t size)
{
	static const char *const NONE[SYSCALL_ARGS];

	return args_text_call_with(abi, call, values, NONE, out, size);
}
