"""The corpus (corpus_rows.py) in containers: its programs are the host's; each is the first in its container, or enters
one that sleeps.
"""
import collections
import dataclasses
import itertools
import os

import container_engines
import corpus_rows
import hooked
import loopback
import tap
import workload
from round_trips import ANSWERS, ARGS, HOST, SCRATCH, SETTINGS, SLEEP, WORK, Recorder, Row, check, check_free

PLACE, PROGRAMS = "/work", "/programs"  # in containers: where the programs begin, and those of our own
INPUT = "input"
ENVIRON = {**workload.ENVIRON, "TMPDIR": PLACE}
BINDS = [*HOST, ("/usr/bin", "/bin", "ro"), ("/etc/alternatives", "/etc/alternatives", "ro"),
         (workload.PROGRAMS, PROGRAMS, "ro"), (WORK, PLACE)]
FIRST, ENTERS = "first", "enters"
# What cannot be had of containers, and why.
NOWHERE = {
    "bubblewrap": "run by root it makes namespaces of its own, for which a container has no CAP_SYS_ADMIN",
}
ENTERS_ONLY = {
    "orphans": "with the first process of a container all others end (pid_namespaces(7))",
    "curl": "its server listens in the network namespace of the container, which has to be there",
}
STATUS_ONLY = {
    ("podman", "orphans"): "podman exec ends with its program, whatever others still write",
}
# Every level of one factor meets every one of the other; for a program, all that its profile can have.
PAIRS = [("engine", "program"), ("engine", "setting"), ("engine", "answer"), ("engine", "way"), ("program", "nnp"),
         ("program", "args"), ("program", "answer"), ("program", "way"), ("setting", "answer"), ("setting", "way"),
         ("answer", "way")]



@dataclasses.dataclass(frozen=True)
class Plan:
    """Engines, and groups of settings: a trip of each program in each engine for each group; and the pairs of factors
    whose levels meet in these trips."""

    engines: tuple
    groups: list
    pairs: list


# A runtime takes a tenth of the time that what calls it takes: there a program meets every setting, in one or the other.
RUNTIMES = Plan(("runc", "crun"), [[setting for setting in SETTINGS if setting[1] == args] for args in ARGS],
                [*PAIRS, ("program", "setting")])
MANAGERS = Plan(("podman", "ctr", "cri"), [SETTINGS], PAIRS)


class Serve:
    """Makes a container ready: a server listens at a port of its loopback."""

    def __init__(self, port):
        self.port = port
        self._last = None

    def __call__(self, container):
        if self._last:
            self._last.close()
            self._last = None
        if loopback.network_of(container.pid) != loopback.network_of("self"):  # where the corpus has one
            self._last = loopback.Server(self.port, container.pid)
        return True


@dataclasses.dataclass
class Program:
    """A row of the corpus, recorded."""

    name: str
    answers: list  # that its profile can have
    ways: dict  # FIRST, ENTERS: the container's row


def _setup(row):
    """What fills the directory."""
    def fill(directory):
        if row.setup:
            row.setup(directory)
        if row.stdin is not None:
            with open(os.path.join(directory, INPUT), "wb") as file:
                file.write(row.stdin)
    return fill


def _contained(row):
    """A row of the corpus, by way."""
    argv = row.argv if row.stdin is None else ["/from_file", INPUT, *row.argv]
    first = Row(row.name, argv, binds=BINDS, setup=_setup(row), directory=PLACE, environ={**ENVIRON, **row.env})
    enters = dataclasses.replace(first, argv=SLEEP, execs=[argv], ready=Serve(row.port) if row.port else None,
                                 recordings=[], seen=set())
    return {ENTERS: enters} if row.name in ENTERS_ONLY else {FIRST: first, ENTERS: enters}


def _record(row, sleep, recorder):
    """Record a row, alone if that can be: its program, or None where it does not work."""
    ways = _contained(row)
    recorded = next(iter(ways.values()))
    recorded.outcome, seen, _ = recorder.record(recorded)
    status = recorded.outcome[0][0]
    if status != row.status and (row.need or row.name in NOWHERE):
        tap.skip(row.need, row.name, NOWHERE.get(row.name) or f"in a container it ends with {status}")
        return None
    tap.ok(seen.complete and seen.calls and status == row.status, f"{row.name}: recorded", recorded.outcome,
           seen.json["loss"])
    if ways[ENTERS] is not recorded:
        ways[ENTERS].outcome = recorded.outcome
        ways[ENTERS].recordings = [*recorded.recordings, *sleep.recordings]
        ways[ENTERS].seen = recorded.seen | sleep.seen
    # A call without a name can be in no profile: it needs the answer that the kernel gives.
    return Program(row.name, list(ANSWERS) if row.kill else ["ENOSYS"], ways)


def _record_all(recorder):
    """The corpus, recorded."""
    sleep = Row("a container that sleeps", SLEEP, [["/exit_errno", "39"]], BINDS)
    recorder.record(sleep)
    rows = [*corpus_rows.real_programs(), *corpus_rows.own_programs(lambda name: f"{PROGRAMS}/{name}")]
    return [program for program in (_record(row, sleep, recorder) for row in rows) if program]


@dataclasses.dataclass(frozen=True)
class Case:
    """One trip."""

    engine: str
    program: str
    setting: tuple
    answer: str
    way: str

    def pairs(self, factors):
        """Its pairs of levels."""
        levels = {**vars(self), "nnp": self.setting[0], "args": self.setting[1]}
        return [(*pair, *(levels[factor] for factor in pair)) for pair in factors]


def _gain(pairs, met):
    """What a case adds to pairs that were met so often: what is new for its program, then what is rare."""
    return sum(pair[0] == "program" and not met[pair] for pair in pairs), sum(1 / (1 + met[pair]) for pair in pairs)


def _candidates(engine, program):
    """All cases of a program in an engine."""
    return [Case(engine, program.name, *rest) for rest in itertools.product(SETTINGS, program.answers, program.ways)]


def _cases(plan, programs):
    """The cases to try, each that of its group that gains most; and the pairs that none of them meets."""
    chosen, met, wanted = [], collections.Counter(), set()
    for program, engine in itertools.product(programs, plan.engines):
        candidates = _candidates(engine, program)
        wanted |= set().union(*(case.pairs(plan.pairs) for case in candidates))
        for group in plan.groups:
            best = max((case for case in candidates if case.setting in group),
                       key=lambda case: _gain(case.pairs(plan.pairs), met))
            met.update(best.pairs(plan.pairs))
            chosen.append(best)
    return chosen, wanted - set(met)


def _check_engine(engine, cases, programs, recorder):
    """All cases of an engine."""
    check_free(engine)
    by_name = {program.name: program for program in programs}
    for number, case in enumerate(cases):
        row = by_name[case.program].ways[case.way]
        if (case.engine, case.program) in STATUS_ONLY:
            row = row.silent()
        check(engine, row, f"held{number}", case.setting, case.answer, recorder)


def check_engines(plan, here):
    """The corpus in those engines of a plan that are to be tried here."""
    hooked.need()
    image = [workload.program(name) for name in ("exit_errno", "from_file")]
    with Recorder(image) as recorder:
        programs = _record_all(recorder)
        cases, unmet = _cases(plan, programs)
        tap.ok(cases and not unmet, f"{len(programs)} programs: {len(cases)} trips in {', '.join(plan.engines)} meet every pair", *unmet)
        for name in here:
            engine = container_engines.engine_or_skip(name, SCRATCH, image)
            if engine:
                with engine:
                    _check_engine(engine, [case for case in cases if case.engine == name], programs, recorder)
    tap.done()
