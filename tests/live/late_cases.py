#!/usr/bin/python3
"""Late loading, whatever the program is up to when the moment comes, and whatever program it is.

Each case of tests/programs/late_cases.c, late_tree.c and late_breaks.c says how its processes and threads are held, by Seccomp_filters
and by a call that the profile denies.  What cannot be held is refused with status 125, and nothing of it is left, nor
when the launcher is killed.
"""
import contextlib
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
PROFILE, LARGE, FIRST, THEN = (os.path.join(SCRATCH, f"{name}.json") for name in ("profile", "large", "first", "then"))
OWN_FAILURE, DENIED, SIGKILLED = 125, 95, 137
DENY = {"names": ["sched_yield"], "action": "SCMP_ACT_ERRNO", "errnoRet": DENIED}
KILL = {"names": ["rt_sigaction"], "action": "SCMP_ACT_KILL_PROCESS"}
LARGE_CALLS = ("personality", "getpgid", "getsid", "umask", "setpgid", "getpriority", "setpriority", "alarm", "flock",
               "fsync", "fdatasync", "truncate", "ftruncate", "chroot", "acct", "umount2", "swapon", "swapoff")
with open("/proc/self/status", encoding="ascii") as _file:
    BASE = sum(int(line.split()[1]) for line in _file if line.startswith("Seccomp_filters:"))
HELD = f"2 {BASE + 1} {DENIED}"
FREE = f"{2 if BASE else 0} {BASE} 0"
TWICE = f"2 {BASE + 2} {DENIED}"

# Case; --at; how it ends; the lines that it writes, in any order; or what is said of it.
CASES = [
    ("held", "moment", 5, [f"own: {HELD}"]),
    ("in-thread", "moment", 5, [f"thread: {HELD}", f"own: {HELD}"]),
    ("own-filter", "moment", 5, [f"own: {TWICE}"]),
    ("without-leader", "moment", 5, [f"thread: {HELD}"]),
    ("daemon", "serve", 5, [f"daemon: {HELD}"]),
    ("small-stack", "moment", 5, ["damaged: 0", f"coroutine: {HELD}"]),
    ("own-traps", "moment", 5, ["traps: 4", f"own: {HELD}"]),
    ("inherited-trap", "main", 5, ["ignored: 0, blocked: 0", f"own: {HELD}"]),
    ("stopped-child", "moment", 5, [f"child: {HELD}", f"own: {HELD}"]),
    ("vfork-child", "moment", 5, [f"child: {HELD}", f"parent: {HELD}"]),
    ("waiting-threads", "moment", 5, ["interrupted: 0", f"own: {HELD}"]),
    ("many-forks", "moment", 5, [f"own: {HELD}"]),
    ("crowd", "moment", 5, [f"own: {HELD}"] + 4 * [f"child: {HELD}"]),
    ("relay", "moment", 5, [f"own: {HELD}"] + 4 * [f"child: {HELD}"]),
    ("traces", "main", 5, ["traced: 1", f"own: {HELD}"]),
    ("exec-before-main", "main", 5, [f"own: {HELD}"]),
    ("together", "moment", 5, 5 * [f"thread: {HELD}"] + [f"own: {HELD}"]),
    ("own-code", "moment", 5, ["child's: 1", "own: 1", f"child: {HELD}", f"own: {HELD}"]),
    ("former-child", "moment", 5, [f"child: {FREE}", f"own: {HELD}"]),
    ("former-children", "moment", 5, 12 * [f"child: {HELD}"] + [f"own: {HELD}"]),
    ("own-steps", "turn", 5, [f"own: {HELD}"]),
    ("main-child", "main", 5, [f"main: {FREE}", f"main: {HELD}"]),
    ("sequence", "moment_in_sequence", 5, ["aborted: 1", f"sequence: {HELD}"]),
    ("untraced", "moment", 5, [f"{who}: {HELD}" for who in ("own", "child", "orphan", "thread's child")]),
    ("executing-child", "moment", 5, [f"own: {FREE}", f"own: {HELD}"]),
    ("trapped-child", "moment", 5, [f"own: {HELD}"]),
    ("orphans", "moment", 5, ["adopted: 0", f"own: {HELD}"]),
    ("untraced-rest", "moment", OWN_FAILURE, "exited with status 5 before it came to moment"),
    ("kernel-thread", "moment", 5, [f"thread: {HELD}"]),
    ("untraced-trap", "moment", OWN_FAILURE, "was not traced (CLONE_UNTRACED of clone(2)), so that it died of SIGTRAP"),
    ("untraced-thread-trap", "moment", OWN_FAILURE, "of SIGTRAP dies who comes there untraced"),
    ("own-copy", "moment", OWN_FAILURE, "or in a copy of that code"),
    ("dropped-code", "moment", OWN_FAILURE, "exited with status 5 before it came to moment"),
    ("unholdable-child", "moment", OWN_FAILURE, "no vDSO"),
    ("never", "moment", OWN_FAILURE, "exited with status 5 before it came to moment"),
    ("never", "serve", OWN_FAILURE, "exited with status 5 before it came to serve"),
    ("never", "trapping", OWN_FAILURE, "begins with a breakpoint (int3) of its own"),
    ("never", "nowhere", OWN_FAILURE, 'no function "nowhere"'),
]


def write_profiles():
    """One that denies a call, one that takes some room, and two of which the second lies within the first."""
    many = [{"names": [call], "action": "SCMP_ACT_ERRNO", "errnoRet": DENIED,
             "args": [{"index": 0, "value": 1000 * number + 7 * step, "op": "SCMP_CMP_EQ"}]}
            for step in range(1, 41) for number, call in enumerate(LARGE_CALLS)]
    for path, rules in ((PROFILE, [DENY]), (LARGE, [DENY, *many]), (FIRST, [KILL]), (THEN, [KILL, DENY])):
        with open(path, "w", encoding="ascii") as file:
            json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}, file)


def late(at, argv, options=(), prefix=(), profile=PROFILE, **kwargs):
    """Run a command held from a moment on."""
    return workload.run([*prefix, workload.SYSCLAMP, "run", "--at", at, "-p", profile, *options, "--", *argv], **kwargs)


def left():
    """What is left of what was started, zombies aside."""
    return [pid for pid in tap.descendants() if tap.state_of(pid) not in ("", "Z")]


# Those of tests/programs/late_tree.c, and of late_breaks.c.
TREE = ("without-leader", "unholdable-child", "daemon", "stopped-child", "vfork-child", "waiting-threads", "many-forks",
        "crowd", "relay", "traces", "in-thread", "together", "own-code", "former-child", "main-child")
BREAKS = ("former-children", "own-steps", "prey", "untraced", "untraced-rest", "untraced-trap", "untraced-thread-trap",
          "trapped-child", "orphans", "own-copy", "dropped-code", "strict-child", "executing-child", "kernel-thread")
PROGRAMS = {**dict.fromkeys(TREE, "late_tree"), **dict.fromkeys(BREAKS, "late_breaks")}


def case(name):
    """The command of a case."""
    return [workload.program(PROGRAMS.get(name, "late_cases")), name]


def check_refused(result, say, label):
    """One line that says so, and nothing left."""
    lines = result.stderr.decode().splitlines()
    tap.equal((result.returncode, len(lines), left()), (OWN_FAILURE, 1, []), f"{label}: refused, nothing left", result)
    tap.ok(say in result.stderr.decode(), f"{label}: which says {say!r}", result.stderr)


def check_held(result, label, held=HELD):
    """The case `held` was."""
    tap.equal((result.returncode, result.stdout.decode(), result.stderr), (5, f"own: {held}\n", b""), label)


def check_cases():
    """All of the table."""
    for name, at, status, want in CASES:
        result = late(at, case(name), profile=LARGE if name == "small-stack" else PROFILE)
        if status == OWN_FAILURE:
            check_refused(result, want, f"{name} at {at}")
            tap.equal(result.stdout, b"", f"{name} at {at}: it did not go on")
            continue
        tap.wait_until(lambda: not left(), f"{name} has ended")
        tap.reap()
        tap.equal((result.returncode, sorted(result.stdout.decode().splitlines()), result.stderr),
                  (status, sorted(want), b""), f"{name} at {at}")


def check_own_filters():
    """A program has loaded one that does not let anybody load another: only root has it look away."""
    prefix = workload.as_user([]) if os.geteuid() == 0 else []
    if prefix and not BASE:
        for name in ("faking-filter", "killing-filter"):
            check_held(late("moment", case(name)), f"{name}: root", TWICE)
    for name, say in (("faking-filter", "has changed nothing"), ("killing-filter", "a filter that it carries already")):
        result = late("moment", case(name), prefix=prefix)
        check_refused(result, say, f"{name}: an ordinary user")
        tap.equal(result.stdout, b"", f"{name}: it did not go on")


def check_first_ends(name, at, who):
    """The first process ends before or behind the first stop of its child, or the first thread: none is lost."""
    wrong = []
    for _ in range(40):
        result = late(at, case(name), ("--within", "5s"))
        tap.wait_until(lambda: not left(), "it has ended")
        if (result.returncode, result.stdout.decode()) != (5, f"{who}: {HELD}\n"):
            wrong.append(result)
    tap.equal(wrong, [], f"{name}, 40 times")


def check_together():
    """Another thread runs into it before all stand, or as it is stopped: it is the end of none."""
    wrong = []
    for delay in range(0, 90000, 300):
        result = late("moment", case("together"), env={"DELAY": str(delay)})
        if (result.returncode, result.stdout.decode().count(HELD)) != (5, 3):
            wrong.append((delay, result))
    tap.equal(wrong, [], "two threads that come to it at almost the same time, 300 times")


def check_prey():
    """Children are killed while they are being held, and the command is held nevertheless."""
    wrong = []
    for _ in range(60):
        with subprocess.Popen([workload.SYSCLAMP, "run", "--at", "moment", "-p", PROFILE, "--", *case("prey")],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
            for child in command.stderr.readline().split():
                with contextlib.suppress(ProcessLookupError):
                    for _ in range(3):  # one that has begun to end does so without a last stop
                        os.kill(int(child), signal.SIGKILL)
            output = command.stdout.read()
            if (command.wait(), output.decode()) != (5, f"own: {HELD}\n"):
                wrong.append((command.returncode, output, command.stderr.read()))
    tap.equal(wrong, [], "children that are killed meanwhile, 60 times")


def check_inherited():
    """What becomes of SIGTRAP at the moment, where it was ignored or blocked as the program began."""
    for option, want in (("--ignore-signal=TRAP", "ignored: 1, blocked: 0"),
                         ("--block-signal=TRAP", "ignored: 0, blocked: 1")):
        result = late("main", case("inherited-trap"), prefix=["env", option])
        tap.equal(result.stdout.decode().splitlines(), [want, f"own: {HELD}"], f"inherited: {option}", result)
    result = late("moment", case("handled-trap"), prefix=["env", "--ignore-signal=TRAP"])
    tap.equal(result.stdout.decode().splitlines(), ["handled: 1", f"own: {HELD}"], "inherited, and a handler since", result)


def check_inherited_behind():
    """The same, where a first profile kills for the call that it takes: root has it look away."""
    if os.geteuid() or BASE:
        tap.skip("root", "a first profile that denies rt_sigaction", "this is an ordinary user, or held itself")
        return
    result = late("moment", case("held"), ("--then", THEN), prefix=["env", "--ignore-signal=TRAP"], profile=FIRST)
    check_held(result, "inherited: a first profile denies rt_sigaction", TWICE)


def check_strict_child():
    """A child is in strict mode, in which calls made in its name would end it."""
    if BASE:
        tap.skip("strict", "a child in strict mode", "there is a filter, which excludes that")
        return
    for who, prefix in (("this user", []), ("an ordinary user", workload.as_user([]) if os.geteuid() == 0 else [])):
        check_refused(late("moment", case("strict-child"), prefix=prefix), "strict mode, which no filter can be added to",
                      f"a child in strict mode: {who}")


# Functions that are local to their files.
TWINS = """
#include <stdlib.h>
static __attribute__((noinline)) void twin(void) { __asm__ volatile(""); }
%s { twin(); exit(5); }
"""


def check_twins():
    """A name that two functions have says none of them."""
    twins = compiled("twins", TWINS % "int main(void)", script("other_twin.c", TWINS % "void other(void)"))
    check_refused(late("twin", [twins]), "several functions", "two functions of one name")


def start(at, name, options=()):
    """A case under way, with pipes for its input and output."""
    return subprocess.Popen([workload.SYSCLAMP, "run", "--at", at, "-p", PROFILE, *options, "--", *case(name)],
                            env=workload.ENVIRON, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def running(launcher):
    """The program's process, once it has begun."""
    def find():
        pids = [pid for pid in tap.children_of(launcher.pid) if os.readlink(f"/proc/{pid}/exe").endswith("late_cases")]
        return pids[0] if pids else None
    return tap.wait_until(find, "the program has begun")


def check_stops():
    """Stopped before the moment, and continued from outside."""
    with start("moment", "stops") as launcher:
        pid = running(launcher)
        said = launcher.stdout.readline()  # it stops in between, too, where it is traced
        tap.wait_until(lambda: tap.state_of(pid) == "t", "it has stopped itself")
        os.kill(pid, signal.SIGCONT)
        out, _ = launcher.communicate(timeout=60)
    tap.equal((launcher.returncode, (said + out).decode()), (5, f"stops\nown: {HELD}\n"), "stopped before the moment, and continued")


def check_signals():
    """A signal that comes before the moment is the command's own; and when it dies of it, that is said."""
    with start("moment", "never") as launcher:
        running(launcher)
        launcher.terminate()
        launcher.wait(60)
        err = launcher.stderr.read()
    tap.equal((launcher.returncode, b"signal 15" in err, left()), (OWN_FAILURE, True, []), "SIGTERM before the moment",
              err)


def check_time():
    """It does not come in time."""
    for at in ("moment", "serve"):
        with start(at, "never", ("--within", "100ms")) as launcher:
            launcher.wait(60)
            tap.equal((launcher.returncode, b"in time (--within)" in launcher.stderr.read(), left()),
                      (OWN_FAILURE, True, []), f"not at {at} in time: reported, nothing left")


def check_killed():
    """The launcher is killed, however far it has come: nothing is left that is not held."""
    for at in ("serve", "exec"):
        for step in range(25):
            with start(at, "never") as launcher:
                end = time.monotonic() + step / 2000
                while time.monotonic() < end:
                    pass
                launcher.kill()
                launcher.wait()
                tap.wait_until(lambda: all(is_held(pid) for pid in left()), "all that is not held has ended")
                launcher.stdin.close()
            tap.wait_until(lambda: not left(), "it has ended")
        tap.ok(True, f"launcher killed on the way to {at}, 25 times: nothing runs that is not held")


def is_held(pid):
    """Whether a process carries the filter."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return f"Seccomp_filters:\t{BASE + 1}\n" in file.read()
    except OSError:
        return False


# The launcher dies at its first call behind the birth of its child, before which the child does not go on.
DYING = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=prctl,pidfd_open",
         "-e", "inject=pidfd_open:signal=SIGKILL", "-e", "inject=prctl:delay_enter=200000:when=1"]


def check_dying():
    """The launcher dies before its child asks to be told of that."""
    result = late("exec", case("held"), prefix=DYING)
    tap.wait_until(lambda: not left(), "its child has ended, too")
    tap.equal((result.returncode, result.stdout), (-signal.SIGKILL, b""), "the launcher dies with its child just born",
              result)


def check_traced():
    """Somebody traces the launcher and all that it starts."""
    result = late("main", case("held"), prefix=["strace", "-f", "-o", "/dev/null"], env=ebpf.NO_LEAK_CHECK)
    check_refused(result, "does that already, and a task has one tracer", "under strace -f")


def variant(name, form=None, at=0, value=0):
    """A copy of late_cases, with another value at some place."""
    path = os.path.join(SCRATCH, name)
    with open(workload.program("late_cases"), "rb") as file:
        data = bytearray(file.read())
    if form:
        struct.pack_into(form, data, at, value)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o755)
    return path


def script(name, text):
    """An executable text."""
    path = os.path.join(SCRATCH, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, 0o755)
    return path


def compiled(name, text, *options):
    """A program of a few lines; None where the compiler does not make it."""
    source = script(f"{name}.c", text)
    path = os.path.join(SCRATCH, name)
    done = subprocess.run(["gcc", "-O1", "-o", path, source, *options], check=False, stderr=subprocess.DEVNULL)
    return None if done.returncode else path


# Its start is not known by sight; a child that takes signals was there before it.
EARLY = """
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
__asm__(".globl _start\\n_start: xor %ebp, %ebp\\n nop\\n pop %rsi\\n mov %rsp, %rdx\\n and $-16, %rsp\\n push %rax\\n"
    "push %rsp\\n xor %r8d, %r8d\\n xor %ecx, %ecx\\n lea main(%rip), %rdi\\n"
    "call *__libc_start_main@GOTPCREL(%rip)\\n hlt\\n");
static pid_t child;
static void early(void)
{
    int gate[2];
    char byte;
    if (pipe(gate))
        _exit(1);
    child = fork();
    if (!child)
        (void)!write(gate[1], "", 1);
    while (!child)
        (void)raise(SIGURG);
    (void)!read(gate[0], &byte, 1);
}
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = early;
int main(void)
{
    int status = 0;
    (void)kill(child, SIGTERM);
    (void)wait(&status);
    _exit(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? 5 : 1);
}
"""
# It has a start, and nothing else.
BARE = """
__asm__(".globl _start\\n_start: mov $231, %eax\\n mov $5, %edi\\n syscall\\n");
"""
# The same, which takes its time before.
BARE_LOOP = """
__asm__(".globl _start\\n_start: mov $3000000, %ecx\\n1: loop 1b\\n mov $231, %eax\\n mov $5, %edi\\n syscall\\n");
"""


def check_sections():
    """Section headers are for debuggers: the kernel does not look at them, nor does it take them to find main."""
    for name, form, at, value in (("none", "<Q", 40, 0), ("far away", "<Q", 40, 1 << 62),
                                  ("too many", "<H", 60, 65000)):
        path = variant(f"sections-{at}-{value}", form, at, value)
        for at in ("exec", "main"):
            check_held(late(at, [path, "held"]), f"section headers {name}: at {at}")
        check_refused(late("moment", [path, "held"]), "no function", f"section headers {name}: by name")


def check_programs():
    """Programs of other kinds."""
    shell = script("script", "#!/bin/sh\nexit 5\n")
    for at in ("exec", "main"):
        result = late(at, [shell])
        tap.equal((result.returncode, result.stderr), (5, b""), f"a script at {at}: the program is its interpreter")
    bare, loop = compiled("bare", BARE, "-nostdlib", "-static"), compiled("loop", BARE_LOOP, "-nostdlib", "-static")
    tap.equal(late("exec", [bare]).returncode, 5, "without libc: at exec")
    check_refused(late("main", [bare]), "exited with status 5 before it came to main", "without libc: no main")
    check_refused(late("main", [loop], ("--within", "1s")), "did not come to main in time",
                  "without libc, in a loop: no main")
    early = compiled("early", EARLY, "-nostartfiles")
    ends = [late("main", [early]).returncode for _ in range(20)]
    tap.equal(ends, 20 * [5], "a start of its own, looked through by steps, beside a child: 20 times")
    loader = os.path.realpath("/lib64/ld-linux-x86-64.so.2")
    check_held(late("exec", [loader, *case("held")]), "by its dynamic linker: at exec")
    i386 = compiled("i386", "int main(void) { return 5; }", "-m32", "-static")
    if i386 and workload.has_i386():
        for at in ("exec", "main", "serve"):
            check_refused(late(at, [i386]), "is not of x86_64", f"a program of 32 bits: at {at}")
    else:
        tap.skip("m32", "a program of 32 bits", "none can be made, or none runs")


def check_unreadable():
    """An ordinary user may execute it, and nothing more."""
    if os.geteuid():
        tap.skip("root", "a program that is unreadable", "this is an ordinary user")
        return
    path = variant("unreadable")
    os.chmod(path, 0o711)
    check_held(late("exec", [path, "held"]), "unreadable to others: root")
    for at in ("exec", "main"):
        result = late(at, [path, "held"], prefix=workload.as_user([]))
        check_refused(result, "ermission denied", f"unreadable: an ordinary user at {at}")


def check_hidden():
    """It lets nobody look into it when the moment comes."""
    if os.geteuid():
        tap.skip("root", "a program that nobody may look into", "this is an ordinary user")
        return
    check_held(late("moment", case("hidden")), "nobody may look into it: root")
    check_refused(late("moment", case("hidden"), prefix=workload.as_user([])), "ermission denied",
                  "nobody may look into it: an ordinary user")


def limited(**limits):
    """What sets limits of the launcher and the command alike."""
    def apply():
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    return apply


def check_limits():
    """With little of anything."""
    rows = [("16 descriptors", limited(NOFILE=16)), ("64 KiB of stack", limited(STACK=64 << 10)),
            ("no more processes", limited(NPROC=1)), ("no core", limited(CORE=0)),
            ("an unlimited stack", limited(STACK=resource.RLIM_INFINITY))]
    for name, apply in rows:
        for at in ("exec", "main", "moment"):
            check_held(late(at, case("held"), preexec_fn=apply, profile=LARGE), f"{name}: at {at}")
    result = late("main", [*case("held"), *(["x" * 100000] * 15)])
    tap.equal(result.returncode, 5, "1.5 MB of arguments", result.stderr)
    shut = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    tap.equal(late("main", case("held"), prefix=shut).returncode, 5, "all of its streams are closed")


def main():
    """All of it."""
    workload.share(SCRATCH)
    write_profiles()
    check_cases()
    check_own_filters()
    check_first_ends("daemon", "serve", "daemon")
    check_first_ends("without-leader", "moment", "thread")
    check_together()
    check_prey()
    check_inherited()
    check_inherited_behind()
    check_strict_child()
    check_twins()
    check_stops()
    check_signals()
    check_time()
    check_killed()
    check_dying()
    check_traced()
    check_sections()
    check_programs()
    check_unreadable()
    check_hidden()
    check_limits()
    tap.done()


if __name__ == "__main__":
    main()
