from __future__ import annotations

import pytest
from msgspec import Raw

from ..samples import ask
from .samples import TOKEN, TYPES, gemini


@pytest.mark.parametrize("name", TYPES)
def test_requests_do_not_influence_each_other(name: str) -> None:
    """The same request gives the same bytes, whatever came in between."""
    provider = gemini(name)
    first = provider.build_request(ask(system="S"), TOKEN)
    for number in range(40):
        schema = Raw(b'{"const": %d, "ref": 1}' % number)
        body = provider.build_request(ask(json_mode="on", output_schema=schema, stream=True), TOKEN).body
        assert b'"responseSchema":{"const":%d}' % number in body
    assert provider.build_request(ask(system="S"), TOKEN).body == first.body
