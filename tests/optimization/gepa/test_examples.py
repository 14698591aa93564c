"""Tests of `tzproxy.optimization.gepa.examples`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tzproxy.errors import RequestError
from tzproxy.optimization.gepa.examples import Examples, is_usable, split
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow, JsonDatapointRow

TEXT = {"type": "text", "text": "x"}
CALL = {
    "type": "tool_call",
    "id": "1",
    "raw_name": "t",
    "raw_arguments": "{}",
    "name": None,
    "arguments": None,
}
FILE = {
    "type": "file",
    "source_url": None,
    "mime_type": "image/png",
    "storage_path": {"kind": {"type": "disabled"}, "path": "p"},
}


def chat(output: Any = None, content: Any = None, row_id: str = "a") -> DatapointRow:
    """Write a row of a chat function."""
    messages = [{"role": "user", "content": [TEXT] if content is None else content}]
    return ChatDatapointRow(
        dataset_name="d",
        function_name="f",
        id=row_id,
        input=json.dumps({"messages": messages}),
        output=None if output is None else json.dumps(output),
    )


def answer(output: Any) -> DatapointRow:
    """Write a row of a JSON function."""
    return JsonDatapointRow(
        dataset_name="d",
        function_name="f",
        id="a",
        input='{"messages":[]}',
        output=json.dumps(output),
        output_schema="{}",
    )


STORED_CALL = {"type": "tool_call", "id": "1", "name": "t", "arguments": "{}"}


@pytest.mark.parametrize(
    "row",
    [
        chat([TEXT]),
        chat([CALL]),
        chat([{"type": "thought", "text": None, "signature": "s"}, TEXT]),
        answer({"raw": "{}", "parsed": {}}),
        chat([TEXT], [STORED_CALL, TEXT]),
    ],
)
def test_what_can_be_used(row: DatapointRow) -> None:
    """Texts, calls, thoughts and JSON can."""
    assert is_usable(row)


@pytest.mark.parametrize(
    "row",
    [
        chat(None),
        chat([]),
        chat([{"type": "text", "text": ""}]),
        chat([{**CALL, "raw_name": ""}]),
        chat([{"type": "thought", "text": ""}]),
        chat([TEXT], []),
        chat([TEXT], [{"type": "text", "text": ""}]),
        chat([TEXT], [{"type": "raw_text", "value": ""}]),
        chat([TEXT], [FILE]),
        chat([TEXT], [{**STORED_CALL, "name": ""}]),
        chat({"raw": "{}"}),
        answer({"raw": "no", "parsed": None}),
        answer([TEXT]),
    ],
)
def test_what_cannot_be_used(row: DatapointRow) -> None:
    """Without output, with an empty part, with a file, or with what no gateway writes."""
    assert not is_usable(row)


def test_too_few_are_refused() -> None:
    """An empty dataset and one without enough that can be used are told apart, and the field is named."""
    found = Examples("val", "d")
    with pytest.raises(RequestError, match=r"^val: dataset `d` has no datapoints of this function$"):
        found.ids()
    found.take([chat([TEXT], row_id=one) for one in "cb"])
    found.take([chat(None), chat([TEXT], row_id="a")])
    with pytest.raises(RequestError, match=r"^val: .* at least 4 .* `d` has 3 of .* \(4 in all\)$"):
        found.ids()
    assert found.ids(least=3) == ["a", "b", "c"]


def test_halves() -> None:
    """They are the same for the same seed, others for another one, and nothing is in both."""
    ids = [str(number) for number in range(11)]
    train, validation = split(ids, 7)
    assert (len(train), len(validation)) == (5, 6)
    assert sorted(train + validation) == sorted(ids)
    assert split(ids, 7) == (train, validation)
    assert split(ids, 8) != (train, validation)
