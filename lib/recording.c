#include "recording_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"
#include "scope.h"
#include "time_units.h"

enum { ID_BYTES = RECORDING_ID_LEN / 2, FIRST_ROOM = 16 };

static const char *const LOSS_NAMES[LOSS_WAYS] = {
	[LOSS_UNREADABLE] = "unreadable",
	[LOSS_UNTRACED] = "untraced",
	[LOSS_NO_MEMORY] = "no_memory",
	[LOSS_STRICT_REFUSED] = "strict_refused",
	[LOSS_INHERIT_FAILURES] = "inherit_failures",
	[LOSS_MAP_FULL] = "map_full",
	[LOSS_OUT_OF_RANGE] = "out_of_range",
	[LOSS_MISSED_RECURSION] = "missed_recursion",
	[LOSS_RING_FULL] = "ring_full",
	[LOSS_LATE_RETURNS] = "late_returns",
};

const char *loss_name(enum loss way)
{
	return LOSS_NAMES[way];
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t steady_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int rec_names_add(struct rec_names *names, const char *name)
{
	size_t n = names->n_names;
	scoped_free char *copy = NULL;

	if (n >= RECORDING_ARGV_MAX)
		return -E2BIG;
	copy = json_clean_text(name);
	if (!copy)
		return -ENOMEM;
	if ((n & (n - 1)) == 0) {
		char **grown = reallocarray(names->names, n ? 2 * n : 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		names->names = grown;
	}
	names->names[names->n_names++] = steal_ptr(copy);
	return 0;
}

int rec_names_append(struct rec_names *names, const struct rec_names *from)
{
	for (size_t i = 0; i < from->n_names; i++) {
		if (rec_names_add(names, from->names[i]))
			return -ENOMEM;
	}
	return 0;
}

void rec_names_done(struct rec_names *names)
{
	for (size_t i = 0; i < names->n_names; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct rec_names){0};
}

size_t rec_names_index(struct rec_names *names, const char *name)
{
	scoped_free char *clean = json_is_clean(name) ? NULL : json_clean_text(name);
	const char *wanted = clean ? clean : name;

	for (size_t i = 0; i < names->n_names; i++) {
		if (!strcmp(names->names[i], wanted))
			return i;
	}
	if (names->n_names >= RECORDING_NAMES_MAX || rec_names_add(names, wanted))
		return SIZE_MAX;
	return names->n_names - 1;
}

void rec_call_done(struct rec_call *call)
{
	bits_done(&call->sources);
	bits_done(&call->programs);
	rec_call_drop_seen(call);
	bits_done(&call->phases);
	if (call->args)
		rec_args_done(call->args);
	free(call->args);
}

const char *rec_call_name(const struct rec_call *call, char *buf)
{
	if (!syscall_name(call->abi, call->nr, buf))
		(void)snprintf(buf, SYSCALL_NAME_MAX, "#%" PRId32, (int32_t)call->nr);
	return buf;
}

const struct rec_args *rec_call_args(const struct rec_call *call)
{
	static const struct rec_args NOTHING;

	return call->args ? call->args : &NOTHING;
}

struct rec_args *rec_call_own_args(struct rec_call *call)
{
	if (!call->args)
		call->args = calloc(1, sizeof(*call->args));
	return call->args;
}

void recording_done(struct recording *rec)
{
	for (size_t i = 0; i < rec->n_calls; i++)
		rec_call_done(&rec->calls[i]);
	free(rec->calls);
	rec_origins_done(rec);
	free(rec->sources);
	rec_names_done(&rec->workload.argv);
	free(rec->workload.cwd);
	free(rec->host_kernel);
	free(rec->host_machine);
	free(rec->recorder_version);
	free(rec->recorder_backend);
	rec_names_done(&rec->phases);
	rec_names_done(&rec->programs);
	rec_names_done(&rec->mapped);
	*rec = (struct recording){0};
}

/* 128 random bits in hex. */
static int random_id(char id[RECORDING_ID_LEN + 1], struct err *e)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[ID_BYTES];

	/* Up to 256 bytes come whole, getrandom(2). */
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_sys(e, errno, "cannot make a random id: getrandom");
	for (size_t i = 0; i < ID_BYTES; i++) {
		id[2 * i] = digits[bytes[i] >> 4];
		id[2 * i + 1] = digits[bytes[i] & 15];
	}
	id[RECORDING_ID_LEN] = '\0';
	return 0;
}

int recording_init(struct recording *out, const char *backend, struct err *e)
{
	scoped(recording_done) struct recording rec = {.workload.status = -1};
	struct utsname host;

	if (uname(&host))
		return err_sys(e, errno, "cannot learn the host's names: uname");
	rec.sources = calloc(1, sizeof(*rec.sources));
	rec.workload.cwd = strdup("");
	rec.host_kernel = json_clean_text(host.release);
	rec.host_machine = json_clean_text(host.machine);
	rec.recorder_version = strdup(SYSCLAMP_VERSION);
	rec.recorder_backend = json_clean_text(backend);
	if (!rec.sources || !rec.workload.cwd || !rec.host_kernel || !rec.host_machine ||
		!rec.recorder_version || !rec.recorder_backend)
		return err_nomem(e);
	if (random_id(rec.sources[0].id, e))
		return -e->code;
	rec.n_sources = 1;
	recording_settle(&rec);
	*out = rec;
	rec = (struct recording){0};
	return 0;
}

int recording_set_running(struct recording *rec, char *const *argv, const char *cwd, struct err *e)
{
	scoped(rec_names_done) struct rec_names words = {0};
	scoped_free char *clean_cwd = json_clean_text(cwd);

	if (!clean_cwd)
		return err_nomem(e);
	for (; *argv; argv++) {
		if (rec_names_add(&words, *argv))
			return err_nomem(e);
	}
	rec_names_done(&rec->workload.argv);
	free(rec->workload.cwd);
	rec->workload.argv = words;
	rec->workload.cwd = steal_ptr(clean_cwd);
	rec->workload.started_ns = now_ns();
	words = (struct rec_names){0};
	return 0;
}

int recording_set_workload(struct recording *rec, char *const *argv, struct err *e)
{
	scoped_free char *cwd = getcwd(NULL, 0);

	/* "(unreachable)/..." is what the system call answers for a directory outside the root. */
	return recording_set_running(rec, argv, cwd && *cwd == '/' ? cwd : "", e);
}

void recording_end(struct recording *rec, int status)
{
	rec->workload.ended_ns = now_ns();
	rec->workload.status = status;
	rec->sources[0].complete = recording_losses(rec) == 0;
	recording_settle(rec);
}

uint64_t recording_losses(const struct recording *rec)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < LOSS_WAYS; i++) {
		if (__builtin_add_overflow(sum, rec->loss[i], &sum))
			return UINT64_MAX;
	}
	return sum;
}

int rec_number_compare(
	const struct abi *a_abi, uint32_t a_nr, const struct abi *b_abi, uint32_t b_nr)
{
	if (a_abi != b_abi)
		return a_abi < b_abi ? -1 : 1;
	return a_nr < b_nr ? -1 : a_nr > b_nr;
}

int rec_call_compare(const void *a, const void *b)
{
	const struct rec_call *x = a, *y = b;

	return rec_number_compare(x->abi, x->nr, y->abi, y->nr);
}

/* The index of the first call that is not before @wanted. */
static size_t call_position(const struct recording *rec, const struct rec_call *wanted)
{
	size_t low = 0, high = rec->n_calls;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rec_call_compare(&rec->calls[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct rec_call *recording_find(
	const struct recording *rec, const struct abi *abi, uint32_t nr)
{
	struct rec_call wanted = {.abi = abi, .nr = nr};
	size_t at = call_position(rec, &wanted);

	if (at < rec->n_calls && !rec_call_compare(&rec->calls[at], &wanted))
		return &rec->calls[at];
	return NULL;
}

/* Put @call, whose contents are given away, at index @at. */
static int insert_call(struct recording *rec, size_t at, const struct rec_call *call)
{
	if (rec->n_calls >= RECORDING_CALLS_MAX)
		return -E2BIG;
	if (rec->n_calls == rec->room_calls) {
		size_t room = rec->room_calls ? 2 * rec->room_calls : FIRST_ROOM;
		struct rec_call *grown = reallocarray(rec->calls, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		rec->calls = grown;
		rec->room_calls = room;
	}
	memmove(rec->calls + at + 1, rec->calls + at, (rec->n_calls - at) * sizeof(*call));
	rec->calls[at] = *call;
	rec->n_calls++;
	return 0;
}

struct rec_call *recording_call(struct recording *rec, const struct abi *abi, uint32_t nr)
{
	struct rec_call call = {.abi = abi, .nr = nr};
	size_t at = call_position(rec, &call);

	if (at < rec->n_calls && !rec_call_compare(&rec->calls[at], &call))
		return &rec->calls[at];
	if (bits_add(&call.sources, 0) || insert_call(rec, at, &call)) {
		rec_call_done(&call);
		rec->loss[LOSS_NO_MEMORY]++;
		return NULL;
	}
	return &rec->calls[at];
}

/* The first half of the SHA-256 of the sources' ids, a line each. */
static void hash_sources(struct recording *rec)
{
	char hex[HASH_HEX_LEN + 1];
	struct hash hash;

	hash_init(&hash);
	for (size_t i = 0; i < rec->n_sources; i++) {
		hash_add(&hash, rec->sources[i].id, RECORDING_ID_LEN);
		hash_add(&hash, "\n", 1);
	}
	hash_finish(&hash, hex);
	memcpy(rec->id, hex, RECORDING_ID_LEN);
	rec->id[RECORDING_ID_LEN] = '\0';
}

void recording_settle(struct recording *rec)
{
	rec->seq = 0;
	rec->complete = rec->n_sources > 0 && recording_losses(rec) == 0;
	for (size_t i = 0; i < rec->n_sources; i++) {
		if (rec->sources[i].seq > rec->seq)
			rec->seq = rec->sources[i].seq;
		rec->complete = rec->complete && rec->sources[i].complete;
	}
	if (rec->n_sources == 1)
		memcpy(rec->id, rec->sources[0].id, sizeof(rec->id));
	else
		hash_sources(rec);
}
