"""Routes of datasets: bodies and paths in, `tzproxy.datasets` behind, JSON out. Cold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec

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
from tzproxy.http.exchange import Exchange, ResponseHeaders
from tzproxy.http.reading.arrays import answer_array

ENCODER = msgspec.json.Encoder()
TEXT_HEADERS = ResponseHeaders(("content-type", "text/plain; charset=utf-8"))
LARGEST = 2**32 - 1
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


def _count_route(datasets: Datasets) -> Handler:
    async def count(exchange: Exchange) -> None:
        function_name = asked_parameters(exchange).get("function_name")
        found = await datasets.count(dataset_name(exchange), function_name)
        await exchange.answer(200, ENCODER.encode({"datapoint_count": found}))

    return count


def _datasets_route(datasets: Datasets) -> Handler:
    async def show(exchange: Exchange) -> None:
        asked = asked_parameters(exchange)
        try:
            limit, offset = asked_number(asked, "limit"), asked_number(asked, "offset")
        except ValueError as exc:
            text = f"Failed to deserialize query string: {exc}"
            await exchange.answer(400, text.encode(), TEXT_HEADERS)
            return
        found = await datasets.datasets(asked.get("function_name"), limit=limit, offset=offset or 0)
        await exchange.answer(200, ENCODER.encode({"datasets": found}))

    return show


def dataset_name(exchange: Exchange) -> str:
    """Return the dataset that the path names."""
    # The server has decoded the path.
    return exchange.parameters["dataset_name"]


def asked_parameters(exchange: Exchange) -> dict[str, str]:
    """Return the parameters of the query."""
    given = parse_qs(exchange.query(), keep_blank_values=True)
    return {name: values[-1] for name, values in given.items()}


def asked_number(asked: dict[str, str], name: str) -> int | None:
    """Read a parameter.

    Raises:
        ValueError: when it is no number of 32 bits.
    """
    text = asked.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST):
        raise ValueError(f"{name}: invalid digit found in string")
    return int(text)
