/* SHA-256 against the messages of FIPS 180-4's examples (NIST, "SHA-256 Example Values"). */
#include "hash.h"
#include "scope.h"
#include "tap.h"

static const struct {
	const char *message, *want;
} VECTORS[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	 "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

static void test_vectors(void)
{
	char hex[HASH_HEX_LEN + 1];

	for (size_t i = 0; i < ARRAY_LEN(VECTORS); i++) {
		hash_bytes(VECTORS[i].message, strlen(VECTORS[i].message), hex);
		is_text(hex, VECTORS[i].want, "the published hash of %zu bytes",
			strlen(VECTORS[i].message));
	}
}

static void test_million(void)
{
	struct hash hash;
	char hex[HASH_HEX_LEN + 1], part[1000];

	memset(part, 'a', sizeof(part));
	hash_init(&hash);
	for (int i = 0; i < 1000; i++)
		hash_add(&hash, part, sizeof(part));
	hash_finish(&hash, hex);
	is_text(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
		"the published hash of a million times \"a\"");
}

/* Every length around two blocks, in every split: the padding and the buffer at all their edges. */
static void test_splits(void)
{
	char text[2 * HASH_BLOCK + 2], whole[HASH_HEX_LEN + 1], parts[HASH_HEX_LEN + 1];
	size_t wrong = 0;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7);
	for (size_t len = 0; len <= sizeof(text); len++) {
		hash_bytes(text, len, whole);
		for (size_t split = 0; split <= len; split++) {
			struct hash hash;

			hash_init(&hash);
			hash_add(&hash, text, split);
			hash_add(&hash, text + split, len - split);
			hash_finish(&hash, parts);
			wrong += strcmp(whole, parts) != 0;
		}
	}
	ok(wrong == 0, "added in two parts or in one: the same hash (%zu wrong)", wrong);
}

int main(void)
{
	test_vectors();
	test_million();
	test_splits();
	return tap_done();
}
