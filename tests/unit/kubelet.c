/*
 * kubelet.h: pods by the kubelet's links, laid out in a directory as it does it
 * (kubernetes, pkg/kubelet/kuberuntime/legacy.go: legacyLogSymlink() and logSymlink()).
 */
#include "kubelet.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "scope.h"
#include "tap.h"

#define ID_APP	   "aa11c0de5e9d4f0b8a7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a"
#define ID_APP_OLD "bb11c0de5e9d4f0b8a7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5b"
#define ID_PROXY   "cc11c0de5e9d4f0b8a7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5c"
#define ID_DNS	   "dd11c0de5e9d4f0b8a7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5d"

#define ID_CUT "ab0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"

static char root[] = "/tmp/sysclamp-test.XXXXXX";
static pid_t alive;

static bool shell(const char *format, ...)
{
	char command[4096];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command) == 0;
}

/* A container of containerd's that runs, and the kubelet's links to its log; or only these. */
static void put(
	const char *pod, const char *space, const char *container, const char *id, bool runs)
{
	static int restarts;
	bool made = shell(
		"set -e; cd %s; d=var/log/pods/%s_%s_0f2c/%s; mkdir -p $d var/log/containers;"
		" : >$d/%d.log; ln -s /$d/%d.log var/log/containers/%s_%s_%s-%s.log",
		root, space, pod, container, restarts, restarts, pod, space, container, id);

	restarts++;
	if (made && runs)
		made = shell("set -e; d=%s/run/containerd/io.containerd.runtime.v2.task/k8s.io/%s;"
			     " mkdir -p $d; echo %d >$d/init.pid",
			root, id, alive);
	if (!made)
		exit(1);
}

struct found {
	char ids[1024];
	unsigned n;
};

static int note(void *ctx, const struct container *container)
{
	struct found *found = ctx;
	size_t used = strlen(found->ids);

	(void)snprintf(found->ids + used, sizeof(found->ids) - used, "%s%.2s", used ? " " : "",
		container->id);
	found->n++;
	return container->pid == alive ? 0 : -ESRCH;
}

static void test_found(void)
{
	static const struct {
		const char *pod, *ids;
	} rows[] = {
		/* Restarted once: the link of the former one is still there. */
		{"shop/web-5d9f/app", "aa"},
		{"shop/web-5d9f/app-proxy", "cc"},
		{"kube-system/coredns-1", "dd"},
		{"kube-system/coredns-1/coredns", "dd"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct found found = {0};
		struct err e = {0};

		ok(!kubelet_find(root, rows[i].pod, note, &found, &e), "%s: found %s", rows[i].pod,
			e.text);
		is_text(found.ids, rows[i].ids, "%s: its containers", rows[i].pod);
	}
}

static void test_all_of_a_pod(void)
{
	struct found found = {0};
	struct err e = {0};

	ok(!kubelet_find(root, "shop/web-5d9f", note, &found, &e) && found.n == 2 &&
			strstr(found.ids, "aa") && strstr(found.ids, "cc"),
		"a pod has all its running containers: %s", found.ids);
}

static void test_not_found(void)
{
	static const struct {
		const char *pod;
		int code;
		const char *says;
	} rows[] = {
		{"web", -EINVAL, "NAMESPACE/NAME"},
		{"", -EINVAL, "NAMESPACE/NAME"},
		{"/", -EINVAL, "NAMESPACE/NAME"},
		{"shop/", -EINVAL, "NAMESPACE/NAME"},
		{"/web-5d9f", -EINVAL, "NAMESPACE/NAME"},
		{"shop/web-5d9f/", -EINVAL, "NAMESPACE/NAME"},
		{"shop/web-5d9f/app/x", -EINVAL, "NAMESPACE/NAME"},
		{"shop/web", -ENOENT, "shop/web-5d9f"},
		{"other/web-5d9f", -ENOENT, "shop/web-5d9f"},
		{"shop/web-5d9f/ap", -ENOENT, "no container \"ap\" runs in it"},
		{"shop/job-1", -ENOENT, "no container of it runs on this node"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct found found = {0};
		struct err e = {0};

		ok(kubelet_find(root, rows[i].pod, note, &found, &e) == rows[i].code && !found.n,
			"\"%s\": %d", rows[i].pod, rows[i].code);
		ok(strstr(e.text, rows[i].says), "it says: %s", e.text);
	}
}

/* It would be another one if it were cut. */
static void test_too_long(void)
{
	struct found found = {0};
	struct err e = {0};
	char pod[512];

	(void)snprintf(pod, sizeof(pod), "shop/web-5d9f/app%0400d", 0);
	ok(kubelet_find(root, pod, note, &found, &e) == -EINVAL && strstr(e.text, "no pod has"),
		"a name that is too long: %s", e.text);
}

static void test_no_node(void)
{
	struct found found = {0};
	struct err e = {0};

	ok(kubelet_find("/nonexistent", "shop/web-5d9f", note, &found, &e) == -ENOENT &&
			strstr(e.text, "no Kubernetes node"),
		"without links: %s", e.text);
}

static void test_names(void)
{
	static const struct {
		const char *id, *name;
	} rows[] = {
		{ID_APP, "web-5d9f_shop_app-" ID_APP},
		{ID_PROXY, "web-5d9f_shop_app-proxy-" ID_PROXY},
		/* Ended: its link still tells its name. */
		{ID_APP_OLD, "web-5d9f_shop_app-" ID_APP_OLD},
		{"ee11", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char name[NAME_MAX + 1] = "";
		int code = kubelet_name(root, rows[i].id, name);

		ok(code == (rows[i].name ? 0 : -ENOENT), "name of \"%s\": %d", rows[i].id, code);
		is_text(name, rows[i].name ? rows[i].name : "", "it is right");
	}
}

/* Each of the names that begin alike is listed. */
static void test_alike(void)
{
	static const char *const NAMES[] = {"a", "a-a", "a-a-a", "a-a-a-a"};
	struct found found = {0};
	struct err e = {0};
	const char *list;
	unsigned n = 1;

	for (unsigned i = 0; i < ARRAY_LEN(NAMES); i++) {
		char id[] = "f0f0";

		id[3] = (char)('0' + i);
		put("alike", "shop", NAMES[i], id, true);
	}
	(void)kubelet_find(root, "shop/alike/b", note, &found, &e);
	list = strstr(e.text, " runs in it, but ");
	for (const char *at = list; at && (at = strchr(at + 1, ',')); n++)
		;
	/* One comma stands in front of "but". */
	ok(list && n == ARRAY_LEN(NAMES) + 1, "names that begin alike are all told: %s", e.text);
}

/* A name of 255 characters has no room for all of the id: logSymlink() cuts its end. */
static void test_cut(void)
{
	enum { ID_LEFT = 20 };
	char pod[NAME_MAX], name[NAME_MAX + 1] = "", other[] = ID_CUT, cut[sizeof(ID_CUT)];
	size_t len = 251 - strlen("_shop_app-") - ID_LEFT;
	struct found found = {0};
	struct err e = {0};

	memset(pod, 'p', len);
	pod[len] = '\0';
	(void)snprintf(cut, sizeof(cut), "%.*s", ID_LEFT, ID_CUT);
	put(pod, "shop", "app", cut, false);
	(void)shell("set -e; d=%s/run/containerd/io.containerd.runtime.v2.task/k8s.io/%s; mkdir -p "
		    "$d; echo %d >$d/init.pid",
		root, ID_CUT, alive);
	ok(!kubelet_name(root, ID_CUT, name) && strlen(name) == 251 && !strncmp(name, pod, len) &&
			!strcmp(name + 251 - ID_LEFT, cut),
		"the link whose name was cut is the container's");
	other[0] = '0';
	ok(kubelet_name(root, other, name) == -ENOENT, "but not another one's");
	(void)snprintf(name, sizeof(name), "shop/%.*s", (int)len, pod);
	ok(!kubelet_find(root, name, note, &found, &e) && found.n == 1 && !strcmp(found.ids, "ab"),
		"and its pod is found: %s", e.text);
}

/* What else may lie there, and is no link of a kubelet's. */
static void put_others(void)
{
	static const char *const NAMES[] = {"x.log", "a_b.log", "a_b_c.log", "a_b_c-.log",
		"_b_c-dd.log", "a__c-dd.log", "a_b_-dd.log", "a_b_c_d-dd.log", "a_b_c-dd.txt",
		".log", "a_b_c-d d.log"};

	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		(void)shell("ln -s /nonexistent '%s/var/log/containers/%s'", root, NAMES[i]);
}

int main(void)
{
	if (!mkdtemp(root))
		return 1;
	alive = fork();
	if (alive == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)pause();
		_exit(0);
	}
	put("web-5d9f", "shop", "app", ID_APP_OLD, false);
	put("web-5d9f", "shop", "app", ID_APP, true);
	put("web-5d9f", "shop", "app-proxy", ID_PROXY, true);
	put("coredns-1", "kube-system", "coredns", ID_DNS, true);
	put("job-1", "shop", "job", "ee22", false);
	put_others();
	test_found();
	test_all_of_a_pod();
	test_not_found();
	test_too_long();
	test_no_node();
	test_names();
	test_alike();
	test_cut();
	(void)shell("rm -rf %s", root);
	(void)kill(alive, SIGKILL);
	(void)waitpid(alive, NULL, 0);
	return tap_done();
}
