"""Tests of `tzproxy.batch.replies`: the answer of a batch serves a single inference that asks the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from batch.conftest import BuildParts, Parts, ask, load
from batch.fake_openai import answer_line
from tzproxy._speedups.ids import new_uuid7
from tzproxy.inference.cache import ModelCache
from tzproxy.inference.engine import Engine
from tzproxy.inference.model import ModelCaller
from tzproxy.types.request import InferenceRequest
from tzproxy.upstream import Upstream
from tzproxy.upstream.fake import FakeNetwork
from tzproxy.upstream.settings import UpstreamSettings

TOOL = {"name": "extra", "description": "d", "parameters": {"type": "object"}}


def kept(parts: Parts, text: str) -> list[dict[str, Any]]:
    """The rows for the cache of those who asked with a text."""
    sql = "SELECT * FROM ModelInferenceCache WHERE position(raw_request, {text:String}) > 0"
    return parts.client.query(sql, {"text": text})


async def complete(parts: Parts, *texts: str, **fields: Any) -> None:
    """Run a batch to its end."""
    batch = await parts.starter.start(ask(*texts, **fields))
    await parts.poller.poll(batch.batch_id)


@pytest.fixture
def text() -> str:
    """A text that nobody else asks with."""
    return f"text {new_uuid7()}"


@pytest.mark.parametrize(
    ("function_name", "variant_name", "single"),
    [
        ("f", "v", {}),
        ("f", "v", {"params": {"chat_completion": {"temperature": 0.1, "stop_sequences": ["x"]}}}),
        ("t", "v", {}),
        (
            "t",
            "v",
            {
                "additional_tools": [TOOL],
                "allowed_tools": ["extra"],
                "tool_choice": {"specific": "extra"},
                "parallel_tool_calls": False,
            },
        ),
        ("j", "v", {}),
        ("j", "tool", {}),
        ("j", "v", {"output_schema": {"type": "object"}}),
    ],
)
async def test_a_single_inference_finds_it(
    parts: Parts, text: str, function_name: str, variant_name: str, single: Any
) -> None:
    """It is kept under the key by which a single inference looks for it."""
    batched: dict[str, Any] = {}
    for name, value in single.items():
        if name == "params":
            values = value["chat_completion"].items()
            batched[name] = {"chat_completion": {key: [one] for key, one in values}}
        else:
            batched["output_schemas" if name == "output_schema" else name] = [value]
    parts.provider.write = lambda line: answer_line(line["custom_id"], '{"x":1}')
    await complete(parts, text, function_name=function_name, variant_name=variant_name, **batched)
    (row,) = kept(parts, text)
    assert json.loads(row["output"]) == [{"type": "text", "text": '{"x":1}'}]
    body = json.dumps(
        {
            "function_name": function_name,
            "variant_name": variant_name,
            "input": {"messages": [{"role": "user", "content": text}]},
            "cache_options": {"enabled": "on"},
            **single,
        }
    )
    looked = await _looked_for(parts, body)
    assert looked == row["long_cache_key"]


async def _looked_for(parts: Parts, body: str) -> str:
    """Return the key that a single inference looks for."""
    keys: list[str] = []

    class Lookup:
        async def find(self, key: Any, *, max_age_s: int | None) -> None:
            keys.append(key.long)

    upstream = Upstream(UpstreamSettings(), connector=FakeNetwork())
    engine = Engine(
        parts.catalog,
        ModelCaller(upstream, global_timeout_s=1),
        parts.sink,
        parts.metrics,
        cache=ModelCache(parts.sink, lookup=Lookup()),
    )
    plan = await engine.plan(msgspec.json.decode(body, type=InferenceRequest))
    with pytest.raises(Exception, match="failed"):
        await engine.infer(plan)
    (key,) = keys
    return key


async def test_what_is_not_kept(parts: Parts, build: BuildParts, tmp_path: Path, text: str) -> None:
    """Not what `extra_body` would change, not after the configuration has changed, not files."""
    await complete(parts, text, variant_name="changed")
    batch = await parts.starter.start(ask(text))
    folder = tmp_path / "other"
    folder.mkdir()
    later = build(load(folder, '\n[metrics.late]\ntype = "boolean"\noptimize = "max"\nlevel = "episode"\n'))
    await later.poller.poll(batch.batch_id)
    block = {"type": "file", "file_type": "url", "url": "https://h.test/x.png", "mime_type": "image/png"}
    inputs = [{"messages": [{"role": "user", "content": [{"type": "text", "text": text}, block]}]}]
    parts.provider.write = lambda line: answer_line(line["custom_id"], "x")
    folder = tmp_path / "third"
    folder.mkdir()
    third = build(load(folder, '\n[object_storage]\ntype = "disabled"\n'))
    await complete(third, inputs=inputs, variant_name="v")
    assert kept(parts, text) == []


async def test_calls_that_do_not_fit_are_not_kept(parts: Parts, text: str) -> None:
    """As for single inferences; the others of the same batch are."""
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}

    def write(line: dict[str, Any]) -> dict[str, Any]:
        if "bad" not in json.dumps(line):
            return answer_line(line["custom_id"], "fine")
        written = answer_line(line["custom_id"], "")
        written["response"]["body"]["choices"][0]["message"] |= {"content": None, "tool_calls": [call]}
        return written

    parts.provider.write = write
    await complete(parts, f"{text} bad", f"{text} good", function_name="t")
    (row,) = kept(parts, text)
    assert f"{text} good" in row["raw_request"]


async def test_only_the_first_to_write_keeps(parts: Parts, text: str) -> None:
    """A batch that is read back is kept once."""
    batch = await parts.starter.start(ask(f"{text} a", f"{text} b"))
    for _ in range(2):
        await parts.poller.poll(batch.batch_id)
    assert len(kept(parts, text)) == 2
