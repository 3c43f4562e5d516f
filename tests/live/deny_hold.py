#!/usr/bin/python3
"""A supervisor under attack, stopped, killed, and without descriptors: denied calls stay denied, and the
workload ends with it."""
import os
import resource
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import deny  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
EPERM = ("SCMP_ACT_ERRNO", 1)
FOR_READING = [{"index": 2, "value": 0, "op": "SCMP_CMP_EQ"}]
PROFILE = os.path.join(SCRATCH, "hold.json")
OPTIONS = ["-p", PROFILE, "--on-deny", "explain"]
# Daemons of the command, which leave it in all ways there are, and processes that start more.
FAMILY = ("trap '' HUP TERM; (setsid sleep 1000 &); (setsid sh -c 'while :; do sleep 0.01; done' &);"
          " sh -c 'trap \"\" HUP TERM; sleep 1000 & sleep 1000' & echo started; sleep 1000")


def attack(way, *args, prefix=()):
    """One way of deny_attack."""
    return deny.explain(PROFILE, workload.program("deny_attack"), way, *args, prefix=prefix)


def check_attacks():
    """Signals, changed memory, odd pointers, lost descriptors, its own tracer, memory that is slow to read."""
    for way, total in (("flip", 2000), ("huge", 7), ("trace", 2000), ("signals", 20 * 64), ("limit", 2001)):
        got, told = attack(way)
        tap.equal((got.returncode, got.stdout, told.total), (0, b"held\n", total),
                  f"{way}: {total} calls, each denied once", got.stderr)
    got, told = attack("storm")
    tap.ok(got.returncode == 0 and got.stdout == f"denied {told.total}, caught 1, others 0\n".encode(),
           "a storm of signals: what was answered was counted, once each", got.stdout, told.total)
    got, told = attack("fault")
    if got.returncode == 3:
        tap.skip("userfaultfd", "memory that nobody can read", "this kernel has no userfaultfd")
    else:
        tap.equal((got.stdout, told.total, told.denials[0][:2]),
                  (b"held\n", 2002, ("openat", told.denials[0][1])), "memory that nobody can read holds nobody up",
                  got.stderr)
        tap.ok('"' not in told.denials[0][1], "and is not shown", told.denials[0])


def check_intrusion():
    """An ordinary user's workload does not get into the supervisor."""
    if os.geteuid() != 0:
        tap.skip("root", "an ordinary user's workload", "this is one already")
        return
    got, _ = attack("intrude", prefix=workload.as_user([]))
    tap.equal(got.stdout, b"ptrace: 1\nmem: 13\nreadv: 1\n", "ptrace, /proc/PID/mem and process_vm_readv are refused",
              got.stderr)


def family(options=(), **kwargs):
    """A running command with daemons: the guard's process, the supervisor, and all that is below."""
    process = deny.start([*OPTIONS, *options], ["sh", "-c", FAMILY], **kwargs)
    supervisor, command = deny.supervisor_of(process)
    process.stdout.readline()
    tap.wait_until(lambda: len(tap.descendants()) >= 8, "the family is there")
    return process, supervisor, command


def is_empty():
    """Whether nothing is left below this test."""
    tap.reap()
    return not [pid for pid in tap.descendants() if tap.state_of(pid) not in ("", "Z")]


def close(process):
    """Its pipes."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()


def check_deaths():
    """Whichever of the two is killed, nothing of the workload is left, daemons included."""
    for who, want in (("the supervisor", 125), ("the guard", -9), ("both", -9)):
        process, supervisor, command = family()
        victims = {"the supervisor": [supervisor], "the guard": [process.pid], "both": [supervisor, process.pid]}
        for pid in victims[who]:
            os.kill(pid, signal.SIGKILL)
        tap.equal(process.wait(60), want, f"{who} killed: status {want}")
        if who == "both":
            # Nobody is left who could: the command at least had asked the kernel for it.
            tap.wait_until(lambda: tap.state_of(command) in ("", "Z"), "the command has ended")
            tap.end_descendants()
        else:
            tap.wait_until(is_empty, "nothing is left")
        tap.ok(True, f"{who} killed: " + ("the command ends" if who == "both" else "nothing is left"))
        if who == "the supervisor":
            error = process.stderr.read().decode().splitlines()[-1]
            tap.ok("ended by signal 9" in error, "and the guard says so", error)
        close(process)


def check_stopped_death():
    """A supervisor that somebody has stopped is continued when its guard ends."""
    process, supervisor, _ = family()
    os.kill(supervisor, signal.SIGSTOP)
    tap.wait_until(lambda: tap.state_of(supervisor) == "T", "the supervisor is stopped")
    process.kill()
    process.wait(60)
    tap.wait_until(is_empty, "nothing is left")
    tap.ok(True, "the supervisor stopped and the guard killed: nothing is left")
    close(process)


def check_bomb():
    """A workload that starts processes as fast as it can."""
    process = deny.start(OPTIONS, ["sh", "-c", "f() { sleep 0.01 & f2 & wait; }; f2() { f & }; "
                                   "i=0; while [ $i -lt 20 ]; do f2; i=$((i+1)); done; echo started; wait; sleep 1000"],
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
    supervisor, _ = deny.supervisor_of(process)
    process.stdout.readline()
    os.kill(supervisor, signal.SIGKILL)
    tap.equal(process.wait(60), 125, "the supervisor of a bomb killed: status 125")
    tap.wait_until(is_empty, "nothing is left")
    close(process)


def check_stopped():
    """A supervisor that is stopped holds denied calls up, and none gets through."""
    process = deny.start(OPTIONS, ["sh", "-c", f"echo started; read x; exec {workload.program('try_call')} getppid"])
    supervisor, command = deny.supervisor_of(process)
    process.stdout.readline()
    os.kill(supervisor, signal.SIGSTOP)
    tap.wait_until(lambda: tap.state_of(supervisor) == "T", "the supervisor is stopped")
    process.stdin.write(b"go\n")
    process.stdin.flush()
    waits = f"/proc/{command}/syscall"
    tap.wait_until(lambda: open(waits, encoding="ascii").read().startswith("110 "), "the command waits in getppid")
    time.sleep(0.05)
    tap.ok(open(waits, encoding="ascii").read().startswith("110 "), "stopped: the call waits")
    os.kill(supervisor, signal.SIGCONT)
    out, _ = process.communicate(timeout=60)
    tap.equal((process.returncode, out), (0, b"trying\ngetppid: 1\n"), "continued: it is denied")


def check_descriptors():
    """Descriptors that are few: enough, or an error before anything starts."""
    touched = os.path.join(SCRATCH, "touched")
    ends = set()
    for n in range(4, 20):
        script = f'ulimit -n {n}; exec "$@"'
        got, told = deny.explain(PROFILE, "touch", touched, prefix=["sh", "-c", script, "sh"])
        started = os.path.exists(touched)
        if started:
            os.unlink(touched)
        ends.add((got.returncode, started, told.total is not None))
    tap.equal(ends, {(125, False, False), (0, True, True)}, "few descriptors: it runs, or nothing was started")


def check_asked_to_end():
    """When the command has ended, TERM to sysclamp ends what it left behind."""
    process = deny.start(OPTIONS, ["sh", "-c", "(setsid sleep 1000 &); echo started; exit 6"])
    process.stdout.readline()

    def only_daemon():
        # Until it was waited for, a signal can still be sent on to the command.
        return len([pid for pid in tap.descendants() if not deny.is_ours(pid)]) == 1
    tap.wait_until(only_daemon, "the command has ended")
    process.terminate()
    tap.equal(process.wait(60), 6, "TERM after the command's end: the status is the command's")
    tap.wait_until(is_empty, "nothing is left")
    close(process)


def check_stranger():
    """A child that sysclamp had before it became sysclamp is nobody's here."""
    script = f'sleep 1000 & echo $!; exec {workload.SYSCLAMP} run {" ".join(OPTIONS)} -- sh -c "echo started; sleep 1000"'
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    process = subprocess.Popen(["sh", "-c", script], env=workload.ENVIRON, **pipes)
    stranger = int(process.stdout.readline())
    process.stdout.readline()
    supervisor, _ = deny.supervisor_of(process)
    os.kill(supervisor, signal.SIGKILL)
    tap.equal(process.wait(60), 125, "the supervisor is killed")
    tap.equal(tap.state_of(stranger), "S", "a child from before is left alone")
    os.kill(stranger, signal.SIGKILL)
    close(process)


def check_strangers():
    """With very many of them nobody could tell who is the command's."""
    script = f'for i in $(seq 64); do sleep 1000 > /dev/null 2>&1 & done; exec {workload.SYSCLAMP} run "$@" -- true'
    for options in (OPTIONS, ["-p", PROFILE, "--at", "exec"]):
        done = workload.run(["sh", "-c", script, "sh", *options])
        tap.ok(done.returncode == 125 and b"are children of this one already" in done.stderr, f"64 strangers, {options}", done)
        strangers = [pid for pid in tap.descendants() if tap.state_of(pid) == "S"]
        tap.equal(len(strangers), 64, "all are left alone")
        tap.end_descendants()


def main():
    """All of it."""
    workload.share(SCRATCH)
    deny.profile(PROFILE, ("getppid", *EPERM), ("openat", *EPERM, FOR_READING))
    for check in (check_attacks, check_intrusion):
        check()
    deny.profile(PROFILE, ("getppid", *EPERM))
    for check in (check_deaths, check_stopped_death, check_bomb, check_stopped, check_descriptors, check_asked_to_end,
                  check_stranger, check_strangers):
        check()
    tap.done()


if __name__ == "__main__":
    main()
