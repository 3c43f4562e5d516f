#!/usr/bin/python3
"""
What starting a command costs, beside OCI runtimes with the same profile: a static program that does nothing, bare,
under sysclamp run, and in a container of crun and of runc that has as little as these set up by themselves.
Elapsed time, and the processor time of all processes; the median of five rounds, interleaved.  TSV on standard output.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import ways

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from container_engines import base, bundles, images, lack  # noqa: E402

PROFILE = "profiles/runtime-default.json"
ROUNDS, LAUNCHES = 5, 20
METRICS = ("elapsed", "processor time")
RUN = "run"


def launch(argv):
    """Microseconds of one start: elapsed, and used by all that it took."""
    started = time.monotonic()
    pid = os.posix_spawnp(argv[0], argv, os.environ)
    _, status, used = os.wait4(pid, 0)
    elapsed = time.monotonic() - started
    if status:
        raise base.Failed(f"{' '.join(argv)}: {status:#x}")
    return elapsed * 1e6, (used.ru_utime + used.ru_stime) * 1e6


def launches(argv):
    """The means of some."""
    return [statistics.mean(values) for values in zip(*(launch(argv) for _ in range(LAUNCHES)))]


def container(kind, image):
    """The command line that starts a container of the program, under the profile."""
    engine = kind(os.path.dirname(os.path.dirname(image.rootfs)), image)
    engine.seccomp = PROFILE
    name = f"sysclamp-bench-{os.getpid()}"
    argv = [f"/{os.path.basename(ways.TRUE)}"]
    bundle = engine._bundle(name, engine._config(argv, [], None, True))  # noqa: SLF001
    return [engine.programs[0], *engine.options, "run", "--bundle", bundle, name]


def containers(directory):
    """A command line for each runtime that can be had."""
    found = {}
    why = lack()
    if not why:
        base.private_mounts()
        # As of bundles.NO_UNIFIED, but once for all.
        subprocess.run(["umount", "/sys/fs/cgroup/unified"], stderr=subprocess.DEVNULL, check=False)
        image = images.Image(os.path.join(directory, "image"), (ways.TRUE,))
    for kind in (bundles.Crun, bundles.Runc):
        try:
            if why:
                raise base.Absent(why)
            argv = container(kind, image)
            launch(argv)
            found[kind.name] = argv
        except (base.Absent, base.Failed) as absent:
            print(f"{kind.name}\tlaunch of a static true\t-\t{' '.join(str(absent).split())}\t-", flush=True)
    return found


def main():
    profile = ["-p", PROFILE, "--"]
    with tempfile.TemporaryDirectory(prefix="sysclamp-bench.") as directory:
        commands = {ways.BARE: [ways.TRUE], RUN: [ways.SYSCLAMP, "run", *profile, ways.TRUE], **containers(directory)}
        seen = {way: [] for way in commands}
        for _ in range(ROUNDS):
            for way, argv in commands.items():
                seen[way].append(launches(argv))
    for index, metric in enumerate(METRICS):
        middle = {way: statistics.median(sample[index] for sample in samples) for way, samples in seen.items()}
        for way in list(middle)[2:]:
            ways.compare(way, f"launch of a static true, {metric}", "us", middle[way], ways.BARE, middle[ways.BARE])
            ways.compare(RUN, f"launch of a static true, {metric}", "us", middle[RUN], way, middle[way])


sys.exit(main())
