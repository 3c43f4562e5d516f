#!/usr/bin/python3
"""Every system call and every allocation of a launch fails once: tests/launch_faults.py."""
import json
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
workload.share(SCRATCH)
import launch_faults  # noqa: E402  (it takes the programs from where they are now)

PROFILE = os.path.join(SCRATCH, "profile.json")
RULES = [{"names": ["sched_yield"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95},
         {"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]
NOBODY = 65534
CAGE = ["--pid=private", "--private-proc", "--private-dev", "--net=none", "--hostname=box", "--read-only",
        "--cap-drop=all", "--umask=027", "--ulimit=core=0", "--landlock=rx:/", "--landlock-tcp=connect:80",
        "--mask-path=/proc/kcore", "--tmpfs=/mnt"]


def mounts():
    """The host's."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return file.read()


def bundle(user):
    """What runc spec writes, with the workload in it and a filter."""
    place = os.path.join(SCRATCH, f"bundle-{user}")
    os.makedirs(os.path.join(place, "rootfs"))
    workload_inside = shutil.copy(launch_faults.WORKLOAD, os.path.join(place, "rootfs"))
    with open(os.path.join(place, "config.json"), "w", encoding="ascii") as file:
        json.dump(config(user), file)
    if user:
        for path in (place, os.path.join(place, "rootfs"), os.path.join(place, "config.json")):
            os.chown(path, user, user)
    return ["--bundle", place], workload_inside


def config(user):
    """A bundle's description, with something of everything."""
    spaces = ["pid", "network", "ipc", "uts", "mount"] + (["user"] if user else [])
    own = [{"containerID": 0, "hostID": user or 0, "size": 1}]
    capabilities = ["CAP_KILL", "CAP_NET_BIND_SERVICE"]
    return {
        "ociVersion": "1.0.2", "hostname": "box",
        "process": {
            "user": {"uid": 0, "gid": 0}, "args": ["/held_state", "all"], "env": ["PATH=/"], "cwd": "/",
            "noNewPrivileges": True, "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 512, "soft": 512}],
            "capabilities": {kind: capabilities for kind in
                             ("bounding", "effective", "permitted", "inheritable", "ambient")}},
        "root": {"path": "rootfs", "readonly": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance"]},
            {"destination": "/data", "type": "bind", "source": SCRATCH, "options": ["rbind", "ro"]}],
        "linux": {
            "namespaces": [{"type": kind} for kind in spaces],
            **({"uidMappings": own, "gidMappings": own} if user else {}),
            "sysctl": {"net.ipv4.ip_forward": "1"},
            "maskedPaths": ["/proc/kcore", "/proc/acpi"], "readonlyPaths": ["/proc/sys"],
            "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": RULES}}}


def launches(user):
    """Each kind: a name, the options, and the file that is executed in the end."""
    alone = launch_faults.WORKLOAD
    space = ["--userns=private"] if user else []
    yield "plain", ["-p", PROFILE, "--", alone], alone
    yield "in a cage of options", ["-p", PROFILE, *space, *CAGE, "--", alone, "all"], alone
    yield "in a bundle", *bundle(user)


def main():
    """Each launch, with each fault."""
    with open(PROFILE, "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": RULES}, file)
    before = mounts()
    for user in (None, NOBODY) if os.geteuid() == 0 else (None,):
        for name, options, executed in launches(user):
            launch_faults.Launch(f"{name}, {'an ordinary user' if user else 'the caller'}", options, executed,
                                 user).check()
    tap.equal(mounts(), before, "no mount is left")
    tap.done()


main()
