from __future__ import annotations

import pytest
from msgspec import Raw

from tzproxy.providers.errors import ProviderError
from tzproxy.providers.json_arguments import compact_object, compact_text, compact_value


def test_compact() -> None:
    """Arguments lose their blanks and keep their key order."""
    text = '{"b": 1.0,\n "a": ["\\u00e9", null]}'
    compact = '{"b":1.0,"a":["é",null]}'
    assert bytes(compact_object("p", text)).decode() == compact
    assert bytes(compact_value("p", text)).decode() == compact
    assert compact_text(Raw(text.encode())) == compact


@pytest.mark.parametrize("text", ["[1]", '"a"', "1", "null"])
def test_values(text: str) -> None:
    """Any value will do where an object need not be."""
    assert bytes(compact_value("p", text)).decode() == text
    with pytest.raises(ProviderError) as raised:
        compact_object("p", text)
    assert (
        raised.value.message
        == "Error 400 Bad Request from p client: Tool call arguments must be a JSON object"
    )
    assert raised.value.raw_response == text


@pytest.mark.parametrize("text", ["", "{", "a", "[" * 5000])
def test_no_json(text: str) -> None:
    """What is no JSON is the request's fault."""
    for compact, kind in ((compact_object, "JSON Value"), (compact_value, "JSON")):
        with pytest.raises(ProviderError) as raised:
            compact("p", text)
        prefix = f"Error 400 Bad Request from p client: Error parsing tool call arguments as {kind}: "
        assert raised.value.message.startswith(prefix)
        assert (raised.value.status, raised.value.raw_response) == (400, text)
