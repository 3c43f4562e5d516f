#!/usr/bin/python3
"""As many containers as a node has, and more: how long it takes the recorder to find them, how much memory
it needs in all, and that it does nothing where nothing happens.
"""
import json
import os
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import container_engines  # noqa: E402
import container_engines.base  # noqa: E402
import ebpf  # noqa: E402
import node_recorder  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
CONTAINERS = 500
MEMORY_MAX_KIB = 32 * 1024
IDLE_S, IDLE_SHARE_MAX = 20, 0.005
ATTACH_MAX_S = 5
YIELD = ("x86_64", 24)


class Crowd:
    """tests/programs/many_spaces.c, all of it there."""

    def __init__(self, name, number):
        self.cgroup = f"{unified()}{container_engines.base.CGROUP}-{name}"
        os.mkdir(self.cgroup)
        self._process = subprocess.Popen([workload.program("many_spaces"), self.cgroup, str(number)],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=workload.ENVIRON)
        if self._process.stdout.readline() != b"ready\n":
            raise ChildProcessError("many_spaces did not begin")

    def work(self):
        """Each makes one call."""
        os.write(self._process.stdin.fileno(), b"g")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)
        tap.wait_until(lambda: ebpf.removed(self.cgroup), "the cgroup is empty")


def unified():
    """Where version 2 of cgroups is mounted."""
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        return next(line.split()[1] for line in file if line.split()[2] == "cgroup2")


def held_maps(pid):
    """The maps of a process: (id, whether it has mapped them, KiB of memory that the kernel holds)."""
    maps = {number for kind, number in ebpf.held_by(pid) if kind == "map"}
    found = []
    for entry in json.loads(subprocess.run([ebpf.BPFTOOL, "-j", "map", "list"], capture_output=True,
                                           check=True).stdout):
        if entry["id"] in maps:
            flags = entry.get("flags", 0)
            mapped = bool(flags & 0x400) or entry["type"] == "ringbuf"  # BPF_F_MMAPABLE
            found.append((entry.get("name"), mapped, entry.get("bytes_memlock", 0) // 1024))
    return found


def check_memory(recorder, when):
    """What it needs in all."""
    maps = held_maps(recorder.pid)
    kernel = sum(kib for _, mapped, kib in maps if not mapped)
    rss = recorder.rss_kib()
    print(f"# {when}: {rss} KiB, and {kernel} KiB in the kernel")
    for name, mapped, kib in sorted(maps, key=lambda row: -row[2]):
        print(f"#   {name}: {kib} KiB{', mapped' if mapped else ''}")
    tap.ok(rss + kernel <= MEMORY_MAX_KIB, f"{when}: memory is within {MEMORY_MAX_KIB} KiB", rss, kernel)


def counts(directory):
    """How often the containers of the crowd made their call, by the files: others are none of ours."""
    paths = [f"{directory}/{number:064x}{node_recorder.SUFFIX}" for number in range(1, CONTAINERS + 1)]
    return [workload.Recording(path).calls.get(YIELD) for path in paths]


def check_idle(recorder):
    """What it does when nothing happens."""
    before = recorder.cpu_s()
    threading.Event().wait(IDLE_S)
    share = (recorder.cpu_s() - before) / IDLE_S
    print(f"# {share * 100:.2f} % of a CPU when nothing happens")
    tap.ok(share < IDLE_SHARE_MAX, f"it does nothing when nothing happens, for {IDLE_S} s", share)


def check():
    """One recorder."""
    directory = os.path.join(SCRATCH, "node")
    with Crowd("many", CONTAINERS) as crowd:
        recorder = node_recorder.NodeRecorder(directory, "-q", "--interval", "1s")
        print(f"# {CONTAINERS} containers in {recorder.attach_s * 1000:.0f} ms")
        tap.ok(recorder.attach_s < ATTACH_MAX_S, f"it attaches to {CONTAINERS} containers in good time")
        check_memory(recorder, "all found")
        crowd.work()
        tap.wait_until(lambda: counts(directory) == [1] * CONTAINERS, "all calls are in the files")
        check_memory(recorder, "all recorded")
        check_idle(recorder)
        tap.equal(recorder.end(), 0, "it ends as it should", recorder.said())
    tap.equal(counts(directory), [1] * CONTAINERS, "each file has what its container called")


def main():
    """All."""
    for need, why in [("root", container_engines.lack()), ("bpf", ebpf.lack())]:
        if why:
            tap.skip(need, "many containers", why)
            tap.done()
    container_engines.base.private_mounts()
    kernel = ebpf.Kernel()
    check()
    kernel.check("many containers")
    tap.done()


main()
