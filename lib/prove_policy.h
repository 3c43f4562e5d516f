/*
 * prove_policy.h: a box of calls, all answered alike by a program, against a policy.  Internal to
 * the prover.
 */
#ifndef SYSCLAMP_PROVE_POLICY_H
#define SYSCLAMP_PROVE_POLICY_H

#include "policy.h"
#include "prove_box.h"

/* A call for which the answer is wrong. */
struct prove_witness {
	uint32_t values[WORD_COUNT];
};

/**
 * Whether the policy says @got for every call in @box that a machine of this byte order can make.
 *
 * @box: narrowed meanwhile, and as it was in the end.
 * @big_endian: ABIs of the other order are left out.
 * BOX_EMPTY: it does (no call is left over); BOX_FOUND: it does not for the witness; BOX_SPENT.
 */
enum box_answer policy_differs(const struct policy *policy, struct box *box, action_t got,
	bool big_endian, struct prove_budget *budget, struct prove_witness *out);

#endif
