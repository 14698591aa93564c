"""Ids in paths: brought into their canonical form, or refused as the original's router does it. Cold."""

from __future__ import annotations

from tzproxy._speedups.ids import format_uuid, parse_uuid
from tzproxy.http.exchange import Exchange, ResponseHeaders

TEXT_HEADERS = ResponseHeaders(("content-type", "text/plain; charset=utf-8"))


async def read_ids(exchange: Exchange, *names: str) -> dict[str, str] | None:
    """Return those of some ids that the path has, in canonical form, by their names.

    None: one of them is no UUID, and the client was told so, in plain text.
    """
    ids: dict[str, str] = {}
    for name in names:
        given = exchange.parameters.get(name)
        if given is None:
            continue
        try:
            ids[name] = format_uuid(parse_uuid(given))
        except ValueError as exc:
            text = f"Invalid URL: Cannot parse `{name}` with value `{given}`: UUID parsing failed: {exc}"
            await exchange.answer(400, text.encode(), TEXT_HEADERS)
            return None
    return ids
