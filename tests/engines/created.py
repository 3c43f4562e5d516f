#!/usr/bin/python3
"""A container that was created and not started yet: recorded from its first call on, and nothing of the
runtime's, whose process it is until then.
"""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import container_engines  # noqa: E402
import container_work  # noqa: E402
import ebpf  # noqa: E402
import hooked  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
NESTED = "/nested_static"  # in the container
PROGRAMS = [workload.program("short_life"), container_work.host_program(), workload.program("nested_static")]


# It enters the mounts of a container, without a program of those, and calls what the container does not; for as
# long as somebody reads.
ENTERING = """
import ctypes, os, signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
space = os.open(f"/proc/{sys.argv[1]}/ns/mnt", os.O_RDONLY)
if ctypes.CDLL(None, use_errno=True).setns(space, 0):
    sys.exit(1)
while True:
    os.getpgrp(), os.geteuid(), os.write(1, b"\\n"), ctypes.CDLL(None).usleep(1000)
"""


def check(engine):
    """One container."""
    out = os.path.join(SCRATCH, f"{engine.name}.rec.json")
    container = engine.create("created", [hooked.SHORT_LIFE])
    recorder = subprocess.Popen(
        [workload.SYSCLAMP, "record", "-q", "--container", container.id, "-o", out],
        stderr=subprocess.PIPE, text=True, env=workload.ENVIRON)
    said = recorder.stderr.readline()
    result = container.go()
    status = container.wait()
    tap.equal((result.returncode, status, recorder.wait(workload.DEADLINE_S)),
              (0, hooked.SHORT_LIFE_STATUS, 0), f"{engine.name}: it is recorded until it ends", said,
              recorder.stderr.read())
    recorder.stderr.close()
    seen = hooked.recorded(out)
    tap.equal((hooked.counts(seen), seen.json["phases"], seen.complete),
              (hooked.SHORT_LIFE_CALLS, ["start"], True),
              f"{engine.name}: all that its program calls is there, and nothing of the runtime's")


def check_stacks(engine):
    """With the functions that call: of a program that is in the container's mounts only."""
    out = os.path.join(SCRATCH, f"{engine.name}-stacks.rec.json")
    container = engine.create("stacks", [NESTED])
    recorder = subprocess.Popen(
        [workload.SYSCLAMP, "record", "-q", "--stacks", "--container", container.id, "-o", out],
        stderr=subprocess.PIPE, text=True, env=workload.ENVIRON)
    recorder.stderr.readline()
    container.go()
    container.wait()
    recorder.wait(workload.DEADLINE_S)
    recorder.stderr.close()
    origins = [each for each in hooked.recorded(out).json["origins"] if each["name"] == "getppid"]
    tap.equal([[frame.rpartition("+")[0] for frame in each["stack"][:4]] for each in origins],
              [[f"{NESTED}!{name}" for name in ("getppid", "nested_inner", "nested_middle", "nested_outer")]],
              f"{engine.name}: functions of a program in a container", origins)


def check_late(engine):
    """A runtime removes the sign that a container is yet to start some time after it has started it."""
    out, place = os.path.join(SCRATCH, f"{engine.name}-late.rec.json"), os.path.join(SCRATCH, f"{engine.name}-late")
    work = container_work.Work(place, "a", 20)
    container = engine.start("late", work.argv(), binds=[(place, container_work.FIFOS)])
    work.ready()
    os.mkfifo(os.path.join("/run", engine.name, "late", "exec.fifo"))
    entering = subprocess.Popen([sys.executable, "-c", ENTERING, str(container.pid)], stdout=subprocess.PIPE)
    entering.stdout.readline()
    recorder = subprocess.Popen(
        [workload.SYSCLAMP, "record", "-q", "--container", container.id, "-o", out],
        stderr=subprocess.PIPE, text=True, env=workload.ENVIRON)
    said = recorder.stderr.readline()
    for step in work.go, work.done, work.go:
        step()
    container.wait()
    status, seen = recorder.wait(workload.DEADLINE_S), hooked.recorded(out)
    tap.equal((status, container_work.by_name(seen), seen.complete), (0, work.counts, True),
              f"{engine.name}: one that runs although it looks as if it did not yet is recorded", said,
              recorder.stderr.read())
    for pipe in recorder.stderr, entering.stdout:
        pipe.close()
    entering.wait()
    work.close()


def main():
    """With each runtime."""
    ebpf.need("a container that was created")
    for name in ("runc", "crun"):
        engine = container_engines.engine_or_skip(name, SCRATCH, PROGRAMS)
        if engine:
            with engine:
                check(engine)
                check_late(engine)
                check_stacks(engine)
    tap.done()


if __name__ == "__main__":
    main()
