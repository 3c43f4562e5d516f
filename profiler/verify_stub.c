#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "verify_parts.h"

enum { ENOSYS_ANSWER = SECCOMP_RET_ERRNO | ENOSYS };

static bool loads(const struct sock_filter *insn, size_t offset)
{
	return insn->code == (BPF_LD | BPF_W | BPF_ABS) && insn->k == offset;
}

/* Whether the instruction may be in a stub that ends before @len, at @pc. */
static bool belongs(const struct sock_filter *insn, size_t pc, size_t len)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		return loads(insn, offsetof(struct seccomp_data, nr)) ||
		       loads(insn, offsetof(struct seccomp_data, arch));
	case BPF_RET:
		return insn->code == (BPF_RET | BPF_K) && insn->k == ENOSYS_ANSWER;
	case BPF_JMP:
		if (BPF_OP(insn->code) == BPF_JA)
			return pc + 1 + insn->k <= len;
		return BPF_SRC(insn->code) == BPF_K && pc + 1 + insn->jt <= len &&
		       pc + 1 + insn->jf <= len;
	default:
		return false;
	}
}

/*
 * It begins with the ABI and ends in a jump over a return of ENOSYS to the rest, which begins with
 * a load of the ABI again, as all of libseccomp's programs do, and so knows nothing of the stub.
 */
bool runc_stub_find(const struct filter *filter, size_t *out_len)
{
	const struct sock_filter *insns = filter->insns;
	size_t len = 0;

	if (!loads(&insns[0], offsetof(struct seccomp_data, arch)))
		return false;
	for (size_t end = 3; end < filter->len && len == 0; end++) {
		if (insns[end - 2].code == (BPF_JMP | BPF_JA) && insns[end - 2].k == 1 &&
			insns[end - 1].code == (BPF_RET | BPF_K) &&
			loads(&insns[end], offsetof(struct seccomp_data, arch)))
			len = end;
	}
	for (size_t pc = 0; pc < len; pc++) {
		if (!belongs(&insns[pc], pc, len))
			return false;
	}
	*out_len = len;
	return len > 0;
}

static bool passes_up_to(const struct filter *stub, const struct abi_policy *abi, uint32_t last)
{
	struct seccomp_data call = {.arch = abi->abi->audit_arch};

	for (uint32_t nr = abi->abi->new_base; nr <= last; nr++) {
		call.nr = (int)nr;
		if (filter_run(stub, &call) != SECCOMP_RET_ALLOW)
			return false;
	}
	return true;
}

bool runc_stub_keeps_off(const struct filter *filter, size_t len, const struct policy *policy)
{
	static const struct sock_filter pass = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct filter stub = {calloc(len + 1, sizeof(*stub.insns)), len + 1};
	bool keeps_off = stub.insns != NULL;

	if (keeps_off) {
		memcpy(stub.insns, filter->insns, len * sizeof(*stub.insns));
		stub.insns[len] = pass;
	}
	for (size_t i = 0; i < policy->n_abis && keeps_off; i++) {
		const struct abi_policy *abi = &policy->abis[i];

		if (abi->n_calls > 0)
			keeps_off = passes_up_to(&stub, abi, abi->calls[abi->n_calls - 1].nr);
	}
	filter_done(&stub);
	return keeps_off;
}
