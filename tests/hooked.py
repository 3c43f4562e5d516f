"""What the tests of `sysclamp hook` share: engines that call it, and the recorder that it leaves.

The hook file is the one that is installed, deploy/oci-hooks/sysclamp.json, with another path.
"""
import contextlib
import json
import os

import container_engines
import ebpf
import tap
import workload

HOOK_FILE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                         "deploy/oci-hooks/sysclamp.json")
RECORD, PROFILE = "dev.sysclamp.record", "io.containers.trace-syscall"
# Without these sysclamp can record nothing with eBPF.
UNABLE = ["/usr/bin/setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin", workload.SYSCLAMP, "hook"]

SHORT_LIFE = "/short_life"  # tests/programs/short_life.c, in a container
SHORT_LIFE_STATUS = 7
SHORT_LIFE_CALLS = {"execve": 1, "sched_get_priority_max": 1, "getpgid": 10, "nanosleep": 1,
                    "sched_rr_get_interval": 1, "exit_group": 1}


def need():
    """End the test with a skip where containers or eBPF cannot be had."""
    for what, why in [("root", container_engines.lack()), ("bpf", ebpf.lack())]:
        if why:
            tap.skip(what, "sysclamp hook", why)
            tap.done()


def engine_or_skip(name, directory, programs):
    """An engine whose containers call the hook, or None and a skip."""
    engine = container_engines.engine_or_skip(name, directory, programs)
    if engine:
        with open(HOOK_FILE, encoding="ascii") as file:
            engine.hook_file = json.load(file)
        engine.hook = {"path": workload.SYSCLAMP, "args": engine.hook_file["hook"]["args"]}
    return engine


def recorders():
    """The pids of the recorders that this test has started and that run."""
    found = []
    for pid in tap.descendants():
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/exe") == os.path.realpath(workload.SYSCLAMP):
                found.append(pid)
    return found


def recorded(path):
    """The recording at a path, when the recorder has ended."""
    tap.wait_until(lambda: not recorders(), "the recorder ends with its container")
    return workload.Recording(path)


def counts(seen):
    """How often each call was made, by name."""
    return {seen.names.get(key, key): count for key, count in seen.calls.items()}


def write_default_profile(path):
    """podman's default profile as an OCI runtime reads it."""
    result = workload.sysclamp("convert", "--flatten", "--caps", "podman", "-o", path,
                               "/usr/share/containers/seccomp.json")
    if result.returncode:
        raise container_engines.Failed(result.stderr.decode())
    return path
