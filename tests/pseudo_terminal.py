"""A pseudo-terminal with a process at one end and a test at the other."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

import screen
import workload

SECONDS = 60  # how long a test waits for anything: generous
PROMPT = "ready> "


class Terminal:
    """A process with a session and a terminal of its own, and us at the other end."""

    def __init__(self, argv, env=None, size=(24, 80), cwd="/"):
        self.cwd = cwd
        self.text = ""  # everything that came out
        self.read_to = 0  # up to where expect() has looked
        self.master, slave = pty.openpty()
        self.resize(*size)
        settings = termios.tcgetattr(slave)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._become(slave, argv, env or {})
            finally:
                os._exit(125)
        os.close(slave)

    def _become(self, slave, argv, env):
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
        os.closerange(3, 256)
        os.chdir(self.cwd)
        for signo in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signo, signal.SIG_DFL)
        env = {**workload.ENVIRON, "TERM": "xterm", "PS1": PROMPT, **env}
        os.execvpe(argv[0], argv, {name: text for name, text in env.items() if text is not None})

    def resize(self, rows, columns):
        """Change the window size, as a terminal window does."""
        self.size = (rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        """Type it."""
        os.write(self.master, text.encode())

    def _read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the terminal open any more
            data = b""
        self.text += data.decode(errors="replace")
        return bool(data)

    def expect(self, pattern):
        """Wait until the pattern appears behind what was expected last; returns the match."""
        deadline = time.monotonic() + SECONDS
        while True:
            match = re.compile(pattern).search(self.text, self.read_to)
            if match:
                self.read_to = match.end()
                return match
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise EOFError(f"no {pattern!r} in {self.text[-2000:]!r}")

    def run_to_now(self):
        """Take what has come out so far."""
        while self._read(0):
            pass

    def run(self, command):
        """Type a command line and wait for its output's end; returns the output."""
        start = self.read_to
        self.type(command + "\n")
        self.expect(re.escape(PROMPT))
        return self.text[start:self.read_to - len(PROMPT)]

    def screen(self):
        """The lines that the terminal has shown so far."""
        return screen.Screen(*self.size).write(self.text).text()

    def status(self):
        """The exit status of what the shell ran last."""
        self.type("echo status=$?\n")
        status = int(self.expect(r"status=(\d+)\r\n")[1])
        self.expect(re.escape(PROMPT))
        return status

    def end(self):
        """Close the terminal and wait for the process at its other end; its exit status."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def wait(self):
        """Read on until the process has ended; its exit status."""
        while self._read(SECONDS):
            pass
        return self.end()
