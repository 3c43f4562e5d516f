/*
 * The program as a C header, for those who load a filter themselves: each instruction with what it
 * does.
 */
#include "emit_parts.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scope.h"

#define DEFAULT_NAME "sysclamp"

/* The identifier of the array: the name with what C does not take as '_', and "_filter". */
static void put_identifier(FILE *to, const char *name)
{
	if (isdigit((unsigned char)name[0]))
		fputc('_', to);
	for (; *name; name++)
		fputc(isalnum((unsigned char)*name) ? *name : '_', to);
	fputs("_filter", to);
}

/* The macro that keeps the header from being read twice: the name likewise, in capitals. */
static void put_guard(FILE *to, const char *name)
{
	fputs("SYSCLAMP_", to);
	for (; *name; name++)
		fputc(isalnum((unsigned char)*name) ? toupper((unsigned char)*name) : '_', to);
	fputs("_FILTER_H", to);
}

static void put_flags(FILE *to, uint32_t flags)
{
	if (!flags)
		return;
	fputs(" *\n * The profile asks for these flags of seccomp(2):", to);
	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (flags & bit)
			fprintf(to, " %s", profile_flag_name(bit));
	}
	fputs(".\n", to);
}

static void put_head(FILE *to, const struct profile *profile, const char *name)
{
	fputs("/*\n * A seccomp filter, proven to say what its profile says.  To load it:\n *\n"
	      " *\tstruct sock_fprog program = {sizeof(",
		to);
	put_identifier(to, name);
	fputs(") / sizeof(", to);
	put_identifier(to, name);
	fputs("[0]),\n *\t\t(struct sock_filter *)", to);
	put_identifier(to, name);
	fputs("};\n *\n *\tprctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);\n"
	      " *\tsyscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);\n",
		to);
	put_flags(to, profile->flags);
	fputs(" */\n#ifndef ", to);
	put_guard(to, name);
	fputs("\n#define ", to);
	put_guard(to, name);
	fputs("\n\n#include <linux/filter.h>\n\nstatic const struct sock_filter ", to);
	put_identifier(to, name);
	fputs("[] = {\n", to);
}

/* @lines: of filter_print(), one for each instruction; overwritten. */
static void put_insns(FILE *to, const struct filter *filter, char *lines)
{
	for (size_t i = 0; i < filter->len; i++) {
		const struct sock_filter *insn = &filter->insns[i];
		const char *line = strsep(&lines, "\n");

		fprintf(to, "\t{0x%02x, %3u, %3u, 0x%08" PRIx32 "}, /* %s */\n", insn->code,
			insn->jt, insn->jf, insn->k, line ? line : "");
	}
}

EMITTER(emit_c)
{
	scoped(filter_done) struct filter filter = {0};
	scoped_free char *lines = NULL, *text = NULL;
	size_t lines_size;
	FILE *to;

	if (emit_compile(profile, ctx, &filter, e) ||
		emit_disasm(profile, ctx, &lines, &lines_size, e))
		return -e->code;
	to = open_memstream(&text, out_size);
	if (!to)
		return err_nomem(e);
	put_head(to, profile, ctx->name ? ctx->name : DEFAULT_NAME);
	put_insns(to, &filter, lines);
	fputs("};\n\n#endif\n", to);
	if (fclose(to))
		return err_nomem(e);
	*out_text = steal_ptr(text);
	return 0;
}
