"""Tests of `tzproxy.optimization.gepa.reflection`."""

from __future__ import annotations

import pytest

from optimization.gepa.provider import Mail, text_of
from optimization.gepa.samples import Searching
from tzproxy.errors import TzproxyError
from tzproxy.optimization.gepa.reflection import ANALYZE, MUTATE, Reflection


def reflection(searching: Searching) -> Reflection:
    """Make one in a gateway."""
    return Reflection(searching.gateway.gateway._services.engine, None)


async def test_a_text_is_asked_for(searching: Searching, mail: Mail) -> None:
    """Instructions and text are sent as they are: nothing in them is a template."""
    mail.replies["analyst"] = "so"
    answer = await reflection(searching).ask(ANALYZE, "analyst", instructions="{{ a }}", text="{% b %}")
    assert [block.text for block in answer.content or ()] == ["so"]  # type: ignore[union-attr]
    (asked,) = mail.asked
    assert [text_of(message) for message in asked["messages"]] == ["{{ a }}", "{% b %}"]
    assert "response_format" not in asked
    assert searching.gateway.chat_rows == searching.gateway.model_rows == []


async def test_json_is_asked_for(searching: Searching, mail: Mail) -> None:
    """With a schema, which the provider is told to keep to and the answer is checked with."""
    schema = {"type": "object", "required": ["x"]}
    for reply, parsed in (('{"x": 1}', b'{"x":1}'), ("{}", None)):
        mail.replies["editor"] = reply
        answer = await reflection(searching).ask(
            MUTATE, "editor", instructions="i", text="t", output_schema=schema
        )
        assert answer.output is not None
        found = answer.output.parsed
        assert (None if found is None else bytes(found).replace(b" ", b"")) == parsed
    assert mail.asked[0]["response_format"]["json_schema"]["schema"] == schema
    assert searching.gateway.json_rows == []


async def test_a_model_that_is_not_there(searching: Searching) -> None:
    """It is an ordinary error."""
    with pytest.raises(TzproxyError, match="ghost"):
        await reflection(searching).ask(ANALYZE, "ghost", instructions="i", text="t")
