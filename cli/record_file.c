#include "record_file.h"

#include <stdio.h>
#include <string.h>

#include "cli.h"

#define REFRESH_NS 800000000ull

char *record_file_default(const char *command)
{
	const char *slash = strrchr(command, '/');
	char *file = NULL;

	if (asprintf(&file, "./%s.rec.json", slash ? slash + 1 : command) < 0)
		return NULL;
	return file;
}

void record_file_begin(struct record_file *file, const char *path)
{
	*file = (struct record_file){
		.path = path, .stream = cli_is_stream(path), .refreshed_ns = steady_ns()};
}

int record_file_refresh(struct record_file *file, struct recording *rec, struct err *e)
{
	bool failed_before = file->failed;

	if (file->stream || steady_ns() - file->refreshed_ns < REFRESH_NS)
		return 0;
	file->refreshed_ns = steady_ns();
	file->failed = recording_write(rec, file->path, e) != 0;
	return file->failed && !failed_before ? -e->code : 0;
}
