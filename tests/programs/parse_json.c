/* build: -O2 -ljansson */
/*
 * Parse files with jansson and do nothing with them: what reading them costs at the least.  From
 * memory, which is faster than json_load_file(3) (it reads character by character).
 *
 *	parse_json FILE...
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

static int parse(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	json_error_t error = {.text = "cannot be read"};
	json_t *root = NULL;
	struct stat st;
	char *text;

	if (fd < 0 || fstat(fd, &st))
		return perror(path), 1;
	text = malloc((size_t)st.st_size + 1);
	if (text && read(fd, text, (size_t)st.st_size) == st.st_size)
		root = json_loadb(text, (size_t)st.st_size, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fprintf(stderr, "%s: %s\n", path, error.text);
	json_decref(root);
	free(text);
	close(fd);
	return root ? 0 : 1;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= parse(argv[i]);
	return failed;
}
