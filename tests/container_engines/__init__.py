"""Containers of real engines for the tests, started the same way by each.

    for name in ENGINES:
        engine = engine_or_skip(name, directory, programs)
        if engine:
            with engine:
                one = engine.start("one", ["/bin/sleep", "100"])
                engine.exec(one, ["/bin/true"]).returncode
                one.stop()

An engine's state, images, sockets and cgroups are its own, and gone when its block is left, as is every
process that the test has started meanwhile.  Nothing is downloaded: the image is made of static programs.
"""
import os

import tap

from .base import Absent, Container, Engine, Failed, private_mounts
from .bundles import Crun, Runc
from .containerd import Ctr
from .cri import Cri
from .images import Image
from .podman import Podman

__all__ = ["ENGINES", "Absent", "Container", "Engine", "Failed", "engine_or_skip", "lack"]

ENGINES = {engine.name: engine for engine in (Runc, Crun, Podman, Ctr, Cri)}
_images = {}
_NOT_PRIVATE = [True]


def lack():
    """Why no engine can be had here, judged without any; "" if they can."""
    if os.getuid() != 0:
        return "not root"
    return "" if os.uname().machine == "x86_64" else "not x86-64"


def _image(directory, programs):
    """The image of these programs, made once."""
    if _NOT_PRIVATE:
        private_mounts()
        _NOT_PRIVATE.clear()
    if programs not in _images:
        _images[programs] = Image(os.path.join(directory, f"image{len(_images)}"), programs)
    return _images[programs]


def _try(engine):
    """Start one container and see it end."""
    container = engine.start("trial", ["/bin/true"])
    status = container.wait()
    container.stop()
    if status:
        raise Failed(f"/bin/true in a container ended with {status}")


def engine_or_skip(name, directory, programs=()):
    """An engine that was seen to run a container, or None and a skip that says why not.

    programs are static ones on the host, to be at the top of the containers' root directory.
    """
    try:
        engine = ENGINES[name](directory, _image(directory, tuple(programs)))
    except (Absent, Failed) as why:
        tap.skip("engines", name, f"it cannot be had here: {' '.join(str(why).split())}")
        return None
    try:
        _try(engine)
    except Failed as why:
        engine.__exit__()
        tap.skip("engines", name, f"it runs no container here: {' '.join(str(why).split())}")
        return None
    return engine
