#!/bin/bash
# sysclamp generate, byte for byte: for each case the profile (generate/CASE.out) and what is said
# about it (generate/CASE.err).  After a change that is meant: UPDATE=1 tests/golden/generate.sh
. tests/lib.sh
cd tests/golden || exit 1

# golden CASE STATUS ARGUMENT...: run it, compare both streams with the files, and the status.
golden() { golden_run "generate/$1" "$2" "$SYSCLAMP" generate "${@:3}"; }

for runtime in runc crun any none; do
    for nnp in yes no; do
        golden "web-$runtime-nnp-$nnp" 0 --runtime $runtime --nnp $nnp web.rec.json
    done
done
golden web-kill 0 --default-action kill web.rec.json
golden web-log 0 --default-action log web.rec.json
golden web-eperm 0 --default-action errno --errno EPERM web.rec.json
golden web-exact 0 --exact web.rec.json
golden phases 0 --runtime none phases.rec.json
golden phase-serve 0 --runtime none --phase serve phases.rec.json
golden phase-both 0 --runtime none --phase reload --phase start phases.rec.json
golden phase-exec 0 --runtime none --exact --phase exec phases.rec.json
golden without-exec 0 --runtime none --exclude-origin exec phases.rec.json
golden late 0 --runtime none late.rec.json
golden late-exact 0 --runtime none --exact late.rec.json
golden web-musl 0 --portable musl web.rec.json
golden web-portable 0 --runtime none --portable musl,glibc web.rec.json
golden compat 0 compat.rec.json
golden compat-exact 0 --exact --runtime none compat.rec.json
for mode in none safe full; do golden "args-$mode" 0 --runtime none --args $mode args.rec.json; done
golden args-full-runc 0 --runtime runc --nnp no --args full args.rec.json
golden args-portable 0 --runtime none --portable glibc,musl --args safe args.rec.json
golden args-aarch64 0 --runtime none --exact --arch aarch64 --args safe args.rec.json
golden args-base 0 --runtime none --exact --args full --base base.json args.rec.json
golden args-exact 0 --runtime none --exact --args safe args.rec.json
golden args-compat 0 --runtime none --args full args.rec.json args32.rec.json
golden args-joined 0 --runtime none --args safe web.rec.json args.rec.json
golden args-disasm 0 --runtime none --exact --args safe --format disasm args.rec.json
golden arm64 0 arm64.rec.json
golden web-arm64 0 --arch arm64 web.rec.json
golden phases-riscv64 0 --arch riscv64 --runtime none --phase start --phase serve phases.rec.json
golden compat-arm 0 --arch arm --runtime none --exact compat.rec.json
golden arm64-amd64 0 --arch SCMP_ARCH_X86_64 --portable musl arm64.rec.json
golden web-base 0 --runtime none --base base.json web.rec.json
golden compat-base 0 --runtime none --exact --base base.json compat.rec.json
golden joined 0 web.rec.json compat.rec.json
golden lost 2 lost.rec.json
golden lost-allowed 0 --allow-incomplete --runtime none lost.rec.json
golden unended 2 unended.rec.json
golden joined-unended 2 web.rec.json unended.rec.json
golden unnamed 2 unnamed.rec.json
golden empty 2 empty.rec.json
golden disasm 0 --runtime none --format disasm compat.rec.json

generate() { "$SYSCLAMP" generate "$@" 2>/dev/null; }

# check_notes NOTES PROFILE: what does not fit together.
check_notes() {
    /usr/bin/python3 - "$@" <<'END'
import json, sys
notes, profile = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
allowed = sorted({name for rule in profile["syscalls"] for name in rule["names"]
                  if rule["action"] == "SCMP_ACT_ALLOW"})
noted = [call["name"] for call in notes["calls"]]
if noted != allowed:
    print("names differ:", set(noted) ^ set(allowed))
for call in notes["calls"]:
    pinned = {arg["index"] for rule in profile["syscalls"] if call["name"] in rule["names"] for arg in rule.get("args", [])}
    stacked = any(reason["by"] == "profile" for reason in call["reasons"])
    if pinned != set(call.get("pinned", [])) and not stacked:
        print(call["name"], "is pinned otherwise:", pinned)
    if not call["reasons"] or any(not reason["by"] for reason in call["reasons"]):
        print(call["name"], "has no reason")
for call in notes["left_out"]:
    if call.get("name") in allowed:
        print(call["name"], "is allowed and left out")
END
}

# The notes: generate/CASE.notes.
noted() {
    local name=$1
    shift
    "$SYSCLAMP" generate -o "$TMP/noted.json" --notes "$TMP/notes" "$@" 2>"$TMP/err" </dev/null
    is "$?" 0 "notes of $name: exit status" || sed 's/^/#   /' "$TMP/err"
    if [ -n "${UPDATE:-}" ]; then cp "$TMP/notes" "generate/$name.notes"; fi
    same "generate/$name.notes" "$TMP/notes" "notes of $name"
    is "$(check_notes "$TMP/notes" "$TMP/noted.json")" "" \
        "notes of $name: each name of the profile with a reason, and no other"
}
noted web web.rec.json
noted joined --runtime runc --nnp no web.rec.json compat.rec.json
noted web-portable --runtime none --portable glibc,musl web.rec.json
noted phases-riscv64 --arch riscv64 --runtime none --phase start --phase serve phases.rec.json
noted web-base --runtime none --base base.json web.rec.json
noted phase-serve --runtime none --phase serve phases.rec.json
noted without-exec --runtime none --exact --exclude-origin exec phases.rec.json
noted late --runtime none late.rec.json
noted args --runtime runc --args full args.rec.json args32.rec.json
generate -o "$TMP/noted.json" --notes - web.rec.json 2>/dev/null >"$TMP/dash"
same generate/web.notes "$TMP/dash" "--notes - is standard output"
same generate/web-any-nnp-yes.out "$TMP/noted.json" "the profile is the same without notes"

# One input, one output: whatever the order of the files, the way in and the way out.
joined=generate/joined.out
generate compat.rec.json web.rec.json >"$TMP/turned"
same $joined "$TMP/turned" "recordings in the other order: the same profile"
generate web.rec.json compat.rec.json web.rec.json >"$TMP/twice"
same $joined "$TMP/twice" "a recording given twice counts once"
generate web.rec.json - <compat.rec.json >"$TMP/piped"
same $joined "$TMP/piped" "one from standard input: the same profile"
generate -o "$TMP/file.json" web.rec.json compat.rec.json >"$TMP/nothing"
same $joined "$TMP/file.json" "written to a file: the same bytes"
is "$(wc -c <"$TMP/nothing")" 0 "and nothing on standard output"
generate -o - web.rec.json compat.rec.json >"$TMP/dash"
same $joined "$TMP/dash" "-o - is standard output"
generate --errno 38 web.rec.json >"$TMP/numbered"
same generate/web-any-nnp-yes.out "$TMP/numbered" "--errno 38 is ENOSYS, the default"

# The last lines when a file is written: what to type next, ready for a shell.
"$SYSCLAMP" generate -o "$TMP/my profile.json" compat.rec.json 2>"$TMP/err"
is "$(sed -n "s|$TMP|DIR|; /^next: /,\$p" "$TMP/err")" \
    "next: sysclamp run -p 'DIR/my profile.json' -- compat 'it'\\''s 32 bits'
  or: sysclamp install -p 'DIR/my profile.json' --name NAME
  or: podman run --security-opt 'seccomp=DIR/my profile.json' --security-opt no-new-privileges IMAGE" \
    "the next commands are quoted for a shell"
sed 's/"argv": .*/"argv": [],/' web.rec.json >"$TMP/nameless.rec.json"
"$SYSCLAMP" generate --nnp no -o "$TMP/p" "$TMP/nameless.rec.json" 2>"$TMP/err"
is "$(sed -n "s|$TMP|DIR|; /^next: /,\$p" "$TMP/err")" \
    "next: sysclamp install -p DIR/p --name NAME
  or: podman run --security-opt seccomp=DIR/p IMAGE" \
    "of a workload whose command is unknown none is named, and --nnp no asks podman for nothing"

for files in "web compat" "compat web"; do
    set -- $files
    "$SYSCLAMP" generate -o "$TMP/p" "$1.rec.json" "$2.rec.json" 2>"$TMP/err"
    matches "$(sed -n 's/^next: //p' "$TMP/err")" " -- $1 " "$files: the next command is that of the first"
done

# The program: as many instructions as the disassembly has, of 8 bytes each.
generate --format bpf --runtime none compat.rec.json >"$TMP/bpf"
is "$(($(wc -c <"$TMP/bpf") / 8))" "$(grep -c '^ *[0-9]' generate/disasm.out)" \
    "--format bpf has the instructions of --format disasm"
is "$(($(wc -c <"$TMP/bpf") % 8))" 0 "and nothing else"

# misuse NAME ARGUMENT...: status 2, one line that points to help, nothing on standard output.
misuse() {
    local name=$1
    shift
    "$SYSCLAMP" generate "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
    is "$? $(wc -l <"$TMP/err") $(wc -c <"$TMP/out")" "2 1 0" "$name: status 2 and one line"
    matches "$(cat "$TMP/err")" '^sysclamp generate: .*; see sysclamp generate --help$' \
        "$name: points to help"
}
cp base.json "$TMP/base.json" && : >"$TMP/one"
misuse "no recording"
misuse "output to no name" -o '' web.rec.json
misuse "notes to no name" --notes '' -o "$TMP/unnoted" web.rec.json
is "$(ls -A "$TMP" | grep -c unnoted)" 0 "and no profile is written"
misuse "unknown option" --frobnicate web.rec.json
misuse "option without its value" --errno
misuse "unknown runtime" --runtime docker web.rec.json
misuse "--nnp maybe" --nnp maybe web.rec.json
misuse "unknown action" --default-action trap web.rec.json
misuse "unknown --args" --args some args.rec.json
misuse "a word that is for the terminal" --args $'\e[31m\n' args.rec.json
misuse "options behind the files" web.rec.json --runtime none
misuse "two bases" --base base.json --base base.json web.rec.json
misuse "notes to where the profile goes" --notes "$TMP/one" -o "$TMP/../${TMP##*/}/one" web.rec.json
misuse "notes and profile on standard output" --notes /dev/stdout web.rec.json
misuse "notes over the base" --base "$TMP/base.json" --notes "$TMP/base.json" -o "$TMP/q" web.rec.json
misuse "unknown format" --format yaml web.rec.json
misuse "unknown errno" --errno ENOTHING web.rec.json
misuse "errno 0" --errno 0 web.rec.json
misuse "errno 4096" --errno 4096 web.rec.json
misuse "--errno with kill" --default-action kill --errno EPERM web.rec.json
misuse "unknown C library" --portable glibc,uclibc web.rec.json
misuse "no C library" --portable '' web.rec.json
misuse "unknown architecture" --arch pdp11 web.rec.json
misuse "a base and a default action" --base base.json --default-action kill web.rec.json
misuse "a base and an errno" --base base.json --errno EPERM web.rec.json
misuse "a base and a recording on standard input" --base - -
misuse "unknown origin" --exclude-origin start phases.rec.json
misuse "exec asked for and left out" --phase exec --exclude-origin exec phases.rec.json
misuse "33 phases" $(printf -- '--phase start %.0s' {1..33}) phases.rec.json
misuse "--notes where the profile goes" --notes -  web.rec.json
misuse "--notes on the file of the profile" -o "$TMP/a" --notes "$TMP/a" web.rec.json
misuse "standard input twice" - -
cp web.rec.json "$TMP/"
misuse "-o on the recording" -o "$TMP/web.rec.json" "$TMP/web.rec.json"
misuse "--notes on the recording" --notes "$TMP/web.rec.json" "$TMP/web.rec.json"
same web.rec.json "$TMP/web.rec.json" "the recording is as it was"

# refused PATTERN NAME ARGUMENT...: status 2, one line with the pattern, and -o FILE is as it was.
refused() {
    local pattern=$1 name=$2
    shift 2
    echo before >"$TMP/kept.json"
    "$SYSCLAMP" generate -o "$TMP/kept.json" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
    is "$? $(wc -l <"$TMP/err") $(cat "$TMP/out" "$TMP/kept.json")" "2 1 before" \
        "$name: status 2, one line, and the old file as it was"
    matches "$(cat "$TMP/err")" "^sysclamp generate: $pattern" "$name: says what and where"
}
refused 'missing\.json: .*No such file' "missing file" missing.json
refused 'generate: .*directory' "a directory" generate
refused '"": no file has such a name; name one' "no name" ''
: >"$TMP/zero.json"
refused "$TMP/zero.json: empty" "an empty file" "$TMP/zero.json"
head -c 500 web.rec.json >"$TMP/cut.json"
refused "$TMP/cut.json:" "a truncated file" "$TMP/cut.json"
refused '../../profiles/runtime-base.tsv:1:' "a file that is no JSON" ../../profiles/runtime-base.tsv
refused 'generate/compat.out: .*not a recording' "a profile instead" generate/compat.out
sed 's/"version": 1/"version": 2/' web.rec.json >"$TMP/new.json"
refused "$TMP/new.json: .*version" "a recording of another version" "$TMP/new.json"
refused 'phases.rec.json: phase "server" .*: start, serve, exec, reload$' "an unknown phase" \
    --phase start --phase server phases.rec.json
refused 'web.rec.json: phase "start" .* knew none' "a phase of a recording without any" --phase start web.rec.json
refused 'none.json: .*No such file' "a base that is missing" --base none.json web.rec.json
refused 'web.rec.json: .*' "a recording for a base" --base web.rec.json web.rec.json
echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$TMP/open.json"
refused "$TMP/open.json: its default action is SCMP_ACT_ALLOW" "a base that allows by default" --base "$TMP/open.json" \
    web.rec.json
refused 'unended.rec.json: incomplete' "an incomplete one among others" web.rec.json unended.rec.json

echo before >"$TMP/kept.notes"
"$SYSCLAMP" generate -o generate --notes "$TMP/kept.notes" web.rec.json >/dev/null 2>&1
is "$? $(cat "$TMP/kept.notes")" "2 before" "a profile that cannot be written: status 2, and no notes of it"
echo before >"$TMP/kept.json"
"$SYSCLAMP" generate -o "$TMP/kept.json" --notes generate web.rec.json >/dev/null 2>"$TMP/err"
is "$? $(cat "$TMP/kept.json")" "2 before" "notes that cannot be written: status 2, and the old profile as it was"
matches "$(tail -n 1 "$TMP/err")" '^sysclamp generate: generate: .*directory' "and says which file"

# Profile and notes are there both or not at all, and nothing else is: past a limit, and ended at any call.
pair=$TMP/pair
mkdir "$pair"
pair_of() { timeout 20 "$@" "$SYSCLAMP" generate -o "$pair/p" --notes "$pair/n" web.rec.json >/dev/null 2>"$TMP/err"; }
echo before >"$pair/p"
(ulimit -f 4 && pair_of)
is "$? $(ls -A "$pair") $(cat "$pair/p") $(wc -l <"$TMP/err")" "2 p before 1" "notes past the limit on the size of files: the old profile as it was"
matches "$(tail -n 1 "$TMP/err")" "^sysclamp generate: .*/pair/n: .*too large" "and says which file"
# ended_pairs STRACE_OPTION...: what was wrong with the files after SIGTERM at each call of $steps.
ended_pairs() {
    local call n
    for call in $steps; do
        for ((n = $(grep -c "^$call(" "$TMP/trace"); n > 0; n--)); do
            rm -f "$pair"/* "$pair"/.*.tmp
            pair_of strace -o /dev/null "$@" -e inject="$call":signal=TERM:when=$n
            [ $? = 143 ] || echo "$call $n: not ended"
            case $(ls -A "$pair" | paste -s -d ' ') in
                "" | p | "n p") ;;
                *) echo "$call $n:" "$pair"/* "$pair"/.*.tmp ;;
            esac
        done
    done
}
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null && [ -z "${SANITIZE:-}" ]; then
    pair_of strace -o "$TMP/trace" -e trace=openat,flock,fsync,linkat,renameat
    steps="openat flock fsync linkat renameat"
    is "$(ended_pairs)" "" "ended at any call: nothing but what is whole"
    nameless=$(grep '^openat(' "$TMP/trace" | grep -n O_TMPFILE | cut -d : -f 1 | paste -s -d ' ')
    nameless=${nameless/ /..}
    pair_of strace -o "$TMP/trace" -e inject=openat:error=EOPNOTSUPP:when=$nameless
    steps="flock write fsync renameat"
    is "$(ended_pairs -e inject=openat:error=EOPNOTSUPP:when=$nameless)" "" \
        "the same where files need a name from the beginning"
else
    skip strace "ended at any call" "no strace that may trace, or a sanitizer that cannot be traced"
fi

if [ -w /dev/full ]; then
    "$SYSCLAMP" generate web.rec.json >/dev/full 2>"$TMP/err"
    is "$?" 2 "standard output on a full disk: status 2"
    matches "$(tail -n 1 "$TMP/err")" 'No space left' "and says so"
else
    skip devices "standard output on a full disk" "no /dev/full"
fi
done_testing
