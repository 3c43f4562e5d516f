#!/usr/bin/python3
"""`run --on-deny` on a terminal: signals and job control pass through guard and supervisor as they do
without; and questions (ask) are asked there, and there only."""
import os
import shlex
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import run_terminal  # noqa: E402
import tap  # noqa: E402
import terminal  # noqa: E402
import workload  # noqa: E402


def supervised(*argv):
    """The words of a supervised command, for run_terminal's tests."""
    return [workload.SYSCLAMP, "run", "-p", run_terminal.PROFILE, "--on-deny", "explain", "--", *argv]


if __name__ == "__main__":
    run_terminal.run_words = supervised
    run_terminal.main()
