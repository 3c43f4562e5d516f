#!/bin/bash
# sysclamp run: a command held to a profile, and nothing of the launcher in its way.
. tests/lib.sh
programs=$BUILD/tests/programs
chmod 755 "$TMP"
cp "$programs"/{exit_only,inherited,try_call,wait_signal} "$TMP"
cp "$SYSCLAMP" "$TMP/sysclamp"
native=SCMP_ARCH_$(uname -m | tr '[:lower:]' '[:upper:]')

# profile NAME JSON...: writes $TMP/NAME.json.
profile() { printf '%s\n' "${@:2}" >"$TMP/$1.json"; }
profile allow '{"defaultAction": "SCMP_ACT_ALLOW"}'
profile two '{"defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": [
    {"names": ["execve", "exit_group"], "action": "SCMP_ACT_ALLOW"}]}'
profile one '{"defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": [
    {"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}'
profile deny '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
    {"names": ["uname"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95},
    {"names": ["sched_yield"], "action": "SCMP_ACT_ERRNO"},
    {"names": ["getpgid"], "action": "SCMP_ACT_TRAP"},
    {"names": ["getppid"], "action": "SCMP_ACT_KILL_PROCESS"},
    {"names": ["sync"], "action": "SCMP_ACT_KILL"}]}'
profile trace '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
    {"names": ["getppid"], "action": "SCMP_ACT_TRACE"}]}'
profile log '{"defaultAction": "SCMP_ACT_LOG", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}'
profile killable '{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}'
profile noexit '{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "syscalls": [
    {"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}'

as=() # what makes a command run as the user whose turn it is
run() { "${as[@]}" timeout 60 "$TMP/sysclamp" run "$@"; }
# run_quietly ARGUMENT...: results in $status, $TMP/out and $TMP/err.
run_quietly() {
    run "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
    status=$?
}

# --- how it ends ------------------------------------------------------------------------------

# ends STATUS NAME ARGUMENT...
ends() {
    run_quietly "${@:3}"
    is "$status $(wc -c <"$TMP/out")" "$1 0" "status $1: $2" || sed 's/^/#   /' "$TMP/err"
}
# fails STATUS PATTERN NAME ARGUMENT...: with one line that matches; standard output is empty.
fails() {
    ends "$1" "$3" "${@:4}"
    is "$(wc -l <"$TMP/err")" 1 "one line of error: $3" || sed 's/^/#   /' "$TMP/err"
    matches "$(cat "$TMP/err")" "^sysclamp run: $2" "which says so: $3"
}

test_status() {
    ends 0 "success" -p "$TMP/allow.json" true
    ends 42 "the command's own" -p "$TMP/allow.json" -- sh -c 'exit 42'
    ends 143 "ended by SIGTERM" -p "$TMP/allow.json" -- sh -c 'kill -TERM $$'
    ends 137 "ended by SIGKILL" -p "$TMP/allow.json" -- sh -c 'kill -KILL $$'
    ends 5 "options behind the command are the command's" -p "$TMP/allow.json" sh -c 'exit 5' -p --help
    env --ignore-signal=CHLD "${as[@]}" "$TMP/sysclamp" run -p "$TMP/allow.json" sh -c 'exit 6'
    is $? 6 "status 6: the caller ignores SIGCHLD"
}

test_misuse() {
    fails 2 'no command given' "no command" -p "$TMP/allow.json"
    fails 2 'no command given' "nothing behind --" -p "$TMP/allow.json" --
    fails 2 'no profile given \(-p PROFILE\)' "no profile" true
    fails 2 'option -p needs a value' "-p without a value" -p
    fails 2 'unknown option -x' "an unknown option" -x -p "$TMP/allow.json" true
    fails 2 'unknown option --new' "an abbreviated option" --new -p "$TMP/allow.json" true
    run_quietly --help
    is "$status $(head -c 23 "$TMP/out") $(wc -c <"$TMP/err")" "0 usage: sysclamp run -p  0" "--help"
}

test_bad_command() {
    cp /bin/true "$TMP/dir/plain" && chmod 644 "$TMP/dir/plain"
    echo 'exit 0' >"$TMP/dir/script" && chmod 755 "$TMP/dir/script"
    printf '#!%s\n' "$TMP/none" >"$TMP/dir/strange" && chmod 755 "$TMP/dir/strange"
    fails 127 'no-such-command: command not found$' "not along PATH" -p "$TMP/allow.json" no-such-command
    fails 127 "$TMP/none: command not found$" "no such file" -p "$TMP/allow.json" "$TMP/none"
    fails 127 "$TMP/dir/strange: no such file or directory: it, or the interpreter" "no such interpreter" \
        -p "$TMP/allow.json" "$TMP/dir/strange"
    fails 126 "$TMP/dir/plain: permission denied" "no x bit" -p "$TMP/allow.json" "$TMP/dir/plain"
    fails 126 "$TMP/dir: permission denied" "a directory" -p "$TMP/allow.json" "$TMP/dir"
    fails 126 "$TMP/dir/script: .*run sh $TMP/dir/script$" "no program" -p "$TMP/allow.json" "$TMP/dir/script"
    fails 127 'no-such-command' "the command is looked for first" -p "$TMP/none" no-such-command
}

# Behind a filter that denies both exits, what failed must still end and be reported.
test_no_way_out() {
    (cd "$TMP/cores" && ulimit -c unlimited && run_quietly -p "$TMP/noexit.json" "$TMP/dir/script"; exit "$status")
    is $? 126 "an execve that fails where exit_group is denied: status 126"
    matches "$(cat "$TMP/err")" "^sysclamp run: $TMP/dir/script: neither a program" "and the reason is told"
    is "$(ls -A "$TMP/cores")" "" "and no core is left"
}

# --- profiles that are refused ----------------------------------------------------------------

# refused PATTERN NAME JSON...: before anything runs.
refused() {
    profile bad "${@:3}"
    fails 125 "$TMP/bad.json:.*$1" "$2" -p "$TMP/bad.json" touch "$TMP/dir/started"
}
test_refused() {
    fails 125 "$TMP/none.json: No such file" "no such profile" -p "$TMP/none.json" touch "$TMP/dir/started"
    fails 125 "$TMP/dir: is a directory" "a directory" -p "$TMP/dir" touch "$TMP/dir/started"
    refused '1:40: not valid JSON' "JSON cut short" '{"defaultAction": "SCMP_ACT_ALLOW", "sys'
    refused 'defaultAction' "no default action" '{}'
    refused 'SCMP_ACT_ALOW' "an unknown action" '{"defaultAction": "SCMP_ACT_ALOW"}'
    refused 'archMap' "what only Docker reads" '{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}]}'
    refused 'execve is not allowed, so no command can start under it; add it to a rule' "execve by default denied" \
        '{"defaultAction": "SCMP_ACT_ERRNO"}'
    refused 'execve is not allowed' "execve denied by ERRNO" '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["execve"], "action": "SCMP_ACT_ERRNO"}]}'
    refused 'execve is not allowed' "execve denied by KILL" '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["execve"], "action": "SCMP_ACT_KILL_PROCESS"}]}'
    refused "programs of this machine are $native, which is not listed; add it" "native ABI not listed" \
        '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_S390X"]}'
    refused 'SCMP_ACT_NOTIFY needs a supervisor' "NOTIFY by default" '{"defaultAction": "SCMP_ACT_NOTIFY",
        "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}'
    refused 'SCMP_ACT_NOTIFY needs a supervisor' "NOTIFY for one call" '{"defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["uname"], "action": "SCMP_ACT_NOTIFY"}]}'
    refused 'SCMP_ACT_NOTIFY needs a supervisor' "NOTIFY for some arguments" '{"defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["dup"], "action": "SCMP_ACT_NOTIFY", "args": [
            {"index": 0, "value": 9, "op": "SCMP_CMP_EQ"}]}]}'
    profile bad '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ALLOW",
        "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]}'
    fails 125 'the filter answers the execve that starts the command with SCMP_ACT_ERRNO' "execve with other arguments" \
        -p "$TMP/bad.json" touch "$TMP/dir/started"
    [ ! -e "$TMP/dir/started" ]
    ok $? "nothing of this was started"
}

# --- what the command gets --------------------------------------------------------------------

# same NAME COMMAND...: prints the same as without sysclamp.
same() { is "$(run -p "$TMP/allow.json" "${@:2}" 2>&1)" "$("${as[@]}" "${@:2}" 2>&1)" "$1"; }

test_pass_through() {
    same "descriptors and signals" "$TMP/inherited"
    same "descriptors that were open already" bash -c "exec 5</dev/null 9>/dev/null; exec $TMP/inherited"
    is "$(run -p "$TMP/allow.json" "$TMP/inherited" 5</dev/null 9>/dev/null)" \
        "$("${as[@]}" "$TMP/inherited" 5</dev/null 9>/dev/null)" "descriptors that were given along"
    is "$(env --ignore-signal=PIPE,CHLD,HUP --block-signal=USR1,TERM,RTMIN "${as[@]}" \
        "$TMP/sysclamp" run -p "$TMP/allow.json" "$TMP/inherited" | tail -n 2)" "$(printf 'blocked: 10 15 34\nignored: 1 13 17')" \
        "blocked and ignored signals"
    is "$(env -i A=1 B= 'C=x y' "${as[@]}" "$TMP/sysclamp" run -p "$TMP/allow.json" /usr/bin/env)" \
        "$(env -i A=1 B= 'C=x y' "${as[@]}" /usr/bin/env)" "the environment"
    is "$(cd "$TMP/dir" && run -p "$TMP/allow.json" pwd -P)" "$TMP/dir" "the current directory"
    same "arguments" printf '<%s>' a '' 'b c' -x -- --new-privs
    same "argv[0] as it was typed" sh -c 'tr "\0" " " </proc/$$/cmdline'
    same "limits and umask" bash -c 'umask; ulimit -a'
    same "ids" id
    is "$(echo hello | run -p "$TMP/allow.json" cat)" hello "standard input and output"
    is "$(run -p "$TMP/allow.json" sh -c 'echo hello >&2' 2>&1 >/dev/null)" hello "standard error"
    head -c 3000000 /dev/urandom >"$TMP/big"
    run -p "$TMP/allow.json" cat <"$TMP/big" >"$TMP/out"
    cmp "$TMP/out" "$TMP/big"
    ok $? "3 MB through standard input and output"
    run -p "$TMP/allow.json" yes 2>/dev/null | head -n 1 >"$TMP/out"
    is "${PIPESTATUS[0]} $(cat "$TMP/out")" "141 y" "a reader that goes away"
    is "$(run -p - cat <"$TMP/allow.json" && echo "and $?")" "and 0" "a profile from standard input: the rest is the command's"
}

# The filter alone, loaded once, and nothing else taken away.
test_held() {
    is "$(run -p "$TMP/allow.json" grep -E '^(NoNewPrivs|Seccomp)' /proc/self/status | tr -d '\t\n')" \
        "NoNewPrivs:1Seccomp:2Seccomp_filters:1" "no_new_privs and one filter"
    ends 0 "a flag that is about a listener's answers" -p "$TMP/killable.json" true
    matches "$(cat "$TMP/err")" "^sysclamp run: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is left out" "and that is said"
    is "$(run -p "$TMP/log.json" grep -E '^Seccomp' /proc/self/status | tr -d '\t\n')" \
        "Seccomp:2Seccomp_filters:1" "a profile with flags"
    is "$(run -p "$TMP/deny.json" "$TMP/try_call" uname sched_yield nothing 2>&1 | paste -s -d ' ')" \
        "trying uname: 95 sched_yield: 1 nothing: 38" "denied calls get the errno that was chosen"
    is "$(run -p "$TMP/trace.json" "$TMP/try_call" getppid 2>"$TMP/err" | tail -n 1)" "getppid: 38" \
        "SCMP_ACT_TRACE without a tracer: ENOSYS"
    matches "$(cat "$TMP/err")" "^sysclamp run: $TMP/trace.json: SCMP_ACT_TRACE: .*ENOSYS$" "and that is said"
    is "$(run -p "$TMP/deny.json" -- "$TMP/sysclamp" run -p "$TMP/deny.json" \
        grep -E '^Seccomp_f' /proc/self/status | tr -d '\t\n')" "Seccomp_filters:2" "one inside the other"
}

test_killed() {
    local call
    for call in getppid getpgid sync; do
        run_quietly -p "$TMP/deny.json" "$TMP/try_call" "$call"
        is "$status" 159 "status 159: $call is answered by a kill or an unhandled trap"
        is "$(cat "$TMP/err")" "sysclamp run: $TMP/try_call was killed by SIGSYS: it made a call that $TMP/deny.json denies; \
--on-deny explain says which" "and said to be: $call"
    done
}

# The proof that the launcher makes no call behind the filter: it kills for anything but these.
test_no_residue() {
    ends 7 "a profile of execve and exit_group runs what makes only these" -p "$TMP/two.json" "$TMP/exit_only"
    ends 159 "a profile of execve alone starts it" -p "$TMP/one.json" "$TMP/exit_only"
    run_quietly -p "$TMP/two.json" "$TMP/inherited"
    is "$status" 159 "and these profiles do deny"
}

# --- signals ----------------------------------------------------------------------------------

# start COMMAND...: in the background; its output is descriptor 8; waits until it is ready.
# $pid: of sysclamp; $child: of the command, from its "ready PID"; both empty while there is none.
pid='' child=''
# shellcheck disable=SC2016 # expanded at exit
at_exit 'kill -KILL $pid $child 2>/dev/null'
start() {
    rm -f "$TMP/fifo"
    mkfifo "$TMP/fifo"
    "${as[@]}" "$TMP/sysclamp" run -p "$TMP/allow.json" "$@" >"$TMP/fifo" 2>"$TMP/err" &
    pid=$!
    exec 8<"$TMP/fifo"
    read -r -t 60 _ child <&8
}
# finish: waits for it; its status.  What does not end is ended: 137.
finish() {
    local status
    timeout 60 tail --pid="$pid" -s 0.02 -f /dev/null || kill -KILL "$pid" "$child"
    wait "$pid"
    status=$?
    pid='' child=''
    return "$status"
}
state() { sed 's/.*) //; s/ .*//' "/proc/$1/stat"; }
# becomes STATE PID: waits for it.
becomes() {
    local tries
    for ((tries = 0; tries < 6000; tries++)); do
        [ "$(state "$2")" = "$1" ] && return
        read -r -t 0.01 <>"$TMP/never"
    done
    return 1
}

test_signals() {
    local sig number
    [ -p "$TMP/never" ] || mkfifo "$TMP/never"
    for sig in HUP INT QUIT TERM USR1 USR2 WINCH; do
        number=$(kill -l $sig)
        start "$TMP/wait_signal" 1
        kill -$sig "$pid"
        finish
        is "$? $(cat <&8)" "$((40 + number)) $number" "SIG$sig reaches the command, whose status comes back"
    done
    start "$TMP/wait_signal" 2
    for sig in USR1 TERM; do kill -$sig "$pid" && read -r -t 60 number <&8 && echo "$number"; done >"$TMP/out"
    finish
    is "$? $(paste -s -d ' ' "$TMP/out")" "55 10 15" "several signals, one after the other"
    start "$TMP/wait_signal" 1
    kill -KILL "$child"
    finish
    is $? 137 "the command is killed alone"
    start "$TMP/wait_signal" 1
    kill -STOP "$pid" && becomes T "$pid"
    kill -TERM "$pid" && kill -CONT "$pid"
    finish
    is $? 55 "SIGSTOP, SIGTERM, SIGCONT to sysclamp: the command goes on to its end"
    start "$TMP/wait_signal" 1
    kill -STOP "$child" && becomes T "$child"
    kill -CONT "$child" && kill -TERM "$pid"
    finish
    is $? 55 "the command stopped and continued alone: sysclamp does not stop"
    exec 8<&-
}

# --- everything, as each user -----------------------------------------------------------------

everything() {
    mkdir -m 777 "$TMP/dir" "$TMP/cores"
    test_status
    test_misuse
    test_bad_command
    test_no_way_out
    test_refused
    test_pass_through
    test_held
    test_killed
    test_no_residue
    test_signals
    rm -rf "$TMP/dir" "$TMP/cores"
}

test_unprivileged() {
    mkdir -m 777 "$TMP/dir"
    fails 125 'without no_new_privs, loading a filter needs CAP_SYS_ADMIN: run as root, or without --new-privs' \
        "--new-privs as an ordinary user" -p "$TMP/allow.json" --new-privs touch "$TMP/dir/started"
    is "$(ls "$TMP/dir")" "" "and nothing was started"
    # shellcheck disable=SC2016 # for the inner shell
    run_quietly -p "$TMP/allow.json" sh -c 'exec 3<>/proc/$PPID/mem'
    matches "$status $(cat "$TMP/err")" '^[12] .*/mem: Permission denied' \
        "the command cannot write to the memory of sysclamp, which has no filter"
    rm -rf "$TMP/dir"
}

test_new_privs() {
    is "$(run -p "$TMP/allow.json" --new-privs grep -E '^(NoNewPrivs|Seccomp)' /proc/self/status | tr -d '\t\n')" \
        "NoNewPrivs:0Seccomp:2Seccomp_filters:1" "--new-privs: the filter without no_new_privs"
    ends 7 "--new-privs: no further calls either" -p "$TMP/two.json" --new-privs "$TMP/exit_only"
    cp /usr/bin/id "$TMP/id" && chown 65534 "$TMP/id" && chmod 4755 "$TMP/id"
    if [ "$("$TMP/id" -u)" = 65534 ]; then
        is "$(run -p "$TMP/allow.json" "$TMP/id" -u)" 0 "a set-user-ID program changes no id"
        is "$(run -p "$TMP/allow.json" --new-privs "$TMP/id" -u)" 65534 "--new-privs: it does"
    else
        skip setuid "a set-user-ID program" "the scratch directory is mounted nosuid"
    fi
}

everything
if [ "$(id -u)" -eq 0 ]; then
    test_new_privs
    as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    everything
else
    skip root "--new-privs, and everything as another user" "not root"
fi
test_unprivileged

# Everything started here runs a file of $TMP or has one among its arguments.
is "$(grep -alF "$TMP/" /proc/[0-9]*/cmdline 2>/dev/null)" "" "no process is left"
done_testing
