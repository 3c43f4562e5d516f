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

/* Order by row of the ABI table, then number as an unsigned one.  For qsort(3) too. */
int rec_call_compare(const void *a, const void *b);
void rec_call_done(struct rec_call *call);

/* Read one element of syscalls; sources, phases and programs of @rec are known by then. */
int rec_call_parse(const struct json_at *at, const struct recording *rec, struct rec_call *call,
	struct err *e);

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

/* Set what follows from the sources: id, seq, complete. */
void recording_settle(struct recording *rec);

#endif
