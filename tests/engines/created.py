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
import ebpf  # noqa: E402
import hooked  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()


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


def main():
    """With each runtime."""
    ebpf.need("a container that was created")
    for name in ("runc", "crun"):
        engine = container_engines.engine_or_skip(name, SCRATCH, [workload.program("short_life")])
        if engine:
            with engine:
                check(engine)
    tap.done()


if __name__ == "__main__":
    main()
