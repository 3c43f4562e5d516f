#!/bin/bash
# Every format and its options, byte for byte: formats/CASE.out and .err.  After a change that is
# meant: UPDATE=1 tests/golden/formats.sh
. tests/lib.sh
cd tests/golden || exit 1

# generated CASE STATUS ARGUMENT..., converted CASE STATUS ARGUMENT...: sysclamp with --format.  What
# generate adds to a recording, and says of it, is the concern of generate.sh.
unsaid() { "$@" 2>/dev/null; }
generated() { golden_run "formats/$1" "$2" unsaid "$SYSCLAMP" generate --exact --format "${@:3}"; }
converted() { golden_run "formats/$1" "$2" "$SYSCLAMP" convert --format "${@:3}"; }

# All of the table, but what is no text, from a recording and from a profile.
"$SYSCLAMP" convert --format list >"$TMP/formats" || exit 1
while read -r format _; do
    [ "$format" != bpf ] || continue
    generated "web-$format" 0 "$format" --errno EPERM --runtime none web.rec.json
    converted "shop-$format" 0 "$format" --lossy shop.json
done <"$TMP/formats"
golden_run formats/list 0 cat "$TMP/formats"

# The default of generate: what cannot be said is expanded, or refused by name.
generated web-enosys-seccompprofile 0 seccompprofile --runtime none web.rec.json
generated web-enosys-minijail 0 minijail --runtime none web.rec.json
generated web-enosys-systemd 0 systemd --runtime none web.rec.json
converted shop-refused-systemd 2 systemd shop.json
converted shop-refused-minijail 0 minijail shop.json

# Coverage of several recordings; provenance.
generated joined-seccompprofile 0 seccompprofile --errno EPERM --runtime none web.rec.json compat.rec.json
generated joined-configmap 0 configmap --errno EPERM --runtime none web.rec.json compat.rec.json

# Kills, and a container without no_new_privs.
for format in seccompprofile systemd minijail; do
    generated "kill-$format" 0 "$format" --default-action kill --runtime none web.rec.json
done
generated nnp-no-patch 0 patch --nnp no web.rec.json

# Names.
converted named-configmap 0 configmap --name front.shop --namespace apps --lossy shop.json
converted named-patch 0 patch --name front.shop --namespace apps --container nginx shop.json
converted named-seccompprofile 0 seccompprofile --name front.shop shop.json
converted named-c 0 c --name 9-front.shop shop.json

# The default profile of engines.
for format in seccompprofile systemd; do
    converted "default-$format" 0 "$format" --lossy ../../profiles/runtime-default.json
done

# One input, one output: to a file as to standard output, from standard input as from a file.
convert() { "$SYSCLAMP" convert --format systemd --lossy --name shop "$@" 2>/dev/null; }
convert - <shop.json >"$TMP/piped"
same formats/shop-systemd.out "$TMP/piped" "from standard input: the same"
convert -o "$TMP/file" shop.json >"$TMP/nothing"
same formats/shop-systemd.out "$TMP/file" "to a file: the same bytes"
is "$(wc -c <"$TMP/nothing")" 0 "and nothing on standard output"
echo before >"$TMP/kept"
"$SYSCLAMP" convert --format systemd -o "$TMP/kept" shop.json 2>"$TMP/err"
is "$? $(cat "$TMP/kept") $(wc -l <"$TMP/err")" "2 before 1" "refused: one line, and the old file as it was"

# What was noticed on the way to a refusal is of a file that is not there; with the file it is said.
both=(convert --format systemd -o "$TMP/kept" base.json)
"$SYSCLAMP" "${both[@]}" 2>"$TMP/err"
is "$? $(cat "$TMP/kept") $(wc -l <"$TMP/err")" "2 before 1" "refused with something else to say: one line"
matches "$(cat "$TMP/err")" 'base.json: a unit cannot look at .*; accept that with --lossy$' "which is the refusal"
"$SYSCLAMP" convert --lossy "${both[@]:1}" 2>"$TMP/err"
is "$? $(grep -c 'execve is not allowed' "$TMP/err") $(tail -n 1 "$TMP/err")" \
    "0 1 sysclamp convert: wrote $TMP/kept" "accepted: all of it, and last where it went"

# refused NAME PATTERN FORMAT PROFILE: one line, which ends with what to do.
refused() {
    printf '%s' "$4" >"$TMP/refused.json"
    "$SYSCLAMP" convert --lossy --format "$3" "$TMP/refused.json" >"$TMP/out" 2>"$TMP/err"
    is "$? $(wc -l <"$TMP/err") $(wc -c <"$TMP/out")" "2 1 0" "$1: status 2 and one line"
    matches "$(cat "$TMP/err")" "refused.json: $2" "$1: what, where, and what to do"
}
notify='"syscalls": [{"names": ["write"], "action": "SCMP_ACT_NOTIFY"}]'
some='"syscalls": [{"names": ["ioctl"], "action": "SCMP_ACT_KILL_PROCESS", "args": [{"index": 1, "value": 5, "op": "SCMP_CMP_EQ"}]}]'
errno='"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet"'
refused "minijail, an action" 'write: .* cannot say SCMP_ACT_NOTIFY; let it' minijail "{$errno: 1, $notify}"
refused "minijail, the default" '\$.defaultAction: .* cannot say SCMP_ACT_LOG .*; let it' minijail '{"defaultAction": "SCMP_ACT_LOG"}'
refused "minijail, an action for some arguments" 'ioctl: .* some arguments only; give' minijail "{$errno: 1, $some}"
refused "systemd, an action" 'write: .* cannot say SCMP_ACT_NOTIFY of a call; let it' systemd "{$errno: 1, $notify}"
refused "systemd, the default" '\$.defaultAction: .* cannot say SCMP_ACT_LOG .*; let it' systemd '{"defaultAction": "SCMP_ACT_LOG"}'
refused "systemd, an errno" '\$.defaultErrnoRet: .* cannot be 0; say' systemd "{$errno: 0, \"syscalls\": []}"

# The raw program is that of the header, whoever writes it.
"$SYSCLAMP" convert --format bpf shop.json >"$TMP/convert.bpf"
is "$(($(wc -c <"$TMP/convert.bpf") / 8))" "$(grep -c '^	{0x' formats/shop-c.out)" \
    "--format bpf has the instructions of --format c"
if command -v script >/dev/null; then
    script -qec "'$SYSCLAMP' convert --format bpf shop.json" /dev/null </dev/null >"$TMP/err"
    is "$?" 2 "binary output does not go to a terminal"
    matches "$(cat "$TMP/err")" 'name a file with -o' "and what to do is said"
else
    skip script "binary output to a terminal" "no script(1)"
fi

# misuse NAME ARGUMENT...: status 2, one line that points to help, nothing on standard output.
misuse() {
    local name=$1
    shift
    "$SYSCLAMP" convert "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
    is "$? $(wc -l <"$TMP/err") $(wc -c <"$TMP/out")" "2 1 0" "$name: status 2 and one line"
    matches "$(cat "$TMP/err")" '^sysclamp convert: .*; see sysclamp convert --help$' "$name: points to help"
}
misuse "nothing to do" shop.json
misuse "no profile" --format c
misuse "two profiles" --format c shop.json shop.json
misuse "--caps without --flatten" --format c --caps none shop.json
misuse "--kernel without --flatten" --format c --kernel 6.1 shop.json
misuse "--arch without --flatten" --format c --arch x86_64 shop.json
misuse "unknown format" --format yaml shop.json
misuse "a name in capitals" --format c --name Shop shop.json
done_testing
