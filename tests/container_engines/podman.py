"""podman with runc, all its state below one directory."""
import json
import os

from .base import CGROUP, Container, Engine, command, must, must_detached, read_pid

# Without CAP_SYS_RESOURCE no hard limit can be raised; podman lowers none of its own accord.
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
CONTAINERS_CONF = """\
[containers]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
image_copy_tmp_dir = "{place}"
lock_type = "file"
runtime = "runc"
tmp_dir = "{place}/tmp"
volume_path = "{place}/volumes"
[network]
network_config_dir = "{place}/networks"
"""
STORAGE_CONF = """\
[storage]
driver = "vfs"
graphroot = "{place}/root"
runroot = "{place}/runroot"
"""


class Podman(Engine):
    """podman; its monitors (conmon) end with their containers."""

    name = "podman"
    programs = ("podman", "conmon", "runc")
    unconfined = "unconfined"
    hook_file = {}  # oci-hooks(5), "when" and "stages", to be used when there is a hook

    def __init__(self, place, image):
        super().__init__(place, image)
        for name, text in [("containers.conf", CONTAINERS_CONF), ("storage.conf", STORAGE_CONF)]:
            with open(self.path(name), "w", encoding="ascii") as file:
                file.write(text.format(place=self.place))
        os.makedirs(self.path("networks"))
        self.env.update(CONTAINERS_CONF=self.path("containers.conf"),
                        CONTAINERS_STORAGE_CONF=self.path("storage.conf"))
        must(["podman", "load", "-q", "-i", image.archive], env=self.env)

    def _begin(self, name, binds, share_with, nnp):
        """The beginning of a command line that runs a container."""
        argv = ["podman", *self._hooks(), "run", "--name", name, *LIMITS, "--cgroup-parent", CGROUP, "--pull=never"]
        argv += ["--workdir", self.directory]
        for name_of, value in self.environ.items():
            argv += ["--env", f"{name_of}={value}"]
        for bind in binds:
            argv += ["-v", f"{bind.source}:{bind.place}:{bind.mode}"]
        if share_with:
            argv += [f"--pid=container:{share_with.id}", f"--network=container:{share_with.id}"]
        else:
            argv += ["--network=none"]
        if nnp:
            argv += ["--security-opt=no-new-privileges"]
        if self.seccomp:
            argv += [f"--security-opt=seccomp={self.seccomp}"]
        for key, value in self.annotations.items():
            argv += ["--annotation", f"{key}={value}"]
        return argv

    def _hooks(self):
        """The options for a directory with the hook in it."""
        if not self.hook:
            return []
        place = self.path("hooks")
        os.makedirs(place, exist_ok=True)
        with open(os.path.join(place, "hook.json"), "w", encoding="ascii") as file:
            json.dump({**self.hook_file, "hook": self.hook}, file)
        return ["--hooks-dir", place]

    def _run(self, name, argv, binds, nnp, prefix):
        return command([*prefix, *self._begin(name, binds, None, nnp), "--rm", self.image.name, *argv],
                       env=self.env)

    def _start(self, name, argv, binds, share_with, nnp):
        pid_file, id_file = self.path(f"{name}.pid"), self.path(f"{name}.id")
        must_detached([*self._begin(name, binds, share_with, nnp), "-d", "--pidfile", pid_file,
                       "--cidfile", id_file, self.image.name, *argv],
                      self.path(f"{name}.log"), env=self.env)
        with open(id_file, encoding="ascii") as file:
            return Container(self, name, file.read().strip(), read_pid(pid_file))

    def exec(self, container, argv):
        return command(["podman", "exec", container.id, *argv], env=self.env)

    def wait(self, container):
        if container.status is None:
            container.status = int(must(["podman", "wait", container.id], env=self.env))
        return container.status

    def stop(self, container):
        if command(["podman", "container", "exists", container.id], env=self.env).returncode == 0:
            command(["podman", "kill", container.id], env=self.env)
            self.wait(container)
            must(["podman", "rm", "-f", container.id], env=self.env)

    def inspect(self, container):
        """What podman knows of a container."""
        return json.loads(must(["podman", "inspect", container.id], env=self.env))[0]
