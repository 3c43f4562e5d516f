#!/usr/bin/python3
"""run --config: a file holds a command as the options would, as root and as an ordinary user."""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
UID = 65534
SHOW = ("id -u; umask; ulimit -n; cat /proc/sys/kernel/hostname; ls -A /tmp | wc -l; tr '\\0' '\\n' </proc/self/environ | sort; "
        "grep -E '^(CapBnd|NoNewPrivs|Seccomp)' /proc/self/status; readlink /proc/self/cwd; ls /proc/$$/fd")


def put(name, value):
    """A file of the scratch directory."""
    path = os.path.join(SCRATCH, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(value if isinstance(value, str) else json.dumps(value))
    return path


def run(who, *args, **kwargs):
    """sysclamp run, as root or not."""
    command = [workload.SYSCLAMP, "run", *args]
    if who == "user" and os.geteuid() == 0:
        command = workload.as_user(command, UID)
    return workload.run(command, **{"cwd": "/", **kwargs})


def check_equal(who):
    """A file and the same as options: the command finds the same."""
    allow = put("allow.json", {"defaultAction": "SCMP_ACT_ALLOW"})
    value = {"profile": allow, "umask": "027", "ulimit": ["nofile=50:60"], "hostname": "web", "private-tmp": True,
             "clearenv": True, "env": ["PATH=/usr/bin:/bin", "A=b"], "cap-drop": "all", "workdir": "/usr",
             "userns": "private", "user": "5:6", "command": ["sh", "-c", SHOW]}
    options = ["-p", allow]
    for key, said in value.items():
        for each in said if isinstance(said, list) else [said]:
            if key not in ("profile", "command"):
                options += [f"--{key}"] if each is True else [f"--{key}", each]
    by_file = run(who, "--config", put("web.json", value))
    by_options = run(who, *options, "--", "sh", "-c", SHOW)
    tap.ok(by_file.returncode == 0 and by_file.stdout.startswith(b"5\n0027\n50\nweb\n0\n") and not by_file.stderr,
           f"held as the file says, {who}", by_file)
    tap.equal((by_file.stdout, by_file.stderr, by_file.returncode),
              (by_options.stdout, by_options.stderr, by_options.returncode), f"as the options would, {who}")
    shown = json.loads(run(who, "--config", os.path.join(SCRATCH, "web.json"), "--dry-run=json").stdout)
    same = json.loads(run(who, *options, "--dry-run=json", "--", "sh", "-c", SHOW).stdout)
    for plan in (shown, same):
        for space in plan["cage"]["namespaces"]:
            space.pop("because", None)
    tap.equal(shown, same, f"the plans are the same, {who}")
    got = run(who, "--config", os.path.join(SCRATCH, "web.json"), "--umask", "077", "--env", "A=c", "--", "sh", "-c",
              "umask; echo $A")
    tap.equal((got.stdout, got.returncode), (b"0077\nc\n", 0), f"options and words come after it, {who}", got)
    with open(os.path.join(SCRATCH, "web.json"), "rb") as file:
        got = run(who, "--config", "-", "--", "sh", "-c", "umask; cat", stdin=file.read())
    tap.equal((got.stdout, got.returncode), (b"0027\n", 0), f"from standard input, {who}", got)


def check_filter(who):
    """The profile and its moment are the file's, too; a profile that is not there stops it."""
    ran = os.path.join(SCRATCH, "ran")
    denies = put("denies.json", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]})
    got = run(who, "--config", put("f.json", {"profile": [denies], "at": "main", "command": ["mkdir", ran]}))
    tap.ok(got.returncode == 1 and b"not permitted" in got.stderr, f"a profile, from main on, {who}", got)
    for what, value in (("a profile", {"profile": "/none"}), ("an unknown field", {"umask": "022", "umsk": "077"}),
                        ("a value", {"umask": "099"}), ("a moment without a profile", {"at": "main"}),
                        ("JSON", '{"umask": "022", "command": ["true"]')):
        path = put("bad.json", value if isinstance(value, str) else {**value, "command": ["mkdir", ran]})
        got = run(who, "--config", path)
        tap.ok(got.returncode in (2, 125) and got.stderr.count(b"\n") == 1 and not os.path.exists(ran),
               f"{what} that is wrong: nothing has run, {who}", got)
    got = run(who, "--config", os.path.join(SCRATCH, "none.json"), "--", "true")
    tap.ok(got.returncode == 125 and b"none.json: No such file" in got.stderr, f"a file that is not there, {who}", got)


def main():
    """All of it."""
    workload.share(SCRATCH)
    if run("user", "--userns", "private", "--mountns", "private", "--", "true").returncode:
        tap.skip("userns", "cages", "no user namespaces")
        tap.done()
    for who in ("root", "user"):
        if who == "root" and os.geteuid():
            tap.skip("root", "as root", "needs root")
            continue
        check_equal(who)
        check_filter(who)
    tap.done()


if __name__ == "__main__":
    main()
