/*
 * recordings.h: recordings for tests, the same ones on every machine.
 *
 * There are a few sources, and each has states 1...RECORDINGS_STATES, as files refreshed in the
 * course of one run: a later state has seen all that an earlier one has.
 */
#ifndef SYSCLAMP_RECORDINGS_H
#define SYSCLAMP_RECORDINGS_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording_parts.h"
#include "scope.h"

enum { RECORDINGS_STATES = 4, RECORDINGS_EVENTS = 12 };

/* A pseudo-random number below @limit (Knuth's MMIX constants). */
static inline uint32_t draw(uint64_t *seed, uint32_t limit)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33) % limit;
}

static inline void set_text(char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
}

/* Give a recording of one source another id and seq. */
static inline void set_source(struct recording *rec, const char *id, uint64_t seq)
{
	snprintf(rec->sources[0].id, sizeof(rec->sources[0].id), "%.*s", RECORDING_ID_LEN, id);
	rec->sources[0].seq = seq;
	recording_settle(rec);
}

/* What a recorder looks at in call @nr: two versions agree about the even numbers. */
static inline size_t rows_of(
	unsigned version, const struct rec_call *call, struct arg_row rows[ARGS_PER_CALL_MAX])
{
	static const struct arg_row all[] = {{.index = 0, .bits = 32}, {.index = 1, .bits = 64},
		{.index = 3, .bits = 32}, {.index = 5, .bits = 64}};
	static const unsigned sets[] = {0, 1, 3, 7, 14, 10, 13, 11};
	unsigned set = sets[(call->nr + (call->nr % 2 ? version : 0)) % ARRAY_LEN(sets)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (set >> i & 1) {
			rows[n] = all[i];
			if (call->abi->bits32)
				rows[n].bits = 32;
			n++;
		}
	}
	return n;
}

/* A few of arguments that take few values, or many of one that takes many. */
static inline void note_args(struct rec_call *call, uint64_t *seed, unsigned version)
{
	struct arg_row rows[ARGS_PER_CALL_MAX];
	size_t n = rows_of(version, call, rows);

	for (uint32_t times = 1 + draw(seed, 12); times > 0; times--) {
		uint64_t values[ARGS_PER_CALL_MAX];

		for (size_t i = 0; i < n; i++)
			values[i] = draw(seed, i == 1 ? 60 : 4) | (uint64_t)draw(seed, 2) << 40;
		if (draw(seed, 300))
			rec_args_add(rec_call_own_args(call), rows, n, values);
		else
			rec_args_many(rec_call_own_args(call), rows, n);
	}
}

/* Times that are often the same, and not in order; programs and phases are those of the last call.
 */
static inline void note_origin(struct recording *rec, const struct rec_call *call, size_t program,
	size_t phase, uint64_t *seed, uint64_t now)
{
	uint64_t values[SYSCALL_ARGS] = {draw(seed, 3), UINT64_MAX - draw(seed, 2)};
	uint64_t time_ns = now / 4096 * 4096 - 4096 * draw(seed, 3);
	struct rec_origin *origin = rec_origin_add(rec, call->abi, call->nr, program, phase,
		(pid_t)(1 + draw(seed, 2)), (pid_t)(1 + draw(seed, 2)), time_ns, values);
	static const char *const modules[] = {"/lib/libc.so.6", "/bin/a!b+0x1", "[vdso]", "/x\xff"};
	static const char *const symbols[] = {"", "socket", "operator+", "a!b"};

	for (uint32_t n = origin ? draw(seed, 4) : 0; n > 0; n--)
		rec_origin_add_frame(
			origin, modules[draw(seed, 4)], symbols[draw(seed, 4)], draw(seed, 99));
}

static inline void note_event(struct recording *rec, uint64_t *seed, uint64_t now, unsigned version)
{
	static const char *const abis[] = {"x86_64", "x86_64", "i386", "aarch64"};
	static const int32_t odd[] = {-1, 999, INT32_MIN};
	const struct abi *abi = abi_by_name(abis[draw(seed, 4)]);
	uint32_t nr = draw(seed, 8) ? draw(seed, 20) : (uint32_t)odd[draw(seed, 3)];
	struct rec_call *call = recording_call(rec, abi, nr);
	size_t program, phase;
	char name[32];

	call->count += 1 + draw(seed, 1000);
	call->denied += draw(seed, 5) == 0;
	call->enosys += draw(seed, 5) == 0;
	if (!call->first_ns && draw(seed, 4))
		call->first_ns = now;
	call->last_ns = now;
	snprintf(name, sizeof(name), "/bin/program%u", draw(seed, 9));
	program = rec_names_index(&rec->programs, name);
	bits_add(&call->programs, program);
	note_args(call, seed, version);
	snprintf(name, sizeof(name), "phase%u", draw(seed, 4));
	phase = rec_names_index(&rec->phases, name);
	bits_add(&call->phases, phase);
	if (draw(seed, 3))
		note_origin(rec, call, program, phase, seed, now);
	snprintf(name, sizeof(name), "/lib/lib%u.so", draw(seed, 9));
	rec_names_index(&rec->mapped, name);
	if (draw(seed, 40) == 0)
		rec->loss[draw(seed, LOSS_WAYS)]++;
}

/* State @state of source @source. */
static inline void make_state(unsigned source, unsigned state, struct recording *out)
{
	uint64_t seed = source, now = UINT64_C(1700000000000000000) + source * 1000;
	char text[64], *argv[] = {text, NULL};
	struct err e;

	recording_init(out, "ptrace", &e);
	snprintf(text, sizeof(text), "workload%u", source);
	recording_set_workload(out, argv, &e);
	set_text(&out->workload.cwd, text);
	out->workload.started_ns = now;
	snprintf(text, sizeof(text), "6.%u", source);
	set_text(&out->host_kernel, text);
	set_text(&out->host_machine, "x86_64");
	set_text(&out->recorder_version, text);
	for (unsigned i = 0; i < state * RECORDINGS_EVENTS; i++)
		note_event(out, &seed, now += 1 + draw(&seed, 1000), source % 2);
	if (state == RECORDINGS_STATES) {
		recording_end(out, (int)source % 256);
		out->workload.ended_ns = now;
	}
	/* Ids in another order than the numbers of the sources. */
	snprintf(text, sizeof(text), "%08x%024x", source * 2654435761u, source);
	set_source(out, text, state);
}

/* The text of a recording's file: heap. */
static inline char *text_of(const struct recording *rec)
{
	char *text = NULL;
	struct err e;
	size_t size;

	return recording_emit(rec, &text, &size, &e) ? NULL : text;
}

/* Read a text that is not ours to change. */
static inline int parse_copy(const char *text, struct recording *out, struct err *e)
{
	scoped_free char *copy = strdup(text);

	return recording_parse("f", copy, strlen(copy), out, e);
}

#endif
