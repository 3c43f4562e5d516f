"""A web server on loopback, here or in the network namespace of another process."""
import ctypes
import http.server
import os
import socket
import threading

CLONE_NEWNET = 0x40000000  # linux/sched.h
TEXT = b"hello\n"


class _Quiet(http.server.BaseHTTPRequestHandler):
    """Answers every GET with a fixed text."""

    def do_GET(self):  # noqa: N802, pylint: disable=invalid-name,missing-function-docstring
        self.send_response(200)
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT)

    def log_message(self, *_args):  # pylint: disable=arguments-differ
        pass


def network_of(pid):
    """Which network namespace a process is in."""
    return os.readlink(f"/proc/{pid}/ns/net")


def _listen(port):
    """A socket that listens on loopback."""
    return socket.create_server(("127.0.0.1", port))


def _listen_beside(pid, port):
    """The same in the network namespace of another process: a socket stays where it was made."""
    made = []

    def enter():
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/proc/{pid}/ns/net", "rb") as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET):
                made.append(OSError(ctypes.get_errno(), "setns"))
                return
        made.append(_listen(port))

    # Of this process only the thread enters, and it ends.
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if not made or isinstance(made[0], OSError):
        raise made[0] if made else OSError(f"port {port} of the namespace of {pid}")
    return made[0]


class Server:
    """The server, which answers until it is closed."""

    def __init__(self, port=0, pid=None):
        """port: 0 for any that is free; pid: a process whose network namespace it is in."""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _Quiet, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = _listen(port) if pid is None else _listen_beside(pid, port)
        self.port = self._server.socket.getsockname()[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
