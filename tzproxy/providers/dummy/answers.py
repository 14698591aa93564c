"""What each dummy model answers. Data and pure functions; not hot.

Source: dummy provider of TensorZero 2026.6.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from tzproxy.providers.errors import client_error
from tzproxy.types.content import File, Message, ModelOutput, Text, Thought, ToolCall

RAW_REQUEST = "raw request"
TEXT = (
    "Megumin gleefully chanted her spell, unleashing a thunderous explosion that lit up the sky and left a "
    "massive crater in its wake."
)
ALTERNATE = "Megumin chanted her spell, but instead of an explosion, a gentle rain began to fall."
RAW_RESPONSE = json.dumps(
    {
        "id": "id",
        "object": "text.completion",
        "created": 1618870400,
        "model": "text-davinci-002",
        "choices": [{"text": TEXT, "index": 0, "logprobs": None, "finish_reason": None}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20},
    },
    indent=2,
)

_USAGE = '"usage":{"prompt_tokens":10,"completion_tokens":10,"total_tokens":20}}'
_CELSIUS = '{"location":"Brooklyn","units":"celsius"}'
_BAD_CELSIUS = '{"location":"Brooklyn","units":"Celsius"}'
_SENTIMENT = '{"sentiment":"positive","confidence":0.95}'
_HELLO = '{"answer":"Hello"}'
_JUDGE_0 = '{"thinking": "hmmm", "answer_choice": 0}'


class Canned(Struct, frozen=True):
    """A fixed answer. `raw`: its raw response."""

    output: tuple[ModelOutput, ...]
    raw: str = RAW_RESPONSE


def _said(text: str, raw: str | None = None) -> Canned:
    return Canned((Text(text),), text if raw is None else raw)


DEFAULT = Canned((Text(TEXT),))
CANNED: dict[str, Canned] = {
    "null": Canned(()),
    "tool": Canned((ToolCall("0", "get_temperature", _CELSIUS),), f"{_CELSIUS[:-1]},{_USAGE}"),
    "bad_tool": Canned((ToolCall("0", "get_temperature", _BAD_CELSIUS),), _BAD_CELSIUS),
    "good_tool": Canned((ToolCall("0", "output_schema_tool", _SENTIMENT),), _SENTIMENT),
    "invalid_tool_arguments": Canned((ToolCall("0", "get_temperature", "Not valid 'JSON'"),)),
    "reasoner": Canned((Thought("hmmm"), Text(TEXT))),
    "reasoner_with_signature": Canned((Thought("hmmm", "my_signature"), Text(TEXT))),
    "json_reasoner": Canned((Thought("hmmm"), Text(_HELLO))),
    "json": _said(_HELLO, f"{_HELLO[:-1]},{_USAGE}"),
    "json_goodbye": _said('{"answer":"Goodbye"}'),
    "json_cot": _said('{"thinking":"hmmm", "response": {"answer":"tokyo!"}}'),
    "json_diff_schema": _said('{"response":"Hello"}'),
    "json_beatles_1": _said('{"names":["John", "George"]}'),
    "json_beatles_2": _said('{"names":["Paul", "Ringo"]}'),
    "best_of_n_0": _said(_JUDGE_0),
    "best_of_n_1": _said('{"thinking": "hmmm", "answer_choice": 1}'),
    "best_of_n_big": _said('{"thinking": "hmmm", "answer_choice": 100}'),
    "flaky_best_of_n_judge": _said(_JUDGE_0),
    "alternate": _said(ALTERNATE, RAW_RESPONSE),
    "empty": _said("", RAW_RESPONSE),
    "llm_judge::true": _said('{"score": true}'),
    "llm_judge::false": _said('{"score": false}'),
    "llm_judge::zero": _said('{"score": 0}'),
    "llm_judge::one": _said('{"score": 1}'),
}

USAGES: dict[str, tuple[int | None, int | None]] = {
    "input_tokens_zero": (0, None),
    "output_tokens_zero": (10, 0),
    "input_tokens_output_tokens_zero": (0, 0),
    "input_five_output_six": (5, 6),
}
"""Token counts in and out of the names that report others; None: the number of blocks."""

_ENCODE = msgspec.json.Encoder().encode


def echo(messages: Sequence[Message]) -> str:
    """Return the first text of the last user message, or nothing."""
    for message in reversed(messages):
        if message.role == "user":
            return next((block.text for block in message.content if isinstance(block, Text)), "")
    return ""


def list_files(messages: Sequence[Message]) -> str:
    """Return the files of all messages as a JSON list: where from and what, without the bytes."""
    return _ENCODE(
        [
            {
                "source_url": block.url,
                "mime_type": block.mime_type,
                "detail": block.detail,
                "filename": block.filename,
            }
            for message in messages
            for block in message.content
            if isinstance(block, File)
        ]
    ).decode()


def list_files_with_pdf(messages: Sequence[Message]) -> str:
    """Return the files as `list_files` does.

    Raises:
        ProviderError: when none of them is a PDF.
    """
    for message in messages:
        for block in message.content:
            if isinstance(block, File) and block.mime_type == "application/pdf":
                return list_files(messages)
    raise client_error("dummy", "PDF must be provided for require_pdf model")


def echo_messages(system: str | None, messages: Sequence[Message]) -> str:
    """Return system and messages as JSON."""
    return _ENCODE({"system": system, "messages": messages}).decode()


def two_texts(messages: Sequence[Message]) -> str:
    """Return the usual text.

    Raises:
        ProviderError: when the first message does not consist of exactly two texts.
    """
    first = messages[0].content if messages else []
    if len(first) != 2 or not all(isinstance(block, Text) for block in first):
        raise client_error("dummy", "First message must have exactly two text blocks")
    return TEXT


# ---- streams

_PIECES = (
    "Wally,",
    " the",
    " golden",
    " retriever,",
    " wagged",
    " his",
    " tail",
    " excitedly",
    " as",
    " he",
    " devoured",
    " a",
    " slice",
    " of",
    " cheese",
    " pizza.",
)
_TOOL_PIECES = ('{"location"', ':"Brooklyn"', ',"units"', ':"celsius', '"}')
_GOOD_TOOL_PIECES = ('{"sentiment"', ':"positive"', ',"confidence"', ":0.95", "}")
_JSON_PIECES = ('{"name"', ':"John"', ',"age"', ":30", "}")


class CannedStream(Struct, frozen=True):
    """A fixed stream: thoughts first, then pieces of text, or of a tool call if there are `tool_names`."""

    pieces: tuple[str, ...] = _PIECES
    thoughts: tuple[str, ...] = ()
    tool_names: tuple[str, ...] = ()
    silent: bool = False


DEFAULT_STREAM = CannedStream()
STREAMS: dict[str, CannedStream] = {
    "tool": CannedStream(_TOOL_PIECES, tool_names=("get_temperature",)),
    "tool_split_name": CannedStream(_TOOL_PIECES, tool_names=("get_temp", "erature")),
    "good_tool": CannedStream(_GOOD_TOOL_PIECES, tool_names=("get_temperature",)),
    "reasoner": CannedStream(thoughts=("hmmm", "hmmm"), silent=True),
    "json_reasoner": CannedStream(_JSON_PIECES, ("hmmm", "hmmm"), silent=True),
    "json": CannedStream(_JSON_PIECES),
}
