"""Messages of Protocol Buffers from nested dicts and back (protobuf.dev, "Encoding").

A schema is {message: {field: (number, kind)}}; a kind is "int" (of any varint type), "text", "bytes",
the name of another message, or one of those in a list where the field is repeated.
"""
VARINT, I64, LEN, I32 = 0, 1, 2, 5  # wire types
FIXED = {I64: 8, I32: 4}
INT64 = 1 << 64


def _varint(value):
    value %= INT64  # negative numbers are ten bytes long
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def _take_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _field(schema, number, kind, value):
    if isinstance(kind, list):
        return b"".join(_field(schema, number, kind[0], item) for item in value)
    if kind == "int":
        return _varint(number << 3 | VARINT) + _varint(int(value))
    if kind == "text":
        value = value.encode("utf-8")
    elif kind != "bytes":
        value = encode(schema, kind, value)
    return _varint(number << 3 | LEN) + _varint(len(value)) + value


def encode(schema, message, values):
    """The bytes of a message; what is not in `values` keeps its default."""
    return b"".join(_field(schema, *schema[message][name], value) for name, value in values.items())


def _value(schema, kind, raw):
    if kind == "int":
        return raw - INT64 if raw >= INT64 >> 1 else raw
    if kind == "text":
        return raw.decode("utf-8")
    return raw if kind == "bytes" else decode(schema, kind, raw)


def _default(kind):
    if isinstance(kind, list):
        return []
    return {"int": 0, "text": "", "bytes": b""}.get(kind, {})


def _take(data, at, wire):
    """One value: it, and where it ends."""
    if wire == VARINT:
        return _take_varint(data, at)
    size, at = (FIXED[wire], at) if wire in FIXED else _take_varint(data, at)
    return data[at:at + size], at + size


def decode(schema, message, data):
    """The fields of a message that its schema knows, absent ones with their defaults."""
    fields = {number: (name, kind) for name, (number, kind) in schema[message].items()}
    values = {name: _default(kind) for name, kind in fields.values()}
    at = 0
    while at < len(data):
        key, at = _take_varint(data, at)
        raw, at = _take(data, at, key & 7)
        name, kind = fields.get(key >> 3, (None, None))
        if isinstance(kind, list):
            values[name].append(_value(schema, kind[0], raw))
        elif name:
            values[name] = _value(schema, kind, raw)
    return values
