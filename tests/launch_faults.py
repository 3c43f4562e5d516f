"""Launches in which one thing fails: each system call, each allocation, one at a time.

tests/programs/inject_faults.c makes it fail, in whichever process of the launcher it is.  What must hold,
whatever failed: the workload is held exactly as it is when nothing fails, or it does not run at all and the
launcher says so in one line; and nothing is left of either.
"""
import concurrent.futures
import os
import re
import subprocess
import tempfile

import tap
import workload

INJECT = workload.program("inject_faults")
WORKLOAD = workload.program("held_state")
ALLOCATORS = ("malloc", "calloc", "realloc", "__libc_memalign")
NOT_STARTED = (125, 126, 127)
EIO = 5
ABORTED = 134
DEADLINE_S = 30
SANITIZED = bool(os.environ.get("SANITIZE"))
# LeakSanitizer does not work in a process that is traced.
ENVIRON = {**workload.ENVIRON, **({"ASAN_OPTIONS": "detect_leaks=0"} if SANITIZED else {})}
FUTEX = 202
# x86-64: getpid, umask, getuid, getgid, geteuid, getegid, getppid, capget of oneself: by their manual pages none fails.
NEVER_FAIL = {f"faulted {number}" for number in (39, 95, 102, 104, 107, 108, 110, 125)}
SAID = re.compile(r"sysclamp run: .+\n")


def entries():
    """Where main and the allocators begin in the launcher's file; a sanitizer has its own of these."""
    listed = workload.run(["nm", workload.SYSCLAMP]).stdout.decode().split("\n")
    found = {name: address for address, _, name in (line.split() for line in listed if line.count(" ") == 2)}
    allocators = [] if SANITIZED else [found[name] for name in ALLOCATORS if name in found]
    return ["-b", found["main"], *(word for address in allocators for word in ("-m", address))]


class Launch:
    """One command line of `run`, to be repeated with faults."""

    def __init__(self, name, options, executed, user=None):
        self.name, self.executed, self.user = name, executed, user
        self.command = [workload.SYSCLAMP, "run", *options]
        self.entries = entries()
        self.calls, self.allocations = {}, {}
        self.golden = None

    def run(self, fault=()):
        """Exit status, what the workload wrote, what the launcher said, and the injector's report."""
        with tempfile.NamedTemporaryFile("r", encoding="ascii") as report:
            command = workload.as_user(self.command, self.user) if self.user else self.command
            result = subprocess.run(
                [INJECT, *fault, *self.entries, "-o", report.name, workload.SYSCLAMP, self.executed, *command],
                env=ENVIRON, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                timeout=DEADLINE_S, cwd="/")
            return result.returncode, result.stdout.decode(), result.stderr.decode(), report.read().split("\n")

    def count(self):
        """Launch without faults: what is there to fail."""
        status, self.golden, said, report = self.run()
        for line in report:
            if re.fullmatch(r"\d+ \d+ \d+", line):
                process, calls, allocations = map(int, line.split())
                self.calls[process], self.allocations[process] = calls, allocations
        return tap.ok(status == 0 and self.golden and "started" in report and "left 0" in report,
                      f"{self.name}: a launch without faults", status, said, *report)

    def faults(self):
        """All of them: the injector's options."""
        for process in self.calls:
            for call in range(1, self.calls[process] + 1):
                yield ("-c", f"{process}:{call}:{EIO}")
            for allocation in range(1, self.allocations[process] + 1):
                yield ("-a", f"{process}:{allocation}")

    def judge(self, fault):
        """What is wrong with a launch in which that failed; None: nothing is."""
        try:
            status, out, said, report = self.run(fault)
        except subprocess.TimeoutExpired:
            return "it does not end"
        if NEVER_FAIL.intersection(report):
            return None
        if "left 0" not in report:
            return f"left: {report}, status {status}, said {said!r}"
        if out == self.golden:
            return None  # held all the same
        if out:
            return f"it ran otherwise: {set(out.split(chr(10))) ^ set(self.golden.split(chr(10)))}"
        if f"faulted {FUTEX}" in report and status == ABORTED:
            return None  # futex(2): the C library ends the process by itself
        if status not in NOT_STARTED or not SAID.search(said):
            return f"status {status}, said {said!r}, {report}"
        return None

    def check(self):
        """Each fault, several at a time."""
        if not self.count():
            return
        if SANITIZED:  # their runtime makes calls of its own, which are not the launcher's to survive
            tap.skip("faults", f"{self.name}: faults", "a sanitizer's own calls would fail")
            return
        faults = list(self.faults())
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong = [f"{' '.join(fault)}: {what}" for fault, what in zip(faults, pool.map(self.judge, faults)) if what]
        tap.ok(not wrong, f"{self.name}: nothing runs unheld, and nothing is left", *wrong)
        print(f"# {self.name}: {sum(self.calls.values())} calls, {sum(self.allocations.values())} allocations"
              f" of {len(self.calls)} processes", flush=True)
