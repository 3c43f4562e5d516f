#!/usr/bin/python3
"""Profiles in the engines: what was recorded in a container runs again in one of each engine under the profile
that was cut from it, with the same output and status; a command that enters works; another call is refused as asked.

Recorded once, in containers of runc, from the first call on.  Enforced by runc, crun, podman and containerd, the
latter by its own client and as a kubelet drives it.  Each engine meets every program, every setting of arguments with
and without no_new_privs, and every answer to other calls with every setting of arguments; each program meets
every setting of arguments, and both of no_new_privs.
"""
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import container_engines  # noqa: E402
import hooked  # noqa: E402
import libc_tour  # noqa: E402
import redis_server  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402
from round_trips import ANSWERS, HOST, SCRATCH, SETTINGS, SLEEP, WORK, Recorder, Row, check, check_free  # noqa: E402
from train_work import python3  # noqa: E402

SHELL = "echo a word | cat; for i in 1 2 3; do (exit $i); done; echo $? $(echo inner); cat </etc/none || exit 5"
PYTHON = python3.WORK["threads"]["queue"] + r"""
import subprocess
print(subprocess.run(["/bin/sh", "-c", "echo from a shell; exit 3"], capture_output=True))
"""


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
        lambda _container: os.path.exists(redis_server.socket_of(WORK)), ends=True, sockets=True)


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


def check_engine(engine, offset, table):
    """All rows in an engine; the answers and the settings shift from one to the next."""
    check_free(engine)
    for number, row in enumerate(table):
        setting = SETTINGS[(offset + number) % len(SETTINGS)]
        check(engine, row, f"held{number}", setting, list(ANSWERS)[(offset + number // len(ANSWERS)) % len(ANSWERS)])


def main():
    """Record, then enforce."""
    hooked.need()
    image = programs()
    table = list(rows())
    with Recorder(image) as recorder:
        for row in table:
            recorder.first(row)
    for offset, name in enumerate(container_engines.ENGINES):
        engine = container_engines.engine_or_skip(name, SCRATCH, image)
        if engine:
            with engine:
                check_engine(engine, offset, table)
    tap.done()


main()
