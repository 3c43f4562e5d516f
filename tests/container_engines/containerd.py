"""containerd, all its state below one directory, and its own client ctr."""
import contextlib
import os
import subprocess

import tap

from .base import CGROUP, ENVIRON, Container, Engine, Failed, command, must, read_pid
from .images import NAME

CONFIG = """\
version = 2
root = "{place}/root"
state = "{place}/state"
temp = "{place}/temp"
[grpc]
address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "{place}/opt"
[plugins."io.containerd.grpc.v1.cri"]
disable_tcp_service = true
disable_apparmor = true
restrict_oom_score_adj = true
sandbox_image = "{image}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{place}/cni"
conf_dir = "{place}/cni"
"""


class Daemon(Engine):
    """A containerd of the test's own, which answers on its socket; the image is in `namespace`."""

    programs = ("containerd", "ctr", "containerd-shim-runc-v2", "runc")
    namespace = ""
    _process = None

    def __init__(self, place, image):
        super().__init__(place, image)
        self.socket = self.path("sock")
        config, self.log = self.path("config.toml"), self.path("log")
        with open(config, "w", encoding="ascii") as file:
            file.write(CONFIG.format(place=self.place, socket=self.socket, image=NAME))
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(["containerd", "-c", config], stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log, env={**ENVIRON, **self.env})
        self.ctr = ["ctr", "-a", self.socket, "-n", self.namespace]
        try:
            tap.wait_until(self._answers, "containerd answers")
            must([*self.ctr, "images", "import", "--snapshotter", "native", image.archive])
        except Exception:
            self._end()
            raise

    def _answers(self):
        if self._process.poll() is not None:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                raise Failed(f"containerd ended: {file.read()[-1000:]}")
        return os.path.exists(self.socket) and command([*self.ctr, "version"]).returncode == 0

    def _end(self):
        """End the daemon."""
        self._process.terminate()
        self._process.wait(60)

    def close(self):
        try:
            super().close()
        finally:
            self._end()


class Ctr(Daemon):
    """containerd through ctr, which stays and passes the status of its container on."""

    name = "ctr"
    namespace = "default"

    def __init__(self, place, image):
        self._clients = {}
        super().__init__(place, image)

    def _begin(self, name, binds, share_with, nnp):
        """The beginning of a command line that runs a container."""
        options = ["--snapshotter", "native", "--cgroup", f"{CGROUP}/{name}", "--cwd", self.directory]
        for name_of, value in self.environ.items():
            options += ["--env", f"{name_of}={value}"]
        for bind in binds:
            options += ["--mount", f"type=bind,src={bind.source},dst={bind.place},options=rbind:{bind.mode}"]
        for kind, link in [("pid", "pid"), ("network", "net")] if share_with else []:
            options += ["--with-ns", f"{kind}:/proc/{share_with.pid}/ns/{link}"]
        # The default of ctr is no_new_privs.
        options += [] if nnp else ["--allow-new-privs"]
        options += ["--seccomp", "--seccomp-profile", self.seccomp] if self.seccomp else []
        return [*self.ctr, "run", *options]

    def _run(self, name, argv, binds, nnp, prefix):
        return command([*prefix, *self._begin(name, binds, None, nnp), "--rm", NAME, name, *argv])

    def _start(self, name, argv, binds, share_with, nnp):
        pid_file = self.path(f"{name}.pid")
        begin = [*self._begin(name, binds, share_with, nnp), "--pid-file", pid_file]
        with open(self.path(f"{name}.log"), "wb") as log:
            client = subprocess.Popen([*begin, NAME, name, *argv],
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRON)
        pid = tap.wait_until(lambda: read_pid(pid_file) or client.poll() is not None and -1,
                             f"{name} has started")
        if pid < 0:
            with open(self.path(f"{name}.log"), encoding="utf-8", errors="replace") as file:
                raise Failed(f"ctr run: {client.wait()}: {file.read()[-1000:].strip()}")
        self._clients[name] = client
        return Container(self, name, name, pid)

    def exec(self, container, argv):
        name = f"exec{next(self._numbers)}"
        return command([*self.ctr, "tasks", "exec", "--exec-id", name, container.id, *argv])

    def wait(self, container):
        if container.status is None:
            container.status = self._clients[container.name].wait(60)
        return container.status

    def stop(self, container):
        if container.status is None:
            command([*self.ctr, "tasks", "kill", "-s", "SIGKILL", container.id])
            self.wait(container)
        with contextlib.suppress(Failed):
            # The client has removed both unless it was ended.
            must([*self.ctr, "containers", "rm", container.id])
