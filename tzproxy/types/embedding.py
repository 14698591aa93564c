"""What is asked of an embedding model and what comes back. Hot where embeddings are."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct

from tzproxy.types.usage import Usage

EmbeddingInput = str | list[str] | list[int] | list[list[int]]
"""One text, several, the tokens of one, or of several."""

EncodingFormat = Literal["float", "base64"]


class EmbeddingRequest(Struct, frozen=True):
    """One call of an embedding model."""

    input: EmbeddingInput
    dimensions: int | None = None
    encoding_format: EncodingFormat = "float"


class EmbeddingResponse(Struct, frozen=True, kw_only=True):
    """The vectors in the order of the inputs, as JSON: lists of numbers, or base64 texts."""

    vectors: list[Raw]
    usage: Usage
    raw_usage: Raw | None = None


def count_inputs(given: EmbeddingInput) -> int:
    """Return how many vectors an input asks for."""
    if isinstance(given, str) or (given and isinstance(given[0], int)):
        return 1
    return len(given)
