#!/usr/bin/python3
"""Phases: start, serve from the first wait for work, those that are marked; with both back ends."""
import contextlib
import os
import socket
import subprocess
import sys

sys.path.insert(0, "tests")
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
MARKS = {"SYSCLAMP_RUNTIME_DIR": os.path.join(SCRATCH, "marks")}
MARKS_MAX = 29  # lib/phase.h: 32, and the three that every workload has
WAITS = {"poll": "poll", "epoll": "epoll_wait", "select": "pselect6", "thread": "poll"}


def backends():
    """Those that work here."""
    if ebpf.lack():
        tap.skip("bpf", "phases with ebpf", ebpf.lack())
        return ["ptrace"]
    return ["ebpf", "ptrace"]


class Server:
    """A program that makes a call for each letter, and the recorder that it runs under, or not."""

    def __init__(self, *args, recorder=(), fds=()):
        self.process = subprocess.Popen(
            [*recorder, workload.program("phased"), *args], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=fds,
            env={**workload.ENVIRON, **ebpf.NO_LEAK_CHECK, **MARKS})
        self.heard("+")

    def heard(self, letter):
        """Wait for the answer."""
        if self.process.stdout.read(1) != letter.encode():
            raise RuntimeError(self.process.stderr.read().decode())

    def make(self, letters):
        """Have it make calls."""
        for letter in letters:
            self.process.stdin.write(letter.encode())
            self.process.stdin.flush()
            self.heard(letter)

    def end(self):
        """Its exit status."""
        self.process.stdin.close()
        said = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.wait(workload.DEADLINE_S), said


@contextlib.contextmanager
def recorded(backend, *args, name="rec", fds=()):
    """A server under `record`; what is recorded is in the list after it."""
    path = os.path.join(SCRATCH, f"{name}.rec.json")
    server = Server(*args, fds=fds, recorder=[
        workload.SYSCLAMP, "record", "-q", "--backend", backend, "-o", path, "--"])
    server.phases = {}
    yield server
    server.status, server.said = server.end()
    server.recording = workload.Recording(path)
    server.phases = phases(server.recording)


def phases(recording):
    """The names of the phases of each call."""
    names = recording.json["phases"]
    return {call.get("name"): {names[i] for i in call["phases"]}
            for call in recording.json["syscalls"]}


def mark(*args):
    """`sysclamp mark`."""
    return workload.sysclamp("mark", *args, env=MARKS)


def check(label, server, want):
    """Calls and their phases, as they should be."""
    got = {name: server.phases.get(name) for name in want}
    tap.ok(got == want and server.status == 0 and server.recording.complete,
           label, f"{got} {server.status}", server.said)


def check_waits(backend):
    """A server that listens, with each kind of wait; the phases that are named."""
    for how, wait in WAITS.items():
        with recorded(backend, "listen", how) as server:
            server.make("ab")
        both = {"start", "serve"}
        check(f"{backend}: it serves from the first {wait} on ({how})", server, {
            "execve": {"start"}, "bind": {"start"}, "listen": {"start"},
            "sched_get_priority_max": {"start"}, "getpgid": {"serve"}, "getsid": {"serve"},
            "read": {"serve"}, "sched_get_priority_min": {"serve"}, "write": both,
            wait: both if wait == "poll" else {"serve"}})
        tap.equal(server.recording.json["phases"], ["start", "serve"],
                  f"{backend}: {how}: in order of appearance")


def check_others(backend):
    """One that inherits what it listens to, and one that never listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with recorded(backend, "inherited", "epoll", fds=(listener.fileno(),)) as server:
            server.make("a")
        check(f"{backend}: with a listening socket from outside it serves from its first wait on",
              server, {"execve": {"start"}, "sched_get_priority_max": {"start"},
                       "epoll_wait": {"serve"}, "getpgid": {"serve"}})
    with recorded(backend, "never", "poll") as server:
        server.make("a")
    check(f"{backend}: what never listens starts, and no more", server,
          {"execve": {"start"}, "poll": {"start"}, "getpgid": {"start"},
           "sched_get_priority_min": {"start"}})


def check_marks(backend):
    """Phases that are marked: from the answer on, until the next."""
    with recorded(backend, "listen", "poll") as server:
        server.make("a")
        results = [mark("reload")]
        server.make("b")
        results.append(mark("test.1"))
        server.make("c")
        results.append(mark("reload"))
        server.make("d")
        results.append(mark("serve"))
        server.make("e")
    tap.equal([result.returncode for result in results], [0] * 4, f"{backend}: marks", *results)
    check(f"{backend}: what is called after a mark carries its phase, and no other", server,
          {"getpgid": {"serve"}, "getsid": {"reload"}, "getrusage": {"test.1"}, "times": {"reload"},
           "sysinfo": {"serve"}, "sched_get_priority_min": {"serve"},
           "read": {"serve", "reload", "test.1"}})
    tap.equal(server.recording.json["phases"][:2], ["start", "serve"], f"{backend}: and no more",
              server.recording.json["phases"])
    with recorded(backend, "listen", "poll") as server:
        results = [mark("early")]
        server.make("a")
    check(f"{backend}: a phase that was marked goes on although it waits for work", server,
          {"sched_get_priority_max": {"start"}, "getpgid": {"early"}})


def check_many_marks(backend):
    """As many as there can be, and one more."""
    with recorded(backend, "never", "poll") as server:
        results = [mark(f"phase{n}") for n in range(MARKS_MAX)]
        refused = mark("onemore")
        server.make("a")
    tap.ok(not any(result.returncode for result in results), f"{backend}: {MARKS_MAX} phases")
    tap.ok(refused.returncode == 1 and b"at most 29" in refused.stderr
           and refused.stderr.count(b"\n") == 1, f"{backend}: one more is refused", refused)
    check(f"{backend}: and the last one goes on", server, {"getpgid": {f"phase{MARKS_MAX - 1}"}})


def check_two(backend):
    """Two recorders: a mark is for both, or for one."""
    with recorded(backend, "never", "poll", name="one") as one, \
            recorded(backend, "never", "poll", name="two") as two:
        both = mark("both")
        only = mark("-p", str(two.process.pid), "only")
        one.make("a")
        two.make("a")
    tap.equal((both.returncode, only.returncode), (0, 0), f"{backend}: two recorders", both, only)
    check(f"{backend}: the first has the phase that is for both", one, {"getpgid": {"both"}})
    check(f"{backend}: the second has that which is for it alone", two, {"getpgid": {"only"}})
    gone = mark("late")
    tap.ok(gone.returncode == 1 and b"no recorder" in gone.stderr,
           f"{backend}: when they have ended nobody is there", gone)


def check_running():
    """A server that runs already."""
    server = Server("listen", "epoll")
    server.make("a")
    path = os.path.join(SCRATCH, "running.rec.json")
    recorder = subprocess.Popen(
        [workload.SYSCLAMP, "record", "-q", "--pid", str(server.process.pid), "-o", path],
        stderr=subprocess.PIPE, env={**workload.ENVIRON, **MARKS})
    said = recorder.stderr.readline()
    server.make("b")
    marked = mark("later")
    server.make("c")
    server.status, server.said = server.end()
    tap.equal((recorder.wait(workload.DEADLINE_S), marked.returncode), (0, 0),
              "what runs already: recorded until it ends", said, recorder.stderr.read(), marked)
    recorder.stderr.close()
    server.recording = workload.Recording(path)
    server.phases = phases(server.recording)
    check("what runs already serves", server,
          {"getpgid": None, "getsid": {"serve"}, "getrusage": {"later"}})
    tap.equal(server.recording.json["phases"], ["serve", "later"], "it has not been seen to start")


def main():
    """All of it."""
    for backend in backends():
        check_waits(backend)
        check_others(backend)
        check_marks(backend)
        check_many_marks(backend)
        check_two(backend)
    if not ebpf.lack():
        check_running()
    tap.done()


if __name__ == "__main__":
    main()
