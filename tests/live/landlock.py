#!/usr/bin/python3
"""Landlock's rules: what a command can do under each right and preset, as root and as an ordinary user.

What a right grants is found by trying everything under it; what is not granted fails with EACCES.
"""
import errno
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
PYTHON = "/usr/bin/python3"
SYSTEM = [word for path in ("/usr", "/lib", "/lib64", "/bin", "/etc", "/proc") if os.path.exists(path)
          for word in ("--landlock", f"rx:{path}")]
UID = 65534

# Everything is tried in a directory, and what worked is printed.
TRY = r"""
import errno, os, subprocess, sys
def attempt(name, action):
    try:
        action()
        print(name)
    except OSError as error:
        # EXDEV: what lacks the right to link elsewhere (landlock(7), LANDLOCK_ACCESS_FS_REFER).
        if error.errno not in (errno.EACCES, errno.EXDEV):
            raise
here = sys.argv[1]
os.chdir("/")
def truncate():
    os.truncate(here + "/file", 0)
def write():
    os.close(os.open(here + "/file", os.O_WRONLY))
def sock():
    import socket
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(here + "/sock")
attempt("read-file", lambda: open(here + "/file").close())
attempt("read-dir", lambda: os.listdir(here))
attempt("execute", lambda: subprocess.run([here + "/true"], check=True))
attempt("write-file", write)
attempt("truncate", truncate)
attempt("make-reg", lambda: os.mknod(here + "/new"))
attempt("make-dir", lambda: os.mkdir(here + "/newdir"))
attempt("make-sym", lambda: os.symlink("a", here + "/link"))
attempt("make-fifo", lambda: os.mkfifo(here + "/fifo"))
attempt("make-sock", sock)
attempt("remove-file", lambda: os.unlink(here + "/old"))
attempt("remove-dir", lambda: os.rmdir(here + "/olddir"))
attempt("refer", lambda: os.link(here + "/one/file", here + "/two/file"))
"""
READ, EXECUTE = {"read-file", "read-dir"}, {"execute"}
WRITE = {"write-file", "truncate", "make-reg", "make-dir", "make-sym", "make-fifo", "make-sock", "remove-file",
         "remove-dir"}
ROWS = [
    ("none of it", [], set()),
    ("ro", ["ro"], READ),
    ("rx", ["rx"], READ | EXECUTE),
    ("rw", ["rw"], READ | WRITE | {"refer"}),
    ("rwx", ["rwx"], READ | WRITE | EXECUTE | {"refer"}),
    ("all", ["all"], READ | WRITE | EXECUTE | {"refer"}),
    ("two rules", ["read-file", "execute"], {"read-file", "execute"}),
    # execve(2) opens the program for reading as well (fs/exec.c).
    ("execute alone", ["execute"], set()),
    ("refer needs make-reg", ["refer"], set()),
    ("refer with it", ["refer,make-reg"], {"refer", "make-reg"}),
    *[(right, [right], {right}) for right in sorted(READ | WRITE)],
]


def caged(who, options, argv, **kwargs):
    """Run a command in a cage, as root or not."""
    command = [workload.SYSCLAMP, "run", *options, "--", *argv]
    if who == "user" and os.geteuid() == 0:
        command = workload.as_user(command, UID)
    return workload.run(command, **{"cwd": "/", **kwargs})


def fresh_tree(who):
    """A directory with something to do in it, of whoever does it."""
    tree = os.path.join(SCRATCH, f"tree.{len(os.listdir(SCRATCH))}")
    for name in ("", "olddir", "one", "two"):
        os.mkdir(os.path.join(tree, name))
    for name in ("file", "old", "one/file"):
        with open(os.path.join(tree, name), "w", encoding="utf-8") as file:
            file.write("x")
    workload.run(["cp", workload.program("static_true"), os.path.join(tree, "true")])
    if who == "user" and os.geteuid() == 0:
        workload.run(["chown", "-R", f"{UID}:{UID}", tree])
    return tree


def check_rights(who):
    """Each row, by trying everything."""
    for name, rights, wanted in ROWS:
        tree = fresh_tree(who)
        rules = [word for right in rights for word in ("--landlock", f"{right}:{tree}")]
        got = caged(who, [*SYSTEM, *rules], [PYTHON, "-c", TRY, tree])
        tap.ok(got.returncode == 0 and set(got.stdout.decode().split()) == wanted, f"{name}, {who}",
               f"wanted {wanted}", got.stdout, got.stderr[-300:])


CONNECT = r"""
import socket, sys
def attempt(name, action):
    try:
        action()
        print(name, end=" ")
    except PermissionError:
        pass
def bind(port):
    with socket.socket() as s:
        s.bind(("127.0.0.1", port))
def connect(port):
    with socket.socket() as s:
        try:
            s.connect(("127.0.0.1", port))
        except ConnectionRefusedError:
            pass
for port in (8000, 8001):
    attempt(f"bind:{port}", lambda: bind(port))
    attempt(f"connect:{port}", lambda: connect(port))
"""


def check_ports(who):
    """Ports, in a network of its own."""
    for rules, wanted in (([], "bind:8000 connect:8000 bind:8001 connect:8001"), (["none"], ""),
                          (["bind:8000"], "bind:8000"), (["bind:8000", "connect:8001"], "bind:8000 connect:8001"),
                          (["bind,connect:8001"], "bind:8001 connect:8001")):
        options = [word for rule in rules for word in ("--landlock-tcp", rule)]
        got = caged(who, ["--net", "none", *options], [PYTHON, "-c", CONNECT])
        tap.equal((got.stdout.decode().strip(), got.returncode), (wanted, 0), f"ports {rules}, {who}", got)


SCOPE = r"""
import os, socket, sys
try:
    os.kill(int(sys.argv[1]), 0)
    print("signal")
except PermissionError:
    pass
with socket.socket(socket.AF_UNIX) as s:
    try:
        s.connect(sys.argv[2].replace("@", "\0"))
        print("socket")
    except PermissionError:
        pass
"""
OUTSIDE = r"""
import os, socket, subprocess, sys
with socket.socket(socket.AF_UNIX) as s:
    name = f"@sysclamp-test-{os.getpid()}"
    s.bind(name.replace("@", "\0"))
    s.listen()
    sys.exit(subprocess.run([*sys.argv[2:], sys.argv[1], str(os.getpid()), name]).returncode)
"""


def check_scopes(who):
    """What does not reach out of the cage: of whoever started it, under the same user."""
    for scopes, wanted in (([], {"signal", "socket"}), (["signal"], {"socket"}),
                           (["abstract-unix-socket"], {"signal"}), (["signal,abstract-unix-socket"], set())):
        options = [word for scope in scopes for word in ("--landlock-scope", scope)]
        command = [PYTHON, "-c", OUTSIDE, SCOPE, workload.SYSCLAMP, "run", "--umask", "022", *options, "--", PYTHON,
                   "-c"]
        if who == "user" and os.geteuid() == 0:
            command = workload.as_user(command, UID)
        got = workload.run(command)
        tap.equal((set(got.stdout.decode().split()), got.returncode), (wanted, 0), f"scopes {scopes}, {who}", got)


def check_inherited(who):
    """What it starts is held as well, and the command itself has to be granted."""
    tree = fresh_tree(who)
    got = caged(who, [*SYSTEM, "--landlock", f"rx:{tree}"], ["sh", "-c", f"sh -c 'echo x > {tree}/file' || sh -c 'cat {tree}/file'"])
    tap.ok(got.stdout == b"x", f"descendants are held, {who}", got)
    got = caged(who, ["--landlock", "ro:/"], ["true"])
    tap.ok(got.returncode == 126 and b"Permission denied" in got.stderr, f"a command that is not granted, {who}", got)
    got = caged(who, ["--landlock", f"rx:{tree}"], [f"{tree}/true"])
    tap.ok(got.returncode == 0, f"a static program needs nothing else, {who}", got)
    got = caged(who, [*SYSTEM, "--landlock", f"rw:{tree}/file"],
                ["sh", "-c", f"echo y > {tree}/file; cat {tree}/file; cat {tree}/old"])
    tap.ok(got.stdout == b"y\n" and b"old: Permission denied" in got.stderr, f"rights of a file alone, {who}", got)
    got = caged(who, [*SYSTEM, "--landlock", f"rw:{tree}", "--private-tmp"], ["true"])
    tap.ok(got.returncode == 125 and f"--landlock rw:{tree}".encode() in got.stderr,
           f"paths are those inside: one that is hidden is an error, {who}", got)


def check_lacking():
    """A kernel without Landlock: an error, nothing has run, and doctor says so."""
    denies = os.path.join(SCRATCH, "denies.json")
    with open(denies, "w", encoding="utf-8") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["landlock_create_ruleset"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EOPNOTSUPP}]}, file)
    ran = os.path.join(SCRATCH, "ran")
    for options in (["--landlock", "rwx:/"], ["--landlock-tcp", "none"], ["--landlock-scope", "signal"]):
        for dry in ([], ["--dry-run"]):
            got = caged("user", ["-p", denies], [workload.SYSCLAMP, "run", *dry, *options, "--", "touch", ran])
            tap.ok(got.returncode == 125 and not got.stdout and got.stderr.count(b"\n") == 1
                   and b"Landlock: this kernel lacks it" in got.stderr and not os.path.exists(ran),
                   f"without Landlock, {options} {dry}: an error", got)


def main():
    """All of it."""
    workload.share(SCRATCH)
    os.chmod(SCRATCH, 0o755)
    abi = json.loads(workload.sysclamp("doctor", "--format", "json").stdout)["checks"]
    value = next(check["value"] for check in abi if check["name"] == "Landlock")
    if not value.startswith("ABI ") or int(value[4:]) < 6:
        tap.skip("landlock", "rules", f"{value}: ABI 6 is needed for all of it")
        tap.done()
    for who in ("root", "user"):
        if who == "root" and os.geteuid():
            tap.skip("root", "as root", "needs root")
            continue
        check_rights(who)
        check_ports(who)
        check_scopes(who)
        check_inherited(who)
    check_lacking()
    tap.done()


if __name__ == "__main__":
    main()
