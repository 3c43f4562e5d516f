#!/usr/bin/python3
"""Bundles as runc, crun and umoci make them are run: what the command finds, hooks, the terminal, devices."""
import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import pseudo_terminal  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402
from container_engines import images  # noqa: E402

USER = 65534
APPLETS = ["cat", "grep", "id", "mknod", "sh", "stty", "tty"]
MAKERS = [
    # program, commands in an empty directory that make the bundle b, whether it is for a user
    ("runc", "mkdir b && runc spec --bundle b", False),
    ("runc", "mkdir b && runc spec --rootless --bundle b", True),
    ("crun", "mkdir b && cd b && crun spec", False),
    ("crun", "mkdir b && cd b && crun spec --rootless", True),
    ("umoci", "umoci init --layout i && umoci new --image i:a && umoci unpack --image i:a b", False),
    ("umoci", "umoci init --layout i && umoci new --image i:a && umoci unpack --rootless --image i:a b", True),
]
LOOK = """tty; stty size; id -u; cat /proc/sys/kernel/hostname; grep -c . /proc/self/uid_map
grep -E '^(CapEff|NoNewPrivs)' /proc/self/status; echo $$; exit 5"""


def config_of(bundle):
    """The parsed config.json."""
    with open(os.path.join(bundle, "config.json"), encoding="utf-8") as file:
        return json.load(file)


def change(bundle, script, **more):
    """Have the bundle run a script of sh; @more replaces members of the outermost object."""
    config = config_of(bundle)
    config.update(more)
    config["process"]["args"] = ["sh", "-c", script]
    with open(os.path.join(bundle, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    return config


def run(bundle, uid=None):
    """sysclamp run --bundle, as a user or not; its output without carriage returns."""
    argv = [workload.SYSCLAMP, "run", "--bundle", bundle]
    if uid is not None:
        argv = workload.as_user(argv, uid)
    result = workload.run(argv)
    return result.returncode, result.stdout.decode().replace("\r", ""), result.stderr.decode()


def make(directory, commands):
    """The bundle that commands make in a directory of their own, with a root of busybox."""
    os.mkdir(directory)
    subprocess.run(["sh", "-c", commands], cwd=directory, check=True, capture_output=True)
    bundle = os.path.join(directory, "b")
    root = os.path.join(bundle, "rootfs")
    shutil.rmtree(root, ignore_errors=True)
    images.make_rootfs(root, [])
    for name in APPLETS:
        if not os.path.lexists(os.path.join(root, "bin", name)):
            os.symlink("busybox", os.path.join(root, "bin", name))
    return bundle


def for_user(bundle):
    """The same bundle as the user would have made it: its maps name who made it."""
    config = config_of(bundle)
    for kind in ("uidMappings", "gidMappings"):
        for row in config["linux"].get(kind, []):
            row["hostID"] = USER
    with open(os.path.join(bundle, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    subprocess.run(["chown", "-R", f"{USER}:{USER}", bundle], check=True)


def check_makers(scratch):
    """Each bundle as it is, but for what it runs."""
    for number, (program, commands, rootless) in enumerate(MAKERS):
        if not shutil.which(program):
            tap.skip("engines", commands, f"{program} is not there")
            continue
        bundle = make(os.path.join(scratch, str(number)), commands)
        config = change(bundle, LOOK)
        if rootless:
            for_user(bundle)
        status, out, err = run(bundle, USER if rootless else None)
        want = ["/dev/pts/0", "24 80", "0", config["hostname"], "1", "NoNewPrivs:\t1", "CapEff:\t0000000020000420", "1"]
        tap.equal((status, sorted(out.split("\n")[:-1])), (5, sorted(want)), commands, err)


def check_hooks(bundle):
    """All of them, in their order, with the state."""
    times = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
    tell = 'while read line; do case $line in *status*) status=$line;; esac; done; echo "$0 $status" >&2'
    hooks = {when: [{"path": "/bin/sh", "args": ["sh", "-c", tell, when], "env": ["PATH=/bin"]}] for when in times}
    process = config_of(bundle)["process"] | {"terminal": False}  # startContainer's output is the command's
    change(bundle, "exit 0", hooks=hooks, process=process)
    status, out, err = run(bundle)
    told = [line.replace('"status": ', "").strip(",") for line in err.split("\n") if '"status"' in line]
    tap.equal((status, told), (0, [
        'prestart "creating"', 'createRuntime "creating"', 'createContainer "creating"', 'startContainer "created"',
        'poststart "running"', 'poststop "stopped"']), "hooks run in their order", out, err)
    for when in times[:5]:
        change(bundle, "echo ran", hooks={when: [{"path": "/bin/sh", "args": ["sh", "-c", "exit 9"]}]})
        status, out, err = run(bundle)
        tap.ok(status == 125 and f"$.hooks.{when}[0]: /bin/sh: ended with status 9" in err and
               (when == "poststart" or "ran" not in out), f"a {when} hook that fails is the end", status, out, err)
    change(bundle, "exit 3", hooks={}, process=process | {"terminal": True})


def check_devices(bundle):
    """A device node in the root does not work, those in /dev do."""
    node = os.path.join(bundle, "rootfs/null")
    os.mknod(node, 0o666 | 0o020000, os.makedev(1, 3))
    change(bundle, "cat /null; echo $?; cat /dev/null; echo $?; mknod /dev/x c 1 3 2>/dev/null; echo $?")
    status, out, err = run(bundle)
    tap.ok(status == 0 and out.split("\n")[0].endswith("Permission denied") and
           out.split("\n")[1:4] == ["1", "0", "1"], "devices work in /dev only, and none is made", out, err)
    os.unlink(node)


def check_terminal(bundle):
    """Typed at, resized and interrupted."""
    change(bundle, "stty size; trap 'echo interrupted' INT; trap 'stty size' WINCH; echo ready; "
                   "while [ \"$x\" != quit ]; do read x && echo got $x; done; exit 6")
    term = pseudo_terminal.Terminal([workload.SYSCLAMP, "run", "--bundle", bundle], size=(30, 90))
    term.expect("30 90\r\n")
    term.expect("ready\r\n")
    term.type("hello\r")
    tap.ok(term.expect("hello\r\ngot hello\r\n"), "typed once, echoed once")
    term.resize(31, 91)
    tap.ok(term.expect("31 91\r\n"), "a change of size is passed on")
    term.type("\x03")
    tap.ok(term.expect("interrupted"), "^C interrupts inside")
    term.type("quit\r")
    tap.equal(term.wait(), 6, "the command's status")


def main():
    """All of it, as root."""
    if os.geteuid() != 0:
        tap.skip("root", "bundles", "needs root")
        return
    if not os.access(images.BUSYBOX, os.X_OK):
        tap.skip("engines", "bundles", "no static busybox")
        return
    scratch = tap.scratch()
    workload.SYSCLAMP = shutil.copy(workload.SYSCLAMP, scratch)  # where an ordinary user can reach it
    check_makers(scratch)
    if shutil.which("runc"):
        bundle = make(os.path.join(scratch, "one"), MAKERS[0][1])
        check_hooks(bundle)
        check_devices(bundle)
        check_terminal(bundle)


main()
tap.done()
