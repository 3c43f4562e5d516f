/*
 * hash.h: SHA-256 (FIPS 180-4), for names that follow from content.
 */
#ifndef SYSCLAMP_HASH_H
#define SYSCLAMP_HASH_H

#include <stddef.h>
#include <stdint.h>

enum {
	HASH_WORDS = 8,
	HASH_BLOCK = 64, /* bytes */
	HASH_HEX_LEN = 64, /* hex digits of a whole hash, without the final NUL */
};

struct hash {
	uint32_t state[HASH_WORDS];
	uint8_t block[HASH_BLOCK]; /* its first size % HASH_BLOCK bytes are not in the state yet */
	uint64_t size; /* bytes added */
};

void hash_init(struct hash *hash);
void hash_add(struct hash *hash, const void *bytes, size_t size);

/** Write the hash in lower-case hex with a final NUL; @hash is used up. */
void hash_finish(struct hash *hash, char out_hex[HASH_HEX_LEN + 1]);

/** The hash of one piece of memory. */
void hash_bytes(const void *bytes, size_t size, char out_hex[HASH_HEX_LEN + 1]);

#endif
