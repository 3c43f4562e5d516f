#!/usr/bin/python3
"""As many containers as a node has: how long it takes the recorder to find them, how much memory it needs in
all, and that it does nothing where nothing happens; and more than there is room for.

Other containers of this host are recorded as well, and no matter here.
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
# What is printed is the measure, on a quiet host; on a busy one the same work costs several times that.
IDLE_S, IDLE_SHARE, IDLE_SHARE_MAX, IDLE_TRIES = 20, 0.005, 0.05, 3
ROOM = 576
CROWDED = "sysclamp record: more than 576 containers at a time"
ATTACH_MAX_S = 5
YIELD = ("x86_64", 24)


class Crowd:
    """tests/programs/many_spaces.c, all of it there."""

    def __init__(self, number, first=1):
        self.cgroup = f"{node_recorder.unified()}{container_engines.base.CGROUP}-{first}"
        self._ids = [f"{ident:064x}" for ident in range(first, first + number)]
        os.mkdir(self.cgroup)
        self._process = subprocess.Popen(
            [workload.program("many_spaces"), self.cgroup, str(number), str(first)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=workload.ENVIRON)
        if self._process.stdout.readline() != b"ready\n":
            raise ChildProcessError("many_spaces did not begin")

    def work(self):
        """Each makes one call."""
        os.write(self._process.stdin.fileno(), b"g")

    def files(self, directory):
        """The files of those who have one."""
        paths = [f"{directory}/{ident}{node_recorder.SUFFIX}" for ident in self._ids]
        return [path for path in paths if os.path.exists(path)]

    def counts(self, directory):
        """How often they made their call, by the files."""
        return [workload.Recording(path).calls.get(YIELD) for path in self.files(directory)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is not None:
            return
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)
        tap.wait_until(lambda: ebpf.removed(self.cgroup), "the cgroup is empty")


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
    if os.environ.get("SANITIZE"):
        tap.skip("memory", f"{when}: memory is within {MEMORY_MAX_KIB} KiB", "a sanitizer takes more")
        return
    tap.ok(rss + kernel <= MEMORY_MAX_KIB, f"{when}: memory is within {MEMORY_MAX_KIB} KiB", rss, kernel)


def written(directory):
    """What is written when something happens in any container; what has another name first may be gone."""
    return {(entry.name, entry.stat().st_mtime_ns) for entry in os.scandir(directory)
            if entry.name.endswith(node_recorder.SUFFIX)}


def check_idle(recorder):
    """What it does when nothing happens; in other containers neither, which are not ours to stop."""
    for _ in range(IDLE_TRIES):
        before, files = recorder.cpu_s(), written(recorder.directory)
        threading.Event().wait(IDLE_S)
        share, others = (recorder.cpu_s() - before) / IDLE_S, len(written(recorder.directory) ^ files)
        print(f"# {share * 100:.2f} % of a CPU in {IDLE_S} s, in which {others} files changed")
        if share < IDLE_SHARE:
            break
    if share >= IDLE_SHARE_MAX and others:
        tap.skip("quiet", "it does nothing when nothing happens", "other containers come and go")
    else:
        tap.ok(share < IDLE_SHARE_MAX, "it does nothing when nothing happens", share)


def check_many():
    """As many as there are to be."""
    directory = os.path.join(SCRATCH, "node")
    with Crowd(CONTAINERS) as crowd:
        recorder = node_recorder.NodeRecorder(directory, "-q", "--interval", "1s")
        print(f"# {CONTAINERS} containers in {recorder.attach_s * 1000:.0f} ms")
        tap.ok(recorder.attach_s < ATTACH_MAX_S, f"it attaches to {CONTAINERS} containers in good time")
        check_memory(recorder, "all found")
        crowd.work()
        tap.wait_until(lambda: crowd.counts(directory) == [1] * CONTAINERS, "all calls are in the files")
        check_memory(recorder, "all recorded")
        check_idle(recorder)
        status = recorder.end()
        if CROWDED in recorder.said():
            tap.skip("quiet", "it ends as it should", "other containers have taken the rest of the room")
        else:
            tap.equal(status, 0, "it ends as it should", recorder.said())
    tap.equal(crowd.counts(directory), [1] * CONTAINERS, "each file has what its container called")


def check_crowded():
    """More than there is room for: it is told, and what is recorded is recorded well."""
    directory = os.path.join(SCRATCH, "crowded")
    with Crowd(ROOM - 100) as first, Crowd(200, ROOM) as second:
        recorder = node_recorder.NodeRecorder(directory, "-q", "--interval", "1s")
        tap.wait_until(lambda: CROWDED in recorder.said(), "it is told that there is no room")
        tap.equal(recorder.said().count(CROWDED), 1, "it is told once that there is no room", recorder.said())
        tap.wait_until(lambda: len(first.files(directory)) > ROOM / 2, "there are files")
        first.work()
        second.work()
        tap.wait_until(lambda: set(first.counts(directory)) == {1}, "what is recorded is in the files")
        recorded = len(first.files(directory) + second.files(directory))
        tap.ok(recorded <= ROOM, f"there is room for {recorded} containers of these")
        first.__exit__()
        tap.wait_until(lambda: len(second.files(directory)) == 200, "the others are recorded when there is room")
        second.work()
        tap.wait_until(lambda: set(second.counts(directory)) == {1, 2}, "what they call from then on is there")
        tap.equal(recorder.end(), 1, "its exit status says so in the end", recorder.said())
    ended = [workload.Recording(path) for path in first.files(directory)]
    tap.equal([each.json["loss"] for each in ended if not each.complete], [],
              f"the recordings of the {len(ended)} that had room are complete")


def main():
    """All."""
    for need, why in [("root", container_engines.lack()), ("bpf", ebpf.lack())]:
        if why:
            tap.skip(need, "many containers", why)
            tap.done()
    container_engines.base.private_mounts()
    kernel = ebpf.Kernel()
    check_many()
    check_crowded()
    kernel.check("many containers")
    tap.done()


main()
