"""The side of a case that runs the tests and finds the verdict. The program has no part in this process: the tests reach
it through Remote values only, which give what the program answers and decide nothing."""

import ast
import builtins
import sys

import wire


class ProgramRaised(Exception):
    """The program raised something that is no ordinary built-in exception."""


class ProgramGone(BaseException):
    """The program's process ended, or says what no program of ours would say."""


class TestsInvalid(Exception):
    """The tests themselves cannot be run."""


class Remote:
    """A value that stays with the program: functions, classes and their instances, iterators.

    Comparisons, truth, arithmetic and conversions are not passed on, so that the program cannot decide a test by the
    methods of what it returns: a Remote equals itself only.
    """

    def __init__(self, link, number):
        object.__setattr__(self, "_link", link)
        object.__setattr__(self, "_number", number)

    def __call__(self, *args, **kwargs):
        return self._link.ask("call", self, args, kwargs)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self._link.ask("getattr", self, name)

    def __setattr__(self, name, value):
        self._link.ask("setattr", self, name, value)

    def __getitem__(self, key):
        return self._link.ask("getitem", self, key)

    def __len__(self):
        return self._link.ask("len", self)

    def __bool__(self):
        return True

    def __iter__(self):
        return self._link.ask("iter", self)

    def __next__(self):
        return self._link.ask("next", self)


class Link:
    """Requests to the program's process."""

    def __init__(self, channel):
        self.channel = channel
        self.remotes = {}
        self.gone = ""  # why, once it is

    def remote(self, number):
        if number not in self.remotes:
            self.remotes[number] = Remote(self, number)
        return self.remotes[number]

    def ask(self, *request):
        writer = wire.Writer(number_of)
        writer.put(request)
        try:
            self.channel.send(writer.bytes())
            reply = wire.Reader(self.channel.receive(), self.remote, writer.objects)
            kind, *rest = reply.whole()
            if kind == "value":
                result, changes = rest
                for obj, parts in zip(writer.objects, changes):
                    wire.refill(obj, parts)
                return result
            name, text = map(str, rest)
        except wire.Closed:
            self.end("")
        except (wire.Malformed, ValueError, TypeError, IndexError) as err:
            self.end("it wrote over its channel (%s)" % err)
        if kind == "stop":
            raise StopIteration
        raise exception(name, text)

    def end(self, why):
        self.gone = self.gone or why
        raise ProgramGone()


def number_of(v):
    if isinstance(v, Remote):
        return v._number
    raise TypeError("the tests hand a %s to the program; only plain values can be" % type(v).__name__)


def exception(name, text):
    """What the program raised: an exception of the same name, where that is an ordinary built-in one."""
    kind = getattr(builtins, name, None)
    try:
        if not issubclass(kind, Exception):
            raise TypeError
        err = kind(text)
    except TypeError:
        err = ProgramRaised(text)
    err.raised_by_program = name
    return err


def free_names(tree):
    """Names that the tests use and do not make themselves: those called, and those of which attributes are taken only."""
    made, loaded, called, based = set(), set(), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (loaded if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            made.add(node.name)
        elif isinstance(node, ast.alias):
            made.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            made.add(node.name)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            based.add(node.value.id)
    return loaded - made, called, based


def bind(link, space, tree, names):
    """Put the program's names into the tests' name space. Without names given they are those that the tests do not have
    otherwise; a built-in name is the program's only where the tests would use nothing of it else."""
    if not names:
        free, called, based = free_names(tree)
        free = {n for n in free if n not in space}
        for name in sorted(free & (based - called) & sys.stdlib_module_names):
            space[name] = __import__(name)
            free.discard(name)
        own = {n for n in free if not hasattr(builtins, n)}
        names = sorted(own or free & called)
    for name in names:
        space.pop(name, None)
        if link.ask("has", name):
            space[name] = link.ask("name", name)


def parse(text, name):
    try:
        return ast.parse(text, name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as err:
        raise TestsInvalid("the %s cannot be parsed: %s" % (name, err)) from None


def judge(link, code, preamble, tests, names):
    """The verdict: a kind and a reason."""
    before, tree = parse(preamble, "preamble"), parse(tests, "tests")
    try:
        link.ask("load", code)
        space = {"__name__": "tests"}
        try:
            exec(compile(before, "preamble", "exec"), space)
        except Exception as err:
            raise TestsInvalid("the preamble raises %s: %s" % (type(err).__name__, err)) from None
        bind(link, space, tree, names)
        exec(compile(tree, "tests", "exec"), space)
    except ProgramGone:
        return "gone", link.gone
    except TestsInvalid:
        raise
    except MemoryError:
        return "memory", "out of memory"
    except BaseException as err:
        if link.gone:
            return "gone", link.gone
        return explain(err, tests)
    return ("gone", link.gone) if link.gone else ("passed", "")


def explain(err, tests):
    """The verdict on tests that ended in an exception."""
    name = getattr(err, "raised_by_program", "")
    if name == "MemoryError":
        return "memory", "out of memory"
    text = "%s: %s" % (name or type(err).__name__, err)
    where = line_of(err, tests)
    if isinstance(err, AssertionError) and not name:
        return "failed", where or text
    return "error", text + (" at " + where if where else "")


def line_of(err, tests):
    """The line of the tests where the exception came through, innermost."""
    line, trace = 0, err.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == "tests":
            line = trace.tb_lineno
        trace = trace.tb_next
    lines = tests.splitlines()
    return lines[line - 1].strip()[:300] if 0 < line <= len(lines) else ""


def serve(case, channel):
    """Read a case, judge it and tell the verdict: frames of kind and reason."""
    code, preamble, tests, names = (case.receive().decode("utf-8", "surrogateescape") for _ in range(4))
    try:
        kind, reason = judge(Link(channel), code, preamble, tests, names.split("\n") if names else [])
    except TestsInvalid as err:
        kind, reason = "invalid", str(err)
    case.send(kind.encode())
    case.send(reason.encode("utf-8", "replace"))
