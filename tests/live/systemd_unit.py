#!/usr/bin/env python3
"""A systemd enforces the drop-ins that sysclamp writes, call by call, as sysclamp run enforces the profile.

A systemd of its own is started for the test: the first process of a PID namespace, on a tmpfs for /run, with a
read-only view of everything else, and with no units but the one under test.
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, "tests")
import tap  # noqa: E402
import workload  # noqa: E402

SYSTEMD = "/lib/systemd/systemd"
CALLS = ["getppid", "sched_yield", "getpgid", "uname", "sync", "nothing"]
TARGET = "[Unit]\nDescription=test\nDefaultDependencies=no\nWants=clamped.service\n"
UNIT = """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart={program} {calls}
ExecStopPost=+/bin/sh -c 'echo "$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS" >/run/out/ended.tmp'
ExecStopPost=+/bin/mv /run/out/ended.tmp /run/out/ended
StandardOutput=file:/run/out/stdout
StandardError=null
SystemCallFilter=@system-service
"""
# $1: where the results go; $2: the units; $3: systemd
BOOT = r"""
set -e
mount --make-rprivate /
mount -t tmpfs none /run
mkdir /run/out /run/units
cp -r "$2"/. /run/units
mount --bind "$1" /run/out
mount -t proc none /proc
kind=$(stat -f -c %T /sys/fs/cgroup)
umount -l /sys/fs/cgroup
if [ "$kind" = cgroup2fs ]; then
    mount -t cgroup2 none /sys/fs/cgroup
else
    mount -t tmpfs none /sys/fs/cgroup
    mkdir /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
fi
mount -o remount,bind,ro /
exec env -i container=sysclamp SYSTEMD_UNIT_PATH=/run/units PATH=/usr/bin:/bin:/usr/sbin:/sbin \
    "$3" --system --log-target=null --unit=default.target
"""

tmp = tap.scratch()


def cgroup_of_tests():
    """A cgroup of systemd's hierarchy for all that it starts, or None."""
    for root in ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup"):
        path = os.path.join(root, f"sysclamp-test-{os.getpid()}")
        if os.path.exists(os.path.join(root, "cgroup.procs")):
            try:
                os.mkdir(path)
                return path
            except OSError:
                continue
    return None


def remove_cgroup(path):
    """It and what systemd made in it."""
    for directory, _, _ in os.walk(path, topdown=False):
        try:
            os.rmdir(directory)
        except OSError:
            return False
    return True


def clamped(name, drop_in, calls):
    """What the unit printed, and how it ended; None if no systemd comes up here."""
    out, units = os.path.join(tmp, name, "out"), os.path.join(tmp, name, "units")
    os.makedirs(os.path.join(units, "clamped.service.d"))
    os.makedirs(out)
    for path, text in {"default.target": TARGET, "clamped.service": UNIT.format(
            program=workload.program("try_call"), calls=" ".join(calls)),
            "clamped.service.d/sysclamp.conf": drop_in}.items():
        with open(os.path.join(units, path), "w", encoding="ascii") as file:
            file.write(text)
    cgroup = cgroup_of_tests()
    if not cgroup:
        return None

    def enter():
        with open(os.path.join(cgroup, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write("0")
    # A cgroup namespace is made of where a process is: it has to be there before.
    boot = subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts", "--net", "--cgroup",
         "--propagation", "private", "/bin/sh", "-c", BOOT, "boot", out, units, SYSTEMD],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=enter)
    ended = os.path.join(out, "ended")
    try:
        tap.wait_until(lambda: os.path.exists(ended) or boot.poll() is not None, "the unit ends", 30)
    except TimeoutError:
        pass
    finally:
        boot.kill()
        boot.communicate()
        tap.wait_until(lambda: remove_cgroup(cgroup), "what systemd started is gone", 10)
    if not os.path.exists(ended):
        return None
    with open(ended, encoding="ascii") as file:
        how = file.read().split()
    with open(os.path.join(out, "stdout"), encoding="ascii") as file:
        return file.read(), how


def profiles(recording, *options):
    """The drop-in and the profile, both cut from the recording."""
    made = []
    for form in ("systemd", "json"):
        path = os.path.join(tmp, form)
        done = workload.sysclamp("generate", "--format", form, "--runtime", "none", *options, "-o", path, recording)
        if done.returncode:
            raise AssertionError(done.stderr.decode())
        made.append(path)
    with open(made[0], encoding="ascii") as file:
        return file.read(), made[1]


def test_enforced(recording):
    """One systemd for each way to deny."""
    drop_in, profile = profiles(recording)
    got = clamped("enosys", drop_in, CALLS)
    if got is None:
        return tap.skip("systemd", "a unit under a drop-in", "no systemd comes up in a namespace here")
    ours = workload.sysclamp("run", "-p", profile, "--", workload.program("try_call"), *CALLS)
    tap.equal(got, (ours.stdout.decode(), ["success", "exited", "0"]),
              "ENOSYS: each call is answered as under sysclamp run")
    tap.ok("uname: 0" in got[0] and "getppid: 38" in got[0] and "sync: 38" in got[0],
           "what was recorded is allowed, what systemd allows by itself is not", got)
    drop_in, profile = profiles(recording, "--errno", "EXDEV")
    got = clamped("exdev", drop_in, CALLS[:-1])
    ours = workload.sysclamp("run", "-p", profile, "--", workload.program("try_call"), *CALLS[:-1])
    tap.equal(got, (ours.stdout.decode(), ["success", "exited", "0"]), "EXDEV: the same")
    drop_in, profile = profiles(recording, "--default-action", "kill")
    got = clamped("kill", drop_in, ["uname"])
    tap.equal(got and got[0], "trying\nuname: 0\n", "kill: what is allowed is done")
    got = clamped("killed", drop_in, ["getppid"])
    return tap.equal(got and got[1][1:], ["killed", "SYS"], "kill: and what is not kills")


def main():
    if os.geteuid() != 0:
        tap.skip("root", "a unit under a drop-in", "not root")
    elif not os.path.exists(SYSTEMD) or not shutil.which("unshare"):
        tap.skip("systemd", "a unit under a drop-in", "no systemd, or no unshare(1)")
    else:
        workload.share(tmp)
        recording = os.path.join(tmp, "rec.json")
        done = workload.sysclamp("record", "-q", "--backend", "ptrace", "-o", recording, "--",
                                 workload.program("try_call"), "uname")
        tap.equal(done.returncode, 0, "the workload is recorded", done.stderr)
        test_enforced(recording)
    tap.done()


main()
