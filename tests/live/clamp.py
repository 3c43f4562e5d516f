#!/usr/bin/python3
"""sysclamp clamp: what is held and how; what cannot be, and is left as it was, with the reason."""
import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, "tests")
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
workload.share(SCRATCH)
NO, USAGE = 1, 2
RARE = ("quotactl", "keyctl", "add_key", "request_key", "mount", "pivot_root", "swapon", "reboot", "sethostname",
        "setdomainname", "acct", "settimeofday", "adjtimex", "syslog", "ustat", "sysfs", "nfsservctl", "uselib")
VALUES = 60  # that are denied of each: a program of some KiB
STORM, SIGNALS = 20, 60
TGKILL, EPOLL_WAIT = 234, "232"  # asm/unistd_64.h
MISSED = {"restart_syscall": "a sleep, poll or wait with a timeout is interrupted by a stop",
          "rt_sigreturn": "a signal handler returns", "exit": "a thread ends", "exit_group": "it ends by itself"}
FATES = {"SCMP_ACT_KILL_PROCESS": "the process is killed", "SCMP_ACT_KILL_THREAD": "the thread is killed",
         "SCMP_ACT_TRAP": "SIGSYS comes, which ends a process that does not handle it,"}


def profile(name, default, *rules, **more):
    """Write a profile; its path."""
    path = os.path.join(SCRATCH, f"{name}.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump({"defaultAction": default, "syscalls": list(rules), **more}, file)
    return path


def rule(action, *names, **more):
    """A rule of it."""
    return {"names": list(names), "action": f"SCMP_ACT_{action}", **more}


ALLOW, ERRNO = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
MOST = profile("most", ALLOW, rule("KILL_PROCESS", "getpgid"))
LARGE = profile("large", ALLOW, *[
    rule("TRAP", name, args=[{"index": 1, "value": 3 * n + 1000 * RARE.index(name), "op": "SCMP_CMP_EQ"}])
    for name in RARE for n in range(VALUES)])
NO_RESTART = profile("no-restart", ALLOW, rule("KILL_PROCESS", "restart_syscall"))
NO_EPOLL = profile("no-epoll", ALLOW, rule("KILL_PROCESS", "epoll_wait", "epoll_pwait"))
NOTIFY = profile("notify", ALLOW, rule("NOTIFY", "getpgid"))
FOREIGN = profile("foreign", ALLOW, architectures=["SCMP_ARCH_AARCH64"])
# What in_flight needs to end its read, and not what loading another filter takes.
TIGHT = profile("tight", "SCMP_ACT_KILL_PROCESS", rule("ALLOW", "execve", "read", "write", "exit_group", "brk", "mmap",
                "mprotect", "openat", "close", "newfstatat", "fstat", "pread64", "access", "arch_prctl",
                "set_tid_address", "set_robust_list", "rseq", "prlimit64", "munmap", "getrandom", "clock_gettime",
                "pipe", "pipe2", "clone3", "rt_sigprocmask", "rt_sigaction", "futex", "madvise", "exit",
                "restart_syscall", "clock_nanosleep"))


def clamp(*args, user=False, **kwargs):
    """`sysclamp clamp`."""
    argv = [workload.SYSCLAMP, "clamp", *map(str, args)]
    return workload.run(workload.as_user(argv) if user else argv, **kwargs)


def status(tid, key):
    """A line of its /proc/TID/status."""
    with open(f"/proc/{tid}/status", encoding="ascii", errors="replace") as file:
        return re.search(rf"^{key}:\t(.*)$", file.read(), re.M)[1]


def call(tid):
    """The number of the call that it is in."""
    try:
        with open(f"/proc/{tid}/syscall", encoding="ascii") as file:
            return file.read().split()[0]
    except (OSError, IndexError):
        return ""


def held(pid):
    """How many filters its threads carry, whether they have no_new_privs, who traces it."""
    tids = [tid for tid in os.listdir(f"/proc/{pid}/task") if tap.state_of(tid) not in ("", "Z")]
    return ({int(status(tid, "Seccomp_filters")) for tid in tids}, {status(tid, "NoNewPrivs") for tid in tids},
            status(pid, "TracerPid"))


AS_BEFORE, HELD, LEFT = ({0}, {"0"}, "0"), ({1}, {"1"}, "0"), "; the process goes on as before\n"


class Process:
    """A program that is ready when it has said "+", and goes on until its input ends."""

    def __init__(self, program, *args, user=False, prefix=()):
        argv = [*prefix, workload.program(program), *args]
        self.process = subprocess.Popen(workload.as_user(argv) if user else argv, env=workload.ENVIRON,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.pid = self.process.pid
        self.process.stdout.read(2)

    def end(self):
        """What it says at the end."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(b".")
        self.process.stdin.close()
        said = self.process.stdout.read().decode().strip()
        self.process.wait(workload.DEADLINE_S)
        self.process.stdout.close()
        return said


def asleep(way, **kwargs):
    """in_flight, when it is in its call."""
    process = Process("in_flight", way, **kwargs)
    tap.wait_until(lambda: tap.state_of(process.pid) == "S", f"it is in {way}")
    return process


def refused(name, process, args, says, want=AS_BEFORE, end="well", user=False, code=NO):
    """It is not held, for a reason that is said in one line, and goes on as before."""
    result = clamp("--pid", process.pid, *args, user=user)
    text = result.stderr.decode()
    tap.ok(result.returncode == code and says in text and text.count("\n") == 1, f"{name}: not held", result)
    tap.equal((held(process.pid), process.end()), (want, end), f"{name}: and goes on", text)


def check_misuse():
    """One line, with what is wrong."""
    for args, says in [
            ([], "no process given (--pid PID)"), (["--pid", "1"], "no profile given (-p PROFILE)"),
            (["--pid", "0", "-p", MOST], '--pid: "0" is no process ID'),
            (["--pid", "-1", "-p", MOST], '--pid: "-1" is no process ID'),
            (["--pid", "one", "-p", MOST], '--pid: "one" is no process ID'),
            (["--pid", "99999999", "-p", MOST], '--pid: "99999999" is no process ID'),
            (["--pid", "4194303", "-p", MOST], "there is no process 4194303"),
            (["--pid", "4194303", "-p", MOST, "x"], "unexpected argument x"),
            (["--pid", "4194303", "-p", MOST, "--within", "0"], '--within: "0" is no time'),
            (["--pid", "4194303", "-p", MOST, "--within", "soon"], '--within: "soon" is no time'),
            (["--pid", str(os.getpid()), "-p", "/nonexistent"], "/nonexistent: "),
            (["--pid", str(os.getpid()), "-p", NOTIFY], "SCMP_ACT_NOTIFY needs a supervisor"),
            (["--pid", str(os.getpid()), "-p", FOREIGN], "$.architectures: programs of this machine are")]:
        result = clamp(*args)
        text = result.stderr.decode()
        tap.ok(result.returncode == USAGE and says in text and text.count("\n") == 1,
               f"clamp {' '.join(args)}: refused", result)
    help_text = clamp("--help").stdout.decode().splitlines()
    tap.ok(0 < len(help_text) <= 24 and max(map(len, help_text)) <= 80, "--help fits a screen")


def check_no_target():
    """What is no process that could be held.  Without a profile: nothing is done if it were."""
    shell = ["sh", "-c", f"exec {workload.SYSCLAMP} clamp --pid $$ -p /nonexistent"]
    with subprocess.Popen(["true"]) as zombie, contextlib.ExitStack() as others:
        tap.wait_until(lambda: tap.state_of(zombie.pid) == "Z", "it has ended")
        threads = others.enter_context(contextlib.closing(Closing(asleep("read"))))
        tid = max(int(each) for each in os.listdir(f"/proc/{threads.pid}/task"))
        table = [("itself", workload.run(shell), "is sysclamp itself"),
                 ("a zombie", clamp("--pid", zombie.pid, "-p", "/nonexistent"), "has ended"),
                 ("a thread", clamp("--pid", tid, "-p", "/nonexistent"), f"is a thread of process {threads.pid}")]
        if os.readlink("/proc/self/ns/pid") == "pid:[4026531836]":
            table += [("init", clamp("--pid", 1, "-p", "/nonexistent"), "is this host's init"),
                      ("a kernel thread", clamp("--pid", 2, "-p", "/nonexistent"), "is a kernel thread")]
        for name, result, says in table:
            tap.ok(result.returncode == USAGE and says in result.stderr.decode(), f"{name}: refused", result)


class Closing:
    """A process that is to be ended with a context."""

    def __init__(self, process):
        self.pid, self.close = process.pid, process.end


def check_held(user):
    """All threads carry the filter, and it says what the profile says."""
    who = "an ordinary user" if user else "root"
    process = asleep("epoll_wait", user=user)
    result = clamp("--pid", process.pid, "-p", MOST, user=user)
    text = result.stderr.decode()
    tap.ok(result.returncode == 0 and not result.stdout
           and f"held process {process.pid} (2 threads) to {MOST}\n" in text
           and "no_new_privs from now on, which cannot be taken back" in text
           and f"next: sysclamp verify -p {MOST} --pid {process.pid}\n" in text, f"{who}: held, and said", result)
    tap.equal(held(process.pid), HELD, f"{who}: each thread carries the filter")
    if not user:
        verified = workload.sysclamp("verify", "-p", MOST, "--pid", str(process.pid))
        tap.equal(verified.returncode, 0, "verify agrees", verified)
        again = clamp("--pid", process.pid, "-p", MOST)
        tap.ok(again.returncode == 0 and b"no_new_privs" not in again.stderr,
               "held again: no_new_privs is no news", again)
        tap.equal(held(process.pid)[0], {2}, "and carries two filters")
    tap.equal(process.end(), "epoll_wait 1 0", f"{who}: and goes on")


def check_unread():
    """Nobody reads what it says: it is held, and the status says so."""
    process = asleep("epoll_wait")
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run([workload.SYSCLAMP, "clamp", "--pid", str(process.pid), "-p", MOST], stderr=write,
                            env=workload.ENVIRON, check=False, restore_signals=True)
    os.close(write)
    tap.equal((result.returncode, held(process.pid)), (0, HELD), "nobody reads what it says: held")
    tap.equal(process.end(), "epoll_wait 1 0", "and goes on")


def check_new_privs():
    """Without no_new_privs, who may."""
    process = asleep("read")
    result = clamp("--pid", process.pid, "-p", MOST, "--new-privs")
    tap.ok(result.returncode == 0 and b"no_new_privs" not in result.stderr, "--new-privs: held", result)
    tap.equal((held(process.pid), process.end()), (({1}, {"0"}, "0"), "read 1 0"),
              "--new-privs: no_new_privs is not set")
    refused("--new-privs, an ordinary user", asleep("read", user=True), ["-p", MOST, "--new-privs"],
            f"needs CAP_SYS_ADMIN{LEFT}", end="read 1 0", user=True)


def check_shell():
    """sysclamp's own parent; and the first process of a container."""
    script = f"{workload.SYSCLAMP} clamp --pid $$ -p {MOST} && grep Seccomp_f /proc/$$/status"
    result = workload.run(["sh", "-c", script])
    tap.ok(result.returncode == 0 and b"\t1" in result.stdout, "the parent: held, and goes on", result)
    result = workload.run(["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script.replace("$$", "1")])
    tap.ok(result.returncode == 0 and b"\t1" in result.stdout, "the first process of a container: held", result)


def without_first():
    """A process whose first thread has ended, and whose other one waits."""
    process = Process("odd_process", "without-first")
    tap.wait_until(lambda: tap.state_of(process.pid) == "Z", "its first thread has ended")
    tids = [tid for tid in os.listdir(f"/proc/{process.pid}/task") if int(tid) != process.pid]
    tap.wait_until(lambda: any(call(tid) == EPOLL_WAIT for tid in tids), "it waits")
    return process


def check_profile_denies():
    """A profile that would end what the process is in."""
    process = asleep("poll")
    tid = next(each for each in os.listdir(f"/proc/{process.pid}/task") if int(each) != process.pid)
    result = clamp("--pid", process.pid, "-p", NO_RESTART)
    tap.ok(result.returncode == 0 and b"restart_syscall is not allowed: " in result.stderr,
           "without restart_syscall: another thread than the one in poll is stopped", result)
    tap.equal((held(process.pid), status(tid, "Seccomp"), process.end()), (HELD, "2", "poll 1 0"), "and all are held")
    nap = subprocess.Popen(["sleep", "1"])
    tap.wait_until(lambda: tap.state_of(nap.pid) == "S", "it sleeps")
    result = clamp("--pid", nap.pid, "-p", NO_RESTART)
    tap.ok(result.returncode == NO and b"would go on through restart_syscall" in result.stderr,
           "a single thread that sleeps: not held", result)
    tap.equal((held(nap.pid), nap.wait(workload.DEADLINE_S)), (AS_BEFORE, 0), "and sleeps on")
    process = without_first()
    refused("a call that would be denied", process, ["-p", NO_EPOLL],
            "is in epoll_wait (232), which would be denied as soon as it goes on")
    lacks = profile("lacks", ERRNO, rule("ALLOW", "read", "write"))
    process = asleep("read")
    text = clamp("--pid", process.pid, "-p", lacks).stderr.decode()
    tap.ok(all(f"{lacks}: {name} is not allowed: " in text for name in MISSED), "what nobody thinks of is said", text)
    process.process.kill()
    process.end()
    for default, fate in FATES.items():
        kills = profile("kills", default, rule("ALLOW", "read", "write"))
        process = asleep("read")
        text = clamp("--pid", process.pid, "-p", kills).stderr.decode()
        tap.equal([call for call, when in MISSED.items() if f": {call} is not allowed: {fate} when {when}\n" in text],
                  list(MISSED), f"{default}: what comes of it, and when", text)
        process.process.kill()
        process.end()
    with subprocess.Popen(["sleep", "100"]) as alone:
        tap.wait_until(lambda: tap.state_of(alone.pid) == "S", "it sleeps")
        text = clamp("--pid", alone.pid, "-p", lacks, "--within", "100ms").stderr.decode()
        alone.kill()
    tap.equal([name for name in MISSED if f"{lacks}: {name} is not allowed: " in text],
              [name for name in MISSED if name != "exit"], "of one thread alone not what ends others")


def check_odd_states():
    """What must not be stopped, or cannot make calls for us."""
    first = without_first()
    result = clamp("--pid", first.pid, "-p", MOST)
    tap.ok(result.returncode == 0 and b"(1 thread)" in result.stderr, "its first thread has ended: held", result)
    tap.equal((held(first.pid)[0], first.end()), ({1}, "well"), "and the others go on")
    process = Process("odd_process", "vfork")
    refused("vfork", process, ["-p", MOST, "--within", "100ms"],
            f"thread {process.pid} is in a system call that cannot be interrupted{LEFT}")
    refused("syscall user dispatch", Process("odd_process", "dispatched"), ["-p", MOST],
            f"syscall user dispatch{DISPATCH}")
    refused("strict mode", Process("odd_process", "strict"), ["-p", MOST], "is in seccomp's strict mode", code=USAGE)
    refused("threads that differ", Process("odd_process", "divided"), ["-p", MOST],
            "cannot take this one together; the process goes on as before, but with no_new_privs",
            want=({0, 1}, {"1"}, "0"))
    for way, profiles in [("busy", [MOST] * STORM), ("sequence", [MOST] * STORM), ("stacks", [LARGE])]:
        process = Process("odd_process", way)
        results = [clamp("--pid", process.pid, "-p", each) for each in profiles]
        bad = [result for result in results if result.returncode]
        tap.equal((bad, process.end()), ([], "well"), f"{way}: held, and all is as it was")


DISPATCH = ", as Wine has), so that none can be made in its name" + LEFT


def check_write():
    """A write that waits for its reader would return short."""
    read, write = os.pipe()
    with subprocess.Popen(["dd", "if=/dev/zero", "bs=256K", "count=1", "status=none"], stdout=write) as process:
        os.close(write)
        tap.wait_until(lambda: tap.state_of(process.pid) == "S", "the pipe is full")
        result = clamp("--pid", process.pid, "-p", MOST, "--within", "100ms")
        tap.ok(result.returncode == NO and b"is in the middle of write, which an interruption would end early" in
               result.stderr, "a single thread that writes: not held", result)
        tap.equal(held(process.pid), AS_BEFORE, "and left as it was")
        with subprocess.Popen([workload.SYSCLAMP, "clamp", "--pid", str(process.pid), "-p", MOST],
                              stderr=subprocess.DEVNULL) as clamping, os.fdopen(read, "rb") as reader:
            got = len(reader.read())
            tap.equal((got, process.wait()), (256 << 10, 0), "and has written all in the end")
            clamping.wait()


def check_stopped():
    """One that is stopped stays so."""
    process = asleep("read")
    os.kill(process.pid, signal.SIGSTOP)
    tap.wait_until(lambda: tap.state_of(process.pid) == "T", "it is stopped")
    result = clamp("--pid", process.pid, "-p", MOST)
    tap.equal((result.returncode, tap.state_of(process.pid), held(process.pid)), (0, "T", HELD),
              "stopped: held, and is still", result)
    os.kill(process.pid, signal.SIGCONT)
    tap.equal(process.end(), "read 1 0", "continued: goes on")
    said = []
    for args in ((), ("-p", MOST)):
        process = asleep("epoll_wait-signal")
        os.kill(process.pid, signal.SIGSTOP)
        tap.wait_until(lambda: tap.state_of(process.pid) == "T", "it is stopped")
        ctypes.CDLL(None).syscall(TGKILL, process.pid, process.pid, signal.SIGUSR1)
        said.append(clamp("--pid", process.pid, *args).returncode)
        os.kill(process.pid, signal.SIGCONT)
        tap.wait_until(lambda: tap.state_of(process.pid) in "SZ", "it goes on")
        said.append(process.end())
    tap.equal(said, [USAGE, "early: epoll_wait-signal -1 4", 0, "early: epoll_wait-signal -1 4"],
              "a signal that waits ends the call, as it does without us")


@contextlib.contextmanager
def frozen(pid):
    """In a cgroup of its own that is frozen."""
    with open("/proc/self/mounts", encoding="ascii", errors="replace") as file:
        mount = next(line.split()[1] for line in file if line.split()[2] == "cgroup2")
    with open("/proc/self/cgroup", encoding="ascii") as file:
        home = next(line.split("::")[1].strip() for line in file if line.startswith("0::"))
    path = os.path.join(mount, f"sysclamp-clamp-{os.getpid()}")

    def write(where, what):
        with open(where, "w", encoding="ascii") as file:
            file.write(str(what))

    def has(what):
        with open(f"{path}/cgroup.events", encoding="ascii") as file:
            return what in file.read()
    os.mkdir(path)
    try:
        write(f"{path}/cgroup.procs", pid)
        write(f"{path}/cgroup.freeze", 1)
        tap.wait_until(lambda: has("frozen 1"), "it is frozen")
        yield
    finally:
        write(f"{path}/cgroup.freeze", 0)
        write(f"{mount}{home}/cgroup.procs", pid)
        tap.wait_until(lambda: has("populated 0"), "the cgroup is empty")
        os.rmdir(path)


def check_frozen():
    """A frozen process does nothing for us; thawing ends calls that give up (signal(7)) also without us."""
    process = asleep("read")
    try:
        with frozen(process.pid):
            result = clamp("--pid", process.pid, "-p", MOST, "--within", "200ms")
            state = held(process.pid)
    except (StopIteration, OSError) as why:
        tap.skip("cgroups", "a frozen process", f"no cgroups of version 2: {why!r}")
        process.end()
        return
    tap.ok(result.returncode == NO and b"does not come to make a call, as when its cgroup is frozen" in result.stderr,
           "frozen: not held", result)
    tap.equal((state, process.end()), (AS_BEFORE, "read 1 0"), "thawed: goes on as before")


def check_others():
    """Other users, tracers, ABIs, filters that are there."""
    process = asleep("read")
    refused("another user's", process, ["-p", MOST],
            "belongs to another user (0): it takes CAP_SYS_PTRACE; run as root", end="read 1 0", user=True)
    traced = asleep("read", prefix=[workload.SYSCLAMP, "record", "-q", "--backend", "ptrace", "-o", os.devnull, "--"])
    child = tap.children_of(traced.pid)[0]
    result = clamp("--pid", child, "-p", MOST)
    tap.ok(result.returncode == USAGE and f"is traced by process {traced.pid} ({workload.SYSCLAMP})" in
           result.stderr.decode(), "traced: not held", result)
    tap.equal(traced.end(), "read 1 0", "traced: and goes on")
    if workload.has_i386():
        refused("a 32-bit program", Process("wait_i386"), ["-p", MOST], "executes a program of another ABI",
                end="", code=USAGE)
    else:
        tap.skip("i386", "a 32-bit program", "the kernel does not run them")
    run = [workload.SYSCLAMP, "run", "-p", TIGHT, "--"]
    confined = asleep("read", prefix=run)
    child = tap.children_of(confined.pid)[0]
    result = clamp("--pid", child, "-p", MOST)
    tap.equal((result.returncode, held(child)), (0, ({2}, {"1"}, "0")),
              "behind a filter that would kill it: held", result)
    tap.equal(confined.end(), "read 1 0", "and goes on")
    confined = asleep("read", prefix=run, user=True)
    child = tap.children_of(confined.pid)[0]
    result = clamp("--pid", child, "-p", MOST, user=True)
    tap.ok(result.returncode == NO and b"carries a filter already, which may deny it to load another" in result.stderr,
           "the same for an ordinary user: not held", result)
    tap.equal((held(child), confined.end()), (({1}, {"1"}, "0"), "read 1 0"), "and goes on")


def check_room():
    """As many filters as the kernel takes."""
    process = asleep("read")
    results = []
    while not results or results[-1].returncode == 0:
        results.append(clamp("--pid", process.pid, "-p", LARGE))
    tap.ok(2 < len(results) < 32 and b"more than 32768 instructions together" in results[-1].stderr,
           "no room for one more filter: said", len(results), results[-1])
    tap.equal((held(process.pid)[0], process.end()), ({len(results) - 1}, "read 1 0"), "and goes on")


def check_signals():
    """Signals that come meanwhile, to the process and to sysclamp."""
    process, results = asleep("epoll_wait"), []
    for _ in range(STORM):
        with subprocess.Popen([workload.SYSCLAMP, "clamp", "--pid", str(process.pid), "-p", MOST],
                              stderr=subprocess.DEVNULL) as clamping:
            while clamping.poll() is None:
                for number in (signal.SIGURG, signal.SIGWINCH, signal.SIGCHLD):
                    os.kill(process.pid, number)
            results.append(clamping.returncode)
    tap.equal((set(results), process.end()), ({0}, "epoll_wait 1 0"), "signals that do nothing: no EINTR")
    process, ends = asleep("epoll_wait"), set()
    for n in range(SIGNALS):
        with subprocess.Popen([workload.SYSCLAMP, "clamp", "--pid", str(process.pid), "-p", MOST],
                              stderr=subprocess.DEVNULL) as clamping:
            for _ in range(n * 40):  # until a little later each time
                if clamping.poll() is not None:
                    break
            clamping.send_signal([signal.SIGTERM, signal.SIGINT, signal.SIGTSTP, signal.SIGHUP][n % 4])
            clamping.send_signal(signal.SIGCONT)
            ends.add(clamping.wait())
    tap.ok(ends <= {0, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP},
           "signals to sysclamp end it, or come too late", ends)
    tap.equal((held(process.pid)[2], process.end()), ("0", "epoll_wait 1 0"),
              "and never leave the process in the middle")
    process = Process("odd_process", "vfork")
    with subprocess.Popen([workload.SYSCLAMP, "clamp", "--pid", str(process.pid), "-p", MOST,
                           "--within", "60s"]) as clamping:
        tap.wait_until(lambda: int(status(clamping.pid, "SigBlk"), 16) >> (signal.SIGTERM - 1) & 1, "it waits")
        clamping.send_signal(signal.SIGTERM)
        tap.equal(clamping.wait(workload.DEADLINE_S), -signal.SIGTERM, "SIGTERM ends the wait for a good moment")
    tap.equal((held(process.pid), process.end()), (AS_BEFORE, "well"), "and the process goes on as before")


def main():
    """All of it."""
    if os.geteuid() != 0:
        tap.skip("root", "processes that run", "needs root")
        tap.done()
    check_misuse()
    check_no_target()
    check_held(user=False)
    check_held(user=True)
    check_unread()
    check_new_privs()
    check_shell()
    check_profile_denies()
    check_odd_states()
    check_write()
    check_stopped()
    check_frozen()
    check_others()
    check_room()
    check_signals()
    tap.done()


if __name__ == "__main__":
    main()
