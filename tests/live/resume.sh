#!/usr/bin/env bash
# What no recording saw but comes at any time: a stop in the middle of a wait, a signal that has a handler.
source tests/lib.sh
cd "$TMP" || exit 1

# cut NAME COMMAND...: record it with nothing to read, and generate a profile for this launcher alone.
cut() {
    local name=$1
    shift
    "$SYSCLAMP" record -q -o "$name.rec.json" -- "$@" </dev/null >/dev/null
    "$SYSCLAMP" generate --runtime none -o "$name.json" "$name.rec.json" 2>/dev/null
}

# await COMMAND...: until it succeeds, within a deadline.
await() {
    local end=$((SECONDS + 30))
    until "$@"; do [ $SECONDS -lt $end ] || return 1; done
}

child_of() { child=$(pgrep -P "$1" -x "$2"); }
has_state() { [ "$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null)" = "$2" ]; }

cut sleep sleep 0.01
"$SYSCLAMP" run -p sleep.json -- sleep 0.5 2>err &
launcher=$!
at_exit "kill $launcher 2>/dev/null"
await child_of "$launcher" sleep && await has_state "$child" S && kill -STOP "$child" &&
    await has_state "$child" T && kill -CONT "$child"
ok $? "a sleep under its profile is stopped and continued"
wait "$launcher"
is "$? $(cat err)" "0 " "and sleeps on"

handler=(sh -c 'trap "exit 5" TERM; echo ready; read line')
cut handler "${handler[@]}"
mkfifo input
"$SYSCLAMP" run -p handler.json -- "${handler[@]}" <input >out 2>err &
launcher=$!
at_exit "kill $launcher 2>/dev/null"
exec 3>input
await grep -qs ready out && kill -TERM "$launcher"
wait "$launcher"
is "$? $(cat err)" "5 " "a handler that never ran while recording runs, and returns"
done_testing
