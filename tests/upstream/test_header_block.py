"""Request headers: checks, wire form, replacement."""

from __future__ import annotations

import pytest

from tzproxy.upstream.header_block import (
    GIVES_ACCEPT,
    GIVES_AUTHORIZATION,
    GIVES_HOST,
    GIVES_USER_AGENT,
    NO_HEADERS,
    HeaderBlock,
)


def test_encoded() -> None:
    """Headers are encoded in order, with surrounding blanks of values dropped."""
    block = HeaderBlock.of([("Authorization", " Bearer k\t"), ("x-name", "a b"), ("x-empty", "")])
    assert block.encoded == b"Authorization: Bearer k\r\nx-name: a b\r\nx-empty: \r\n"
    assert block.pairs == (("Authorization", "Bearer k"), ("x-name", "a b"), ("x-empty", ""))
    assert NO_HEADERS.encoded == b""


def test_other_characters_are_sent_as_utf8() -> None:
    """Values outside ASCII are not lost."""
    assert HeaderBlock.of([("x", "caf\u00e9")]).encoded == "x: caf\u00e9\r\n".encode()


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "\u00e4", "a\x00", "(a)"])
def test_bad_names_are_refused(name: str) -> None:
    """A name that is no token cannot be sent."""
    with pytest.raises(ValueError, match="header name"):
        HeaderBlock.of([(name, "x")])


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\rb", "a\x00b", "\x7f", "a\x1b"])
def test_bad_values_are_refused_without_showing_them(value: str) -> None:
    """A value cannot smuggle in another line, and the error does not repeat what may be a secret."""
    with pytest.raises(ValueError, match="control character") as caught:
        HeaderBlock.of([("authorization", "s3cret" + value + "s3cret")])
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding"])
def test_framing_headers_are_refused(name: str) -> None:
    """Nobody but the client says how long the body is."""
    with pytest.raises(ValueError, match="follows from the body"):
        HeaderBlock.of([(name, "1")])


def test_replaced() -> None:
    """Same-named headers give way whatever their case; the rest stays; the old block is unchanged."""
    block = HeaderBlock.of([("Content-Type", "a"), ("X-Key", "1"), ("x-key", "2")])
    other = block.replaced([("x-KEY", "3"), ("new", "4")])
    assert other.pairs == (("Content-Type", "a"), ("x-KEY", "3"), ("new", "4"))
    assert block.encoded == b"Content-Type: a\r\nX-Key: 1\r\nx-key: 2\r\n"
    with pytest.raises(ValueError, match="header name"):
        block.replaced([("a b", "")])


@pytest.mark.parametrize(
    ("name", "bit"),
    [
        ("User-Agent", GIVES_USER_AGENT),
        ("ACCEPT", GIVES_ACCEPT),
        ("host", GIVES_HOST),
        ("authorization", GIVES_AUTHORIZATION),
        ("x-host", 0),
    ],
)
def test_given(name: str, bit: int) -> None:
    """The block knows which of the client's own headers it brings."""
    assert HeaderBlock.of([(name, "x")]).given == bit


def test_repr_shows_names_only() -> None:
    """Values may be secrets."""
    assert repr(HeaderBlock.of([("authorization", "s3cret")])) == "HeaderBlock(authorization)"
