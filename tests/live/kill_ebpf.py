#!/usr/bin/python3
"""The recorder is killed while programs of it are in the kernel: the workload does not notice, and
nothing stays behind.
"""
import os
import random
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
workload.DEADLINE_S = 600  # thousands of processes, on a machine that may have other work
# Under the sanitizers a recorder takes several times as long.
KILLS = 50 if os.environ.get("SANITIZE") else 200
TRIALS_MAX = 3 * KILLS  # some end before their time has come
AT_ONCE = 4
SEED = int(os.environ.get("SEED", "1"))
# Forks, execs, threads and, in the middle, a filter: a kill may hit the wait for its returns.
SCRIPT = """
echo begin; {many} 2 2 2000 && echo made
{filter} errno; echo "filter $?"
for n in 1 2 3 4 5; do (seq $n 200 | sort -n | tail -n 1); done
echo end
"""


def command():
    """The workload."""
    return ["sh", "-c", SCRIPT.format(many=workload.program("many_calls"),
                                      filter=workload.program("own_filter"))]


class Trial:
    """One recorder, killed some time after its start."""

    def __init__(self, number, delay):
        self.number = number
        self.out = os.path.join(SCRATCH, f"{number}.out")
        self.path = os.path.join(SCRATCH, f"{number}.rec.json")
        self.held = set()
        with open(self.out, "wb") as out:
            self.process = subprocess.Popen(
                [workload.SYSCLAMP, "record", "-q", "--backend", "ebpf", "-o", self.path, "--",
                 *command()], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
                env=workload.ENVIRON)
        self.kill_at = time.monotonic() + delay
        self.below = []

    def kill(self):
        """Kill it, and note what it had in the kernel."""
        self.held = ebpf.held_by(self.process.pid)
        self.below = tap.children_of(self.process.pid)
        self.process.send_signal(signal.SIGKILL)
        return self.process.wait() == -signal.SIGKILL

    def output(self):
        """What the workload has written."""
        with open(self.out, "rb") as file:
            return file.read()


def gone():
    """Whether all that was started has ended."""
    tap.reap()
    return not [pid for pid in tap.descendants() if tap.state_of(pid) not in ("", "Z")]


def batch(first, chance, life, want):
    """Several trials at once: how many were killed in time, how many had programs loaded and how
    many workloads had started by then; and what went wrong."""
    trials = [Trial(first + n, chance.random() ** 0.6 * life) for n in range(AT_ONCE)]
    killed = loaded = started = 0
    for trial in sorted(trials, key=lambda trial: trial.kill_at):
        time.sleep(max(0, trial.kill_at - time.monotonic()))
        killed += trial.kill()
    tap.wait_until(gone, "the workloads have ended", workload.DEADLINE_S)
    wrong = []
    for trial in trials:
        loaded += any(kind == "link" for kind, _ in trial.held)
        got = trial.output()
        started += got == want
        # The workload runs from the write into a pipe on: killed before that, it never starts.
        if got not in (want, b""):
            wrong.append(f"trial {trial.number}: {got!r}")
    return killed, loaded, started, wrong


def bare():
    """Output of the workload alone, and how long a recorder of it lives, in seconds."""
    alone = workload.run(command())
    tap.equal(alone.returncode, 0, "the workload, bare", alone)
    started = time.monotonic()
    result, seen = workload.record(command(), os.path.join(SCRATCH, "whole.rec.json"),
                                   ("-q", "--backend", "ebpf"))
    tap.ok(result.stdout == alone.stdout and (seen.complete or ebpf.is_late(seen)),
           "recorded to the end", result)
    return alone.stdout, time.monotonic() - started


def enough(killed, loaded, started):
    """As many kills as were asked for, and among them as many of each kind."""
    return killed >= KILLS and loaded > KILLS / 5 and started > KILLS / 5


def main():
    """All of it."""
    ebpf.need("SIGKILL of the recorder")
    want, life = bare()
    kernel = ebpf.Kernel()
    chance = random.Random(SEED)
    sums, wrong, span = [0, 0, 0], [], AT_ONCE * life * 0.7
    for first in range(0, TRIALS_MAX, AT_ONCE):
        if enough(*sums):
            break
        *numbers, faults = batch(first, chance, span, want)
        # What else the machine does changes how long they live.
        span *= 0.7 if numbers[0] < AT_ONCE / 2 else 1.1 if numbers[0] == AT_ONCE else 1
        sums = [a + b for a, b in zip(sums, numbers)]
        wrong += faults
    killed, loaded, started = sums
    print(f"# seed {SEED}: {killed} recorders were killed before their end, {loaded} with programs"
          f" attached; {started} workloads ran")
    tap.ok(enough(*sums), f"{KILLS} kills, at moments spread over the life of a recorder", sums)
    tap.ok(not wrong, "the output of the workload is unchanged, or it never started", *wrong)
    kernel.check(f"after {KILLS} kills")
    tap.ok(gone(), "no process is left")
    tap.done()


if __name__ == "__main__":
    main()
