"""What tests/programs/held_state.c has found, without what belongs to the machine: normal()."""
import re

CAP_NAME = re.compile(r"^#define (CAP_[A-Z_]+)\s+(\d+)$", re.M)
CAP_SETS = ("permitted", "effective", "inheritable", "bounding", "ambient")
CLOCK_STEP_S = 1000
# Mounts of the machine's own file systems.
BORROWED = ("/", "/etc/passwd", *(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty")))


def _caps():
    """Names of the capabilities, by number."""
    with open("/usr/include/linux/capability.h", encoding="ascii") as file:
        return {int(number): name for name, number in CAP_NAME.findall(file.read())}


NAMES = _caps()


def all_caps():
    """Those of the kernel."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return (2 << int(file.read())) - 1


def _names_of(caps):
    return [NAMES.get(cap, str(cap)) for cap in range(64) if caps >> cap & 1]


def _told_caps(caps):
    """"all", "all but CAP_...", or their names."""
    lacking = all_caps() & ~caps
    if not lacking:
        return "all"
    if len(_names_of(lacking)) < len(_names_of(caps)):
        return f"all but {' '.join(_names_of(lacking))}"
    return " ".join(_names_of(caps)) or "none"


def parse(text):
    """The lines of held_state as pairs."""
    return [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "")
            for line in text.replace("\r", "").split("\n")[:-1]]


def _mount(value):
    """A mount without its peer groups, and how it stands to its peers."""
    how = " ".join(re.findall(r" (shared|master|unbindable)\b", value)) or "private"
    return re.sub(r" (shared:\d+|master:\d+|propagate_from:\d+|unbindable)\b|,inode64", "", value), how


def _point_of(mount):
    """Where it is."""
    return mount.partition(" ")[0]


def _new_mount(value):
    """A mount in a cage; of what is the machine's own, no more than whether it can be written to."""
    point, flags, superblock = value.split(" ", 2)
    kept = f"{flags[:2]} the caller's" if point in BORROWED and " scratch " not in superblock else f"{flags} {superblock}"
    return f"{point} {kept}"


def _device(value):
    """A device, and whose it is: in a user namespace the host's are nobody's."""
    name, mode, number, owner = value.split()
    return f"{name} {mode} {number}", owner


class Caller:
    """What the caller itself finds: what the cage's state is told against."""

    def __init__(self, text, replacements):
        self.pairs = parse(text)
        self.fields = dict(self.pairs)
        self.replacements = replacements
        self.mounts = [_mount(value)[0] for name, value in self.pairs if name == "mount"]
        self.devices = {_device(value)[0] for name, value in self.pairs if name == "device"}
        self.clocks = {value.split()[0]: int(value.split()[1]) for name, value in self.pairs if name == "clock"}
        self.spaces = {value for name, value in self.pairs if name == "namespace"}

    def _one(self, name, value):
        if name in CAP_SETS:
            return _told_caps(int(value, 16))
        if name == "namespace":
            kind, _, space = value.partition(" ")
            return f"{kind} {'shared' if value in self.spaces else 'its own' if ':' in space else space}"
        if name == "clock":
            kind, seconds = value.split()
            ahead = int(seconds) - self.clocks[kind]
            return f"{kind} {round(ahead / CLOCK_STEP_S) * CLOCK_STEP_S:+d} s"
        if name in ("hostname", "domainname") and value == self.fields[name]:
            return "shared"
        return value

    def _mounts(self, pairs):
        """The caller's as one line, if none is missing, and what is added or changed."""
        found = [_mount(value) for name, value in pairs if name == "mount"]
        mine = list(self.mounts)
        if {_point_of(value) for value in mine} <= {_point_of(value) for value, _ in found}:
            hows = sorted({how for value, how in found if value in mine})
            yield f"mount: the caller's, {' '.join(hows)}"
            found = [(value, how) for value, how in found if value not in mine or mine.remove(value)]
        for value, how in found:
            yield f"mount: {_new_mount(value)} {how}"

    def _devices(self, pairs):
        """The caller's as one line, if none is missing, whoever they belong to inside."""
        found = [_device(value) for name, value in pairs if name == "device"]
        if self.devices <= {value for value, _ in found}:
            yield "device: the caller's"
            found = [(value, owner) for value, owner in found if value not in self.devices]
        for value, owner in found:
            yield f"device: {value} {owner}"

    def normal(self, text):
        """Sorted lines of a state."""
        pairs = parse(text)
        found = [f"{name}: {self._one(name, value)}".rstrip() for name, value in pairs if name not in ("mount", "device")]
        found += [*self._mounts(pairs), *self._devices(pairs)]
        text = "\n".join(found)
        for what, name in self.replacements:
            text = text.replace(what, name)
        return sorted(text.split("\n"))


def differences(before, after):
    """Lines that went and came."""
    gone, come = list(before), list(after)
    for line in before:
        if line in come:
            come.remove(line)
            gone.remove(line)
    told = [f"- {line}" for line in gone] + [f"+ {line}" for line in come]
    return sorted(told, key=lambda line: (line[2:].partition(":")[0], line[0] == "+", line))
