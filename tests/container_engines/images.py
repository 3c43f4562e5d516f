"""The image of the tests, made here of static programs: a root directory, or an archive of it.

The archive is what `docker save` writes, which podman and containerd both load (Docker Image
Specification 1.2, "Combined Image JSON + Filesystem Changeset Format").
"""
import hashlib
import io
import json
import os
import shutil
import tarfile

from .base import Absent

NAME = "localhost/sysclamp-test:latest"
BUSYBOX = "/bin/busybox"
APPLETS = ("sh", "sleep", "true", "cat", "echo")
DIRECTORIES = ("bin", "proc", "sys", "dev", "tmp", "etc", "fifos", "run", "var")


def _is_static(path):
    """Whether a program needs no loader: no PT_INTERP, whose text would be in its first page."""
    with open(path, "rb") as file:
        return b"/ld-linux" not in file.read(4096)


def make_rootfs(directory, programs):
    """A root directory of busybox and of the static programs given, at its top."""
    for name in DIRECTORIES:
        os.makedirs(os.path.join(directory, name))
    shutil.copy(BUSYBOX, os.path.join(directory, "bin/busybox"))
    for name in APPLETS:
        os.symlink("busybox", os.path.join(directory, "bin", name))
    for program in programs:
        shutil.copy(program, directory)


def _add(archive, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def make_archive(path, rootfs):
    """An archive of one image with one layer; what runs when nothing is said, waits."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        archive.add(rootfs, arcname=".")
    layer = layer.getvalue()
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z",
        "config": {"Cmd": ["/bin/sleep", "100000"], "Env": ["PATH=/bin"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": "1970-01-01T00:00:00Z"}]}).encode("ascii")
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [NAME], "Layers": [f"{digest}/layer.tar"]}]
    with tarfile.open(path, "w") as archive:
        _add(archive, name, config)
        _add(archive, f"{digest}/layer.tar", layer)
        _add(archive, "manifest.json", json.dumps(manifest).encode("ascii"))


class Image:
    """Both forms of the image, in a new directory."""

    def __init__(self, directory, programs):
        if not os.access(BUSYBOX, os.X_OK) or not _is_static(BUSYBOX):
            raise Absent("no static busybox")
        self.name = NAME
        self.rootfs = os.path.join(directory, "rootfs")
        self.archive = os.path.join(directory, "image.tar")
        os.makedirs(directory)
        make_rootfs(self.rootfs, programs)
        make_archive(self.archive, self.rootfs)
