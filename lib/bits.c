#include "bits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 64 };

void bits_done(struct bits *set)
{
	free(set->words);
	*set = (struct bits){0};
}

int bits_add(struct bits *set, size_t n)
{
	size_t word = n / WORD_BITS;

	if (word >= set->n_words) {
		uint64_t *grown = reallocarray(set->words, word + 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		memset(grown + set->n_words, 0, (word + 1 - set->n_words) * sizeof(*grown));
		set->words = grown;
		set->n_words = word + 1;
	}
	set->words[word] |= 1ULL << (n % WORD_BITS);
	return 0;
}

bool bits_has(const struct bits *set, size_t n)
{
	size_t word = n / WORD_BITS;

	return word < set->n_words && (set->words[word] >> (n % WORD_BITS) & 1);
}

size_t bits_count(const struct bits *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->n_words; i++)
		count += (size_t)__builtin_popcountll(set->words[i]);
	return count;
}

bool bits_equal(const struct bits *a, const struct bits *b)
{
	for (size_t i = 0; i < a->n_words || i < b->n_words; i++) {
		uint64_t left = i < a->n_words ? a->words[i] : 0;

		if (left != (i < b->n_words ? b->words[i] : 0))
			return false;
	}
	return true;
}

size_t bits_next(const struct bits *set, size_t from)
{
	for (size_t word = from / WORD_BITS; word < set->n_words; word++) {
		uint64_t left = set->words[word];

		if (word == from / WORD_BITS)
			left &= ~0ULL << (from % WORD_BITS);
		if (left)
			return word * WORD_BITS + (size_t)__builtin_ctzll(left);
	}
	return SIZE_MAX;
}
