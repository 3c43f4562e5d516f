#!/usr/bin/python3
"""`record` on a terminal: signals, job control, window size, status line, input.

An interactive bash with job control has a pseudo-terminal of its own; what is typed goes in at the
other end.  Each step waits for what must appear there, with a deadline that is generous.
"""
import json
import os
import re
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import workload  # noqa: E402
from pseudo_terminal import PROMPT, SECONDS, Terminal  # noqa: E402

SCRATCH = tap.scratch()
CTRL_C, CTRL_D, CTRL_Z = "\x03", "\x04", "\x1a"
GETPPID = ("x86_64", 110)
STATUS_LINE = r"recording \d+:\d\d \| \d+ calls, \d+ distinct \| last new: \w+, \d+:\d\d ago"
TIMES = 10  # for what could be lost now and then
BASH = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
BACKEND = "ptrace"  # of the recordings; main() changes it


def on_terminal(argv, **kwargs):
    """A terminal of its own for a command, in the scratch directory."""
    return Terminal(argv, cwd=SCRATCH, **kwargs)


def shell(**kwargs):
    """A terminal with an interactive bash in front of it."""
    terminal = on_terminal(BASH, **kwargs)
    terminal.expect(re.escape(PROMPT))
    return terminal


def record_line(name, *argv, options=""):
    """The command line that records `argv` to NAME.rec.json, quoted for the shell."""
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in argv)
    return (f"{workload.SYSCLAMP} record -o {name}.rec.json --backend {BACKEND} {options} --"
            f" {quoted}")


def recording(name):
    """That recording."""
    return workload.Recording(os.path.join(SCRATCH, f"{name}.rec.json"))


def wait_for_seq(name, seq):
    """Wait until the recording has been refreshed to this number."""
    def reached():
        try:
            return recording(name).json["seq"] >= seq
        except (OSError, json.JSONDecodeError):
            return False
    tap.wait_until(reached, f"seq {seq} of {name}", SECONDS)


def expect_running(term, name):
    """Wait until the recorder shows that it runs: by its status line, if this back end has one."""
    if BACKEND == "ptrace":
        term.expect(STATUS_LINE)
    else:
        wait_for_seq(name, recording(name).json["seq"] + 1)


def check_ended(name, status, want, label):
    """The shell saw this exit status, and the recording is whole."""
    seen = recording(name)
    tap.equal((status, seen.status, seen.complete),
              (want, want, True),
              f"{BACKEND}: {label}: status {want}, and a complete recording",
              seen.json["loss"])
    return seen


def check_interrupt():
    """Ctrl-C."""
    term = shell()
    term.type(record_line("cat", "sh", "-c", "echo started; exec cat") + "\n")
    term.expect("started")
    term.type(CTRL_C)
    term.expect(PROMPT)
    check_ended("cat", term.status(), 130, "Ctrl-C ends the command")

    term.type(record_line("caught", workload.program("count_signals"), "2") + "\n")
    term.expect("started")
    for _ in range(TIMES):
        term.type(CTRL_C)
        term.expect("caught 2\r\n")
    term.type("end\n")
    tap.equal(term.expect(r"seen (\d+)\r\n")[1], str(TIMES),
              "each Ctrl-C reaches a command that handles it")
    term.expect(PROMPT)
    check_ended("caught", term.status(), 5, "Ctrl-C handled by the command")
    term.end()


def check_suspend():
    """Ctrl-Z, jobs, fg, bg; nothing lost."""
    term = shell()
    term.type(record_line("steady", workload.program("steady")) + "\n")
    term.expect("started")
    for n in range(3):
        term.type(CTRL_Z)
        term.expect(r"\[1\]\+ +Stopped")
        term.expect(PROMPT)
        if n == 0:
            tap.ok("Stopped" in term.run("jobs"), "Ctrl-Z: the prompt is back, jobs says Stopped")
        term.type("fg\n")
        # The shell says what it continues; then it does continue.
        term.expect(" record -o ")
        expect_running(term, "steady")
    term.type("end\n")
    made = int(term.expect(r"made (\d+)")[1])
    term.expect(PROMPT)
    seen = check_ended("steady", term.status(), 0, "Ctrl-Z and fg, three times")
    tap.equal(seen.calls[GETPPID], made, "Ctrl-Z and fg: every call is counted")

    term.type(record_line("spin", "sh", "-c", "echo started; while :; do :; done") + "\n")
    term.expect("started")
    term.type(CTRL_Z)
    term.expect(r"\[1\]\+ +Stopped")
    term.expect(PROMPT)
    states = [tap.state_of(pid) for pid in tap.children_of(tap.children_of(term.pid)[0])]
    tap.ok(states in (["T"], ["t"]), "Ctrl-Z: the command is stopped, not only the recorder",
           states)
    term.type("fg\n")
    expect_running(term, "spin")
    term.type(CTRL_C)
    term.expect(PROMPT)
    check_ended("spin", term.status(), 130, "Ctrl-Z and fg, then Ctrl-C")

    term.type(record_line("read", "sh", "-c", "echo started; read line; echo got=$line; exit 3")
              + "\n")
    term.expect("started")
    term.type(CTRL_Z)
    term.expect(r"\[1\]\+ +Stopped")
    term.expect(PROMPT)
    term.type("fg\n")
    term.expect(" record -o ")
    term.type("hello\n")
    tap.ok(term.expect(r"got=(\w+)\r\n")[1] == "hello", "Ctrl-Z in a read: it goes on reading")
    term.expect(PROMPT)
    check_ended("read", term.status(), 3, "Ctrl-Z in a read")
    term.end()


def check_suspend_background():
    """bg, and a SIGTSTP that somebody sends to the recorder alone."""
    # Not the terminal for its input: in the background it would find the shell's there.
    fifo = f"{SCRATCH}/{BACKEND}-input"
    os.mkfifo(fifo)
    writer = os.open(fifo, os.O_RDWR | os.O_CLOEXEC)
    term = shell()
    term.type(record_line("bg", workload.program("steady")) + f" < {fifo}\n")
    term.expect("started")
    term.type(CTRL_Z)
    term.expect(r"\[1\]\+ +Stopped")
    term.expect(PROMPT)
    term.run("bg")
    seq = recording("bg").json["seq"]
    wait_for_seq("bg", seq + 2)
    jobs = term.run("jobs")
    tap.ok("Running" in jobs, "bg: it runs in the background", jobs)
    at = len(term.text)
    wait_for_seq("bg", seq + 3)
    tap.ok("recording" not in re.sub(r"\S+ record -o .*", "", term.text[at:]),
           "bg: no status line over the shell", term.text[at:])
    term.run("kill -TSTP $(jobs -p)")
    tap.wait_until(lambda: "Stopped" in term.run("jobs"), "jobs: Stopped")
    tap.ok(True, "SIGTSTP to the recorder: the job is stopped")
    term.type("fg\n")
    term.expect(" record -o ")
    os.write(writer, b"end\n")
    os.close(writer)
    made = int(term.expect(r"made (\d+)")[1])
    term.expect(PROMPT)
    seen = check_ended("bg", term.status(), 0, "bg, stop, fg")
    tap.equal(seen.calls[GETPPID], made, "bg, stop, fg: every call is counted")
    term.end()


def check_background():
    """Started with &; also on a terminal that stops background writers (stty tostop)."""
    fifo = f"{SCRATCH}/{BACKEND}-fifo"
    os.mkfifo(fifo)
    for name, mode, options in (("back", "-tostop", ""), ("quiet", "tostop", "-q")):
        term = shell()
        term.run(f"stty {mode}")
        line = record_line(name, "sh", "-c", f"read line < {fifo}; exit 4", options=options)
        term.run(line + " &")
        wait_for_seq(name, 3)
        tap.ok("Running" in term.run("jobs"),
               f"started with & (stty {mode}): it is not stopped", term.text)
        term.run(f"echo > {fifo}")
        term.run("wait %1")
        check_ended(name, term.status(), 4, f"started with & (stty {mode})")
        term.end()


def check_window():
    """Window size changes."""
    term = shell()
    term.type(record_line("size", workload.program("count_signals"), "28") + "\n")
    term.expect("started")
    for rows in range(40, 40 + TIMES):
        term.resize(rows, 132)
        term.expect(f"caught 28 {rows}x132\r\n")
    term.type("end\n")
    tap.equal(term.expect(r"seen (\d+)\r\n")[1], str(TIMES),
              "each new window size reaches the command")
    term.expect(PROMPT)
    check_ended("size", term.status(), 5, "window size")
    tap.ok(f"{39 + TIMES} 132" in term.run(record_line("stty", "stty", "size", options="-q")),
           "the command sees the window size", term.text)
    term.end()


def status_left(lines):
    """What is left of a status line on the screen."""
    return [line for line in lines if re.search(r"recording \d+:|distinct \|", line)]


def check_status_line():
    """The live line: what it says, that it fits, that nothing of it stays."""
    term = shell()
    term.type(record_line("line", "sh", "-c", "echo started; read line") + "\n")
    term.expect("started")
    for _ in range(3):
        term.expect(STATUS_LINE)
    tap.ok(len(status_left(term.screen())) == 1,
           "one status line tells elapsed, calls, distinct, last new call", *term.screen())
    term.type("end\n")
    term.expect(PROMPT)
    tap.ok(not status_left(term.screen()) and term.screen()[0].endswith("started"),
           "at the end nothing of it stays on the screen", *term.screen())
    tap.ok("next:      sysclamp generate -o line.json line.rec.json" in term.screen(),
           "at the end it says what to type next", *term.screen())
    term.end()

    term = shell(size=(24, 40))
    term.type(record_line("line", workload.program("steady")) + "\n")
    term.expect("started")
    for _ in range(3):
        term.expect(r"recording \d+:\d\d")
    left = status_left(term.screen())
    tap.ok(len(left) == 1 and left[0].startswith("recording") and len(left[0]) < 40,
           "a narrow window: the line is cut to fit", *term.screen())
    term.type("end\n")
    term.expect(PROMPT)
    term.end()


def check_status_beside_output():
    """The live line and what the command itself writes keep out of each other's way."""
    term = shell()
    term.type(record_line("beside", "sh", "-c", "echo started; read line; echo one;"
                          " printf 'name? '; read name; echo hello; echo $name") + "\n")
    term.expect("started")
    term.expect(r"recording \d+:\d\d")
    term.type("go\n")
    term.expect(r"name\? ")
    wait_for_seq("beside", recording("beside").json["seq"] + 2)
    term.run_to_now()
    tap.ok([line for line in term.screen() if line.startswith("name?")],
           "a prompt of the command stays while it waits", *term.screen())
    term.type("you\n")
    term.expect("hello")
    term.expect(PROMPT)
    shown = term.screen()
    tap.ok("one" in shown and not status_left(shown),
           "what the command writes is legible, and no status line stays", *shown)
    term.end()

    term = shell()
    term.type(record_line("raw", "sh", "-c", "stty raw -echo; echo started; dd bs=1 count=1"
                          " 2> /dev/null; stty sane") + "\n")
    term.expect("started")
    at = term.read_to
    wait_for_seq("raw", recording("raw").json["seq"] + 3)
    term.run_to_now()
    tap.ok("recording" not in term.text[at:], "a raw terminal (as editors set) is left alone",
           term.text[at:])
    term.type("x")
    term.expect(PROMPT)
    term.end()


def check_status_unseen():
    """With a back end that does not tell of writes: a line only where the command cannot write."""
    term = shell()
    at = len(term.text)
    term.type(record_line("shared", "sh", "-c", "echo started; read line") + "\n")
    term.expect("started")
    wait_for_seq("shared", 3)
    term.type("end\n")
    term.expect(PROMPT)
    tap.ok("recording 0:" not in term.text[at:], "beside a command on the terminal: no status line",
           term.text[at:])
    term.type(record_line("apart", "sh", "-c", "echo started; exec > apart.log 2>&1; read line")
              + "\n")
    term.expect("started")
    term.expect(STATUS_LINE)
    term.type("end\n")
    term.expect(PROMPT)
    tap.ok(not status_left(term.screen()), "beside one that writes elsewhere: one, until the end",
           *term.screen())
    term.end()


def check_plain():
    """No status line where it does not belong."""
    for label, env, rest in (("stderr is a file", {}, "2> errors"),
                             ("TERM=dumb", {"TERM": "dumb"}, ""),
                             ("no TERM", {"TERM": None}, "")):
        term = shell(env=env)
        at = len(term.text)
        name = "plain" + "".join(filter(str.isalpha, label))
        term.type(record_line(name, workload.program("steady")) + f" {rest}\n")
        term.expect("started")
        wait_for_seq(name, 2)
        term.type("end\n")
        term.expect(PROMPT)
        text = term.text[at:]
        if rest:
            with open(f"{SCRATCH}/errors", encoding="utf-8") as file:
                text += file.read()
        tap.ok("\x1b" not in text and "recording 0:" not in text,
               f"{label}: no status line, no escape codes", text)
        term.end()

    term = shell(env={"NO_COLOR": "1"})
    term.type(record_line("nocolour", workload.program("steady")) + "\n")
    term.expect("started")
    term.expect(STATUS_LINE)
    term.type("end\n")
    term.expect(PROMPT)
    tap.ok(not re.search(r"\x1b\[[\d;]*m", term.text), "NO_COLOR: no colour", term.text)
    term.end()


def check_input():
    """Interactive programs."""
    term = shell()
    term.type(record_line("cat", "cat") + "\n")
    term.type("some words\n")
    term.expect("some words\r\n")
    term.type(CTRL_D)
    term.expect(PROMPT)
    check_ended("cat", term.status(), 0, "cat reads from the terminal until Ctrl-D")

    term.type("PS1='inner> ' " + record_line("bash", *BASH) + "\n")
    term.expect("inner> ")
    term.type("echo $((6 * 7))\n")
    term.expect("42\r\n")
    term.expect("inner> ")
    term.type("cat\n")
    term.type("to cat\n")
    term.expect("to cat\r\n")
    term.type(CTRL_Z)
    term.expect(r"\[1\]\+ +Stopped +cat")
    term.expect("inner> ")
    term.type("fg\n")
    term.expect("cat\r\n")
    term.type("again\n")
    term.expect("again\r\n")
    term.type(CTRL_C)
    term.expect("inner> ")
    term.type("exit 9\n")
    term.expect(PROMPT)
    check_ended("bash", term.status(), 9, "an interactive shell with job control of its own")
    term.end()


def check_no_shell():
    """The recorder leads the session itself, as under ssh -t: nobody could continue it."""
    argv = [workload.SYSCLAMP, "record", "-o", "alone.rec.json", "--backend", BACKEND, "--",
            workload.program("steady")]
    term = on_terminal(argv)
    term.expect("started")
    term.type(CTRL_Z)
    wait_for_seq("alone", 2)
    term.type("end\n")
    made = int(term.expect(r"made (\d+)")[1])
    seen = check_ended("alone", term.wait(), 0, "Ctrl-Z where no shell waits does nothing")
    tap.equal(seen.calls[GETPPID], made, "Ctrl-Z where no shell waits: every call is counted")


def check_once():
    """What the terminal sends to both reaches the command once.

    The recorder is stopped meanwhile, so that the command's signal is not pending any more when the
    recorder gets its own: two pending ones would look like one.
    """
    argv = [workload.SYSCLAMP, "record", "-q", "-o", "once.rec.json", "--backend", "ptrace", "--",
            workload.program("count_signals"), "2", "28"]
    term = on_terminal(argv)
    term.expect("started")
    command = tap.children_of(term.pid)[0]
    for act, caught in ((lambda: term.type(CTRL_C), "caught 2\r\n"),
                        (lambda: term.resize(43, 132), "caught 28 43x132\r\n")):
        tap.wait_until(lambda: tap.state_of(command) == "S", "it waits for input")
        os.kill(term.pid, signal.SIGSTOP)
        tap.wait_until(lambda: tap.state_of(term.pid) == "T", "the recorder is stopped")
        act()
        tap.wait_until(lambda: tap.state_of(command) == "t", "the command has a signal")
        os.kill(term.pid, signal.SIGCONT)
        term.expect(caught)
    term.type("end\n")
    tap.equal(term.expect(r"seen (\d+)\r\n")[1], "2",
              "Ctrl-C and a new window size reach the command once each")
    check_ended("once", term.wait(), 5, "signals that both get")


def check_hangup():
    """The terminal goes away."""
    term = shell()
    term.type(record_line("hangup", workload.program("steady")) + "\n")
    term.expect("started")
    wait_for_seq("hangup", 1)
    term.end()
    tap.wait_until(lambda: (tap.reap(), recording("hangup").complete)[1],
                   "the recording is complete")
    status = recording("hangup").status
    # Its input ends and a signal comes: whichever it meets first.
    tap.ok(status in (0, 129), "the terminal closed: the recording is complete", status)
    tap.wait_until(lambda: (tap.reap(), not tap.descendants())[1], "all processes gone")


ANY_BACKEND = (check_interrupt, check_suspend, check_suspend_background, check_background,
               check_window, check_input, check_no_shell, check_hangup)
CHECKS = {
    "ptrace": (*ANY_BACKEND, check_status_line, check_status_beside_output, check_plain,
               check_once),
    "ebpf": (*ANY_BACKEND, check_status_unseen),
}


def run_checks(backend):
    """Those of one back end."""
    global BACKEND
    BACKEND = backend
    for check in CHECKS[backend]:
        try:
            check()
        except (EOFError, TimeoutError, OSError, KeyError, ValueError) as problem:
            tap.ok(False, f"{backend}: {check.__name__}: {check.__doc__.splitlines()[0]}",
                   repr(problem))
        tap.end_descendants()


def main():
    """All of it."""
    run_checks("ptrace")
    if workload.has_ebpf():
        run_checks("ebpf")
    else:
        tap.skip("bpf", "the eBPF back end", "it does not work here")
    tap.done()


if __name__ == "__main__":
    main()
