# tests/lib.sh: TAP from shell.  Source it; call ok/is/skip; end with `done_testing`.
# Set by make: SYSCLAMP (the program, absolute), BUILD (the build directory).
set -u
: "${BUILD:=build}" "${SYSCLAMP:=$PWD/$BUILD/sysclamp}"
tap_count=0 tap_failed=0
TMP=$(mktemp -d)
tap_at_exit=()
tap_cleanup() {
    local step
    for step in "${tap_at_exit[@]+"${tap_at_exit[@]}"}"; do eval "$step"; done
    rm -rf "$TMP"
}
trap tap_cleanup EXIT
trap 'exit 130' INT TERM

at_exit() { tap_at_exit+=("$1"); }

# ok STATUS NAME: one test point; STATUS 0 is a pass.
ok() {
    tap_count=$((tap_count + 1))
    if [ "$1" -eq 0 ]; then
        printf 'ok %d - %s\n' "$tap_count" "$2"
    else
        tap_failed=$((tap_failed + 1))
        printf 'not ok %d - %s\n' "$tap_count" "$2"
        return 1
    fi
}

# is GOT WANT NAME: equal strings; shows both when not.
is() {
    if [ "$1" = "$2" ]; then ok 0 "$3"; return; fi
    ok 1 "$3"
    printf '%s\n' "got:  $1" "want: $2" | sed 's/^/#   /'
    return 1
}

# matches GOT PATTERN NAME: an extended regular expression.
matches() {
    if printf '%s' "$1" | grep -qE -- "$2"; then ok 0 "$3"; return; fi
    ok 1 "$3"
    printf '%s\n' "got:  $1" "want: /$2/" | sed 's/^/#   /'
    return 1
}

# same WANT GOT NAME: two files are equal.
same() {
    if cmp -s "$1" "$2"; then ok 0 "$3"; return; fi
    ok 1 "$3"
    diff -u "$1" "$2" | head -40 | sed 's/^/#   /'
}

# golden_run CASE STATUS COMMAND...: run it without input, compare standard output and error with the
# files CASE.out and CASE.err, and the status.  With UPDATE=1 in the environment the files are written.
golden_run() {
    local case=$1 want=$2 status name
    name=$(basename "$case")
    shift 2
    "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
    status=$?
    if [ -n "${UPDATE:-}" ]; then
        cp "$TMP/out" "$case.out"
        cp "$TMP/err" "$case.err"
    fi
    is "$status" "$want" "$name: exit status"
    same "$case.out" "$TMP/out" "$name: standard output"
    same "$case.err" "$TMP/err" "$name: standard error"
}

# skip NEED NAME REASON: cannot run here; a failure if TEST_REQUIRE lists NEED.
skip() {
    case ",${TEST_REQUIRE:-}," in
        *",$1,"*) ok 1 "$2: $3, but TEST_REQUIRE lists $1"; return ;;
    esac
    tap_count=$((tap_count + 1))
    printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$2" "$3"
}

done_testing() {
    printf '1..%d\n' "$tap_count"
    [ "$tap_failed" -eq 0 ]
    exit
}
