#!/bin/bash
# Sizes and complexity of the C code: a table, the largest of each kind, and a gate.
#
#	scripts/metrics.sh [DIR...]		(default: the modules and the tests)
#
# Lines of a function are pmccabe's, from its name to its closing brace; cyclomatic complexity is
# McCabe's (pmccabe's second column: every case of a switch counts). "product" is the .c files
# outside tests/; the limits hold for every file, headers and tests included.
# Exit: 0, or 1 if any function or file is above a limit, 2 usage.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

# The gate.
readonly MAX_FUNCTION_LINES=100 MAX_CYCLOMATIC=20 MAX_FILE_LINES=500
# The aim: what a function should stay below.
readonly AIM_FUNCTION_LINES=60 AIM_CYCLOMATIC=12
readonly TOP=10

declare -rA names=([lines]=functions [cyclomatic]=cyclomatic [files]=files)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Lines "VALUE NAME" on stdin; the largest first.
largest()
{
	printf '\n%s\n' "$1"
	sort -k 1,1nr -k 2 "$2" | sed -n "1,${TOP}s/^/  /p"
}

# Numbers on stdin: count, median, 90th percentile (nearest rank), maximum, % above $1.
distribution()
{
	sort -n | awk -v limit="$1" '
		{ v[NR] = $1; above += $1 > limit }
		END { if (NR > 0) print NR, v[int((NR + 1) / 2)], v[int((9 * NR + 9) / 10)], v[NR],
			sprintf("%.1f", 100 * above / NR) }'
}

row()
{
	printf '  %-20s %7s %7s %7s %7s   %s\n' "$@"
}

# rows GROUP GREP_ARGS...: the table's rows for what grep selects.
rows()
{
	local group=$1 kind limit count median p90 max over
	shift
	for kind in lines:$AIM_FUNCTION_LINES cyclomatic:15 files:$MAX_FILE_LINES; do
		limit=${kind#*:} kind=${kind%:*}
		read -r count median p90 max over < <(grep "$@" "$work/$kind" |
			cut -d ' ' -f 1 | distribution "$limit") || continue
		row "$group ${names[$kind]}" "$count" "$median" "$p90" "$max" "$over % above $limit"
	done
}

# above LIMIT WHAT FILE: names the lines of FILE whose value is above LIMIT.
above()
{
	awk -v limit="$1" -v what="$2" '
		$1 > limit { print "metrics: " $2 ": " $1 " " what ", the limit is " limit; n++ }
		END { exit n > 0 }' "$3" >&2
}

main()
{
	local dirs=("$@") status=0
	cd "$top_dir"
	[ ${#dirs[@]} -gt 0 ] || dirs=(lib tracer profiler runtime cli tests)
	command -v pmccabe >/dev/null || die 1 "pmccabe is not there: run  scripts/deps.sh dev"
	find "${dirs[@]}" -name '*.[ch]' -type f | sort >"$work/names" ||
		die 2 "usage: scripts/metrics.sh [DIR...]"
	[ -s "$work/names" ] || die 2 "no C files in ${dirs[*]}"

	xargs -d '\n' wc -l <"$work/names" | awk '$2 != "total" { print $1, $2 }' >"$work/files"
	xargs -d '\n' pmccabe <"$work/names" >"$work/pmccabe"
	# pmccabe: modified, cyclomatic, statements, first line, lines, file(line): function
	awk -F '\t' '{ split($6, place, "[(:]"); n = split($6, word, " ")
		print $5, place[1] ":" word[n] }' "$work/pmccabe" >"$work/lines"
	awk -F '\t' '{ split($6, place, "[(:]"); n = split($6, word, " ")
		print $2, place[1] ":" word[n] }' "$work/pmccabe" >"$work/cyclomatic"
	[ -s "$work/lines" ] || die 2 "no functions in ${dirs[*]}"

	row '' count median p90 max ''
	rows product -vE '^[0-9]+ tests/|\.h(:|$)'
	rows tests -E '^[0-9]+ tests/'
	printf '  aim: functions: median <= 15, p90 <= 40, none > %d lines or cyclomatic > %d\n' \
		"$AIM_FUNCTION_LINES" "$AIM_CYCLOMATIC"

	largest "largest functions (lines)" "$work/lines"
	largest "most complex functions (cyclomatic)" "$work/cyclomatic"
	largest "largest files (lines)" "$work/files"

	above "$MAX_FUNCTION_LINES" lines "$work/lines" || status=1
	above "$MAX_CYCLOMATIC" "cyclomatic complexity" "$work/cyclomatic" || status=1
	above "$MAX_FILE_LINES" lines "$work/files" || status=1
	return "$status"
}

main "$@"
