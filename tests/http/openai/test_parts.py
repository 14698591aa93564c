"""Tests of `tzproxy.http.openai.parts`: from the parts of a message to blocks of an input."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from tzproxy.errors import RequestError
from tzproxy.http.openai.parts import NOT_A_DATA_URL, read_part

PREFIX = "Invalid request to OpenAI-compatible endpoint: "
WAV = base64.b64encode(b"RIFF....WAVEfmt ").decode()
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def block_of(part: object, role: str = "user") -> Any:
    """Translate a part and give the block as plain data, empty fields left out."""
    block = msgspec.json.decode(msgspec.json.encode(read_part(msgspec.Raw(msgspec.json.encode(part)), role)))
    return {key: value for key, value in block.items() if value is not None}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": ""}, {"type": "text", "text": ""}),
        ({"type": "text", "tensorzero::arguments": {"a": 1}}, {"type": "text", "arguments": {"a": 1}}),
        ({"type": "tensorzero::raw_text", "value": "x"}, {"type": "raw_text", "value": "x"}),
        (
            {"type": "tensorzero::template", "name": "n", "arguments": {"a": 1}},
            {"type": "template", "name": "n", "arguments": {"a": 1}},
        ),
        ({"any": "thing"}, {"type": "template", "name": "user", "arguments": {"any": "thing"}}),
        (
            {"type": "image_url", "image_url": {"url": "http://h/x.png", "detail": "low"}},
            {"type": "file", "url": "http://h/x.png", "detail": "low"},
        ),
        (
            {"type": "image_url", "image_url": {"url": "http://h/x", "tensorzero::mime_type": "image/png"}},
            {"type": "file", "url": "http://h/x", "mime_type": "image/png"},
        ),
        (
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            {"type": "file", "data": PNG, "mime_type": "image/png"},
        ),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ==", "filename": "a.pdf"}},
            {"type": "file", "data": "QQ==", "mime_type": "application/pdf", "filename": "a.pdf"},
        ),
        (
            {"type": "image_url", "image_url": {"url": "DATA:image/png;charset=x;base64,QQ=="}},
            {"type": "file", "data": "QQ==", "mime_type": "image/png;charset=x"},
        ),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ==", "file_id": "x"}},
            {"type": "file", "data": "QQ==", "mime_type": "application/pdf"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
            {"type": "file", "data": WAV, "mime_type": "audio/x-wav"},
        ),
    ],
)
def test_parts(part: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each kind of part has its block."""
    assert block_of(part) == expected


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            {"type": "text", "text": None, "tensorzero::arguments": {}},
            "Invalid TensorZero content block: Only one of `text` or `tensorzero::arguments` can be set "
            'when using `"type": "text"`',
        ),
        (
            {"type": "text"},
            "Invalid content block: Either `text` or `tensorzero::arguments` must be set "
            'when using `"type": "text"`',
        ),
        (
            {"type": "text", "text": 5},
            'Invalid content block: `text` must be a string when using `"type": "text"`',
        ),
        (
            {"type": "text", "tensorzero::arguments": None},
            "Invalid TensorZero content block: `tensorzero::arguments` must be an object "
            'when using `"type": "text"`',
        ),
        ({"type": "zz"}, "Invalid content block: type: Invalid value 'zz'"),
        ({"type": 5}, "Invalid content block: type: Expected `str`"),
        ("text", 'Content block `"text"` is not an object'),
        ({"tensorzero::arguments": {}}, "Invalid TensorZero content block: missing tag field `type`"),
        ({"type": "image_url"}, "Invalid content block: missing field `image_url`"),
        (
            {"type": "image_url", "image_url": {"url": "http://h/x", "detail": "zz"}},
            "Invalid content block: image_url.detail: Invalid enum value 'zz'",
        ),
        (
            {"type": "image_url", "image_url": {"url": "http://h/x"}, "zz": 1},
            "Invalid content block: unknown field `zz`",
        ),
        (
            {"type": "image_url", "image_url": {"url": "http://h/x", "zz": 1}},
            "Invalid content block: image_url: unknown field `zz`",
        ),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png,abc"}},
            NOT_A_DATA_URL + "`;base64,` separator.",
        ),
        (
            {"type": "image_url", "image_url": {"url": "data:zz;base64,QQ=="}},
            "Unknown MIME type `zz` in data URL",
        ),
        (
            {"type": "image_url", "image_url": {"url": "data:x/y z;base64,QQ=="}},
            "Unknown MIME type `x/y z` in data URL",
        ),
        ({"type": "file", "file": {"file_data": "QQ=="}}, NOT_A_DATA_URL + "`data:` prefix."),
        ({"type": "file", "file": {}}, "Invalid content block: file: missing field `file_data`"),
        ({"type": "file"}, "Invalid content block: missing field `file`"),
        ({"type": "input_audio"}, "Invalid content block: missing field `input_audio`"),
        (
            {"type": "input_audio", "input_audio": {"data": WAV}},
            "Invalid content block: input_audio: missing field `format`",
        ),
        (
            {"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}},
            "Expected audio file for input_audio, but detected image/png",
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
            "Could not detect audio format from file content. Format field was: wav",
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "!!", "format": "wav"}},
            "Invalid base64 data in input_audio: Only base64 data is allowed",
        ),
        ({"type": "tensorzero::raw_text"}, "Invalid content block: missing field `value`"),
        (
            {"type": "tensorzero::template", "arguments": {}},
            "Invalid content block: missing field `name`",
        ),
        (
            {"type": "tensorzero::template", "name": "n", "arguments": []},
            "Invalid content block: arguments: Expected `object`, got `array`",
        ),
    ],
)
def test_bad_parts(part: object, message: str) -> None:
    """A part that is none is refused with what is wrong."""
    with pytest.raises(RequestError) as caught:
        block_of(part)
    assert (caught.value.status, caught.value.message) == (400, PREFIX + message)
