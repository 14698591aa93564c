from __future__ import annotations

import pytest

from tzproxy.providers.urls import append_segments, escaped, join_url, without_userinfo


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://h:1/v1/", "http://h:1/v1/chat/completions"),
        ("http://h:1/v1", "http://h:1/v1/chat/completions"),
        ("http://h:1", "http://h:1/chat/completions"),
        ("http://h:1/v1/chat/completions", "http://h:1/v1/chat/completions/chat/completions"),
        ("http://h:1/v1?key=1#x", "http://h:1/v1/chat/completions"),
    ],
)
def test_join_url(base: str, url: str) -> None:
    """The path is joined with one slash, and a query is lost, as in the original."""
    assert join_url(base, "chat/completions") == url


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://h", "https://h/a%2Fb/c?v=1"),
        ("https://h/", "https://h/a%2Fb/c?v=1"),
        ("https://h/x", "https://h/x/a%2Fb/c?v=1"),
        ("https://h/x/", "https://h/x//a%2Fb/c?v=1"),
        ("https://h/x?k=2", "https://h/x/a%2Fb/c?k=2&v=1"),
    ],
)
def test_append_segments(base: str, url: str) -> None:
    """Segments are escaped; a base with a final slash gives a double one, and its query stays."""
    assert append_segments(base, "a/b", "c", query="v=1") == url


def test_escaped() -> None:
    """What a segment may not hold is escaped; what names commonly have is not."""
    assert escaped("claude@1:x-y_z.~") == "claude@1:x-y_z.~"
    assert escaped("a b/c%?#ü") == "a%20b%2Fc%25%3F%23%C3%BC"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@h:8/a?b=c", "https://h:8/a?b=c"),
        ("https://h/a", "https://h/a"),
        ("https://user:secret@[::1", "https://[::1"),
        ("https://user:secret@h:x", "https://h:x"),
        ("nonsense", "nonsense"),
    ],
)
def test_without_userinfo(url: str, shown: str) -> None:
    """A name and a password in an address are not shown."""
    assert without_userinfo(url) == shown
