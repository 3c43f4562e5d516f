#!/usr/bin/python3
"""Profiles in the engines: what was recorded in a container runs again in one of each engine under the profile
that was cut from it, with the same output and status; a command that enters works; another call is refused as asked.

Recorded once, in containers of runc, from the first call on.  Enforced by runc, crun, podman and containerd, the
latter by its own client and as a kubelet drives it.  Each engine meets every program, every setting of arguments with
and without no_new_privs, and every answer to other calls with every setting of arguments; each program meets
every setting of arguments, and both of no_new_privs.
"""
import dataclasses
import os
import shutil
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import container_engines  # noqa: E402
import hooked  # noqa: E402
import libc_tour  # noqa: E402
import redis_server  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402
from train_work import python3  # noqa: E402

SCRATCH = tap.scratch()
WORK = os.path.join(SCRATCH, "work")  # what containers have at /fifos, to write to
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
SHELL = "echo a word | cat; for i in 1 2 3; do (exit $i); done; echo $? $(echo inner); cat </etc/none || exit 5"
PYTHON = python3.WORK["threads"]["queue"] + r"""
import subprocess
print(subprocess.run(["/bin/sh", "-c", "echo from a shell; exit 3"], capture_output=True))
"""


@dataclasses.dataclass
class Row:
    """What a container does: its program, and the commands that enter it."""

    name: str
    argv: list
    execs: list = dataclasses.field(default_factory=list)
    binds: list = dataclasses.field(default_factory=list)
    ready: object = None  # called until it returns true: the commands can enter
    ends: bool = False  # it ends as it should by SIGTERM
    sockets: bool = False  # it asks for sockets, and for none of netlink
    # As recorded.
    recording: str = ""
    outcome: tuple = ()


def programs():
    """The static programs of the image, on the host."""
    names = [workload.program(name) for name in ("short_life", "exit_errno", "calls_i386")]
    tours = [libc_tour.build(name, SCRATCH) for name in ("glibc-static", "musl-static")]
    return names + [tour for tour in tours if tour]


def in_redis(*words):
    """A command of Debian's redis, whose files are at /redis."""
    libraries = "/redis/usr/lib/x86_64-linux-gnu:/redis/lib/x86_64-linux-gnu"
    return ["/lib64/ld-linux-x86-64.so.2", "--library-path", libraries, *words]


def redis_row():
    """A server, which is ended by a signal from outside, and its client, which enters."""
    redis = redis_server.Redis(workload.BUILD)
    socket = redis_server.socket_of("/fifos")
    client = in_redis("/redis/usr/bin/redis-cli", "-s", socket)
    server = [word.replace(redis.root, "/redis") for word in redis.server("/fifos", "--dbfilename", "d")]
    return Row("redis", in_redis(*server), [[*client, *words] for words in (
        ("SET", "a", "1"), ("EVAL", "return redis.call('INCR', KEYS[1])", "1", "a"), ("SAVE",))],
        [*HOST, (redis.root, "/redis", "ro"), (WORK, "/fifos")],
        lambda: os.path.exists(redis_server.socket_of(WORK)), ends=True, sockets=True)


def rows():
    """The corpus."""
    python = [python3.PROGRAM, "-I", "-c", PYTHON]
    yield Row("a shell", ["/bin/sh", "-c", SHELL])
    yield Row("python3", python, binds=HOST)
    yield Row("signals", ["/fifos/signals"], binds=[*HOST, (workload.PROGRAMS, "/fifos", "ro")])
    yield Row("static, glibc", ["/tour-glibc-static"], sockets=True)
    if shutil.which("musl-gcc"):
        yield Row("static, musl", ["/tour-musl-static"], sockets=True)
    else:
        tap.skip("musl", "a static program with musl", "no musl-gcc")
    if workload.has_i386():
        yield Row("static, 32 bits", ["/calls_i386"])
    else:
        tap.skip("m32", "a static program of 32 bits", "this kernel runs none")
    try:
        yield redis_row()
    except redis_server.Absent as why:
        tap.skip("redis", "redis", why)
    yield Row("a shell that enters", SLEEP, [["/bin/sh", "-c", SHELL], ["/bin/true"]])
    yield Row("python3 that enters", SLEEP, [python], HOST)
    yield Row("a tour that enters", SLEEP, [["/tour-glibc-static"]], sockets=True)


def play(engine, row, name, nnp, others=()):
    """Do what a row says, and then some other commands, which enter what is there to be entered: the
    (status, output) of all, and those of the others."""
    shutil.rmtree(WORK, ignore_errors=True)
    os.mkdir(WORK)
    if not row.execs:
        done = [engine.run(f"{name}-{n}", argv, binds=row.binds, nnp=nnp) for n, argv in enumerate([row.argv, *others])]
        return [(each.returncode, each.stdout) for each in done[:1]], [each.returncode for each in done[1:]]
    container = engine.start(name, row.argv, binds=row.binds, nnp=nnp)
    try:
        if row.ready:
            tap.wait_until(row.ready, f"{row.name} can be entered")
        tried = [engine.exec(container, argv).returncode for argv in others]
        done = [engine.exec(container, argv) for argv in row.execs]
        outcome = [(each.returncode, each.stdout) for each in done]
        if row.ends:
            os.kill(container.pid, signal.SIGTERM)
            outcome.append((container.wait(), ""))
        return outcome, tried
    finally:
        container.stop()


def record(engine, row, number):
    """Record a row as it is in a container that nothing holds."""
    row.recording = os.path.join(SCRATCH, f"{number}.rec.json")
    engine.annotations = {hooked.RECORD: row.recording}
    row.outcome, _ = play(engine, row, f"recorded{number}", True)
    seen = hooked.recorded(row.recording)
    tap.ok(seen.complete and seen.calls and row.outcome[0][1],
           f"{row.name}: recorded", row.outcome, seen.json["loss"])


def profile(engine, row, nnp, args, answer):
    """The file of a profile."""
    path = engine.path("profile.json")
    done = workload.sysclamp("generate", "--runtime", RUNTIMES[engine.name], "--nnp", "yes" if nnp else "no", "--args", args,
                             *ANSWERS[answer][0], "-o", path, row.recording)
    if done.returncode:
        raise container_engines.Failed(done.stderr.decode())
    return path


def check(engine, row, name, setting, answer):
    """One row under its profile, and what is outside of it."""
    nnp, args = setting
    refused = ANSWERS[answer][1]
    label = f"{engine.name}: {row.name}: {'no_new_privs' if nnp else 'new_privs'}, --args {args}, {answer}"
    others, want = [OTHER], [refused]
    if row.sockets:
        others, want = [OTHER, NETLINK], [refused, 0 if args == "none" else refused]
    try:
        engine.seccomp = profile(engine, row, nnp, args, answer)
        outcome, tried = play(engine, row, name, nnp, others)
    except (container_engines.Failed, TimeoutError) as why:
        outcome, tried = str(why), None
    tap.equal(outcome, row.outcome, f"{label}: it does as it did when it was recorded")
    tap.equal(tried, want, f"{label}: what is outside is refused: another call" + ", another socket" * row.sockets)


def check_engine(engine, offset, table):
    """All rows in an engine; the answers and the settings shift from one to the next."""
    engine.seccomp = engine.unconfined
    tap.equal(engine.run("free", OTHER).returncode, OTHER_ALLOWED, f"{engine.name}: nothing is refused without a profile")
    for number, row in enumerate(table):
        setting = SETTINGS[(offset + number) % len(SETTINGS)]
        check(engine, row, f"held{number}", setting, list(ANSWERS)[(offset + number // len(ANSWERS)) % len(ANSWERS)])


def main():
    """Record, then enforce."""
    hooked.need()
    image = programs()
    place = os.path.join(SCRATCH, "recorder")
    os.mkdir(place)
    engine = hooked.engine_or_skip("runc", place, image)
    if not engine:
        tap.done()
    with engine:
        table = list(rows())
        for number, row in enumerate(table):
            record(engine, row, number)
    for offset, name in enumerate(container_engines.ENGINES):
        engine = container_engines.engine_or_skip(name, SCRATCH, image)
        if engine:
            with engine:
                check_engine(engine, offset, table)
    tap.done()


main()
