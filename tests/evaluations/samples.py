"""A configuration with evaluators of every kind, and what tests of evaluations do with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
from msgspec import Raw

from in_process import MODEL, RunningGateway
from tzproxy.evaluations.outcome import Outcome
from tzproxy.inference.answer import Answer
from tzproxy.recording.sink import Table
from tzproxy.types.content import ChatOutput, JsonOutput, StoredInput, StoredMessage, Text, ToolCallOutput
from tzproxy.types.datapoints import ChatDatapointRow, JsonDatapointRow
from tzproxy.types.response import ResponseUsage

RUN = "/internal/evaluations/run"
GOOD = (
    "Megumin gleefully chanted her spell, unleashing a thunderous explosion that lit up the sky and left a "
)
GOOD += "massive crater in its wake."
"""What the dummy model `good` says."""


def judge(table: str, model: str, output: str = "boolean", **keys: str) -> str:
    """Write a judge that a dummy model plays; further keys as TOML."""
    lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return (
        f'[{table}]\ntype = "llm_judge"\noutput_type = "{output}"\noptimize = "max"\n{lines}'
        f'[{table}.variants.v]\ntype = "chat_completion"\nmodel = "dummy::{model}"\n'
        'system_instructions = "judge.txt"\njson_mode = "off"\n'
    )


REFERENCE = "{ reference_output = true }"
CONFIG = (
    MODEL
    + """
[functions.talk]
type = "chat"
[functions.talk.variants.v]
type = "chat_completion"
model = "dummy::good"
[functions.talk.variants.broken]
type = "chat_completion"
model = "dummy::error"
[functions.talk.variants.wire]
type = "chat_completion"
model = "m"
[functions.talk.evaluators.same]
type = "exact_match"
[functions.talk.evaluators.loud]
type = "regex"
must_match = "explosion"
[functions.talk.evaluators.calls]
type = "tool_use"
behavior = "any"
[functions.talk.evaluators.program]
type = "typescript"
typescript_file = "x.ts"
output_type = "float"
optimize = "max"
[functions.extract]
type = "json"
output_schema = "answer.json"
[functions.extract.variants.v]
type = "chat_completion"
model = "dummy::json"
json_mode = "on"
[functions.extract.evaluators.same]
type = "exact_match"
[functions.extract.evaluators.calls]
type = "tool_use"
behavior = "none"
[evaluations.quality]
type = "inference"
function_name = "talk"
[evaluations.quality.evaluators.same]
type = "exact_match"
"""
    + judge("evaluations.quality.evaluators.good", "llm_judge::true")
    + judge("evaluations.quality.evaluators.score", "llm_judge::one", "float", include=REFERENCE)
    + judge("functions.talk.evaluators.asked", "llm_judge::false", input_format='"messages"')
    + judge("functions.talk.evaluators.silly", "good")
    + judge("functions.talk.evaluators.away", "error")
)
FILES = {"judge.txt": "Judge it.", "answer.json": json.dumps({"type": "object"}), "x.ts": ""}


def said(text: str = "Hello") -> dict[str, Any]:
    """Return an input of one turn."""
    return {"messages": [{"role": "user", "content": text}]}


def point(output: str | None = GOOD, function_name: str = "talk", **fields: Any) -> dict[str, Any]:
    """Write a chat datapoint of a text."""
    wanted = {} if output is None else {"output": [{"type": "text", "text": output}]}
    return {"type": "chat", "function_name": function_name, "input": said(), **wanted, **fields}


def events_of(body: bytes) -> list[Any]:
    """Decode the events of a run."""
    blocks = body.decode().split("\n\n")
    assert blocks.pop() == "", "the last event is cut off"
    assert all(block.startswith("event: event\ndata: ") for block in blocks)
    return [json.loads(block.partition("data: ")[2]) for block in blocks]


class Evaluating:
    """A gateway under test."""

    def __init__(self, gateway: RunningGateway, dataset: str) -> None:
        self.gateway = gateway
        self.dataset = dataset

    async def add(self, *points: dict[str, Any]) -> list[str]:
        """Make datapoints; return their ids."""
        reply = await self.gateway.post(f"/v1/datasets/{self.dataset}/datapoints", {"datapoints": points})
        assert reply.status == 200, reply.body
        ids: list[str] = reply.json()["ids"]
        return ids

    def request(self, **fields: Any) -> dict[str, Any]:
        """Write a request: evaluation `quality`, variant `v`, the test's dataset, unless told otherwise."""
        usual: dict[str, Any] = {"inference_cache": "off"}
        if not fields.keys() & {"function_name", "evaluation_name", "evaluation_config"}:
            usual["evaluation_name"] = "quality"
        if not fields.keys() & {"datapoint_ids", "dataset_name"}:
            usual["dataset_name"] = self.dataset
        if not fields.keys() & {"variant_name", "internal_dynamic_variant_config"}:
            usual["variant_name"] = "v"
        return {**usual, **fields}

    async def run(self, **fields: Any) -> list[Any]:
        """Run to the end; return the events."""
        reply = await self.gateway.post(RUN, self.request(**fields))
        assert reply.status == 200, reply.body
        assert reply.headers["content-type"] == "text/event-stream"
        assert reply.ended
        return events_of(reply.body)

    async def refusal(self, **fields: Any) -> tuple[int, str]:
        """Run; return the status and the message of the refusal."""
        reply = await self.gateway.post(RUN, self.request(**fields))
        return reply.status, reply.error

    def feedback(self) -> list[Any]:
        """Return all rows of boolean and float feedback."""
        return [
            *self.gateway.rows(Table.BOOLEAN_METRIC_FEEDBACK),
            *self.gateway.rows(Table.FLOAT_METRIC_FEEDBACK),
        ]


STORED = StoredInput([StoredMessage("user", [Text("Hello")])])


def _outcome(row: Any, stored: StoredInput, **answer: Any) -> Outcome:
    usual = {"content": None, "output": None, **answer}
    return Outcome(
        row,
        stored,
        Answer(
            inference=SimpleNamespace(inference_id="i"),  # type: ignore[arg-type]  # nobody asks for more
            variant_name="v",
            calls=[],
            params=None,  # type: ignore[arg-type]  # nobody asks for it
            usage=ResponseUsage(input_tokens=1, output_tokens=1, cost=None),
            finish_reason=None,
            auxiliary=[],
            processing_time_ms=1,
            **usual,
        ),
    )


def chat_outcome(
    blocks: Sequence[ChatOutput], reference: object = None, stored: StoredInput = STORED
) -> Outcome:
    """Return what a chat function came to; `reference` as plain data."""
    output = None if reference is None else msgspec.json.encode(reference).decode()
    row = ChatDatapointRow(dataset_name="d", function_name="f", id="p", input="", output=output)
    return _outcome(row, stored, content=list(blocks))


def json_outcome(raw: str | None, parsed: bytes | None, reference: object = None) -> Outcome:
    """Return what a JSON function came to; `reference` as plain data."""
    output = None if reference is None else msgspec.json.encode(reference).decode()
    row = JsonDatapointRow(
        dataset_name="d", function_name="f", id="p", input="", output=output, output_schema="{}"
    )
    return _outcome(row, STORED, output=JsonOutput(raw, None if parsed is None else Raw(parsed)))


def call(name: str, number: str = "1") -> ToolCallOutput:
    """Return a tool call."""
    return ToolCallOutput(number, name, "{}", name, Raw(b"{}"))
