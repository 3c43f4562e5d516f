#!/usr/bin/python3
"""`record` and `run` stay out of the way: exit status, input and output, signals, descendants."""
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
RECORDING = os.path.join(SCRATCH, "out.rec.json")
PROFILE = os.path.join(SCRATCH, "all.json")
RECORDS = {f"record, {backend}": [workload.SYSCLAMP, "record", "-o", RECORDING, "--backend", backend,
                                  "--"]
           for backend in ("ptrace", "ebpf") if backend != "ebpf" or workload.has_ebpf()}
RUN = [workload.SYSCLAMP, "run", "-p", PROFILE, "--"]
GETUID = ("x86_64", 102)
TIMES = 10  # for what could be doubled, or lost, now and then


def start(prefix, *argv, **kwargs):
    """Start it with pipes; text mode."""
    return subprocess.Popen([*prefix, *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=workload.ENVIRON, text=True, **kwargs)


def both():
    """The two commands that run a command; recording with each back end that works here."""
    return (*RECORDS.items(), ("run", RUN))


def check_status():
    """The exit status of the command is that of record and run."""
    for script, status in (("exit 0", 0), ("exit 7", 7), ("exit 125", 125), ("exit 255", 255),
                           ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("kill -SEGV $$", 139),
                           ("kill -USR1 $$", 138)):
        for name, prefix in both():
            result = workload.run([*prefix, "sh", "-c", script])
            tap.equal((result.returncode, result.stdout), (status, b""),
                      f"{name}: {script} ends with {status}", result)
        seen = workload.Recording(RECORDING)
        tap.equal((seen.status, seen.complete), (status, True),
                  f"{script}: the recording says so, and is complete")


def check_unread():
    """Nobody reads what is said any more: the command runs, is not told of SIGPIPE either, and its status counts."""
    read, write = os.pipe()
    os.close(read)
    for name, prefix in both():
        for script, status in (("exit 7", 7), ("kill -PIPE $$; exit 7", 128 + signal.SIGPIPE)):
            result = subprocess.run([*prefix, "sh", "-c", f"echo ran; {script}"], stdout=subprocess.PIPE, stderr=write,
                                    env=workload.ENVIRON, check=False, restore_signals=True)
            tap.equal((result.returncode, result.stdout), (status, b"ran\n"), f"{name}: nobody reads what it says, {script}")
    os.close(write)


def check_fifo():
    """A recording goes to a FIFO that nobody reads: said, not waited for."""
    fifo = os.path.join(SCRATCH, "fifo")
    os.mkfifo(fifo)
    result = workload.sysclamp("record", "-q", "-o", fifo, "--", "true")
    tap.ok(result.returncode == 125 and result.stderr.decode() ==
           f"sysclamp record: {fifo}: nobody reads it; start its reader first\n", "a FIFO without a reader", result)


def steady_child(strace):
    """The child of the recorder below strace that waits to become the command: none that is there
    for a moment only."""
    before = []

    def stays():
        before.append([pid for recorder in tap.children_of(strace)
                       for pid in tap.children_of(recorder)])
        return before[-1] and before[-20:] == 20 * before[-1:]
    tap.wait_until(stays, "the recorder waits beside its child")
    return before[-1][0]


def check_killed_early():
    """The command is killed before it starts, when a recorder is just about to watch it."""
    for name, prefix in RECORDS.items():
        for moment in (1, 2) if "ebpf" in name else (1,):
            slow = ["strace", "-o", os.devnull, "-e", "trace=pidfd_open", "-e",
                    f"inject=pidfd_open:delay_enter=1000000:when={moment}"]
            # The leak check of a sanitizer build does not work under strace.
            process = subprocess.Popen([*slow, *prefix, "true"], stderr=subprocess.PIPE, env={
                **workload.ENVIRON, "ASAN_OPTIONS": "detect_leaks=0"})
            os.kill(steady_child(process.pid), signal.SIGKILL)
            try:
                _, text = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                text = b"hangs"
                tap.end_descendants()
            tap.ok(process.wait() == 125 and b"true: ended before it was started" in text,
                   f"{name}: killed before pidfd_open {moment}", process.returncode, text)


# Orphans, then the time until none of them is a zombie, 10 s at most.
ORPHANS = """
for n in 1 2 3 4 5 6 7 8; do (true &); done
for n in $(seq 200); do grep -qs ') Z' /proc/[0-9]*/stat || exit 0; sleep .05; done
exit 1
"""


def check_first():
    """As the first process of a container record reaps the orphans of others, as it should."""
    if os.geteuid():
        tap.skip("root", "record as process 1", "not root")
        return
    for name, prefix in RECORDS.items():
        result = workload.run(["unshare", "-p", "-f", "--mount-proc", *prefix, "sh", "-c", ORPHANS])
        tap.equal(result.returncode, 0, f"{name}: as process 1 it leaves no zombies", result)


def check_streams():
    """Input and output, all bytes, separately; the environment; the working directory."""
    data = bytes(range(256)) * 4096
    for name, prefix in both():
        result = workload.run([*prefix, "sh", "-c", "cat; echo to stderr >&2"], stdin=data)
        tap.ok(result.stdout == data and b"to stderr\n" in result.stderr,
               f"{name}: 1 MiB from input to output as it is")
        result = workload.run([*prefix, "sh", "-c", 'echo "$A" "$PWD"; ls /proc/self/fd'],
                              env={"A": "set"}, cwd="/usr")
        bare = workload.run(["sh", "-c", 'echo "$A" "$PWD"; ls /proc/self/fd'], env={"A": "set"},
                            cwd="/usr")
        tap.equal(result.stdout, bare.stdout,
                  f"{name}: environment, directory and open files are as bare")
        result = workload.run([*prefix, "sh", "-c", "trap; grep -E '^Sig(Blk|Ign|Cgt)' "
                               "/proc/self/status"])
        bare = workload.run(["sh", "-c", "trap; grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status"])
        tap.equal(result.stdout, bare.stdout, f"{name}: signal mask and dispositions are as bare")
    result = workload.run([*RUN, "sh", "-c", "echo out; echo err >&2"])
    tap.equal((result.stdout, result.stderr), (b"out\n", b"err\n"), "run adds nothing of its own")
    result = workload.run([workload.SYSCLAMP, "record", "-q", "-o", RECORDING, "--", "sh", "-c",
                           "echo out; echo err >&2"])
    tap.equal((result.stdout, result.stderr), (b"out\n", b"err\n"),
              "record -q adds nothing of its own")
    result = workload.sysclamp("record", "--", "/bin/true", cwd=SCRATCH)
    tap.equal((result.returncode, os.path.exists(os.path.join(SCRATCH, "true.rec.json"))),
              (0, True), "record without -o writes ./true.rec.json", result)


def check_closed():
    """Closed standard streams stay closed, and nothing of ours ends up in their place."""
    script = 'exec <&- >&- 2>&-; exec "$0" "$@"'
    listing = os.path.join(SCRATCH, "listing")
    for name, prefix in (("bare", []), *both()):
        workload.run(["sh", "-c", script, *prefix, "sh", "-c",
                      f"ls /proc/self/fd > {listing}.{name[-4:]} 2>&1; exit 3"])
    with open(f"{listing}.bare", encoding="ascii") as file:
        bare = file.read()
    for name, _prefix in both():
        with open(f"{listing}.{name[-4:]}", encoding="ascii") as file:
            tap.equal(file.read(), bare, f"{name}: closed standard streams stay closed")
    shut = ["sh", "-c", 'exec "$@" >&-', "sh", workload.SYSCLAMP, "record", "-q", "-o", "-", "--", "true"]
    result = workload.run(shut)
    tap.equal((result.returncode, result.stderr), (125, b"sysclamp record: standard output: Bad file descriptor\n"),
              "a recording to a stream that is closed", result)
    seen = workload.Recording(RECORDING)
    tap.equal((seen.status, seen.complete), (3, True), "with them closed the recording is whole")


def check_signals():
    """A signal that somebody sends to record or run goes to the command, once."""
    for name, prefix in both():
        process = start(prefix, "sh", "-c", "echo started; exec cat")
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.wait(workload.DEADLINE_S)  # its input stays open until then
        process.communicate()
        tap.equal(process.returncode, 143, f"{name}: SIGTERM is passed on, status 143")
        if name in RECORDS:
            seen = workload.Recording(RECORDING)
            tap.equal((seen.complete, seen.status), (True, 143),
                      f"{name}: SIGTERM: the recording is complete")

        process = start(prefix, workload.program("count_signals"), "15")
        process.stdout.readline()
        for _ in range(TIMES):
            process.send_signal(signal.SIGTERM)
            process.stdout.readline()
        out, err = process.communicate("end\n")
        tap.equal((out, process.returncode), (f"seen {TIMES}\n", 5),
                  f"{name}: each SIGTERM reaches a command that handles it once", err)

        # As a terminal or a supervisor does it: the whole group gets it, from a process.
        process = start(prefix, "sh", "-c", "echo started; exec cat", start_new_session=True)
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        process.wait(workload.DEADLINE_S)
        process.communicate()
        tap.equal(process.returncode, 130, f"{name}: SIGINT to the whole group, status 130")


def check_signal_burst(name, record):
    """Signals that go on while the command ends and the recording is written."""
    for n in range(5):
        os.unlink(RECORDING)
        process = start(record, "sh", "-c", "echo started; exec cat")
        process.stdout.readline()
        while process.poll() is None:
            process.send_signal(signal.SIGTERM if n % 2 else signal.SIGHUP)
        process.communicate()
        seen = workload.Recording(RECORDING)
        want = 143 if n % 2 else 129
        # To a shell it is the same if the signal ends the recorder at the very end.
        ended = process.returncode in (want, 128 - want)
        if not tap.equal((ended, seen.complete, seen.status), (True, True, want),
                         f"{name}: a burst of signals, run {n + 1}: the recording is written", process):
            break


def check_descendants(name, record):
    """record ends when the last descendant has, as strace does; the status is the command's."""
    fifo = os.path.join(SCRATCH, name)
    os.mkfifo(fifo)
    writer = os.open(fifo, os.O_RDWR | os.O_CLOEXEC)
    process = start(record, workload.program("orphans"), fifo)
    waiting = process.stdout.read(8)
    tap.equal((waiting, process.poll()), ("wwwwwwww", None),
              f"{name}: the command has ended, its 8 grandchildren wait, and so does record")
    os.close(writer)
    out, err = process.communicate()
    seen = workload.Recording(RECORDING)
    tap.equal((out, process.returncode, seen.calls[GETUID], seen.complete),
              ("........", 3, 160, True), f"{name}: record ends after them, with the command's status 3",
              err)

    process = start(record, "sh", "-c", "setsid sh -c 'echo there; read line; id -u > /dev/null'"
                    " <&0 & read line; exit 2")
    tap.equal(process.stdout.readline(), "there\n", f"{name}: a daemon in a session of its own")
    process.stdin.write("x\n")
    process.stdin.flush()
    process.stdin.write("y\n")
    out, err = process.communicate()
    tap.equal(process.returncode, 2, f"{name}: record waits for a daemon", err)
    tap.ok(GETUID in workload.Recording(RECORDING).calls or
           ("x86_64", 107) in workload.Recording(RECORDING).calls,
           f"{name}: what the daemon did last is recorded")


def check_left_behind():
    """With eBPF, a signal after the command's end ends the recorder; what was left goes on."""
    if "record, ebpf" not in RECORDS:
        tap.skip("bpf", "what is left behind", "the eBPF back end does not work here")
        return
    for sent in (signal.SIGTERM, signal.SIGINT):
        process = start(RECORDS["record, ebpf"], "sh", "-c",
                        "sleep 1000 > /dev/null 2>&1 < /dev/null & echo $!; exit 4")
        left = int(process.stdout.readline())
        # A signal before the command has been waited for would be sent on to it.
        tap.wait_until(lambda: not tap.children_of(process.pid), "the command has ended")
        process.send_signal(sent)
        process.wait(workload.DEADLINE_S)
        process.communicate()
        seen = workload.Recording(RECORDING)
        tap.equal((process.returncode, seen.complete, tap.state_of(left) in ("R", "S")), (4, True, True),
                  f"{sent.name} after the command's end: recorded until then, its daemon goes on")
        os.kill(left, signal.SIGKILL)


def main():
    """All of it."""
    with open(PROFILE, "w", encoding="ascii") as file:
        file.write('{"defaultAction": "SCMP_ACT_ALLOW"}\n')
    check_status()
    check_unread()
    check_fifo()
    check_killed_early()
    check_first()
    check_streams()
    check_closed()
    check_signals()
    for name, record in RECORDS.items():
        check_signal_burst(name, record)
        check_descendants(name, record)
    check_left_behind()
    tap.done()


if __name__ == "__main__":
    main()
