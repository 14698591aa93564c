"""Tests of `tzproxy.optimization.gepa.mutation`: what is shown and read. `test_search` asks."""

from __future__ import annotations

import json

import pytest

from optimization.gepa.test_analysis import CASE
from tzproxy.optimization.gepa.analysis import Analysis
from tzproxy.optimization.gepa.errors import ReplyError
from tzproxy.optimization.gepa.mutation import question, read_templates

PARENT = {"system": "s", "user": "u"}
REPORT = Analysis("report_error", "<report_error>r</report_error>", CASE)


@pytest.mark.parametrize("shows_cases", [True, False])
def test_what_a_model_is_shown(shows_cases: bool) -> None:
    """All templates and all reports; the cases behind them only if that is wanted."""
    asked = question("BACKGROUND", PARENT, [REPORT, REPORT], shows_cases=shows_cases)
    assert asked.count("<finding>") == asked.count("<report_error>r</report_error>") == 2
    assert asked.count("<case>") == (2 if shows_cases else 0)
    assert '<template name="user">\nu\n</template>' in asked


def reply(*templates: tuple[str, str]) -> bytes:
    """Write a reply."""
    entries = [{"name": name, "content": content} for name, content in templates]
    return json.dumps({"templates": entries}).encode()


def test_templates_are_read_in_the_order_of_the_parent() -> None:
    """All of them, changed or not."""
    assert list(read_templates(reply(("user", "u"), ("system", "new")), PARENT).items()) == [
        ("system", "new"),
        ("user", "u"),
    ]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (reply(("system", "new")), r"the templates \['system', 'user'\], not with \['system'\]"),
        (reply(("system", "a"), ("user", "b"), ("user", "c")), r"not with \['system', 'user', 'user'\]"),
        (reply(("system", "a"), ("user", "b"), ("more", "c")), r"not with \['more', 'system', 'user'\]"),
        (reply(("system", "s"), ("user", "u")), "left all templates as they were"),
        (b'{"templates": "x"}', "no templates"),
        (b'{"templates": [{"name": "system"}]}', "no templates"),
    ],
    ids=["one is missing", "one comes twice", "one too many", "nothing new", "no list", "no text"],
)
def test_other_replies_are_refused(raw: bytes, words: str) -> None:
    """The reason says what was wrong."""
    with pytest.raises(ReplyError, match=words):
        read_templates(raw, PARENT)
