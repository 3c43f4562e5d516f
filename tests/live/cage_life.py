#!/usr/bin/python3
"""How a command in a cage ends, and what ends it: the engine by itself, as root and as an ordinary user.

Each is tried of a command that the launcher's child becomes, and of one that process 1 of ours waits for.
"""
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import caged  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

INIT = ["ns=pid", "init"]
WAYS = [("becomes it", []), ("waits for it", INIT), ("waits for it, in a session", [*INIT, "session"])]
KILLS = os.path.join(caged.SCRATCH, "kills.json")
PLAIN = os.path.join(caged.SCRATCH, "plain")

# The command; its status; what is said.
ENDS = [
    (["true"], 0, ""),
    (["sh", "-c", "exit 7"], 7, ""),
    (["/nonexistent"], 127, "/nonexistent: command not found"),
    (["no-such-command"], 127, "no-such-command: command not found"),
    ([PLAIN], 126, "neither a program of this machine nor a script"),
    (["/etc/passwd"], 126, "permission denied"),
    (["/"], 126, "permission denied"),
]
# What does not go together, or cannot be had: 125 and words of the message.
REFUSED = [
    (["host=x"], "a host or domain name takes a UTS namespace"),
    (["domain=x"], "a host or domain name takes a UTS namespace"),
    (["boottime=5"], "clocks take a time namespace"),
    (["proc"], "take a mount namespace"),
    (["root=/"], "take a mount namespace"),
    (["init"], "an init takes a PID namespace"),
    (["uids=0:0:1"], "maps of IDs take a user namespace"),
    (["ns=user"], "takes a map of users and one of groups"),
    (["pass=77"], "descriptor 77, to be passed: Bad file descriptor"),
    (["session", "limit=7:5:3"], "limit: Invalid argument"),
    (["session", "limit=99:5:5"], "limit: Invalid argument"),
    (["oom=5000"], "OOM score adjustment 5000"),
    (["cwd=/nonexistent"], "cwd: /nonexistent: No such file"),
]
# Of an ordinary user without a user namespace.
LACKING = [
    (["ns=net"], "take CAP_SYS_ADMIN: run as root, or with a user namespace of their own (--userns private)"),
    (["user=1:1"], "CAP_SETGID: run as root, or with --userns private"),
    (["caps=0,0,0,0,0"], "CAP_SETPCAP (run as root, or with --userns private)"),
    (["caps=1ffffffffff,400,400,0,0"], "does not have CAP_NET_BIND_SERVICE: run as root, or with --userns private"),
    (caged.user_space(0), "newgidmap"),
    ([*caged.user_space(caged.NOBODY), "user=0:0", "groups=5"], "newgidmap"),
    ([*caged.user_space(caged.NOBODY), "user=5:0"], "user 5: the user namespace has no such number"),
]


def check_ends(who):
    """Exit statuses."""
    for name, words in WAYS:
        for argv, status, said in ENDS:
            got = who.run(*words, "umask=022", argv=argv)
            tap.ok(got.returncode == status and said in got.stderr.decode() and len(got.stderr.splitlines()) == bool(said),
                   f"{who.name}, the child {name}: {argv} gives {status}", got.returncode, got.stderr)
        got = who.run(*words, f"profile={KILLS}", argv=[caged.STATE])
        tap.equal(got.returncode, 128 + signal.SIGSYS, f"{who.name}, the child {name}: killed by the profile",
                  got.stderr.decode())
    for signo in (signal.SIGKILL, signal.SIGTERM):
        got = who.run(*INIT, argv=["sh", "-c", f"kill -{int(signo)} $$"])
        tap.equal(got.returncode, 128 + signo, f"{who.name}: ended by {signo.name} behind an init")


def check_refused(who):
    """Nothing of it falls back to what the caller has, or to less."""
    rows = [(words, said, bool(who.base) and words[0] not in ("ns=user", "uids=0:0:1")) for words, said in REFUSED]
    if who.ids:
        rows += [(words, said, False) for words, said in LACKING]
    for words, said, base in rows:
        line = who.words(*words, argv=["echo", "ran"], base=base)
        # Should it not be refused, root would change names and mounts: not those of the host.
        got = workload.run(line if who.ids else ["unshare", "--uts", "--mount", *line], cwd="/")
        tap.ok(got.returncode == 125 and said in got.stderr.decode() and not got.stdout
               and len(got.stderr.splitlines()) == 1, f"{who.name}: {words} is refused", got.returncode, got.stderr,
               got.stdout)


def start(who, *words, argv):
    """A launcher that runs on; its command has said "started"."""
    process = subprocess.Popen(who.words(*words, argv=argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/",
                               env=workload.ENVIRON)
    process.stdout.readline()
    return process


def finish(process, data=b""):
    """The rest of the output, and the exit status."""
    out, _ = process.communicate(data, timeout=workload.DEADLINE_S)
    return out.decode(), process.returncode


def check_signals(who):
    """Those that are sent to the launcher reach the command, once each."""
    numbers = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2]
    for name, words in [*WAYS, ("waits for it, which is held later", ["at=exec"])]:
        argv = [workload.program("count_signals"), *[str(int(signo)) for signo in numbers]]
        process = start(who, *words, f"profile={caged.PROFILE}", argv=argv)
        heard = []
        for signo in numbers:
            process.send_signal(signo)
            heard.append(process.stdout.readline().decode())
        rest, status = finish(process, b"end\n")
        tap.equal((heard, rest, status), ([f"caught {int(signo)}\n" for signo in numbers], "seen 6\n", 5),
                  f"{who.name}, the child {name}: signals are sent on")
        process = start(who, *words, f"profile={caged.PROFILE}", argv=["sh", "-c", "echo started; exec sleep 1000"])
        process.send_signal(signal.SIGTERM)
        status = finish(process)[1]
        tap.equal(status, 128 + signal.SIGTERM, f"{who.name}, the child {name}: SIGTERM ends it") \
            if words else tap.equal(status, 143, f"{who.name}: SIGTERM ends it")


def check_init(who):
    """Process 1 reaps, and with the command all ends."""
    script = 'p=$(sh -c "true & echo \\$!"); while kill -0 "$p" 2>/dev/null; do :; done; echo reaped'
    got = who.run(*INIT, argv=["sh", "-c", script])
    tap.equal(got.stdout, b"reaped\n", f"{who.name}: orphans are reaped", got.stderr.decode())
    got = who.run(*INIT, argv=["sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & exit 3"])
    tap.ok(got.returncode == 3 and not tap.descendants(), f"{who.name}: with the command all that it left ends",
           got.returncode, tap.descendants())


def check_killed(who):
    """A launcher that is killed, and a process 1 that is."""
    for name, words in (("becomes it", []), ("waits for it", INIT), ("waits for it, held later", ["at=exec"])):
        process = start(who, "with_parent", f"profile={caged.PROFILE}", *words,
                        argv=["sh", "-c", "echo started; exec sleep 1000"])
        process.kill()
        process.wait()
        out = process.stdout.read()  # until nobody holds the other end
        tap.wait_until(lambda: tap.reap() or not tap.descendants(), "all has ended")
        tap.equal(out, b"", f"{who.name}, the child {name}: it ends with its launcher")
        process.stdin.close()
        process.stdout.close()
    process = start(who, *INIT, argv=["sh", "-c", "echo started; exec sleep 1000"])
    os.kill(tap.children_of(process.pid)[0], signal.SIGKILL)
    tap.equal(finish(process)[1], 137, f"{who.name}: a process 1 that is killed")
    tap.equal(tap.descendants(), [], f"{who.name}: and the command with it")


def check_hooks(who):
    """The hooks run in their order, around the command, also when it does not start."""
    log = os.path.join(caged.SCRATCH, f"hooks-{who.ids}")
    times = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
    for name, words in (("becomes it", []), ("waits for it", INIT)):
        for argv, want in ((["sh", "-c", f"while ! grep -q poststart {log}; do :; done; echo command >>{log}"],
                            [*times[:5], "command", times[5]]), (["/nonexistent"], [*times[:4], times[5]])):
            with open(log, "w", encoding="ascii"):
                os.chmod(log, 0o666)
            hooks = []
            for number, time in enumerate(times):
                path = os.path.join(caged.SCRATCH, time)
                with open(path, "w", encoding="ascii") as file:
                    file.write(f"#!/bin/sh\necho {time} >>{log}\n")
                os.chmod(path, 0o755)
                hooks.append(f"hook={number}:{path}")
            got = who.run(*words, *hooks, argv=argv)
            with open(log, encoding="ascii") as file:
                ran = file.read().split()
            if words and argv == ["/nonexistent"]:
                ran = [time for time in ran if time != "poststart"]  # it is about to be executed then
            tap.equal(ran, want, f"{who.name}, the child {name}: hooks around {argv[0]}", got.stderr.decode())
    bad = os.path.join(caged.SCRATCH, "bad")
    with open(bad, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexit 3\n")
    os.chmod(bad, 0o755)
    for number, time in enumerate(times):
        got = who.run(f"hook={number}:{bad}", argv=["sh", "-c", "trap '' TERM; read line; exit 4"])
        want = 4 if time == "poststop" else 125
        tap.ok(got.returncode == want and bad in got.stderr.decode() and not tap.descendants(),
               f"{who.name}: a {time} hook that fails", got.returncode, got.stderr)


def check_proc(who):
    """A moment later than the launch takes a /proc of the cage's processes."""
    got = who.run("ns=pid", "at=exec", f"profile={caged.PROFILE}")
    tap.ok(got.returncode == 125 and b"takes a /proc that shows the cage's processes" in got.stderr,
           f"{who.name}: without it, it is refused", got.returncode, got.stderr)


def main():
    """All of it, for everybody."""
    with open(KILLS, "w", encoding="ascii") as file:
        file.write('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["sched_yield"],'
                   '"action": "SCMP_ACT_KILL_PROCESS"}]}')
    with open(PLAIN, "w", encoding="ascii") as file:
        file.write("echo no\n")
    os.chmod(PLAIN, 0o755)
    for who in caged.everybody():
        check_ends(who)
        check_refused(who)
        check_signals(who)
        check_init(who)
        check_killed(who)
        check_hooks(who)
        check_proc(who)
    tap.equal(tap.descendants(), [], "no process is left")
    tap.done()


main()
