#!/bin/bash
# Debian's redis, and those of its libraries that this machine lacks: downloaded and unpacked, never
# installed: no root, no service. Sourced for fetch_redis(), or run:
#
#	scripts/redis.sh BUILD_DIR
#
# unpacks below BUILD_DIR/demo, as make demo does, and prints two lines: where the programs are, and
# the LD_LIBRARY_PATH that they need (which may be empty).
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cache='' debs='' redis_root=''	# where redis is unpacked

# download PACKAGE...: into $debs, by the system's package lists, or by fresh ones of our own.
download()
{
	local options=(-q -o APT::Sandbox::User="$(id -un)")
	(cd "$debs" && apt-get "${options[@]}" download "$@") >"$cache/apt.log" 2>&1 && return
	mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
	options+=(-o Dir::State="$cache/apt" -o Dir::State::lists="$cache/apt/lists"
		-o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$cache/apt/cache")
	(apt-get "${options[@]}" update && cd "$debs" && apt-get "${options[@]}" download "$@") \
		>>"$cache/apt.log" 2>&1 && return
	indent <"$cache/apt.log" >&2
	die 1 "can not download $*: see apt's messages above; is there a network?"
}

unpack()
{
	local deb
	rm -rf "$cache/root.new"
	mkdir "$cache/root.new"
	for deb in "$debs"/*.deb; do
		dpkg -x "$deb" "$cache/root.new"
	done
	rm -rf "$redis_root"
	mv "$cache/root.new" "$redis_root"
}

# missing_libraries: the shared objects that redis asks for and the loader does not find.
missing_libraries()
{
	ldd "$redis_root/usr/bin/redis-server" "$redis_root/usr/bin/redis-cli" |
		awk '/not found/ && !seen[$1]++ { print $1 }'
}

use_redis()
{
	local dir libraries=''
	for dir in "$redis_root"/usr/lib/*-linux-gnu* "$redis_root"/lib/*-linux-gnu*; do
		[ ! -d "$dir" ] || libraries+=${libraries:+:}$dir
	done
	[ -z "$libraries" ] || export LD_LIBRARY_PATH=$libraries
}

# fetch_redis CACHE: has redis unpacked below CACHE, at $redis_root, and finds its libraries.
fetch_redis()
{
	local packages
	cache=$1
	debs=$cache/debs redis_root=$cache/root
	if [ ! -x "$redis_root/usr/bin/redis-server" ]; then
		command -v apt-get >/dev/null ||
			die 1 "needs apt-get to download Debian's redis: this works on Debian 12"
		mkdir -p "$debs"
		mapfile -t packages < <(packages_of unpack | grep '^redis-')
		show "$(quote apt-get download "${packages[@]}")"
		download "${packages[@]}"
		unpack
	fi
	use_redis
	if [ -n "$(missing_libraries)" ]; then
		mapfile -t packages < <(packages_of unpack | grep -v '^redis-')
		mapfile -t packages < <(packages_missing "${packages[@]}")
		[ ${#packages[@]} -eq 0 ] || {
			show "$(quote apt-get download "${packages[@]}")"
			download "${packages[@]}"
			unpack
			use_redis
		}
	fi
	[ -z "$(missing_libraries)" ] ||
		die 1 "redis needs $(missing_libraries | paste -s -d ' '): install these libraries"
	printf '  unpacked, not installed: %s\n' "$redis_root"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	[ $# -eq 1 ] || die 2 "usage: scripts/redis.sh BUILD_DIR"
	mkdir -p "$1"
	fetch_redis "$(realpath "$1")/demo" >&2
	printf '%s\n' "$redis_root/usr/bin" "${LD_LIBRARY_PATH-}"
fi
