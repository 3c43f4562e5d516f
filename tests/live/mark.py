#!/usr/bin/python3
"""sysclamp mark: what it says and how it ends, with recorders that this test plays itself."""
import os
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402

SCRATCH = tap.scratch()
DIR = os.path.join(SCRATCH, "run")
OK, NO, USAGE = 0, 1, 2


def play(answer, drops=0, asked=-1):
    """A process that listens as a recorder does and answers every request; its process ID.

    The first `drops` connections end without an answer.  If `asked` is a descriptor, a byte goes there
    for each request, and half a second passes before the answer.
    """
    listening_r, listening_w = os.pipe()
    pid = os.fork()
    if pid == 0:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
            server.bind(os.path.join(DIR, f"{os.getpid()}.sock"))
            server.listen()
            os.write(listening_w, b"x")
            while True:
                client, _ = server.accept()
                with client:
                    if drops > 0:
                        drops -= 1
                        continue
                    name = client.recv(100)
                    if asked >= 0:
                        os.write(asked, b"x")
                        time.sleep(0.5)
                    client.send(answer.replace(b"NAME", name))
    os.close(listening_w)
    os.read(listening_r, 1)
    os.close(listening_r)
    return pid


def end(*pids):
    """Kill what play() started; their sockets stay."""
    for pid in pids:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def check(claim, args, status, stderr, env=None):
    """One row: nothing on standard output, exactly this on standard error."""
    got = workload.run([workload.SYSCLAMP, "mark", *args],
                       env={"SYSCLAMP_RUNTIME_DIR": DIR, **(env or {})}, cwd=SCRATCH)
    want = "".join(f"sysclamp mark: {line}\n" for line in stderr)
    tap.equal((got.returncode, got.stdout, got.stderr.decode()), (status, b"", want), claim)


def check_misuse():
    """Exit status 2 and a pointer to help."""
    see = "; see sysclamp mark --help"
    check("no name", [], USAGE, ["no name given for the phase" + see])
    check("two names", ["a", "b"], USAGE, ["unexpected argument b" + see])
    check("an option behind the name", ["a", "-q"], USAGE, ["unexpected argument -q" + see])
    check("a blank", ["a b"], USAGE,
          ['phase "a b": a name has letters, digits and _.:@/- only' + see])
    check("a terminal escape", ["\x1b[2J"], USAGE,
          ['phase "?[2J": a name has letters, digits and _.:@/- only' + see])
    check("an empty name", [""], USAGE, ["a phase needs a name" + see])
    check("a long name", ["x" * 65], USAGE,
          [f'phase "{"x" * 16}...": the name has more than 64 bytes' + see])
    for name in ("start", "exec"):
        check(f"the reserved name {name}", [name], USAGE,
              [f'phase "{name}": the recorder alone begins it; choose another name' + see])
    for pid in ("0", "x", "-1", "4194305"):
        check(f"process ID {pid}", ["-p", pid, "a"], USAGE,
              [f'--pid "{pid}": not a process ID' + see])
    check("-p without a value", ["-p"], USAGE, ["option -p needs a value" + see])
    check("an unknown option", ["--all", "a"], USAGE, ["unknown option --all" + see])


def check_nobody():
    """Exit status 1 without a recorder."""
    none = ["no recorder of yours is running; start one with sysclamp record"]
    check("no directory", ["a"], NO, none)
    tap.ok(not os.path.exists(DIR), "none is made")
    os.mkdir(DIR, 0o700)
    check("an empty directory", ["a"], NO, none)
    check("an empty directory, quietly", ["-q", "a"], NO, none)
    check("no such recorder", ["-p", "4194304", "a"], NO,
          ["process 4194304 is no running recorder of yours; leave -p out to tell all"])
    check("a directory that is a link", ["a"], NO,
          ["/proc/self: no directory or a symbolic link; set SYSCLAMP_RUNTIME_DIR to a directory "
           "of yours"], env={"SYSCLAMP_RUNTIME_DIR": "/proc/self"})


def check_recorders():
    """They are told, and what they answer comes back."""
    one, two = sorted([play(b"ok\none.rec.json"), play(b"ok\n\x1btwo")])
    # Which of them got the smaller number does not matter: each says what it is.
    got = workload.run([workload.SYSCLAMP, "mark", "reload"], env={"SYSCLAMP_RUNTIME_DIR": DIR})
    tap.ok(got.returncode == OK and not got.stdout, "two recorders are told", got)
    lines = got.stderr.decode().splitlines()
    tap.ok(len(lines) == 2 and f"(recorder {one})" in lines[0] and f"(recorder {two})" in lines[1],
           "each has a line, in the order of their process IDs", *lines)
    tap.ok(any("reload begins in one.rec.json" in line for line in lines)
           and any("reload begins in ?two" in line for line in lines),
           "with its recording, without control characters", *lines)
    check("quietly", ["-q", "reload"], OK, [])
    check("serve may be marked", ["--quiet", "-p", str(one), "--", "serve"], OK, [])
    end(one, two)
    check("after they were killed", ["a"], NO,
          ["no recorder of yours is running; start one with sysclamp record"])
    tap.equal(os.listdir(DIR), [], "their sockets are removed")


def check_refusals():
    """Exit status 1 if one recorder does not begin it."""
    bad = play(b"no\nbad.rec.json\nNAME is one phase too many")
    good = play(b"ok\ngood.rec.json")
    refusal = f"recorder {bad} (bad.rec.json): a is one phase too many"
    check("one of two refuses", ["-q", "a"], NO, [refusal])
    check("the one that does not", ["-p", str(good), "a"], OK,
          [f"a begins in good.rec.json (recorder {good})"])
    other = play(b"hello")
    check("another protocol", ["-p", str(other), "a"], NO,
          [f"recorder {other}: an answer that makes no sense; is it of another version?"])
    end(bad, good, other)


def check_interruptions():
    """A client tries again when it was dropped, and goes on when it was suspended."""
    busy = play(b"ok\nbusy.rec.json", drops=3)
    check("a recorder that drops connections is asked again", ["-q", "a"], OK, [])
    end(busy)
    asked_r, asked_w = os.pipe()
    slow = play(b"ok\nslow.rec.json", asked=asked_w)
    with subprocess.Popen([workload.SYSCLAMP, "mark", "-q", "a"], stderr=subprocess.PIPE,
                          env={"SYSCLAMP_RUNTIME_DIR": DIR}) as client:
        os.read(asked_r, 1)
        tap.wait_until(lambda: tap.state_of(client.pid) == "S", "the client waits")
        client.send_signal(signal.SIGSTOP)
        tap.wait_until(lambda: tap.state_of(client.pid) == "T", "the client is stopped")
        client.send_signal(signal.SIGCONT)
        tap.equal((client.stderr.read(), client.wait()), (b"", OK), "suspended while it waits")
    end(slow)


def main():
    """All of it."""
    workload.share(SCRATCH)
    check_misuse()
    check_nobody()
    check_recorders()
    check_refusals()
    check_interruptions()
    tap.done()


if __name__ == "__main__":
    main()
