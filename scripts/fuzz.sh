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
	local build=$1 seconds=$2 target=$3 dict
	local found=$build/found/$target- options=()
	mkdir -p "$build/corpus/$target" "$build/found"
	dict=tests/fuzz/$target.dict
	[ ! -f "$dict" ] || options+=(-dict="$dict")
	say "$target, $seconds s"
	"$build/tests/fuzz/$target" "${options[@]+"${options[@]}"}" -max_total_time="$seconds" \
		-timeout=60 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
		-artifact_prefix="$found" "$build/corpus/$target" "tests/fuzz/corpus/$target"
}

main()
{
	[ $# -ge 2 ] || die 2 "usage: scripts/fuzz.sh BUILD SECONDS [TARGET...]"
	local build=$1 seconds=$2 target failed=0
	shift 2
	[ $# -gt 0 ] || set -- $(cd tests/fuzz/corpus && echo *)
	for target; do
		fuzz_one "$build" "$seconds" "$target" || failed=1
	done
	return $failed
}

main "$@"
