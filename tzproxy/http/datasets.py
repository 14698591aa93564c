"""Routes of datasets: bodies and paths in, `tzproxy.datasets` behind, JSON out. Cold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.queries.datapoints import Dataset
from tzproxy.datasets.datasets import Datasets
from tzproxy.datasets.requests import (
    CloneRequest,
    CreateRequest,
    FromInferencesRequest,
    IdsRequest,
    ListRequest,
    MetadataRequest,
    UpdateRequest,
)
from tzproxy.http.app import Handler
from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange
from tzproxy.http.reading.arrays import answer_array
from tzproxy.http.reading.asked import ReadRoute
from tzproxy.types.params import U32

ENCODER = msgspec.json.Encoder()
T = TypeVar("T")

CREATE = msgspec.json.Decoder(CreateRequest)
FROM_INFERENCES: msgspec.json.Decoder[FromInferencesRequest] = msgspec.json.Decoder(FromInferencesRequest)
UPDATE = msgspec.json.Decoder(UpdateRequest)
METADATA = msgspec.json.Decoder(MetadataRequest)
IDS = msgspec.json.Decoder(IdsRequest)
LIST = msgspec.json.Decoder(ListRequest)
CLONE = msgspec.json.Decoder(CloneRequest)


def dataset_routes(datasets: Datasets) -> dict[tuple[str, str], Handler]:
    """Return all routes of datasets: (method, path) to handler."""
    dataset = "/v1/datasets/{dataset_name}"
    internal = "/internal/datasets/{dataset_name}"
    return {
        ("POST", f"{dataset}/datapoints"): _named(CREATE, datasets.create, "ids"),
        ("POST", f"{dataset}/from_inferences"): _named(
            FROM_INFERENCES, datasets.create_from_inferences, "ids"
        ),
        ("PATCH", f"{dataset}/datapoints"): _named(UPDATE, datasets.update, "ids"),
        ("DELETE", f"{dataset}/datapoints"): _named(IDS, datasets.delete, "num_deleted_datapoints"),
        ("PATCH", f"{dataset}/datapoints/metadata"): _named(METADATA, datasets.rename, "ids"),
        ("POST", f"{dataset}/list_datapoints"): _list_route(datasets),
        ("POST", f"{dataset}/get_datapoints"): _get_route(datasets),
        ("POST", "/v1/datasets/get_datapoints"): _get_route(datasets),
        ("DELETE", dataset): _delete_route(datasets),
        ("POST", f"{internal}/datapoints/clone"): _named(CLONE, datasets.clone, "datapoint_ids"),
        ("GET", f"{internal}/datapoints/count"): _count_route(datasets),
        ("GET", "/internal/datasets"): _datasets_route(datasets),
    }


def _named(
    decoder: msgspec.json.Decoder[T], serve: Callable[[str, T], Awaitable[object]], key: str
) -> Handler:
    """Make a route for the dataset in the path, with a body, whose answer is one value under `key`."""

    async def handle(exchange: Exchange) -> None:
        request = decode_body(decoder, await exchange.body())
        result = await serve(dataset_name(exchange), request)
        await exchange.answer(200, ENCODER.encode({key: result}))

    return handle


def _list_route(datasets: Datasets) -> Handler:
    async def show(exchange: Exchange) -> None:
        request = decode_body(LIST, await exchange.body())
        await answer_array(exchange, "datapoints", datasets.page(dataset_name(exchange), request))

    return show


def _get_route(datasets: Datasets) -> Handler:
    async def get(exchange: Exchange) -> None:
        request = decode_body(IDS, await exchange.body())
        name = dataset_name(exchange) if "dataset_name" in exchange.parameters else None
        await answer_array(exchange, "datapoints", datasets.get(request, name))

    return get


def _delete_route(datasets: Datasets) -> Handler:
    async def delete(exchange: Exchange) -> None:
        count = await datasets.delete_dataset(dataset_name(exchange))
        await exchange.answer(200, ENCODER.encode({"num_deleted_datapoints": count}))

    return delete


class _CountAsked(Struct, frozen=True, kw_only=True):
    dataset_name: str
    function_name: str | None = None


class _DatasetsAsked(Struct, frozen=True, kw_only=True):
    function_name: str | None = None
    limit: U32 | None = None
    offset: U32 = 0


def _count_route(datasets: Datasets) -> Handler:
    async def count(asked: _CountAsked) -> dict[str, int]:
        return {"datapoint_count": await datasets.count(asked.dataset_name, asked.function_name)}

    return ReadRoute(_CountAsked, count)


def _datasets_route(datasets: Datasets) -> Handler:
    async def show(asked: _DatasetsAsked) -> dict[str, Sequence[Dataset]]:
        found = await datasets.datasets(asked.function_name, limit=asked.limit, offset=asked.offset)
        return {"datasets": found}

    return ReadRoute(_DatasetsAsked, show)


def dataset_name(exchange: Exchange) -> str:
    """Return the dataset that the path names."""
    # The server has decoded the path.
    return exchange.parameters["dataset_name"]
