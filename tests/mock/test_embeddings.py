"""Embedding vectors."""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

import msgspec
import pytest

from tzproxy.mock.embeddings import DEFAULT_DIMENSIONS, EmbeddingsRequest, embed, render_embeddings


def _render(**fields: Any) -> dict[str, Any]:
    request = msgspec.convert({"model": "e", **fields}, EmbeddingsRequest)
    body: dict[str, Any] = msgspec.json.decode(render_embeddings(request))
    return body


def test_vectors_are_deterministic_and_of_length_one() -> None:
    """Same text, same vector; other text, other vector; length one."""
    assert embed("a", 64) == embed("a", 64) != embed("b", 64)
    assert math.isclose(sum(value * value for value in embed("a", 64)), 1.0, abs_tol=1e-5)


@pytest.mark.parametrize(
    ("given", "count", "tokens"), [("a b", 1, 2), (["a", "b c"], 2, 3), ([1, 2], 1, 2), ([[1], [2, 3]], 2, 3)]
)
def test_every_form_of_input(given: Any, count: int, tokens: int) -> None:
    """Texts and tokens, one or many, give a vector each and their tokens as usage."""
    body = _render(input=given)
    assert [entry["index"] for entry in body["data"]] == list(range(count))
    assert all(len(entry["embedding"]) == DEFAULT_DIMENSIONS for entry in body["data"])
    assert body["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}


def test_base64_holds_the_same_floats() -> None:
    """The base64 form is the float form in little-endian 32-bit floats."""
    floats = _render(input="a", dimensions=3)["data"][0]["embedding"]
    packed = _render(input="a", dimensions=3, encoding_format="base64")["data"][0]["embedding"]
    assert struct.unpack("<3f", base64.b64decode(packed)) == pytest.approx(floats)


@pytest.mark.parametrize("fields", [{"input": []}, {"input": ["a", 1]}, {"input": "a", "dimensions": 0}])
def test_refuses_the_impossible(fields: dict[str, Any]) -> None:
    """Requests that make no sense are refused."""
    with pytest.raises(ValueError, match=r"\w"):
        _render(**fields)
