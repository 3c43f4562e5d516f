# shellcheck shell=bash
# What the set-up scripts share: messages and the package list. Sourced, never run.

# Directory of the scripts and top of the source tree.
scripts_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # used by the scripts that source this file
top_dir=$(dirname "$scripts_dir")
packages_list=$scripts_dir/packages.list

# say TEXT...: one line on stderr, prefixed by the script's name.
say()
{
	printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
}

# die STATUS TEXT...: say TEXT and exit with STATUS.
die()
{
	local status=$1
	shift
	say "$@"
	exit "$status"
}

# How what is shown to a person is marked; empty but on a terminal.
bold='' plain=''

# quote WORD...: as a person would type it.
quote()
{
	local word out=''
	for word in "$@"; do
		[[ $word =~ ^[A-Za-z0-9_./:=@%+,-]+$ ]] || word="'${word//\'/\'\\\'\'}'"
		out+=" $word"
	done
	printf '%s' "${out# }"
}

# show TEXT...: a command, as it was typed.
show()
{
	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
}

indent()
{
	sed 's/^/  /'
}

# packages_sections: the names of the sections, one a line.
packages_sections()
{
	sed -n 's/^# section \([a-z]*\):.*/\1/p' "$packages_list"
}

# packages_of SECTION...: the packages of these sections for this machine's architecture, one a
# line, each once.
packages_of()
{
	local arch
	arch=$(dpkg --print-architecture 2>/dev/null || uname -m)
	[ "$arch" != x86_64 ] || arch=amd64
	awk -v sections="$*" -v arch="$arch" '
		BEGIN { n = split(sections, list, " "); for (i = 1; i <= n; i++) want[list[i]] = 1 }
		/^# section / { section = $3; sub(/:$/, "", section); next }
		/^#/ || NF == 0 || !(section in want) || ($1 in seen) { next }
		$2 ~ /^\[/ && $2 != "[" arch "]" { next }
		{ seen[$1] = 1; print $1 }
	' "$packages_list"
}

# packages_missing PACKAGE...: those of them that dpkg does not list as installed.
packages_missing()
{
	local installed
	[ $# -gt 0 ] || return 0
	# dpkg-query exits 1 when it knows nothing of one of the names: that is the question here.
	installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
		sed -n 's/^installed //p') || true
	printf '%s\n' "$@" | grep -vxF "${installed:--}" || true
}
