#include "bits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 64 };

const uint64_t *bits_words(const struct bits *set)
{
	return set->n_words > 1 ? set->words : &set->word;
}

void bits_done(struct bits *set)
{
	if (set->n_words > 1)
		free(set->words);
	*set = (struct bits){0};
}

static int grow(struct bits *set, size_t n_words)
{
	uint64_t *grown;

	if (n_words == 1) {
		*set = (struct bits){.n_words = 1};
		return 0;
	}
	grown = reallocarray(set->n_words > 1 ? set->words : NULL, n_words, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	if (set->n_words == 1)
		grown[0] = set->word;
	memset(grown + set->n_words, 0, (n_words - set->n_words) * sizeof(*grown));
	*set = (struct bits){.words = grown, .n_words = n_words};
	return 0;
}

int bits_add(struct bits *set, size_t n)
{
	size_t word = n / WORD_BITS;
	uint64_t *words;

	if (word >= set->n_words && grow(set, word + 1))
		return -ENOMEM;
	words = set->n_words > 1 ? set->words : &set->word;
	words[word] |= 1ULL << (n % WORD_BITS);
	return 0;
}

bool bits_has(const struct bits *set, size_t n)
{
	size_t word = n / WORD_BITS;

	return word < set->n_words && (bits_words(set)[word] >> (n % WORD_BITS) & 1);
}

size_t bits_count(const struct bits *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->n_words; i++)
		count += (size_t)__builtin_popcountll(bits_words(set)[i]);
	return count;
}

bool bits_equal(const struct bits *a, const struct bits *b)
{
	for (size_t i = 0; i < a->n_words || i < b->n_words; i++) {
		uint64_t left = i < a->n_words ? bits_words(a)[i] : 0;

		if (left != (i < b->n_words ? bits_words(b)[i] : 0))
			return false;
	}
	return true;
}

size_t bits_next(const struct bits *set, size_t from)
{
	for (size_t word = from / WORD_BITS; word < set->n_words; word++) {
		uint64_t left = bits_words(set)[word];

		if (word == from / WORD_BITS)
			left &= ~0ULL << (from % WORD_BITS);
		if (left)
			return word * WORD_BITS + (size_t)__builtin_ctzll(left);
	}
	return SIZE_MAX;
}
