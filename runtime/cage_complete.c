#include "cage_complete.h"

#include <errno.h>
#include <string.h>

static void settle_switches(struct cage_request *request)
{
	struct cage *cage = &request->cage;
	bool own_pids = cage->namespaces[CAGE_NS_PID].how == CAGE_NS_NEW;

	cage->new_session = request->new_session != SWITCH_OFF;
	cage->init = own_pids && request->init != SWITCH_OFF;
	cage->with_parent = request->with_parent == SWITCH_ON;
	cage->terminal = request->terminal == SWITCH_ON;
	cage->landlock.strict = request->landlock_strict == SWITCH_ON;
}

int cage_complete(struct cage_request *request, struct err *e)
{
	if (!request->caged)
		return 0;
	if (cage_settle_spaces(request, e) || cage_settle_ids(request, e) ||
		cage_settle_caps(request, e) || cage_settle_files(request, e))
		return -e->code;
	settle_switches(request);
	request->cage.used = true;
	return 0;
}

/* The environment under way. */
struct env {
	struct cage *cage;
	char **vars;
	size_t n;
};

static size_t name_len(const char *var)
{
	return strcspn(var, "=");
}

static char **env_find(const struct env *env, const char *name, size_t len)
{
	for (size_t i = 0; i < env->n; i++) {
		if (name_len(env->vars[i]) == len && !strncmp(env->vars[i], name, len))
			return &env->vars[i];
	}
	return NULL;
}

static int env_add(struct env *env, const char *var, struct err *e)
{
	char **added = cage_append(env->cage, &env->vars, &env->n, sizeof(*added));

	if (!added)
		return err_nomem(e);
	*added = (char *)var;
	return 0;
}

static int env_set(struct env *env, const char *var, struct err *e)
{
	char **old = env_find(env, var, name_len(var));

	if (!old)
		return env_add(env, var, e);
	*old = (char *)var;
	return 0;
}

/* All of them: an environment may hold a name twice. */
static void env_unset(struct env *env, const char *name)
{
	size_t kept = 0, len = strlen(name);

	for (size_t i = 0; i < env->n; i++) {
		if (name_len(env->vars[i]) != len || strncmp(env->vars[i], name, len) != 0)
			env->vars[kept++] = env->vars[i];
	}
	env->n = kept;
}

/* NAME alone is the caller's; what the caller has not is left out. */
static const char *value_of(const char *said, char *const *caller)
{
	size_t len = strlen(said);

	if (said[name_len(said)])
		return said;
	for (; *caller; caller++) {
		if (name_len(*caller) == len && !strncmp(*caller, said, len))
			return *caller;
	}
	return NULL;
}

int cage_environment(struct cage_request *request, char *const *caller, char ***out, struct err *e)
{
	struct env env = {.cage = &request->cage};

	for (char *const *var = caller; *var && request->clear_env != SWITCH_ON; var++) {
		if (env_add(&env, *var, e))
			return -e->code;
	}
	for (size_t i = 0; i < request->n_unset_env; i++)
		env_unset(&env, request->unset_env[i]);
	for (size_t i = 0; i < request->n_set_env; i++) {
		const char *var = value_of(request->set_env[i], caller);

		if (var && env_set(&env, var, e))
			return -e->code;
	}
	if (env_add(&env, NULL, e))
		return -e->code;
	*out = env.vars;
	return 0;
}
