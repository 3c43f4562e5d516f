#!/usr/bin/python3
"""Real programs: what `record` saw is what `strace -f` sees, and the profile fits.

Agreement: the sets of (ABI, number) are equal for each back end and strace, as unions of several
runs; what may differ is named in the row, with the reason.  For programs of our own the exact counts
are known, too.  And in one run of each, all counts are what the oracle counted in the same run.

Arguments: of every call, the same values and tuples, or "many" where strace saw more than are kept.

Round trip: the program under the profile cut from its recordings ends as it does bare, with the
same output, whichever arguments are pinned; a call that was not recorded is denied with the errno
that was chosen.
"""
import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import args_table  # noqa: E402
import corpus_rows  # noqa: E402
import ebpf  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

ROWS = args_table.by_call()
RUNS_MIN = 3
RUNS_MAX = 8
SCRATCH = tap.scratch()


class Trial:
    """One row, run as often as need be: what was seen, and whether it was the same each time."""

    def __init__(self, row, user):
        self.row = row
        self.label = row.name + (", as an ordinary user" if user else "")
        self.user = user
        self.place = os.path.join(SCRATCH, "run")
        self.n = 0
        self.recordings = []
        # As an ordinary user there is one back end.
        self.backends = ["ptrace"] if user or ebpf.lack() else ["ebpf", "ptrace"]
        self.seen = {who: set() for who in [*self.backends, "strace"]}
        self.args = {backend: {} for backend in self.backends}
        self.registers = {}  # that strace saw
        self.where = {backend: set() for backend in self.backends}  # (program, ABI, number)
        self.names = {}
        self.faults = []

    def fresh(self):
        """The directory to run in, always the same and new; and the keywords for the runner."""
        shutil.rmtree(self.place, ignore_errors=True)
        os.mkdir(self.place)
        if self.row.setup:
            self.row.setup(self.place)
        if self.user:
            for top, _dirs, names in os.walk(self.place):
                for path in [top] + [os.path.join(top, name) for name in names]:
                    os.chown(path, 65534, 65534)
        return {"stdin": self.row.stdin, "env": self.row.env, "cwd": self.place}

    def prefix(self):
        """What comes in front of a command for it to run as that user."""
        return workload.as_user([]) if self.user else []

    def out(self, name):
        """A file outside of the directory the program runs in, writable for that user."""
        path = os.path.join(SCRATCH, f"out-{'user' if self.user else 'self'}")
        if not os.path.isdir(path):
            os.mkdir(path)
            if self.user:
                os.chown(path, 65534, 65534)
        return os.path.join(path, name)

    def bare(self):
        """The program alone."""
        try:
            return workload.run(self.prefix() + self.row.argv, **self.fresh())
        except OSError as problem:  # a 32-bit program where there are none
            return subprocess.CompletedProcess(self.row.argv, 126, b"", str(problem).encode())

    def fault(self, who, result):
        """Note a run that did not end as it should."""
        self.faults.append(f"{who}: status {result.returncode}, {result.stdout!r},"
                           f" {result.stderr!r}")

    def check_run(self, who, result, seen, apart=()):
        """One run of a watcher: how it ended, and the counts that are known."""
        if result.returncode != self.row.status:
            self.fault(who, result)
        for key, count in self.row.counts.items():
            if key not in apart and seen.calls.get(key) != count:
                self.faults.append(f"{who}: {key} {seen.calls.get(key)} times, made {count}")
        self.names.update(seen.names)

    def record(self):
        """One run under record with each back end; whether a call or an argument was new to one."""
        self.n += 1
        return any([self.record_with(backend) for backend in self.backends])

    def record_with(self, backend):
        """One run under record; whether a call or an argument was new to that back end."""
        path = self.out(f"{self.n}.{backend}.rec.json")
        for _ in range(ebpf.TRIES):
            result, seen = workload.record(self.row.argv, path, ("--backend", backend),
                                           prefix=self.prefix(), **self.fresh())
            if not ebpf.is_late(seen):
                break
        self.check_run(backend, result, seen)
        if not seen.complete:
            self.fault(f"{backend}, incomplete", result)
        if seen.denied:
            self.faults.append(f"{backend}: denied {seen.denied}, but there is no filter")
        self.recordings.append(path)
        self.where[backend] |= seen.where
        grown = not self.seen[backend] >= set(seen.calls)
        for key, sets in seen.args.items():
            known = self.args[backend].get(key)
            self.args[backend][key] = args_table.union(known, sets)
            grown |= self.args[backend][key] != known
        self.seen[backend] |= set(seen.calls)
        return grown

    def strace(self):
        """One run under strace."""
        result, seen = workload.strace(self.row.argv, self.out("strace"), prefix=self.prefix(),
                                       **self.fresh())
        self.check_run("strace", result, seen, self.row.ours)
        self.seen["strace"] |= set(seen.calls)
        for key, registers in seen.registers.items():
            self.registers.setdefault(key, set()).update(registers)

    def differing_args(self):
        """Which sets of arguments are others than what strace's registers make, printable."""
        wrong = []
        for key, registers in self.registers.items():
            rows = ROWS[self.names[key]]
            if key[0] != "x86_64" or self.names[key] in self.row.may:
                continue
            want = args_table.of_registers(rows, registers)
            wrong += [f"{backend}: {self.names[key]}: {got[key]}, and by strace {want}"
                      for backend, got in self.args.items() if key in got and got[key] != want]
        return wrong

    def differing(self):
        """What only one of the watchers saw, printable, but for what the row names."""
        wrong = []
        straced = self.seen["strace"]
        for backend in self.backends:
            for who, keys in ((backend, self.seen[backend] - straced),
                              (f"strace, not {backend}", straced - self.seen[backend])):
                wrong += [f"only {who}: {key} {self.names.get(key)}" for key in sorted(keys)
                          if self.names.get(key) not in self.row.may
                          and not (who == backend and key in self.row.ours)]
        first, last = self.where[self.backends[0]], self.where[self.backends[-1]]
        wrong += [f"one back end only: {path} {abi} {nr} {self.names.get((abi, nr))}"
                  for path, abi, nr in sorted(first ^ last)
                  if self.names.get((abi, nr)) not in self.row.may]
        return wrong + self.differing_args()

    def agree(self):
        """The agreement test."""
        for n in range(1, RUNS_MAX + 1):
            self.record()
            self.strace()
            if self.faults or (n >= RUNS_MIN and not self.differing()):
                break
        missing = [f"not seen: {key}" for key in self.row.must
                   if not all(key in keys for keys in self.seen.values())]
        tap.ok(all(self.seen.values()) and not self.faults and not self.differing() and not missing,
               f"{self.label}: {', '.join(self.seen)} saw the same {len(self.seen['strace'])} calls"
               f" in {self.n} runs", *self.faults, *self.differing(), *missing)

    def count(self):
        """The oracle's test: one run of each, call by call."""
        if self.user or ebpf.lack():
            return
        wrong, calls = [], 0
        for who in self.seen:
            if who == "strace":
                _, seen, oracle = ebpf.strace_watched(self.row.argv, self.out("strace"),
                                                      **self.fresh())
            else:
                _, seen, oracle = ebpf.record_watched(self.row.argv, self.out("rec.json"), who,
                                                      **self.fresh())
            apart = {**self.row.ours, **(self.row.skipped if who == "ptrace" else {})}
            lines = ebpf.differences(seen.calls, oracle.calls, apart)
            wrong += [f"{who} and the oracle: {line}" for line in lines]
            calls = sum(seen.calls.values())
        tap.ok(calls and not wrong,
               f"{self.label}: {', '.join(self.seen)} counted what the oracle counted", *wrong)

    def profile(self, *options):
        """Cut a profile from all recordings so far."""
        path = self.out("profile.json")
        result = workload.sysclamp("generate", "--runtime", "none", "-o", path, *options,
                                   *self.recordings)
        if result.returncode:
            return None, result.stderr.decode()
        return path, ""

    def fits(self, want, *options):
        """Run it under its profile; what went wrong, printable."""
        path, fault = self.profile(*options)
        if not path:
            return fault
        got = workload.run([*self.prefix(), workload.SYSCLAMP, "run", "-p", path, "--",
                            *self.row.argv], **self.fresh())
        left, right = [(r.returncode, r.stdout, r.stderr) for r in (got, want)]
        return "" if left == right else f"clamped: {left}\nbare:    {right}"

    def round_trip(self, *options):
        """The round trip; what no recording has seen yet is a reason to record once more."""
        want = self.bare()
        fault = self.fits(want, *options)
        while fault and self.n < RUNS_MAX and any([self.record() for _ in range(2)]):
            fault = self.fits(want, *options)
        tap.ok(not fault, f"{self.label}: under its profile it ends as bare"
               + (f" ({' '.join(options)})" if options else ""), fault)


def check(row, user=False):
    """Both tests of one row."""
    trial = Trial(row, user)
    bare = trial.bare()
    if row.need and bare.returncode != row.status:
        tap.skip(row.need, trial.label, f"does not work bare: {bare.stdout + bare.stderr!r}")
        return
    tap.equal(bare.returncode, row.status, f"{trial.label}: ends bare with {row.status}", bare)
    trial.agree()
    trial.count()
    trial.round_trip()
    trial.round_trip("--args", "safe")
    trial.round_trip("--args", "full")
    if row.kill:
        trial.round_trip("--default-action", "kill")


def record_to(name, *argv):
    """A recording of a command, and its path."""
    path = os.path.join(SCRATCH, name)
    result, seen = workload.record(argv, path)
    tap.equal(result.returncode, 0, f"record {os.path.basename(argv[0])}", result)
    return path, seen


def clamp_try_call(name, recordings, options, calls):
    """try_call under a profile: the result."""
    path = os.path.join(SCRATCH, name)
    made = workload.sysclamp("generate", "--runtime", "none", *options, "-o", path, *recordings)
    tap.equal((made.returncode, made.stdout), (0, b""), f"generate {' '.join(options)}", made)
    return workload.sysclamp("run", "-p", path, "--", workload.program("try_call"), *calls)


def check_denied():
    """A call that was not recorded is denied with the errno that was chosen."""
    own, seen = record_to("none.rec.json", workload.program("try_call"))
    other, more = record_to("yield.rec.json", workload.program("calls_static"))
    tap.ok(("x86_64", 63) not in seen.calls and ("x86_64", 63) not in more.calls,
           "neither recording has uname")
    calls = ["uname", "sched_yield", "nothing"]
    for options, errno in (((), 38), (("--errno", "EPERM"), 1), (("--errno", "13"), 13)):
        got = clamp_try_call("own.json", [own], options, calls)
        want = "trying\n" + "".join(f"{call}: {errno}\n" for call in calls)
        tap.equal((got.returncode, got.stdout.decode()), (0, want),
                  f"not recorded: errno {errno} {' '.join(options)}", got)
    got = clamp_try_call("both.json", [own, other], ("--errno", "EPERM"), calls)
    tap.equal((got.returncode, got.stdout.decode()),
              (0, "trying\nuname: 1\nsched_yield: 0\nnothing: 1\n"),
              "two recordings: what either has is allowed, the rest denied", got)
    got = clamp_try_call("kill.json", [own], ("--default-action", "kill"), ["uname"])
    tap.equal(got.returncode, 128 + 31, "--default-action kill: the call ends it with SIGSYS", got)
    with open(os.path.join(SCRATCH, "own.json"), encoding="utf-8") as file:
        tap.ok(json.load(file)["syscalls"], "the profile is JSON and has rules")


def main():
    """All rows."""
    workload.share(SCRATCH)
    if ebpf.lack():
        tap.skip("bpf", "the same with the eBPF back end", ebpf.lack())
    rows = list(corpus_rows.real_programs())
    tap.ok(len(rows) >= 20, f"{len(rows)} real programs")
    for row in [*rows, *corpus_rows.own_programs(workload.program)]:
        check(row)
        if row.user and os.geteuid() == 0:
            check(row, user=True)
        elif row.user:
            tap.skip("root", f"{row.name}, as an ordinary user", "this is one already")
    check_denied()
    tap.done()


if __name__ == "__main__":
    main()
