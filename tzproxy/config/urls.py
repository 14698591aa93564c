"""Addresses of providers as they are written in configurations, brought into the one form that is called.

What browsers understand is understood here too: spaces around the address, one or three slashes after the
scheme, backslashes. Must not: resolve names or read settings. Cold.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_EDGES = "".join(map(chr, range(33)))
_KEEP = "!#$%&'()*+,/:;=?@[]~\\^`{|}-._"
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def absolute_url(text: str) -> str:
    """Return the address of an HTTP server in its plain form.

    Raises:
        ValueError: when it is none; the message says why and does not repeat it.
    """
    found = _SCHEME.fullmatch(re.sub(r"[\t\n\r]", "", text.strip(_EDGES)))
    if found is None:
        raise ValueError("relative URL without a base")
    scheme = found[1].lower()
    if scheme not in ("http", "https"):
        raise ValueError("the URL must begin with http:// or https://")
    path_end = re.search(r"[?#]|$", found[2])
    assert path_end is not None  # the end always matches
    before, after = found[2][: path_end.start()], found[2][path_end.start() :]
    rest = before.replace("\\", "/").lstrip("/")
    authority, slash, path = rest.partition("/")
    url = f"{scheme}://{authority}" + quote(slash + path + after, safe=_KEEP)
    parts = urlsplit(url)
    _ = parts.port  # raises what is wrong with it
    _check_host(parts.hostname or "")
    return url


def _check_host(host: str) -> None:
    if not host:
        raise ValueError("empty host")
    if re.search(r"[\x00-\x20\x7f<>^|%]", host):
        raise ValueError("invalid international domain name")
    if not host.isascii() or "xn--" in host:
        try:
            host = host.encode("idna").decode("ascii")
            host.encode("ascii").decode("idna")
        except UnicodeError:
            raise ValueError("invalid international domain name") from None
    labels = host.rstrip(".").split(".")
    if _NUMBER.fullmatch(labels[-1]) and ":" not in host and not _is_ipv4(labels):
        raise ValueError("invalid IPv4 address")


def _is_ipv4(labels: list[str]) -> bool:
    """Tell whether numbers are an address; the last one of fewer than four fills the remaining bytes."""
    if len(labels) > 4 or not all(label.isdigit() for label in labels):
        return False
    *first, last = map(int, labels)
    return all(number < 256 for number in first) and last < 256 ** (5 - len(labels))
