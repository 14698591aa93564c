"""Random templates and variables, small enough that most of them render."""

from __future__ import annotations

import json
from random import Random
from typing import Any

_TEXTS = [
    "a",
    "B",
    "hello world",
    "Äö ß",
    "x<y>&'\"/",
    "  pad ",
    "",
    "1",
    "-3",
    "a,b,c",
    "l1\nl2\r\n\nl4",
    "é\u200bq",
]
_NUMBERS = [0, 1, 2, -1, 3, 7, 10, 255, 2.0, 0.5, -1.5, 1e-7, 100]
_FILTERS = (
    "abs|batch(2)|batch(3,'f')|bool|capitalize|count|d|default('D',true)|dictsort|dictsort(by='value')|e|"
    "first|float|groupby('name')|indent(2,true)|int|items|join|join(', ')|last|length|lines|list|lower|"
    "map('upper')|map(attribute='a',default='-')|max|min|pprint|reject('odd')|rejectattr('a')|"
    "replace('a','b')|round|round(1)|safe|select('defined')|select('gt',1)|selectattr('a','eq',1)|slice(2)|"
    "sort|sort(reverse=true)|sort(attribute='a')|split|split(',')|split(' ',1)|string|sum|title|tojson|"
    "tojson(2)|trim|unique|upper|zip([1,2,3])|nofilter|round(precision=1)|join(d='x')"
).split("|")
_TESTS = (
    "boolean|defined|divisibleby 3|eq 1|even|false|float|ge 2|in [1,2,'a']|int|iterable|lower|lt 3|mapping|"
    "none|number|odd|sequence|startingwith('h')|string|true|undefined|upper|notest"
).split("|")
_COMMON = (
    "xs|join(', ');s|upper;n + 1;rows|map(attribute='name')|list;xs|length;d.a|default('q');s ~ n;xs|sort;"
    "rows|length > 1;d|dictsort;s|title;xs|sum;n > 2;s in 'abc hello';d|items|list;s|split|join('-');"
    "range(n)|list;xs[:2]|join;d|tojson;rows|tojson;n is odd;rows|groupby('name');"
    "rows|sort(attribute='name');s[0]|default;n // 3;n % 4;n / 2;-n;not s;s|lines;xs|unique"
).split(";")
_OPERATORS = "+ - * / // % ~ == != < > <= >= in and or and or".split()
_NAMES = ["xs", "d", "s", "n", "rows", "u"]


class TemplateMaker:
    """Makes one template after the other from a source of randomness."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def make(self) -> tuple[str, dict[str, Any]]:
        """A template and its variables."""
        random = self._random
        context = {
            "xs": [random.randint(-3, 9) for _ in range(random.randint(0, 5))],
            "rows": [
                {"a": self._scalar(), "name": random.choice(["a", "B", "b"])}
                for _ in range(random.randint(0, 3))
            ],
            "d": {key: self._scalar() for key in sorted(random.sample("abcZ", random.randint(0, 4)))},
            "s": random.choice(_TEXTS),
            "n": random.randint(0, 5),
            "u": self._scalar(),
        }
        return "".join(self._statement(0) for _ in range(random.randint(1, 3))), context

    def _scalar(self) -> Any:
        return self._random.choice([None, True, False, *_NUMBERS, *_TEXTS])

    def _expression(self, depth: int) -> str:
        random = self._random
        kind = random.random()
        if kind < 0.3:
            return random.choice(_COMMON)
        if depth > 2 or kind < 0.45:
            return random.choice(_NAMES) if random.random() < 0.7 else literal(self._scalar())
        inner = f"({self._expression(depth + 1)})"
        if kind < 0.6:
            return f"{inner}|{random.choice(_FILTERS)}"
        if kind < 0.68:
            return f"{inner} is {random.choice(['', 'not '])}{random.choice(_TESTS)}"
        if kind < 0.84:
            return f"{inner} {random.choice(_OPERATORS)} ({self._expression(depth + 1)})"
        if kind < 0.9:
            return f"{inner}[{random.choice(['0', '-1', '1:', ':-1', '::2', repr('a')])}]"
        if kind < 0.95:
            return f"{inner} if {self._expression(depth + 1)}{random.choice(['', ' else n'])}"
        return random.choice(
            ["loop.index", "loop.last", "loop.cycle('x','y')", "loop.previtem|d", "m(n)", "[n, u]"]
        )

    def _body(self, depth: int) -> str:
        return "".join(self._statement(depth + 1) for _ in range(self._random.randint(0, 2)))

    def _statement(self, depth: int) -> str:
        random = self._random
        sign = random.choice(["", "", "", "-", "+"])
        if depth > 2 or random.random() < 0.45:
            return f"{{{{{sign} {self._expression(0)} {random.choice(['', '', '-'])}}}}}"
        body, other, expression = self._body(depth), self._body(depth), f"({self._expression(1)})"
        items = random.choice(["xs", "rows", "d", "d|items", "s", "range(3)"])
        filtered = random.choice(["", " if x"])
        filter_name = random.choice(["upper", "trim", "indent(2)", "length"])
        return random.choice(
            [
                random.choice(
                    ["text ", "\n", " \n  ", "<b>", "é", "\r\n", "{# c #}", "{% raw %}{{ x }}{% endraw %}"]
                ),
                f"{{%{sign} if {expression} %}}{body}{{% else %}}{other}{{% endif %}}",
                f"{{%{sign} if {expression} %}}{body}{{% elif n %}}{other}{{% endif %}}",
                f"{{% for x in {items}{filtered} %}}{body}{{{{ x }}}}{{% else %}}{other}{{% endfor %}}",
                f"{{% for x in {items} %}}{body}{{{{ loop.index }}}}{{% break %}}{{% endfor %}}",
                f"{{% set n = {expression} %}}",
                f"{{% set u %}}{body}{{% endset %}}",
                f"{{% with n = {expression}, s = n %}}{body}{{% endwith %}}",
                f"{{% filter {filter_name} %}}{body}{{% endfilter %}}",
                f"{{% macro m(a, b=n) %}}{body}{{{{ b }}}}{{% endmacro %}}{{{{ m({expression}) }}}}",
                f"{{% macro m(a) %}}{{{{ caller() }}}}{{% endmacro %}}{{% call m(1) %}}{body}{{% endcall %}}",
                f"{{% autoescape {random.choice(['true', 'false'])} %}}{body}{{% endautoescape %}}",
            ]
        )


def literal(value: Any) -> str:
    """A value as a literal of the language, keys in order."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.7f}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {literal(value[key])}" for key in sorted(value)) + "}"
    return json.dumps(value)
