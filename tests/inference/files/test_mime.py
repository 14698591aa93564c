"""Tests of `tzproxy.inference.files.mime`: types by first bytes, endings by types."""

from __future__ import annotations

import base64

import pytest

from tzproxy.errors import RequestError
from tzproxy.inference.files.mime import extension_of, guess_mime_type, sniff_mime_type, told_by_head


@pytest.mark.parametrize(
    ("head", "mime_type"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"II*\x00........", "image/tiff"),
        (b"BM......", "image/bmp"),
        (b"\x00\x00\x00\x1cftypavif", "image/avif"),
        (b"\x00\x00\x00\x18ftypheic", "image/heif"),
        (b"\x00\x00\x00\x18ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x18ftypM4A ", "audio/m4a"),
        (b"\x1aE\xdf\xa3\x93B\x82\x84webm", "video/webm"),
        (b"\x1aE\xdf\xa3\x93B\x82\x88matroska", "video/x-matroska"),
        (b"RIFF....WAVEfmt ", "audio/x-wav"),
        (b"RIFF....AVI LIST", "video/x-msvideo"),
        (b"%PDF-1.7", "application/pdf"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"OggS\x00", "audio/ogg"),
        (b"OggS" + bytes(24) + b"OpusHead", "audio/opus"),
        (b"fLaC\x00", "audio/x-flac"),
        (b"PK\x03\x04....", "application/zip"),
        (b" \n<HTML><p>", "text/html"),
        (b"<!DOCTYPE html>", "text/html"),
        (b"<!-- x", "text/html"),
        (b'<?xml version="1.0"?>', "text/xml"),
        (b"#!/bin/sh", "text/x-shellscript"),
    ],
)
def test_types_are_told_by_the_first_bytes(head: bytes, mime_type: str) -> None:
    """Data without a type gets the one that its first bytes show."""
    data = base64.b64encode(head + bytes(20)).decode()
    assert sniff_mime_type(data, where="w") == mime_type


@pytest.mark.parametrize(
    "head", [b"", b"hello", b'{"a":1}', b"<svg xmlns='x'>", b"<bold>", b"\xff\xf2....", b"II*\x00....CR"]
)
def test_what_shows_no_type(head: bytes) -> None:
    """Texts, and kinds that the original does not know, have no type by their bytes."""
    assert told_by_head(head) is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("%%%", "w: Failed to decode base64 data: "),
        ("QQ", "w: Failed to decode base64 data: "),
        ("é", "w: Failed to decode base64 data: "),
        (
            base64.b64encode(b"RIFF....????").decode(),
            "w: No mime type provided and unable to infer from data",
        ),
        ("", "w: No mime type provided and unable to infer from data"),
    ],
)
def test_what_cannot_be_told_is_refused(data: str, message: str) -> None:
    """Broken base64 and unknown data are the client's mistake."""
    with pytest.raises(RequestError) as caught:
        sniff_mime_type(data, where="w")
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("mime_type", "extension"),
    [
        ("image/jpeg", ".jpg"),
        ("audio/wav", ".wav"),
        ("application/json", ".json"),
        ("application/octet-stream", ".xtp"),
        ("text/html", ".shtml"),
        ("audio/opus", ""),
        ("x/y", ""),
        ("", ""),
    ],
)
def test_endings_are_the_originals(mime_type: str, extension: str) -> None:
    """A key ends as the original's does, without an ending for types it knows none for."""
    assert extension_of(mime_type) == extension


def test_types_are_guessed_by_path() -> None:
    """A path's ending suggests a type, whatever this machine's own tables say."""
    assert guess_mime_type("/x.PDF") == "application/pdf"
    assert guess_mime_type("/x") == "application/octet-stream"
