/* build: -O2 -fomit-frame-pointer */
/*
 * Calls nested_library, which lies next to this program.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

__attribute__((noipa)) static int callback(void)
{
	return 1;
}

__attribute__((noipa)) static int call_library(int (*call)(int (*)(void)))
{
	return call(callback) + 1;
}

int main(void)
{
	char path[PATH_MAX] = "";
	char *name;
	void *library;
	int (*call)(int (*)(void));

	if (readlink("/proc/self/exe", path, sizeof(path) - 32) < 0)
		return 1;
	name = strrchr(path, '/') + 1;
	strcpy(name, "nested_library");
	library = dlopen(path, RTLD_NOW);
	if (!library)
		return 2;
	call = (int (*)(int (*)(void)))dlsym(library, "library_call");
	return call ? call_library(call) == 0 : 3;
}
