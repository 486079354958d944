"""The side of a case that runs the program. Nothing here is trusted once the program has begun."""

import sys
import types

import wire


class Server:
    """Answers requests about the program, one after the other, until the judge is gone."""

    def __init__(self, channel):
        self.channel = channel
        self.handles = []  # values that the judge knows by number
        self.numbers = {}
        self.module = types.ModuleType("program")

    def handle(self, v):
        number = self.numbers.get(id(v))
        if number is None:
            number = self.numbers[id(v)] = len(self.handles)
            self.handles.append(v)
        return number

    def serve(self):
        sys.modules["program"] = self.module
        while True:
            try:
                request = wire.Reader(self.channel.receive(), self.handles.__getitem__)
                name, *rest = request.whole()
                self.channel.send(self.answer(name, rest, request.objects))
            except wire.Closed:
                return

    def answer(self, name, rest, objects):
        try:
            result = getattr(self, "do_" + name)(*rest)
            writer = wire.Writer(self.handle, objects)
            writer.put(("value", result, tuple(map(wire.contents, objects)) if name == "call" else ()))
            return writer.bytes()
        except StopIteration:
            return self.plain("stop", "", "")
        except BaseException as err:
            return self.plain("raise", type(err).__name__, describe(err))

    def plain(self, *parts):
        writer = wire.Writer(self.handle)
        writer.put(parts)
        return writer.bytes()

    def do_load(self, source):
        exec(compile(source, "<program>", "exec"), self.module.__dict__)

    def do_has(self, name):
        return name in self.module.__dict__

    def do_name(self, name):
        return self.module.__dict__[name]

    def do_call(self, function, args, kwargs):
        return function(*args, **kwargs)

    def do_getattr(self, v, name):
        return getattr(v, name)

    def do_setattr(self, v, name, value):
        setattr(v, name, value)

    def do_getitem(self, v, key):
        return v[key]

    def do_len(self, v):
        return len(v)

    def do_iter(self, v):
        return Iterator(iter(v))

    def do_next(self, v):
        return next(v)


class Iterator:
    """An iterator that goes by reference whatever it iterates over."""

    def __init__(self, inner):
        self.inner = inner

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.inner)


def describe(err):
    """An exception's text, short."""
    try:
        return str(err)[:400]
    except BaseException:
        return ""
