/*
 * random_filter.h: classic BPF programs from a seed, most of them such as the kernel accepts.
 */
#ifndef SYSCLAMP_RANDOM_FILTER_H
#define SYSCLAMP_RANDOM_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "random_profile.h"

/* Instructions that seccomp accepts, but for returns. */
static const uint16_t FILTER_CODES[] = {BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_W | BPF_LEN,
	BPF_LD | BPF_IMM, BPF_LD | BPF_MEM, BPF_LDX | BPF_W | BPF_LEN, BPF_LDX | BPF_IMM,
	BPF_LDX | BPF_MEM, BPF_ST, BPF_STX, BPF_ALU | BPF_ADD | BPF_K, BPF_ALU | BPF_ADD | BPF_X,
	BPF_ALU | BPF_SUB | BPF_K, BPF_ALU | BPF_SUB | BPF_X, BPF_ALU | BPF_MUL | BPF_K,
	BPF_ALU | BPF_MUL | BPF_X, BPF_ALU | BPF_DIV | BPF_K, BPF_ALU | BPF_DIV | BPF_X,
	BPF_ALU | BPF_AND | BPF_K, BPF_ALU | BPF_AND | BPF_X, BPF_ALU | BPF_OR | BPF_K,
	BPF_ALU | BPF_OR | BPF_X, BPF_ALU | BPF_XOR | BPF_K, BPF_ALU | BPF_XOR | BPF_X,
	BPF_ALU | BPF_LSH | BPF_K, BPF_ALU | BPF_LSH | BPF_X, BPF_ALU | BPF_RSH | BPF_K,
	BPF_ALU | BPF_RSH | BPF_X, BPF_ALU | BPF_NEG, BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA,
	BPF_JMP | BPF_JA, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JEQ | BPF_X,
	BPF_JMP | BPF_JGT | BPF_K, BPF_JMP | BPF_JGT | BPF_X, BPF_JMP | BPF_JGE | BPF_K,
	BPF_JMP | BPF_JGE | BPF_X, BPF_JMP | BPF_JSET | BPF_K, BPF_JMP | BPF_JSET | BPF_X};

/* An operand that fits the instruction; @left: instructions behind it, at least 1. */
static inline void random_operand(struct rng *rng, struct sock_filter *insn, uint32_t left)
{
	static const uint32_t offsets[] = {0, 4, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60};
	uint32_t reach = left < 8 ? left : 8;

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
		if (BPF_MODE(insn->code) == BPF_ABS)
			insn->k = rng_pick(rng, offsets);
		else if (BPF_MODE(insn->code) == BPF_MEM)
			insn->k = (uint32_t)rng_below(rng, 4);
		break;
	case BPF_ST:
	case BPF_STX:
		insn->k = (uint32_t)rng_below(rng, 4);
		break;
	case BPF_JMP:
		insn->jt = (uint8_t)rng_below(rng, reach);
		insn->jf = (uint8_t)rng_below(rng, reach);
		if (BPF_OP(insn->code) == BPF_JA)
			insn->k = (uint32_t)rng_below(rng, reach);
		break;
	case BPF_ALU:
		if (BPF_OP(insn->code) == BPF_LSH || BPF_OP(insn->code) == BPF_RSH)
			insn->k &= 31;
		if (BPF_OP(insn->code) == BPF_DIV)
			insn->k |= 1;
		break;
	default:
		break;
	}
}

/* @left: instructions behind it, at least 1. */
static inline struct sock_filter random_insn(struct rng *rng, uint32_t left)
{
	struct sock_filter insn = {
		.code = rng_pick(rng, FILTER_CODES),
		.k = (uint32_t)random_value(rng),
	};

	random_operand(rng, &insn, left);
	return insn;
}

/* One thing that may make an instruction unacceptable. */
static inline void random_damage(struct rng *rng, struct sock_filter *insn)
{
	switch (rng_below(rng, 6)) {
	case 0:
		insn->code ^= (uint16_t)(1u << rng_below(rng, 9));
		break;
	case 1:
		insn->code = (uint16_t)rng_below(rng, 0x100);
		break;
	case 2:
		insn->k = (uint32_t)random_value(rng);
		break;
	case 3:
		insn->k = (uint32_t)rng_below(rng, 70);
		break;
	case 4:
		insn->jt = (uint8_t)rng_next(rng);
		break;
	default:
		insn->jf = (uint8_t)rng_next(rng);
	}
}

/**
 * Fill @insns with a program without returns but the last: the four scratch cells that it uses are
 * written first.
 *
 * @len: at least 12.
 */
static inline void random_filter(struct rng *rng, struct sock_filter *insns, uint32_t len)
{
	for (uint32_t i = 0; i < 4; i++) {
		insns[2 * i] = (struct sock_filter)BPF_STMT(
			BPF_LD | BPF_IMM, (uint32_t)random_value(rng));
		insns[2 * i + 1] = (struct sock_filter)BPF_STMT(BPF_ST, i);
	}
	for (uint32_t i = 8; i < len - 1; i++)
		insns[i] = random_insn(rng, len - 1 - i);
	insns[len - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
}

#endif
