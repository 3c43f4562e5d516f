/*
 * The reader against jansson: what one of them takes the other takes, and both find the same in it.
 * Texts are good ones with a few bytes changed, from a seed.
 */
#include <inttypes.h>
#include <jansson.h>

#include "json.h"
#include "random_profile.h"
#include "scope.h"
#include "tap.h"

enum { TEXT_MAX = 512, TEXTS = 200000 };

static const char *const SEEDS[] = {
	"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, \"architectures\": "
	"[\"SCMP_ARCH_X86_64\"],\n\t\"syscalls\": [{\"names\": [\"read\", \"write\"], \"args\": "
	"[{\"index\": 0, \"value\": 9223372036854775807, \"op\": \"SCMP_CMP_EQ\"}]}]}\n",
	"[0, -0, -1, 10, 1.5, -0.25e-7, 1E+3, true, false, null, {}, [], \"\", [[{\"a\": {}}]]]",
	"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00\", \"\xc3\xa9\xe2\x82\xac"
	"\xf0\x9f\x98\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf\", \"\\uFFFF\\u07ff\\u0800\"]",
	"{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":0,\"k\":1,"
	"\"l\":2,\"m\":3,\"n\":4,\"o\":5,\"p\":6,\"q\":7,\"aa\":8,\"ab\":9,\"\":0}",
};

/* What changes are made of: JSON's own characters more often than others. */
static const char BYTES[] = "\"\"\"\\\\,,::[]{}0123456789-+.eEutrfnl/abcdDABF \t\n\x1f\x7f\x80\xbf"
			    "\xc2\xe0\xed\xf0\xf4\xff";

static size_t change(struct rng *rng, char *text, size_t len)
{
	size_t at = rng_below(rng, len);
	char byte = BYTES[rng_below(rng, sizeof(BYTES) - 1)];

	switch (rng_below(rng, 3)) {
	case 0:
		text[at] = byte;
		return len;
	case 1:
		memmove(text + at, text + at + 1, len - at - 1);
		return len - 1;
	default:
		memmove(text + at + 1, text + at, len - at);
		text[at] = byte;
		return len + 1;
	}
}

static size_t draw(struct rng *rng, char text[TEXT_MAX])
{
	const char *seed = rng_pick(rng, SEEDS);
	size_t len = strlen(seed);

	memcpy(text, seed, len);
	for (uint64_t n = rng_below(rng, 4); n > 0; n--)
		len = change(rng, text, len);
	return len;
}

static bool same(const struct json_value *ours, json_t *theirs);

static bool same_members(const struct json_value *ours, json_t *theirs)
{
	bool is_same = ours->n == json_object_size(theirs);

	for (uint32_t i = 0; i < ours->n && is_same; i++) {
		json_t *value = json_object_get(theirs, ours->items[2 * i].text);

		is_same = value && same(&ours->items[2 * i + 1], value);
	}
	return is_same;
}

static bool same_items(const struct json_value *ours, json_t *theirs)
{
	bool is_same = ours->n == json_array_size(theirs);

	for (uint32_t i = 0; i < ours->n && is_same; i++)
		is_same = same(&ours->items[i], json_array_get(theirs, i));
	return is_same;
}

static bool same_integer(const struct json_value *ours, json_t *theirs)
{
	json_int_t value = json_integer_value(theirs);
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;

	return ours->kind == (value < 0 ? JSON_NEGATIVE : JSON_UNSIGNED) && ours->number == size;
}

static bool same(const struct json_value *ours, json_t *theirs)
{
	switch (json_typeof(theirs)) {
	case JSON_OBJECT:
		return ours->kind == JSON_OF_MEMBERS && same_members(ours, theirs);
	case JSON_ARRAY:
		return ours->kind == JSON_OF_ITEMS && same_items(ours, theirs);
	case JSON_STRING:
		return ours->kind == JSON_TEXT && ours->n == json_string_length(theirs) &&
		       !memcmp(ours->text, json_string_value(theirs), ours->n + 1);
	case JSON_INTEGER:
		return same_integer(ours, theirs);
	case JSON_REAL:
		return ours->kind == JSON_FRACTION;
	case JSON_TRUE:
		return ours->kind == JSON_YES;
	case JSON_FALSE:
		return ours->kind == JSON_NO;
	case JSON_NULL:
		return ours->kind == JSON_NOTHING;
	}
	return false;
}

/* Where the two are meant to differ: integers, and fractions beyond what a double holds. */
static bool is_meant(bool taken, const struct err *e, const json_error_t *error)
{
	if (taken)
		return strstr(error->text, "too big") || strstr(error->text, "overflow");
	return strstr(e->text, "integer too small") || strstr(e->text, "integer larger") ||
	       strstr(e->text, "NUL byte");
}

/* @counts: of texts that both took, and that both refused. */
static bool agree(const char *text, size_t len, size_t counts[2])
{
	scoped_free char *own = malloc(len);
	scoped(json_doc_done) struct json_doc doc = {0};
	json_error_t error;
	json_t *theirs = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	struct err e = {0};
	bool taken, is_same;

	memcpy(own, text, len);
	taken = !json_parse("f", own, len, &doc, &e);
	if (taken == (theirs != NULL)) {
		is_same = !taken || same(&doc.root, theirs);
		counts[!taken]++;
	} else {
		is_same = is_meant(taken, &e, &error);
	}
	json_decref(theirs);
	return is_same;
}

int main(void)
{
	size_t counts[2] = {0}, wrong = 0;
	struct rng rng = {1};

	for (size_t i = 0; i < TEXTS; i++) {
		char text[TEXT_MAX];
		size_t len = draw(&rng, text);

		if (agree(text, len, counts))
			continue;
		if (wrong++ < 5)
			printf("#   text %zu: %.*s\n", i, (int)len, text);
	}
	ok(wrong == 0, "%d texts: taken or refused alike, and the same in them", TEXTS);
	ok(counts[0] > TEXTS / 10 && counts[1] > TEXTS / 10, "%zu taken by both, %zu refused",
		counts[0], counts[1]);
	return tap_done();
}
