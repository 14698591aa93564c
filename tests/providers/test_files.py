from __future__ import annotations

import logging

import pytest

from tzproxy.providers.errors import ProviderError
from tzproxy.providers.files import (
    data_url,
    forwards_images,
    has_data,
    never_forwards,
    stored_body,
    suffix_of,
)
from tzproxy.types.content import File, Text

from .samples import user


@pytest.mark.parametrize(
    ("mime_type", "suffix"),
    [
        ("image/jpeg", "jpg"),
        ("image/webp", "webp"),
        ("application/pdf", "pdf"),
        ("text/plain", "txt"),
        ("audio/midi", "mid"),
        ("audio/mpeg", "mp3"),
        ("audio/mp4", "m4a"),
        ("audio/x-flac", "flac"),
        ("audio/x-wav", "wav"),
        ("audio/x-aiff", "aiff"),
        ("audio/webm", "webm"),
    ],
)
def test_known_suffixes(mime_type: str, suffix: str, caplog: pytest.LogCaptureFixture) -> None:
    """Common types have their usual suffix, without a word."""
    assert suffix_of(mime_type) == suffix
    assert not caplog.messages


def test_guessed_suffix(caplog: pytest.LogCaptureFixture) -> None:
    """Other types get a suffix from a database, with a warning."""
    with caplog.at_level(logging.WARNING):
        assert suffix_of("text/csv") == "csv"
    assert len(caplog.messages) == 1


def test_suffixes_beyond_pythons_database() -> None:
    """Types that the original knows and Python does not are not refused."""
    for mime_type, suffix in (("application/rtf", "rtf"), ("application/gzip", "gz"), ("video/ogg", "ogv")):
        assert suffix_of(mime_type) == suffix


def test_unknown_suffix() -> None:
    """A type that nobody knows is refused."""
    with pytest.raises(ProviderError, match="^Mime type x/unheard-of has no filetype suffix$"):
        suffix_of("x/unheard-of")


@pytest.mark.parametrize(
    ("file", "forwarded"),
    [
        (File(url="https://x/a"), True),
        (File(url="https://x/a", mime_type="image/png"), True),
        (File(url="https://x/a", mime_type="application/pdf"), False),
        (File(data="QQ==", mime_type="image/png"), False),
        (File(url="https://x/a", data="QQ==", mime_type="image/png"), False),
    ],
)
def test_forwarding(file: File, forwarded: bool) -> None:
    """URLs of images and of nobody knows what go out as they are; everything else is fetched first."""
    assert forwards_images(file) is forwarded
    assert never_forwards(file) is False


def test_data_url() -> None:
    """A file's bytes are named with their type; without one they are just bytes."""
    assert data_url(File(data="QQ==", mime_type="image/png")) == "data:image/png;base64,QQ=="
    assert data_url(File(data="QQ==")) == "data:application/octet-stream;base64,QQ=="


def test_stored_body_hides_the_bytes() -> None:
    """The stored request has numbered placeholders where the files were, repeated files included."""
    messages = [
        user(Text("a"), File(data="QUJD", mime_type="image/png"), File(url="https://x/a")),
        user(File(data="REVG", mime_type="image/png")),
    ]
    body = b'["data:image/png;base64,QUJD","https://x/a","REVG","QUJD"]'
    assert has_data(messages)
    assert stored_body(body, messages) == (
        '["data:image/png;base64,<TENSORZERO_FILE_0>","https://x/a","<TENSORZERO_FILE_1>","<TENSORZERO_FILE_0>"]'
    )


def test_empty_file_is_harmless() -> None:
    """A file of no bytes replaces nothing."""
    messages = [user(File(data="", mime_type="text/plain"), File(data="QUJD", mime_type="image/png"))]
    assert stored_body(b'"QUJD"', messages) == '"<TENSORZERO_FILE_1>"'


def test_no_files() -> None:
    """Text and URLs alone need no second form."""
    assert not has_data([user(Text("a"), File(url="https://x/a"))])
