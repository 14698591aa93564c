"""Routes of datasets that the original had in June 2025 only: its clients of then still call them. Cold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from msgspec import Struct

from tzproxy.datasets.june_2025 import BulkRequest, DatasetsOf2025, FromInferenceRequest
from tzproxy.datasets.june_2025_answers import OldDatapoint
from tzproxy.datasets.june_2025_edits import OldEdit
from tzproxy.http.app import Handler
from tzproxy.http.datasets import dataset_name
from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange
from tzproxy.http.path_ids import read_ids
from tzproxy.http.reading.asked import ReadRoute
from tzproxy.types.params import U32

ENCODER = msgspec.json.Encoder()
BULK = msgspec.json.Decoder(BulkRequest)
FROM_INFERENCE = msgspec.json.Decoder(FromInferenceRequest)
EDIT = msgspec.json.Decoder(OldEdit)
DATAPOINTS = "/datasets/{dataset_name}/datapoints"


def june_2025_routes(datasets: DatasetsOf2025) -> dict[tuple[str, str], Handler]:
    """Return these routes: (method, path) to handler."""
    insert = _insert_route(datasets)
    return {
        ("POST", f"{DATAPOINTS}/bulk"): insert,
        ("POST", DATAPOINTS): insert,
        ("GET", DATAPOINTS): _list_route(datasets),
        ("GET", DATAPOINTS + "/{datapoint_id}"): _get_route(datasets),
        ("DELETE", DATAPOINTS + "/{datapoint_id}"): _delete_route(datasets),
        ("POST", f"/internal{DATAPOINTS}"): _take_route(datasets),
        ("PUT", f"/internal{DATAPOINTS}" + "/{datapoint_id}"): _put_route(datasets),
    }


def _insert_route(datasets: DatasetsOf2025) -> Handler:
    async def insert(exchange: Exchange) -> None:
        request = decode_body(BULK, await exchange.body())
        await exchange.answer(200, ENCODER.encode(await datasets.insert(dataset_name(exchange), request)))

    return insert


class _ListAsked(Struct, frozen=True, kw_only=True):
    dataset_name: str
    function_name: str | None = None
    limit: U32 = 100
    offset: U32 = 0


def _list_route(datasets: DatasetsOf2025) -> Handler:
    async def show(asked: _ListAsked) -> Sequence[OldDatapoint]:
        return await datasets.list(
            asked.dataset_name, asked.function_name, limit=asked.limit, offset=asked.offset
        )

    return ReadRoute(_ListAsked, show)


def _get_route(datasets: DatasetsOf2025) -> Handler:
    async def get(exchange: Exchange, datapoint_id: str) -> None:
        found = await datasets.get(dataset_name(exchange), datapoint_id)
        await exchange.answer(200, ENCODER.encode(found))

    return _with_id(get)


def _delete_route(datasets: DatasetsOf2025) -> Handler:
    async def delete(exchange: Exchange, datapoint_id: str) -> None:
        await datasets.delete(dataset_name(exchange), datapoint_id)
        await exchange.answer(200, b"")

    return _with_id(delete)


def _put_route(datasets: DatasetsOf2025) -> Handler:
    async def put(exchange: Exchange, datapoint_id: str) -> None:
        edit = decode_body(EDIT, await exchange.body())
        await datasets.put(dataset_name(exchange), datapoint_id, edit)
        await exchange.answer(200, ENCODER.encode({"id": datapoint_id}))

    return _with_id(put)


def _with_id(serve: Callable[[Exchange, str], Awaitable[None]]) -> Handler:
    """Make a route that is about the datapoint in the path; what is no id is refused in plain text."""

    async def handle(exchange: Exchange) -> None:
        ids = await read_ids(exchange, "datapoint_id")
        if ids is not None:
            await serve(exchange, ids["datapoint_id"])

    return handle


def _take_route(datasets: DatasetsOf2025) -> Handler:
    async def take(exchange: Exchange) -> None:
        request = decode_body(FROM_INFERENCE, await exchange.body())
        made = await datasets.take(dataset_name(exchange), request)
        await exchange.answer(200, ENCODER.encode({"id": made}))

    return take
