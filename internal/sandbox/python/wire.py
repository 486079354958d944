"""Values as bytes, and the frames that carry them between the processes of one case.

The program's process is not trusted, so reading must be safe on any bytes: it makes plain values and remote handles,
and raises Malformed otherwise. Lists, dicts, sets and bytearrays are numbered as they appear, so that an object met
twice stays one object, and that what a call did to its arguments can be told to the caller.
"""

import builtins
import collections
import datetime
import decimal
import fractions
import struct
from os import read as os_read, write as os_write

FRAME_LIMIT = 32 << 20  # bytes of one frame


class Malformed(Exception):
    """The bytes are no value."""


class Closed(Exception):
    """The other side is gone."""


class Channel:
    """Frames over a stream socket: four bytes of length, then so many bytes."""

    def __init__(self, fd):
        self.fd = fd

    def send(self, data):
        view = memoryview(struct.pack(">I", len(data)) + data)
        while view:
            try:
                view = view[os_write(self.fd, view):]
            except OSError as err:
                raise Closed() from err

    def receive(self):
        (size,) = struct.unpack(">I", self._exactly(4))
        if size > FRAME_LIMIT:
            raise Malformed("a frame of %d bytes" % size)
        return self._exactly(size)

    def _exactly(self, size):
        data = bytearray()
        while len(data) < size:
            try:
                part = os_read(self.fd, min(size - len(data), 1 << 20))
            except OSError as err:
                raise Closed() from err
            if not part:
                raise Closed()
            data += part
        return bytes(data)


class Writer:
    """Turns values into bytes. handle(value) gives the number of a value that goes by reference, or raises TypeError."""

    def __init__(self, handle, known=()):
        self.parts = []
        self.handle = handle
        self.objects = list(known)  # also keeps them alive, so that their ids stay theirs
        self.numbers = {id(v): i for i, v in enumerate(self.objects)}

    def bytes(self):
        return b"".join(self.parts)

    def put(self, v):
        write = WRITE.get(type(v))
        if write is None:
            write = self._write_for(v)
        write(self, v)

    def _write_for(self, v):
        for base in (int, float, complex, str, bytes, list, tuple, dict, set, frozenset):
            if issubclass(type(v), base):  # whatever v says of its class
                return WRITE[base]
        return Writer._put_handle

    def _put_handle(self, v):
        self.parts.append(b"h%d;" % self.handle(v))

    def _sized(self, tag, data):
        self.parts.append(b"%s%d;" % (tag, len(data)))
        self.parts.append(data)

    def _items(self, items):
        self.parts.append(b"%d;" % len(items))
        for item in items:
            self.put(item)

    def _numbered(self, tag, v, items):
        number = self.numbers.get(id(v))
        if number is not None:
            self.parts.append(b"@%d;" % number)
            return
        self.numbers[id(v)] = len(self.objects)
        self.objects.append(v)
        self.parts.append(tag)
        self._items(items())

    def _put_int(self, v):
        self.parts.append(b"i%x;" % int.__int__(v))

    def _put_str(self, v):
        self._sized(b"s", str.__str__(v).encode("utf-8", "surrogatepass"))

    def _made(self, name, parts):
        self.parts.append(b"x%s;" % name)
        self._items(parts)

    def _put_type(self, v):
        if getattr(builtins, v.__name__, None) is v:
            self._made(b"type", (v.__name__,))
        else:
            self._put_handle(v)

    def _put_datetime(self, v):
        if v.tzinfo is not None:
            self._put_handle(v)
        else:
            self._made(b"datetime", (v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond))

    def _put_time(self, v):
        if v.tzinfo is not None:
            self._put_handle(v)
        else:
            self._made(b"time", (v.hour, v.minute, v.second, v.microsecond))


def _pairs(v):
    return [part for pair in dict.items(v) for part in pair]


WRITE = {
    type(None): lambda w, v: w.parts.append(b"n"),
    bool: lambda w, v: w.parts.append(b"t" if v else b"f"),
    int: Writer._put_int,
    float: lambda w, v: w.parts.append(b"d" + struct.pack(">d", v)),
    complex: lambda w, v: w.parts.append(b"c" + struct.pack(">dd", v.real, v.imag)),
    str: Writer._put_str,
    bytes: lambda w, v: w._sized(b"b", v),
    bytearray: lambda w, v: w._numbered(b"a", v, lambda: [bytes(v)]),
    tuple: lambda w, v: (w.parts.append(b"("), w._items(list(tuple.__iter__(v)))),
    frozenset: lambda w, v: (w.parts.append(b"<"), w._items(list(frozenset.__iter__(v)))),
    list: lambda w, v: w._numbered(b"[", v, lambda: list(list.__iter__(v))),
    dict: lambda w, v: w._numbered(b"{", v, lambda: _pairs(v)),
    set: lambda w, v: w._numbered(b"*", v, lambda: list(set.__iter__(v))),
    type: Writer._put_type,
    range: lambda w, v: w._made(b"range", (v.start, v.stop, v.step)),
    collections.Counter: lambda w, v: w._made(b"Counter", _pairs(v)),
    collections.OrderedDict: lambda w, v: w._made(b"OrderedDict", [p for kv in v.items() for p in kv]),
    collections.defaultdict: lambda w, v: w._made(b"defaultdict", _pairs(v)),
    collections.deque: lambda w, v: w._made(b"deque", (list(v), v.maxlen)),
    type({}.keys()): lambda w, v: w._made(b"keys", list(v)),
    type({}.values()): lambda w, v: w._made(b"values", list(v)),
    type({}.items()): lambda w, v: w._made(b"items", [p for kv in v for p in kv]),
    decimal.Decimal: lambda w, v: w._made(b"Decimal", (str(v),)),
    fractions.Fraction: lambda w, v: w._made(b"Fraction", (v.numerator, v.denominator)),
    datetime.datetime: Writer._put_datetime,
    datetime.date: lambda w, v: w._made(b"date", (v.year, v.month, v.day)),
    datetime.time: Writer._put_time,
    datetime.timedelta: lambda w, v: w._made(b"timedelta", (v.days, v.seconds, v.microseconds)),
}


def _dict(parts):
    return dict(zip(parts[::2], parts[1::2]))


def _type(parts):
    (name,) = parts
    kind = getattr(builtins, name)
    if name.startswith("_") or not isinstance(kind, type):
        raise TypeError("no type")
    return kind


MAKE = {
    b"type": _type,
    b"range": lambda p: range(*p),
    b"Counter": lambda p: collections.Counter(_dict(p)),
    b"OrderedDict": lambda p: collections.OrderedDict(zip(p[::2], p[1::2])),
    b"defaultdict": lambda p: collections.defaultdict(None, _dict(p)),
    b"deque": lambda p: collections.deque(*p),
    b"keys": lambda p: dict.fromkeys(p).keys(),
    b"values": lambda p: dict(enumerate(p)).values(),
    b"items": lambda p: _dict(p).items(),
    b"Decimal": lambda p: decimal.Decimal(*p),
    b"Fraction": lambda p: fractions.Fraction(*p),
    b"datetime": lambda p: datetime.datetime(*p),
    b"date": lambda p: datetime.date(*p),
    b"time": lambda p: datetime.time(*p),
    b"timedelta": lambda p: datetime.timedelta(*p),
}


class Reader:
    """Turns bytes into values. resolve(number) gives the value of a handle."""

    def __init__(self, data, resolve, known=()):
        self.data = data
        self.at = 0
        self.resolve = resolve
        self.objects = list(known)

    def whole(self):
        """The one value that the bytes are."""
        try:
            v = self.get()
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, struct.error) as err:
            raise Malformed("%s: %s" % (type(err).__name__, err)) from None
        if self.at != len(self.data):
            raise Malformed("%d bytes after the value" % (len(self.data) - self.at))
        return v

    def get(self):
        tag = self._take(1)
        if tag in CONSTANTS:
            return CONSTANTS[tag]
        return READ[tag](self)

    def _take(self, size):
        part = self.data[self.at:self.at + size]
        if len(part) != size:
            raise ValueError("the bytes end early")
        self.at += size
        return part

    def _word(self):
        end = self.data.index(b";", self.at)
        word = self.data[self.at:end]
        self.at = end + 1
        return word

    def _size(self):
        size = int(self._word())
        if not 0 <= size <= len(self.data) - self.at:
            raise ValueError("a size of %d" % size)
        return size

    def _items(self):
        return [self.get() for _ in range(self._size())]

    def _numbered(self, empty, fill):
        self.objects.append(empty)
        fill(empty, self._items())
        return empty

    def _earlier(self):
        number = int(self._word())
        if number < 0:
            raise ValueError("object %d" % number)
        return self.objects[number]

    def _pairs(self, into, parts):
        into.update(_dict(parts))

    def _made(self):
        make = MAKE[self._word()]
        return make(self._items())


CONSTANTS = {b"n": None, b"t": True, b"f": False}
READ = {
    b"i": lambda r: int(r._word(), 16),
    b"d": lambda r: struct.unpack(">d", r._take(8))[0],
    b"c": lambda r: complex(*struct.unpack(">dd", r._take(16))),
    b"s": lambda r: r._take(r._size()).decode("utf-8", "surrogatepass"),
    b"b": lambda r: r._take(r._size()),
    b"a": lambda r: r._numbered(bytearray(), lambda into, parts: into.extend(*parts)),
    b"(": lambda r: tuple(r._items()),
    b"<": lambda r: frozenset(r._items()),
    b"[": lambda r: r._numbered([], list.extend),
    b"{": lambda r: r._numbered({}, r._pairs),
    b"*": lambda r: r._numbered(set(), set.update),
    b"@": Reader._earlier,
    b"h": lambda r: r.resolve(int(r._word())),
    b"x": Reader._made,
}


def contents(v):
    """What a numbered object holds now, in a form that refill takes."""
    if isinstance(v, dict):
        return tuple(_pairs(v))
    if isinstance(v, bytearray):
        return (bytes(v),)
    return tuple(v)


def refill(v, parts):
    """Make a numbered object hold what contents told."""
    if isinstance(v, dict):
        v.clear()
        v.update(_dict(parts))
    elif isinstance(v, list):
        v[:] = parts
    elif isinstance(v, bytearray):
        v[:] = parts[0]
    else:
        v.clear()
        v.update(parts)
