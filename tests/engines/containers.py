#!/usr/bin/python3
"""Recordings of containers that run: each equals `strace -f` of that container alone, on the same run.

Three containers of each engine work at once, each with calls of its own; two of them share a pid and a
network namespace, and one has a second command in it, by exec.  They are recorded and straced from
outside, from the same moment: all their threads wait then.  What is compared is everything, by ABI and
number, and nothing is left out:

* The calls under way at the beginning are reads of a pipe.  Recorders are attached before strace, whose
  stop has the kernel begin these reads anew: both see that read enter, once (tests/attached.py).
* restart_syscall, which continues a sleep after a stop, does not occur: nothing sleeps with a time limit.
* What a container makes at its end, exit_group of the last process, enters before the end.

What the calls of the sets come to is known from the program as well, and holds strace to account.
"""
import concurrent.futures
import contextlib
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import attached  # noqa: E402
import container_engines  # noqa: E402
import container_work  # noqa: E402
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
RECORDING = "sysclamp record: recording"  # what it says when it has attached
KILLED = 128 + 9
# Name, set, how often, status, shares with, no_new_privs; the last is ended by force.
ROWS = [
    ("one", "a", 200, 3, None, True),
    ("two", "b", 150, 0, "one", True),
    ("three", "c", 100, None, None, False),
]
LATER = ("later", "c", 50, 0, None, True)
ENTERED, ENTERED_TIMES, ENTERED_STATUS = "d", 120, 7  # what is run in a container by exec
# Of set d: calls that no runtime makes when it enters a container.
RARE = {"sched_get_priority_max", "sched_get_priority_min"}


class Recorder:
    """sysclamp record --container, attached when this returns."""

    def __init__(self, container, out):
        self.out, self._err = out, out + ".err"
        with open(self._err, "wb") as err:
            self._process = subprocess.Popen(
                [workload.SYSCLAMP, "record", "-q", "--container", container.id, "-o", out],
                stdin=subprocess.DEVNULL, stdout=err, stderr=err, env=workload.ENVIRON)
        tap.wait_until(lambda: self.is_attached() or self._process.poll() is not None, "record attaches")

    def said(self):
        """What it has said."""
        with open(self._err, encoding="utf-8", errors="replace") as file:
            return file.read()

    def is_attached(self):
        """Whether it said so."""
        return any(line.startswith(RECORDING) for line in self.said().splitlines())

    def end(self):
        """Wait for its end: its exit status, None if it did not end."""
        try:
            return self._process.wait(workload.DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return None


class Watched:
    """A container at work, who records it, and who straces it."""

    def __init__(self, engine, row, others):
        name, calls, times, status, shares, nnp = row
        self.label, self.place = f"{engine.name}: {name}", os.path.join(SCRATCH, f"{engine.name}-{name}")
        self.works = [container_work.Work(os.path.join(self.place, "fifos"), calls, times, status or 0)]
        self.container = engine.start(
            name, self.works[0].argv(), binds=[(self.works[0].directory, container_work.FIFOS)],
            share_with=others[shares].container if shares else None, nnp=nnp)
        self.works[0].ready()
        self.status = status
        self.recorder = self.straced = None

    def enter(self, pool, engine):
        """Run a second command in it: what gives its result."""
        work = container_work.Work(os.path.join(self.works[0].directory, "exec"), ENTERED, ENTERED_TIMES,
                                   ENTERED_STATUS)
        argv = work.argv(directory=f"{container_work.FIFOS}/exec")
        result = pool.submit(engine.exec, self.container, argv)
        work.ready()
        self.works.append(work)
        return result

    def watch(self):
        """Attach the recorder, then strace."""
        attached.settle(self.container.pid)
        self.recorder = Recorder(self.container, os.path.join(self.place, "rec.json"))
        tap.ok(self.recorder.is_attached(), f"{self.label}: record attaches to the running container",
               self.recorder.said())
        self.straced = attached.Attached(self.container.pid, os.path.join(self.place, "strace"))

    def finish(self):
        """Let the program end, or end it by force; whether its status is what it was to be."""
        if self.status is None:
            self.container.stop()
        else:
            self.works[0].go()
        want = KILLED if self.status is None else self.status
        tap.equal(self.container.wait(), want, f"{self.label}: it ends as it does without a recorder")

    def counts(self):
        """What its programs make, by name."""
        return {name: count for work in self.works for name, count in work.counts.items()}

    def check(self):
        """The recording, strace and the program agree."""
        status, straced = self.recorder.end(), self.straced.seen()
        seen = workload.Recording(self.recorder.out)
        tap.equal(container_work.by_name(straced), self.counts(),
                  f"{self.label}: strace saw what the container made", self.straced.error())
        tap.equal((status, seen.complete), (0, True),
                  f"{self.label}: record ends with the container, complete", self.recorder.said(),
                  seen.json["loss"])
        tap.equal(ebpf.differences(seen.calls, straced.calls), [],
                  f"{self.label}: the recording is what strace saw of this container alone")

    def close(self):
        """Close the FIFOs."""
        for work in self.works:
            work.close()


def begin(engine, rows, closing):
    """The containers of some rows, by name; their FIFOs are closed with `closing`."""
    watched = {}
    for row in rows:
        watched[row[0]] = Watched(engine, row, watched)
        closing.callback(watched[row[0]].close)
    return watched


def namespaces(container):
    """The pid and the network namespace of a container."""
    return [os.readlink(f"/proc/{container.pid}/ns/{kind}") for kind in ("pid", "net")]


def check_at_once(engine, pool, closing):
    """All containers at once."""
    watched = begin(engine, ROWS, closing)
    one, two, three = [namespaces(each.container) for each in watched.values()]
    tap.ok(one == two and one[0] != three[0], f"{engine.name}: two containers share namespaces, one does not",
           one, two, three)
    entered = watched["one"].enter(pool, engine)
    for each in watched.values():
        each.watch()
    works = [work for each in watched.values() for work in each.works]
    for work in works:
        work.go()
    for work in works:
        work.done()
    watched["one"].works[1].go()
    tap.equal(entered.result().returncode, ENTERED_STATUS, f"{engine.name}: the command in it ends as it does")
    # Those that share the namespaces of another end before it.
    for each in reversed(watched.values()):
        each.finish()
    for each in watched.values():
        each.check()


def check_entered_later(engine, pool, closing):
    """A command that enters a container when it is being recorded already."""
    watched = begin(engine, [LATER], closing)[LATER[0]]
    watched.recorder = Recorder(watched.container, os.path.join(watched.place, "rec.json"))
    entered = watched.enter(pool, engine)
    for work in reversed(watched.works):
        work.go()
        work.done()
        work.go()
        entered.result()
    watched.container.wait()
    status, seen = watched.recorder.end(), workload.Recording(watched.recorder.out)
    names = RARE | set(watched.works[0].counts)
    want = {name: count for name, count in watched.counts().items() if name in names}
    tap.equal((status, container_work.by_name(seen, names)), (0, want),
              f"{watched.label}: a command that enters during the recording is in it", watched.recorder.said())


def check_denied(engine):
    """Who may not look into a container."""
    tool = os.path.join(SCRATCH, "sysclamp")
    if not os.path.exists(tool):
        shutil.copy(workload.SYSCLAMP, tool)
        os.chmod(SCRATCH, 0o755)
    container = engine.start("another", ["/bin/sleep", "1000"])
    result = workload.run(workload.as_user([tool, "record", "--container", container.id, "-o", os.devnull]))
    container.stop()
    tap.ok(result.returncode == 2 and b"run this as root" in result.stderr and result.stderr.count(b"\n") == 1,
           f"{engine.name}: an ordinary user is told who may record another one's container", result)


def check(engine):
    """All of one engine."""
    check_denied(engine)
    for each in (check_at_once, check_entered_later):
        # However it ends, the FIFOs are closed, and so the programs end for which the pool waits.
        with concurrent.futures.ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as closing:
            each(engine, pool, closing)


def main():
    """Each engine that is there."""
    for need, why in [("root", container_engines.lack()), ("bpf", ebpf.lack())]:
        if why:
            tap.skip(need, "recordings of containers", why)
            tap.done()
    for name in container_engines.ENGINES:
        engine = container_engines.engine_or_skip(name, SCRATCH, [container_work.host_program()])
        if engine:
            with engine:
                check(engine)
    tap.done()


main()
