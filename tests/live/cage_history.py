#!/usr/bin/python3
"""What launchers have been broken out of, by the history of runc, crun, bubblewrap, firejail and minijail: each way is
tried (tests/programs/break_out.c), as root and as an ordinary user, and is open without the defence.

Symbolic links in a root, and their exchange while it is set up: cage_root.py.  Numbers of users: tests/unit.  A filter
that is not what its profile says, int $0x80, x32: run.sh, run_stack.py.  A supervisor that is killed: deny_hold.py.
"""
import hashlib
import json
import os
import shutil
import stat
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import pseudo_terminal  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
workload.share(SCRATCH)
NOBODY = 65534
PROFILE = os.path.join(SCRATCH, "profile.json")
DEFAULT = os.path.join(SCRATCH, "default.json")
NATIVE = os.path.join(SCRATCH, "native.json")
ROOT = os.path.join(SCRATCH, "root")
INSIDE = "/break_out"
# A root of its own, with all that a caller may give away but for the host itself.
CAGE = ["--root", ROOT, "--private-proc", "--private-dev", "--private-tmp"]
REFUSED = 125


def make_root():
    """With the program in it, also as one that belongs to root and has its set-user-ID bit."""
    os.makedirs(os.path.join(ROOT, "setuid"))
    for directory in ("proc", "dev", "tmp"):
        os.mkdir(os.path.join(ROOT, directory))
    shutil.copy(workload.program("break_out"), ROOT + INSIDE)
    copy = shutil.copy(workload.program("break_out"), os.path.join(ROOT, "setuid"))
    os.chmod(copy, 0o4755)
    for number, text in enumerate(("#!/proc/self/exe\n", "#!/proc/1/exe\n", f"#!{INSIDE}\n")):
        path = os.path.join(ROOT, f"script{number}")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, 0o755)
    os.symlink("/proc/self/exe", os.path.join(ROOT, "exe"))


def command(user, options, argv):
    """`run` as a user."""
    words = [workload.SYSCLAMP, "run", "-p", PROFILE, *options, "--", *argv]
    return workload.as_user(words, user) if user else words


def digest():
    """Of the launcher's file."""
    with open(workload.SYSCLAMP, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def check_way(way, user, options, who):
    """One way out, of a cage."""
    result = workload.run(command(user, options, [INSIDE, way]))
    tap.equal((result.returncode, result.stdout.decode()), (0, "held\n"), f"{way}, {who}", result.stderr.decode())


def check_profile(user, who):
    """Ways that are the profile's to close: those of the engines' default, without a cage."""
    for way in ("clone_flags", "io_uring"):
        for profile, held in ((DEFAULT, True), (PROFILE, False)):
            words = [workload.SYSCLAMP, "run", "-p", profile, "--", ROOT + INSIDE, way]
            result = workload.run(workload.as_user(words, user) if user else words)
            tap.ok((result.stdout == b"held\n") == held, f"{way}, {who}, {'held' if held else 'open without the rule'}",
                   result)
    # x32 is not listed: the process is killed, as for any ABI that a profile does not list.
    words = [workload.SYSCLAMP, "run", "-p", NATIVE, "--", ROOT + INSIDE, "other_abis"]
    result = workload.run(workload.as_user(words, user) if user else words)
    tap.ok(result.returncode == 159 and not result.stdout, f"x32, {who}", result)


def check_own_program(user, options, who):
    """CVE-2019-5736: the launcher's program as the command, or as the interpreter of one."""
    before = digest()
    for name in ("/proc/self/exe", "/exe", "/script0", "/script1"):
        result = workload.run(command(user, options, [name, "--version"]))
        tap.ok(result.returncode in (REFUSED, 126, 127) and b"sysclamp" not in result.stdout,
               f"the launcher's own program as {name} is refused, {who}", result.returncode, result.stdout,
               result.stderr.decode())
    tap.equal(digest(), before, f"the launcher's file is as it was, {who}")


def check_descriptors(user, options, who):
    """CVE-2024-21626: descriptors of the caller's, and the working directory through one."""
    fds = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in ["/", SCRATCH] * 25]
    result = workload.run(command(user, options, [INSIDE, "descriptors"]), pass_fds=fds)
    tap.equal((result.returncode, result.stdout.decode()), (0, "held\n"), f"50 descriptors of the caller's, {who}",
              result.stderr.decode())
    for fd in (fds[0], 7, 8, 9):
        result = workload.run(command(user, [*options, f"--workdir=/proc/self/fd/{fd}"], [INSIDE, "directory"]),
                              pass_fds=fds)
        tap.ok(result.returncode == REFUSED and not result.stdout,
               f"a working directory through descriptor {fd} is refused, {who}", result)
    for fd in fds:
        os.close(fd)


def check_terminal(user, options, who, way="terminal"):
    """CVE-2017-5226: input for the caller's terminal."""
    terminal = pseudo_terminal.Terminal(command(user, options, [INSIDE, way]))
    status = terminal.wait()
    tap.ok(status == 0 and "held" in terminal.text, f"the terminal, {who}", status, terminal.text)


def check_setuid(options):
    """A program of root's with the set-user-ID bit, for an ordinary user that root starts."""
    result = workload.run(command(None, [*options, f"--user={NOBODY}:{NOBODY}"], [INSIDE, "setuid"]))
    tap.equal((result.returncode, result.stdout.decode()), (0, "held\n"), "a set-user-ID program is not root",
              result.stderr.decode())
    result = workload.run(command(None, [*options, f"--user={NOBODY}:{NOBODY}", "--new-privs"], [INSIDE, "setuid"]))
    tap.equal(result.stdout.decode(), "a set-user-ID program is root\n", "it is with --new-privs, so that this shows",
              result.stderr.decode())


def check_installed():
    """Nothing that is installed has a set-user-ID or set-group-ID bit, or capabilities."""
    place = os.path.join(SCRATCH, "installed")
    result = workload.run(["make", "-s", "install", f"DESTDIR={place}", f"BUILD={workload.BUILD}"], cwd=os.getcwd())
    files = [os.path.join(top, name) for top, _, names in os.walk(place) for name in names]
    odd = [path for path in files if os.lstat(path).st_mode & (stat.S_ISUID | stat.S_ISGID)
           or "security.capability" in os.listxattr(path, follow_symlinks=False)]
    tap.ok(result.returncode == 0 and files and not odd, "nothing is installed with privileges", odd,
           result.stderr.decode())


def main():
    """Each way, for each user."""
    if os.geteuid() != 0:
        tap.skip("root", "ways out of a cage", "needs root to try them as root and as somebody else")
        tap.done()
    with open(PROFILE, "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["sched_yield"], "action": "SCMP_ACT_ERRNO"}]}, file)
    shutil.copy("profiles/runtime-default.json", DEFAULT)
    with open(NATIVE, "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
            {"names": ["sched_yield"], "action": "SCMP_ACT_ERRNO"}]}, file)
    make_root()
    with open(os.path.join(SCRATCH, "outside-canary"), "w", encoding="ascii"):
        pass
    for who, user, more in (("root", None, []), ("root, process 1 is the command", None, ["--init=false"]),
                            ("root, pids of the host", None, ["--pid=host", "--private-proc=false"]),
                            ("root in a user namespace", None, ["--userns=private"]),
                            ("an ordinary user", NOBODY, [])):
        options = [*CAGE, *more]
        for way in ("programs", "launcher", "descriptors", "directory", "roots"):
            check_way(way, user, options, who)
        check_own_program(user, options, who)
        check_descriptors(user, options, who)
        check_terminal(user, options, who)
    for who, user in (("root", None), ("an ordinary user", NOBODY)):
        check_profile(user, who)
    check_setuid(CAGE)
    check_installed()
    tap.done()


main()
