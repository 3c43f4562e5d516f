#!/usr/bin/python3
"""What a command in a cage finds, as root and as an ordinary user: the engine by itself.

Each state is compared as a whole with that of the same program without a cage: nothing differs but what the
row says.
"""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import caged  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

ALL = "000001ffffffffff"
NET_BIND = "0000000000000400"
NONE = "0000000000000000"
SPACES = ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup", "time")

# Name; words; what differs from a command without a cage, beside the filter.
ROWS = [
    ("a session", ["session"], {"session": "own", "group": "own"}),
    ("process 1 of its own", ["ns=pid"], {"process": "1"}),
    ("an init", ["ns=pid", "init"], {}),
    ("an init and a session", ["ns=pid", "init", "session"], {"group": "own"}),
    ("names", ["ns=uts", "host=box", "domain=example"], {"hostname": "box", "domainname": "example"}),
    ("a umask", ["umask=0177"], {"umask": "0177"}),
    ("a umask for the command of an init", ["ns=pid", "init", "umask=0177"], {"umask": "0177"}),
    ("limits", ["limit=7:100:200", "limit=4:0:0"], {"limit 7": "100 200", "limit 4": "0 0"}),
    ("limits that whoever makes the cage could not work with",
     ["ns=pid", "ns=mnt", "init", "proc", "limit=7:3:3", "limit=1:0:0"], {"limit 7": "3 3", "limit 1": "0 0"}),
    ("a directory", ["cwd=/usr"], {"cwd": "/usr"}),
    ("an end with its launcher", ["with_parent"], {"pdeathsig": "9"}),
    ("no capability", ["caps=0,0,0,0,0"],
     {"permitted": NONE, "effective": NONE, "inheritable": NONE, "bounding": NONE, "ambient": NONE}),
    ("one capability", ["caps=400,400,400,400,400"],
     {"permitted": NET_BIND, "effective": NET_BIND, "inheritable": NET_BIND, "bounding": NET_BIND,
      "ambient": NET_BIND}),
    ("a bounding set, which gives nothing with no_new_privs", ["caps=400,0,0,0,0"],
     {"permitted": NONE, "effective": NONE, "inheritable": NONE, "bounding": NET_BIND, "ambient": NONE}),
    ("a bounding set, of which execve(2) makes what user 0 has", ["caps=400,0,0,0,0", "new_privs"],
     {"permitted": NET_BIND, "effective": NET_BIND, "inheritable": NONE, "bounding": NET_BIND, "ambient": NONE,
      "no_new_privs": "0", "dumpable": "0"}),
    ("the same, and an end with its launcher", ["caps=400,0,0,0,0", "new_privs", "with_parent"],
     {"permitted": NET_BIND, "effective": NET_BIND, "inheritable": NONE, "bounding": NET_BIND, "ambient": NONE,
      "no_new_privs": "0", "pdeathsig": "9"}),
    ("privileges to be gained", ["new_privs", "caps=400,400,400,400,400"],
     {"no_new_privs": "0", "permitted": NET_BIND, "effective": NET_BIND, "inheritable": NET_BIND,
      "bounding": NET_BIND, "ambient": NET_BIND}),
    ("a filter that is loaded later", ["at=main"], {"pdeathsig": "9"}),
    ("a filter that is loaded later, behind an init", ["at=main", "ns=pid", "ns=mnt", "proc"], {}),
]

LISTEN = """import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
print("taken")"""

# Of root alone: becoming somebody else.
AS_USER = {"uid": "1000 1000 1000", "gid": "1001 1001 1001", "permitted": NONE, "effective": NONE}
ROOT_ROWS = [
    ("another user", ["user=1000:1001"], {**AS_USER, "groups": ""}),
    ("another user with groups", ["user=1000:1001", "groups=7", "groups=5"], {**AS_USER, "groups": "5 7"}),
    ("another user, and privileges to be gained", ["user=1000:1001", "new_privs"],
     {**AS_USER, "groups": "", "no_new_privs": "0"}),
    ("another user with a capability", ["user=1000:1001", "caps=400,400,400,400,400", "new_privs"],
     {**AS_USER, "groups": "", "no_new_privs": "0", "permitted": NET_BIND, "effective": NET_BIND,
      "inheritable": NET_BIND, "bounding": NET_BIND, "ambient": NET_BIND}),
    ("another user of a user namespace", ["ns=user", "uids=0:100000:2000", "gids=0:100000:2000", "user=1000:1001"],
     {**AS_USER, "groups": "", "bounding": ALL}),
    ("a user namespace without user 0", ["ns=user", "uids=1000:100000:1", "gids=1001:100000:1", "user=1000:1001"],
     {**AS_USER, "groups": "", "bounding": ALL}),
]


def base_state(who):
    """The state without a cage; of an ordinary user, as user 0 of a user namespace."""
    plain = caged.state(who.direct(caged.STATE))
    if who.base:
        plain.update({"uid": "0 0 0", "gid": "0 0 0", "permitted": ALL, "effective": ALL, "bounding": ALL})
    return {**plain, **caged.HELD}


def check_state(who, base, row):
    """One row of the tables."""
    name, words, changes = row
    result = who.run(f"profile={caged.PROFILE}", *words, argv=[caged.STATE])
    wrong = caged.differences(caged.state(result), {**base, **changes})
    tap.ok(result.returncode == 0 and not wrong, f"{who.name}: {name}", result.stderr.decode(), *wrong)


def check_states(who):
    """All that apply."""
    base = base_state(who)
    for row in ROWS + (ROOT_ROWS if who.ids == 0 else []):
        check_state(who, base, row)


def check_descriptors(who):
    """What is open outside is closed but what is passed, of the command and of its init."""
    directory = os.open("/", os.O_RDONLY)
    passed = os.open("/etc/passwd", os.O_RDONLY)
    for extra in ([], ["ns=pid", "init"]):
        result = who.run(f"pass={passed}", *extra, argv=[caged.STATE], pass_fds=(directory, passed))
        tap.equal(caged.state(result).get("descriptor"), ["0", "1", "2", str(passed)],
                  f"{who.name}: the descriptors that are passed, and no other {extra}", result.stderr.decode())
    os.close(directory)
    os.close(passed)


def spaces(result):
    """namespace -> its number, from readlink."""
    return dict(line.split(":", 1) for line in result.stdout.decode().split())


def check_spaces(who):
    """Those that are asked for are new, and no other."""
    listing = ["sh", "-c", "cd /proc/self/ns && readlink " + " ".join(SPACES)]
    own = spaces(who.direct(*listing))
    for asked in (["uts"], ["net", "ipc"], ["pid", "mnt"], ["cgroup", "time"], SPACES[1:]):
        words = [f"ns={kind}" for kind in asked]
        if "pid" in asked:
            words += ["init"]
        got = spaces(who.run(*words, *(["proc"] if "mnt" in asked else []), argv=listing))
        new = sorted(kind for kind in own if got.get(kind) != own[kind])
        tap.equal(new, sorted([*asked, *(["user"] if who.base else [])]), f"{who.name}: new namespaces {asked}")


def check_values(who):
    """What is seen in files of /proc only."""
    got = who.run("oom=777", argv=["cat", "/proc/self/oom_score_adj"])
    tap.equal(got.stdout, b"777\n", f"{who.name}: the OOM score's adjustment", got.stderr.decode())
    outside = float(who.direct("cat", "/proc/uptime").stdout.split()[0])
    for extra in ([], ["ns=pid", "init"]):
        got = who.run("ns=time", "boottime=5000000", *extra, argv=["cat", "/proc/uptime"])
        inside = float((got.stdout or b"0").split()[0])
        tap.ok(0 <= inside - outside - 5000000 < 3600, f"{who.name}: the clock since boot {extra}", inside, outside,
               got.stderr.decode())
    got = who.run("ns=net", argv=["/usr/bin/python3", "-c", LISTEN])
    tap.equal(got.stdout, b"taken\n", f"{who.name}: the loopback interface is up", got.stderr.decode())
    got = who.run("landlock", argv=["/bin/true"])
    tap.ok(got.returncode == 126 and b"Permission denied" in got.stderr,
           f"{who.name}: Landlock holds the execve itself", got.returncode, got.stderr)


class Holder:
    """A process in namespaces of its own, to be joined."""

    def __init__(self, who, *options):
        line = ["unshare", *options, "sh", "-c", "echo up; read line"]
        line = workload.as_user(line, who.uid) if who.uid is not None else line
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def path(self, kind):
        """The file of a namespace."""
        return f"/proc/{self.process.pid}/ns/{kind}"

    def link(self, kind):
        """Which it is."""
        return os.readlink(self.path(kind)).split(":", 1)[1]

    def end(self):
        """Let it end."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def check_join(who):
    """Namespaces of another process."""
    kinds = ("net", "uts", "ipc") if who.ids == 0 else ("user", "net", "uts", "ipc")
    holder = Holder(who, *[f"--{kind}" for kind in kinds], *(["--map-root-user"] if who.ids else []))
    listing = ["sh", "-c", "cd /proc/self/ns && readlink " + " ".join(SPACES)]
    own = spaces(who.direct(*listing))
    words = [f"ns={kind}:{holder.path(kind)}" for kind in kinds]
    got = who.run(*words, argv=listing, base=False)
    tap.equal(spaces(got), {**own, **{kind: holder.link(kind) for kind in kinds}},
              f"{who.name}: the namespaces {kinds} are joined", got.stderr.decode())
    got = who.run(*words, "ns=pid", "init", argv=["sh", "-c", "exit 7"], base=False)
    tap.equal(got.returncode, 7, f"{who.name}: with an init in a new PID namespace", got.stderr.decode())
    for kind, path, said in (("net", holder.path("uts"), "is a uts namespace, not a net namespace"),
                             ("net", "/dev/null", "is no namespace"), ("net", "/nonexistent", "No such file")):
        got = who.run(f"ns={kind}:{path}", base=False)
        tap.ok(got.returncode == 125 and said in got.stderr.decode(), f"{who.name}: {path} is not joined as {kind}",
               got.returncode, got.stderr)
    holder.end()


def check_join_pid(who):
    """A PID namespace: only children are in it, so that one more process takes part."""
    if who.ids:
        return
    holder = Holder(who, "--pid", "--fork", "--kill-child", "--mount-proc")
    inner = tap.children_of(holder.process.pid)[0]
    got = who.run(f"ns=pid:/proc/{inner}/ns/pid", f"ns=mnt:/proc/{inner}/ns/mnt",
                  argv=["sh", "-c", "echo $$; cat /proc/1/comm; exit 9"])
    pid, *comm = got.stdout.decode().split()
    tap.ok(int(pid) < 20 and comm == ["sh"] and got.returncode == 9, f"{who.name}: a PID and a mount namespace",
           got.stdout, got.stderr, got.returncode)
    holder.end()


def main():
    """All of it, for everybody."""
    for who in caged.everybody():
        check_states(who)
        check_descriptors(who)
        check_spaces(who)
        check_values(who)
        check_join(who)
        check_join_pid(who)
    tap.equal(tap.descendants(), [], "no process is left")
    tap.done()


main()
