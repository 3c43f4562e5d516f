#include "nearest.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct nearest nearest_to(const char *text)
{
	return (struct nearest){.text = text, .distance = UINT_MAX};
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

static bool same_letter(char a, char b)
{
	return toupper((unsigned char)a) == toupper((unsigned char)b);
}

/* Levenshtein's distance, row by row; both at most NEAREST_LEN_MAX long. */
static unsigned edit_distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	unsigned row[NEAREST_LEN_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned change = diagonal + !same_letter(a[i - 1], b[j - 1]);

			diagonal = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1, change);
		}
	}
	return row[b_len];
}

static bool ends_in_words(const char *candidate, const char *words)
{
	size_t len = strlen(candidate), words_len = strlen(words);

	return words_len > 0 && len > words_len && candidate[len - words_len - 1] == '_' &&
	       !strcasecmp(candidate + len - words_len, words);
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
	size_t len = strlen(nearest->text), allowed = 1 + len / 8;
	unsigned distance;

	if (len > NEAREST_LEN_MAX || strlen(candidate) > NEAREST_LEN_MAX)
		return;
	distance = ends_in_words(candidate, nearest->text)
			   ? 0
			   : edit_distance(nearest->text, candidate);
	if (distance > allowed || distance >= nearest->distance)
		return;
	nearest->name = candidate;
	nearest->distance = distance;
}

const char *nearest_hint(const struct nearest *nearest, char *buf, unsigned size)
{
	buf[0] = '\0';
	if (nearest->name)
		(void)snprintf(buf, size, "; did you mean %s?", nearest->name);
	return buf;
}
