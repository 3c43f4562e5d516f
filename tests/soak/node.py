#!/usr/bin/python3
"""node.py MINUTES: the recorder of all containers, for a long time, against what containers log.

Containers (bundles of runc) are started, end and are killed all the time, several at once.  Each makes a
sequence of calls of its own, and logs when it has made which.  The recorder is killed and started again
at random.  What each life of it must have left in the container's file:

* every call that it saw, made at least one interval before it was killed;
* every call that it saw, if the container ended while it lived.

Nothing grows meanwhile: its memory, what is left in the kernel, cgroups, files.  The last life ends by
SIGTERM.  SEED chooses the sequence of everything.
"""
import bisect
import collections
import os
import random
import shutil
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import container_engines  # noqa: E402
import container_engines.base  # noqa: E402
import ebpf  # noqa: E402
import node_recorder  # noqa: E402
import tap  # noqa: E402
import timed_calls  # noqa: E402
import workload  # noqa: E402

MINUTES = float(sys.argv[1]) if len(sys.argv) > 1 else 30
SEED = int(os.environ.get("SEED", "1"))
SCRATCH = tap.scratch()
FILES = os.path.join(SCRATCH, "node")
WORKERS = 6
INTERVAL_S = 2
# For what the scheduler takes, on a machine that has other work: to write a file, to notice an end.
SLACK_S = 0.5
LIFE_S, LONG_LIFE_S, LONG_EACH = 8, 60, 10  # of the recorder: a mean, and that of each tenth
LEAK_CHECK_EACH = 25
GROWTH_MAX_KIB = 2048
PROGRESS_S, WRONG_SHOWN = 60, 10
CROWDED = "there is no room"  # what the recorder says then
NUMBERS = timed_calls.numbers()


def pick_steps(chance):
    """What a container does: in a burst, for some seconds, or for long."""
    calls, wait = chance.choice([(6, 0.008)] * 4 + [(30, 0.08), (30, 0.15), (40, 0.6)])
    numbers = chance.sample(sorted(NUMBERS.values()), calls)
    return [(nr, min(chance.expovariate(1 / wait), 3)) for nr in numbers]


class Ran:
    """A container that has ended: who it was, and when it began, was there and ended."""

    def __init__(self, ident, plan, began):
        self.ident, self.plan, self.began = ident, plan, began
        self.created = self.ended = None


class Containers:
    """What starts and ends containers, in threads of its own."""

    def __init__(self, engine):
        self._engine, self._over, self._lock = engine, threading.Event(), threading.Lock()
        self.done, self.failed = [], []
        self._threads = [threading.Thread(target=self._work, args=(random.Random(f"{SEED} {n}"),))
                         for n in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    def _work(self, chance):
        try:
            while not self._over.is_set():
                ran = self._run(chance)
                with self._lock:
                    self.done.append(ran)
        except Exception as error:  # pylint: disable=broad-except
            self.failed.append(error)

    def _link(self, chance, ident):
        """One in three is of a pod."""
        if chance.random() < 1 / 3:
            node_recorder.link(ident, "pod")

    def _run(self, chance):
        """One container, from its start to its removal."""
        ident = f"{chance.getrandbits(256):064x}"
        plan = timed_calls.Plan(os.path.join(SCRATCH, "logs", ident), pick_steps(chance))
        ran = Ran(ident, plan, time.time())
        container = self._engine.start(ident, plan.argv(), binds=[(plan.directory, timed_calls.LOGS)])
        ran.created = time.time()
        self._link(chance, ident)
        if chance.random() < 0.5:
            self._over.wait(chance.random() * sum(wait for _, wait in plan.steps))
            os.kill(container.pid, signal.SIGKILL)
        container.wait()
        ran.ended = time.time()
        container.stop()
        self._engine.containers.remove(container)
        shutil.rmtree(self._engine.path("bundles", ident))
        for kind in ("pid", "log"):
            os.remove(self._engine.path(f"{ident}.{kind}"))
        return ran

    def take(self, until):
        """Those that ended before a moment, away from here."""
        with self._lock:
            taken = [ran for ran in self.done if ran.ended <= until]
            self.done = [ran for ran in self.done if ran.ended > until]
        return taken

    def end(self):
        """Start no more, and wait for those that are there."""
        self._over.set()
        for thread in self._threads:
            thread.join()


class Lives:
    """From when to when the recorder lived: [(attached, killed)], in order."""

    def __init__(self):
        self.spans = []

    def demands(self, ran, before, after, slack):
        """Whether a call of a container must be in its file."""
        first = bisect.bisect_left([killed for _, killed in self.spans], before)
        return any(attached <= before and min(after + INTERVAL_S, ran.ended) + slack <= killed
                   for attached, killed in self.spans[first:] if attached <= before)

    def blurs(self, ran):
        """Whether the recorder came while the container was made: it saw its runtime too."""
        return any(ran.began <= attached + 1 and attached - 5 <= ran.created
                   for attached, _ in self.spans)


class Judge:
    """What is found wrong, and how much was looked at."""

    def __init__(self):
        self.lives = Lives()
        self.counts = collections.Counter()
        self.wrong, self.idents = [], set()

    def _blame(self, text):
        print(f"# {text}", flush=True)
        self.wrong.append(text)

    def _seen(self, ran):
        """The numbers in a container's file."""
        files = node_recorder.files_of(FILES, ran.ident)
        self.counts["files"] += len(files)
        if len(files) > 1:
            self._blame(f"{ran.ident}: several files: {files}")
        seen = set()
        for path in files:
            seen |= {nr for _, nr in workload.Recording(path).calls}
            os.remove(path)
        return seen

    def _check_calls(self, ran, seen):
        made, missing = ran.plan.made(), []
        for nr, before, after in made:
            self.counts["calls"] += 1
            needed = self.lives.demands(ran, before, after, SLACK_S)
            self.counts["demanded"] += needed
            self.counts["seen"] += nr in seen
            if nr in seen:
                continue
            missing += [(nr, before)] if needed else []
            self.counts["late"] += self.lives.demands(ran, before, after, 0) and not needed
        if missing:
            self._blame(f"{ran.ident}: missing: {missing[:2]}, in all {len(missing)} of {len(made)}, seen "
                        f"{len(seen)}; began {ran.began:.3f}, was there {ran.created:.3f}, ended "
                        f"{ran.ended:.3f}; recorders lived {self.lives.spans[-3:]}")
        # The last one may have been made without being logged.
        own = {nr for nr, _ in ran.plan.steps[:len(made) + 1]}
        others = seen & set(NUMBERS.values()) - own
        if others and not self.lives.blurs(ran):
            self._blame(f"{ran.ident}: calls that are not its own: {sorted(others)}")

    def check(self, ran):
        """Hold the file of a container that has ended to its log."""
        self.counts["containers"] += 1
        self.idents.add(ran.ident)
        self._check_calls(ran, self._seen(ran))
        shutil.rmtree(ran.plan.directory)


class Soak:
    """The recorder, life after life."""

    def __init__(self, engine):
        self.judge, self.kernel = Judge(), ebpf.Kernel()
        self.chance = random.Random(SEED)
        self.growth, self.peaks = [], []
        self.deadline = time.monotonic() + 60 * MINUTES
        self.told = time.monotonic()
        self.containers = Containers(engine)

    def _life(self, number):
        """How long the next life is to be, in seconds."""
        mean = LONG_LIFE_S if number % LONG_EACH == LONG_EACH - 1 else LIFE_S
        return min(self.chance.expovariate(1 / mean), 3 * mean)

    def live(self, number):
        """One life, with a look at all files all the time."""
        recorder = node_recorder.NodeRecorder(FILES, "--interval", f"{INTERVAL_S}s")
        end = min(time.monotonic() + self._life(number), self.deadline)
        first = recorder.rss_kib()
        pause = threading.Event()
        while time.monotonic() < end and not self.containers.failed:
            self.judge.counts["parsed"] += node_recorder.read_all(FILES)
            pause.wait(max(0, min(0.2, end - time.monotonic())))
        last = recorder.rss_kib()
        # So many containers of others that there was no room: it said so, and is not held to its word.
        crowded = CROWDED in recorder.said()
        self.judge.counts["crowded lives"] += crowded
        if crowded or last - first > GROWTH_MAX_KIB:
            print(f"# from {recorder.attached:.3f} to {time.time():.3f}: crowded {crowded}, growth {last - first} "
                  f"KiB, {recorder.said().count(': recording to ')} containers", flush=True)
        if not crowded:
            self.growth.append(last - first)
        self.peaks.append(last)
        over = time.monotonic() >= self.deadline or self.containers.failed
        killed = time.time()
        if over:
            self.containers.end()  # of which it sees the end
            killed = time.time() + SLACK_S
        recorder.end(signal.SIGTERM if over else signal.SIGKILL)
        if not crowded:
            self.judge.lives.spans.append((recorder.attached, killed))
        for ran in self.containers.take(killed):
            self.judge.check(ran)
        return recorder

    def _look_for_leaks(self):
        left = [self.kernel.left()]
        try:
            tap.wait_until(lambda: not left[-1] or left.append(left[-1] & self.kernel.left()), "all is freed")
        except TimeoutError:
            self.judge.wrong.append(f"left in the kernel: {sorted(left[-1])}")
        # The same ones are in several hierarchies.
        cgroups = {os.path.basename(path) for path in container_engines.base.cgroups()}
        if len(cgroups) > 2 * WORKERS:
            self.judge.wrong.append(f"left behind: {len(cgroups)} cgroups")

    def tell(self):
        """What has been done so far, for those who watch."""
        if time.monotonic() - self.told > PROGRESS_S:
            self.told = time.monotonic()
            print(f"# {len(self.growth)} lives, {dict(self.judge.counts)}, growth at most "
                  f"{max(self.growth)} KiB, {len(self.judge.wrong)} wrong", flush=True)

    def run(self):
        """All lives: the last one, ended."""
        number = 0
        while True:
            recorder = self.live(number)
            if recorder.status != -signal.SIGKILL:
                return recorder
            if number % LEAK_CHECK_EACH == 0:
                self._look_for_leaks()
            self.tell()
            if self.chance.random() < 0.5:
                threading.Event().wait(self.chance.random())
            number += 1


def report(soak, recorder):
    """The claims."""
    judge, counts = soak.judge, soak.judge.counts
    growth = sorted(soak.growth)
    print(f"# seed {SEED}: {len(growth)} lives of the recorder, {counts['containers']} containers with "
          f"{counts['calls']} calls, {counts['demanded']} of them demanded, {counts['seen']} seen; "
          f"{counts['parsed']} times a file was parsed")
    print(f"# calls missed within the slack of {SLACK_S} s: {counts['late']}")
    print(f"# memory: at most {max(soak.peaks)} KiB; growth in a life: {growth[len(growth) // 2]} KiB in "
          f"the middle, {growth[-1]} KiB at most")
    tap.ok(not soak.containers.failed, "containers come and go", *soak.containers.failed)
    tap.ok(counts["demanded"] > 100, f"calls are demanded: {counts['demanded']}")
    tap.ok(not judge.wrong, "the files miss nothing that is older than the interval",
           *judge.wrong[:WRONG_SHOWN])
    tap.ok(growth[-1] <= GROWTH_MAX_KIB, "memory is flat", growth)
    tap.equal(recorder.status, 0, "the last recorder ends as it should", recorder.said()[-1000:])
    # Those of other containers of this host stay.
    left = [name for name in os.listdir(FILES) if not name.endswith(node_recorder.SUFFIX)
            or any(ident in name for ident in judge.idents)]
    tap.equal(left, [], "nothing else of these is in the directory")
    soak.kernel.check("after the last life")


def main():
    """The soak, and what came of it."""
    for need, why in [("root", container_engines.lack()), ("bpf", ebpf.lack())]:
        if why:
            tap.skip(need, "a long time on a node", why)
            tap.done()
    engine = container_engines.engine_or_skip("runc", SCRATCH, [timed_calls.host_program()])
    if engine:
        node_recorder.private_links()
        with engine:
            soak = Soak(engine)
            try:
                recorder = soak.run()
            finally:
                soak.containers.end()
            report(soak, recorder)
    tap.done()


main()
