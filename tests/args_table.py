"""The table of recorded arguments, and sets of them: as a recording has them, as tuples make them."""
import collections

TABLE = "lib/args.tsv"
SETS_MAX = 32  # of values, and of tuples; more are MANY
MANY = "many"


class Row(collections.namedtuple("Row", "call index parameter bits kind mask")):
    """One argument: `bits` as on a 64-bit ABI."""

    def cut(self, value):
        """A register as the kernel's own type has it."""
        return value & ((1 << self.bits) - 1)


def rows():
    """All rows, in their order."""
    with open(TABLE, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return [Row(call, int(index), parameter.split()[-1], 64 if "long" in parameter else 32, kind, int(mask, 16))
            for call, index, parameter, kind, mask, _file in lines]


def by_call():
    """The rows of each call."""
    table = collections.defaultdict(list)
    for row in rows():
        table[row.call].append(row)
    return dict(table)


def bounded(members):
    """A set, or MANY."""
    return MANY if len(members) > SETS_MAX else frozenset(members)


def of_registers(its_rows, registers):
    """The sets that calls with these registers make: {index: values, "all": tuples}."""
    tuples = {tuple(row.cut(each[row.index]) for row in its_rows) for each in registers}
    sets = {row.index: bounded({each[at] for each in tuples}) for at, row in enumerate(its_rows)}
    return {**sets, "all": bounded(tuples)} if len(its_rows) > 1 else sets


def of_call(call):
    """The same, from a call of a recording."""
    sets = {}
    for each in call["args"]:
        if "indexes" in each:
            sets["all"] = MANY if each.get("many") else frozenset(map(tuple, each["tuples"]))
        else:
            sets[each["index"]] = MANY if each.get("many") else frozenset(each["values"])
    return sets


def union(left, right):
    """Both together; None is nothing."""
    if left is None or right is None:
        return left or right
    return {key: MANY if MANY in (left[key], right[key]) else bounded(left[key] | right[key]) for key in left}
