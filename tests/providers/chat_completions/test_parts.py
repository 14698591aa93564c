from __future__ import annotations

import logging
from typing import Any

import pytest

from tzproxy.types.content import File, Text

from ..samples import NAMES, ask, body_of, chat, user

PNG = File(data="QUJD", mime_type="image/png", detail="high")
KEEPS_DETAIL = {"openai", "azure", "xai"}


def _part(name: str, file: File, **changes: Any) -> Any:
    content = body_of(chat(name, **changes), ask(user(file)))["messages"][0]["content"]
    assert len(content) == 1
    return content[0]


@pytest.mark.parametrize("name", NAMES)
def test_images(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """An image is an image everywhere; three keep its level of detail, the others warn."""
    with caplog.at_level(logging.WARNING):
        part = _part(name, PNG)
    kept = name in KEEPS_DETAIL
    expected = {"url": "data:image/png;base64,QUJD"} | ({"detail": "high"} if kept else {})
    assert part == {"type": "image_url", "image_url": expected}
    assert bool(caplog.messages) is not kept


@pytest.mark.parametrize("name", NAMES)
def test_urls(name: str) -> None:
    """A URL goes out as it is."""
    part = _part(name, File(url="https://x/a.png", mime_type="image/png"))
    assert part == {"type": "image_url", "image_url": {"url": "https://x/a.png"}}


def test_sound() -> None:
    """A sound is sent with its short name."""
    part = _part("openai", File(data="QUJD", mime_type="audio/x-wav"))
    assert part == {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}}


def test_other_files() -> None:
    """Anything else is a file with its own name, or one made of its type."""
    part = _part("openai", File(data="QUJD", mime_type="application/pdf"))
    url = "data:application/pdf;base64,QUJD"
    assert part == {"type": "file", "file": {"file_data": url, "filename": "input.pdf"}}
    named = _part("vllm", File(data="QUJD", mime_type="application/pdf", filename="a.pdf"))
    assert named == {"type": "file", "file": {"file_data": url, "filename": "a.pdf"}}


def test_groq_sends_everything_as_image() -> None:
    """Groq gets every file as an image."""
    part = _part("groq", File(data="JVBERi0xLjQK", mime_type="application/pdf"))
    assert part == {"type": "image_url", "image_url": {"url": "data:application/pdf;base64,JVBERi0xLjQK"}}


def test_overrides() -> None:
    """The configuration may say what kind of part a type becomes."""
    overrides = {"application/pdf": "image_url", "image/png": "file", "video/mp4": "input_audio"}
    changes = {"content_type_overrides": overrides}
    assert _part("openai", File(data="QQ==", mime_type="application/pdf"), **changes)["type"] == "image_url"
    assert _part("openai", PNG, **changes) == {
        "type": "file",
        "file": {"file_data": "data:image/png;base64,QUJD", "filename": "input.png"},
    }
    assert _part("openai", File(data="QQ==", mime_type="video/mp4"), **changes) == {
        "type": "input_audio",
        "input_audio": {"data": "QQ==", "format": "mp4"},
    }


def test_stored_request_has_no_bytes() -> None:
    """A request with files is stored with placeholders; one without is stored as sent."""
    wire = chat("openai").build_request(ask(user(Text("look"), PNG)), {})
    assert b"QUJD" in wire.body
    assert wire.raw_request == wire.body.decode().replace("QUJD", "<TENSORZERO_FILE_0>")
    assert chat("openai").build_request(ask(user(File(url="https://x/a"))), {}).raw_request is None
