#include "deny_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "launch.h"
#include "phase.h"
#include "proc.h"
#include "scope.h"
#include "time_units.h"

/* recorder.backend: of a recording that has all calls, and of one that has the rest. */
#define BACKEND_ALL  "notify"
#define BACKEND_REST RECORDING_BESIDE_PROFILE

int deny_record_open(struct deny_record *record, const struct deny_request *request, struct err *e)
{
	const char *path = request->output;

	record->argv = request->argv;
	record->all = !request->profile;
	if (!path)
		path = record->made_up = record_file_default(request->argv[0]);
	if (!path)
		return err_nomem(e);
	record_file_begin(&record->file, path);
	return cli_check_output("-o", path, "a recording", e);
}

void deny_record_done(struct deny_record *record)
{
	notes_done(&record->notes);
	recording_done(&record->rec);
	free(record->made_up);
}

static void find_execs(struct deny_record *record)
{
	static const char *const NAMES[] = {"execve", "execveat"};
	size_t len;
	const struct abi *table = abi_table(&len);

	for (size_t i = 0; i < len && i < CALL_ABIS_MAX; i++) {
		for (size_t j = 0; j < ARRAY_LEN(NAMES); j++) {
			/* No call has this number, where an ABI should lack one. */
			record->execs[i][j] = UINT32_MAX;
			(void)syscall_number(&table[i], NAMES[j], &record->execs[i][j]);
		}
	}
}

int deny_record_begin(struct deny_record *record, struct err *e)
{
	if (recording_init(&record->rec, record->all ? BACKEND_ALL : BACKEND_REST, e) ||
		recording_set_workload(&record->rec, record->argv, e))
		return -e->code;
	notes_init(&record->notes, &record->rec, phase_has_listener(0));
	if (record->notes.phase == SIZE_MAX)
		return err_nomem(e);
	find_execs(record);
	record->file.refreshed_ns = steady_ns();
	return 0;
}

/* A few milliseconds old (clock_gettime(2)), which is nothing here. */
static uint64_t coarse_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void note_mapped(void *ctx, const char *path)
{
	struct recording *rec = ctx;

	(void)rec_names_index(&rec->mapped, path);
}

static size_t look_at_program(struct deny_record *record, pid_t tid)
{
	struct recording *rec = &record->rec;
	size_t known = rec->programs.n_names, program = SIZE_MAX;
	char path[PROC_PATH_MAX];

	if (proc_program(tid, path))
		program = rec_names_index(&rec->programs, path);
	/* It, and what loads its libraries: the kernel maps both, unasked. */
	if (rec->programs.n_names > known)
		proc_each_mapped(tid, note_mapped, rec);
	return program;
}

static size_t program_of(struct deny_record *record, pid_t tid)
{
	uint64_t now = coarse_ns();
	size_t program;

	/* Where some calls are let through unasked, execve may be one of them. */
	if (record->all && deny_programs_find(&record->programs, tid, now, &program))
		return program;
	program = look_at_program(record, tid);
	deny_programs_note(&record->programs, tid, now, program);
	return program;
}

/* The execve that starts the command was made by us, but belongs to the program it started. */
static void note_started(struct deny_record *record, size_t program)
{
	struct rec_call *call = NULL;
	uint32_t nr;

	record->started = 0;
	if (!syscall_number(abi_native(), "execve", &nr))
		call = recording_call(&record->rec, abi_native(), nr);
	if (call && program != SIZE_MAX)
		(void)bits_add(&call->programs, program);
}

static bool is_exec(const struct deny_record *record, const struct task_call *made)
{
	const uint32_t *execs = record->execs[call_abi_row(made->abi)];

	return made->nr == execs[0] || made->nr == execs[1];
}

static struct task_call made_by(const struct denial *denial)
{
	const struct seccomp_data *data = denial->call;
	struct task_call made = {.nr = (uint32_t)data->nr};

	made.abi = abi_of_call(data->arch, made.nr);
	for (unsigned i = 0; made.abi && i < SYSCALL_ARGS; i++)
		made.args[i] = made.abi->bits32 ? (uint32_t)data->args[i] : data->args[i];
	return made;
}

uint32_t deny_record_take(struct deny_record *record, const struct denial *denial)
{
	struct task_call made = made_by(denial);
	size_t program = denial->starts ? SIZE_MAX : program_of(record, denial->tid);
	struct rec_origin *origin;
	struct rec_call *call;

	if (!made.abi) {
		record->rec.loss[LOSS_UNREADABLE]++;
		return SECCOMP_RET_KILL_PROCESS;
	}
	if (denial->starts)
		record->started = denial->tid;
	else if (record->started == denial->tid)
		note_started(record, program);
	call = notes_take(&record->notes, &made, denial->tid, program, &origin);
	notes_map(&record->notes, &made, denial->tid);
	if (is_exec(record, &made))
		deny_programs_forget(
			&record->programs, denial->tid, proc_process(denial->tid), coarse_ns());
	if (call_kind_of(&record->notes.kinds, made.abi, made.nr).named)
		return SECCOMP_RET_ALLOW;
	if (call)
		call->enosys++;
	return SECCOMP_RET_ERRNO | ENOSYS;
}

void deny_record_tick(struct deny_record *record)
{
	struct err e = {0};

	if (record_file_refresh(&record->file, &record->rec, &e))
		(void)cli_fail("run", 0, &e);
}

static void tell(const struct deny_record *record)
{
	const struct recording *rec = &record->rec;
	uint64_t calls = 0;

	for (size_t i = 0; i < rec->n_calls; i++)
		calls += rec->calls[i].count;
	fprintf(stderr, "sysclamp run: %" PRIu64 " call%s let through, %zu distinct%s\n", calls,
		calls == 1 ? "" : "s", rec->n_calls,
		record->all ? "" : ", that the profile does not allow");
	if (record->file.stream)
		return;
	fputs("recording:", stderr);
	cli_print_word(record->file.path);
	fputc('\n', stderr);
}

int deny_record_end(struct deny_record *record, const struct launch_end *end, struct err *e)
{
	const char *path = record->file.path;

	recording_end(&record->rec, launch_exit_code(end));
	if (recording_write(&record->rec, path, e))
		return -e->code;
	tell(record);
	if (!recording_losses(&record->rec))
		return 0;
	return err_set(e, EIO,
		"%s: incomplete: something was lost; the loss counters are in the file", path);
}
