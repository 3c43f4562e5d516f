#!/usr/bin/python3
"""`run` on a terminal: signals, job control, window size, hang-up.

The terminal and the shell in front of it are those of terminal.py, which tests `record`.
"""
import os
import shlex
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
import terminal  # noqa: E402
import workload  # noqa: E402

PROFILE = os.path.join(terminal.SCRATCH, "allow.json")
STOPPED = r"\[1\]\+ +Stopped"
READ_LINE = ["sh", "-c", "echo started $$; read line; echo got=$line; exit 3"]


def run_words(*argv, options=()):
    """The words of a command that runs `argv` under a profile that allows everything."""
    return [workload.SYSCLAMP, "run", "-p", PROFILE, *options, "--", *argv]


def start(term, *argv, options=()):
    """Type that command; returns the rest of the line on which it says "started"."""
    term.type(shlex.join(run_words(*argv, options=options)) + "\n")
    return term.expect(r"started ?(.*)\r\n")[1]


def expect_stop(term):
    """The shell says that the job has stopped, and is back."""
    term.expect(STOPPED)
    term.expect(terminal.PROMPT)


def foreground(term, pid):
    """fg, until the command runs: the shell says what it continues before it does."""
    term.type("fg\n")
    term.expect(" run -p ")
    tap.wait_until(lambda: tap.state_of(pid) not in ("T", "t"), "the command continues")


def check_interrupt():
    """Ctrl-C and Ctrl-backslash."""
    term = terminal.shell()
    start(term, "sh", "-c", "echo started; exec cat")
    term.type(terminal.CTRL_C)
    term.expect(terminal.PROMPT)
    tap.equal(term.status(), 130, "Ctrl-C ends the command: status 130")
    for key, signo in ((terminal.CTRL_C, 2), ("\x1c", 3)):
        start(term, workload.program("count_signals"), str(signo))
        for _ in range(terminal.TIMES):
            term.type(key)
            term.expect(f"caught {signo}\r\n")
        term.type("end\n")
        tap.equal(term.expect(r"seen (\d+)\r\n")[1], str(terminal.TIMES),
                  f"signal {signo} of a key reaches a command that handles it once each time")
        term.expect(terminal.PROMPT)
        tap.equal(term.status(), 5, f"signal {signo} handled: the command's own status")
    term.end()


def check_suspend():
    """Ctrl-Z, jobs, fg."""
    term = terminal.shell()
    pid = int(start(term, *READ_LINE))
    for n in range(terminal.TIMES):
        term.type(terminal.CTRL_Z)
        expect_stop(term)
        tap.ok("Stopped" in term.run("jobs"), f"Ctrl-Z, time {n + 1}: the prompt is back")
        foreground(term, pid)
    term.type("hello\n")
    tap.equal(term.expect(r"\ngot=(\w+)")[1], "hello", "after fg the command reads on")
    term.expect(terminal.PROMPT)
    tap.equal(term.status(), 3, "and ends with its own status")
    term.end()


def check_suspend_early():
    """Ctrl-Z, fg and Ctrl-C before the filter is loaded, while the command is traced."""
    term = terminal.shell()
    options = ["--at", "moment", "--within", "1h"]
    pid = int(start(term, workload.program("late_cases"), "line", options=options))
    for n in range(terminal.TIMES):
        term.type(terminal.CTRL_Z)
        expect_stop(term)
        tap.ok("Stopped" in term.run("jobs"), f"Ctrl-Z before the moment, time {n + 1}: the prompt is back")
        foreground(term, pid)
    term.type("hello\n")
    tap.equal(term.expect(r"\ngot=(\w+)")[1], "hello", "after fg the command reads on")
    tap.equal(term.expect(r"\nown: (\d)")[1], "2", "and is held by then")
    term.expect(terminal.PROMPT)
    tap.equal(term.status(), 5, "and ends with its own status")
    start(term, workload.program("late_cases"), "line", options=options)
    term.type(terminal.CTRL_C)
    term.expect("ended by signal 2 before it came to moment")
    term.expect(terminal.PROMPT)
    tap.equal(term.status(), 125, "Ctrl-C before the moment ends it: status 125")
    term.end()


def check_suspend_self():
    """A command that suspends itself as editors do, with SIGSTOP."""
    term = terminal.shell()
    pid = int(start(term, "sh", "-c", "echo started $$; kill -STOP $$; echo got=on; exit 3"))
    expect_stop(term)
    tap.ok(True, "a command that stops itself gives the shell back")
    foreground(term, pid)
    term.expect(r"\ngot=on")
    term.expect(terminal.PROMPT)
    tap.equal(term.status(), 3, "and goes on after fg")
    term.end()


def check_background():
    """bg, signals to sysclamp alone, a read in the background."""
    term = terminal.shell()
    pid = int(start(term, *READ_LINE))
    term.type(terminal.CTRL_Z)
    expect_stop(term)
    term.run("bg")
    # It reads from the terminal in the background: SIGTTIN.
    tap.wait_until(lambda: "Stopped" in term.run("jobs"), "jobs: Stopped")
    tap.ok(tap.state_of(pid) == "T", "a read in the background stops the job")
    foreground(term, pid)
    term.type("hello\n")
    term.expect(r"\ngot=hello")
    term.expect(terminal.PROMPT)
    tap.equal(term.status(), 3, "and it reads on in the foreground")

    term.run(shlex.join(run_words("sleep", "1000")) + " &")
    sleeper = tap.wait_until(find_sleep, "sleep runs")
    term.run("kill -TSTP $!")
    tap.wait_until(lambda: "Stopped" in term.run("jobs"), "jobs: Stopped")
    tap.ok(True, "SIGTSTP to sysclamp alone stops both")
    term.run("kill -CONT $!")
    tap.wait_until(lambda: "Running" in term.run("jobs"), "jobs: Running")
    tap.wait_until(lambda: tap.state_of(sleeper) == "S", "the command runs")
    tap.ok(True, "SIGCONT to sysclamp alone continues both")
    os.kill(sleeper, signal.SIGSTOP)
    tap.wait_until(lambda: tap.state_of(sleeper) == "T", "the command is stopped")
    os.kill(sleeper, signal.SIGCONT)
    tap.wait_until(lambda: tap.state_of(sleeper) == "S", "the command continues")
    tap.ok("Running" in term.run("jobs"), "SIGSTOP to the command alone does not stop sysclamp")
    term.run("kill $!; wait $!")
    tap.equal(term.status(), 143, "SIGTERM to sysclamp alone ends both: status 143")
    term.end()


def find_sleep():
    """The process below us that runs sleep(1), or 0."""
    for pid in tap.descendants():
        try:
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "sleep":
                return pid
        except OSError:
            pass
    return 0


def check_own_session():
    """A command that left the terminal's foreground group."""
    term = terminal.shell()
    start(term, "setsid", "sh", "-c", "echo started; exec sleep 1000")
    term.type(terminal.CTRL_C)
    term.expect(terminal.PROMPT)
    tap.equal(term.status(), 130, "Ctrl-C ends a command that is in a session of its own")
    term.end()


def check_window():
    """Window size changes."""
    term = terminal.shell()
    start(term, workload.program("count_signals"), "28")
    for rows in range(40, 40 + terminal.TIMES):
        term.resize(rows, 132)
        term.expect(f"caught 28 {rows}x132\r\n")
    term.type("end\n")
    tap.equal(term.expect(r"seen (\d+)\r\n")[1], str(terminal.TIMES),
              "each new window size reaches the command once")
    term.end()


def check_no_shell():
    """sysclamp in place of the shell: nobody would notice a suspension."""
    term = terminal.Terminal(run_words(*READ_LINE))
    term.expect("started")
    term.type(terminal.CTRL_Z)
    term.type("hello\n")
    tap.equal(term.expect(r"\ngot=(\w+)")[1], "hello", "without a shell Ctrl-Z does nothing")
    tap.equal(term.wait(), 3, "and the status is the command's")

    term = terminal.Terminal(run_words("sh", "-c", "echo started $$; kill -STOP $$; exit 3"))
    pid = int(term.expect(r"started (\d+)\r\n")[1])
    tap.wait_until(lambda: tap.state_of(pid) == "T", "the command is stopped")
    os.kill(pid, signal.SIGCONT)
    tap.wait_until(lambda: tap.state_of(term.pid) == "Z", "sysclamp ends")
    tap.equal(term.end(), 3, "nor does sysclamp stop with a command that stops itself")


def check_hangup():
    """The terminal goes away."""
    term = terminal.Terminal(run_words("sh", "-c", "echo started; exec sleep 60"))
    term.expect("started")
    tap.equal(term.end(), 129, "the terminal closed, sysclamp leads the session: status 129")
    tap.wait_until(lambda: (tap.reap(), not tap.descendants())[1], "all processes gone")
    term = terminal.shell()
    start(term, "sh", "-c", "echo started; exec sleep 1000")
    term.end()
    tap.wait_until(lambda: (tap.reap(), not tap.descendants())[1], "all processes gone")
    tap.ok(True, "the terminal closed, a shell leads the session: no process is left")


def main(without=()):
    """All of it, or without some."""
    with open(PROFILE, "w", encoding="ascii") as file:
        file.write('{"defaultAction": "SCMP_ACT_ALLOW"}\n')
    for check in (check_interrupt, check_suspend, check_suspend_early, check_suspend_self, check_background,
                  check_own_session, check_window, check_no_shell, check_hangup):
        if check in without:
            continue
        try:
            check()
        except (EOFError, TimeoutError, OSError, ValueError) as problem:
            tap.ok(False, f"{check.__name__}: {check.__doc__.splitlines()[0]}", repr(problem))
        tap.end_descendants()
    tap.done()


if __name__ == "__main__":
    main()
