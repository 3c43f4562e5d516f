# lib/arg_names.tsv and, behind it, lib/arg_counts.tsv as C tables: see lib/args_text.c.
BEGIN { FS = "\t" }
/^#/ || NF == 0 { next }
FILENAME ~ /arg_counts/ { counts = counts sprintf("\t{\" %s \", %s},\n", $2, $1); next }
{
	n++
	printf "static const struct arg_name NAMES_%d[] = {\n", n
	len = split($5, names, " ")
	for (i = 1; i <= len; i++) {
		row = sprintf("\t{\"%s\", (uint32_t)(%s)},", names[i], names[i])
		print $4 == "macro" ? "#ifdef " names[i] "\n" row "\n#endif" : row
	}
	print "\t{0}\n};"
	when = "ALWAYS, 0"
	if ($2 != "-") {
		split($2, parts, "=")
		when = sprintf("%s, (uint32_t)(%s)", parts[1], parts[2])
	}
	mask = $3 == "bits" ? "0" : $3 == "all" ? "UINT32_MAX" : "(uint32_t)(" $3 ")"
	groups = groups sprintf("\t{\" %s \", %s, %s, NAMES_%d},\n", $1, when, mask, n)
}
END {
	printf "static const struct arg_group GROUPS[] = {\n%s};\n", groups
	printf "static const struct arg_count COUNTS[] = {\n%s};\n", counts
}
