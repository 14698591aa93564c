"""`GET /internal/object_storage`: a stored file by its pointer. Cold."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from tzproxy.errors import RequestError
from tzproxy.http.exchange import Exchange, ResponseHeaders
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.inference.files.read import check_key
from tzproxy.inference.files.remote import Budget
from tzproxy.types.request import StoragePath

DECODER = msgspec.json.Decoder(StoragePath)
ENCODER = msgspec.json.Encoder()
TEXT_HEADERS = ResponseHeaders(("content-type", "text/plain; charset=utf-8"))
MISSING = b"Failed to deserialize query string: missing field `storage_path`"


class ObjectStorageRoute:
    """Reads stored files for pages and evaluations."""

    def __init__(self, keeper: FileKeeper) -> None:
        self._keeper = keeper

    async def __call__(self, exchange: Exchange) -> None:
        """Answer with the file as base64 text."""
        given = parse_qs(exchange.query(), keep_blank_values=True).get("storage_path")
        if not given:
            await exchange.answer(400, MISSING, TEXT_HEADERS)
            return
        found = await self._keeper.read_object(parse_place(given[0]), Budget())
        await exchange.answer(200, ENCODER.encode({"data": found.data, "reused_object_store": found.is_own}))


def parse_place(text: str) -> StoragePath:
    """Read a pointer's place.

    Raises:
        RequestError: when it is none.
    """
    try:
        place = DECODER.decode(text)
        return StoragePath(place.kind, check_key(place.path, where="storage_path"))
    except msgspec.DecodeError as exc:
        raise RequestError(f"Error parsing storage path: {exc}") from exc
    except RequestError as exc:
        raise RequestError(f"Error parsing storage path: {exc.message}") from exc
