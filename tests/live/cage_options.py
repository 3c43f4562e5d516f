#!/usr/bin/python3
"""Each option of the cage, by what the command finds: as root, and as an ordinary user.

A row says what is asked for, what the command does, and what it must print.  Where an ordinary user may not,
the error says so, and nothing has run.
"""
import contextlib
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
TREE = os.path.join(SCRATCH, "tree")
PLAIN = os.path.join(SCRATCH, "allow.json")
UID = 65534
BOTH, ROOT, USER = ("root", "user"), ("root",), ("user",)
STATUS = "/proc/self/status"


def caged(who, options, argv, **kwargs):
    """Run a command in a cage, as root or not."""
    command = [workload.SYSCLAMP, "run", *options, "--", *argv]
    if who == "user" and os.geteuid() == 0:
        command = workload.as_user(command, UID)
    return workload.run(command, **{"cwd": "/", **kwargs})


def can(who):
    """Whether it can be tried here."""
    return who == "user" or os.geteuid() == 0


def uid_of(who):
    """Who the caller is."""
    return UID if who == "user" and os.geteuid() == 0 else os.geteuid()


# Name, options, shell script, what it must print (a whole match), for whom.
ROWS = [
    ("user and group", ["--user", "7:8"], "id -u; id -g; id -G", "7\n8\n8\n", ROOT),
    ("user by name", ["-u", "nobody"], "id -un", "nobody\n", ROOT),
    ("group", ["--group", "9"], "id -u; id -g", "0\n9\n", ROOT),
    ("groups", ["-u", "7:8", "--group-add", "9", "--group-add", "root"], "id -G", "8 0 9\n", ROOT),
    ("keep-groups", ["-u", "7:8", "-y"], "id -G | tr ' ' '\\n' | sort -n | tr '\\n' ' '", ".*", ROOT),
    ("a number in a user namespace", ["--userns", "private", "--user", "7:8"], "id -u; id -g", "7\n8\n", BOTH),
    ("user 0 of a namespace", ["--user", "0:0", "--userns", "private"], f"id -u; grep CapEff {STATUS}",
     "0\nCapEff:\t0*800405fb\n", BOTH),
    ("everything in a namespace", ["--user", "0:0", "--userns", "private", "--cap-add", "all"],
     f"grep CapEff {STATUS}", "CapEff:\t0*1f+\n", BOTH),
    ("as root without one", ["--umask", "022"], f"grep CapEff {STATUS} | tr -d '\\n'; grep CapEff /proc/$PPID/status",
     r"(CapEff:\t\w+)\1\n", ROOT),
    ("the caller in a namespace", ["--userns", "private"], "id -u; cat /proc/self/uid_map",
     r"(\d+)\n +\1 +\1 +1\n", BOTH),
    ("maps", ["--uidmap", "0:100000:10", "--gidmap", "0:200000:10"],
     "id -u; cat /proc/self/uid_map /proc/self/gid_map", r"0\n +0 +100000 +10\n +0 +200000 +10\n", ROOT),
    ("one map for both", ["--uidmap", "0:100000:10", "-u", "3:4"], "id -u; id -g; cat /proc/self/gid_map",
     r"3\n4\n +0 +100000 +10\n", ROOT),
    ("no capabilities", ["--cap-drop", "all"], f"grep Cap {STATUS}",
     r"(Cap\w+:\t0+\n){5}", ROOT),
    ("some", ["--cap-drop", "all", "--cap-add", "chown,kill"], f"grep Cap {STATUS}",
     r"CapInh:\t0+\nCapPrm:\t0+21\nCapEff:\t0+21\nCapBnd:\t0+21\nCapAmb:\t0+\n", ROOT),
    ("ambient ones", ["-u", "7:7", "--cap-add", "chown", "--cap-drop", "kill"], f"grep Cap {STATUS} | tr '\\n' ' '",
     r"CapInh:\t0+1 CapPrm:\t0+1 CapEff:\t0+1 CapBnd:\t0*[1-9a-f][0-9a-f]*[13579bdf]?.* CapAmb:\t0+1 ", ROOT),
    ("ambient ones of a namespace", ["--userns", "private", "-u", "7:7", "--cap-add", "chown"],
     f"grep CapEff {STATUS}", "CapEff:\t0+1\n", BOTH),
    ("umask", ["--umask", "027"], "umask", "0027\n", BOTH),
    ("limits", ["--ulimit", "nofile=20:30", "--ulimit", "core=0"], "ulimit -Sn; ulimit -Hn; ulimit -c", "20\n30\n0\n",
     BOTH),
    ("OOM score", ["--oom-score-adj", "500"], "cat /proc/self/oom_score_adj", "500\n", BOTH),
    ("directory", ["--workdir", "/usr"], "pwd; readlink /proc/self/cwd", "/usr\n/usr\n", BOTH),
    ("a session", ["--umask", "022"], "awk '{ print ($1 == $6) ? \"leads\" : \"not\" }' /proc/$$/stat", "leads\n",
     BOTH),
    ("none", ["--umask", "022", "--new-session=false"],
     "awk '{ print ($1 == $6) ? \"leads\" : \"not\" }' /proc/$$/stat", "not\n", BOTH),
    ("environment", ["--umask", "022", "--clearenv", "--env", "A=b", "--env", "HOME", "--env", "NONE", "--env", "E="],
     "tr '\\0' '\\n' < /proc/$$/environ", "A=b\nHOME=/nonexistent\nE=\n", BOTH),
    ("environment, less", ["--umask", "022", "--unsetenv", "HOME", "--env", "TERM=x"], "echo ${HOME-unset} $TERM $LC_ALL",
     "unset x C\n", BOTH),
    ("process IDs", ["--pid", "private", "--private-proc"], "echo $$; cat /proc/1/comm", "2\nsysclamp\n", BOTH),
    ("process 1", ["-I", "--private-proc"], "echo $$; cat /proc/1/comm", "1\nsh\n", BOTH),
    ("network", ["--net", "none"], "tail -n +3 /proc/net/dev | sed 's/:.*//'", " *lo\n", BOTH),
    ("minijail's letters", ["-e", "-l", "-N", "-v"], "tail -n +3 /proc/net/dev | sed 's/:.*//'", " *lo\n", BOTH),
    ("names", ["--hostname", "web", "--domainname", "example"],
     "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname", "web\nexample\n", BOTH),
    ("clocks", ["--boottime", "864000", "--monotonic=-1"], "cat /proc/self/timens_offsets",
     r"monotonic +-1 +0\nboottime +864000 +0\n", BOTH),
    ("kernel parameters", ["--net", "none", "--sysctl", "net.ipv4.ip_default_ttl=17"],
     "cat /proc/sys/net/ipv4/ip_default_ttl", "17\n", BOTH),
    ("private /tmp", ["--private-tmp"], "ls -A /tmp; stat -c %a /tmp; echo x > /tmp/x; cat /tmp/x", "1777\nx\n", BOTH),
    ("private /dev", ["--private-dev"], "cd /dev; echo *; head -c 1 zero | od -An -tx1; echo x > null",
     r"fd full( mqueue)? null ptmx pts random shm stderr stdin stdout tty urandom zero\n 00\n", BOTH),
    ("a device among them", ["--private-dev", "--device", "/dev/null:/dev/nothing"], "echo x > /dev/nothing; ls /dev | wc -l",
     r"\d+\n", BOTH),
    ("private /proc", ["--private-proc"], "ls -d /proc/[0-9]* | wc -l", r"[1-9]\n", BOTH),
    ("a volume", ["--volume", f"{TREE}:/mnt"], "cat /mnt/file; stat -f -c %T /mnt >/dev/null; echo x > /mnt/new; rm /mnt/new",
     "content\n", BOTH),
    ("a volume, read-only", ["--volume", f"{TREE}:/mnt:ro"], "cat /mnt/file; echo x 2>/dev/null >/mnt/new || echo no",
     "content\nno\n", BOTH),
    ("an optional one", ["--volume", f"{TREE}/none:/mnt:optional"], "echo ran", "ran\n", BOTH),
    ("a colon in a path", ["--volume", f"{TREE}/a\\:b:/mnt"], "cat /mnt/in", "colon\n", BOTH),
    ("a tmpfs", ["--tmpfs", "/mnt:size=64k,mode=700"], "stat -c %a /mnt; df -k /mnt | awk 'END { print $2 }'",
     "700\n64\n", BOTH),
    ("a mount", ["--mount", "type=tmpfs,target=/mnt,ro"], "echo x 2>/dev/null > /mnt/new || echo no", "no\n", BOTH),
    ("masked", ["--mask-path", f"{TREE}/file", "--mask-path", f"{TREE}/sub"],
     f"cat {TREE}/file; ls {TREE}/sub; echo end", "end\n", BOTH),
    ("read-only", ["--read-only-path", TREE], f"echo x 2>/dev/null > {TREE}/new || cat {TREE}/file", "content\n", BOTH),
    ("a root", ["--root", "/", "--read-only", "--tmpfs", "/tmp"], "pwd; echo x 2>/dev/null > /new || echo no; echo x > /tmp/x",
     "/\nno\n", BOTH),
    ("everything private", ["--unshare-all", "--private-proc"],
     "for n in ipc net uts cgroup mnt pid; do readlink /proc/self/ns/$n; done", r"(\w+:\[\d+\]\n){6}", BOTH),
    ("a filter, too", ["-p", PLAIN, "--private-tmp"], f"grep Seccomp: {STATUS}",
     "Seccomp:\t2\n", BOTH),
]


def check_rows():
    """All rows."""
    for name, options, script, wanted, whom in ROWS:
        for who in whom:
            if not can(who):
                tap.skip("root", name, "needs root")
                continue
            got = caged(who, options, ["sh", "-c", script])
            tap.ok(got.returncode == 0 and re.fullmatch(wanted, got.stdout.decode()) and not got.stderr,
                   f"{name}, {who}", got)


with open("/proc/sys/net/ipv4/ip_default_ttl", encoding="ascii") as _file:
    TTL = f"net.ipv4.ip_default_ttl={_file.read().strip()}"

# Name, options, status, what is said, for whom.
REFUSED = [
    ("another user", ["--user", "7:8"], 125, "takes CAP_SETUID; with --userns private", USER),
    ("another group", ["--group", "7"], 125, "takes CAP_SETGID", USER),
    *((f"{what}{' in the plan' if plan else ''}", [*options, *plan], 125, wanted, whom)
      for what, options, wanted, whom in (
          ("a group more", ["--group-add", "9"], "takes CAP_SETGID", USER),
          ("one of one's own namespace", ["--userns", "private", "--group-add", "9"], "your own group alone has none", USER),
          ("one without a number", ["--userns", "private", "--group-add", "9"], "group 9: the user namespace has no", ROOT))
      for plan in ([], ["--dry-run"])),
    ("a capability", ["--cap-add", "chown"], 125, "the caller does not have CAP_CHOWN", USER),
    ("a number without one", ["--uidmap", "0:1:10", "--user", "11:0"], 2, "user 11 has no number outside", BOTH),
    ("a source that is missing", ["--volume", f"{TREE}/none:/mnt"], 125, f"--volume {TREE}/none:/mnt", BOTH),
    *((f"alone, {option}", [option], 2, "no profile given (-p PROFILE), nor what else holds a command (--help-cage)", BOTH)
      for option in ("--clearenv", "--env=A=b", "--unsetenv=A", "--init=false")),
    ("the root as a volume", ["--volume", "/:/:ro"], 125, "/ is the root itself: for another one say --root", BOTH),
    ("the root as a path", ["--read-only-path", "/"], 125, "make the whole root read-only (--read-only; ", BOTH),
    ("a root that is missing", ["--root", f"{TREE}/none"], 125, f"--root {TREE}/none", BOTH),
    ("a file as root", ["--root", f"{TREE}/file"], 125, f"--root {TREE}/file", BOTH),
    ("a directory that is hidden", ["--private-tmp", "--workdir", TREE], 125, f"--workdir {TREE}", BOTH),
    ("a namespace that is missing", ["--net", "ns:/proc/self/ns/none"], 125, "--net ns:/proc/self/ns/none", BOTH),
    ("one of another kind", ["--net", "ns:/proc/self/ns/uts"], 125, "--net ns:/proc/self/ns/uts", ROOT),
    ("a limit above the hard one", ["--ulimit", "nofile=18446744073709551614"], 125, "--ulimit nofile", USER),
    ("a path of Landlock's", ["--landlock", f"ro:{TREE}/none"], 125, f"--landlock ro:{TREE}/none", BOTH),
    ("the host's parameter", ["--sysctl", "kernel.panic=1", "--unshare-all"], 2, "on the host", BOTH),
    ("the caller's namespace, joined", ["--net", "ns:/proc/self/ns/net", "--sysctl", TTL], 125, "the caller's own", ROOT),
    ("a recording inside", ["--on-deny", "learn", "-o", "/x", "--private-tmp"], 2, "outside", BOTH),
    ("a value for a switch", ["--private-tmp=yes"], 2, "--private-tmp: it is true or false", BOTH),
    ("an unknown option", ["--private-tmpp"], 2, "unknown option --private-tmpp", BOTH),
    ("two files of --config", ["--config", PLAIN, "--config", PLAIN], 2, "--config: given twice", BOTH),
    ("two profiles for later", ["--at", "main", "--then", PLAIN, "--then", PLAIN], 2, "--then: given twice", BOTH),
    ("no such command", ["--private-tmp", "--env", "PATH=/nowhere"], 127, "not found", BOTH),
]


def check_refused():
    """What cannot be is one line, and runs nothing."""
    for name, options, status, wanted, whom in REFUSED:
        for who in whom:
            if not can(who):
                tap.skip("root", name, "needs root")
                continue
            ran = os.path.join(SCRATCH, "ran")
            got = caged(who, options, ["touch", ran])
            said = workload.error_lines(got.stderr.decode())
            tap.ok(got.returncode == status and len(said) == 1 and wanted in said[0] and not os.path.exists(ran),
                   f"{name}, {who}: {status}", got)


def check_read_only():
    """Nothing that is mounted outside can be written to, either; what the command mounts can."""
    if not os.path.ismount("/dev/shm"):
        tap.skip("shm", "read-only, what is mounted", "/dev/shm is no mount here")
        return
    place = f"/dev/shm/{os.path.basename(SCRATCH)}"
    for who in filter(can, BOTH):
        for name, options, wanted in (("outside", [], "no\n"), ("inside", ["--tmpfs", "/dev/shm"], "x\n")):
            script = f"(echo x > {place}) 2>/dev/null && cat {place} || echo no; echo > /dev/null"
            got = caged(who, ["--read-only", *options], ["sh", "-c", script])
            tap.equal((got.returncode, got.stdout.decode(), os.path.exists(place)), (0, wanted, False),
                      f"read-only, what is mounted {name}, {who}", got)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(place)


def check_descriptors():
    """All but 0, 1, 2 and what is passed are closed."""
    read, write = os.pipe()
    command = ["sh", "-c", "ls /proc/$$/fd; echo x >&%d" % write]
    for who in BOTH:
        if not can(who):
            continue
        kept = (read, write)
        got = caged(who, ["--umask", "022", "--preserve-fd", str(write)], command, pass_fds=kept)
        shown = {int(fd) for fd in got.stdout.split()}
        tap.ok(write in shown and read not in shown and os.read(read, 2) == b"x\n",
               f"descriptors: {write} is passed, {read} is not, {who}", got)
        got = caged(who, ["--umask", "022"], ["sh", "-c", "ls /proc/$$/fd"], pass_fds=kept)
        tap.ok(not {read, write} & {int(fd) for fd in got.stdout.split()}, f"descriptors: none is passed, {who}", got)
    got = caged("user", ["--preserve-fd", "77"], ["true"])
    tap.ok(got.returncode == 2 and b"descriptor 77 is not open" in got.stderr, "one that is not open", got)
    os.close(read)
    os.close(write)


def check_directory():
    """The working directory is no way to what is hidden."""
    for who in BOTH:
        if not can(who):
            continue
        got = caged(who, ["--volume", f"{TREE}/sub:{TREE}"], ["sh", "-c", "cat file; cat below"], cwd=TREE)
        tap.equal((got.stdout, got.returncode), (b"below\n", 0), f"what is mounted there is seen, {who}", got)
        got = caged(who, ["--private-tmp"], ["sh", "-c", "cat file"], cwd=TREE)
        tap.ok(got.returncode == 125 and b"--workdir" in got.stderr and not got.stdout,
               f"a working directory that is hidden is an error, {who}", got)


def check_parent():
    """It ends with the launcher, if that is asked for."""
    for who in BOTH:
        if not can(who):
            continue
        command = [workload.SYSCLAMP, "run", "--die-with-parent", "--umask", "022", "--", "sh", "-c", "echo $$; exec sleep 600"]
        if who == "user" and os.geteuid() == 0:
            command = workload.as_user(command, UID)
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=workload.ENVIRON, cwd="/") as process:
            pid = int(process.stdout.readline())
            process.kill()
            process.wait()
            tap.wait_until(lambda: tap.state_of(pid) in ("", "Z"), f"process {pid} ends")
            tap.ok(True, f"it ends with the launcher, {who}")
        tap.reap()


def check_groups():
    """A plan names groups that can be had."""
    if can("root"):
        got = caged("root", ["--dry-run", "-u", "7:8", "--group-add", "9", "--group-add", "10"], ["true"])
        tap.ok(b"user          7:8, groups: 9 10\n" in got.stdout, "the plan of groups", got)


def check_bundle():
    """A bundle's plan is shown; nothing else says what is in it."""
    bundle = os.path.join(SCRATCH, "bundle")
    os.makedirs(os.path.join(bundle, "rootfs"))
    with open(os.path.join(bundle, "config.json"), "w", encoding="utf-8") as file:
        file.write('{"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "process": {"args": ["sh"], "cwd": "/", '
                   '"env": ["A=b"], "user": {"uid": 0, "gid": 0}, "noNewPrivileges": true}, '
                   '"linux": {"namespaces": [{"type": "mount"}, {"type": "user"}]}}')
    got = caged(BOTH[0] if can("root") else "user", ["--bundle", bundle, "--dry-run"], [])
    tap.ok(got.returncode == 0 and f"{bundle}/rootfs" in got.stdout.decode() and b"execute       sh\n" in got.stdout,
           "--bundle: the plan", got)
    for options, words in ((["--umask", "022"], []), (["--env", "A=b"], []), ([], ["true"]), (["--new-privs"], [])):
        got = caged("user", ["--bundle", bundle, "--dry-run", *options], words)
        tap.ok(got.returncode == 2 and b"--bundle: its" in got.stderr, f"--bundle and {options or words}", got)


def check_help():
    """It fits a screen, and lists what there is."""
    got = workload.sysclamp("run", "--help-cage")
    lines = got.stdout.decode().splitlines()
    tap.ok(got.returncode == 0 and all(len(line) <= 88 for line in lines), "--help-cage", got)
    got = workload.sysclamp("run", "--help")
    lines = got.stdout.decode().splitlines()
    tap.ok(got.returncode == 0 and len(lines) <= 30 and all(len(line) <= 88 for line in lines), "--help fits a screen", got)


def main():
    """All of it."""
    workload.share(SCRATCH)
    os.makedirs(os.path.join(TREE, "sub"))
    os.makedirs(os.path.join(TREE, "a:b"))
    for name, text in (("file", "content\n"), ("sub/below", "below\n"), ("sub/file", ""), ("a:b/in", "colon\n")):
        with open(os.path.join(TREE, name), "w", encoding="utf-8") as file:
            file.write(text)
    os.chmod(TREE, 0o777)
    with open(PLAIN, "w", encoding="utf-8") as file:
        file.write('{"defaultAction": "SCMP_ACT_ALLOW"}')
    check_help()
    check_groups()
    check_bundle()
    if caged("user", ["--userns", "private", "--mountns", "private"], ["true"]).returncode:
        tap.skip("userns", "cages", "no user namespaces")
        tap.done()
    check_rows()
    check_refused()
    check_read_only()
    check_descriptors()
    check_directory()
    check_parent()
    tap.done()


if __name__ == "__main__":
    main()
