"""A configuration for tests of datasets, and requests as clients write them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import AsyncStoreClient
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

ENVIRON = {"TZPROXY_ENABLE_DUMMY_PROVIDER": "1"}
VARIANT = 'type = "chat_completion"\nmodel = "dummy::good"\n'
WEATHER_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ANSWER_SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
NAME_SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
CONFIG = {
    "tensorzero.toml": (
        '[object_storage]\ntype = "filesystem"\npath = "OBJECTS"\n'
        "[functions.talk]\n"
        'type = "chat"\n'
        f"[functions.talk.variants.v]\n{VARIANT}"
        "[functions.weather]\n"
        'type = "chat"\ntools = ["temperature", "humidity"]\ntool_choice = "auto"\n'
        f"[functions.weather.variants.v]\n{VARIANT}"
        "[functions.greet]\n"
        'type = "chat"\nsystem_schema = "name.json"\n'
        f"[functions.greet.variants.v]\n{VARIANT}"
        'system_template = "greet.minijinja"\n'
        "[functions.extract]\n"
        'type = "json"\noutput_schema = "answer.json"\n'
        f"[functions.extract.variants.v]\n{VARIANT}"
        'json_mode = "on"\n'
        "[tools.temperature]\n"
        'description = "The temperature"\nparameters = "weather.json"\n'
        "[tools.humidity]\n"
        'description = "The humidity"\nparameters = "weather.json"\nstrict = true\n'
    ),
    "weather.json": json.dumps(WEATHER_SCHEMA),
    "answer.json": json.dumps(ANSWER_SCHEMA),
    "name.json": json.dumps(NAME_SCHEMA),
    "greet.minijinja": "Hello {{ name }}",
}
UNKNOWN = "01900000-0000-7000-8000-000000000001"


def said(text: str = "Hello") -> dict[str, Any]:
    """Return an input of one turn."""
    return {"messages": [{"role": "user", "content": text}]}


def chat(**fields: object) -> dict[str, Any]:
    """Return a chat datapoint as a client sends it."""
    return {"type": "chat", "function_name": "talk", "input": said(), **fields}


def answer(raw: object = '{"answer":"x"}', **fields: object) -> dict[str, Any]:
    """Return a JSON datapoint as a client sends it."""
    return {
        "type": "json",
        "function_name": "extract",
        "input": said(),
        "output": {"raw": raw},
        **fields,
    }


def texts(*parts: str) -> list[dict[str, str]]:
    """Return an output of texts."""
    return [{"type": "text", "text": part} for part in parts]


class Opened(Struct, frozen=True):
    """Datasets with plain data in and out. `name` is a dataset of the test's own."""

    datasets: Datasets
    store: AsyncStoreClient
    name: str

    async def create(self, *datapoints: object, name: str | None = None) -> list[str]:
        """Make datapoints."""
        request = decoded(CreateRequest, {"datapoints": list(datapoints)})
        return await self.datasets.create(name or self.name, request)

    async def take(self, **request: object) -> list[str]:
        """Make datapoints from inferences."""
        return await self.datasets.create_from_inferences(self.name, decoded(FromInferencesRequest, request))

    async def infer(self, function_name: str = "talk", /, **fields: object) -> str:
        """Store an inference as a gateway would have, and return its id."""
        is_chat = function_name != "extract"
        usual = {
            "id": new_uuid7(),
            "function_name": function_name,
            "variant_name": "v",
            "episode_id": new_uuid7(),
            "input": json.dumps({"messages": [{"role": "user", "content": texts("asked")}]}),
            "output": json.dumps(texts("said") if is_chat else {"raw": "x", "parsed": None}),
            "inference_params": "{}",
            "tags": {"set": self.name},
        }
        row = {**usual, **({} if is_chat else {"output_schema": '{"b":1,"a":2}'}), **fields}
        table = "ChatInference" if is_chat else "JsonInference"
        await self.store.insert_json(table, json.dumps(row).encode())
        return str(row["id"])

    async def demonstrate(self, inference_id: str, value: object) -> None:
        """Store a demonstration."""
        row = {"id": new_uuid7(), "inference_id": inference_id, "value": json.dumps(value), "tags": {}}
        await self.store.insert_json("DemonstrationFeedback", json.dumps(row).encode())

    async def update(self, *changes: object) -> list[str]:
        """Change datapoints."""
        return await self.datasets.update(self.name, decoded(UpdateRequest, {"datapoints": list(changes)}))

    async def rename(self, *changes: object) -> list[str]:
        """Change names."""
        return await self.datasets.rename(self.name, decoded(MetadataRequest, {"datapoints": list(changes)}))

    async def delete(self, *ids: str) -> int:
        """Delete datapoints."""
        return await self.datasets.delete(self.name, IdsRequest(list(ids)))

    async def get(self, *ids: str, everywhere: bool = False) -> Any:
        """Get datapoints."""
        return await collected(self.datasets.get(IdsRequest(list(ids)), None if everywhere else self.name))

    async def one(self, datapoint_id: str) -> Any:
        """Get one datapoint, which must be there."""
        (found,) = await self.get(datapoint_id)
        return found

    async def page(self, **request: object) -> Any:
        """List datapoints."""
        return await collected(self.datasets.page(self.name, decoded(ListRequest, request)))

    async def names(self, **request: object) -> list[str | None]:
        """List the names of datapoints."""
        return [found.get("name") for found in await self.page(**request)]

    async def clone(self, name: str, *ids: str) -> list[str | None]:
        """Clone datapoints."""
        return list(await self.datasets.clone(name, CloneRequest(list(ids))))

    async def rows(self, kind: str = "Chat") -> list[dict[str, Any]]:
        """Return the newest version of all rows of the test's dataset, in the order of their ids."""
        return await self.store.query(
            f"SELECT * FROM {kind}InferenceDatapoint FINAL WHERE dataset_name = {{name:String}} "
            "ORDER BY toUInt128(id)",
            {"name": self.name},
        )


def decoded(shape: Any, body: object) -> Any:
    """Decode a body as a route does."""
    return msgspec.json.decode(json.dumps(body), type=shape)


async def collected(parts: AsyncIterator[Sequence[object]]) -> Any:
    """Return the whole of an answer that comes in parts, as a client decodes it."""
    return plain([item async for some in parts for item in some])


def plain(value: object) -> Any:
    """Return an answer as a client decodes it."""
    return json.loads(msgspec.json.encode(value))
