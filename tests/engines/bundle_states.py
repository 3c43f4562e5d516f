#!/usr/bin/python3
"""What a command in a bundle finds, under `sysclamp run --bundle` and under runc: the same, but for what
docs/bundles.md lists with its reason.

The bundles are those that runc, crun and umoci write, unchanged but for the command, and the same with
one thing more.
"""
import collections
import json
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
workload.share(SCRATCH)
NOBODY = 65534
DENY = {"names": ["sched_yield"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}
DOCUMENT = "docs/bundles.md"

# Another thing in the bundle: its name, and what it changes in config.json.
CHANGES = [
    ("as it is", {}),
    ("a filter", {"linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                                    "syscalls": [DENY]}}),
    ("another user", {"process.user": {"uid": 1000, "gid": 100, "umask": 0o27, "additionalGids": [5, 7]}}),
    ("privileges may grow", {"process.noNewPrivileges": False}),
    ("a filter, and privileges may grow", {
        "process.noNewPrivileges": False,
        "linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [DENY]}}),
    ("limits", {"process.rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 1024},
                                    {"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]}),
    ("a directory to begin in", {"process.cwd": "/proc"}),
    ("no environment", {"process.env": []}),
    ("oom score", {"process.oomScoreAdj": 500}),
    ("names", {"hostname": "box", "domainname": "example"}),
    ("a root to write to", {"root.readonly": False}),
    ("no masks", {"linux.maskedPaths": [], "linux.readonlyPaths": []}),
    ("a tmpfs on a directory", {"mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
        {"destination": "/closed", "type": "tmpfs", "source": "tmpfs", "options": ["nodev"]}],
        "process.args": ["/held_state", "all", "/closed"]}),
    ("sysctl", {"linux.sysctl": {"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1"}}),
    ("inheritable capabilities", {"process.capabilities": {
        kind: ["CAP_CHOWN", "CAP_NET_BIND_SERVICE"]
        for kind in ("bounding", "permitted", "effective", "inheritable", "ambient")}}),
    ("another user, with ambient capabilities", {"process.user": {"uid": 1000, "gid": 100}, "process.capabilities": {
        kind: ["CAP_CHOWN", "CAP_NET_BIND_SERVICE"]
        for kind in ("bounding", "permitted", "effective", "inheritable", "ambient")}}),
]
NOT_FOR_ALL = ("another user", "another user, with ambient capabilities", "sysctl")  # a map of one id has no other


def put_change(config, path, value):
    """Set config.a.b to a value."""
    *way, last = path.split(".")
    for key in way:
        config = config[key]
    config[last] = value


class Bundle:
    """A directory with config.json and a root file system."""

    def __init__(self, name, spec, user=None):
        self.name, self.user = name, user
        self.place = os.path.join(SCRATCH, name)
        self.state = os.path.join(SCRATCH, f"{name}.state")
        os.makedirs(os.path.join(self.place, "rootfs"))
        os.mkdir(self.state)
        shutil.copy(workload.program("held_state"), os.path.join(self.place, "rootfs"))
        os.mkdir(os.path.join(self.place, "rootfs", "closed"), 0o711)
        if user:
            for path in (self.place, self.state, os.path.join(self.place, "rootfs")):
                os.chown(path, user, user)
        self.call(spec)
        with open(os.path.join(self.place, "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)

    def call(self, command):
        """Its output, run in the bundle, as the bundle's user."""
        command = ["env", "--ignore-signal=HUP,PIPE", *command]  # neither is the bundle's
        if self.user:
            command = workload.as_user(command, self.user)
        return workload.run(command, cwd=self.place, env={"XDG_RUNTIME_DIR": self.state, "HOME": self.state})

    def change(self, changes):
        """Write config.json anew."""
        config = json.loads(json.dumps(self.config))
        config["process"].update({"terminal": False, "args": ["/held_state", "all"]})
        for path, value in changes.items():
            put_change(config, path, value)
        with open(os.path.join(self.place, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)

    def compare(self, name, changes, known):
        """A bundle under both."""
        self.change(changes)
        theirs = self.call(["runc", "--root", self.state, "run", f"sysclamp-test-{os.getpid()}"])
        ours = self.call([workload.SYSCLAMP, "run", "--bundle", self.place])
        if theirs.returncode:
            tap.ok(False, f"{self.name}, {name}: runc", theirs.stderr.decode())
            return
        tap.ok(ours.returncode == 0 and not differences(lines(theirs), lines(ours), known),
               f"{self.name}, {name}: what runc gives", ours.returncode, ours.stderr.decode(),
               *differences(lines(theirs), lines(ours), known))


def lines(result):
    """What was found; how often each."""
    return collections.Counter(result.stdout.decode().split("\n")[:-1])


def differences(theirs, ours, known):
    """The lines that one of them alone has and that are not documented."""
    return [f"{side}: {line}" for side, more in (("runc", theirs - ours), ("here", ours - theirs))
            for line in sorted(more) if not any(side == who and re.fullmatch(pattern, line) for who, pattern in known)]


def documented():
    """The table of differences: who has the line, and the line, with * for anything."""
    with open(DOCUMENT, encoding="utf-8") as file:
        rows = re.findall(r"^\| (runc|here) \| `([^`]+)` \|[^|]*\|$", file.read(), re.MULTILINE)
    return [(who, re.escape(line).replace(r"\*", ".*")) for who, line in rows]


def umoci(place):
    """A bundle that umoci unpacks, of an image with nothing in it."""
    image = os.path.join(SCRATCH, "image")
    for command in (["init", "--layout", image], ["new", "--image", f"{image}:none"],
                    ["unpack", "--image", f"{image}:none", os.path.join(SCRATCH, "unpacked")]):
        subprocess.run(["umoci", *command], check=True, capture_output=True)
    return ["cp", os.path.join(SCRATCH, "unpacked", "config.json"), place]


def main():
    """Each bundle, each change."""
    if os.geteuid() != 0:
        tap.skip("root", "bundles", "runc needs root for most of them")
        tap.done()
    if not shutil.which("runc"):
        tap.skip("engines", "bundles", "no runc")
        tap.done()
    known = documented()
    specs = [("runc-spec", ["runc", "spec"], None), ("runc-rootless", ["runc", "spec", "--rootless"], NOBODY)]
    if shutil.which("crun"):
        specs += [("crun-spec", ["crun", "spec"], None)]
    if shutil.which("umoci"):
        specs += [("umoci", umoci("."), None)]
    for name, spec, user in specs:
        bundle = Bundle(name, spec, user)
        for change, paths in CHANGES:
            if not user or change not in NOT_FOR_ALL:
                bundle.compare(change, paths, known)
    tap.done()


main()
