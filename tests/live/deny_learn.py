#!/usr/bin/python3
"""`run --on-deny learn`: what it records from nothing is what `record` sees, and it completes a profile.

The corpus is that of corpus.py.  Programs, calls, arguments and files with code are compared as unions of
several runs, with what may differ named in the rows; counts where they are known.
"""
import json
import os
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import args_table  # noqa: E402
import deny  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402
try:
    import corpus_rows as corpus
    OWN = (workload.program,)
except ImportError:
    import corpus
    OWN = ()

SCRATCH = tap.scratch()
RUNS_MAX = 8
REC = os.path.join(SCRATCH, "learned.rec.json")


def learn(argv, path=REC, options=(), prefix=(), **kwargs):
    """Run a command, learning: its result and the recording."""
    if os.path.exists(path):
        os.unlink(path)
    result = workload.run([*prefix, workload.SYSCLAMP, "run", *options, "--on-deny", "learn", "-o", path, "--",
                           *argv], **kwargs)
    return result, workload.Recording(path)


class Union:
    """What one recorder has seen of a program in all runs."""

    def __init__(self):
        self.where, self.args, self.names, self.mapped = set(), {}, {}, set()

    def add(self, seen):
        """One more run."""
        self.where |= seen.where
        self.names.update(seen.names)
        self.mapped |= set(seen.json["mapped"])
        for key, sets in seen.args.items():
            self.args[key] = args_table.union(self.args.get(key), sets)

    def differing(self, other, row):
        """What only one of them has, printable, but for what may differ."""
        names = {**self.names, **other.names}
        wrong = [f"{'learn' if each in self.where else 'record'} only: {each} {names.get(each[1:])}"
                 for each in sorted(self.where ^ other.where, key=str)
                 if names.get(each[1:]) not in row.may and each[1:] not in row.skipped]
        wrong += [f"arguments of {names.get(key)}: {self.args.get(key)}, {other.args.get(key)}"
                  for key in self.args.keys() & other.args.keys()
                  if self.args[key] != other.args[key] and names.get(key) not in row.may]
        return wrong + [f"mapped by one only: {path}" for path in sorted(self.mapped ^ other.mapped)]


class Trial:
    """One program of the corpus."""

    def __init__(self, row):
        self.row = row
        self.place = os.path.join(SCRATCH, "run")
        self.faults = []

    def fresh(self):
        """The directory to run in, new; and the keywords for the runner."""
        shutil.rmtree(self.place, ignore_errors=True)
        os.mkdir(self.place)
        if self.row.setup:
            self.row.setup(self.place)
        return {"stdin": self.row.stdin, "env": self.row.env, "cwd": self.place}

    def works(self):
        """Whether it works here at all."""
        try:
            return workload.run(self.row.argv, **self.fresh()).returncode == self.row.status
        except OSError:
            return False

    def take(self, union, result, seen, who):
        """One run of one of the two."""
        if result.returncode != self.row.status or not seen.complete:
            self.faults.append(f"{who}: status {result.returncode}, {seen.json['loss']}, {result.stderr[-800:]!r}")
        for key, count in self.row.counts.items():
            if seen.calls.get(key) != count and not (who == "record" and key in self.row.skipped):
                self.faults.append(f"{who}: {key} {seen.calls.get(key)} times, made {count}")
        union.add(seen)

    def check(self):
        """Both, until they agree."""
        learned, recorded = Union(), Union()
        path = os.path.join(SCRATCH, "recorded.rec.json")
        differing = []
        for _ in range(RUNS_MAX):
            self.take(recorded, *workload.record(self.row.argv, path, ("-q", "--backend", "ptrace"), **self.fresh()),
                      "record")
            self.take(learned, *learn(self.row.argv, **self.fresh()), "learn")
            differing = learned.differing(recorded, self.row)
            if self.faults or not differing:
                break
        tap.ok(learned.where and not self.faults and not differing,
               f"{self.row.name}: learn saw the {len(learned.where)} calls that record sees", *self.faults, *differing)


def check_corpus():
    """Every program."""
    for row in [*corpus.real_programs(), *corpus.own_programs(*OWN)]:
        trial = Trial(row)
        if row.need and not trial.works():
            tap.skip(row.need, row.name, "does not work bare")
        else:
            trial.check()


def check_file():
    """The recording as a file: what it says of itself, and its use."""
    result, seen = learn(["sh", "-c", "echo $0; exit 3", "a word"])
    tap.equal((result.returncode, result.stdout, seen.json["recorder"]["backend"], seen.status, seen.complete,
               seen.json["workload"]["argv"][-1]), (3, b"a word\n", "notify", 3, True, "a word"),
              "status, output, and what was run")
    lines = result.stderr.decode().splitlines()
    tap.ok(len(lines) == 2 and f"{sum(seen.calls.values())} calls let through" in lines[0] and REC in lines[1],
           "it says how many calls were let through, and where they are", lines)
    made = workload.sysclamp("generate", "--runtime", "none", "-o", os.path.join(SCRATCH, "own.json"), REC)
    tap.equal(made.returncode, 0, "generate takes it", made)
    got = workload.sysclamp("run", "-p", os.path.join(SCRATCH, "own.json"), "--", "sh", "-c", "echo $0; exit 3", "x")
    tap.equal((got.returncode, got.stdout), (3, b"x\n"), "and the profile fits", got)
    merged = workload.sysclamp("merge", "-o", os.path.join(SCRATCH, "merged.rec.json"), REC, REC)
    tap.equal(merged.returncode, 0, "merge takes it", merged)
    out = workload.run([workload.SYSCLAMP, "run", "--on-deny", "learn", "--", "/bin/true"], cwd=SCRATCH)
    tap.ok(out.returncode == 0 and os.path.exists(os.path.join(SCRATCH, "true.rec.json")),
           "without -o it has the name that record gives", out)
    out = workload.sysclamp("run", "--on-deny", "learn", "-o", "/nowhere/x", "--", "touch", os.path.join(SCRATCH, "t"))
    tap.ok(out.returncode == 125 and not os.path.exists(os.path.join(SCRATCH, "t")),
           "a recording that cannot be written: nothing is started", out)


def check_completes():
    """Beside a profile: only the rest is recorded, and generate --base adds it."""
    base = deny.profile(os.path.join(SCRATCH, "base.json"), (["execve", "exit_group", "write"], "SCMP_ACT_ALLOW"),
                        default="SCMP_ACT_ERRNO", defaultErrnoRet=38)
    argv = [workload.program("try_call"), "uname", "getpgid"]
    result, seen = learn(argv, options=["-p", base])
    names = set(seen.names.values())
    tap.equal((result.returncode, result.stdout), (0, b"trying\nuname: 0\ngetpgid: 0\n"), "let through", result)
    tap.ok({"uname", "getpgid", "mmap"} <= names and not {"execve", "exit_group", "write"} & names,
           "the recording lacks what the profile allows", names)
    tap.equal(seen.json["recorder"]["backend"], "notify-beside", "and says so")
    whole = os.path.join(SCRATCH, "whole.json")
    alone = workload.sysclamp("generate", "--runtime", "none", "-o", whole, REC)
    tap.ok(alone.returncode == 0 and b"--base" in alone.stderr, "generate without it says what is missing", alone)
    made = workload.sysclamp("generate", "--runtime", "none", "--base", base, "-o", whole, REC)
    tap.ok(made.returncode == 0 and b"lacks" not in made.stderr, "generate --base adds to the profile", made)
    got = workload.sysclamp("run", "-p", whole, "--", *argv)
    tap.equal((got.returncode, got.stdout), (0, result.stdout), "which fits then", got)
    result, seen = learn(argv, options=["-p", whole])
    tap.equal((result.returncode, seen.calls, seen.complete), (0, {}, True), "under a complete profile nothing is new")


def check_unknown():
    """Numbers that no kernel has, and none that could be allowed."""
    result, seen = learn([workload.program("exit_errno"), "1000"])
    call = next(call for call in seen.json["syscalls"] if call["nr"] == 1000)
    tap.equal((result.returncode, call["count"], call.get("enosys")), (38, 1, 1),
              "a number without a name is answered ENOSYS, and noted so")
    made = workload.sysclamp("generate", "--runtime", "none", "-o", os.devnull, REC)
    tap.equal(made.returncode, 0, "which generate passes over", made)


def check_killed():
    """The recording is refreshed; one that was cut short is whole, and says that it is not complete."""
    process = deny.start(["--on-deny", "learn", "-o", REC], [workload.program("steady")])
    supervisor, _ = deny.supervisor_of(process)

    def refreshed():
        try:
            return workload.Recording(REC).json["seq"] >= 3
        except ValueError as problem:
            raise AssertionError(f"not whole: {problem}") from problem
    os.unlink(REC)
    tap.wait_until(refreshed, "three refreshes")
    os.kill(supervisor, signal.SIGKILL)
    killed_ns = time.time_ns()
    tap.equal(process.wait(60), 125, "the supervisor is killed: status 125")
    seen = workload.Recording(REC)
    last = seen.json["syscalls"] and max(call["last_ns"] for call in seen.json["syscalls"])
    tap.ok(not seen.complete and seen.calls[("x86_64", 110)] > 0 and killed_ns - last < 5e9,
           "what is left is fresh and marked incomplete", seen.json["complete"], (killed_ns - last) / 1e9)
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()


def check_phases():
    """Start and serve, as record tells them apart."""
    seen = {}
    for who in ("record", "learn"):
        path = os.path.join(SCRATCH, f"phases.{who}.rec.json")
        argv = [workload.program("phased"), "listen", "epoll"]
        result, got = (workload.record(argv, path, ("-q", "--backend", "ptrace"), stdin=b"ab") if who == "record"
                       else learn(argv, path, stdin=b"ab"))
        phases = got.json["phases"]
        seen[who] = result.returncode, {(call["nr"], phases[n]) for call in got.json["syscalls"] for n in call["phases"]}
    tap.ok({phase for _, phase in seen["learn"][1]} == {"start", "serve"} and seen["learn"] == seen["record"],
           "the phases of a server are those that record tells apart", seen)


def check_user():
    """Without privileges."""
    if os.geteuid() != 0:
        tap.skip("root", "as an ordinary user", "this is one already")
        return
    place = os.path.join(SCRATCH, "user")
    os.mkdir(place)
    os.chown(place, 65534, 65534)
    path = os.path.join(place, "learned.rec.json")
    result, seen = learn(["sh", "-c", "cat /proc/self/status >/dev/null; exit 7"], path, prefix=workload.as_user([]))
    tap.equal((result.returncode, seen.complete, {os.path.basename(name) for name in seen.json["programs"]}),
              (7, True, {"dash", "cat"}), "an ordinary user can learn", result)


def main():
    """All of it."""
    workload.share(SCRATCH)
    for check in (check_file, check_completes, check_unknown, check_killed, check_phases, check_user, check_corpus):
        check()
    tap.done()


if __name__ == "__main__":
    main()
