#!/bin/bash
# Searches with each fuzz target in turn, from the inputs kept in tests/fuzz/corpus.
#
#	scripts/fuzz.sh BUILD SECONDS [TARGET...]
#
# New inputs and what was found stay below BUILD/corpus and BUILD/found.  A find is kept by minimising
# it (TARGET -minimize_crash=1 FILE) and moving it to tests/fuzz/corpus/TARGET.
# Exit: 0 nothing found, 1 something was.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

# fuzz_one BUILD SECONDS TARGET
fuzz_one()
{
	local build=$1 seconds=$2 target=$3 options=()
	local dict=tests/fuzz/$target.dict
	mkdir -p "$build/corpus/$target" "$build/found"
	[ ! -f "$dict" ] || options+=(-dict="$dict")
	say "$target, $seconds s"
	"$build/tests/fuzz/$target" "${options[@]+"${options[@]}"}" -max_total_time="$seconds" \
		-timeout=60 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
		-artifact_prefix="$build/found/$target-" \
		"$build/corpus/$target" "tests/fuzz/corpus/$target"
}

main()
{
	[ $# -ge 2 ] || die 2 "usage: scripts/fuzz.sh BUILD SECONDS [TARGET...]"
	local build=$1 seconds=$2 targets=() target status=0
	shift 2
	targets=("$@")
	[ $# -gt 0 ] || mapfile -t targets < <(ls tests/fuzz/corpus)
	for target in "${targets[@]}"; do
		fuzz_one "$build" "$seconds" "$target" || status=1
	done
	return $status
}

main "$@"
