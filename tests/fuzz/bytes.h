/*
 * bytes.h: the random generators of tests/ steered by the bytes of an input, so that a fuzzer that
 * changes a byte changes one decision.  Behind the last byte all numbers are 0.
 */
#ifndef SYSCLAMP_FUZZ_BYTES_H
#define SYSCLAMP_FUZZ_BYTES_H

#include <stddef.h>
#include <stdint.h>

#define RNG_FROM_BYTES

struct rng {
	const uint8_t *bytes;
	size_t left;
};

static inline uint64_t rng_take(struct rng *rng, size_t count)
{
	uint64_t number = 0;

	for (size_t i = 0; i < count && rng->left > 0; i++, rng->left--)
		number |= (uint64_t)*rng->bytes++ << 8 * i;
	return number;
}

static inline uint64_t rng_next(struct rng *rng)
{
	return rng_take(rng, sizeof(uint64_t));
}

/* 0...@n - 1, of one byte if that is enough */
static inline uint64_t rng_below(struct rng *rng, uint64_t n)
{
	return rng_take(rng, n <= UINT8_MAX + 1 ? 1 : sizeof(uint64_t)) % n;
}

#endif
