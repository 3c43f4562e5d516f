#!/usr/bin/python3
"""Weak rule sets in live containers, started by runc and crun, and under sysclamp run.

In the container the call that no rule allows goes through, and verify --pid shows it; under sysclamp run, with the
same file, it is denied.
"""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, "tests")
import tap  # noqa: E402
import workload  # noqa: E402
from weak_profiles import DENIED, LET_THROUGH, WEAK, call_args, makeable, weak_profile  # noqa: E402

SYSCLAMP = os.environ.get("SYSCLAMP", "build/sysclamp")
CALL_WITH = os.path.join(os.path.abspath(os.environ.get("BUILD", "build")), "tests/programs/call_with")
TMP = tap.scratch()
BUNDLE = os.path.join(TMP, "bundle")
PROFILE = os.path.join(TMP, "profile.json")
# crun 1.8 refuses a hybrid of cgroup v1 and v2: hide the latter from it, in a mount namespace of its own.
NO_UNIFIED = ["unshare", "-m", "sh", "-c", "umount /sys/fs/cgroup/unified 2>/dev/null; exec \"$@\"", "sh"]
ENGINES = {
    "runc": ["runc", "--root", os.path.join(TMP, "runc")],
    "crun": [*NO_UNIFIED, "crun", "--root", os.path.join(TMP, "crun"), "--cgroup-manager=disabled"],
}


def write_json(path, content):
    """A file of JSON."""
    with open(path, "w", encoding="ascii") as file:
        json.dump(content, file)


def make_bundle():
    """A bundle of one static program; what runc itself writes, less what needs more than root."""
    os.makedirs(os.path.join(BUNDLE, "rootfs"))
    shutil.copy(CALL_WITH, os.path.join(BUNDLE, "rootfs/call_with"))
    subprocess.run(["runc", "spec"], cwd=BUNDLE, check=True, timeout=60)
    with open(os.path.join(BUNDLE, "config.json"), encoding="ascii") as file:
        return json.load(file)


class Container:
    """A container that has made one call and waits."""

    def __init__(self, engine, config, profile, args):
        self.engine, self.name = ENGINES[engine], f"sysclamp-test-{os.getpid()}"
        config["process"].update(terminal=False, noNewPrivileges=True, args=["/call_with", *args])
        config["process"].pop("rlimits", None)
        config["linux"]["seccomp"] = profile
        write_json(os.path.join(BUNDLE, "config.json"), config)
        self.out, pid_file = os.path.join(TMP, "out"), os.path.join(TMP, "pid")
        with open(self.out, "wb") as out, open(os.path.join(TMP, "err"), "wb") as err:
            self.status = subprocess.run(
                [*self.engine, "run", "-d", "--bundle", BUNDLE, "--pid-file", pid_file, self.name],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=60, check=False).returncode
        with open(os.path.join(TMP, "err"), encoding="utf-8", errors="replace") as file:
            self.err = file.read()
        self.pid = int(open(pid_file, encoding="ascii").read()) if not self.status else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([*self.engine, "delete", "-f", self.name], capture_output=True, timeout=60, check=False)
        # It is an orphan, and so this test's to collect.
        tap.wait_until(lambda: tap.reap() or not self.pid or not os.path.exists(f"/proc/{self.pid}"), "the container ends")

    def said(self):
        """What the program printed, once it has."""
        def read():
            with open(self.out, encoding="ascii") as file:
                return file.read()
        return tap.wait_until(lambda: "\n" in read() and read(), "the program prints")


def verify(*args):
    """The answer as JSON."""
    done = subprocess.run([SYSCLAMP, "verify", "-p", PROFILE, "--format", "json", *args], capture_output=True, text=True,
                          timeout=60, check=False)
    try:
        return {**json.loads(done.stdout), "status": done.returncode}
    except ValueError:
        return {"answer": None, "status": done.returncode, "stderr": done.stderr, "known": []}


def hold_args(how, args):
    """The same call, and then wait."""
    words = call_args(how, args)
    return [words[0], "hold", *words[1:]] if how == "int80" else ["hold", *words]


def test_weak(engine, config):
    """What the engine's filter lets through, the kernel's copy of it shows."""
    for name, abis, rules, calls in WEAK:
        profile = weak_profile(abis, rules)
        write_json(PROFILE, profile)
        for how, args in makeable(f"{engine}: {name}", calls, workload.has_i386()):
            with Container(engine, config, profile, hold_args(how, args)) as container:
                if not container.pid:
                    tap.skip("engines", f"{engine}: {name}", f"it starts no container here: {container.err.strip()}")
                    return
                tap.equal(container.said(), LET_THROUGH, f"{engine}: {name}: the container makes a call that no rule allows")
                answer = verify("--pid", str(container.pid))
                call = answer.get("call", {})
                tap.equal((answer["status"], answer["answer"], call.get("name"), call.get("abi")),
                          (1, "different", "ioctl", "i386" if how == "int80" else "x86_64"),
                          f"{engine}: {name}: --pid finds it in the running container", answer)
                tap.equal((call.get("got"), call.get("wanted")), ("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO (EPERM)"),
                          f"{engine}: {name}: as a call that passes though no rule says so", answer)
            done = subprocess.run([SYSCLAMP, "run", "-p", PROFILE, "--", CALL_WITH, *call_args(how, args)],
                                  capture_output=True, text=True, timeout=60, check=False)
            tap.equal(done.stdout, DENIED, f"sysclamp run, the same file: {name}: the call is denied", done.stderr)


def test_sound(engine, config):
    """What the engine adds of its own is known by name."""
    for errno, stub in [(1, ["runc ENOSYS stub"] if engine == "runc" else []), (38, [])]:
        profile = weak_profile(["X86_64", "X86"], [])
        profile["defaultErrnoRet"] = errno
        write_json(PROFILE, profile)
        with Container(engine, config, profile, hold_args("native", [])) as container:
            if not container.pid:
                tap.skip("engines", f"{engine}: a sound profile", f"it starts no container here: {container.err.strip()}")
                return
            container.said()
            answer = verify("--pid", str(container.pid))
            names = [row["name"] for row in answer["known"]]
            # 1.1.5 adds the stub whatever the default is, later versions not if it is ENOSYS anyway.
            tap.ok((answer["status"], answer["answer"]) == (0, "equal") and names[:2] == ["unlisted ABIs", "negative numbers"]
                   and (names[2:] == stub or (errno == 38 and not set(names[2:]) - {"runc ENOSYS stub"})),
                   f"{engine}: default errno {errno}: equal, but for what is known: {stub}", answer)
            profile["syscalls"][0]["names"].remove("uname")
            write_json(PROFILE, profile)
            answer = verify("--pid", str(container.pid))
            tap.equal((answer["status"], answer.get("call", {}).get("name")), (1, "uname"),
                      f"{engine}: default errno {errno}: another profile: different", answer)


def main():
    """Each engine that is there."""
    if os.getuid() != 0 or os.uname().machine != "x86_64":
        tap.skip("root", "containers", "needs root on x86-64")
        tap.done()
    if not shutil.which("runc"):
        tap.skip("engines", "containers", "runc is not installed")
        tap.done()
    config = make_bundle()
    for engine in ENGINES:
        if not shutil.which(engine):
            tap.skip("engines", engine, "it is not installed")
            continue
        test_weak(engine, config)
        test_sound(engine, config)
    tap.done()


main()
