"""A route that reads: path, query string or body in, one JSON object out. Cold.

The parameters of a route are one Struct: what stands in the path and in the query string goes into the fields
of the same names, and texts become what the fields want.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange, Watch
from tzproxy.http.path_ids import TEXT_HEADERS

ENCODER = msgspec.json.Encoder()
Asked = TypeVar("Asked", bound=Struct)
Read = Callable[[Asked], Awaitable[object]]
NO_NUMBER = "Expected `int`, got `str`"
_PLACE = re.compile(r" - at `\$\.(\w+)`$")


class ReadRoute(Generic[Asked]):
    """Answers a GET."""

    def __init__(self, kind: type[Asked], read: Read[Asked]) -> None:
        """Serve what `read` returns for parameters of a kind."""
        self._kind = kind
        self._read = read

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request; wrong parameters are refused in plain text."""
        given = dict(parse_qsl(exchange.query(), keep_blank_values=True))
        try:
            asked = msgspec.convert({**given, **exchange.parameters}, self._kind, strict=False)
        except msgspec.ValidationError as exc:
            await exchange.answer(400, _refusal(exc, exchange.parameters), TEXT_HEADERS)
            return
        await answer_read(exchange, self._read, asked)


class ReadBodyRoute(Generic[Asked]):
    """Answers a POST whose body says what is asked."""

    def __init__(self, kind: type[Asked], read: Read[Asked]) -> None:
        """Serve what `read` returns for bodies of a kind."""
        self._decoder = msgspec.json.Decoder(kind)
        self._read = read

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        await answer_read(exchange, self._read, decode_body(self._decoder, await exchange.body()))


async def answer_read(exchange: Exchange, read: Read[Asked], asked: Asked) -> None:
    """Read, and answer with what was found."""
    with Watch(exchange):
        found = await read(asked)
    await exchange.answer(200, ENCODER.encode(found))


def _refusal(exc: msgspec.ValidationError, in_path: dict[str, str]) -> bytes:
    text = str(exc)
    place = _PLACE.search(text)
    reason = text if place is None else text[: place.start()]
    if place is None:
        reason = reason.replace("Object missing required ", "missing ")
        return f"Failed to deserialize query string: {reason}".encode()
    name = place[1]
    if name in in_path:
        return f"Invalid URL: Cannot parse `{name}` with value `{in_path[name]}`: {reason}".encode()
    if reason == NO_NUMBER:
        # SPEC: the original's words.
        reason = "invalid digit found in string"
    return f"Failed to deserialize query string: {name}: {reason}".encode()
