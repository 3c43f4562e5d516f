#!/usr/bin/python3
"""What a root that somebody else has made cannot do: reach the launcher's program, or a way out."""
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import caged  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

ROOT = os.path.join(caged.SCRATCH, "root")
INTERPRETER = b"/lib64/ld-linux-x86-64.so.2\0"
REFUSED = "leads to sysclamp's own program"


def write(name, data):
    """A program in the root."""
    path = os.path.join(ROOT, name)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o755)


def make_root():
    """One with all ways to the launcher's program, and a harmless program."""
    for name in ("proc", "etc"):
        os.makedirs(os.path.join(ROOT, name))
    shutil.copy(caged.STATE, os.path.join(ROOT, "state"))
    os.symlink("/proc/self/exe", os.path.join(ROOT, "link"))
    write("script", b"#!/proc/self/exe\n")
    write("words", b"#! \t/proc/self/exe -x y\n")
    write("second", b"#!/script\n")
    write("third", b"#!/second")
    write("fine", b"#!/state\n")
    write("loop", b"#!/loop\n")
    with open("/bin/true", "rb") as file:
        elf = file.read()
    place = elf.index(INTERPRETER)
    write("elf", elf[:place] + b"/proc/self/exe".ljust(len(INTERPRETER), b"\0") + elf[place + len(INTERPRETER):])
    write("behind", b"#!/elf\n")
    write("cut", elf[:70])
    write("empty", b"")


def in_root(who, *words, argv):
    """Run in that root."""
    return who.run("ns=pid", "ns=mnt", f"root={ROOT}", "proc", *words, argv=argv)


def check_own_program(who):
    """CVE-2019-5736."""
    for words in ([], ["init"]):
        for name in ("/proc/self/exe", "/proc/1/../self/exe", "/link", "/script", "/words", "/second", "/third", "/elf",
                     "/behind"):
            got = in_root(who, *words, argv=[name])
            tap.ok(got.returncode == 125 and REFUSED in got.stderr.decode(), f"{who.name} {words}: {name} is refused",
                   got.returncode, got.stderr)
    got = in_root(who, "path=/link", argv=["other"])
    tap.ok(REFUSED in got.stderr.decode(), f"{who.name}: nor is it executed by another name", got.stderr)
    for name, status in (("/state", 0), ("/fine", 0), ("/loop", 126), ("/cut", 126), ("/empty", 126)):
        got = in_root(who, argv=[name])
        tap.ok(got.returncode == status and REFUSED not in got.stderr.decode(), f"{who.name}: {name} gives {status}",
               got.returncode, got.stderr)
    got = who.run("umask=022", argv=[caged.DRIVER, "umask=022", "--", "true"])
    tap.equal(got.returncode, 0, f"{who.name}: in the caller's root it may be executed", got.stderr.decode())


def check_init_program(who):
    """The process that stays inside does not give it away either, nor what the launcher has open."""
    script = ("for f in exe cwd root fd environ mem; do"
              " if cat /proc/1/$f/. >/dev/null 2>&1 || cat /proc/1/$f >/dev/null 2>&1; then echo $f; fi; done;"
              " readlink /proc/1/exe /proc/1/cwd /proc/1/fd/*; exit 0")
    got = who.run("ns=mnt", "ns=pid", "init", "proc", "caps=0,0,0,0,0", argv=["sh", "-c", script])
    tap.equal(got.stdout, b"", f"{who.name}: nothing is to be had of process 1", got.stderr.decode())


def check_making(who):
    """Nor does it while it makes the cage, to what has all capabilities inside: a hook."""
    found, hook = os.path.join(caged.SCRATCH, f"found-{who.ids}"), os.path.join(caged.SCRATCH, "look")
    with open(found, "w", encoding="ascii"):
        os.chmod(found, 0o666)
    with open(hook, "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\necho ran >>{found}\nreadlink /proc/$PPID/exe /proc/$PPID/root >>{found}\nexit 0\n")
    os.chmod(hook, 0o755)
    got = who.run(f"hook=2:{hook}", "ns=uts")
    with open(found, encoding="ascii") as file:
        tap.equal(file.read(), "ran\n", f"{who.name}: a hook inside does not see what the launcher's child is",
                  got.stderr.decode())


def check_directory(who):
    """A working directory by a way out."""
    outside = os.open("/usr", os.O_RDONLY | os.O_DIRECTORY)
    got = in_root(who, f"cwd=/proc/self/fd/{outside}", argv=["/state"])
    tap.ok(got.returncode == 125 and got.stderr.decode().count("\n") == 1
           and ("outside of the root" in got.stderr.decode() or "No such file" in got.stderr.decode()),
           f"{who.name}: a descriptor of the launcher's", got.returncode, got.stderr)
    result = workload.run(who.words("ns=pid", "ns=mnt", f"root={ROOT}", "proc", f"cwd=/proc/self/fd/{outside}", argv=["/state"]),
                          pass_fds=(outside,), cwd="/")
    tap.ok(result.returncode == 125 and b"outside of the root" in result.stderr,
           f"{who.name}: a directory outside that the launcher has open", result.returncode, result.stderr)
    got = caged.state(in_root(who, argv=["/state"]))
    tap.equal((got.get("cwd"), got.get("descriptor")), ("/", ["0", "1", "2"]), f"{who.name}: else it is the root")
    os.close(outside)


def main():
    """All of it, for everybody."""
    make_root()
    for who in caged.everybody():
        check_own_program(who)
        check_init_program(who)
        check_directory(who)
        if who.ids:  # root has the capabilities outside, too
            check_making(who)
    tap.equal(tap.descendants(), [], "no process is left")
    tap.done()


main()
