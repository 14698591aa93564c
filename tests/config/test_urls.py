"""Tests of `tzproxy.config.urls`."""

from __future__ import annotations

import pytest

from tzproxy.config.urls import absolute_url


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("https://api.example/v1/", "https://api.example/v1/"),
        ("HTTP://Host:8000/V1?a=b#c", "http://Host:8000/V1?a=b#c"),
        ("  http://h/\n", "http://h/"),
        ("http:h/v1", "http://h/v1"),
        ("http:/h", "http://h"),
        ("http:////h/v1", "http://h/v1"),
        ("http:\\\\h\\v1", "http://h/v1"),
        ("http://h?q=\\", "http://h?q=\\"),
        ("http://h/a b", "http://h/a%20b"),
        ("http://h/a%20b", "http://h/a%20b"),
        ("http://user:p%40ss@h/", "http://user:p%40ss@h/"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("http://127.1/", "http://127.1/"),
        ("http://bücher.example/", "http://bücher.example/"),
    ],
)
def test_what_browsers_read_as_an_address_is_one(text: str, plain: str) -> None:
    """The plain form has the scheme in lower case, two slashes and no spaces."""
    assert absolute_url(text) == plain
    assert absolute_url(plain) == plain


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "relative URL without a base"),
        ("api.example/v1", "relative URL without a base"),
        ("//api.example", "relative URL without a base"),
        ("h ttp://x", "relative URL without a base"),
        ("env::MY_URL", "must begin with http"),
        ("ftp://x/", "must begin with http"),
        ("http://", "empty host"),
        ("http://?a", "empty host"),
        ("http://:80/", "empty host"),
        ("http://a b/", "invalid international domain name"),
        ("http://a%zz/", "invalid international domain name"),
        ("http://xn--a/", "invalid international domain name"),
        ("http://\u00ad/", "invalid international domain name"),
        ("http://256.1.1.1/", "invalid IPv4 address"),
        ("http://1.2.3.4.5/", "invalid IPv4 address"),
        ("http://a.256/", "invalid IPv4 address"),
        ("http://h:99999/", "[Pp]ort"),
        ("http://h:x/", "[Pp]ort"),
    ],
)
def test_what_nobody_can_call_is_refused(text: str, reason: str) -> None:
    """The reason is told."""
    with pytest.raises(ValueError, match=reason):
        absolute_url(text)
