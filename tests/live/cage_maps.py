#!/usr/bin/python3
"""IDs of a user namespace: what the kernel lets a caller map, and what newuidmap(1) does."""
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import caged  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

FIRST, COUNT = 300000, 1000
MAPS = ["ns=user", f"uids=0:{caged.NOBODY}:1", f"uids=1:{FIRST}:{COUNT}", f"gids=0:{caged.NOBODY}:1",
        f"gids=1:{FIRST}:{COUNT}"]
SHOW = ["sh", "-c", "cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; id -G"]
WANT = f"0 {caged.NOBODY} 1 1 {FIRST} {COUNT} " * 2


def with_ranges(who, *words, argv, ranges, path=workload.ENVIRON["PATH"]):
    """In a mount namespace with other files than the host's /etc/subuid and /etc/subgid."""
    ranges_file = os.path.join(caged.SCRATCH, "ranges")
    with open(ranges_file, "w", encoding="ascii") as file:
        file.write(ranges)
    os.chmod(ranges_file, 0o644)
    mounts = ('for f in /etc/subuid /etc/subgid; do [ -e $f ] || exit 99; mount --bind "$0" $f || exit 98; done;'
              'exec "$@"')
    return workload.run(["unshare", "-m", "sh", "-c", mounts, ranges_file, "env", f"PATH={path}",
                         *who.words(*words, argv=argv, base=False)], cwd="/")


def check_programs(who):
    """newuidmap and newgidmap."""
    allowed = f"nobody:{FIRST}:{COUNT}\n"
    got = with_ranges(who, *MAPS, argv=SHOW, ranges=allowed)
    tap.equal(" ".join(got.stdout.decode().split()), (WANT + "allow 0").strip(), "ranges of IDs are mapped",
              got.stderr.decode())
    got = with_ranges(who, *MAPS, "user=7:8", "groups=9", argv=[caged.STATE], ranges=allowed)
    state = caged.state(got)
    tap.equal((state.get("uid"), state.get("gid"), state.get("groups")), ("7 7 7", "8 8 8", "9"),
              "and the command is one of them", got.stderr.decode())
    got = with_ranges(who, *MAPS, argv=["echo", "ran"], ranges=f"nobody:{FIRST}:10\n")
    tap.ok(got.returncode == 125 and not got.stdout and got.stderr.count(b"\n") == 1
           and b"what you may map is in /etc/subgid" in got.stderr, "ranges that are not granted are not mapped",
           got.returncode, got.stderr)
    bare = os.path.join(caged.SCRATCH, "bare")
    os.mkdir(bare)
    for name in ("setpriv", "sh", "echo"):
        os.symlink(shutil.which(name), os.path.join(bare, name))
    got = with_ranges(who, *MAPS, argv=["echo", "ran"], ranges=allowed, path=bare)
    tap.ok(got.returncode == 125 and not got.stdout and b"takes root or newgidmap" in got.stderr,
           "without these programs the message names them", got.returncode, got.stderr)


def check_root(who):
    """Of root: by the kernel, ranges too; what overlaps is refused."""
    got = who.run("ns=user", "uids=0:0:5", f"uids=5:{FIRST}:5", "gids=0:0:5", f"gids=5:{FIRST}:5", argv=SHOW)
    tap.equal(got.stdout.decode().split(), f"0 0 5 5 {FIRST} 5 0 0 5 5 {FIRST} 5 allow 0".split(),
              "root maps what it wants", got.stderr.decode())
    got = who.run("ns=user", "uids=0:0:5", "uids=3:0:5", "gids=0:0:5", argv=["echo", "ran"])
    tap.ok(got.returncode == 125 and b"uid_map: " in got.stderr and not got.stdout, "but not twice the same",
           got.returncode, got.stderr)


def main():
    """All of it."""
    if os.geteuid() != 0:
        tap.skip("root", "IDs of user namespaces", "needs root")
        tap.done()
    root, user = caged.everybody()
    check_root(root)
    if shutil.which("newuidmap") and os.path.exists("/etc/subuid"):
        check_programs(user)
    else:
        tap.skip("uidmap", "newuidmap", "not installed")
    tap.equal(tap.descendants(), [], "no process is left")
    tap.done()


main()
