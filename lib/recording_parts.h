/*
 * recording_parts.h: what the files that make up the noun recording share.  Others include
 * recording.h.
 */
#ifndef SYSCLAMP_RECORDING_PARTS_H
#define SYSCLAMP_RECORDING_PARTS_H

#include "json.h"
#include "recording.h"

#define RECORDING_PROGRAM "sysclamp" /* recorder.name */

/* Append a copy of @name, made UTF-8, without looking whether it is there.  0, -ENOMEM, -E2BIG. */
int rec_names_add(struct rec_names *names, const char *name);

/* Order by row of the ABI table, then number as an unsigned one. */
int rec_number_compare(
	const struct abi *a_abi, uint32_t a_nr, const struct abi *b_abi, uint32_t b_nr);

/* The same of calls.  For qsort(3) too. */
int rec_call_compare(const void *a, const void *b);
void rec_call_done(struct rec_call *call);

/* The set that rec_call_seen_in() gives, to be filled: empty at first; NULL without memory. */
struct bits *rec_call_own_seen(struct rec_call *call, size_t phase);

/* Whether the sets are what they are taken for if they are not there; and let them go. */
bool rec_call_seen_follows(const struct rec_call *call);
void rec_call_drop_seen(struct rec_call *call);

/* Read one element of syscalls; sources, phases and programs of @rec are known by then. */
int rec_call_parse(const struct json_at *at, const struct recording *rec, struct rec_call *call,
	struct err *e);

/* The members abi, nr and name of a call: write them; read them into abi and nr of @call. */
void rec_call_emit_number(struct json_writer *w, const struct abi *abi, uint32_t nr);
int rec_call_parse_number(const struct json_at *at, struct rec_call *call, struct err *e);

/* Lexically, value by value; below, at or above 0. */
int arg_tuple_compare(const uint64_t *a, const uint64_t *b, size_t width);

/* Past ARG_TUPLES_MAX the set says many.  0, or -ENOMEM, and then it says so as well. */
int arg_set_add(struct arg_set *set, size_t width, const uint64_t *tuple);
bool arg_set_equal(const struct arg_set *a, const struct arg_set *b, size_t width);

/* The values at place @part of the tuples, sorted, each once; returns how many. */
size_t arg_set_project(
	const struct arg_set *set, size_t width, size_t part, uint64_t out_values[ARG_VALUES_MAX]);

/* The member args of a call: write it; read it of the call @at into the zeroed @out. */
void rec_args_emit(struct json_writer *w, const struct rec_args *args);
int rec_args_parse(
	const struct json_at *at, const struct abi *abi, struct rec_args *out, struct err *e);

/*
 * Order of origins by call, then by the names of program and phase, which @rec, a recording, has.
 * For qsort_r(3) too.
 */
int rec_origin_compare(const void *a, const void *b, void *rec);

/* Whether the call is in @rec, with the origin's program and phase. */
bool rec_origin_is_noted(const struct recording *rec, const struct rec_origin *origin);

/* Put @origin, whose contents are given away, at index @at; NULL without memory. */
struct rec_origin *rec_origin_insert(
	struct recording *rec, size_t at, const struct rec_origin *origin);

/*
 * Put copies of all origins of @from behind those of @to, where programs and phases have other
 * indexes, by the old ones.  0 or -ENOMEM, and then some have been.
 */
int rec_origins_append(struct recording *to, const struct recording *from, const size_t *programs,
	const size_t *phases);

/* Sort, and keep one of each call, program and phase, and no more than RECORDING_ORIGINS_MAX. */
void rec_origins_settle(struct recording *rec);
void rec_origins_done(struct recording *rec);

/* The member origins, missing if there is none: write it; read it, calls and names being known. */
void rec_origins_emit(struct json_writer *w, const struct recording *rec);
int rec_origins_parse(const struct json_at *root, struct recording *rec, struct err *e);

/* Set what follows from the sources: id, seq, complete. */
void recording_settle(struct recording *rec);

#endif
