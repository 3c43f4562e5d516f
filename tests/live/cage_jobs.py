#!/usr/bin/python3
"""Job control of a command in a cage: the shell notices its stops, whoever waits for it inside."""
import os
import re
import shlex
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import caged  # noqa: E402
import tap  # noqa: E402
import terminal  # noqa: E402
import workload  # noqa: E402

STOPPED = r"\[1\]\+ +Stopped"
TIMES = 3
MOMENT = ["at=exec", f"profile={caged.PROFILE}"]
WAYS = [
    ("becomes it", ["umask=022"]),
    ("becomes it, in a session", ["session"]),
    ("becomes it as process 1", ["ns=pid"]),
    ("waits for it", ["ns=pid", "init"]),
    ("waits for it, in a session", ["ns=pid", "init", "session"]),
    ("holds it later", MOMENT),
    ("holds it later, in a session", [*MOMENT, "session"]),
    ("holds it later, as process 1", [*MOMENT, "ns=pid", "ns=mnt", "proc"]),
]
READ_LINE = "echo started; read line; echo got=$line; exit 3"


def command():
    """The process below us that runs the command's shell (which is not bash), or 0."""
    for pid in tap.descendants():
        try:
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) in ("dash", "sleep"):
                return pid
        except OSError:
            pass
    return 0


def start(term, who, words, script):
    """Type the command line; returns the command's process."""
    term.type(shlex.join(who.words(*words, argv=["sh", "-c", script])) + "\n")
    term.expect("started\r\n")
    return tap.wait_until(command, "the command")


def check_keys(who, name, words):
    """Ctrl-Z, fg, kill, Ctrl-C."""
    term = terminal.shell()
    pid = start(term, who, words, READ_LINE)
    for _ in range(TIMES):
        term.type(terminal.CTRL_Z)
        term.expect(STOPPED)
        term.expect(re.escape(terminal.PROMPT))
        stopped = tap.state_of(pid)
        term.type("fg\n")
        term.expect("cage_run")
        tap.wait_until(lambda: tap.state_of(pid) not in ("T", "t"), "the command continues")
    term.type("hello\n")
    got = term.expect(r"\ngot=(\w+)")[1]
    term.expect(re.escape(terminal.PROMPT))
    tap.equal((stopped, got, term.status()), ("T", "hello", 3), f"{who.name}, the child {name}: Ctrl-Z and fg")
    if words != ["ns=pid"]:  # process 1 has no default actions: pid_namespaces(7)
        start(term, who, words, "echo started; exec sleep 1000")
        term.type(terminal.CTRL_C)
        term.expect(re.escape(terminal.PROMPT))
        tap.equal(term.status(), 130, f"{who.name}, the child {name}: Ctrl-C ends it")
    term.end()


def check_job(who, name, words):
    """In the background: signals to the launcher alone."""
    term = terminal.shell()
    term.run(shlex.join(who.words(*words, argv=["sleep", "1000"])) + " &")
    pid = tap.wait_until(command, "the command")
    if "session" in words or words[0] == "umask=022":
        return term.end()
    term.run("kill -TSTP $!")
    tap.wait_until(lambda: "Stopped" in term.run("jobs"), "jobs: Stopped")
    stopped = tap.state_of(pid)
    term.run("kill -CONT $!")
    tap.wait_until(lambda: "Running" in term.run("jobs") and tap.state_of(pid) == "S", "it runs again")
    term.run("kill $!; wait $!")
    tap.equal((stopped, term.status()), ("T", 143), f"{who.name}, the child {name}: TSTP, CONT and TERM to the launcher")
    return term.end()


def main():
    """Each way, for everybody."""
    for who in caged.everybody():
        for name, words in WAYS:
            try:
                check_keys(who, name, words)
            except (EOFError, TimeoutError, OSError, ValueError) as problem:
                tap.ok(False, f"{who.name}, the child {name}", repr(problem)[:1500])
            tap.end_descendants()
        check_job(who, "waits for it", ["ns=pid", "init"])
        tap.end_descendants()
    tap.done()


terminal.SECONDS = 20
main()
