#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int json_writer_init(struct json_writer *w, struct err *e)
{
	*w = (struct json_writer){.first = true};
	w->stream = open_memstream(&w->text, &w->size);
	return w->stream ? 0 : err_nomem(e);
}

static void new_line(struct json_writer *w)
{
	fprintf(w->stream, "\n%*s", (int)(2 * w->depth), "");
}

/* What has to stand in front of the next key or element. */
static void separate(struct json_writer *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (!w->first)
		fputs(w->inline_from ? ", " : ",", w->stream);
	if (w->depth > 0 && !w->inline_from)
		new_line(w);
	w->first = false;
}

void json_open(struct json_writer *w, char open)
{
	separate(w);
	fputc(open, w->stream);
	w->depth++;
	w->first = true;
}

void json_open_inline(struct json_writer *w, char open)
{
	json_open(w, open);
	if (!w->inline_from)
		w->inline_from = w->depth;
}

void json_close(struct json_writer *w, char close)
{
	bool was_inline = w->inline_from != 0;

	if (w->inline_from == w->depth)
		w->inline_from = 0;
	w->depth--;
	if (!was_inline && !w->first)
		new_line(w);
	fputc(close, w->stream);
	w->first = false;
}

static void put_quoted(struct json_writer *w, const char *text)
{
	fputc('"', w->stream);
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(w->stream, "\\%c", *c);
		else if ((unsigned char)*c < 0x20 || *c == 0x7f)
			fprintf(w->stream, "\\u%04x", *c);
		else
			fputc(*c, w->stream);
	}
	fputc('"', w->stream);
}

void json_key(struct json_writer *w, const char *key)
{
	separate(w);
	put_quoted(w, key);
	fputs(": ", w->stream);
	w->after_key = true;
}

void json_put_string(struct json_writer *w, const char *text)
{
	separate(w);
	put_quoted(w, text);
}

void json_put_u64(struct json_writer *w, uint64_t value)
{
	separate(w);
	fprintf(w->stream, "%" PRIu64, value);
}

void json_put_i64(struct json_writer *w, int64_t value)
{
	separate(w);
	fprintf(w->stream, "%" PRId64, value);
}

void json_put_bool(struct json_writer *w, bool value)
{
	separate(w);
	fputs(value ? "true" : "false", w->stream);
}

int json_writer_end(struct json_writer *w, char **out_text, size_t *out_size, struct err *e)
{
	bool failed;

	fputc('\n', w->stream);
	failed = ferror(w->stream);
	failed |= fclose(w->stream) != 0;
	w->stream = NULL;
	if (failed) {
		json_writer_done(w);
		return err_nomem(e);
	}
	*out_text = w->text;
	*out_size = w->size;
	w->text = NULL;
	return 0;
}

void json_writer_done(struct json_writer *w)
{
	if (w->stream)
		(void)fclose(w->stream);
	w->stream = NULL;
	free(w->text);
	w->text = NULL;
}
