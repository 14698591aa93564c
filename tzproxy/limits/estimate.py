"""How many tokens a request may take, guessed before it is sent. Hot where tokens are limited.

Half the bytes of every text, rounded down for each; 10,000 for a file; nothing for tools and schemas. Plus,
for models that talk, all that they may answer. The guess is settled with the real usage afterwards.

Source: measured at TensorZero 2026.6.
"""

from __future__ import annotations

from typing import assert_never

from tzproxy.limits.errors import MissingMaxTokensError
from tzproxy.types.content import File, ModelBlock, Text, Thought, ToolCall, ToolResult, Unknown
from tzproxy.types.embedding import EmbeddingInput
from tzproxy.types.model import ModelRequest
from tzproxy.types.usage import Usage

FILE_TOKENS = 10_000


def chat_tokens(request: ModelRequest) -> int:
    """Return the most that a model is expected to read and write.

    Raises:
        MissingMaxTokensError: when the request does not say how long the answer may be.
    """
    max_tokens = request.params.max_tokens
    if max_tokens is None:
        raise MissingMaxTokensError()
    tokens = max_tokens + _text_tokens(request.system)
    for message in request.messages:
        for block in message.content:
            tokens += _block_tokens(block)
    return tokens


def embedding_tokens(given: EmbeddingInput) -> int:
    """Return what an embedding model is expected to read; tokens are counted as they are."""
    if isinstance(given, str):
        return _text_tokens(given)
    tokens = 0
    for entry in given:
        if isinstance(entry, int):
            tokens += 1
        elif isinstance(entry, str):
            tokens += _text_tokens(entry)
        else:
            tokens += len(entry)
    return tokens


def used_tokens(usage: Usage | None) -> int | None:
    """Return what a call took, None when its provider did not say all of it."""
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    return usage.input_tokens + usage.output_tokens


def _text_tokens(text: str | None) -> int:
    if not text:
        return 0
    return (len(text) if text.isascii() else len(text.encode(errors="replace"))) // 2


def _block_tokens(block: ModelBlock) -> int:
    match block:
        case Text():
            return _text_tokens(block.text)
        case ToolCall():
            return _text_tokens(block.name) + _text_tokens(block.arguments)
        case ToolResult():
            return _text_tokens(block.name) + _text_tokens(block.result)
        case Thought():
            return _text_tokens(block.text) + _text_tokens(block.signature)
        case File():
            return FILE_TOKENS
        case Unknown():
            return 0
    assert_never(block)
