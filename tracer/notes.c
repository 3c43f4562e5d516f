#include "notes.h"

#include <sys/mman.h>

#include "phase.h"
#include "proc.h"

/* No call has the number that is returned where an ABI should lack one. */
static uint32_t number_of(const struct abi *abi, const char *name)
{
	uint32_t nr = UINT32_MAX;

	(void)syscall_number(abi, name, &nr);
	return nr;
}

void notes_init(struct call_notes *notes, struct recording *rec, bool listening)
{
	size_t len;
	const struct abi *table = abi_table(&len);

	*notes = (struct call_notes){.rec = rec, .listening = listening};
	notes_begin_phase(notes, phase_name(PHASE_START));
	notes->starting = true;
	for (size_t i = 0; i < len && i < CALL_ABIS_MAX; i++) {
		notes->numbers[i].listen = number_of(&table[i], "listen");
		notes->numbers[i].mmap = number_of(&table[i], "mmap");
		notes->numbers[i].mmap2 = number_of(&table[i], "mmap2");
	}
}

void notes_begin_phase(struct call_notes *notes, const char *name)
{
	notes->starting = false;
	notes->phase = rec_names_index(&notes->rec->phases, name);
	if (notes->phase == SIZE_MAX)
		notes->rec->loss[LOSS_NO_MEMORY]++;
}

void notes_done(struct call_notes *notes)
{
	call_kinds_done(&notes->kinds);
}

/* The first wait for work after a listen begins to serve, and is a part of that. */
static void look_at_phase(struct call_notes *notes, const struct abi *abi, uint32_t nr)
{
	char name[SYSCALL_NAME_MAX];

	if (!notes->starting)
		return;
	if (nr == notes->numbers[call_abi_row(abi)].listen)
		notes->listening = true;
	else if (notes->listening && syscall_name(abi, nr, name) &&
		 phase_role(name) == PHASE_ROLE_WAIT)
		notes_begin_phase(notes, phase_name(PHASE_SERVE));
}

/* With which arguments it was called; whatever is over their bound, or has no room, is "many". */
static void note_args(struct call_notes *notes, struct rec_call *call, const struct task_call *made)
{
	struct call_kind kind = call_kind_of(&notes->kinds, made->abi, made->nr);
	uint64_t values[ARGS_PER_CALL_MAX];
	struct rec_args *args;

	if (!kind.n_args)
		return;
	for (size_t i = 0; i < kind.n_args; i++)
		values[i] = made->args[kind.args[i].index];
	args = rec_call_own_args(call);
	if (args)
		(void)rec_args_add(args, kind.args, kind.n_args, values);
	else
		notes->rec->loss[LOSS_NO_MEMORY]++;
}

/* One more member of one of a call's sets, unless it is none (SIZE_MAX); whether it is new. */
static bool extend(struct call_notes *notes, struct bits *set, size_t member)
{
	if (member == SIZE_MAX || bits_has(set, member))
		return false;
	if (bits_add(set, member))
		notes->rec->loss[LOSS_NO_MEMORY]++;
	return true;
}

struct rec_call *notes_take(struct call_notes *notes, const struct task_call *made, pid_t tid,
	size_t program, struct rec_origin **out_origin)
{
	struct rec_call *call = recording_call(notes->rec, made->abi, made->nr);
	bool is_new;

	*out_origin = NULL;
	if (!call)
		return NULL;
	look_at_phase(notes, made->abi, made->nr);
	call->last_ns = now_ns();
	if (!call->count++)
		call->first_ns = call->last_ns;
	is_new = extend(notes, &call->programs, program);
	is_new |= extend(notes, &call->phases, notes->phase);
	note_args(notes, call, made);
	if (is_new)
		*out_origin = rec_origin_add(notes->rec, made->abi, made->nr, program, notes->phase,
			proc_process(tid), tid, call->last_ns, made->args);
	return call;
}

void notes_map(struct call_notes *notes, const struct task_call *made, pid_t tid)
{
	size_t row = call_abi_row(made->abi);
	char path[PROC_PATH_MAX];

	if ((made->nr == notes->numbers[row].mmap || made->nr == notes->numbers[row].mmap2) &&
		made->args[2] & PROT_EXEC && !(made->args[3] & MAP_ANONYMOUS) &&
		proc_file(tid, (int)made->args[4], path))
		(void)rec_names_index(&notes->rec->mapped, path);
}
