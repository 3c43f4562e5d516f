/* The notes of profile_generate_noted(): reasons are those that hold, each once. */
#include <jansson.h>

#include "generate_trial.h"
#include "scope.h"

static void json_done(json_t **json)
{
	json_decref(*json);
}

/* The notes of a trial as JSON. */
static json_t *notes_of(struct trial *t)
{
	scoped_free char *text = NULL;
	size_t size = 0;
	json_t *json;

	if (profile_generate_noted(
		    "web.rec.json", &t->rec, &t->options, &t->profile, &text, &size, NULL, &t->e))
		abort();
	json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		abort();
	return json;
}

/* The entry of @name in the array @key, or NULL. */
static json_t *entry(json_t *notes, const char *key, const char *name)
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(notes, key), i, item)
	{
		const char *own = json_string_value(json_object_get(item, "name"));

		if (own && !strcmp(own, name))
			return item;
	}
	return NULL;
}

/* "recording i386, implied clock": each reason, and the first of what it is about. */
static const char *reasons(json_t *call, char *buf, size_t size)
{
	size_t i, used = 0;
	json_t *reason;

	buf[0] = '\0';
	json_array_foreach(json_object_get(call, "reasons"), i, reason)
	{
		const char *by, *abi = "", *group = "", *libc = "", *arch = "", *runtime = "";

		if (json_unpack(reason, "{s:s, s?s, s?s, s?s, s?s, s?s}", "by", &by, "abi", &abi,
			    "group", &group, "libc", &libc, "arch", &arch, "runtime", &runtime))
			abort();
		used += (size_t)snprintf(buf + used, size - used, "%s%s %s%s%s%s%s",
			used ? ", " : "", by, abi, group, libc, arch, runtime);
	}
	return buf;
}

/* Why @name is there; "" if it is not. */
static const char *first_reason(json_t *notes, const char *name)
{
	json_t *all = json_object_get(entry(notes, "calls", name), "reasons");
	const char *reason = json_string_value(json_object_get(json_array_get(all, 0), "reason"));

	return reason ? reason : "";
}

static void test_denied_elsewhere(void)
{
	scoped(trial_done) struct trial t;
	scoped(json_done) json_t *notes = NULL;
	char buf[256];

	trial_init(&t, "x86_64");
	add_named(&t, "i386", "ptrace");
	add_named(&t, "x86_64", "ptrace")->denied = 1;
	add_named(&t, "x86_64", "mount")->denied = 1;
	notes = notes_of(&t);
	is_text(reasons(entry(notes, "calls", "ptrace"), buf, sizeof(buf)), "recording i386",
		"a call denied under one ABI is there for the other one");
	ok(!entry(notes, "left_out", "ptrace") && entry(notes, "left_out", "mount"),
		"and is not said to be left out, as others are");
}

static void test_all_reasons(void)
{
	scoped(trial_done) struct trial t;
	scoped(json_done) json_t *notes = NULL;
	char buf[256];

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "openat");
	add_named(&t, "x86_64", "fork");
	add_named(&t, "x86_64", "arch_prctl");
	t.options.runtime = BASE_CRUN;
	t.options.nnp = false;
	t.options.portable = 1u << LIBC_GLIBC;
	t.options.arch = abi_by_name("aarch64");
	notes = notes_of(&t);
	is_text(reasons(entry(notes, "calls", "openat"), buf, sizeof(buf)),
		"recording x86_64, runtime crun", "what was recorded and the runtime calls");
	is_text(reasons(entry(notes, "calls", "clone"), buf, sizeof(buf)), "arch aarch64",
		"what stands for another call");
	is_text(reasons(entry(notes, "calls", "clone3"), buf, sizeof(buf)), "portable glibc",
		"what another library calls for that");
	is_text(reasons(entry(notes, "calls", "exit"), buf, sizeof(buf)), "implied exit",
		"what is implied by what stands there");
	is_text(json_string_value(json_object_get(entry(notes, "left_out", "arch_prctl"), "why")),
		"needless", "what nothing has to stand for");
}

/* A server that ran already: nothing shows whether it has threads. */
static void test_late(void)
{
	scoped(trial_done) struct trial t;
	scoped(json_done) json_t *late = NULL, *notes = NULL;
	struct rec_call *call;
	char buf[256];

	trial_init(&t, "x86_64");
	call = add_named(&t, "x86_64", "clock_nanosleep");
	(void)bits_add(&call->phases, rec_names_index(&t.rec.phases, "serve"));
	late = notes_of(&t);
	is_text(reasons(entry(late, "calls", "exit"), buf, sizeof(buf)), "implied exit",
		"recording began late: what ends a thread is implied");
	ok(strstr(first_reason(late, "exit"), "recording began when the program ran already") &&
			strstr(first_reason(late, "mmap"), "ran already") &&
			!strstr(first_reason(late, "exit_group"), "ran already"),
		"and the reason says that; not that of what always is");
	ok(!entry(late, "calls", "clone") && !entry(late, "calls", "statx"),
		"no fallbacks of what was not called");
	add_named(&t, "x86_64", "clone3");
	profile_done(&t.profile);
	notes = notes_of(&t);
	ok(*first_reason(notes, "exit") && !strstr(first_reason(notes, "exit"), "ran already"),
		"nor where the call was seen that it follows from");
}

int main(void)
{
	test_denied_elsewhere();
	test_all_reasons();
	test_late();
	return tap_done();
}
