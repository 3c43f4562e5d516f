#!/usr/bin/python3
"""The file systems that a caged command finds: mounts, devices, masks, as root and as an ordinary user.

Each row is a bundle with busybox in its root.  The second half is hostile: what lies outside (the
canary, the host's nodes, mounts, kernel parameters) is as it was, whatever the image holds.
"""
import json
import os
import shutil
import stat
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402

SYSCLAMP = os.environ["SYSCLAMP"]
SCRATCH = tap.scratch()
BUSYBOX = "/usr/bin/busybox"
NOBODY = 65534
AS_USER = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
# How to call it; what is put in front; whether it is in a user namespace.
ROOT, USER = ("root", [], False), ("a user", AS_USER, True)
BOTH = (ROOT, USER)
OUTSIDE = os.path.join(SCRATCH, "outside")
TMPFS = {"type": "tmpfs", "source": "tmpfs"}
PROC = {"destination": "/proc", "type": "proc", "source": "proc"}
DEV = {"destination": "/dev", **TMPFS, "options": ["nosuid", "mode=755"]}

made = 0


def write(path, text, mode=0o644):
    """A file with its directories."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)


class Bundle:
    """A bundle in a directory of its own; `rootfs` may be changed before it runs."""

    def __init__(self, who, *mounts, **linux):
        global made
        made += 1
        self.who, self.dir = who, os.path.join(SCRATCH, f"b{made}")
        self.rootfs = os.path.join(self.dir, "rootfs")
        self.top = {}
        for name in ("bin", "etc", "data"):
            os.makedirs(os.path.join(self.rootfs, name))
        os.link(os.path.join(SCRATCH, "busybox"), os.path.join(self.rootfs, "bin/busybox"))
        kinds = ["pid", "mount", "ipc", "uts", *linux.pop("more", [])]
        self.linux = {"namespaces": [{"type": kind} for kind in kinds], **linux}
        if who[2]:
            self.linux["namespaces"].append({"type": "user"})
            mapping = [{"containerID": 0, "hostID": NOBODY, "size": 1}]
            self.linux.update(uidMappings=mapping, gidMappings=mapping)
        self.mounts = list(mounts)

    def run(self, script="true", front=()):
        """The result of a shell script in it."""
        config = {
            "ociVersion": "1.0.2",
            "root": {"path": "rootfs", **self.top},
            "process": {"args": ["/bin/busybox", "sh", "-c", script], "cwd": "/",
                        "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0},
                        "noNewPrivileges": True},
            "mounts": self.mounts, "linux": self.linux}
        with open(os.path.join(self.dir, "config.json"), "w", encoding="ascii") as file:
            json.dump(config, file)
        if self.who[2]:
            for path, directories, files in os.walk(self.dir):
                for name in [".", *directories, *files]:
                    os.chown(os.path.join(path, name), NOBODY, NOBODY, follow_symlinks=False)
        return subprocess.run([*front, *self.who[1], SYSCLAMP, "run", "--bundle", self.dir],
                              capture_output=True, text=True, timeout=60, check=False,
                              stdin=subprocess.DEVNULL, cwd=SCRATCH)


def snapshot(directory):
    """All that can be seen of a tree."""
    seen = {}
    for path, directories, files in os.walk(directory):
        for name in [".", *directories, *files]:
            st = os.lstat(os.path.join(path, name))
            seen[os.path.join(path, name)] = (st.st_mode, st.st_uid, st.st_gid, st.st_size,
                                              st.st_ctime_ns, st.st_nlink)
    return seen


def mounts_of(text):
    """mountinfo as a dictionary: mount point -> (root, options, optional fields, type, source, of
    the file system)."""
    found = {}
    for line in text.splitlines():
        front, _, back = line.partition(" - ")
        fields, rest = front.split(), back.split()
        if len(fields) > 5 and len(rest) == 3:
            found[fields[4]] = (fields[3], fields[5], " ".join(fields[6:]), *rest)
    return found


SHOW = "busybox cat /proc/self/mountinfo; "
BIND = os.path.join(SCRATCH, "bound")
NSS = ["nosuid", "noexec", "nodev"]
# What is called; who; the mount; the options of the mount, its type; what a script says.
ROWS = [
    ("a tmpfs", BOTH, {**TMPFS, "destination": "/a/b/c",
                       "options": [*NSS, "size=64k", "mode=711"]},
     "rw,nosuid,nodev,noexec,relatime", "tmpfs",
     ("busybox stat -c '%a %u' /a/b/c /a /a/b", "711 0\n755 0\n755 0\n")),
    ("a tmpfs that is read-only", BOTH, {**TMPFS, "destination": "/t", "options": ["ro"]},
     "ro,relatime", "tmpfs", ("busybox touch /t/x 2>&1", "touch: /t/x: Read-only file system\n")),
    ("a tmpfs with what it covers", BOTH,
     {**TMPFS, "destination": "/filled", "options": ["tmpcopyup"]}, "rw,relatime", "tmpfs",
     ("cd /filled; busybox cat d/file; busybox readlink link; busybox stat -c %a d/file;"
      "busybox touch x && echo new", "hello\n../gone\n640\nnew\n")),
    ("the same, read-only", BOTH,
     {**TMPFS, "destination": "/filled", "options": ["tmpcopyup", "ro", "nosuid"]},
     "ro,nosuid,relatime", "tmpfs",
     ("busybox cat /filled/d/file; busybox touch /filled/x 2>&1",
      "hello\ntouch: /filled/x: Read-only file system\n")),
    ("a bind mount, read-only", BOTH,
     {"destination": "/b", "source": BIND, "options": ["rbind", "ro"]}, "ro,relatime", None,
     ("busybox cat /b/file; busybox touch /b/file 2>&1",
      "bound\ntouch: /b/file: Read-only file system\n")),
    ("a bind mount on a file that is missing", BOTH,
     {"destination": "/x/y/file", "source": BIND + "/file", "options": ["bind", "nosuid"]},
     "rw,nosuid,relatime", None, ("busybox cat /x/y/file", "bound\n")),
    ("a bind mount, all of it read-only", BOTH,
     {"destination": "/b", "source": BIND, "options": ["rbind", "rro", "rnoexec"]},
     "ro,noexec,relatime", None, ("", "")),
    ("a bind mount through a link of the image, to what is missing", BOTH,
     {"destination": "/etc/resolv.conf", "source": BIND + "/file", "options": ["bind"]},
     None, None, ("busybox cat /run/stub/resolv.conf", "bound\n")),
    ("devpts", BOTH, {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                      "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666"]},
     "rw,nosuid,noexec,relatime", "devpts", ("busybox ls /dev/pts", "ptmx\n")),
    ("mqueue", BOTH, {"destination": "/q", "type": "mqueue", "source": "mqueue",
                      "options": NSS}, "rw,nosuid,nodev,noexec,relatime", "mqueue",
     ("busybox touch /q/one && busybox ls /q", "one\n")),
    ("sysfs", (ROOT,), {"destination": "/sys", "type": "sysfs", "source": "sysfs",
                        "options": [*NSS, "ro"]}, "ro,nosuid,nodev,noexec,relatime", "sysfs",
     ("busybox ls -d /sys/kernel", "/sys/kernel\n")),
    ("overlay", (ROOT,), {"destination": "/o", "type": "overlay", "source": "overlay",
                          "options": [f"lowerdir={BIND}:{OUTSIDE}"]}, None, "overlay",
     ("busybox cat /o/file", "bound\n")),
    ("proc elsewhere", BOTH, {"destination": "/p", "type": "proc", "source": "proc",
                              "options": ["nosuid", "noexec", "nodev"]},
     "rw,nosuid,nodev,noexec,relatime", "proc", ("busybox cat /p/self/comm", "busybox\n")),
]


def test_row(name, who, mount, options, kind, said):
    """One mount is as it was asked for."""
    bundle = Bundle(who, PROC, DEV, mount)
    os.makedirs(os.path.join(bundle.rootfs, "filled"))
    write(os.path.join(bundle.rootfs, "filled/d/file"), "hello\n")
    os.chmod(os.path.join(bundle.rootfs, "filled/d/file"), 0o640)
    os.symlink("../gone", os.path.join(bundle.rootfs, "filled/link"))
    os.symlink("../run/stub/resolv.conf", os.path.join(bundle.rootfs, "etc/resolv.conf"))
    result = bundle.run(said[0] + "\n" + SHOW)
    name = f"{who[0]}: {name}"
    if not tap.ok(result.stdout.startswith(said[1]) and result.returncode == 0,
                  f"{name}: what is to be seen of it", result.stdout[:400], result.stderr):
        return
    found = mounts_of(result.stdout).get(mount["destination"])
    if options:
        # Bundles without rules for devices get none outside of /dev.
        got = found[1].split(",") if found else []
        got = [word for word in got if word != "nodev" or word in options]
        tap.equal(",".join(got), options, f"{name}: its options", result.stdout)
    if kind:
        tap.equal(found and found[3], kind, f"{name}: its type")


def test_recursion():
    """What is mounted below a source, with and without r."""
    front = ["unshare", "-m", "sh", "-c",
             f'mount -t tmpfs below {BIND}/sub && echo deep >{BIND}/sub/file && exec "$@"', "sh"]
    for options, want in ((["bind"], ""), (["rbind", "ro"], "deep\nwritten\n"),
                          (["rbind", "rro"], "deep\n")):
        bundle = Bundle(ROOT, PROC, {"destination": "/b", "source": BIND, "options": options})
        result = bundle.run("cd /b/sub; busybox cat file; echo x 2>&- >new && echo written", front)
        if options == ["bind"]:
            result.stdout = result.stdout.replace("written\n", "")
        tap.equal(result.stdout, want, f"what is mounted below a source: {options}", result.stderr)
        if os.path.exists(BIND + "/sub/new"):
            os.unlink(BIND + "/sub/new")


# Who; the mount; what is in the root beforehand (path: None for a directory, "->" a link, or a
# file); what the message says.
PLACES = [
    ({**TMPFS, "destination": "/proc"}, {}, "only a file system of type proc"),
    ({"destination": "/proc", "source": BIND, "options": ["bind"]}, {}, "type proc is mounted"),
    ({"destination": "/proc", "source": "/proc/sys", "options": ["rbind"]}, {}, "type proc"),
    ({**TMPFS, "destination": "/proc/sys"}, {}, "is in /proc"),
    ({**TMPFS, "destination": "/proc/self/attr"}, {}, "/proc/self/attr"),
    ({**TMPFS, "destination": "//./proc/fs"}, {}, "is in /proc"),
    ({"destination": "/by/fs", "source": BIND, "options": ["bind"]}, {"by": "->/proc"},
     "is in /proc"),
    ({"destination": "/proc/version", "source": BIND + "/file", "options": ["bind"]}, {},
     "is in /proc"),
    ({"destination": "/p", "type": "proc", "source": "proc"}, {"p": "->/data"}, "symbolic link"),
    ({"destination": "/q/r", "type": "mqueue", "source": "q"}, {"q": "->data"}, "symbolic link"),
    ({**TMPFS, "destination": "/sys/x"}, {"sys": "->data"}, "symbolic link"),
    ({**TMPFS, "destination": "/bin/.."}, {}, "the root itself"),
    ({**TMPFS, "destination": "/r"}, {"r": "->/"}, "the root itself"),
    ({**TMPFS, "destination": "/f"}, {"f": "file"}, "no directory"),
    ({"destination": "/data", "source": BIND + "/file", "options": ["bind"]}, {},
     "is a directory, and the source is none"),
    ({"destination": "/x", "source": "/nonexistent", "options": ["bind"]}, {}, "No such file"),
    ({"destination": "/x", "type": "nonesuch", "source": "x"}, {}, "no file system nonesuch"),
    ({**TMPFS, "destination": "/x", "options": ["size=many"]}, {}, "option size: "),
    ({**TMPFS, "destination": "/x", "options": ["no_option"]}, {}, "no_option"),
]


def place(bundle, holds):
    """Put things into its root."""
    for name, what in holds.items():
        path = os.path.join(bundle.rootfs, name)
        if os.path.lexists(path) and not os.path.islink(path):
            os.rmdir(path)
        if what is None:
            os.makedirs(path)
        elif what.startswith("->"):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(what[2:], path)
        else:
            write(path, what)


def test_refused(who, mount, holds, said):
    """What cannot be mounted ends it, with the mount's name and the reason."""
    bundle = Bundle(who, PROC, mount)
    place(bundle, holds)
    result = bundle.run("echo ran")
    tap.ok(result.returncode == 125 and not result.stdout and said in result.stderr and
           "$.mounts[1]" in result.stderr and result.stderr.count("\n") == 1,
           f"{who[0]}: refused: {mount['destination']} ({said})", result)


def test_replaceable(who):
    """What lxcfs mounts."""
    bundle = Bundle(who, PROC, {"destination": "/proc/uptime", "source": BIND + "/file",
                                "options": ["bind", "ro"]})
    result = bundle.run("busybox cat /proc/uptime")
    tap.equal(result.stdout, "bound\n", f"{who[0]}: /proc/uptime may be replaced", result.stderr)


NODES = """for name in null zero full random urandom tty; do
busybox stat -c '%n %F %t:%T %a' /dev/$name; done
for name in fd stdin stdout stderr ptmx; do busybox readlink /dev/$name; done
echo x >/dev/null && busybox head -c 2 /dev/zero | busybox od -An -tx1
busybox head -c 1 /dev/urandom >/dev/null && echo reads
"""
NODES_SAID = """/dev/null character special file 1:3 666
/dev/zero character special file 1:5 666
/dev/full character special file 1:7 666
/dev/random character special file 1:8 666
/dev/urandom character special file 1:9 666
/dev/tty character special file 5:0 666
/proc/self/fd
/proc/self/fd/0
/proc/self/fd/1
/proc/self/fd/2
pts/ptmx
 00 00
reads
"""


def test_devices(who):
    """The default ones, and one more; nobody inside reaches the nodes of the host."""
    bundle = Bundle(who, PROC, DEV, devices=[
        {"path": "/dev/sub/zero2", "type": "c", "major": 1, "minor": 5, "fileMode": 0o600,
         "uid": 0, "gid": 0},
        {"path": "/dev/sub/fifo", "type": "p", "fileMode": 0o642, "uid": 0, "gid": 0}])
    result = bundle.run(NODES)
    tap.equal(result.stdout, NODES_SAID, f"{who[0]}: the default devices", result.stderr)
    result = bundle.run("busybox stat -c '%F %t:%T' /dev/sub/zero2;"
                        "busybox stat -c '%F %a' /dev/sub/fifo; echo x >/dev/sub/zero2 && echo ok")
    tap.equal(result.stdout, "character special file 1:5\nfifo 642\nok\n",
              f"{who[0]}: devices of the bundle", result.stderr)
    bundle = Bundle(who, PROC)
    os.mkdir(os.path.join(bundle.rootfs, "dev"))
    for _ in range(2):
        result = bundle.run(NODES)
        tap.equal(result.stdout, NODES_SAID, f"{who[0]}: in the root's own /dev", result.stderr)
    # An image could have nodes made in what is bound from outside.
    bundle = Bundle(who, PROC, {"destination": "/data", "source": BIND, "options": ["bind"]})
    place(bundle, {"dev": "->data"})
    result = bundle.run("echo ran")
    tap.ok(result.returncode == 125 and "symbolic link" in result.stderr and
           sorted(os.listdir(BIND)) == ["file", "sub"],
           f"{who[0]}: no device is made through a link", result)
    # The mode that it has: nothing changes should the defence lack.
    masked = Bundle(who, PROC, maskedPaths=["/proc/keys"])
    result = masked.run("busybox chmod 666 /proc/keys 2>&1; busybox stat -c %t:%T /proc/keys")
    tap.equal(result.stdout, "chmod: /proc/keys: Read-only file system\n1:3\n",
              f"{who[0]}: what a mask shows of the host's /dev/null is not changed", result.stderr)


def test_masks(who):
    """Masked and read-only paths, links among them, and those that are missing."""
    bundle = Bundle(who, PROC, DEV, maskedPaths=["/secret", "/hidden", "/link", "/gone", "/f/x"],
                    readonlyPaths=["/data", "/rolink", "/gone", "/proc/sys"])
    place(bundle, {"secret": "secret", "f": "secret", "hidden/file": "secret", "link": "->/behind",
                   "behind": "secret", "data/file": "data", "rolink": "->etc"})
    result = bundle.run("busybox cat /secret /behind /link; busybox ls -A /hidden; "
                        "busybox cat /f; echo; busybox cat /data/file; echo;"
                        "for p in /data/file /etc/new /hidden/new /proc/sys/kernel/hostname; do "
                        "echo x 2>&- >$p || echo closed; done 2>/dev/null")
    tap.equal(result.stdout, "secret\ndata\n" + 4 * "closed\n", f"{who[0]}: masks", result.stderr)
    for name, what in (("maskedPaths", "/"), ("readonlyPaths", "/root")):
        bundle = Bundle(who, PROC, **{name: [what]})
        place(bundle, {"root": "->/"})
        result = bundle.run("echo ran")
        tap.ok(result.returncode == 125 and "the root itself" in result.stderr,
               f"{who[0]}: {name}: {what}, the root itself, is refused", result)


def test_readonly_root(who):
    """Nothing of the root is written, all mounts are."""
    bundle = Bundle(who, PROC, DEV, {**TMPFS, "destination": "/data"})
    bundle.top["readonly"] = True
    result = bundle.run("echo x >/new; echo x >/data/new && echo written")
    tap.ok(result.stdout == "written\n" and "Read-only file system" in result.stderr,
           f"{who[0]}: a read-only root", result)


def test_alone(who):
    """Neither the former root nor a descriptor of it."""
    bundle = Bundle(who, PROC, DEV)
    result = bundle.run("cd /; cd ..; cd ../..; busybox ls -d bin home usr 2>/dev/null;"
                        "busybox ls /proc/self/fd;" + SHOW)
    lines = result.stdout.splitlines()
    tap.equal(lines[:5], ["bin", "0", "1", "2", "3"], f"{who[0]}: .. of the root; descriptors "
              "(3 is that of ls)", result)
    found = mounts_of("\n".join(lines[5:]))
    tap.equal(sorted(found), ["/", "/dev", "/proc"] if not who[2] else sorted(
        ["/", "/dev", "/proc"] + [f"/dev/{name}" for name in
                                  ("full", "null", "random", "tty", "urandom", "zero")]),
              f"{who[0]}: no mount of the former root", result.stdout)


LINKS = ("dev", "proc", "sys", "dev/null", "dev/pts", "data", "data/deep/er", "etc/file", "secret")


def test_links(who):
    """Each of the places where something is put is a link to what lies outside."""
    before = snapshot(OUTSIDE)
    up = "../" * 12 + OUTSIDE[1:]
    for name in LINKS:
        for text in (OUTSIDE, up, OUTSIDE + "/canary", OUTSIDE + "/missing"):
            bundle = Bundle(who, PROC,
                            {"destination": "/dev/pts", "type": "devpts", "source": "devpts"},
                            {**TMPFS, "destination": "/data/deep/er"},
                            {"destination": "/etc/file", "source": BIND + "/file",
                             "options": ["bind"]},
                            maskedPaths=["/secret", "/sys/firmware"],
                            readonlyPaths=["/data", "/sys"],
                            devices=[{"path": "/dev/one", "type": "c", "major": 1, "minor": 3,
                                      "fileMode": 0o600, "uid": 0, "gid": 0}])
            place(bundle, {name: "->" + text})
            result = bundle.run("echo x >/data/file; echo x >/etc/file2; echo x >/dev/new;"
                                "echo x >/secret; busybox cat /etc/file /canary")
            if snapshot(OUTSIDE) != before or "canary" in result.stdout:
                tap.ok(False, f"{who[0]}: {name} -> {text}: what is outside is as it was", result)
                return
    tap.ok(True, f"{who[0]}: {4 * len(LINKS)} links outside: what is there is as it was")


def test_outside_mounts():
    """A host on which all mounts are shared keeps its own, and gets none."""
    script = "mount --make-rshared / && cat /proc/self/mountinfo; \"$@\"; cat /proc/self/mountinfo"
    front = ["unshare", "-m", "sh", "-c", script, "sh"]
    mounts = [PROC, DEV, {**TMPFS, "destination": "/data"}]
    bundle = Bundle(ROOT, *mounts, maskedPaths=["/etc"])
    result = bundle.run("echo ==", front)
    front_text, _, back = result.stdout.partition("==\n")
    tap.ok(front_text and front_text == back, "what is mounted inside is not seen outside",
           result.stderr, back)
    for way in ("rshared", "shared", "rslave", "slave", "private", "unbindable", "runbindable"):
        result = subprocess.run(
            [*front, SYSCLAMP, "run", "--root", bundle.rootfs, "--propagation", way, "--tmpfs",
             "/data", "/bin/busybox", "echo", "=="], capture_output=True, text=True, timeout=60,
            check=False)
        front_text, found, back = result.stdout.partition("==\n")
        seen = mounts_of(front_text).items() ^ mounts_of(back).items()
        tap.ok(found and not seen, f"--propagation {way}: no mount of the host's goes or comes",
               seen, result.stderr)


def test_parameters(who):
    """They are the kernel's, whatever stands in /proc; and those of the command only."""
    bundle = Bundle(who, more=["network"], sysctl={"net.ipv4.ip_forward": "1",
                                                   "net/ipv4/conf/lo/forwarding": "1"})
    bundle.mounts = []
    write(os.path.join(bundle.rootfs, "proc/sys/net/ipv4/ip_forward"), "fake")
    with open("/proc/sys/net/ipv4/ip_forward", encoding="ascii") as file:
        host = file.read()
    result = bundle.run("busybox cat /proc/sys/net/ipv4/ip_forward")
    tap.equal(result.stdout, "fake", f"{who[0]}: a /proc of the image is not written to", result)
    bundle.mounts = [PROC]
    bundle.linux["readonlyPaths"] = ["/proc/sys"]
    result = bundle.run("busybox cat /proc/sys/net/ipv4/ip_forward")
    tap.equal(result.stdout, "1\n", f"{who[0]}: a parameter is set", result.stderr)
    with open("/proc/sys/net/ipv4/ip_forward", encoding="ascii") as file:
        tap.equal(file.read(), host, f"{who[0]}: not the host's")


def test_cgroups(who):
    """Read-only, the command's own; with a cgroup namespace its root is the command's cgroup."""
    for more in ([], ["cgroup"]):
        bundle = Bundle(who, PROC, {"destination": "/sys/fs/cgroup", "type": "cgroup",
                                    "source": "cgroup", "options": [*NSS, "ro"]}, more=more)
        result = bundle.run(SHOW + "for at in /sys/fs/cgroup /sys/fs/cgroup/*/; do "
                            "busybox touch $at 2>/dev/null && echo writable; done; true")
        found = {at: row for at, row in mounts_of(result.stdout).items() if "cgroup" in row[3]}
        with open("/proc/self/cgroup", encoding="ascii") as file:
            own = {line.split(":")[2].strip() for line in file}
        tap.ok(result.returncode == 0 and found and "writable" not in result.stdout and
               all("ro" in row[1].split(",") and row[0] in own for row in found.values()),
               f"{who[0]}: cgroups{' with a namespace' if more else ''} are read-only, the "
               "command's own", result)


def main():
    """All rows."""
    if os.geteuid() != 0:
        tap.skip("root", "the file systems of a cage", "root makes the bundles of others")
        tap.done()
    os.umask(0o022)
    shutil.copy(BUSYBOX, os.path.join(SCRATCH, "busybox"))
    write(BIND + "/file", "bound\n")
    os.mkdir(BIND + "/sub")
    write(OUTSIDE + "/canary", "canary\n", 0o666)
    os.chmod(OUTSIDE, 0o777)
    null = os.stat("/dev/null")
    for name, whos, mount, options, kind, said in ROWS:
        for who in whos:
            test_row(name, who, mount, options, kind, said)
    test_recursion()
    for who in BOTH:
        for mount, holds, said in PLACES:
            test_refused(who, mount, holds, said)
        for test in (test_replaceable, test_devices, test_masks, test_readonly_root, test_alone,
                     test_links, test_parameters, test_cgroups):
            test(who)
    test_outside_mounts()
    after = os.stat("/dev/null")
    tap.ok(stat.S_IMODE(after.st_mode) == stat.S_IMODE(null.st_mode) and
           after.st_uid == null.st_uid, "the host's /dev/null is as it was")
    tap.done()


main()
