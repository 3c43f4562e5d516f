#include "hash.h"

#include <stdio.h>
#include <string.h>

/* Names, constants and functions as in FIPS 180-4, sections 4.1.2, 4.2.2, 5.3.3 and 6.2.2. */

enum { ROUNDS = 64, LENGTH_BYTES = 8 };

static const uint32_t INITIAL[HASH_WORDS] = {
	0x6a09e667,
	0xbb67ae85,
	0x3c6ef372,
	0xa54ff53a,
	0x510e527f,
	0x9b05688c,
	0x1f83d9ab,
	0x5be0cd19,
};

/* clang-format off */
static const uint32_t K[ROUNDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
/* clang-format on */

static uint32_t rotate(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void expand_block(const uint8_t *block, uint32_t w[ROUNDS])
{
	for (size_t t = 0; t < 16; t++) {
		const uint8_t *at = block + 4 * t;

		w[t] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	}
	for (size_t t = 16; t < ROUNDS; t++) {
		uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
		uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;

		w[t] = s1 + w[t - 7] + s0 + w[t - 16];
	}
}

static void hash_block(uint32_t state[HASH_WORDS], const uint8_t *block)
{
	enum { A, B, C, D, E, F, G, H };
	uint32_t w[ROUNDS], v[HASH_WORDS];

	expand_block(block, w);
	memcpy(v, state, sizeof(v));
	for (size_t t = 0; t < ROUNDS; t++) {
		uint32_t s1 = rotate(v[E], 6) ^ rotate(v[E], 11) ^ rotate(v[E], 25);
		uint32_t choice = (v[E] & v[F]) ^ (~v[E] & v[G]);
		uint32_t t1 = v[H] + s1 + choice + K[t] + w[t];
		uint32_t s0 = rotate(v[A], 2) ^ rotate(v[A], 13) ^ rotate(v[A], 22);
		uint32_t majority = (v[A] & v[B]) ^ (v[A] & v[C]) ^ (v[B] & v[C]);

		memmove(v + B, v + A, (HASH_WORDS - 1) * sizeof(v[0]));
		v[E] += t1;
		v[A] = t1 + s0 + majority;
	}
	for (size_t i = 0; i < HASH_WORDS; i++)
		state[i] += v[i];
}

void hash_init(struct hash *hash)
{
	memcpy(hash->state, INITIAL, sizeof(hash->state));
	hash->size = 0;
}

void hash_add(struct hash *hash, const void *bytes, size_t size)
{
	const uint8_t *next = bytes;

	while (size > 0) {
		size_t used = hash->size % HASH_BLOCK;
		size_t part = size < HASH_BLOCK - used ? size : HASH_BLOCK - used;

		memcpy(hash->block + used, next, part);
		hash->size += part;
		next += part;
		size -= part;
		if (hash->size % HASH_BLOCK == 0)
			hash_block(hash->state, hash->block);
	}
}

void hash_finish(struct hash *hash, char out_hex[HASH_HEX_LEN + 1])
{
	static const uint8_t padding[HASH_BLOCK] = {0x80};
	uint64_t bits = hash->size * 8;
	size_t used = hash->size % HASH_BLOCK;
	size_t end = used < HASH_BLOCK - LENGTH_BYTES ? HASH_BLOCK : 2 * HASH_BLOCK;
	uint8_t length[LENGTH_BYTES];

	for (size_t i = 0; i < LENGTH_BYTES; i++)
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	hash_add(hash, padding, end - LENGTH_BYTES - used);
	hash_add(hash, length, sizeof(length));
	for (size_t i = 0; i < HASH_WORDS; i++)
		(void)snprintf(out_hex + 8 * i, 9, "%08x", hash->state[i]);
}

void hash_bytes(const void *bytes, size_t size, char out_hex[HASH_HEX_LEN + 1])
{
	struct hash hash;

	hash_init(&hash);
	hash_add(&hash, bytes, size);
	hash_finish(&hash, out_hex);
}
