#!/usr/bin/python3
"""sysclamp verify: engines, program files and processes against profiles.

The weak rule sets are those that libseccomp 2.5.4 and 2.6.1 are known to compile wrongly; a version that does
better is told from one that does not by the system calls themselves (verify_container.py).
"""
import json
import os
import signal
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, "tests")
import tap  # noqa: E402
import workload  # noqa: E402
from weak_profiles import DENIED, LET_THROUGH, WEAK, call_args, makeable, weak_profile  # noqa: E402

SYSCLAMP = os.environ.get("SYSCLAMP", "build/sysclamp")
PROGRAMS = os.path.join(os.path.abspath(os.environ.get("BUILD", "build")), "tests/programs")
TMP = tap.scratch()
# Where other users can run them too: the checkout may lie in a home directory that is closed to them.
SYSCLAMP = shutil.copy(SYSCLAMP, os.path.join(TMP, "sysclamp"))
PROGRAMS = shutil.copytree(PROGRAMS, os.path.join(TMP, "programs"))
X86_64 = os.uname().machine == "x86_64"
ERRNO_1, ALLOW = "SCMP_ACT_ERRNO (EPERM)", "SCMP_ACT_ALLOW"


def put(name, content):
    """A file of the scratch directory: text, bytes or JSON."""
    path = os.path.join(TMP, name)
    if not isinstance(content, (bytes, str)):
        content = json.dumps(content)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


def profile(rules, default="SCMP_ACT_ERRNO", abis=("X86_64",), **more):
    """An OCI profile; a rule is (names, action, [(index, op, value[, valueTwo])...])."""
    return {
        "defaultAction": default, "architectures": ["SCMP_ARCH_" + abi for abi in abis], **more,
        "syscalls": [{
            "names": names, "action": "SCMP_ACT_" + action,
            "args": [dict(zip(("index", "op", "value", "valueTwo"), (arg[0], "SCMP_CMP_" + arg[1], *arg[2:])))
                     for arg in args],
        } for names, action, args in rules]}


def verify(*args, prefix=()):
    """Run it; (status, stdout, stderr)."""
    done = subprocess.run([*prefix, SYSCLAMP, "verify", *args], capture_output=True, text=True, timeout=120,
                          check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def verify_json(path, *args):
    """The answer as JSON, with the status under "status"."""
    status, out, err = verify("-p", path, "--format", "json", *args)
    try:
        answer = json.loads(out)
    except ValueError:
        answer = {"answer": None, "stdout": out, "stderr": err}
    return {**answer, "status": status}


def known(answer):
    """The names of what was granted."""
    return [row["name"] for row in answer.get("known", [])]


ALWAYS = ["unlisted ABIs", "negative numbers"]

def is_allowed(rules, args):
    """What the rules about ioctl say, worked out here."""
    ops = {"LE": lambda a, b: a <= b, "GT": lambda a, b: a > b, "GE": lambda a, b: a >= b, "EQ": lambda a, b: a == b}
    return any(all(ops[op](args[index], value) for index, op, value in rule) for rule in rules)


def test_weak():
    """The rule sets that libseccomp gets wrong."""
    for name, abis, rules, _ in WEAK:
        answer = verify_json(put("weak.json", weak_profile(abis, rules)), "--engine", "libseccomp")
        call = answer.get("call", {"args": ["0x0"] * 6})
        tap.equal((answer["status"], answer["answer"], call.get("name")), (1, "different", "ioctl"),
                  f"libseccomp: {name}: different", answer)
        allowed = is_allowed(rules, [int(arg, 16) for arg in call["args"]])
        tap.equal((call.get("got") == ALLOW, call.get("wanted") == ALLOW), (not allowed, allowed),
                  f"libseccomp: {name}: the call shows it", answer)
    status, out, err = verify("-p", put("weak.json", weak_profile(*WEAK[2][1:3])), "--engine", "libseccomp")
    tap.equal((status, out.splitlines()[1:], err), (1, [
        f"  i386 ioctl(0, 0x5, 0, 0, 0, 0): the program answers {ALLOW}, the rules say {ERRNO_1} ($.defaultAction)"],
        ""), "as text: the call, both answers, the place in the file", out)


def test_engine_known():
    """What is granted has a name, and only where it applies."""
    cases = [
        ("one ABI", profile([(["read"], "ALLOW", [])]), ALWAYS),
        ("i386 with sockets", profile([(["socket", "accept", "semop"], "ALLOW", [(0, "NE", 1)])], abis=("X86_64", "X86")),
         ALWAYS + ["multiplexed calls"]),
        ("IPC on i386 alone", profile([(["shmat"], "TRAP", [(0, "EQ", 1), (2, "GE", 5)]), (["ipc"], "LOG", [(0, "GT", 40)])],
                                      abis=("X86",)),
         ALWAYS + ["native ABI", "multiplexed calls"]),
        ("a condition on what socketcall has elsewhere", profile([
            (["socket"], "ALLOW", [(0, "EQ", 1), (1, "EQ", 3)])], abis=("X86_64", "X86")), ALWAYS + ["multiplexed calls"]),
        ("a repeated index", profile([(["socket"], "ALLOW", [(0, "EQ", 1), (0, "EQ", 2), (1, "EQ", 3)])], abis=("X86_64", "X86")),
         ALWAYS + ["multiplexed calls"]),
        ("x32", profile([(["read", "open"], "ALLOW", [])], abis=("X86_64", "X32")), ALWAYS),
        ("the native ABI is not listed", profile([(["read"], "ALLOW", [])], abis=("AARCH64",)), ALWAYS + ["native ABI"]),
        ("a rule that says the default", profile([(["read"], "ERRNO", []), (["read"], "ALLOW", [])]), ALWAYS),
        ("an unconditional rule behind conditional ones", profile([
            (["read"], "LOG", [(0, "EQ", 1)]), (["read"], "ALLOW", [])]), ALWAYS),
        ("default ALLOW", profile([(["read"], "ERRNO", [])], default="SCMP_ACT_ALLOW"), ALWAYS),
        ("no rules", profile([]), ALWAYS),
    ]
    for name, rules, want in cases:
        answer = verify_json(put("known.json", rules), "--engine", "libseccomp")
        tap.equal((answer["status"], answer["answer"], known(answer)), (0, "equal", want), f"libseccomp: {name}", answer)
    answer = verify_json("profiles/runtime-default.json", "--engine", "libseccomp")
    tap.equal((answer["status"], answer["answer"], known(answer)), (0, "equal", ALWAYS + ["multiplexed calls"]),
              "libseccomp: runtime-default.json", answer)


def unknown_name():
    """A call that this project knows and the installed libseccomp does not, or None."""
    for name in ("file_setattr", "mseal"):
        rules = profile([([name], "ALLOW", [])])
        if "unknown names" in known(verify_json(put("name.json", rules), "--engine", "libseccomp")):
            return name
    return None


def test_unknown_names():
    """A lost allow denies, which is granted; a lost denial lets through, which is not."""
    name = unknown_name()
    if not name:
        tap.skip("old-libseccomp", "names that libseccomp lacks", "this libseccomp knows all that we know")
        return
    answer = verify_json(put("name.json", profile([([name], "ERRNO", [])], default="SCMP_ACT_ALLOW")),
                         "--engine", "libseccomp")
    call = answer.get("call", {})
    tap.equal((answer["status"], call.get("name"), call.get("got"), call.get("place")),
              (1, name, ALLOW, "$.syscalls[0]"), "libseccomp: a denial of a call that it does not know is lost", answer)


def test_refused():
    """What libseccomp or runc does not take."""
    two = [(["socket"], "ALLOW", [(0, "EQ", 1)]), (["socket"], "LOG", [(0, "EQ", 2)])]
    beaten = [(["bind"], "ALLOW", []), (["bind"], "LOG", [(0, "EQ", 1)])]
    many = [(["read"], "ALLOW", [(2, "EQ", 3 * value)]) for value in range(4090)]
    for name, rules, why in [
            ("rules that meet in socketcall", profile(two, abis=("X86_64", "X86")), "$.syscalls[1] for socket: File exists"),
            ("unconditional and conditional ones there", profile(beaten, abis=("X86_64", "X86")), "$.syscalls[1] for bind"),
            ("ABIs of another byte order", profile([], abis=("X86_64", "S390X")), "$.architectures: SCMP_ARCH_S390X"),
            ("NOTIFY by default", profile([], default="SCMP_ACT_NOTIFY"), "SCMP_ACT_NOTIFY"),
            ("more than the kernel takes", profile(many), "instructions, and the kernel takes 4096")]:
        answer = verify_json(put("refused.json", rules), "--engine", "libseccomp")
        tap.ok((answer["status"], answer["answer"]) == (1, "none") and why in answer["why"],
               f"libseccomp: {name}: refused, with the reason", answer)
    if not os.environ.get("SANITIZE"):
        # In the process that has libseccomp compile, and there only, this call is made.
        crash = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=memfd_create:signal=SEGV")
        status, out, err = verify("-p", put("refused.json", profile([])), "--engine", "libseccomp", prefix=crash)
        tap.ok((status, err) == (1, "") and out.startswith("none: libseccomp") and "crashed" in out,
               "libseccomp: a crash of it is no crash of ours", status, out, err)
    answer = verify_json(put("refused.json", profile(two)), "--engine", "libseccomp")
    tap.equal((answer["status"], known(answer)), (0, ALWAYS), "libseccomp: the same rules without i386: equal", answer)


# --- program files ----------------------------------------------------------------------------

def generate(*args):
    """A profile, or its program, from a recording of the tests."""
    return subprocess.run([SYSCLAMP, "generate", *args, "tests/golden/web.rec.json"], capture_output=True,
                          check=True, timeout=60).stdout


def test_program():
    """Our own program, and what is left of it after a change."""
    path, program = put("web.json", generate()), generate("--format", "bpf")
    insns = [list(struct.unpack("=HBBI", program[at:at + 8])) for at in range(0, len(program), 8)]

    def ask(changed, *args):
        return verify_json(path, "--program", put("web.bpf", b"".join(struct.pack("=HBBI", *insn) for insn in changed)), *args)

    answer = ask(insns)
    tap.equal((answer["status"], answer["answer"], answer["instructions"], known(answer)), (0, "equal", len(insns), []),
              "--program: what generate wrote", answer)
    wrong = []
    for at, insn in enumerate(insns):
        if insn[0] != 0x06:  # BPF_RET | BPF_K
            continue
        answer = ask([*insns[:at], [0x06, 0, 0, 0x00050063], *insns[at + 1:]])
        if (answer["status"], answer.get("call", {}).get("got")) != (1, "SCMP_ACT_ERRNO (EADDRNOTAVAIL)") and insn[3] != 0x50063:
            wrong.append((at, insn, answer))
    tap.equal(wrong, [], "--program: each return changed: different, with a call that gets there")
    for name, changed, want in [
            ("half an instruction", program[:-4], f"{len(program) - 4} bytes are no program"),
            ("cut", program[:8], "instruction 0"), ("a bad opcode", struct.pack("=HBBI", 0xffff, 0, 0, 0), "instruction 0"),
            ("nothing", b"", "empty file"), ("too long", program * 4096, "larger than the limit")]:
        file = put("bad.bpf", changed)
        status, out, err = verify("-p", path, "--program", file)
        tap.ok((status, out, err.count("\n")) == (2, "", 1) and f"{file}: " in err and want in err,
               f"--program: {name}: an error", err)


def test_usage():
    """What is no question."""
    path = put("usage.json", profile([]))
    for want, *args in [
            ("no profile given", "--engine", "libseccomp"), ("give one of", "-p", path),
            ("give one of", "-p", path, "--engine", "libseccomp", "--pid", "1"),
            ("--engine is libseccomp", "-p", path, "--engine", "runc"),
            ("not a process ID", "-p", path, "--pid", "0"), ("not a process ID", "-p", path, "--pid", "-1"),
            ("not a process ID", "-p", path, "--pid", "4294967296"), ("not a process ID", "-p", path, "--pid", "1x"),
            ("--format is text or json", "-p", path, "--pid", "1", "--format", "yaml"),
            ("read once only", "-p", "-", "--program", "-"), ("unexpected argument", "-p", path, "--pid", "1", "2"),
            ("No such file", "-p", path + "x", "--engine", "libseccomp"),
            ("No such file", "-p", path, "--program", path + "x"),
            ("$.syscalls[0]", "-p", put("bad.json", profile([(["no_such_call"], "KILL", [])])), "--engine", "libseccomp")]:
        status, out, err = verify(*args)
        tap.ok((status, out, err.count("\n")) == (2, "", 1) and want in err, f"misuse: {want}", args, status, err)
    status, out, err = verify("--help")
    tap.ok(status == 0 and out.startswith("usage: sysclamp verify") and not err and out.count("\n") <= 24 + 6,
           "--help fits a screen", out)


# --- processes --------------------------------------------------------------------------------

def start(*command, **more):
    """A program that prints "ready" once it is."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, **more)
    child.stdout.readline()
    return child


def end(child):
    """End it, and reap it."""
    child.kill()
    child.communicate()


def status_field(pid, key):
    """A field of /proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next(line.split()[1] for line in file if line.startswith(key + ":"))


GETPPID = (["getppid"], "ERRNO", [])
OPEN = {"default": "SCMP_ACT_ALLOW"}


def test_run():
    """Under sysclamp run: exactly the profile."""
    for name, abis, rules, weak in WEAK:
        path, wrong = put("run.json", weak_profile(abis, rules)), []
        for how, args in makeable(name, weak, workload.has_i386()) + [("native", args) for args in (
                [0, 0x100000001], [0, 0x200000002], [0, 0x200000001], [0, 1], [0, 0, 0x7b0a65b5], [5], [0x100000005])]:
            done = subprocess.run([SYSCLAMP, "run", "-p", path, "--", f"{PROGRAMS}/call_with", *call_args(how, args)],
                                  capture_output=True, text=True, timeout=60, check=False)
            allowed = is_allowed(rules, [0, *args, 0, 0, 0])
            if done.stdout != (LET_THROUGH if allowed else DENIED):
                wrong.append((how, args, allowed, done))
        tap.equal(wrong, [], f"sysclamp run enforces as written, seen by system calls: {name}")
        child = start(SYSCLAMP, "run", "-p", path, "--", f"{PROGRAMS}/call_with", "hold", *call_args("native", []))
        answer = verify_json(path, "--pid", str(tap.children_of(child.pid)[0]))
        tap.equal((answer["status"], answer["answer"], known(answer)), (0, "equal", []),
                  f"--pid under sysclamp run: equal as written: {name}", answer)
        for pid in tap.children_of(child.pid):
            os.kill(pid, signal.SIGKILL)
        end(child)


def test_stacked():
    """Several filters: the strictest answers, of equals the newest."""
    child = start(f"{PROGRAMS}/carrying", "stacked")
    rules = profile([(["getppid"], "ERRNO", []), (["uname"], "ERRNO", [])], **OPEN)
    rules["syscalls"][0]["errnoRet"], rules["syscalls"][1]["errnoRet"] = 3, 22
    both = verify_json(put("both.json", rules), "--pid", str(child.pid))
    # These filters look at the number only, so they answer for ABIs that are not listed: a difference.
    tap.equal((both["status"], both["filters"], both["instructions"], both["call"]["place"]),
              (1, 4, 16, "$.architectures"), "--pid: four filters that forget the ABI", both)
    rules["syscalls"][0]["errnoRet"] = 2
    other = verify_json(put("both.json", rules), "--pid", str(child.pid))
    tap.equal((other["status"], other["call"]["name"], other["call"]["got"], other["call"]["wanted"]),
              (1, "getppid", "SCMP_ACT_ERRNO (ESRCH)", "SCMP_ACT_ERRNO (ENOENT)"), "--pid: of equally strict ones the newest",
              other)
    end(child)
    inner = put("inner.json", profile([(["uname"], "ERRNO", []), (["sync"], "KILL_PROCESS", [])], **OPEN))
    outer = put("outer.json", profile([(["uname"], "KILL_PROCESS", []), (["sync"], "ERRNO", []), GETPPID], **OPEN))
    together = put("together.json", profile([(["uname", "sync"], "KILL_PROCESS", []), GETPPID], **OPEN))
    child = start(SYSCLAMP, "run", "-p", outer, "--", SYSCLAMP, "run", "-p", inner, "--", f"{PROGRAMS}/carrying", "none")
    pid = str(tap.children_of(tap.children_of(child.pid)[0])[0])
    answer = verify_json(together, "--pid", pid)
    tap.equal((answer["status"], answer["answer"], answer["filters"]), (0, "equal", 2), "--pid: two filters say one profile", answer)
    answer = verify_json(inner, "--pid", pid)
    tap.equal((answer["status"], answer.get("call", {}).get("name") in ("uname", "getppid")), (1, True),
              "--pid: two filters say more than one of them", answer)
    tap.end_descendants()
    end(child)
    child = start(f"{PROGRAMS}/carrying", "many")
    status, _, err = verify("-p", inner, "--pid", str(child.pid))
    tap.ok(status == 2 and "more than 32 filters" in err, "--pid: more filters than can be looked at: an error", err)
    end(child)


def test_no_filter():
    """Nothing to hold against a profile."""
    path = put("some.json", profile([GETPPID], **OPEN))
    for way, mode, want in [("none", "0", "carries no filter"), ("strict", "1", "strict mode"),
                            ("thread", "2", "threads carry different filters")]:
        child = start(f"{PROGRAMS}/carrying", way)
        tap.wait_until(lambda: status_field(child.pid, "Seccomp") == mode, "it is in its mode")
        answer = verify_json(path, "--pid", str(child.pid))
        tap.ok((answer["status"], answer["answer"]) == (1, "none") and want in answer["why"], f"--pid: {want}: no", answer)
        end(child)
    child = start(SYSCLAMP, "run", "-p", path, "--", f"{PROGRAMS}/carrying", "thread")
    pid = tap.children_of(child.pid)[0]
    other = next(tid for tid in os.listdir(f"/proc/{pid}/task") if tid != str(pid))
    answer = verify_json(path, "--pid", other)
    tap.equal((answer["status"], answer["answer"], answer.get("filters")), (0, "equal", 1), "--pid takes a thread", answer)
    tap.equal(verify_json(path, "--pid", str(pid))["status"], 1, "--pid: of the process it is not the whole truth")
    os.kill(pid, signal.SIGKILL)
    end(child)


def fails(name, want, pid, path, prefix=()):
    """An error of one line."""
    status, out, err = verify("-p", path, "--pid", str(pid), prefix=prefix)
    tap.ok((status, out, err.count("\n")) == (2, "", 1) and want in err, f"--pid: {name}", status, out, err)


def kernel_thread():
    """kthreadd, if it can be seen here."""
    try:
        with open("/proc/2/comm", encoding="ascii") as file:
            return 2 if file.read() == "kthreadd\n" else None
    except OSError:
        return None


def test_bad_pid():
    """Whom one cannot ask about."""
    path = put("some.json", profile([GETPPID], **OPEN))
    gone = subprocess.Popen(["true"])
    tap.wait_until(lambda: tap.state_of(gone.pid) == "Z", "it ends")
    fails("a zombie", "has ended", gone.pid, path)
    gone.wait()
    fails("nobody", "no process has the ID", gone.pid, path)
    status, _, err = verify("-p", path, "--pid", "$$", prefix=())
    done = subprocess.run(["sh", "-c", f"exec {SYSCLAMP} verify -p {path} --pid $$"], capture_output=True, text=True,
                          check=False, timeout=60)
    tap.ok(done.returncode == 2 and "is sysclamp itself" in done.stderr and status == 2, "--pid: itself", done, err)
    if kernel_thread():
        fails("a kernel thread", "is a kernel thread", 2, path)
    else:
        tap.skip("kthreadd", "--pid: a kernel thread", "none is seen in this PID namespace")
    child = start(SYSCLAMP, "run", "-p", path, "--", f"{PROGRAMS}/carrying", "none")
    pid = tap.children_of(child.pid)[0]
    everything = put("everything.json", profile([], **OPEN))
    fails("from behind a filter", "runs behind a filter here", pid, path, (SYSCLAMP, "run", "-p", everything, "--"))
    if os.getuid() == 0:
        nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
        fails("of another user", "may not be traced", pid, path, nobody)
        mine = start(*nobody, SYSCLAMP, "run", "-p", path, "--", f"{PROGRAMS}/carrying", "none")
        fails("without CAP_SYS_ADMIN", "needs CAP_SYS_ADMIN", tap.children_of(mine.pid)[0], path, nobody)
        tap.ok(status_field(tap.children_of(mine.pid)[0], "TracerPid") == "0", "--pid: and it is let go")
        for one in tap.children_of(mine.pid):
            os.kill(one, signal.SIGKILL)
        end(mine)
    tracer = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(pid)])
    tap.wait_until(lambda: status_field(pid, "TracerPid") != "0", "strace attaches")
    fails("a traced process", f"is traced by process {tracer.pid}", pid, path)
    tracer.terminate()
    tracer.wait()
    os.kill(pid, signal.SIGKILL)
    end(child)


# --- a process that is asked about goes on as if it were not -----------------------------------

# The numbers of the waits on x86-64: asm/unistd_64.h.
WAITS = {"epoll": 232, "poll": 7, "read": 0, "sigwait": 128}
RESTART = 219  # restart_syscall: how the kernel itself resumes poll


def in_call(pid, nr):
    """Whether the process sleeps in that call, resumed or not."""
    with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
        return file.read().split()[0] in (str(nr), str(RESTART))


def test_undisturbed():
    """No wait ends early, and stopped processes stay stopped."""
    if not X86_64:
        tap.skip("x86_64", "waits are resumed", "on x86-64 only")
        return
    path = put("some.json", profile([GETPPID], **OPEN))
    for way, nr in WAITS.items():
        child = start(SYSCLAMP, "run", "-p", path, "--", f"{PROGRAMS}/waiting", way)
        pid = tap.children_of(child.pid)[0]
        answers = []
        for _ in range(3):
            tap.wait_until(lambda: in_call(pid, nr), "it waits")
            answers.append(verify_json(path, "--pid", str(pid))["answer"])
        if way == "sigwait":
            os.kill(pid, signal.SIGUSR1)
        else:
            child.stdin.write("x\n")
            child.stdin.flush()
        tap.equal((answers, child.stdout.readline()), (["equal"] * 3, "10 0\n" if way == "sigwait" else "1 0\n"),
                  f"--pid: {way} waits on")
        end(child)
    child = start(SYSCLAMP, "run", "-p", path, "--", f"{PROGRAMS}/waiting", "read")
    pid = tap.children_of(child.pid)[0]
    os.kill(pid, signal.SIGSTOP)
    tap.wait_until(lambda: tap.state_of(pid) == "T", "it stops")
    answer = verify_json(path, "--pid", str(pid))
    tap.equal((answer["answer"], tap.wait_until(lambda: tap.state_of(pid) == "T", "it is stopped")), ("equal", True),
              "--pid: a stopped process stays stopped", answer)
    os.kill(pid, signal.SIGCONT)
    child.stdin.write("x\n")
    child.stdin.flush()
    tap.equal(child.stdout.readline(), "1 0\n", "--pid: and goes on when it is continued")
    end(child)


test_usage()
test_program()
if X86_64:
    test_weak()
    test_engine_known()
    test_unknown_names()
    test_refused()
else:
    tap.skip("x86_64", "--engine libseccomp", "the profiles are for x86-64")
if os.getuid() == 0 and X86_64:
    test_run()
    test_stacked()
    test_no_filter()
    test_bad_pid()
    test_undisturbed()
else:
    tap.skip("root", "--pid", "needs CAP_SYS_ADMIN")
tap.done()
