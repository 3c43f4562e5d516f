#!/bin/bash
# Installs what is missing of some sections of packages.list, and says nothing if nothing is.
#
#	scripts/deps.sh SECTION...
#	scripts/deps.sh --print SECTION...	only list the packages
#
# SKIP_DEPS=1 in the environment leaves the system alone and trusts that all is there.
# Exit: 0 all there, 1 something is missing and could not be installed, 2 usage.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

readonly APT_OPTIONS=(
	-y -q --no-install-recommends --no-remove
	-o DPkg::Lock::Timeout=300
	-o Dpkg::Use-Pty=0
	-o Dpkg::Options::=--force-confdef
	-o Dpkg::Options::=--force-confold
)

usage()
{
	die 2 "usage: scripts/deps.sh [--print] SECTION... (sections:" \
		"$(packages_sections | paste -s -d ' '))"
}

check_sections()
{
	local section
	[ $# -gt 0 ] || usage
	for section in "$@"; do
		packages_sections | grep -qxF -e "$section" || die 2 "no section \"$section\" in" \
			"scripts/packages.list (sections: $(packages_sections | paste -s -d ' '))"
	done
}

# give_up REASON PACKAGE...: names the packages and the command that installs them, exits 1.
give_up()
{
	local reason=$1
	shift
	say "missing packages: $*"
	say "$reason"
	say "run this as root, then repeat the make command:"
	printf '\n    apt-get update && apt-get install -y --no-install-recommends %s\n\n' "$*" >&2
	exit 1
}

# become_root: how to run a command as root, in the array as_root; fails if there is no way.
become_root()
{
	as_root=()
	[ "$(id -u)" -ne 0 ] || return 0
	command -v sudo >/dev/null || return 1
	if sudo -n true 2>/dev/null; then
		as_root=(sudo -n)
	elif [ -t 0 ] || [ -t 2 ]; then
		as_root=(sudo)
	else
		return 1
	fi
}

apt_get()
{
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${APT_OPTIONS[@]}" "$@" \
		</dev/null >&2
}

lists_empty()
{
	[ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -print -quit 2>/dev/null)" ]
}

# install_packages PACKAGE...: apt-get install, with apt-get update before it when there are no
# package lists, or after a first attempt that failed (lists too old).
install_packages()
{
	if lists_empty; then
		apt_get update && apt_get install "$@"
		return
	fi
	apt_get install "$@" && return
	say "trying again with fresh package lists"
	apt_get update && apt_get install "$@"
}

main()
{
	local print=no packages missing
	if [ "${1-}" = --print ]; then
		print=yes
		shift
	fi
	check_sections "$@"
	mapfile -t packages < <(packages_of "$@")
	if [ $print = yes ]; then
		printf '%s\n' "${packages[@]}"
		return
	fi
	[ -z "${SKIP_DEPS-}" ] || return 0
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		say "this is no Debian system; the Debian 12 names of what is needed:"
		say "  ${packages[*]}"
		die 1 "install what corresponds to them, then repeat the make command with SKIP_DEPS=1"
	fi
	mapfile -t missing < <(packages_missing "${packages[@]}")
	[ ${#missing[@]} -gt 0 ] || return 0
	case " $* " in *" unpack "*)
		die 2 "section unpack is for make demo, which never installs it" ;;
	esac
	become_root || give_up "not root, and sudo is absent or asks for a password" "${missing[@]}"
	say "installing ${missing[*]}"
	install_packages "${missing[@]}" || give_up "apt-get failed (its messages are above)" \
		"${missing[@]}"
	mapfile -t missing < <(packages_missing "${missing[@]}")
	[ ${#missing[@]} -eq 0 ] || give_up "apt-get left them out" "${missing[@]}"
}

main "$@"
