#!/usr/bin/python3
"""The recorder of all containers of a host, while containers of all engines come and go.

What each container's program calls is known, and has to be in its file, by its counts: whether it was there
before the recorder, came later, was entered by exec, lived for 50 ms, was given a name by the kubelet later,
or outlived a recorder that was killed.  All files are parsed all the time.  Containers of other tests, which
are recorded too, are no matter here.
"""
import concurrent.futures
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import attached  # noqa: E402
import container_engines  # noqa: E402
import container_work  # noqa: E402
import ebpf  # noqa: E402
import mount_spaces  # noqa: E402
import node_recorder  # noqa: E402
import tap  # noqa: E402
import timed_calls  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
FILES = os.path.join(SCRATCH, "node")
EARLY, LATE, ENTERED = ("a", 120), ("b", 90), ("c", 70)  # sets and how often
SHORT, SHORT_CALLS, SHORT_WAIT_S = 12, 5, 0.01
POOL = timed_calls.numbers()
ID_LEN = 64
NO_CONTAINER = "sysclamp-test-no-container"  # in a command line


class Reader:
    """A thread that parses every file, all the time."""

    def __init__(self):
        self.parsed, self.broken = 0, None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self):
        while not self._over.wait(0.002) and not self.broken:
            try:
                self.parsed += node_recorder.read_all(FILES)
            except ValueError as error:
                self.broken = error

    def end(self):
        """Stop reading."""
        self._over.set()
        self._thread.join()


class Seen(workload.Recording):
    """The one file of a container."""

    def __init__(self, ident):
        self.files = node_recorder.files_of(FILES, ident)
        super().__init__(self.files[0] if self.files else os.path.join(SCRATCH, "none"))

    def phases_of(self, names):
        """The phases in which calls of these names were made."""
        return {self.json["phases"][phase] for call in self.json["syscalls"] if call.get("name") in names
                for phase in call["phases"]}

    def runs(self, name):
        """How many of the sources saw a call of that name."""
        return next((call["runs"] for call in self.json["syscalls"] if call.get("name") == name), 0)


class Watched:
    """A container whose program waits for a word."""

    def __init__(self, engine, name, kind):
        self.engine, self.label = engine, f"{engine.name}: {name:.12}"
        self.works = [container_work.Work(os.path.join(SCRATCH, f"{engine.name}-{name}"), *kind)]
        # Some engines' ids are the names that they were told.
        self._begin(name if len(name) == ID_LEN else f"{engine.name}-{name}")
        self.works[0].ready()

    def _begin(self, name):
        self.container = self.engine.start(
            name, self.works[0].argv(), binds=[(self.works[0].directory, container_work.FIFOS)])

    def enter(self, pool, kind):
        """Run a second program in it, by exec: what gives its result."""
        work = container_work.Work(os.path.join(self.works[0].directory, "exec"), *kind)
        result = pool.submit(self.engine.exec, self.container, work.argv(directory=f"{container_work.FIFOS}/exec"))
        work.ready()
        self.works.append(work)
        return result

    def work(self):
        """Let all programs in it make their calls."""
        for work in self.works:
            work.go()
        for work in self.works:
            work.done()

    def finish(self):
        """Let it end."""
        self.works[0].go()
        return self.container.wait()

    def check(self):
        """Its file has what its programs called, and nothing that others did."""
        tap.wait_until(lambda: Seen(self.container.id).status is not None or Seen(self.container.id).complete,
                       f"{self.label}: its file is as it stays")
        seen = Seen(self.container.id)
        want = {name: count for work in self.works for name, count in work.counts.items()}
        tap.equal((len(seen.files), container_work.by_name(seen), seen.complete), (1, want, True),
                  f"{self.label}: one file, complete, with what it called", seen.json["loss"], seen.files)
        return seen

    def close(self):
        """Close the FIFOs."""
        for work in self.works:
            work.close()


class Enclosed(Watched):
    """One that a runtime with mounts of its own has started, which is its parent."""

    def _begin(self, name):
        self._process, self.container = self.engine.start_enclosed(
            name, self.works[0].argv(), binds=[(self.works[0].directory, container_work.FIFOS)])

    def finish(self):
        self.works[0].go()
        self.container.status = self._process.wait(workload.DEADLINE_S)
        return self.container.status


def complete(ident):
    """Whether the file of a container is as it stays."""
    return Seen(ident).complete


def check_come_and_go(engines, closing):
    """Containers of all engines that are there already, or come; by exec some are entered."""
    early = [Watched(engine, "early", EARLY) for engine in engines.values()]
    if "runc" in engines:
        early.append(Enclosed(engines["runc"], "enclosed", EARLY))
    # The kubelet's ids are hexadecimal numbers, as those of most engines.
    hexadecimal = [each.container.id for each in early if "-" not in each.container.id]
    named = [node_recorder.link(ident, "early") for ident in hexadecimal]
    for each in early:
        closing.callback(each.close)
        attached.settle(each.container.pid)
    recorder = node_recorder.NodeRecorder(FILES, "--interval", "1s")
    late = [Watched(engine, "late", LATE) for engine in engines.values()]
    for each in late:
        closing.callback(each.close)
    with concurrent.futures.ThreadPoolExecutor(len(late)) as pool:
        entered = [each.enter(pool, ENTERED) for each in late]
        for each in [*early, *late]:
            each.work()
        for each, result in zip(late, entered):
            each.works[1].go()
            tap.equal(result.result().returncode, 0, f"{each.label}: a command in it ends as it does")
    for each in [*early, *late]:
        tap.equal(each.finish(), 0, f"{each.label}: it ends as it does without a recorder")
    for each in early:
        tap.equal(each.check().phases_of(each.works[0].counts), {"serve"}, f"{each.label}: it ran already")
    for each in late:
        seen = each.check()
        tap.equal((seen.phases_of(each.works[0].counts), seen.phases_of(each.works[1].counts)),
                  ({"start"}, {"exec"}), f"{each.label}: what entered it goes by its phase")
    tap.equal([name for name in named if not os.path.exists(f"{FILES}/{name}")], [],
              f"{len(named)} files are called as the kubelet calls their containers")
    return recorder


def check_short(engine):
    """Containers of 50 ms."""
    plans = []
    for number in range(SHORT):
        ident, start = secrets.token_hex(ID_LEN // 2), number * SHORT_CALLS % (len(POOL) - SHORT_CALLS)
        numbers = sorted(POOL.values())[start:start + SHORT_CALLS]
        plan = timed_calls.Plan(os.path.join(SCRATCH, "short", ident), [(nr, SHORT_WAIT_S) for nr in numbers])
        container = engine.start(ident, plan.argv(), binds=[(plan.directory, timed_calls.LOGS)])
        plans.append((ident, numbers))
        container.wait()
    tap.wait_until(lambda: all(complete(ident) for ident, _ in plans), "the files of all short ones")
    wrong = []
    for ident, numbers in plans:
        seen = {nr: count for (_, nr), count in Seen(ident).calls.items()}
        own = {nr: count for nr, count in seen.items() if nr in POOL.values()}
        if own != dict.fromkeys(numbers, 1) or seen.get(59) != 1 or seen.get(231) != 1:
            wrong.append((ident, numbers, seen))
    tap.ok(not wrong, f"{SHORT} containers of {SHORT_CALLS * SHORT_WAIT_S * 1000:.0f} ms have all their calls, "
           "from execve to exit_group", *wrong)


def check_named_later(engine, closing):
    """The kubelet's link comes after the container."""
    one = Watched(engine, secrets.token_hex(ID_LEN // 2), EARLY)
    closing.callback(one.close)
    ident = one.container.id
    tap.wait_until(lambda: node_recorder.files_of(FILES, ident), "it has a file")
    tap.equal(node_recorder.files_of(FILES, ident), [f"{FILES}/{ident}{node_recorder.SUFFIX}"],
              "without a link a file is called by the id")
    named = f"{FILES}/{node_recorder.link(ident, 'later')}"
    one.work()
    tap.wait_until(lambda: os.path.exists(named), "it is renamed")
    one.finish()
    tap.equal(one.check().files, [named], "with the link it is renamed")


def check_killed(engine, recorder, closing):
    """The recorder is killed, and another one continues; the link comes in between."""
    one = Watched(engine, secrets.token_hex(ID_LEN // 2), LATE)
    closing.callback(one.close)
    ident, own = one.container.id, one.works[0].counts
    one.work()
    tap.wait_until(lambda: container_work.by_name(Seen(ident)) == own, "its calls are in the file")
    recorder.end(signal.SIGKILL)
    left = f"{FILES}/.left{node_recorder.SUFFIX}.tmp"  # as if it had been killed while it wrote
    with open(left, "wb"):
        pass
    named = f"{FILES}/{node_recorder.link(ident, 'between')}"
    recorder = node_recorder.NodeRecorder(FILES, "--interval", "1s")
    one.finish()
    # The first one saw that of the program's children.
    tap.wait_until(lambda: Seen(ident).runs("exit_group") == 2, "its end is in the file")
    seen = Seen(ident)
    tap.equal((seen.files, container_work.by_name(seen)), ([named], own),
              "another recorder continues the file of one that was killed, under the kubelet's name")
    tap.equal((len(seen.json["sources"]), seen.runs("execve")), (2, 1),
              "of the two sources one saw the beginning, both an end", seen.json["sources"])
    tap.ok(not os.path.exists(left), "what the one that was killed had begun to write is removed")
    return recorder


def check_broken(engine, recorder, closing):
    """A file that is no recording is not lost, and in nobody's way."""
    ident = secrets.token_hex(ID_LEN // 2)
    path = f"{FILES}/{ident}{node_recorder.SUFFIX}"
    with open(f"{path}.new", "w", encoding="ascii") as file:
        file.write('{"kind": "something else"}')
    os.rename(f"{path}.new", path)
    one = Watched(engine, ident, EARLY)
    closing.callback(one.close)
    one.work()
    one.finish()
    one.check()
    with open(f"{path}.broken", encoding="ascii") as file:
        tap.equal(file.read(), '{"kind": "something else"}', "a file that is no recording is set aside")
    tap.ok(f"{path}.broken" in recorder.said(), "and that is told", recorder.said())


def check_found_twice(recorder, closing):
    """A process of a container ends, and the next one begins, before the recorder hears of either."""
    ident = secrets.token_hex(ID_LEN // 2)
    place = os.path.join(node_recorder.unified(), ident)
    os.mkdir(place)
    closing.callback(lambda: tap.wait_until(lambda: ebpf.removed(place), "the cgroup is empty"))
    within = f"echo 0 >{place}/cgroup.procs"
    first = mount_spaces.Shell("sh", "-c", f'{within}; exec unshare -m "$@"', "sh")
    first.do("umask >/dev/null")
    tap.wait_until(lambda: node_recorder.files_of(FILES, ident), "it has a file")
    with open(f"/proc/{first.process.pid}/ns/mnt", "rb") as space:
        with recorder.stopped():
            first.end()
            then = mount_spaces.Shell(
                "sh", "-c", f'{within}; exec nsenter --mount=/proc/{os.getpid()}/fd/{space.fileno()} "$@"', "sh")
            then.do("umask >/dev/null")
    then.end()
    tap.wait_until(lambda: len(Seen(ident).files) > 1 or Seen(ident).runs("exit_group") > 1, "its end is told")
    tap.equal(len(Seen(ident).files), 1, "a container that is found twice has one file", Seen(ident).files)


@contextlib.contextmanager
def no_container():
    """Something with mounts of its own: a pipe which it reads."""
    script = f": {NO_CONTAINER}; mount -t tmpfs none /mnt; echo ready; while read line; do echo $line; done"
    with subprocess.Popen(["unshare", "-m", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env=workload.ENVIRON) as process:
        process.stdout.readline()
        yield process
        process.stdin.close()


def mentions(text):
    """The files in which it is written."""
    found = []
    for entry in os.scandir(FILES):
        with open(entry.path, encoding="utf-8", errors="replace") as file:
            if text in file.read():
                found.append(entry.name)
    return found


def check_end(engine, recorder, closing):
    """SIGTERM: all is written, however little time has passed."""
    one = Watched(engine, secrets.token_hex(ID_LEN // 2), EARLY)
    closing.callback(one.close)
    one.work()
    status = recorder.end()
    seen = Seen(one.container.id)
    tap.equal((status, seen.complete, container_work.by_name(seen)), (0, True, one.works[0].counts),
              "SIGTERM writes all and ends with 0", recorder.said()[-1000:])
    one.finish()


def check(engines):
    """All."""
    node_recorder.private_links()
    os.mkdir(FILES)
    reader = Reader()
    with contextlib.ExitStack() as closing:
        closing.callback(reader.end)
        runc = engines.get("runc") or next(iter(engines.values()))
        with no_container() as before:
            recorder = check_come_and_go(engines, closing)
            with no_container() as after:
                if "runc" in engines:
                    check_short(runc)
                    check_named_later(runc, closing)
                    recorder = check_killed(runc, recorder, closing)
                    check_broken(runc, recorder, closing)
                check_found_twice(recorder, closing)
                for each in before, after:
                    each.stdin.write(b"on\n")
                    each.stdin.flush()
                    each.stdout.readline()
                check_end(runc, recorder, closing)
    tap.equal(mentions(NO_CONTAINER), [], "what has mounts of its own and is no container has no file")
    tap.ok(not reader.broken and reader.parsed > 100, f"no file was ever seen broken ({reader.parsed} times)",
           reader.broken)


def main():
    """With the engines that are there."""
    for need, why in [("root", container_engines.lack()), ("bpf", ebpf.lack())]:
        if why:
            tap.skip(need, "all containers of a host", why)
            tap.done()
    kernel = ebpf.Kernel()
    programs = [container_work.host_program(), timed_calls.host_program()]
    with contextlib.ExitStack() as closing:
        engines = {}
        for name in container_engines.ENGINES:
            engine = container_engines.engine_or_skip(name, SCRATCH, programs)
            if engine:
                engines[name] = closing.enter_context(engine)
        if engines:
            check(engines)
    kernel.check("all containers of a host")
    tap.done()


main()
