"""OCI runtimes without an engine: runc and crun, each container a bundle."""
import contextlib
import json
import os
import signal
import subprocess

import tap

from .base import CGROUP, ENVIRON, Bind, Container, Engine, Failed, command, must, must_detached, read_pid

# crun 1.8 refuses a hybrid of cgroup v1 and v2: hide the latter from it, in a mount namespace of its own.
NO_UNIFIED = ("unshare", "-m", "sh", "-c",
              "umount /sys/fs/cgroup/unified 2>/dev/null; exec \"$@\"", "sh")


def _mount(bind):
    return {"source": bind.source, "destination": bind.place, "type": "bind", "options": ["rbind", bind.mode]}


def _is_ours(pid):
    """Whether a process is the test's own to collect still, and so no other that has its number by now."""
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return True
    return False


def _ended(pid):
    """What waitpid says, once a process has ended."""
    try:
        result = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        # The part of crun that is its parent may outlive the part that was waited for.
        if os.path.exists(f"/proc/{pid}"):
            return None
        raise
    return result if result[0] else None


class Runtime(Engine):
    """What both have: the command line of an OCI runtime."""

    prefix = ()
    options = ()
    cgroups_path = None  # the default of the runtime
    stage = "prestart"  # when its hook is called
    other_hooks = {}  # of the bundle, by stage

    def __init__(self, place, image):
        super().__init__(place, image)
        # Their state is in /run, where it always is: a private one, see private_mounts().
        self.runtime = [*self.prefix, self.programs[0], *self.options]
        os.makedirs(self.path("spec"))
        must([self.programs[0], "spec"], cwd=self.path("spec"))

    def _config(self, argv, binds, share_with, nnp):
        """What the runtime itself writes, changed as little as can be."""
        with open(self.path("spec", "config.json"), encoding="utf-8") as file:
            config = json.load(file)
        config["process"].update(terminal=False, noNewPrivileges=nnp, args=argv)
        config["process"]["cwd"] = self.directory
        environ = {**dict(each.split("=", 1) for each in config["process"]["env"]), **self.environ}
        config["process"]["env"] = [f"{name}={value}" for name, value in environ.items()]
        config["process"].pop("rlimits", None)
        config["root"] = {"path": self.image.rootfs, "readonly": True}
        config["mounts"] += [_mount(bind) for bind in binds]
        for namespace in config["linux"]["namespaces"]:
            link = {"pid": "pid", "network": "net"}.get(namespace["type"])
            if share_with and link:
                namespace["path"] = f"/proc/{share_with.pid}/ns/{link}"
        config["annotations"] = self.annotations
        if self.hook:
            config["hooks"] = {self.stage: [self.hook], **self.other_hooks}
        if self.seccomp:
            with open(self.seccomp, encoding="utf-8") as file:
                config["linux"]["seccomp"] = json.load(file)
        return config

    def _bundle(self, name, config):
        """The directory of a bundle."""
        if self.cgroups_path:
            config["linux"]["cgroupsPath"] = f"{self.cgroups_path}/{name}"
        bundle = self.path("bundles", name)
        os.makedirs(bundle, exist_ok=True)
        with open(os.path.join(bundle, "config.json"), "w", encoding="ascii") as file:
            json.dump(config, file)
        return bundle

    def _run(self, name, argv, binds, nnp, prefix):
        bundle = self._bundle(name, self._config(argv, binds, None, nnp))
        try:
            return command([*prefix, *self.runtime, "run", "--bundle", bundle, name], env=self.env)
        except Failed:  # it runs still
            command([*self.runtime, "delete", "-f", name], env=self.env)
            raise

    def _start(self, name, argv, binds, share_with, nnp):
        bundle, pid_file = self._bundle(name, self._config(argv, binds, share_with, nnp)), self.path(f"{name}.pid")
        must_detached([*self.runtime, "run", "-d", "--bundle", bundle, "--pid-file", pid_file, name],
                      self.path(f"{name}.log"), env=self.env)
        return Container(self, name, name, read_pid(pid_file))

    def create(self, name, argv):
        """The container, created: go() starts its program."""
        bundle, pid_file = self._bundle(name, self._config(argv, [], None, True)), self.path(f"{name}.pid")
        must_detached([*self.runtime, "create", "--bundle", bundle, "--pid-file", pid_file, name],
                      self.path(f"{name}.log"), env=self.env)
        container = Container(self, name, name, read_pid(pid_file))
        container.go = lambda: command([*self.runtime, "start", name], env=self.env)
        self.containers.append(container)
        return container

    def start_enclosed(self, name, argv, binds=()):
        """As start(), by a runtime with mounts of its own, which stays: its process, and the container."""
        bundle, pid_file = self._bundle(name, self._config(argv, [Bind(*bind) for bind in binds], None, True)), self.path(f"{name}.pid")
        run = [*self.runtime, "run", "--bundle", bundle, "--pid-file", pid_file, name]
        with open(self.path(f"{name}.log"), "wb") as log:
            process = subprocess.Popen(["unshare", "-m", *run], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, env={**ENVIRON, **self.env})
        pid = tap.wait_until(lambda: read_pid(pid_file) or process.poll() is not None and -1,
                             f"{name} has started")
        if pid < 0:
            with open(self.path(f"{name}.log"), encoding="utf-8", errors="replace") as file:
                raise Failed(f"{run}: {process.returncode}: {file.read()[-1000:]}")
        self.containers.append(Container(self, name, name, pid))
        return process, self.containers[-1]

    def exec(self, container, argv):
        """As engines do it: crun's exec has no_new_privs as it is told, and not as the container has it."""
        with open(self.path("bundles", container.name, "config.json"), encoding="ascii") as file:
            process = json.load(file)["process"]
        path = self.path(f"exec{next(self._numbers)}.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump({**process, "args": argv}, file)
        return command([*self.runtime, "exec", "--process", path, container.id], env=self.env)

    def wait(self, container):
        """The init is an orphan, and so the test's to collect."""
        if container.status is None:
            _, status = tap.wait_until(lambda: _ended(container.pid), f"{container.name} ends")
            code = os.waitstatus_to_exitcode(status)
            container.status = code if code >= 0 else 128 - code
        return container.status

    def stop(self, container):
        # runc looks every 100 ms only whether what it has killed has ended.
        if _is_ours(container.pid):
            os.kill(container.pid, signal.SIGKILL)
            self.wait(container)
        command([*self.runtime, "delete", "-f", container.id], env=self.env)
        with contextlib.suppress(ChildProcessError):
            self.wait(container)
        tap.wait_until(lambda: not os.path.exists(f"/proc/{container.pid}"), "the container ends")


class Runc(Runtime):
    """runc, which takes a hybrid of cgroup v1 and v2 as it is."""

    name = "runc"
    programs = ("runc",)
    cgroups_path = CGROUP


class Crun(Runtime):
    """crun; its containers have no cgroup of their own."""

    name = "crun"
    programs = ("crun",)
    prefix = NO_UNIFIED
    options = ("--cgroup-manager=disabled",)
