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

    def __init__(self, place, image):
        super().__init__(place, image)
        for name, text in [("containers.conf", CONTAINERS_CONF), ("storage.conf", STORAGE_CONF)]:
            with open(self.path(name), "w", encoding="ascii") as file:
                file.write(text.format(place=self.place))
        os.makedirs(self.path("networks"))
        self.env.update(CONTAINERS_CONF=self.path("containers.conf"),
                        CONTAINERS_STORAGE_CONF=self.path("storage.conf"))
        must(["podman", "load", "-q", "-i", image.archive], env=self.env)

    def _start(self, name, argv, binds, share_with, nnp):
        pid_file, id_file = self.path(f"{name}.pid"), self.path(f"{name}.id")
        options = ["--name", name, "--pidfile", pid_file, "--cidfile", id_file, *LIMITS,
                   "--cgroup-parent", CGROUP, "--pull=never"]
        for source, place in binds:
            options += ["-v", f"{source}:{place}"]
        if share_with:
            options += [f"--pid=container:{share_with.id}", f"--network=container:{share_with.id}"]
        else:
            options += ["--network=none"]
        if nnp:
            options += ["--security-opt=no-new-privileges"]
        must_detached(["podman", "run", "-d", *options, self.image.name, *argv],
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
