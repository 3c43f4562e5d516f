#!/usr/bin/env bash
# Put the faults of tests/faults.tsv into a copy of the prover, one at a time: its tests have to notice each.
# TAP on standard output.
set -euo pipefail
cd "$(dirname "$0")/.."
source tests/lib.sh

WIDTH_TEST=tests/unit/prove_width.c
PROFILE_TEST=tests/unit/prove.c

# build SOURCE OUT: a test against the sources in $TMP.
build() {
    gcc -std=gnu17 -D_GNU_SOURCE '-DSYSCLAMP_VERSION="fault"' -O1 -w -iquote "$TMP/lib" -iquote "${BUILD:-build}/gen" -iquote tests \
        -o "$2" "$1" "$TMP"/lib/*.c -lseccomp -ljansson
}

# notices: whether a test of the prover fails with the sources in $TMP; the quick one first.  A test that
# goes round in circles has noticed too.
notices() {
    build "$WIDTH_TEST" "$TMP/width"
    timeout 60 "$TMP/width" >/dev/null 2>&1 || return 0
    build "$PROFILE_TEST" "$TMP/profile"
    ! timeout 120 "$TMP/profile" >/dev/null 2>&1
}

# put FILE OLD NEW: replace the one place in $TMP.
put() {
    FILE="$TMP/$1" OLD="$2" NEW="$3" python3 -c '
import os, sys
path, old, new = (os.environ[name] for name in ("FILE", "OLD", "NEW"))
text = open(path).read()
if text.count(old) != 1:
    sys.exit(f"{path}: {text.count(old)} places for: {old}")
open(path, "w").write(text.replace(old, new))'
}

cp -r lib "$TMP/lib"
if notices; then ok 1 "without a fault the tests pass"; else ok 0 "without a fault the tests pass"; fi
while IFS=$'\t' read -r file old new; do
    [[ $file == \#* ]] && continue
    put "$file" "$old" "$new" || { ok 1 "the place of a fault in $file is found" || true; continue; }
    if notices; then ok 0 "noticed: $file: $new"; else ok 1 "noticed: $file: $new" || true; fi
    cp "$file" "$TMP/$file"
done < tests/faults.tsv
done_testing
