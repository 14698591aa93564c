"""Tests of `tzproxy.http.responses.parts`: parts of messages."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from tzproxy.errors import RequestError
from tzproxy.http.responses.parts import data_url, read_part, split_output
from tzproxy.http.responses.wire import Part

WAVE = base64.b64encode(b"RIFF\0\0\0\0WAVEfmt ").decode()
PDF = base64.b64encode(b"%PDF-1.7 and more").decode()


def read(part: dict[str, Any]) -> dict[str, Any]:
    """Read a part and return what is set in the block."""
    block = msgspec.to_builtins(read_part(msgspec.convert(part, Part), "user", "here"))
    return {name: value for name, value in block.items() if value is not None}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "input_text", "text": "a"}, {"type": "text", "text": "a"}),
        ({"type": "output_text", "text": "a", "annotations": []}, {"type": "text", "text": "a"}),
        ({"type": "refusal", "refusal": "no"}, {"type": "text", "text": "no"}),
        (
            {"type": "input_text", "tensorzero::arguments": {"a": 1}},
            {"type": "text", "arguments": {"a": 1}},
        ),
        (
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "original"},
            {"type": "file", "data": "AAAA", "mime_type": "image/png", "detail": "high"},
        ),
        (
            {"type": "input_image", "image_url": "https://a.test/b.png"},
            {"type": "file", "url": "https://a.test/b.png"},
        ),
        (
            {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"},
            {"type": "file", "data": "AAAA", "mime_type": "application/pdf", "filename": "a.pdf"},
        ),
        ({"type": "input_file", "file_data": PDF}, {"type": "file", "data": PDF}),
        (
            {"type": "input_file", "file_url": "https://a.test/b.pdf"},
            {"type": "file", "url": "https://a.test/b.pdf"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": WAVE, "format": "wav"}},
            {"type": "file", "data": WAVE, "mime_type": "audio/x-wav"},
        ),
        ({"type": "tensorzero::raw_text", "value": "a"}, {"type": "raw_text", "value": "a"}),
        (
            {"type": "tensorzero::template", "name": "t", "arguments": {}},
            {"type": "template", "name": "t", "arguments": {}},
        ),
    ],
)
def test_each_kind_has_its_block(part: dict[str, Any], block: dict[str, Any]) -> None:
    """Texts, images, files, audio and the gateway's own parts become the engine's blocks."""
    assert read(part) == block


@pytest.mark.parametrize(
    ("part", "complaint"),
    [
        ({"type": "sound"}, "here: unknown type `sound` of content for role `user`"),
        ({"type": "input_text"}, "missing field `text`"),
        ({"type": "input_text", "text": "a", "tensorzero::arguments": {}}, "only one of"),
        ({"type": "input_image", "file_id": "f"}, "keeps no files"),
        ({"type": "input_image"}, "missing field `image_url`"),
        ({"type": "input_image", "image_url": "data:nothing"}, "expected a data URL"),
        ({"type": "input_image", "image_url": "https://x/y", "detail": "fine"}, "unknown detail `fine`"),
        ({"type": "input_file", "file_id": "f"}, "keeps no files"),
        ({"type": "input_file"}, "missing field `file_data`"),
        ({"type": "input_audio"}, "missing field `input_audio`"),
        ({"type": "tensorzero::template", "name": "t"}, "missing field `arguments`"),
        ({"type": "tensorzero::raw_text"}, "missing field `value`"),
    ],
)
def test_mistakes_are_named(part: dict[str, Any], complaint: str) -> None:
    """What is missing or unknown is said."""
    with pytest.raises(RequestError, match=complaint):
        read(part)


def test_outputs_are_split() -> None:
    """Texts of a tool's output are joined by lines, all else is set apart."""
    parts = [
        Part(type="input_text", text="a"),
        Part(type="input_image", image_url="https://a.test/b.png"),
        Part(type="output_text", text="b"),
    ]
    text, files = split_output(parts, "here")
    assert (text, len(files)) == ("a\nb", 1)
    assert split_output("plain", "here") == ("plain", [])


def test_data_urls() -> None:
    """A data URL is its type and its data."""
    assert data_url("data:image/png;base64,AAAA", "here") == ("image/png", "AAAA")
