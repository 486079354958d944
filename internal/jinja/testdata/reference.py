"""Renders templates.txt with Jinja2 and writes reference.jsonl: what the Go interpreter has to agree with.

    python3 reference.py templates.txt > reference.jsonl

Each line of templates.txt is one template as a JSON string. The environment is set up as Transformers sets up its own.
"""

import datetime
import json
import sys

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2024, 7, 6, 9, 5, 3)
CONTEXT = {
    "n": 7, "f": 2.5, "s": "Hello wörld", "empty": "", "none": None, "yes": True, "big": 12345678901234567890,
    "l": [3, 1, 2], "w": ["b", "A", "c"], "mixed": [1, "a", None, 2.0, True], "nested": [[1, 2], [3, 4]],
    "d": {"b": 1, "a": "x", "items": 5}, "text": "line one\n\n  line two\nend\n", "html": "<a href='x'>T & \"q\"</a>",
    "people": [{"name": "Bo", "age": 3, "tags": ["x"]}, {"name": "al", "age": 1, "tags": []}, {"name": "Cy", "age": 2}],
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo", "tool_calls": None}],
}


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def main():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    for line in open(sys.argv[1]):
        template = json.loads(line)
        case = {"template": template}
        try:
            case["rendered"] = env.from_string(template).render(**CONTEXT)
        except Exception as error:
            case["error"] = str(error)
            case["type"] = type(error).__name__
        print(json.dumps(case, ensure_ascii=False))


main()
