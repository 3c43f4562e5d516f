#!/usr/bin/python3
"""Profiles hold for work that was not recorded: programs are recorded on part of what they do, and the rest runs
under the profile.

The work of each program (tests/train_work) comes in kinds: the pieces of one use the same facilities for something
else each time.  A third of each kind, as the seed has it, is not recorded but enforced: so all kinds are recorded, as
a user's tests would have it.  A breakage is a piece whose status, output or errors are others than bare.  There must
be none under what generate writes by default, and with --args safe.

Printed, and not demanded: the breakages where less is recorded, or where the split has no eye on kinds, each
with the implied calls and without them (--exact); how many calls were added, and how many of them the rest
needed.  There a piece is run only when it calls, by its own recording, what the profile does not allow.  And, for one
split, what breaks with --args full.

TRAIN_SEEDS="1 2 13" names the splits.
"""
import contextlib
import dataclasses
import json
import os
import random
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import redis_server  # noqa: E402
import tap  # noqa: E402
import train_work  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
SEEDS = [int(seed) for seed in os.environ.get("TRAIN_SEEDS", "1 2 13").split()]
HANGS_S = 20  # what takes longer for want of a call, never ends; with it, it takes less than one
SHORT = 8  # fewer names than that are printed
EXACT, CLOSURE, BASE = ("--runtime", "none", "--exact"), ("--runtime", "none"), ("--runtime", "any")


@dataclasses.dataclass(eq=False)
class Piece:
    """A piece of work, what came of it bare, and the calls it made when it was recorded."""

    kind: str
    name: str
    text: str
    bare: tuple = ()
    recording: str = ""
    called: frozenset = frozenset()

    def __str__(self):
        return f"{self.kind}: {self.name}"


class Program:
    """A program and its work; once it is recorded, whatever part of it is wanted can be enforced."""

    def __init__(self, name, how):
        self.name, self._run = name, how.run
        self._place = os.path.join(SCRATCH, name)
        self._run_in = os.path.join(self._place, "run")
        self._known = {}  # what came of a piece for want of some calls
        os.mkdir(self._place)
        self.pieces = [Piece(kind, name, text) for kind, work in how.WORK.items() for name, text in work.items()]

    def path(self, name):
        """A file that outlives a run."""
        return os.path.join(self._place, name)

    def outcome(self, piece, *prefix):
        """Run it, in a directory that is always the same and new: what came of it."""
        shutil.rmtree(self._run_in, ignore_errors=True)
        os.mkdir(self._run_in)
        result = self._run(piece.text, self._run_in, list(prefix))
        status = result.returncode
        return status if status >= 0 else 128 - status, result.stdout, result.stderr

    def record(self):
        """Run all of it bare and recorded: what went wrong, printable."""
        wrong = []
        for number, piece in enumerate(self.pieces):
            piece.bare = self.outcome(piece)
            piece.recording = self.path(f"{number}.rec.json")
            recorded = self.outcome(piece, workload.SYSCLAMP, "record", "-q", "--backend", "ptrace",
                                    "-o", piece.recording, "--")
            seen = workload.Recording(piece.recording)
            piece.called = frozenset(seen.names.values())
            if recorded != piece.bare or not seen.complete:
                wrong.append(f"{piece}: {recorded}, bare {piece.bare}, lost {seen.json['loss']}")
        return wrong

    def profile(self, pieces, options, name="profile.json"):
        """Cut a profile from recordings: its path, and the names that it allows."""
        path = self.path(name)
        done = workload.sysclamp("generate", *options, "-o", path, *(piece.recording for piece in pieces))
        if done.returncode:
            raise ValueError(done.stderr.decode())
        with open(path, encoding="utf-8") as file:
            return path, {name for rule in json.load(file)["syscalls"] for name in rule["names"]}

    def breaks(self, piece, path):
        """Whether it does not end under a profile as it does bare: what came of it, else nothing."""
        try:
            got = self.outcome(piece, workload.SYSCLAMP, "run", "-p", path, "--")
        except (subprocess.TimeoutExpired, TimeoutError):
            tap.end_descendants()
            return "it hangs"
        return got if got != piece.bare else None

    def broken_by(self, path, names, pieces):
        """Those that break for want of a call: [(piece, the calls it wants)]."""
        wanting = [(piece, frozenset(piece.called - names)) for piece in pieces if piece.called - names]
        for each in wanting:
            if each not in self._known:
                with deadline(HANGS_S):
                    self._known[each] = self.breaks(each[0], path)
        return [each for each in wanting if self._known[each]]


@contextlib.contextmanager
def deadline(seconds):
    """How long a command may take here."""
    before, workload.DEADLINE_S = workload.DEADLINE_S, seconds
    try:
        yield
    finally:
        workload.DEADLINE_S = before


def by_kind(piece):
    """All kinds are in both parts."""
    return piece.kind


def blindly(_piece):
    """Kinds do not matter."""
    return ""


def split(pieces, seed, kind_of):
    """Two parts: of each kind a third, one at least, is in the second."""
    chosen, kinds = random.Random(seed), {}
    for piece in pieces:
        kinds.setdefault(kind_of(piece), []).append(piece)
    second = {piece for kind in kinds.values() for piece in chosen.sample(kind, max(1, len(kind) // 3))}
    return [piece for piece in pieces if piece not in second], [piece for piece in pieces if piece in second]


def ways_to_split(pieces, seed):
    """(What is recorded, the part that is recorded, the rest)."""
    for kinds, kind_of in (("of each kind", by_kind), ("of all", blindly)):
        first, second = split(pieces, seed, kind_of)
        yield f"recorded two thirds {kinds}", first, second
        yield f"recorded one third {kinds}", second, first


def called(pieces):
    """All that they called."""
    return frozenset().union(*(piece.called for piece in pieces))


def words(names):
    """How many names, and which."""
    return f"{len(names)} ({' '.join(sorted(names))})" if names else "0"


@dataclasses.dataclass
class Figures:
    """What a split comes to: names of calls, and pieces that break with what they want."""

    recorded: set  # in the part that is recorded
    implied: set  # added to these
    base: set  # added to these by the base set of the runtimes
    new: set  # called by the rest, and not recorded
    rest: set  # called by the rest
    pieces: list  # of the rest
    broken_exact: list
    broken: list

    def counts(self):
        """What is counted, by what it is called in print."""
        return {"recorded": self.recorded, "implied": self.implied, "needed of these": self.implied & self.new,
                "base": self.base, "needed of this": self.base & self.new, "called by the rest": self.rest,
                "not recorded": self.new, "denied": self.new - self.implied}


def figures(program, train, test):
    """Measure a split."""
    (exact_path, exact), (path, closure), (_, base) = (program.profile(train, options, f"{number}.json")
                                                       for number, options in enumerate((EXACT, CLOSURE, BASE)))
    rest = called(test)
    return Figures(exact, closure - exact, base - closure, rest - exact, rest, test,
                   program.broken_by(exact_path, exact, test), program.broken_by(path, closure, test))


def tell(label, got):
    """Print the figures of a split."""
    print(f"# {label}; calls: " + ", ".join(f"{what} {words(names) if 0 < len(names) < SHORT else len(names)}"
                                            for what, names in got.counts().items()))
    for how, rows in (("without the implied calls", got.broken_exact), ("with them", got.broken)):
        for piece, wants in rows:
            print(f"#   breaks {how}: {piece}, for want of {' '.join(sorted(wants))}")


def tell_sums(program, what, rows):
    """Print the figures of all seeds for one way to split."""
    ranges = {name: sorted(len(row.counts()[name]) for row in rows) for name in rows[0].counts()}
    print(f"# {program.name}, {len(rows)} seeds, {what}; calls: " + ", ".join(
        f"{name} {sizes[0]}-{sizes[-1]}" for name, sizes in ranges.items()))
    pieces, exact, closure = (sum(len(part) for part in parts) for parts in zip(
        *((row.pieces, row.broken_exact, row.broken) for row in rows)))
    print(f"#   of {pieces} pieces break without the implied calls {exact}, with them {closure}")


def breakages(program, train, test, args):
    """All that breaks of the rest, with arguments pinned or not, printable."""
    path, names = program.profile(train, (*CLOSURE, "--args", args))
    came = {str(piece): (program.breaks(piece, path), piece.bare) for piece in test}
    return [f"{name}: {got}, bare {bare}, not allowed: {called(test) - names}" for name, (got, bare) in came.items() if got]


def check_split(program, seed):
    """The split that must not break anything."""
    train, test = split(program.pieces, seed, by_kind)
    for args in ("none", "safe"):
        broken = breakages(program, train, test, args)
        tap.ok(test and not broken, f"{program.name}, seed {seed}, --args {args}: {len(test)} pieces of work that were"
               " not recorded, none breaks", *broken)
    if seed == SEEDS[0]:
        broken = breakages(program, train, test, "full")
        print(f"# {program.name}, seed {seed}, --args full: of {len(test)} pieces {len(broken)} break")
        for line in broken:
            print(f"#   {line[:500]}")


def check_program(program):
    """All splits; what must hold, and the figures of the others."""
    sums = {}
    for seed in SEEDS:
        check_split(program, seed)
        for what, train, test in ways_to_split(program.pieces, seed):
            got = figures(program, train, test)
            tell(f"{program.name}, seed {seed}, {what}: {len(train)} pieces, {len(test)} the rest", got)
            sums.setdefault(what, []).append(got)
    for what, rows in sums.items():
        tell_sums(program, what, rows)


def check_control(program):
    """The profile of what is least is not enough for all: it is enforced, and a breakage is seen."""
    least = min(program.pieces, key=lambda piece: len(piece.called))
    path, names = program.profile([least], EXACT)
    others = sorted(program.pieces, key=lambda piece: len(piece.called - names))[-5:]
    tap.ok(any(program.breaks(piece, path) for piece in others),
           f"{program.name}: under the profile of one piece of work others break", least)


def main():
    """Each program."""
    for name, how in train_work.PROGRAMS.items():
        program = Program(name, how)
        try:
            wrong = program.record()
        except redis_server.Absent as why:
            tap.skip("redis", name, why)
            continue
        tap.ok(not wrong, f"{name}: {len(program.pieces)} pieces of work end recorded as they do bare", *wrong)
        check_program(program)
        check_control(program)
    tap.done()


main()
