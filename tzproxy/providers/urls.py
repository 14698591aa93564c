"""URLs of providers: joined and escaped as the original does it. Cold."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

# What a path segment keeps; everything else is percent-encoded (WHATWG URL, path percent-encode set, with
# the percent sign and the slash).
_SEGMENT = "!$&'()*+,;=:@[]|~"


def join_url(base: str, path: str) -> str:
    """Append a path to a base URL as the original does: one slash between them, no query.

    A base that has the path already is not recognised; the path is then there twice.
    """
    parts = urlsplit(base)
    stem = parts.path if parts.path.endswith("/") else f"{parts.path}/"
    return urlunsplit((parts.scheme, parts.netloc, stem + path, "", ""))


def append_segments(base: str, *segments: str, query: str = "") -> str:
    """Append escaped path segments and a query to a base URL.

    The base's own query stays. A base path that ends with a slash gives a double slash, as in the original.
    """
    parts = urlsplit(base)
    stem = "" if parts.path == "/" else parts.path
    path = "/".join([stem, *(escaped(segment) for segment in segments)])
    return urlunsplit((parts.scheme, parts.netloc, path, "&".join(filter(None, (parts.query, query))), ""))


def escaped(segment: str) -> str:
    """Return text as one path segment."""
    return quote(segment, safe=_SEGMENT)


def encoded(text: str) -> str:
    """Return text with everything escaped that is not a letter, a digit or one of `-_.~`."""
    return quote(text, safe="")


def without_userinfo(url: str) -> str:
    """Return an address that may be shown: without a user's name and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        head, slashes, rest = url.partition("//")
        return head + slashes + rest.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
