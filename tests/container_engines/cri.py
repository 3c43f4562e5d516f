"""containerd through its CRI socket, by the calls that a kubelet makes.

Field numbers: kubernetes/cri-api, pkg/apis/runtime/v1/api.proto; only the fields used here.
"""
import json
import os
import subprocess

import patience
import tap

from . import protobuf
from .base import CGROUP, Absent, Container, Failed, text
from .containerd import Daemon
from .images import NAME

SERVICE = "/runtime.v1.RuntimeService/"
DEADLINE_S = 60 * patience.SLOWER
POD, CONTAINER, NODE, TARGET = range(4)  # NamespaceMode
UNCONFINED, LOCALHOST = {"profile_type": 1}, 2
EXITED = 2  # ContainerState

SCHEMA = {
    "VersionRequest": {"version": (1, "text")},
    "VersionResponse": {"runtime_name": (2, "text"), "runtime_version": (3, "text")},
    "NamespaceOption": {"network": (1, "int"), "pid": (2, "int"), "ipc": (3, "int"),
                        "target_id": (4, "text")},
    "SecurityProfile": {"profile_type": (1, "int"), "localhost_ref": (2, "text")},
    "LinuxSandboxSecurityContext": {"namespace_options": (1, "NamespaceOption"),
                                    "seccomp": (9, "SecurityProfile")},
    "LinuxPodSandboxConfig": {"cgroup_parent": (1, "text"),
                              "security_context": (2, "LinuxSandboxSecurityContext")},
    "PodSandboxMetadata": {"name": (1, "text"), "uid": (2, "text"), "namespace": (3, "text"),
                           "attempt": (4, "int")},
    "PodSandboxConfig": {"metadata": (1, "PodSandboxMetadata"),
                         "log_directory": (3, "text"), "linux": (8, "LinuxPodSandboxConfig")},
    "RunPodSandboxRequest": {"config": (1, "PodSandboxConfig"), "runtime_handler": (2, "text")},
    "RunPodSandboxResponse": {"pod_sandbox_id": (1, "text")},
    "ContainerMetadata": {"name": (1, "text"), "attempt": (2, "int")},
    "ImageSpec": {"image": (1, "text")},
    "Mount": {"container_path": (1, "text"), "host_path": (2, "text"), "readonly": (3, "int")},
    "KeyValue": {"key": (1, "text"), "value": (2, "text")},
    "LinuxContainerSecurityContext": {"namespace_options": (3, "NamespaceOption"),
                                      "no_new_privs": (11, "int"),
                                      "seccomp": (15, "SecurityProfile")},
    "LinuxContainerConfig": {"security_context": (2, "LinuxContainerSecurityContext")},
    "ContainerConfig": {"metadata": (1, "ContainerMetadata"), "image": (2, "ImageSpec"),
                        "command": (3, ["text"]), "working_dir": (5, "text"),
                        "envs": (6, ["KeyValue"]), "mounts": (7, ["Mount"]),
                        "log_path": (11, "text"), "linux": (15, "LinuxContainerConfig")},
    "CreateContainerRequest": {"pod_sandbox_id": (1, "text"), "config": (2, "ContainerConfig"),
                               "sandbox_config": (3, "PodSandboxConfig")},
    "CreateContainerResponse": {"container_id": (1, "text")},
    "StartContainerRequest": {"container_id": (1, "text")},
    "StartContainerResponse": {},
    "ContainerStatusRequest": {"container_id": (1, "text"), "verbose": (2, "int")},
    "ContainerStatus": {"state": (3, "int"), "exit_code": (7, "int")},
    "InfoEntry": {"key": (1, "text"), "value": (2, "text")},  # of map<string, string>
    "ContainerStatusResponse": {"status": (1, "ContainerStatus"), "info": (2, ["InfoEntry"])},
    "ExecSyncRequest": {"container_id": (1, "text"), "cmd": (2, ["text"]), "timeout": (3, "int")},
    "ExecSyncResponse": {"stdout": (1, "bytes"), "stderr": (2, "bytes"), "exit_code": (3, "int")},
    "StopContainerRequest": {"container_id": (1, "text"), "timeout": (2, "int")},
    "StopContainerResponse": {},
    "RemoveContainerRequest": {"container_id": (1, "text")},
    "RemoveContainerResponse": {},
    "StopPodSandboxRequest": {"pod_sandbox_id": (1, "text")},
    "StopPodSandboxResponse": {},
    "RemovePodSandboxRequest": {"pod_sandbox_id": (1, "text")},
    "RemovePodSandboxResponse": {},
}


class Client:
    """Calls of the runtime service, from dicts to dicts."""

    def __init__(self, socket):
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
        try:
            from grpc import RpcError, insecure_channel
        except ImportError as error:
            raise Absent(f"no python3-grpcio: {error}") from error
        self._error = RpcError
        # It would ask a proxy for the socket.
        self._channel = insecure_channel(f"unix:{socket}", [("grpc.enable_http_proxy", 0)])

    def call(self, method, **values):
        """One call; Failed with the service's message when it fails."""
        request = protobuf.encode(SCHEMA, f"{method}Request", values)
        try:
            answer = self._channel.unary_unary(SERVICE + method)(request, timeout=DEADLINE_S)
        except self._error as error:
            raise Failed(f"{method}: {error.code().name}: {error.details()}") from error
        return protobuf.decode(SCHEMA, f"{method}Response", answer)

    def close(self):
        """End the connection."""
        self._channel.close()


def read_log(path):
    """What a container has said: standard output, standard error.

    A line: when, the stream, F or P for a part of a line, the text (kubernetes/design-proposals-archive,
    node/kubelet-cri-logging.md).
    """
    said = {b"stdout": b"", b"stderr": b""}
    with open(path, "rb") as file:
        for line in file:
            _, stream, whole, part = line.removesuffix(b"\n").split(b" ", 3)
            said[stream] += part + (b"\n" if whole == b"F" else b"")
    return [text(said[stream]) for stream in (b"stdout", b"stderr")]


def _pod_config(name, directory):
    # No host name: in the node's network it is the node's.
    context = {"namespace_options": {"network": NODE, "pid": CONTAINER}, "seccomp": UNCONFINED}
    return {"metadata": {"name": name, "uid": name, "namespace": "test"},
            "log_directory": directory,
            "linux": {"cgroup_parent": CGROUP, "security_context": context}}


class Cri(Daemon):
    """containerd as a kubelet drives it.

    A pod is made for each container that shares nothing; one that shares is a second container of
    the pod, whose network is the pod's.  That is the node's: no plugins are needed.
    """

    name = "cri"
    namespace = "k8s.io"

    def __init__(self, place, image):
        self._client = None
        self._pods = {}  # their configurations, by id
        self._pod_of = {}  # container id -> pod id
        super().__init__(place, image)
        try:
            self._client = Client(self.socket)
            self.version = self._client.call("Version")
        except Exception:
            self.close()
            raise

    def _run_pod(self, name):
        config = _pod_config(name, self.path("logs", name))
        pod = self._client.call("RunPodSandbox", config=config)["pod_sandbox_id"]
        self._pods[pod] = config
        return pod

    def _create(self, pod, name, argv, binds, share_with, nnp):
        options = {"network": NODE, "pid": CONTAINER}
        if share_with:
            options.update(pid=TARGET, target_id=share_with.id)
        profile = {"profile_type": LOCALHOST, "localhost_ref": self.seccomp} if self.seccomp else UNCONFINED
        context = {"namespace_options": options, "no_new_privs": nnp, "seccomp": profile}
        config = {"metadata": {"name": name}, "image": {"image": NAME}, "command": argv,
                  "working_dir": self.directory,
                  "envs": [{"key": key, "value": value} for key, value in self.environ.items()],
                  "mounts": [{"host_path": bind.source, "container_path": bind.place, "readonly": bind.mode == "ro"}
                             for bind in binds],
                  "log_path": f"{name}.log", "linux": {"security_context": context}}
        return self._client.call("CreateContainer", pod_sandbox_id=pod, config=config,
                                 sandbox_config=self._pods[pod])["container_id"]

    def _run(self, name, argv, binds, nnp, prefix):
        container = self._start(name, argv, binds, None, nnp)
        pod = self._pod_of[container.id]
        status = self.wait(container)
        output = read_log(self.path("logs", name, f"{name}.log"))
        container.stop()
        self._remove_pod(pod)
        return subprocess.CompletedProcess(argv, status, *output)

    def _start(self, name, argv, binds, share_with, nnp):
        pod = self._pod_of[share_with.id] if share_with else self._run_pod(name)
        ident = self._create(pod, name, argv, binds, share_with, nnp)
        self._pod_of[ident] = pod
        self._client.call("StartContainer", container_id=ident)
        return Container(self, name, ident, self._info(ident)["pid"])

    def _info(self, ident):
        answer = self._client.call("ContainerStatus", container_id=ident, verbose=True)
        return json.loads(next(entry["value"] for entry in answer["info"] if entry["key"] == "info"))

    def exec(self, container, argv):
        answer = self._client.call("ExecSync", container_id=container.id, cmd=argv, timeout=DEADLINE_S)
        return subprocess.CompletedProcess(argv, answer["exit_code"],
                                           *(text(answer[name]) for name in ("stdout", "stderr")))

    def wait(self, container):
        def ended():
            status = self._client.call("ContainerStatus", container_id=container.id)["status"]
            return status["state"] == EXITED and [status["exit_code"]]
        if container.status is None:
            container.status = tap.wait_until(ended, "the container ends")[0]
        return container.status

    def stop(self, container):
        if container.id in self._pod_of:
            self._client.call("StopContainer", container_id=container.id, timeout=0)
            self.wait(container)
            self._client.call("RemoveContainer", container_id=container.id)
            del self._pod_of[container.id]

    def _remove_pod(self, pod):
        del self._pods[pod]
        self._client.call("StopPodSandbox", pod_sandbox_id=pod)
        self._client.call("RemovePodSandbox", pod_sandbox_id=pod)

    def close(self):
        try:
            for container in reversed(self.containers):
                container.stop()
            for pod in list(self._pods):
                self._remove_pod(pod)
        finally:
            if self._client:
                self._client.close()
            super().close()
