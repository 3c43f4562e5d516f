#!/usr/bin/python3
"""
What a command finds in a cage, for a table of cages, as root and as an ordinary user: the lines of
tests/programs/held_state.c that are others than without sysclamp, compared with
tests/golden/cage_states/NAME.txt ("!" is standard error).  After a change that is meant: UPDATE=1 tests/live/cage_states.py,
and read what has changed.
"""
import atexit
import ctypes
import difflib
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402
from cage_state import Caller, differences, parse  # noqa: E402

GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden", "cage_states")
CLONE_NEWNS = 0x00020000
SYS_LANDLOCK_CREATE_RULESET = 444
LANDLOCK_SCOPES_ABI = 6
ALICE, AUDIO, VIDEO = 1234, 29, 44
LIMITS = {resource.RLIMIT_NOFILE: (512, 1024), resource.RLIMIT_CORE: (0, 4096), resource.RLIMIT_NPROC: (4000, 5000)}
USERS = {"/etc/passwd": f"root:x:0:0::/:/bin/sh\nalice:x:{ALICE}:{ALICE}::/:/bin/sh\n",
         "/etc/group": f"root:x:0:\nalice:x:{ALICE}:\naudio:x:{AUDIO}:alice\nvideo:x:{VIDEO}:alice\nstaff:x:50:root\n",
         "/etc/subuid": "", "/etc/subgid": ""}
# Fewer than the kernel has, so that the caller's and all are two things.
LACKING = "-sys_resource,-sys_boot"

# What an ordinary user gets there hangs on programs of others (newuidmap).
NOT_ALICES = ("uidmap",)
# Options by name; {UID}: the caller's; SCRATCH and ROOT: directories; SPACE: of another process.
CAGES = {
    "plain": "",
    "user": "--user alice",
    "user-by-number": "-u 3:4",
    "group": "--group video",
    "group-add": "--group-add video --group-add 5",
    "init-groups": "--user alice --init-groups",
    "keep-groups": "--keep-groups",
    "letters-of-groups": "-u alice -g audio -G",
    "cap-add": "--user 3:4 --cap-add net_bind_service --cap-add CAP_KILL",
    "cap-add-all": "--user 3:4 --cap-add all --cap-drop mknod",
    "cap-drop": "--cap-drop sys_admin",
    "cap-drop-all": "--cap-drop all",
    "cap-drop-all-but": "--cap-drop all --cap-add chown",
    "userns-caps": "--userns private --cap-drop all --cap-add chown",
    "start": "--workdir /usr --umask 027 --ulimit nofile=100:200 --ulimit core=0 --oom-score-adj 500",
    "descriptors": "--preserve-fd 5 --preserve-fd 9",
    "new-session": "--new-session",
    "no-session": "--new-session=false --umask 022",
    "die-with-parent": "--die-with-parent",
    "tty": "--tty --private-dev",
    "clearenv": "--clearenv --env A=1 --env HOME --env MISSING",
    "environment": "--unsetenv TZ --unsetenv MISSING --env B= --env TERM=x",
    "userns": "--userns private",
    "userns-user": "--userns private --user 7:8",
    "uidmap": "--uidmap 0:100000:10 --gidmap 0:200000:20",
    "uidmap-own": "--uidmap 7:{UID}:1 --gidmap 8:{UID}:1",
    "pid": "--pid private",
    "pid-itself": "-I",
    "init": "--init --private-proc",
    "mountns": "--mountns private",
    "net": "--net none",
    "ipc-uts-cgroup-time": "--ipc private --uts private --cgroupns private --timens private",
    "letters": "-v -l -N -e",
    "unshare-all": "--unshare-all --private-proc",
    "unshare-most": "--unshare-all --userns host --net host --pid host",
    "join": "--net ns:SPACE",
    "names": "--hostname box --domainname example",
    "clocks": "--monotonic 10000 --boottime 20000",
    "sysctl": "--net private --sysctl net.ipv4.ip_default_ttl=77",
    "root": "--root ROOT --workdir /home",
    "root-read-only": "-P ROOT --read-only --private-proc --private-dev --private-tmp",
    "propagation": "--propagation rprivate",
    "propagation-usual": "--mountns private",
    "propagation-slave": "--propagation rslave",
    "private": "--private-proc -d --ipc private",
    "volume": "--volume SCRATCH/data:SCRATCH/place:ro --volume SCRATCH/data:SCRATCH/other",
    "tmpfs": "--tmpfs SCRATCH/place:size=64k,mode=700",
    "mount": "--mount type=bind,source=SCRATCH/data,target=SCRATCH/place,readonly "
             "--mount type=tmpfs,target=SCRATCH/other,tmpfs-size=128k",
    "device": "--private-dev --device SCRATCH/null:/dev/hole",
    "masks": "--mask-path /etc/passwd --mask-path SCRATCH/data --read-only-path SCRATCH/work",
    "landlock": "--landlock rx:/ --landlock-strict",
    "landlock-tcp": "--landlock-tcp bind:81 --landlock-strict",
    "landlock-scope": "--landlock-scope signal",
    "full": "--unshare-all --root ROOT --read-only --private-proc --private-dev --private-tmp --hostname box "
            "--clearenv --cap-drop all --landlock rx:/ --ulimit nofile=64 --umask 077",
}


def call(argv):
    """A command that has to succeed."""
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)


def own_mounts(scratch):
    """A mount namespace that the host does not see, with users that are known."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    call(["mount", "--make-rprivate", "/"])
    atexit.register(call, ["umount", "--lazy", scratch])
    call(["mount", "-t", "tmpfs", "-o", "mode=755", "scratch", scratch])
    for place, text in USERS.items():
        path = os.path.join(scratch, os.path.basename(place))
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        if os.path.exists(place):
            call(["mount", "--bind", path, place])


def make_files(scratch):
    """The profile, a root file system, and places to mount at."""
    with open(os.path.join(scratch, "p.json"), "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW",
                   "syscalls": [{"names": ["sched_yield"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}, file)
    os.mknod(os.path.join(scratch, "null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
    for name in ("data", "place", "other", "root", "root/proc", "root/dev", "root/tmp", "root/home", "work"):
        os.mkdir(os.path.join(scratch, name))
    os.chmod(os.path.join(scratch, "work"), 0o777)
    for name in ("root", "root/proc", "root/dev", "root/tmp", "place", "other", "data"):
        os.chmod(os.path.join(scratch, name), 0o755)
    shutil.copy(workload.program("held_state"), os.path.join(scratch, "root"))


def usual():
    """Of the process that becomes the caller: what is not left to chance."""
    os.umask(0o022)
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("100")
    for kind, value in LIMITS.items():
        resource.setrlimit(kind, value)


class As:
    """One who calls: root, or alice."""

    def __init__(self, name, scratch):
        self.name, self.scratch = name, scratch
        self.uid = 0 if name == "root" else ALICE
        groups = f"{self.uid},{AUDIO}"
        self.prefix = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", f"--groups={groups}"]
        self.prefix += [f"--bounding-set={LACKING}", "--"]
        self.caller = Caller(self.run([workload.program("held_state"), "all", "reach"]).stdout.decode(),
                             [(scratch, "SCRATCH")])
        self.usual = self.caller.normal("".join(f"{name}: {value}\n" for name, value in self.caller.pairs))

    def run(self, argv, before=usual, shared=False, **kwargs):
        """As that caller; with `shared`, where all mounts are."""
        prefix = ["unshare", "--mount", "--propagation=shared", *self.prefix] if shared else self.prefix
        return workload.run([*prefix, *argv], cwd=os.path.join(self.scratch, "work"), preexec_fn=before, **kwargs)

    def caged(self, options, dry=(), **kwargs):
        """held_state in a cage; with `dry`, the plan of it."""
        inside = "/held_state" if "ROOT" in options else workload.program("held_state")
        text = options.replace("ROOT", f"{self.scratch}/root").replace("SCRATCH", self.scratch)
        options = text.replace("{UID}", str(self.uid)).split()
        return self.run([workload.SYSCLAMP, "run", "-p", f"{self.scratch}/p.json", *dry, *options, "--", inside, "all", "reach"],
                        **kwargs)

    def misplanned(self, options, result, **kwargs):
        """What the plan says of supplementary groups and the command does not find."""
        if result.returncode:
            return []
        user = json.loads(self.caged(options, dry=["--dry-run=json"], **kwargs).stdout).get("cage", {}).get("user")
        found = dict(parse(result.stdout.decode()))["groups"].split()
        mine = self.caller.fields["groups"].split()
        if not user:
            wanted = mine
        elif user["groups_stay"]:  # those without a number inside are called 65534
            found, wanted = len(found), len(mine)
        else:
            wanted = [str(group) for group in sorted(user["groups"])]
        return [] if found == wanted else [f"as {self.name}: found {found}, planned {wanted}"]

    def told(self, result):
        """The lines of the golden file."""
        lines = [f"as {self.name}: exit status {result.returncode}"]
        said = result.stderr.decode().replace(self.scratch, "SCRATCH")
        lines += [f"! {line}" for line in said.split("\n")[:-1]]
        if result.returncode == 0:
            lines += differences(self.usual, self.caller.normal(result.stdout.decode()))
        return lines


def compare(name, lines):
    """With the golden file."""
    path = os.path.join(GOLDEN, f"{name}.txt")
    if os.environ.get("UPDATE"):
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    try:
        with open(path, encoding="utf-8") as file:
            want = file.read().split("\n")[:-1]
    except FileNotFoundError:
        want = []
    tap.ok(lines == want, f"{name}: what the command finds",
           *difflib.unified_diff(want, lines, f"golden/cage_states/{name}.txt", "found", lineterm=""))


def has_scopes():
    """Whether this kernel's Landlock knows them."""
    return ctypes.CDLL(None).syscall(SYS_LANDLOCK_CREATE_RULESET, None, 0, 1) >= LANDLOCK_SCOPES_ABI


def check_table(callers):
    """Each cage, as each of them."""
    space = subprocess.Popen(["unshare", "--net", "sleep", "1000"])  # pylint: disable=consider-using-with
    tap.wait_until(lambda: os.readlink(f"/proc/{space.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "a namespace")
    for name, options in CAGES.items():
        if "scope" in options and not has_scopes():
            tap.skip("landlock", f"{name}: what the command finds", "this kernel's Landlock has no scopes")
            continue
        lines, wrong = [f"options: {options}"], []
        for caller in callers[:1] if name in NOT_ALICES else callers:
            said, how = options.replace("SPACE", f"/proc/{space.pid}/ns/net"), {"pass_fds": (5, 9, 11)}
            result = caller.caged(said, shared="propagation" in name, **how)
            wrong += caller.misplanned(said, result, **how)
            lines += [line.replace(f"/proc/{space.pid}/", "/proc/PID/") for line in caller.told(result)]
        compare(name, lines)
        tap.equal(wrong, [], f"{name}: the plan says its groups")
    space.kill()
    space.wait()


def check_complete():
    """No option is missing in the table."""
    text = workload.sysclamp("run", "--help-cage").stdout.decode()
    known = set(re.findall(r"^ {2}(?:-\w, |    )(--[\w-]+)", text, re.M))
    used = {word.partition("=")[0] for options in CAGES.values() for word in options.split()}
    tap.equal(sorted(known - used), [], "each option of --help-cage is in a cage")
    tap.ok(len(known) > 50, "there are many", len(known))


def check_kept(alice):
    """Groups that are to be kept and have no number in a range of newgidmap(1) are not dropped in silence."""
    ranges = [os.path.join(alice.scratch, os.path.basename(place)) for place in ("/etc/subuid", "/etc/subgid")]
    what = "--keep-groups with mapped ranges"
    if not shutil.which("newgidmap") or not os.path.exists("/etc/subgid"):
        tap.skip("uidmap", what, "not installed")
        return
    for path in ranges:
        with open(path, "w", encoding="ascii") as file:
            file.write("alice:300000:1000\n")
    options = f"--uidmap 0:{ALICE}:1 --uidmap 1:300000:10"
    done = alice.caged(options)
    tap.ok(done.returncode == 0 and not alice.misplanned(options, done), "mapped ranges: the groups go, as planned", done)
    done = alice.caged(f"{options} --keep-groups")
    tap.ok(done.returncode == 2 and not done.stdout and f"group {AUDIO} has no number inside" in done.stderr.decode(), what, done)
    for path in ranges:
        os.truncate(path, 0)


def check_outside(scratch):
    """Whatever becomes of mounts inside, the caller's are as they were."""
    command = f"{workload.SYSCLAMP} run -p {scratch}/p.json --propagation $0 -- true; cat /proc/self/mountinfo"
    for way in ("private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"):
        plain, after = (workload.run(["unshare", "--mount", "--propagation=shared", "sh", "-c", script, way]).stdout.count(b"\n")
                        for script in ("cat /proc/self/mountinfo", command))
        tap.equal(after, plain, f"--propagation {way}: no mount goes out to the caller")


def odd():
    """A caller who leaves its process as untidy as can be."""
    usual()
    os.umask(0o137)
    for kind, value in ((resource.RLIMIT_NOFILE, (300, 400)), (resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))):
        resource.setrlimit(kind, value)
    for signo in (signal.SIGUSR1, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(signo, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGTERM})
    os.nice(5)


def check_odd(callers):
    """What reaches the command of a caller with 50 descriptors, signals ignored and blocked, and so on."""
    fds = tuple(range(20, 70))
    for fd in fds:
        os.dup2(0, fd)
    env = {"LD_DEBUG_OUTPUT": "/nonexistent", "BASH_FUNC_x%%": "() { :; }", "EMPTY": "", "LANG": "de_DE", "MALLOC_CHECK_": "3"}
    for name, options in (("odd-plain", ""), ("odd-cage", "--umask 022"), ("odd-init", "--init --private-proc"),
                          ("odd-full", CAGES["full"]), ("odd-tty", CAGES["tty"])):
        lines = [f"options: {options}"]
        for caller in callers:
            lines += caller.told(caller.caged(options, before=odd, env=env, pass_fds=fds))
        compare(name, lines)
    for fd in fds:
        os.close(fd)


def main():
    """All of it."""
    check_complete()
    if os.geteuid():
        tap.skip("root", "what the command finds", "to be root and an ordinary user takes root")
        tap.done()
    scratch = tap.scratch()
    own_mounts(scratch)
    workload.share(scratch)
    make_files(scratch)
    for fd in (5, 9, 11):
        os.dup2(0, fd)
    callers = [As("root", scratch), As("alice", scratch)]
    check_table(callers)
    for fd in (5, 9, 11):
        os.close(fd)
    check_odd(callers)
    check_kept(callers[1])
    check_outside(scratch)
    tap.done()


main()
