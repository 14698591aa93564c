"""AWS Signature Version 4 for POST requests without a query. Hot: one signature for each request.

Source: AWS documentation, "Signature Version 4 signing process"; a test compares with botocore.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from tzproxy.upstream import Endpoint, HeaderBlock

_ALGORITHM = "AWS4-HMAC-SHA256"
# Proxies may change these on the way, so they are left out.
_UNSIGNED = frozenset({"authorization", "user-agent", "x-amzn-trace-id", "expect", "connection"})
_KEPT = 64


class Keys(NamedTuple):
    """An AWS key pair. Its text form shows no secret."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return "Keys()"


class Signer:
    """Signs requests to one service."""

    __slots__ = ("_clock", "_paths", "_service", "_signing_keys")

    def __init__(self, service: str, *, clock: Callable[[], float] = time.time) -> None:
        self._service = service
        self._clock = clock
        self._paths: dict[str, str] = {}
        self._signing_keys: dict[tuple[str, str, str], bytes] = {}

    def sign(
        self, headers: HeaderBlock, endpoint: Endpoint, body: bytes, *, region: str, keys: Keys
    ) -> HeaderBlock:
        """Return the headers with those of the signature; what is there already stays as it is.

        All given headers are signed, but for a few that change on the way.
        """
        values: dict[str, str] = {}
        for name, value in headers.pairs:
            lower = name.lower()
            values[lower] = f"{values[lower]},{value}" if lower in values else " ".join(value.split())
        if "authorization" in values:
            return headers
        added: list[tuple[str, str]] = []
        date = values.get("x-amz-date")
        if date is None:
            date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock()))
            added.append(("x-amz-date", date))
        if keys.session_token is not None and "x-amz-security-token" not in values:
            added.append(("x-amz-security-token", keys.session_token))
        values.update(added)
        values.setdefault("host", endpoint.host_line[6:-2].decode("ascii"))
        names = sorted(values.keys() - _UNSIGNED)
        signed = ";".join(names)
        request = "\n".join(
            [
                "POST",
                self._path(endpoint.path),
                "",
                *(f"{name}:{values[name]}" for name in names),
                "",
                signed,
                sha256(body).hexdigest(),
            ]
        )
        scope = f"{date[:8]}/{region}/{self._service}/aws4_request"
        text = "\n".join([_ALGORITHM, date, scope, sha256(request.encode()).hexdigest()])
        key = self._signing_key(keys.secret_access_key, date[:8], region)
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        added.append(
            (
                "authorization",
                f"{_ALGORITHM} Credential={keys.access_key_id}/{scope}, SignedHeaders={signed}, "
                f"Signature={signature}",
            )
        )
        return HeaderBlock.of((*headers.pairs, *added))

    def _path(self, path: str) -> str:
        """Return a path, which is escaped already, escaped once more."""
        escaped = self._paths.get(path)
        if escaped is None:
            if len(self._paths) >= _KEPT:
                self._paths.clear()
            escaped = self._paths[path] = quote(path, safe="/-_.~")
        return escaped

    def _signing_key(self, secret: str, day: str, region: str) -> bytes:
        name = (secret, day, region)
        key = self._signing_keys.get(name)
        if key is None:
            key = f"AWS4{secret}".encode()
            for part in (day, region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            if len(self._signing_keys) >= _KEPT:
                self._signing_keys.clear()
            self._signing_keys[name] = key
        return key

    def __repr__(self) -> str:
        return f"Signer({self._service})"
