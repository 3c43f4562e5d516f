#!/usr/bin/env bash
# Run all benchmarks; rows to the screen and to $BUILD/bench.tsv.
# Columns: what, metric, ours, against, ratio.  Each benchmark interleaves what it compares, five rounds, and
# gives medians: ratios mean something on a shared machine, absolute times do not.
set -euo pipefail
: "${BUILD:=build}"
out=$BUILD/bench.tsv
printf 'what\tmetric\tours\tagainst\tratio\n' | tee "$out"
for bench in tests/bench/*.py tests/bench/*.sh tests/bench/*.c; do
    case $bench in
        *.c) run=$BUILD/${bench%.c} ;;
        *) run=$bench ;;
    esac
    [ -x "$run" ] || continue
    "$run" | tee -a "$out"
done
