"""tests/programs/libc_tour.c, built with one C library or another."""
import os
import shutil
import subprocess

SOURCE = "tests/programs/libc_tour.c"
# What builds it, by what it is; "-static" needs nothing of the host at run time.
COMPILERS = {
    "glibc": ["gcc"],
    "glibc-static": ["gcc", "-static"],
    "musl": ["musl-gcc"],
    "musl-static": ["musl-gcc", "-static"],
    "i386-static": ["gcc", "-m32", "-static"],
}
STATUS = 7
OUTPUT = b"threads: 400\nfork: 5\nspawn: 0\nsignals: 3\nsockets: 5\nfiles: 1\ntime: 1\nmemory: 1\n"


def build(name, directory):
    """One of them, in a directory: its path, or None where there is no such compiler."""
    path = os.path.join(directory, f"tour-{name}")
    if not shutil.which(COMPILERS[name][0]):
        return None
    done = subprocess.run([*COMPILERS[name], "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-pthread", "-o", path, SOURCE],
                          check=False, stderr=subprocess.DEVNULL)
    return None if done.returncode else path
