"""Where a request goes: a URL taken apart once, when configuration loads. Hot in use, opens nothing."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, unquote_to_bytes, urlsplit

from tzproxy._speedups.request import TargetLines

_PORTS = {"http": 80, "https": 443}
# What may stay as it is in a path or query; everything else is percent-encoded (RFC 3986, section 3.3).
_KEEP = "/%:@!$&'()*+,;=-._~?[]|{}^`\\"
_CONTROL = re.compile("[\x00-\x1f\x7f]")


class Endpoint(TargetLines):
    """A target with everything of its request head that does not depend on the request.

    Its text forms show neither the query nor user information: both may hold secrets.
    """

    __slots__ = ("host", "is_tls", "origin", "path", "port", "target")

    origin: str
    """`scheme://host:port`; connections are shared by what has the same origin."""
    is_tls: bool
    host: str
    """Name or address, without the brackets of an IPv6 address."""
    port: int
    path: str
    target: bytes
    """Path and query as sent in the request line."""

    def __init__(
        self, *, is_tls: bool, host: str, port: int, target: str, authorization: bytes = b""
    ) -> None:
        scheme = "https" if is_tls else "http"
        shown = f"[{host}]" if ":" in host else host
        authority = shown if port == _PORTS[scheme] else f"{shown}:{port}"
        super().__init__(f"host: {authority}\r\n".encode("ascii"), authorization)
        self.origin = f"{scheme}://{shown}:{port}"
        self.is_tls = is_tls
        self.host = host
        self.port = port
        self.path = target.partition("?")[0]
        self.target = target.encode("ascii")
        self.request_lines("POST")

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """Take a URL apart.

        Raises:
            ValueError: when it is not an absolute http or https URL. The message does not repeat it.
        """
        text = url.strip()
        if _CONTROL.search(text):
            raise ValueError("the URL has a control character")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as exc:
            raise ValueError(f"the URL is malformed: {_plain(exc)}") from None
        scheme = parts.scheme.lower()
        if scheme not in _PORTS:
            raise ValueError("the URL must begin with http:// or https://")
        host = (parts.hostname or "").rstrip(".")
        if not host:
            raise ValueError("the URL has no host")
        if port == 0:
            raise ValueError("the URL has the port 0")
        return cls(
            is_tls=scheme == "https",
            host=_ascii_host(host),
            port=port or _PORTS[scheme],
            target=_target(parts.path, parts.query),
            authorization=_basic(parts.username, parts.password),
        )

    def with_target(self, target: str) -> Endpoint:
        """Return the same server with another path and query.

        Raises:
            ValueError: when `target` does not begin with a slash.
        """
        if not target.startswith("/"):
            raise ValueError("a request target begins with a slash")
        path, _, query = target.partition("#")[0].partition("?")
        return Endpoint(
            is_tls=self.is_tls,
            host=self.host,
            port=self.port,
            target=_target(path, query),
            authorization=self.authorization,
        )

    def request_lines(self, method: str) -> tuple[bytes, bytes]:
        """Return the request line in origin form and in absolute form.

        Raises:
            ValueError: when the method is not made of capital letters.
        """
        lines = self.lines.get(method)
        if lines is None:
            if not (method.isascii() and method.isalpha() and method.isupper()):
                raise ValueError("an HTTP method is made of capital letters")
            prefix, target = method.encode("ascii"), self.target.decode("ascii")
            absolute = self.origin_without_default_port + target
            lines = (
                prefix + b" " + self.target + b" HTTP/1.1\r\n",
                prefix + b" " + absolute.encode("ascii") + b" HTTP/1.1\r\n",
            )
            self.lines[method] = lines
        return lines

    @property
    def origin_without_default_port(self) -> str:
        """The origin as a URL would show it."""
        scheme = "https" if self.is_tls else "http"
        return f"{scheme}://{self.host_line[6:-2].decode('ascii')}"

    def __repr__(self) -> str:
        return f"Endpoint({self.origin_without_default_port}{self.path})"

    def __str__(self) -> str:
        return f"{self.origin_without_default_port}{self.path}"


def _target(path: str, query: str) -> str:
    target = quote(path, safe=_KEEP.replace("?", "")) or "/"
    return f"{target}?{quote(query, safe=_KEEP)}" if query else target


def _ascii_host(host: str) -> str:
    if host.isascii():
        if re.search(r"[^A-Za-z0-9.\-_:%]", host):
            raise ValueError("the URL has a malformed host")
        return host.lower()
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("the URL has a malformed host") from None


def _basic(username: str | None, password: str | None) -> bytes:
    if username is None and password is None:
        return b""
    credentials = unquote_to_bytes(username or "") + b":" + unquote_to_bytes(password or "")
    return b"authorization: Basic " + base64.b64encode(credentials) + b"\r\n"


def _plain(exc: ValueError) -> str:
    # The library's text may quote the URL's authority, which may hold a password.
    return "bad port" if "ort" in str(exc) else "bad authority"
