"""What the tests of round trips share: what was recorded in a container of runc runs again in one of each engine
under the profile that was cut from it, with the same output and status; a command that enters works; another
call is refused as asked.
"""
import dataclasses
import os
import shutil
import signal

import container_engines
import ebpf
import hooked
import tap
import workload

SCRATCH = tap.scratch()
WORK = os.path.join(SCRATCH, "work")  # new for each container that binds it, to write to
RUNTIMES = {"runc": "runc", "crun": "crun", "podman": "runc", "ctr": "runc", "cri": "runc"}
ARGS = ("none", "safe", "full")
SETTINGS = [(nnp, args) for nnp in (True, False) for args in ARGS]
# What becomes of other calls: options, and the status of a program that makes one and ends with its errno.
ANSWERS = {"ENOSYS": ((), 38), "EPERM": (("--errno", "EPERM"), 1), "SIGSYS": (("--default-action", "kill"), 128 + 31)}
OTHER = ["/exit_errno", "136"]  # ustat, which makes EINVAL where it is allowed
OTHER_ALLOWED = 22
NETLINK = ["/exit_errno", "41", "16", "3", "0"]  # a socket of a family that no program here asks for
SLEEP = ["/bin/sleep", "100000"]
# Programs of the host, with what they need.
HOST = [("/usr", "/usr", "ro"), ("/usr/lib", "/lib", "ro"), ("/usr/lib64", "/lib64", "ro")]
RUNS_MAX = 8  # recorded


@dataclasses.dataclass
class Row:
    """What a container does: its program, and the commands that enter it."""

    name: str
    argv: list
    execs: list = dataclasses.field(default_factory=list)
    binds: list = dataclasses.field(default_factory=list)
    ready: object = None  # called with the container until it returns true: the commands can enter
    ends: bool = False  # it ends as it should by SIGTERM
    sockets: bool = False  # it asks for sockets, and for none of netlink
    setup: object = None  # called with WORK, when it is new
    directory: str = "/"  # where the programs begin
    environ: dict = dataclasses.field(default_factory=dict)
    says: bool = True  # what it says is compared
    # As recorded.
    recordings: list = dataclasses.field(default_factory=list)
    seen: set = dataclasses.field(default_factory=set)
    outcome: list = dataclasses.field(default_factory=list)
    # As held, for who looks for what went wrong: what was said on standard error, the engine's words included.
    errors: list = dataclasses.field(default_factory=list)

    def result(self, done):
        """What is compared of a command that has ended."""
        return done.returncode, done.stdout if self.says else ""

    def silent(self):
        """The same, what it says not compared; what is recorded of one is recorded of both."""
        return dataclasses.replace(self, says=False, outcome=[(status, "") for status, _ in self.outcome])


def _enter(engine, row, name, nnp, others):
    """The container is there until all that enters it has ended."""
    container = engine.start(name, row.argv, binds=row.binds, nnp=nnp)
    try:
        if row.ready:
            tap.wait_until(lambda: row.ready(container), f"{row.name} can be entered")
        tried = [engine.exec(container, argv).returncode for argv in others]
        done = [engine.exec(container, argv) for argv in row.execs]
        row.errors = [each.stderr for each in done]
        outcome = [row.result(each) for each in done]
        if row.ends:
            os.kill(container.pid, signal.SIGTERM)
            outcome.append((container.wait(), ""))
        return outcome, tried
    finally:
        container.stop()


def play(engine, row, name, nnp, others=()):
    """Do what a row says, and then some other commands, which enter what is there to be entered: the
    (status, output) of all, and those of the others."""
    row.errors = []
    shutil.rmtree(WORK, ignore_errors=True)
    os.mkdir(WORK)
    if row.setup:
        row.setup(WORK)
    engine.directory, engine.environ = row.directory, row.environ
    if row.execs:
        return _enter(engine, row, name, nnp, others)
    done = [engine.run(f"{name}-{n}", argv, binds=row.binds, nnp=nnp) for n, argv in enumerate([row.argv, *others])]
    row.errors = [each.stderr for each in done]
    return [row.result(each) for each in done[:1]], [each.returncode for each in done[1:]]


def _facts(seen):
    """What a profile may hang on: the calls, and the values of their arguments."""
    return set(seen.calls) | {(key, index, values) for key, sets in seen.args.items() for index, values in sets.items()}


class Recorder:
    """Containers of runc that are recorded from their first call on and that nothing holds."""

    def __init__(self, image):
        place = os.path.join(SCRATCH, "recorder")
        os.mkdir(place)
        self._engine = hooked.engine_or_skip("runc", place, image)
        if not self._engine:
            tap.done()
        self._number = 0

    def _try(self, row):
        """Record a row: its outcome, the recording, and the file."""
        self._number += 1
        path = os.path.join(SCRATCH, f"{self._number}.rec.json")
        self._engine.annotations = {hooked.RECORD: path}
        outcome, _ = play(self._engine, row, f"recorded{self._number}", True)
        return outcome, hooked.recorded(path), path

    def record(self, row):
        """Record a row once more: its outcome, the recording, and whether something in it is new."""
        for _ in range(ebpf.TRIES):
            outcome, seen, path = self._try(row)
            if not ebpf.is_late(seen):
                break
        before = len(row.seen)
        row.recordings.append(path)
        row.seen |= _facts(seen)
        return outcome, seen, len(row.seen) > before

    def first(self, row):
        """The first recording of a row, which says what it does."""
        row.outcome, seen, _ = self.record(row)
        tap.ok(seen.complete and seen.calls and row.outcome[0][1],
               f"{row.name}: recorded", row.outcome, seen.json["loss"])

    def __enter__(self):
        self._engine.__enter__()
        return self

    def __exit__(self, *why):
        self._engine.__exit__(*why)


def _profile(engine, row, setting, answer):
    """The file of a profile."""
    nnp, args = setting
    path = engine.path("profile.json")
    done = workload.sysclamp("generate", "--runtime", RUNTIMES[engine.name], "--nnp", "yes" if nnp else "no", "--args", args,
                             *ANSWERS[answer][0], "-o", path, *row.recordings)
    if done.returncode:
        raise container_engines.Failed(done.stderr.decode())
    return path


def _held(engine, row, name, setting, answer, others):
    """The outcome of a row under its profile, and what came of the others."""
    try:
        engine.seccomp = _profile(engine, row, setting, answer)
        return play(engine, row, name, setting[0], others)
    except (container_engines.Failed, TimeoutError) as why:
        return str(why), None


def _is_more_known(recorder, row):
    """Record a row once more; whether that brings something new."""
    try:
        return recorder.record(row)[2]
    except (container_engines.Failed, TimeoutError):
        return False


def check(engine, row, name, setting, answer, recorder=None):
    """One row under its profile, and what is outside of it.

    Where threads happen to meet or a signal happens to come, a recording may lack what another run does: with a
    recorder, another one is made then, and the row tried again as long as that brings something new.
    """
    nnp, args = setting
    refused = ANSWERS[answer][1]
    label = f"{engine.name}: {row.name}: {'no_new_privs' if nnp else 'new_privs'}, --args {args}, {answer}"
    others, want = [OTHER], [refused]
    if row.sockets:
        others, want = [OTHER, NETLINK], [refused, 0 if args == "none" else refused]
    outcome, tried = _held(engine, row, name, setting, answer, others)
    if outcome != row.outcome and any(said.startswith("ctr: ") for said in row.errors):
        # ctr itself has failed, as it may on a busy machine.  A profile that keeps containers from starting does so again.
        print(f"# {label}: once more after {row.errors}", flush=True)
        outcome, tried = _held(engine, row, f"{name}-again", setting, answer, others)
    while recorder and outcome != row.outcome and len(row.recordings) < RUNS_MAX and _is_more_known(recorder, row):
        outcome, tried = _held(engine, row, f"{name}-{len(row.recordings)}", setting, answer, others)
    tap.equal(outcome, row.outcome, f"{label}: it does as it did when it was recorded", *row.errors)
    tap.equal(tried, want, f"{label}: what is outside is refused: another call" + ", another socket" * row.sockets)


def check_free(engine):
    """Without a profile the engine refuses nothing of what is tried."""
    engine.seccomp, engine.directory, engine.environ = engine.unconfined, "/", {}
    tap.equal(engine.run("free", OTHER).returncode, OTHER_ALLOWED, f"{engine.name}: nothing is refused without a profile")
