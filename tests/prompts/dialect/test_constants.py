"""Constant expressions."""

from __future__ import annotations

import pytest
from jinja2 import nodes

from tzproxy.prompts.dialect.constants import NotConstantError, constant_value
from tzproxy.prompts.dialect.parser import parse_template


def _expression(source: str) -> nodes.Node:
    output = parse_template("{{ " + source + " }}", "t").body[0]
    assert isinstance(output, nodes.Output)
    return output.nodes[0]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 2 * 3", 7),
        ("1 and 0", False),
        ("0 or 'x'", "x"),
        ("not []", True),
        ("'a' ~ 1 ~ none", "a1none"),
        ("[1, 'a']", [1, "a"]),
        ("{'a': 1}", {"a": 1}),
        ("1 < 'a'", True),
        ("2 in [1, 2]", True),
        ("-(1)", -1),
    ],
)
def test_values(source: str, value: object) -> None:
    """Operators over literals are worked out while compiling."""
    assert constant_value(_expression(source)) == value


@pytest.mark.parametrize("source", ["x", "1 + x", "[1 + 1]", "1 + 'a'", "1 // 0", "1|abs", "1 if 2 else 3"])
def test_what_is_left_for_run_time(source: str) -> None:
    """Names, filters and whatever would fail are not constant."""
    with pytest.raises(NotConstantError):
        constant_value(_expression(source))
