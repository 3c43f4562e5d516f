#!/usr/bin/python3
"""Recording what runs already: a process and its tree, a cgroup; for how long; and what is refused."""
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, "tests")
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
OUT = os.path.join(SCRATCH, "rec.json")
EXIT_USAGE, EXIT_NO = 2, 1
MANY = 400
TIMES = 12
MOVES = 20_000
X64, GETUID, GETPPID = "x86_64", 102, 110  # asm/unistd_64.h

# Arguments of record, its exit status, and what it says.
REFUSED = [
    (["--pid", "999999999"], EXIT_USAGE, "is no process ID"),
    (["--pid", "4194303"], EXIT_USAGE, "there is no process 4194303"),
    (["--pid", "0"], EXIT_USAGE, "is no process ID"),
    (["--pid", "one"], EXIT_USAGE, '"one" is no process ID'),
    (["--pid", "-1"], EXIT_USAGE, "is no process ID"),
    (["--pid"], EXIT_USAGE, "--pid"),
    (["--cgroup", "/nonexistent"], EXIT_USAGE, "/nonexistent: no cgroup"),
    (["--cgroup", "/proc"], EXIT_USAGE, "/proc: no cgroup"),
    (["--container", "nobody"], EXIT_USAGE, '"nobody"'),
    (["--container", "../x"], EXIT_USAGE, "no container's id"),
    (["--pod", "web"], EXIT_USAGE, "NAMESPACE/NAME"),
    (["--pod", "shop/web"], EXIT_USAGE, "shop/web"),
    (["--pid", "1", "--container", "x"], EXIT_USAGE, "one thing at a time"),
    (["--pid", "1", "--", "true"], EXIT_USAGE, "not both"),
    (["--pid", "1", "-d", SCRATCH], EXIT_USAGE, "-d is for several"),
    (["--all-containers"], EXIT_USAGE, "needs a directory"),
    (["--all-containers", "-d", SCRATCH, "-o", OUT], EXIT_USAGE, "no file"),
    (["--all-containers", "-d", "/nonexistent/x"], EXIT_USAGE, "/nonexistent/x: cannot make"),
    (["--pid", "1", "--interval", "1s"], EXIT_USAGE, "--interval goes with"),
    (["--pid", "1", "--duration", "0"], EXIT_USAGE, '--duration: "0" is no time'),
    (["--pid", "1", "--duration", "soon"], EXIT_USAGE, '"soon" is no time'),
    (["--pid", "1", "--until-stable", "1w"], EXIT_USAGE, '"1w" is no time'),
    (["--duration", "1s", "--", "true"], EXIT_USAGE, "are for what runs already"),
    (["--pid", "1", "--backend", "ptrace"], EXIT_USAGE, "recorded with ebpf"),
    (["--pid", "1", "--backend", "magic"], EXIT_USAGE, 'unknown back end "magic"'),
    (["--pid", "1", "-o", "/nonexistent/x"], EXIT_USAGE, "/nonexistent/x: cannot write"),
]


def check_refused():
    """One line, with what is wrong; nothing is written."""
    for args, status, says in REFUSED:
        result = workload.sysclamp("record", *args)
        lines = result.stderr.decode().splitlines()
        tap.ok(result.returncode == status and len(lines) == 1 and says in lines[0]
               and not os.path.exists(OUT), f"record {' '.join(args)}: refused", result)
    copies = os.path.join(SCRATCH, "user")
    os.mkdir(copies)
    os.chmod(copies, 0o755)
    os.chmod(SCRATCH, 0o755)
    tool = os.path.join(copies, "sysclamp")
    subprocess.run(["cp", workload.SYSCLAMP, tool], check=True)
    result = workload.run(workload.as_user([tool, "record", "-o", os.devnull, "--pid", "1"]))
    tap.ok(result.returncode == EXIT_NO and b"CAP_BPF" in result.stderr
           and result.stderr.count(b"\n") == 1, "an ordinary user: says what is needed", result)


def check_ended():
    """One that waits to be reaped is refused, and one thread; one whose first thread alone has ended is not."""
    with subprocess.Popen(["true"]) as zombie:
        tap.wait_until(lambda: tap.state_of(zombie.pid) == "Z", "it has ended")
        result = workload.sysclamp("record", "-o", OUT, "--pid", str(zombie.pid))
    tap.ok(result.returncode == EXIT_USAGE and result.stderr == f"sysclamp record: --pid: process {zombie.pid} has ended\n"
           .encode() and not os.path.exists(OUT), "a zombie: refused", result)
    with subprocess.Popen([workload.program("odd_process"), "without-first"], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL) as process:
        tap.wait_until(lambda: tap.state_of(process.pid) == "Z", "its first thread has ended")
        other = max(os.listdir(f"/proc/{process.pid}/task"), key=lambda tid: int(tid) != process.pid)
        result = workload.sysclamp("record", "-o", OUT, "--pid", other, "--duration", "100ms")
        status, seen = Recorder("--pid", str(process.pid), "--duration", "100ms").end()
        process.communicate(b".", timeout=workload.DEADLINE_S)
    says = f"--pid: {other} is a thread of process {process.pid}: name that one"
    tap.ok(result.returncode == EXIT_USAGE and result.stderr.decode() == f"sysclamp record: {says}\n",
           "its other thread: refused, and the process is named", result)
    tap.ok(status == 0 and seen.complete, "a process whose first thread has ended is recorded", status)


class Recorder:
    """`record` of something that runs; it has attached."""

    def __init__(self, *args):
        self.process = subprocess.Popen(
            [workload.SYSCLAMP, "record", "-q", "-o", OUT, *args], stderr=subprocess.PIPE,
            text=True, env=workload.ENVIRON)
        self.said = self.process.stderr.readline()

    def end(self, number=None):
        """Wait for it, after a signal if one is given: its exit status, and what is recorded."""
        if number:
            self.process.send_signal(number)
        status = self.process.wait(workload.DEADLINE_S)
        self.said += self.process.stderr.read()
        self.process.stderr.close()
        return status, workload.Recording(OUT)


def by_name(seen):
    """How often what was called."""
    return {call["name"]: call["count"] for call in seen.json["syscalls"]}


def phases(seen):
    """In which phases."""
    names = seen.json["phases"]
    return {call["name"]: {names[i] for i in call["phases"]} for call in seen.json["syscalls"]}


@contextlib.contextmanager
def shell(script):
    """A shell that waits for a line before it begins, and then does as the script says."""
    process = subprocess.Popen(["sh", "-c", f"read line; {script}"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=workload.ENVIRON)
    process.go = lambda: (process.stdin.write(b"\n"), process.stdin.flush())
    try:
        yield process
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(workload.DEADLINE_S)


def many_calls():
    """A command that makes MANY getppid in two processes of two threads."""
    return f"{workload.program('many_calls')} 2 2 {MANY // 4}"


def threads_below(pid):
    """How many processes are below this one."""
    return len(tap.children_of(pid)) + sum(threads_below(child) for child in tap.children_of(pid))


def check_tree():
    """A process whose children and grandchildren are there already."""
    # What is in the background reads from /dev/null, unless it is told what from.
    inner = f"(sh -c 'read line; exec {many_calls()}' <&3; true) &"
    with subprocess.Popen(["sh", "-c", f"exec 3<&0; {inner} {inner} wait"], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, env=workload.ENVIRON) as process:
        tap.wait_until(lambda: threads_below(process.pid) == 4, "the tree has grown")
        recorder = Recorder("--pid", str(process.pid))
        process.stdin.write(b"\n\n")
        process.stdin.close()
        status, seen = recorder.end()
    tap.ok(status == 0 and seen.complete, "--pid: a tree is recorded until it has ended",
           recorder.said, status)
    tap.equal(by_name(seen).get("getppid"), 2 * MANY,
              "--pid: grandchildren that were there already are counted exactly")


def check_ends():
    """How a recording ends, while the workload goes on."""
    for label, args, number in [
            ("SIGINT", [], signal.SIGINT), ("SIGTERM", [], signal.SIGTERM),
            ("--duration", ["--duration", "300ms"], None),
            ("--until-stable", ["--until-stable", "300ms"], None)]:
        with shell("while read line; do true; done") as process:
            status, seen = Recorder("--pid", str(process.pid), *args).end(number)
            alive = process.poll() is None
        spent = seen.json["workload"]["ended_ns"] - seen.json["workload"]["started_ns"]
        tap.ok(status == 0 and seen.complete and alive and "status" not in seen.json["workload"],
               f"{label} ends the recording, complete, and not the workload", status)
        if args:
            tap.ok(spent >= 300_000_000, f"{label}: not earlier", spent)
    tap.equal(seen.json["workload"]["argv"][:2], ["sh", "-c"], "the command line is noted")


def cgroup_mount():
    """Where cgroups of version 2 are, or None."""
    with open("/proc/self/mounts", encoding="ascii", errors="replace") as file:
        return next((line.split()[1] for line in file if line.split()[2] == "cgroup2"), None)


@contextlib.contextmanager
def cgroup():
    """One of our own with another one in it."""
    path = os.path.join(cgroup_mount(), f"sysclamp-test-{os.getpid()}")
    os.makedirs(os.path.join(path, "inner"))
    try:
        yield path
    finally:
        os.rmdir(os.path.join(path, "inner"))
        os.rmdir(path)


def move(pid, path):
    """Into a cgroup."""
    with open(os.path.join(path, "cgroup.procs"), "w", encoding="ascii") as file:
        file.write(str(pid))


def allow_all():
    """A profile: its path."""
    profile = os.path.join(SCRATCH, "allow.json")
    with open(profile, "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW"}, file)
    return profile


def check_cgroup():
    """Those that are in it, below it, those that enter, and one that leaves."""
    if not cgroup_mount():
        tap.skip("cgroups", "--cgroup", "no cgroups of version 2 are mounted")
        return
    many = f"exec {many_calls()}"
    with cgroup() as path, shell(many) as inside, shell(many) as below, shell(many) as enters, \
            shell(many) as leaves, shell(many) as outside:
        for process, place in [(inside, path), (below, os.path.join(path, "inner")),
                               (leaves, path)]:
            move(process.pid, place)
        recorder = Recorder("--cgroup", path)
        move(enters.pid, path)
        move(leaves.pid, cgroup_mount())
        for process in (inside, below, enters, leaves, outside):
            process.go()
            process.wait(workload.DEADLINE_S)
        status, seen = recorder.end(signal.SIGINT)
    tap.ok(status == 0 and seen.complete and by_name(seen).get("getppid") == 3 * MANY,
           "--cgroup: what is in it, below it, or enters is counted exactly; what leaves is not",
           by_name(seen).get("getppid"), recorder.said)
    tap.equal(phases(seen).get("getppid"), {"serve", "exec"},
              "--cgroup: what enters is labelled so")


def on_one_cpu(name, *args):
    """A test program's command line, on the first CPU."""
    return ["taskset", "-c", str(min(os.sched_getaffinity(0))), workload.program(name), *args]


def feed(process, number, times):
    """Have make_calls make a call so many times."""
    process.stdin.write(times * f"{number:x} 0 0 0 0 0 0\n".encode())
    process.stdin.flush()


def waits_for_input(pid):
    """Whether make_calls has done all it was told."""
    with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
        return file.read().startswith("0 0x0 ") and tap.state_of(pid) == "S"


def check_moved():
    """One is taken in and out by somebody else, each time after it made calls that its CPU knows."""
    if not cgroup_mount():
        tap.skip("cgroups", "--cgroup, moved", "no cgroups of version 2 are mounted")
        return
    with cgroup() as path, subprocess.Popen(on_one_cpu("make_calls"), stdin=subprocess.PIPE) as process:
        recorder = Recorder("--cgroup", path)
        for times, place in (10, path), (200, cgroup_mount()), (3000, cgroup_mount()):
            feed(process, GETPPID, times)
            tap.wait_until(lambda: waits_for_input(process.pid), "it has made its calls")
            move(process.pid, place)
        process.communicate(timeout=workload.DEADLINE_S)
        status, seen = recorder.end(signal.SIGINT)
    tap.ok(status == 0 and by_name(seen).get("getppid") == 200,
           "--cgroup: one that is taken in, and out again, counts in between", by_name(seen))


def check_enters_filtered():
    """One enters that a filter holds already: what that denies is seen, from the first call on."""
    if not cgroup_mount():
        tap.skip("cgroups", "--cgroup, with a filter", "no cgroups of version 2 are mounted")
        return
    profile = os.path.join(SCRATCH, "deny.json")
    with open(profile, "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["getppid"], "action": "SCMP_ACT_ERRNO"}]}, file)
    with cgroup() as path, subprocess.Popen(
            [workload.SYSCLAMP, "run", "-p", profile, "--", *on_one_cpu("make_calls")],
            stdin=subprocess.PIPE) as process:
        held = tap.wait_until(lambda: tap.children_of(process.pid), "it runs")[0]
        tap.wait_until(lambda: waits_for_input(held), "it waits")
        recorder = Recorder("--cgroup", path)
        move(held, path)
        # The recorder has returns watched first.
        tap.wait_until(lambda: is_idle(recorder.process.pid), "it has looked")
        feed(process, GETPPID, 30)
        process.communicate(timeout=workload.DEADLINE_S)
        status, seen = recorder.end(signal.SIGINT)
    tap.equal((status, seen.calls.get((X64, GETPPID)), seen.denied.get((X64, GETPPID))), (0, 30, 30),
              "--cgroup: one enters with a filter, and what it denies is seen", seen.json["loss"])


def has_filter(pid):
    """Whether a process is held by a filter."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return "\nSeccomp:\t2\n" in file.read()


def check_moved_often():
    """One with a filter that allows all is moved while it makes calls: whenever that is, none was denied."""
    if not cgroup_mount():
        tap.skip("cgroups", "--cgroup, moved often", "no cgroups of version 2 are mounted")
        return
    cpus = os.sched_getaffinity(0)
    with cgroup() as path, subprocess.Popen(
            [workload.program("short_lives"), str(GETUID), str(10**9), "filtered", "/bin/true"]) as process:
        tap.wait_until(lambda: has_filter(process.pid), "it has its filter")
        move(process.pid, path)
        recorder = Recorder("--cgroup", path)
        os.sched_setaffinity(0, {max(cpus)})
        for _ in range(MOVES):
            move(process.pid, path)
            move(process.pid, cgroup_mount())
        os.sched_setaffinity(0, cpus)
        status, seen = recorder.end(signal.SIGINT)
        process.kill()
    tap.ok(status == 0 and seen.calls and not seen.denied,
           f"--cgroup: moved {MOVES} times while it makes calls, and nothing was denied", status, seen.denied)


def check_cgroup_removed():
    """There is nothing left to be recorded."""
    if not cgroup_mount():
        tap.skip("cgroups", "--cgroup, removed", "no cgroups of version 2 are mounted")
        return
    with cgroup() as path:
        recorder = Recorder("--cgroup", os.path.join(path, "inner"))
        os.rmdir(os.path.join(path, "inner"))
        status, seen = recorder.end()
        os.mkdir(os.path.join(path, "inner"))
    tap.ok(status == 0 and seen.complete, "--cgroup: recording ends when it is removed", status)


def check_threads():
    """A process with several threads enters: all of them do."""
    if not cgroup_mount():
        tap.skip("cgroups", "--cgroup, threads", "no cgroups of version 2 are mounted")
        return
    script = ("import os, sys, threading\n"
              "def work(gate):\n    gate.wait()\n    [os.sched_yield() for _ in range(500)]\n"
              "gate = threading.Event()\n"
              "all = [threading.Thread(target=work, args=(gate,)) for _ in range(4)]\n"
              "[one.start() for one in all]\nsys.stdin.readline()\ngate.set()\n"
              "[one.join() for one in all]\n")
    with cgroup() as path, subprocess.Popen(["/usr/bin/python3", "-c", script],
                                            stdin=subprocess.PIPE) as process:
        tap.wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/task")) == 5, "threads")
        recorder = Recorder("--cgroup", path)
        move(process.pid, path)
        # The recorder looks for the other threads once it has been told.
        tap.wait_until(lambda: is_idle(recorder.process.pid), "it has looked")
        process.communicate(b"\n", timeout=workload.DEADLINE_S)
        status, seen = recorder.end(signal.SIGINT)
    tap.ok(status == 0 and by_name(seen).get("sched_yield") == 4 * 500,
           "--cgroup: all threads of a process that enters are counted", by_name(seen))
    tap.equal(phases(seen).get("sched_yield"), {"serve"},
              "--cgroup: what enters an empty one is what it is there for, not labelled")


def is_idle(pid):
    """Whether the recorder's main thread waits in poll."""
    with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
        return file.read().split()[0] == "7"


def check_not_denied():
    """A busy process with a filter that allows all: whenever recording ends, nothing was denied."""
    profile = allow_all()
    denied, calls = [], 0
    with subprocess.Popen([workload.SYSCLAMP, "run", "-p", profile, "--", "dd", "if=/dev/zero",
                           "of=/dev/null", "bs=1"], stderr=subprocess.DEVNULL) as process:
        busy = tap.wait_until(lambda: tap.children_of(process.pid), "it runs")[0]
        try:
            for _ in range(TIMES):
                status, seen = Recorder("--pid", str(busy), "--duration", "100ms").end()
                denied.append((status, seen.denied))
                calls += sum(seen.calls.values())
        finally:
            os.kill(busy, signal.SIGKILL)
    tap.ok(denied == [(0, {})] * TIMES and calls > 0,
           f"a filter that allows all denies nothing, in {TIMES} recordings", denied)


def check_held_after():
    """A server with threads that runs, recorded and held to that: its threads can still end."""
    profile = os.path.join(SCRATCH, "held.json")
    with subprocess.Popen([workload.program("pool")], stdout=subprocess.PIPE, env=workload.ENVIRON) as process:
        process.stdout.readline()
        status, seen = Recorder("--pid", str(process.pid), "--duration", "300ms").end()
        steps = [workload.sysclamp("generate", "--runtime", "none", "-o", profile, OUT),
                 workload.sysclamp("clamp", "--pid", str(process.pid), "-p", profile)]
        process.terminate()
        try:
            ended = process.wait(workload.DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            ended = None
    tap.ok(status == 0 and not {"clone", "clone3", "exit"} & set(by_name(seen)) and
           all(step.returncode == 0 for step in steps), "--pid: recorded, cut, and held", by_name(seen), *steps)
    tap.equal(ended, 0, "and it ends when it is told to, its threads with it")


def main():
    """All of it."""
    ebpf.need("recording what runs already")
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: orphans are this test's
    check_refused()
    check_ended()
    check_tree()
    check_ends()
    check_cgroup()
    check_moved()
    check_enters_filtered()
    check_moved_often()
    check_cgroup_removed()
    check_threads()
    check_not_denied()
    check_held_after()
    tap.done()


if __name__ == "__main__":
    main()
