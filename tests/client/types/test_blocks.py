"""Tests of `tzproxy.client.types.blocks`."""

from __future__ import annotations

from tzproxy.client.generated_types import InputMessageContentFile


def test_files_are_sent_without_what_they_lack() -> None:
    """A file holds its address or its data, never nulls."""
    sent = InputMessageContentFile(file_type="url", url="http://h/x").to_dict()
    assert sent == {"type": "file", "file_type": "url", "url": "http://h/x"}
