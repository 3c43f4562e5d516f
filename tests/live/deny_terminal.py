#!/usr/bin/python3
"""`run --on-deny` on a terminal: signals and job control pass through guard and supervisor as they do
without them; and questions (ask) are asked there, and there only."""
import os
import re
import shlex
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import deny  # noqa: E402
import run_terminal  # noqa: E402
import tap  # noqa: E402
import terminal  # noqa: E402
import workload  # noqa: E402

ASK = os.path.join(terminal.SCRATCH, "ask.json")
OUTPUT = os.path.join(terminal.SCRATCH, "asked.rec.json")
QUESTION = r"let it through\? .*: $"
CALLS = ["uname", "uname", "getpgid"]


def supervised(*argv, options=()):
    """The words of a supervised command, for run_terminal's tests."""
    return [workload.SYSCLAMP, "run", "-p", run_terminal.PROFILE, "--on-deny", "explain", *options, "--", *argv]


def ask_words(*argv, options=()):
    """The words of a command that is asked about."""
    return [workload.SYSCLAMP, "run", "-p", ASK, "--on-deny", "ask", *options, "--", *argv]


def about(term, call):
    """Wait for the question about a call."""
    text = term.expect(rf"sysclamp run: {call}\((.*)\), which the profile answers by (.*),\r\n"
                       r"  is called by (\S+)\[\d+\] (\S+)\r\n")
    term.expect(QUESTION)
    return text.groups()


def dialogue(answers, argv, options=()):
    """Answer the questions: (call, answer) each; the status and all the command's lines."""
    term = terminal.on_terminal(ask_words(*argv, options=options))
    for call, answer in answers:
        if call:
            about(term, call)
        else:
            term.expect(QUESTION)
        term.type(answer + "\n")
    status = term.wait()
    return status, re.findall(r"^(\w+: \d+)\r$", term.text, re.M), term.text


def check_answers():
    """Yes, always, no, never."""
    try_call = workload.program("try_call")
    for answers, want in (
            ([("uname", "y"), ("uname", "n"), ("getpgid", "y")], [0, 1, 0]),
            ([("uname", "a"), ("getpgid", "n")], [0, 0, 13]),
            ([("uname", "d"), ("getpgid", "a")], [1, 1, 0]),
            ([("uname", "n"), ("uname", "y"), ("getpgid", "d")], [1, 0, 13])):
        status, lines, text = dialogue(answers, [try_call, *CALLS])
        tap.equal((status, lines), (0, [f"{call}: {errno}" for call, errno in zip(CALLS, want)]),
                  f"answers {' '.join(answer for _, answer in answers)}", text)
    status, lines, text = dialogue([("uname", "what"), (None, ""), (None, "e"), (None, "y")], [try_call, "uname"])
    tap.ok(status == 0 and lines == ["uname: 0"] and "at try_call!main+" in text,
           "no answer: asked again; e shows the stack", text)
    term = terminal.on_terminal(ask_words("sh", "-c", f"(setsid sleep 1000 &); exec {try_call} uname"))
    about(term, "uname")
    term.type("q\n")
    tap.equal(term.wait(), 137, "q ends the command")
    tap.wait_until(lambda: (tap.reap(), not tap.descendants())[1], "all processes gone")


def check_remembered():
    """An answer for good is about a call with the same arguments, of those that can be told apart."""
    script = ("import socket\nfor family in (socket.AF_UNIX, socket.AF_INET, socket.AF_UNIX):\n"
              " try: socket.socket(family, socket.SOCK_STREAM).close(); print('made: 0')\n"
              " except OSError as error: print(f'denied: {error.errno}')\n")
    status, lines, text = dialogue([("socket", "a"), ("socket", "d")], ["/usr/bin/python3", "-I", "-c", script])
    tap.equal((status, lines), (0, ["made: 0", "denied: 1", "made: 0"]), "other arguments are another question", text)


def check_recording():
    """What was let through is recorded."""
    status, _, text = dialogue([("uname", "a"), ("getpgid", "n")], [workload.program("try_call"), *CALLS],
                               ["-o", OUTPUT])
    seen = workload.Recording(OUTPUT)
    counts = {seen.names[key]: count for key, count in seen.calls.items()}
    tap.equal((status, counts, seen.json["recorder"]["backend"]), (0, {"uname": 2}, "notify-beside"),
              "what was let through is in the recording, and nothing else", text)
    tap.ok("2 questions; 2 calls let through, 1 denied" in text, "and it is told", text)


def check_streams():
    """Questions do not go to the command's streams, and answers do not come from there."""
    term = terminal.shell()
    line = shlex.join(ask_words("sh", "-c", f"read x; {workload.program('try_call')} uname; echo got=$x"))
    term.type(f"echo y-from-a-pipe | {line} >{terminal.SCRATCH}/out 2>{terminal.SCRATCH}/err\n")
    about(term, "uname")
    term.type("y\n")
    term.expect(terminal.PROMPT)
    with open(f"{terminal.SCRATCH}/out", encoding="ascii") as file:
        tap.equal(file.read(), "trying\nuname: 0\ngot=y-from-a-pipe\n", "output and input are the command's own")
    with open(f"{terminal.SCRATCH}/err", encoding="ascii") as file:
        tap.equal(len(file.readlines()), 1, "standard error has the line at the end only")
    term.end()


def check_competition():
    """The command reads the same terminal: it does not get the answer, and goes on reading afterwards."""
    script = f"cat >{terminal.SCRATCH}/read & {workload.program('try_call')} uname; wait"
    term = terminal.on_terminal(ask_words("sh", "-c", f"exec 3<&0; (exec <&3; {script.replace(' &', ' <&3 &')})"))
    about(term, "uname")
    term.type("y\n")
    term.expect("uname: 0")
    term.type("for cat\n" + terminal.CTRL_D)
    status = term.wait()
    with open(f"{terminal.SCRATCH}/read", encoding="ascii") as file:
        tap.equal((status, file.read()), (0, "for cat\n"), "a reader is held off while a question is asked", term.text)


def check_ahead():
    """What was typed before the question does not answer it."""
    term = terminal.on_terminal(ask_words("sh", "-c", f"echo started; sleep 0.5; {workload.program('try_call')} uname"))
    term.expect("started")
    term.type("y\n")
    about(term, "uname")
    term.run_to_now()
    term.type("n\n")
    term.expect("uname: 1")
    tap.equal(term.wait(), 0, "what was typed ahead is no answer")


def check_jobs():
    """A question of a job in the background waits for its turn; keys end a job that is asked about."""
    term = terminal.shell()
    term.run(f"{shlex.join(ask_words(workload.program('try_call'), 'uname'))} &")
    tap.wait_until(lambda: "Stopped" in term.run("jobs"), "jobs: Stopped")
    tap.ok("which the profile" not in term.text, "in the background: the job is suspended, and nothing is asked")
    term.type("fg\n")
    about(term, "uname")
    term.type("y\n")
    term.expect("uname: 0")
    term.expect(terminal.PROMPT)
    tap.equal(term.status(), 0, "in the foreground it is asked")
    term.type(shlex.join(ask_words(workload.program("try_call"), "uname")) + "\n")
    about(term, "uname")
    term.type(terminal.CTRL_C)
    term.expect(terminal.PROMPT)
    tap.equal(term.status(), 130, "Ctrl-C at a question ends the command")
    term.end()


def check_raw():
    """A command that has set the terminal to raw mode, as editors do, finds it so afterwards."""
    script = f"stty raw -echo; {workload.program('try_call')} uname; stty -a; stty sane"
    term = terminal.on_terminal(ask_words("sh", "-c", script))
    about(term, "uname")
    term.type("y\r")
    term.expect("uname: 0")
    tap.equal(term.wait(), 0, "the command ends")
    tap.ok("-icanon" in term.text and "-echo " in term.text, "raw mode is there again", term.text)


def check_gone():
    """No terminal; or one that goes away."""
    got = workload.run(["setsid", *ask_words("touch", f"{terminal.SCRATCH}/touched")])
    tap.ok(got.returncode == 125 and b"terminal" in got.stderr and not os.path.exists(f"{terminal.SCRATCH}/touched"),
           "no terminal: an error, and nothing is started", got)
    term = terminal.on_terminal(ask_words("sh", "-c", f"trap '' HUP; {workload.program('try_call')} uname"
                                          f" >{terminal.SCRATCH}/out; exit 5"))
    about(term, "uname")
    tap.equal(term.end(), 5, "the terminal closed at a question: the command goes on")
    with open(f"{terminal.SCRATCH}/out", encoding="ascii") as file:
        tap.equal(file.read(), "trying\nuname: 1\n", "and gets what the profile says")


def main():
    """The tests of run_terminal, and those of questions."""
    deny.profile(ASK, ("uname", "SCMP_ACT_ERRNO", 1), ("getpgid", "SCMP_ACT_ERRNO", 13),
                 ("socket", "SCMP_ACT_ERRNO", 1))
    for check in (check_answers, check_remembered, check_recording, check_streams, check_competition, check_ahead,
                  check_jobs, check_raw, check_gone):
        try:
            check()
        except (EOFError, TimeoutError) as problem:
            tap.ok(False, f"{check.__name__}: {problem}")
    run_terminal.run_words = supervised
    # A supervised command is held from its launch on.
    run_terminal.main(without=[run_terminal.check_suspend_early])


if __name__ == "__main__":
    main()
