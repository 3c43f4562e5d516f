#!/bin/bash
# sysclamp install: one whole file under a new name, or nothing.
. tests/lib.sh
golden=$PWD/tests/golden/generate
chmod 755 "$TMP"
kubelet=$TMP/kubelet
mkdir "$kubelet"
one=$TMP/one.json two=$TMP/two.json
cp "$golden/web-any-nnp-yes.out" "$one"
cp "$golden/compat.out" "$two"
one_hash=$(sha256sum "$one" | cut -c 1-8) two_hash=$(sha256sum "$two" | cut -c 1-8)

install_to() { "$SYSCLAMP" install --kubelet-dir "$@" >"$TMP/out" 2>"$TMP/err" </dev/null; }
install() { install_to "$kubelet" "$@"; }
# Every file and directory below DIR: path, type, mode, size and time of change, link, content.
tree() { (cd "$1" && find . -printf '%p %y %m %s %T@ %l\n' | sort && find . -type f -exec sha256sum {} + | sort); }

# --- what is written --------------------------------------------------------------------------

(umask 077 && install -p "$one" --name web)
is "$?" 0 "a profile is installed"
is "$(cat "$TMP/out")" "localhostProfile: web-$one_hash.json
securityContext:
  allowPrivilegeEscalation: false
  seccompProfile:
    type: Localhost
    localhostProfile: web-$one_hash.json" "standard output: the value and the securityContext"
is "$(cd "$kubelet" && find . | sort | paste -s -d ' ')" ". ./seccomp ./seccomp/web-$one_hash.json" \
    "the name ends in the first 8 hex digits of the content's SHA-256, and nothing else is there"
cmp "$one" "$kubelet/seccomp/web-$one_hash.json"
ok "$?" "what generate wrote is installed byte for byte"
is "$(stat -c %a "$kubelet/seccomp/web-$one_hash.json" "$kubelet/seccomp" | paste -s -d ' ')" "644 755" \
    "file 0644, directory 0755, under umask 077"
matches "$(cat "$TMP/err")" "^sysclamp install: wrote $kubelet/seccomp/web-$one_hash.json$" \
    "standard error: what was written"

before=$(tree "$kubelet")
install -p "$one" --name web
is "$?" 0 "installed again: success"
is "$(tree "$kubelet")" "$before" "and nothing was touched"
matches "$(cat "$TMP/err")" "web-$one_hash.json is already installed" "and says so"
is "$(head -n 1 "$TMP/out")" "localhostProfile: web-$one_hash.json" "and prints the same"

tr -d ' \n' <"$one" >"$TMP/dense.json"
install -p "$TMP/dense.json" --name web
is "$? $(tree "$kubelet")" "0 $before" "the same profile in other white space is the same content"
"$SYSCLAMP" install --kubelet-dir "$kubelet" -p - --name web <"$one" >"$TMP/out" 2>"$TMP/err"
is "$? $(tree "$kubelet")" "0 $before" "and so it is from standard input"

install -p "$two" --name web
is "$? $(find "$kubelet/seccomp" -type f | wc -l)" "0 2" "other content is another file"
cmp -s "$one" "$kubelet/seccomp/web-$one_hash.json"
ok "$?" "and the first is as it was"

install -p "$one" --name team/a.b/web_1
is "$? $(stat -c %a "$kubelet"/seccomp/team{,/a.b,/a.b/web_1-"$one_hash".json} | paste -s -d ' ')" "0 755 755 644" \
    "a name may have directories"
is "$(head -n 1 "$TMP/out")" "localhostProfile: team/a.b/web_1-$one_hash.json" "and they are part of the value"

# --- what is not written ----------------------------------------------------------------------

# refused PATTERN NAME ARGUMENT...: status 2, last line with the pattern, nothing printed or changed.
refused() {
    local pattern=$1 name=$2 tree_before
    shift 2
    tree_before=$(tree "$TMP/kubelet")
    install "$@"
    is "$? $(wc -c <"$TMP/out")" "2 0" "$name: status 2, nothing on standard output"
    matches "$(tail -n 1 "$TMP/err")" "^sysclamp install: $pattern" "$name: says what and why"
    is "$(tree "$TMP/kubelet")" "$tree_before" "$name: nothing was changed"
}

long=$(printf 'a%.0s' {1..200})
install -p "$one" --name "$long"
ok "$?" "a name of 200 bytes is fine"
refused '--name .*is empty' "an empty name" -p "$one" --name ""
refused '--name "/etc/x": is absolute' "an absolute name" -p "$one" --name /etc/x
refused '--name .*"\.\."' "a name that leaves" -p "$one" --name ../x
refused '--name .*"\.\."' "a name that leaves later" -p "$one" --name a/../../x
refused '--name .*"\.\."' "the name .." -p "$one" --name ..
refused '--name .*"\.\."' "the name ." -p "$one" --name .
refused '--name .*"\.\."' "a dot component" -p "$one" --name a/./x
refused '--name .*empty component' "an empty component" -p "$one" --name a//x
refused '--name .*empty component' "a directory alone" -p "$one" --name a/
refused "--name .*begins with '-'" "a leading dash" -p "$one" --name=-x
refused "--name .*begins with '-'" "a leading dash further in" -p "$one" --name a/-x
refused '--name .*may hold' "a line break" -p "$one" --name $'a\nb'
refused '--name .*may hold' "a blank" -p "$one" --name 'a b'
refused '--name .*may hold' "a character beyond ASCII" -p "$one" --name $'\xc3\xa9'
refused '--name .*longer than 200' "a name of 201 bytes" -p "$one" --name "${long}a"
refused '--name .*must not end in .json' "the suffix .json" -p "$one" --name web.json
refused "no profile given.*see sysclamp install --help" "no profile" --name web
refused "no name given.*see sysclamp install --help" "no name" -p "$one"
refused "unexpected argument .*see sysclamp install --help" "an argument too many" -p "$one" --name web x

refused "$TMP/none.json: .*No such file" "no such profile" -p "$TMP/none.json" --name web
echo '{}' >"$TMP/bad.json"
refused "$TMP/bad.json: " "no default action" -p "$TMP/bad.json" --name web
cat >"$TMP/notify.json" <<'EOF'
{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/listener",
 "syscalls": [{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}]}
EOF
refused "$TMP/notify.json: SCMP_ACT_NOTIFY needs a listener" "notification" -p "$TMP/notify.json" --name web

# The file of that name with other content: edited by hand, or the 1 in 2^32.
echo edited >>"$kubelet/seccomp/web-$one_hash.json"
refused "$kubelet/seccomp/web-$one_hash.json: exists and holds something else" "a file edited by hand" \
    -p "$one" --name web
head -c 100 "$one" >"$kubelet/seccomp/web-$one_hash.json"
refused "$kubelet/seccomp/web-$one_hash.json: exists and holds something else" "a file cut short by hand" \
    -p "$one" --name web
rm "$kubelet/seccomp/web-$one_hash.json"
mkdir "$kubelet/seccomp/web-$one_hash.json"
refused "$kubelet/seccomp/web-$one_hash.json: exists" "a directory of that name" -p "$one" --name web
rmdir "$kubelet/seccomp/web-$one_hash.json"
mkfifo "$kubelet/seccomp/web-$one_hash.json"
refused "$kubelet/seccomp/web-$one_hash.json: exists" "a pipe of that name" -p "$one" --name web
rm "$kubelet/seccomp/web-$one_hash.json"

# --- symbolic links ---------------------------------------------------------------------------

mkdir "$TMP/elsewhere"
cp "$one" "$TMP/elsewhere/copy.json"
elsewhere=$(tree "$TMP/elsewhere")
ln -s "$TMP/elsewhere/copy.json" "$kubelet/seccomp/web-$one_hash.json"
refused "$kubelet/seccomp/web-$one_hash.json: is a symbolic link" "a link to the same content" -p "$one" --name web
ln -sf "$TMP/elsewhere/new.json" "$kubelet/seccomp/web-$one_hash.json"
refused "$kubelet/seccomp/web-$one_hash.json: is a symbolic link" "a link to nothing" -p "$one" --name web
rm "$kubelet/seccomp/web-$one_hash.json"
ln -s "$TMP/elsewhere" "$kubelet/seccomp/link"
refused "$kubelet/seccomp/link: is a symbolic link" "a linked directory" -p "$one" --name link/web
refused "$kubelet/seccomp/link: is a symbolic link" "below a linked directory" -p "$one" --name link/deep/web
mv "$kubelet/seccomp" "$TMP/moved"
ln -s "$TMP/moved" "$kubelet/seccomp"
refused "$kubelet/seccomp: is a symbolic link" "a linked seccomp directory" -p "$one" --name web
rm "$kubelet/seccomp"
mv "$TMP/moved" "$kubelet/seccomp"
is "$(tree "$TMP/elsewhere")" "$elsewhere" "behind the links nothing was changed"
ln -s "$kubelet" "$TMP/linked"
install_to "$TMP/linked" -p "$one" --name web
is "$? $(ls "$kubelet/seccomp/web-$one_hash.json")" "0 $kubelet/seccomp/web-$one_hash.json" \
    "the kubelet's directory itself may be a link"

# --- places -----------------------------------------------------------------------------------

install_to "$TMP/nowhere" -p "$one" --name web
is "$? $(cat "$TMP/err")" "2 sysclamp install: $TMP/nowhere: no such directory: is this a node? --kubelet-dir names another one" \
    "no kubelet here: says so"
is "$(find "$TMP" -name nowhere)" "" "and does not make one"
install_to "$one" -p "$one" --name web
is "$? $(cat "$TMP/err")" "2 sysclamp install: $one: Not a directory" "a file instead of a directory"
echo in the way >"$kubelet/seccomp/file"
refused "$kubelet/seccomp/file: .*Not a directory" "a file on the way" -p "$one" --name file/web

# As one who may not write there: "nobody", or who runs the test.
cp "$SYSCLAMP" "$TMP/sysclamp"
locked=$TMP/locked
mkdir -p "$locked/seccomp"
chmod 555 "$locked/seccomp"
as_nobody=(env)
[ "$(id -u)" -ne 0 ] || as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
"${as_nobody[@]}" "$TMP/sysclamp" install --kubelet-dir "$locked" -p "$one" --name web >"$TMP/out" 2>"$TMP/err"
is "$? $(wc -c <"$TMP/out") $(find "$locked" | wc -l)" "2 0 2" "without permission: status 2, nothing written"
matches "$(cat "$TMP/err")" "$locked/seccomp/web-$one_hash.json: .*Permission denied" "and says so"
"${as_nobody[@]}" "$TMP/sysclamp" install --kubelet-dir "$locked" -p "$one" --name a/web >"$TMP/out" 2>"$TMP/err"
is "$? $(find "$locked" | wc -l)" "2 2" "nor a directory made"
matches "$(cat "$TMP/err")" "$locked/seccomp/a: .*Permission denied" "and that is said too"

# full_disk: prints what install answers on a full file system, and again when there is room.
full_disk() {
    mount -t tmpfs -o size=4k none "$kubelet" || return
    head -c 4096 /dev/zero >"$kubelet/fill"
    "$SYSCLAMP" install --kubelet-dir "$kubelet" -p "$one" --name web >"$TMP/out" 2>"$TMP/err"
    echo "$? $(find "$kubelet/seccomp" -type f | wc -l) $(wc -c <"$TMP/out") $(grep -c 'No space left' "$TMP/err")"
    rm "$kubelet/fill"
    "$SYSCLAMP" install --kubelet-dir "$kubelet" -p "$one" --name web >"$TMP/out" 2>"$TMP/err"
    echo "$? $(ls -A "$kubelet/seccomp")"
}
export -f full_disk
export SYSCLAMP kubelet one TMP
if unshare -rm true 2>/dev/null; then
    is "$(unshare -rm bash -c full_disk)" "2 0 0 1
0 web-$one_hash.json" "a full disk: status 2, no file, a message; then with room: installed"
else
    skip userns "a full disk" "no user namespaces"
fi

# --- dry run ----------------------------------------------------------------------------------

mkdir "$TMP/dry"
before=$(tree "$TMP/dry")
install_to "$TMP/dry" --dry-run -p "$two" --name a/web
is "$? $(tree "$TMP/dry")" "0 $before" "beside what is installed it changes nothing either"
install_to "$TMP/dry" --dry-run -p "$one" --name a/web
is "$? $(tree "$TMP/dry")" "0 $before" "a dry run changes nothing"
cp "$TMP/out" "$TMP/out.dry"
is "$(head -n 1 "$TMP/err")" "sysclamp install: would write $TMP/dry/seccomp/a/web-$one_hash.json" "and says what it would write"
install_to "$TMP/dry" -p "$one" --name a/web
cmp -s "$TMP/out" "$TMP/out.dry"
ok "$?" "and prints what the real one prints"
before=$(tree "$TMP/dry")
install_to "$TMP/dry" --dry-run -p "$two" --name a/web
is "$? $(tree "$TMP/dry")" "0 $before" "beside what is installed it changes nothing either"
install_to "$TMP/dry" --dry-run -p "$one" --name a/web
is "$? $(tree "$TMP/dry")" "0 $before" "nor over it"
matches "$(cat "$TMP/err")" 'already installed' "and says so"
refused "$kubelet/seccomp/link: is a symbolic link" "a dry run refuses what a real one does" \
    --dry-run -p "$one" --name link/web
refused "$TMP/bad.json: " "the profile included" --dry-run -p "$TMP/bad.json" --name web

# --- the trial load ---------------------------------------------------------------------------

mkdir "$TMP/cores"
# trial NAME JSON: a profile behind which the child that tries it can do little.
trial() {
    printf '%s\n' "$2" >"$TMP/trial.json"
    (cd "$TMP/cores" && ulimit -c unlimited && exec timeout 60 "$SYSCLAMP" install \
        --kubelet-dir "$kubelet" -p "$TMP/trial.json" --name "$1") >"$TMP/out" 2>"$TMP/err"
    is "$? $(find "$kubelet/seccomp" -name "$1-*.json" | wc -l)" "0 1" "a filter that is $1 is tried and installed"
}
trial deaf '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}'
trial deadly '{"defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}'
trial trapping '{"defaultAction": "SCMP_ACT_TRAP", "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}'
is "$(ls -A "$TMP/cores")" "" "and no core is left"
trial closed '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["exit_group"], "action": "SCMP_ACT_ALLOW"}]}'
matches "$(cat "$TMP/err")" 'warning: .*execve is not allowed' "but one without execve gets a warning"
trial flagged '{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}'
matches "$(cat "$TMP/err")" 'flags: runc before 1.2 refuses' "and so does one with flags"

# Where no filter can be loaded, none is installed: seccomp(2) itself is refused here.
cat >"$TMP/no-seccomp.json" <<'EOF'
{"defaultAction": "SCMP_ACT_ALLOW",
 "syscalls": [{"names": ["seccomp"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
EOF
before=$(tree "$kubelet")
"$SYSCLAMP" run -p "$TMP/no-seccomp.json" -- "$SYSCLAMP" install --kubelet-dir "$kubelet" \
    -p "$one" --name untried >"$TMP/out" 2>"$TMP/err"
is "$? $(tree "$kubelet")" "2 $before" "a filter that cannot be loaded is not installed"
matches "$(cat "$TMP/err")" "$one: the kernel does not load the filter: Operation not permitted" "and the reason is given"

# --- all at once, and killed ------------------------------------------------------------------

mkdir "$TMP/crowd"
pids=()
for _ in {1..20}; do
    "$SYSCLAMP" install --kubelet-dir "$TMP/crowd" -p "$one" --name web >/dev/null 2>>"$TMP/crowd.err" &
    pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=$((failed + 1)); done
is "$failed $(ls -A "$TMP/crowd/seccomp")" "0 web-$one_hash.json" "20 at the same time: all succeed, one file" ||
    sed 's/^/#   /' "$TMP/crowd.err"

# whole DIR: there are no files but whole ones and at most one temporary one.
whole() {
    local file temporary=0
    for file in "$1"/.*.tmp "$1"/*; do
        case $file in
            *'*'*) ;;
            */.web-????????.json.tmp) temporary=$((temporary + 1)) ;;
            */web-$one_hash.json) cmp -s "$file" "$one" || return 1 ;;
            */web-$two_hash.json) cmp -s "$file" "$two" || return 1 ;;
            *) return 1 ;;
        esac
    done
    [ "$temporary" -le 1 ]
}
crash=$TMP/crash
mkdir -p "$crash/seccomp"
broken=0 finished=0 left=0
for ((i = 0; i < 200; i++)); do
    rm -f "$crash"/seccomp/web-*
    profile=$one
    ((i % 2)) && profile=$two
    "$SYSCLAMP" install --kubelet-dir "$crash" -p "$profile" --name web >/dev/null 2>&1 &
    pid=$!
    for ((spin = (RANDOM << 15 | RANDOM) % 12000; spin > 0; spin--)); do :; done
    { kill -KILL $pid && wait $pid; } 2>/dev/null
    whole "$crash/seccomp" || broken=$((broken + 1))
    compgen -G "$crash/seccomp/web-*" >/dev/null && finished=$((finished + 1))
    compgen -G "$crash/seccomp/.web-*" >/dev/null && left=$((left + 1))
done
is "$broken" 0 "killed 200 times: only whole files, and one temporary file at most" ||
    find "$crash" -ls | sed 's/^/#   /'
echo "# of 200: $finished had put the file in place, $left left a temporary file"
: >"$crash/seccomp/.web-00000000.json.tmp"
: >"$crash/seccomp/.webber-00000000.json.tmp"
: >"$crash/seccomp/.web-0000000g.json.tmp"
: >"$crash/seccomp/.webs00000000.json.tmp"
install_to "$crash" -p "$one" --name web
is "$? $(cd "$crash/seccomp" && find . -name '.*.tmp' | sort | paste -s -d ' ')" \
    "0 ./.web-0000000g.json.tmp ./.webber-00000000.json.tmp ./.webs00000000.json.tmp" \
    "the next install removes what was left under its name, and only that"

# At every single call: strace kills it there.
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null && [ -z "${SANITIZE:-}" ]; then
    calls=openat,mkdirat,fchmod,fchmodat,flock,getdents64,unlinkat,write,fsync,linkat,renameat,newfstatat,close
    dir=$TMP/step
    mkdir "$dir"
    strace -o "$TMP/trace" -e trace=$calls "$SYSCLAMP" install --kubelet-dir "$dir" -p "$one" --name web >/dev/null 2>&1
    # The file is synced before it gets its name, its directory after that.
    is "$(sed -n '/O_TMPFILE/,$p' "$TMP/trace" | grep -oE '^(fchmod|fsync|linkat|renameat)' | paste -s -d ' ')" \
        "fchmod fsync linkat renameat fsync" "mode set, file synced, named, renamed, directory synced"
    broken=0 steps=0 killed=0
    for call in ${calls//,/ }; do
        for ((n = $(grep -c "^$call(" "$TMP/trace"); n > 0; n--)); do
            rm -rf "$dir/seccomp"
            # In a group: bash itself says "Killed" on its standard error.
            {
                strace -o /dev/null -e trace="$call" -e inject="$call":signal=KILL:when=$n \
                    "$SYSCLAMP" install --kubelet-dir "$dir" -p "$one" --name web >/dev/null
                [ $? -eq 137 ] && killed=$((killed + 1))
            } 2>/dev/null
            steps=$((steps + 1))
            if [ -d "$dir/seccomp" ]; then whole "$dir/seccomp" || broken=$((broken + 1)); fi
            install_to "$dir" -p "$one" --name web &&
                [ "$(ls -A "$dir/seccomp")" = "web-$one_hash.json" ] || broken=$((broken + 1))
        done
    done
    is "$broken" 0 "killed at every call: whole or not there, and the next install succeeds and cleans up"
    is "$killed" "$steps" "each of them was killed"
    [ "$steps" -ge 20 ]
    ok "$?" "and there were at least 20 (there were $steps)"
else
    skip strace "killed at every call" "strace cannot trace here"
fi
done_testing
