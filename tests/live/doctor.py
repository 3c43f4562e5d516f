#!/usr/bin/python3
"""sysclamp doctor: the truth about hosts that lack something, each with a mend; the same as JSON.

What it says is held against what the other commands do: the back end that it names is the one that
`record` takes, and filters that it says can be loaded are loaded by `run`.
"""
import errno
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import ebpf  # noqa: E402
import pseudo_terminal  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
OK, NO, NOTE = True, False, None
MARKS = {"ok": OK, "no": NO, "--": NOTE}
KEYS = {"group", "name", "ok", "value"}
ESCAPES = re.compile("\x1b\\[[0-9;]*m")
SCREEN_LINES = 45
ROOT = os.geteuid() == 0


def user(*capabilities):
    """The command that gives up root for an ordinary user with some capabilities."""
    if not ROOT:
        return []
    caps = ",".join(["-all", *[f"+{name}" for name in capabilities]])
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={caps}",
            f"--ambient-caps={caps}", "--"]


def mounts(script):
    """The command that changes what is mounted, for what it starts alone."""
    return ["unshare", "--mount", "sh", "-ec", f'{script}\nexec "$@"', "sh"]


def put(name, text):
    """A file of the scratch directory."""
    path = os.path.join(SCRATCH, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def instead(path, text):
    """The command for which the file `path` of /proc or /sys holds `text`."""
    return mounts(f"mount --bind {put(os.path.basename(path), text)} {path}")


def beside(directory, name, text):
    """The command for which /proc or /sys has a file more; all others of its directory are gone."""
    return mounts(f"mount -t tmpfs none {directory}\n"
                  f"mkdir -p $(dirname {directory}/{name})\necho '{text}' > {directory}/{name}")


# The leak check of a sanitizer build would wait for ever where getppid is denied.
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}


def held(name, error=errno.EPERM, *arguments):
    """The command that denies a call, with these first arguments, to what it starts."""
    path = put(f"{name}-{'-'.join(map(str, arguments))}.json", json.dumps({
        "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{
            "names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": error,
            "args": [{"index": index, "value": value, "op": "SCMP_CMP_EQ"}
                     for index, value in enumerate(arguments)]}]}))
    return [workload.SYSCLAMP, "run", "-p", path, "--"]


def from_text(text):
    """The checks of the text, as they would be in the JSON."""
    checks, group = [], ""
    for line in text.splitlines():
        match = re.fullmatch(r"  (ok|no|--)  (\S+(?: \S+)*) {2,}(\S.*)", line)
        if match:
            checks.append({"group": group, "name": match[2], "ok": MARKS[match[1]],
                           "value": match[3]})
        elif line.startswith("      mend: "):
            checks[-1]["mend"] = line[len("      mend: "):]
        else:
            group = line
    return checks


def well_formed(check):
    """Whether a check has what it must have, and a mend exactly if something lacks."""
    want = KEYS | ({"mend"} if check["ok"] is NO else set())
    return set(check) == want and all(check.values() if check["ok"] else [check["value"]])


def doctor(name, prefix):
    """What it says under some circumstances, as JSON, and the exit status; the text agrees."""
    args = [*prefix, workload.SYSCLAMP, "doctor"]
    # The terminal has colours, so that a pipe alone keeps them away.
    text, as_json = [workload.run([*args, *more], env={**NO_LEAK_CHECK, "TERM": "xterm"})
                     for more in ([], ["--format", "json"])]
    try:
        seen = json.loads(as_json.stdout)
    except ValueError:
        tap.ok(False, f"{name}: JSON", as_json)
        return None, as_json.returncode
    tap.equal((text.returncode, text.stderr, as_json.stderr), (as_json.returncode, b"", b""),
              f"{name}: two formats, one exit status, nothing else said")
    tap.equal(from_text(text.stdout.decode()), seen["checks"], f"{name}: text and JSON agree")
    bad = [check for check in seen["checks"] if not well_formed(check)]
    names = [(check["group"], check["name"]) for check in seen["checks"]]
    tap.ok(not bad and len(set(names)) == len(names),
           f"{name}: each check once, with a mend if it lacks", *bad)
    tap.ok(b"\x1b" not in text.stdout and len(text.stdout.splitlines()) <= SCREEN_LINES,
           f"{name}: plain text, a screen of it", text.stdout.decode())
    return seen, as_json.returncode


def check_deeds(name, prefix, seen, status):
    """`record` and `run` do what it says."""
    out = os.path.join(SCRATCH, "out", "rec.json")
    result, recording = workload.record(["true"], out, ("-q",), prefix, env=NO_LEAK_CHECK)
    tap.equal(recording.json.get("recorder", {}).get("backend"), seen["backend"],
              f"{name}: record takes {seen['backend']}", result)
    if os.path.exists(out):
        os.unlink(out)
    allow = put("allow.json", '{"defaultAction": "SCMP_ACT_ALLOW"}')
    result = workload.run([*prefix, workload.SYSCLAMP, "run", "-p", allow, "--", "true"],
                          env=NO_LEAK_CHECK)
    tap.equal(result.returncode, 0 if seen["filters"] else 125,
              f"{name}: run {'works' if seen['filters'] else 'fails'}", result)
    tap.equal(status, 0 if seen["backend"] and seen["filters"] else 1, f"{name}: exit {status}")


def check_row(name, prefix, backend, wanted):
    """One row; `wanted`: (group, name): mark, pattern in the value, pattern in the mend."""
    seen, status = doctor(name, prefix)
    if not seen:
        return
    tap.equal((seen["kind"], seen["version"], seen["backend"]), ("sysclamp.doctor", 1, backend),
              f"{name}: {backend}")
    checks = {(check["group"], check["name"]): check for check in seen["checks"]}
    for key, (mark, value, *mend) in wanted.items():
        got = checks.get(key, {})
        tap.ok(got and got["ok"] is mark and re.search(value, got["value"])
               and (not mend or re.search(mend[0], got["mend"])), f"{name}: {' '.join(key)}", got)
    check_deeds(name, prefix, seen, status)


EBPF, PTRACE, FILTERS = ("record", "ebpf"), ("record", "ptrace"), ("seccomp", "filters")
ACTIONS, FLAGS, SELF = ("seccomp", "actions"), ("seccomp", "flags"), ("seccomp", "this process")
CAP_BPF, CAP_PERFMON = ("capabilities", "CAP_BPF"), ("capabilities", "CAP_PERFMON")
CAP_SYS_ADMIN, CAP_SYS_PTRACE = ("capabilities", "CAP_SYS_ADMIN"), ("capabilities", "CAP_SYS_PTRACE")
USERNS, BTF, CGROUPS = ("kernel", "user namespace"), ("kernel", "BTF"), ("cgroups", "version")
YAMA, LOCKDOWN, LOGGED = ("kernel", "Yama"), ("kernel", "lockdown"), ("seccomp", "logged")
LANDLOCK = ("kernel", "Landlock")
YAMA_PATH, LOCKDOWN_PATH = ("/proc/sys/kernel", "yama/ptrace_scope"), ("/sys/kernel", "security/lockdown")
ALL_ACTIONS = "^KILL_PROCESS KILL_THREAD TRAP ERRNO NOTIFY TRACE LOG ALLOW$"
ALL_FLAGS = "^TSYNC LOG SPEC_ALLOW NEW_LISTENER TSYNC_ESRCH WAIT_KILLABLE_RECV$"
FLAG_TESTS = (("TSYNC", 1, "3.17"), ("TSYNC_ESRCH", 16, "5.7"), ("WAIT_KILLABLE_RECV", 32 | 8, "5.19"))
UMOUNT_CGROUPS = "umount -R /sys/fs/cgroup"


def cgroup_rows():
    """Layouts of cgroups."""
    yield "no cgroups", mounts(UMOUNT_CGROUPS), {CGROUPS: (NO, "^none mounted$", "cgroup2")}
    yield "cgroups v2", mounts(f"{UMOUNT_CGROUPS}\nmount -t cgroup2 none /sys/fs/cgroup"), {
        CGROUPS: (OK, "^v2 at /sys/fs/cgroup$")}
    both = mounts(f"{UMOUNT_CGROUPS}\nmount -t tmpfs none /sys/fs/cgroup\ncd /sys/fs/cgroup\n"
                  "mkdir a b\nmount -t cgroup -o none,name=sysclamp-test none a\n"
                  "mount -t cgroup2 none b")
    yield "both cgroups", both, {CGROUPS: (OK, "^hybrid: v1 and v2 at /sys/fs/cgroup/b$")}
    if not workload.run([*both, "true"]).returncode:
        v1 = mounts(f"{UMOUNT_CGROUPS}\nmount -t cgroup -o none,name=sysclamp-test none "
                    "/sys/fs/cgroup")
        yield "cgroups v1", v1, {CGROUPS: (NO, "^v1 only$", "cgroup2")}
    odd = mounts(f"{UMOUNT_CGROUPS}\nmount -t tmpfs none /sys/fs/cgroup\n"
                 "odd=$(printf '/sys/fs/cgroup/a b\\033c')\nmkdir \"$odd\"\n"
                 "mount -t cgroup2 none \"$odd\"")
    yield "an odd place of cgroups", odd, {CGROUPS: (OK, r"^v2 at /sys/fs/cgroup/a b\?c$")}
    closed = mounts(f"{UMOUNT_CGROUPS}\nmount -t tmpfs none /sys/fs/cgroup\ncd /sys/fs/cgroup\n"
                    "mkdir -p a/b\nmount -t cgroup2 none a/b\nchmod 700 a\ncd /")
    yield "closed cgroups", [*closed, *user("bpf", "perfmon")], {
        CGROUPS: (NO, "^v2 at /sys/fs/cgroup/a/b$", "read /sys/fs/cgroup/a/b$")}


def kernel_rows():
    """What the kernel may be told to deny."""
    for scope, privileged, plain in (("0", OK, OK), ("1", OK, OK), ("2", OK, NO), ("3", NO, NO)):
        changed = beside(*YAMA_PATH, scope)
        yield f"Yama {scope}, root", changed, {YAMA: (privileged, f"^ptrace_scope {scope}$")}
        yield f"Yama {scope}, a user", [*changed, *user("bpf", "perfmon")], {
            YAMA: (plain, f"^ptrace_scope {scope}$")}
    # With all of /sys/kernel gone there is no BTF either.
    hidden = mounts(f"mount -t tmpfs none {LOCKDOWN_PATH[0]}/security\n"
                    f'echo "$MODE" > {"/".join(LOCKDOWN_PATH)}')
    for mode, mark in (("[none] integrity confidentiality", OK),
                       ("none [integrity] confidentiality", OK),
                       ("none integrity [confidentiality]", NO)):
        yield f"lockdown {mode}", ["env", f"MODE={mode}", *hidden], {
            LOCKDOWN: (mark, re.escape(mode))}
    seccomp = "/proc/sys/kernel/seccomp/actions_logged"
    yield "LOG is not logged", instead(seccomp, "kill_process trap\n"), {
        LOGGED: (NO, "^kill_process trap$", "'kill_process trap log'$")}
    yield "LOG is logged", instead(seccomp, "kill_process log\n"), {LOGGED: (OK, "log$")}
    yield "nothing is logged", instead(seccomp, "\n"), {LOGGED: (NO, "^none$", "'log'$")}
    yield "no JIT", instead("/proc/sys/net/core/bpf_jit_enable", "0\n"), {
        ("seccomp", "JIT"): (NO, "^enabled 0", "bpf_jit_enable=1")}
    yield "no BTF", mounts("mount -t tmpfs none /sys/kernel/btf"), {
        EBPF: (NO, "", ebpf.BTF), BTF: (NO, f"^no {ebpf.BTF}$", "CONFIG_DEBUG_INFO_BTF")}
    yield "neither /proc nor /sys", mounts("umount -R -l /sys\numount -l /proc"), {
        EBPF: (NO, "", ebpf.BTF), BTF: (NO, f"^no {ebpf.BTF}$", "mount -t sysfs"), ("kernel", "/proc"): (NO, "", "mount -t proc"),
        USERNS: (NOTE, "unknown"), CGROUPS: (NOTE, "unknown"), LOGGED: (NOTE, "unknown"),
        SELF: (OK, "no filter"), ("limits", "pid_max"): (NOTE, "unknown")}


def privilege_rows():
    """Whose process it is."""
    missing = "^missing: "
    yield "root", [], {EBPF: (OK, "auto takes it$"), PTRACE: (OK, "privileges needed$"),
                       CAP_BPF: (OK, "^record"), CAP_PERFMON: (OK, "^record"),
                       CAP_SYS_ADMIN: (OK, "--new-privs$"), CAP_SYS_PTRACE: (OK, "--pid"),
                       BTF: (OK, ebpf.BTF), USERNS: (OK, "first"), FILTERS: (OK, "loaded"),
                       ACTIONS: (OK, ALL_ACTIONS), FLAGS: (OK, ALL_FLAGS), SELF: (OK, "no filter")}
    yield "CAP_BPF alone", user("bpf"), {
        EBPF: (NO, "", "needs CAP_PERFMON: "), CAP_BPF: (OK, "^record"),
        CAP_PERFMON: (NO, missing, r"--ambient-caps \+perfmon$")}
    yield "CAP_BPF and CAP_PERFMON", user("bpf", "perfmon"), {
        EBPF: (OK, "auto takes it$"), CAP_BPF: (OK, "^record"), CAP_PERFMON: (OK, "^record"),
        CAP_SYS_ADMIN: (NO, missing), CAP_SYS_PTRACE: (NO, missing)}
    yield "CAP_SYS_ADMIN", user("sys_admin"), {
        EBPF: (OK, "auto takes it$"), CAP_BPF: (OK, "by CAP_SYS_ADMIN$"),
        CAP_PERFMON: (OK, "by CAP_SYS_ADMIN$"), CAP_SYS_ADMIN: (OK, "--new-privs$")}
    yield "root without capabilities", [
        "setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin", "--inh-caps=-bpf,-perfmon,-sys_admin"], {
        EBPF: (NO, "", "needs CAP_BPF and CAP_PERFMON: "),
        CAP_BPF: (NO, missing, "--cap-add CAP_BPF$"), CAP_SYS_PTRACE: (OK, "--pid")}


def anyone_rows():
    """What needs no root to try; the back ends as an ordinary user has them."""
    built = os.access(workload.program("oracle"), os.X_OK)
    yield "a user", user(), {
        EBPF: (NO, "", "needs CAP_BPF and CAP_PERFMON: " if built else "not in this build"), PTRACE: (OK, "auto takes it$"),
        CAP_BPF: (NO, "^missing: ", r"--ambient-caps \+bpf$"), CAP_SYS_ADMIN: (NO, "^missing: "),
        FILTERS: (OK, "loaded"), SELF: (OK, "no filter"), ("seccomp", "no_new_privs"): (NOTE, "^not set$"),
        LANDLOCK: (OK, "^ABI [0-9]+$")}
    yield "a user namespace", ["unshare", "--user", "--map-root-user"], {
        EBPF: (NO, "", "user namespace" if built else "not in this build"), USERNS: (NO, "not the first", "host"),
        CAP_BPF: (NO, "^does not count here", "host"), CAP_SYS_ADMIN: (OK, "^run --new-privs$")}
    hold = [workload.program("own_filter"), "hold"]
    yield "one filter", [*user(), *hold], {
        SELF: (NO, "^held by 1 filter$", "--pid"), ("seccomp", "no_new_privs"): (NOTE, "^set")}
    yield "two filters", [*user(), *hold, *hold], {SELF: (NO, "^held by 2 filters$")}


def old_kernel_rows():
    """What an older kernel would answer, by a filter or a personality that answers in its place."""
    set_mode_filter, avail = 1, 2  # operations of seccomp(2)
    for name, flag, since in FLAG_TESTS:
        yield f"no {name}", [*user(), *held("seccomp", errno.EINVAL, set_mode_filter, flag)], {
            FLAGS: (NO, f"^(?!.*{name}( |$))", rf": {name} \(Linux {since}\)$"),
            ACTIONS: (OK, ALL_ACTIONS), FILTERS: (OK, "loaded")}
    yield "no actions", [*user(), *held("seccomp", errno.EOPNOTSUPP, avail)], {
        ACTIONS: (NO, "^none$", r"KILL_PROCESS \(Linux 4.14\), .*, NOTIFY \(Linux 5.0\)"),
        FLAGS: (OK, ALL_FLAGS)}
    yield "before actions could be asked for", [*user(), *held("seccomp", errno.EINVAL, avail)], {
        ACTIONS: (NO, "^cannot be asked: Invalid argument$")}
    old = ["setarch", "--uname-2.6"]
    yield "locked memory counts", [*user(), "prlimit", "--memlock=65536:65536", *old], {
        ("limits", "locked memory"): (NO, "^64 KiB", "ulimit -l")}
    if ROOT:
        yield "CAP_SYS_RESOURCE", [*user("sys_resource"), *old], {
            ("limits", "locked memory"): (OK, "^unlimited$")}


def denied_rows():
    """Filters that deny what sysclamp needs."""
    for call in ("seccomp", "prctl"):
        yield f"{call} is denied", [*user(), *held(call)], "ptrace-syscall", {
            PTRACE: (NO, "", "filter"), FILTERS: (NO, "not permitted", "seccomp=unconfined"),
            SELF: (NO, "^held by 1 filter$")}
    yield "seccomp is denied: cannot be asked", [*user(), *held("seccomp")], "ptrace-syscall", {
        ACTIONS: (NO, "cannot be asked: .*not permitted", "allows seccomp"),
        FLAGS: (NO, "cannot be asked: .*not permitted", "allows seccomp")}
    yield "no Landlock", [*user(), *held("landlock_create_ruleset", errno.EOPNOTSUPP)], "ptrace", {
        LANDLOCK: (NO, "cannot be had", "lsm=landlock")}
    yield "ptrace is denied", [*user(), *held("ptrace")], None, {
        PTRACE: (NO, "", "denies ptrace"), ("record", "ptrace-syscall"): (NO, "", "^not permitted")}


def has_namespaces(prefix):
    """Whether such processes can be had here."""
    return workload.run([*prefix, "true"]).returncode == 0


def check_rows(rows, backend_of, need):
    """Rows of one kind."""
    for name, prefix, wanted in rows:
        if not has_namespaces(prefix):
            tap.skip(need, name, "cannot be had here")
        elif "neither" in name and os.environ.get("SANITIZE"):
            tap.skip("proc", name, "the sanitizers need /proc")
        else:
            check_row(name, prefix, backend_of(wanted), wanted)


def check_entries():
    """What it says of 32-bit calls is what a program that makes them finds."""
    seen = json.loads(workload.sysclamp("doctor", "--format", "json").stdout)
    got = [check["ok"] for check in seen["checks"] if check["name"] == "i386"]
    tap.equal(got, [OK if workload.has_i386() else NOTE], "32-bit calls: as the program finds them")


def check_colour():
    """Colours on a terminal that has some, and for nobody who wants none."""
    for name, env, args, coloured in (
            ("a terminal", {}, [], True), ("NO_COLOR", {"NO_COLOR": "1"}, [], False),
            ("an empty NO_COLOR", {"NO_COLOR": ""}, [], True),
            ("TERM=dumb", {"TERM": "dumb"}, [], False), ("no TERM", {"TERM": None}, [], False),
            ("JSON", {}, ["--format", "json"], False)):
        screen = pseudo_terminal.Terminal([workload.SYSCLAMP, "doctor", *args], env, (50, 120))
        status = screen.wait()
        tap.equal((status, "\x1b" in screen.text), (0, coloured), f"{name}: colours or not", screen.text)
        if coloured:
            plain = from_text(ESCAPES.sub("", screen.text))
            tap.equal(plain, from_text(workload.sysclamp("doctor").stdout.decode()),
                      f"{name}: the same text but for colours")


def check_usage():
    """Help, misuse, and output that cannot be written."""
    for args, wanted in ((["--bogus"], "--bogus"), (["--form", "json"], "--form"),
                         (["--format"], "--format"), (["--format", "yaml"], "yaml"),
                         (["--format="], "--format"), (["-x"], "-x"), (["more"], "more")):
        got = workload.sysclamp("doctor", *args)
        tap.ok(got.returncode == 2 and not got.stdout and got.stderr.count(b"\n") == 1
               and wanted.encode() in got.stderr and b"--help" in got.stderr,
               f"doctor {' '.join(args)}: misuse", got)
    got = workload.sysclamp("doctor", "--help")
    tap.ok(got.returncode == 0 and got.stdout.startswith(b"usage: sysclamp doctor")
           and got.stdout.count(b"\n") <= 24, "help fits a screen", got)
    for args in ([], ["--format", "json"]):
        got = workload.run(["sh", "-c", '"$0" doctor "$@" >/dev/full', workload.SYSCLAMP, *args])
        tap.ok(got.returncode and b"standard output" in got.stderr,
               f"doctor {' '.join(args)}: a full disk", got)


def main():
    """All of it."""
    workload.share(SCRATCH)
    os.mkdir(os.path.join(SCRATCH, "out"))
    os.chmod(os.path.join(SCRATCH, "out"), 0o1777)
    check_usage()
    check_colour()
    check_entries()
    if ebpf.lack():
        for name in ("privileges", "kernels", "cgroups"):
            tap.skip("bpf", name, ebpf.lack())
    else:
        kernel = ebpf.Kernel()
        for rows, need in ((privilege_rows(), "root"), (kernel_rows(), "root"), (cgroup_rows(), "root")):
            check_rows(rows, lambda wanted: "ptrace" if wanted.get(EBPF, (OK,))[0] is NO else "ebpf",
                       need)
        kernel.check("doctor")
    check_rows(anyone_rows(), lambda wanted: "ptrace", "userns")
    check_rows(old_kernel_rows(), lambda wanted: "ptrace", "personality")
    for name, prefix, backend, wanted in denied_rows():
        check_row(name, prefix, backend, wanted)
    tap.done()


if __name__ == "__main__":
    main()
