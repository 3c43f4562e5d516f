#!/usr/bin/python3
"""
What starting a command costs, beside OCI runtimes and bubblewrap with the same profile: a static program that does
nothing, bare; under sysclamp run; in the bundle that crun and runc write themselves, which sysclamp run --bundle takes
as it is; and in a cage of options of sysclamp run, and of bubblewrap, with the same namespaces and mounts.  Elapsed time, and the processor time of all processes; the median of five rounds, interleaved.  TSV on standard output.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import ways

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402,F401  (which makes it the one that orphans are given to)
from container_engines import base, bundles, images, lack  # noqa: E402

PROFILE = "profiles/runtime-default.json"
ROUNDS, LAUNCHES = 5, 20
METRICS = ("elapsed", "processor time")
RUN, BUNDLE, CAGE, BWRAP = "run", "run --bundle", "run with a cage", "bubblewrap"
FILTER_FD = 9
CAGE_OPTIONS = ["--userns=private", "--pid=private", "--net=none", "--ipc=private", "--uts=private", "--cgroupns=private",
                "--read-only", "--private-proc", "--private-dev", "--private-tmp"]
BWRAP_OPTIONS = ["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
                 "--seccomp", str(FILTER_FD)]


FILTER = tempfile.NamedTemporaryFile(prefix="sysclamp-bench.")  # pylint: disable=consider-using-with


def launch(argv):
    """Microseconds of one start: elapsed, and used by all that it took."""
    opened = [(os.POSIX_SPAWN_OPEN, FILTER_FD, FILTER.name, os.O_RDONLY, 0),
              (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    started = time.monotonic()
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=opened)
    _, status, used = os.wait4(pid, 0)
    elapsed = time.monotonic() - started
    if status:
        raise base.Failed(f"{' '.join(argv)}: {status:#x}")
    return elapsed * 1e6, (used.ru_utime + used.ru_stime + orphans_used()) * 1e6


def orphans_used():
    """Of what a launcher did not wait for, as bubblewrap and its process 1: it is ours (tap.py)."""
    total = 0
    while True:
        try:
            _, _, used = os.wait4(-1, 0)
        except ChildProcessError:
            return total
        total += used.ru_utime + used.ru_stime


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


def bundle_of(found):
    """sysclamp run with the bundle of one of them."""
    argv = next(iter(found.values()), None)
    return {BUNDLE: [ways.SYSCLAMP, "run", "--bundle", argv[argv.index("--bundle") + 1]]} if argv else {}


def cages(directory):
    """sysclamp run with options, and bubblewrap with the same; the program where their /tmp does not hide it."""
    program = shutil.copy(ways.TRUE, directory)
    found = {CAGE: [ways.SYSCLAMP, "run", "-p", PROFILE, *CAGE_OPTIONS, "--workdir=/", "--", program]}
    subprocess.run([ways.SYSCLAMP, "convert", "--format", "bpf", "-o", FILTER.name, PROFILE], check=True, stderr=subprocess.DEVNULL)
    if shutil.which("bwrap"):
        found[BWRAP] = ["bwrap", *BWRAP_OPTIONS, "--chdir", "/", program]
    else:
        print(f"{BWRAP}\tlaunch of a static true\t-\tnot installed\t-", flush=True)
    return found


def compare(middle, metric):
    """Each to the bare run, and what is ours to theirs."""
    pairs = [(way, ways.BARE) for way in list(middle)[1:]]
    pairs += [(RUN, way) for way in ("crun", "runc")] + [(BUNDLE, way) for way in ("crun", "runc")] + [(CAGE, BWRAP)]
    for way, other in pairs:
        if way in middle and other in middle:
            ways.compare(way, f"launch of a static true, {metric}", "us", middle[way], other, middle[other])


def main():
    profile = ["-p", PROFILE, "--"]
    with tempfile.TemporaryDirectory(prefix="sysclamp-bench.", dir="/var/tmp") as directory:
        commands = {ways.BARE: [ways.TRUE], RUN: [ways.SYSCLAMP, "run", *profile, ways.TRUE], **containers(directory)}
        commands.update(bundle_of({way: argv for way, argv in commands.items() if way in ("crun", "runc")}))
        commands.update(cages(directory))
        seen = {way: [] for way in commands}
        for _ in range(ROUNDS):
            for way, argv in commands.items():
                seen[way].append(launches(argv))
    print(f"load average\t\t{os.getloadavg()[0]:.1f}\t\t", flush=True)
    for index, metric in enumerate(METRICS):
        compare({way: statistics.median(sample[index] for sample in samples) for way, samples in seen.items()}, metric)


sys.exit(main())
