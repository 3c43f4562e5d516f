/*
 * time() 3 times through the vsyscall page, as programs of before 2011 do.  Ends with 77 where the
 * kernel has no such page (vsyscall=none).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

int main(void)
{
	time_t (*vsyscall_time)(time_t *) = (time_t(*)(time_t *))0xffffffffff600400UL;
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int found = 0;

	while (maps && fgets(line, sizeof(line), maps))
		found |= strstr(line, "[vsyscall]") != NULL;
	if (maps)
		fclose(maps);
	if (!found) {
		puts("no vsyscall page");
		return 77;
	}
	for (int i = 0; i < 3; i++) {
		if (vsyscall_time(NULL) < 1)
			return 1;
	}
	puts("it has a time");
	return 0;
}
