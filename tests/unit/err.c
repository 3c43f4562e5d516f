#include <errno.h>

#include "err.h"
#include "tap.h"

static void test_set(void)
{
	struct err e = {.code = 0};

	ok(err_set(&e, EINVAL, "%s: %d", "web.json", 3) == -EINVAL, "err_set returns -code");
	ok(e.code == EINVAL, "the code is kept as a positive errno");
	is_text(e.text, "web.json: 3", "the text is formatted");
	ok(err_sys(&e, ENOENT, "%s", "web.json") == -ENOENT, "err_sys returns -code");
	is_text(e.text, "web.json: No such file or directory", "err_sys adds what the code means");
	ok(err_sys(&e, 4000, "x") == -4000, "a code without a text is returned too");
	is_text(e.text, "x: unknown error", "and is called unknown");
	ok(err_nomem(&e) == -ENOMEM && e.code == ENOMEM, "err_nomem is -ENOMEM");
	is_text(e.text, "out of memory", "and says so");
}

static void test_prefix(void)
{
	struct err e;

	err_set(&e, EPERM, "rule 3");
	ok(err_prefix(&e, "%s: ", "web.json") == -EPERM, "err_prefix returns the callee's code");
	is_text(e.text, "web.json: rule 3", "and puts its text in front");
}

static void test_long(void)
{
	char name[2 * ERR_TEXT_MAX];
	struct err e;

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	err_set(&e, EINVAL, "%s", name);
	ok(strlen(e.text) == ERR_TEXT_MAX - 1, "a long text is cut at the end of the storage");
	err_sys(&e, ENOENT, "%s", name);
	ok(strstr(e.text, "aaa: No such file or directory") != NULL,
		"a long name leaves the reason readable");
	err_set(&e, EINVAL, "reason");
	err_prefix(&e, "%s", name);
	ok(strlen(e.text) == ERR_TEXT_MAX - 1, "so is a text that a prefix made long");
}

static const struct {
	const char *from, *to, *claim;
} TAMED[] = {
	{"a\nb\r\tc", "a?b??c", "line ends and tabs cannot break the line"},
	{"\033[31mred\007", "?[31mred?", "terminal escapes are disarmed"},
	{"a\177b", "a?b", "DEL too"},
	{"\302\233"
	 "31m",
		"??31m", "and the escapes of C1, as UTF-8"},
	{"\303\251\342\202\254 \360\237\230\200", "\303\251\342\202\254 \360\237\230\200",
		"other UTF-8 stays"},
	{"end\302", "end\302", "a character cut at the end is not read past"},
};

struct heard {
	char text[ERR_TEXT_MAX];
	int times;
};

static void hear(void *ctx, const char *text)
{
	struct heard *heard = ctx;

	heard->times++;
	snprintf(heard->text, sizeof(heard->text), "%s", text);
}

static void test_tamed(void)
{
	struct heard heard = {.times = 0};
	struct notice to = {.tell = hear, .ctx = &heard};
	struct err e;

	for (size_t i = 0; i < sizeof(TAMED) / sizeof(TAMED[0]); i++) {
		err_set(&e, EINVAL, "%s", TAMED[i].from);
		is_text(e.text, TAMED[i].to, "%s", TAMED[i].claim);
	}
	err_sys(&e, EIO, "%s", "a\nb");
	is_text(e.text, "a?b: Input/output error", "err_sys stays on one line");
	err_set(&e, EIO, "x");
	err_prefix(&e, "%s: ", "a\nb");
	is_text(e.text, "a?b: x", "err_prefix too");
	notice_tell(&to, "%s", "a\nb");
	is_text(heard.text, "a?b", "and a notice");
}

static void test_notice(void)
{
	struct heard heard = {.times = 0};
	struct notice to = {.tell = hear, .ctx = &heard}, deaf = {.tell = NULL};

	notice_tell(NULL, "nobody");
	notice_tell(&deaf, "nobody");
	ok(heard.times == 0, "nobody is told when nobody listens");
	notice_tell(&to, "call %d", 7);
	ok(heard.times == 1, "a listener is told once");
	is_text(heard.text, "call 7", "what was said");
}

int main(void)
{
	test_set();
	test_prefix();
	test_long();
	test_tamed();
	test_notice();
	return tap_done();
}
