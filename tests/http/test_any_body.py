"""Whatever a client sends, it gets an answer that says what is wrong: nothing is an internal error."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from in_process import RunningGateway, start_gateway
from tzproxy.http.errors import INTERNAL
from virtual_time import VirtualLoop

TOML = """
[object_storage]
type = "disabled"
[functions.f]
type = "chat"
tools = ["t"]
[functions.f.variants.v]
type = "chat_completion"
model = "dummy::echo"
templates.n.path = "n.minijinja"
[tools.t]
description = "d"
parameters = "t.json"
[metrics.m]
type = "float"
optimize = "max"
level = "inference"
"""
FILES = {"n.minijinja": "{{ a }}", "t.json": '{"type": "object"}'}
TOOL = {"name": "u", "description": "d", "parameters": {"type": "object"}, "strict": True}
EXTRA = {"pointer": "/a/b", "value": {"c": [1]}, "variant_name": "v"}
NATIVE: dict[str, Any] = {
    "function_name": "f",
    "input": {
        "system": "s",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "t"},
                    {"type": "template", "name": "n", "arguments": {"a": "x"}},
                    {"type": "raw_text", "value": "r"},
                    {"type": "file", "data": "iVBORw0KGgo=", "mime_type": "image/png", "detail": "low"},
                    {"type": "tool_result", "id": "1", "name": "t", "result": "r"},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_call", "id": "1", "name": "t", "arguments": {"a": 1}},
                    {"type": "thought", "text": "t", "signature": "s", "extra_data": {"a": 1}},
                    {"type": "unknown", "data": {"a": 1}, "model_name": "m"},
                ],
            },
        ],
    },
    "episode_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "stream": False,
    "params": {"chat_completion": {"temperature": 0.5, "max_tokens": 5, "stop_sequences": ["x"]}},
    "variant_name": "v",
    "dryrun": False,
    "tags": {"a": "b"},
    "allowed_tools": ["t"],
    "additional_tools": [TOOL],
    "tool_choice": {"specific": "t"},
    "parallel_tool_calls": True,
    "output_schema": {"type": "object"},
    "credentials": {"k": "v"},
    "include_raw_response": True,
    "include_raw_usage": True,
    "extra_body": [EXTRA],
    "extra_headers": [{"name": "x-a", "value": "1"}],
    "namespace": "n",
}
OPENAI: dict[str, Any] = {
    "model": "tensorzero::function_name::f",
    "messages": [
        {"role": "system", "content": "s"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "t"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ==", "detail": "low"}},
                {"type": "tensorzero::template", "name": "n", "arguments": {"a": "x"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "t", "arguments": "{}"}}],
            "tensorzero_extra_content": [{"type": "thought", "text": "t", "insert_index": 0}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "r"},
    ],
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.5,
    "stop": ["x"],
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
    "tools": [{"type": "function", "function": TOOL}],
    "tool_choice": {"type": "function", "function": {"name": "u"}},
    "tensorzero::tags": {"a": "b"},
    "tensorzero::extra_body": [EXTRA],
    "tensorzero::params": {"chat_completion": {"seed": 1}},
}
FEEDBACK: dict[str, Any] = {
    "metric_name": "m",
    "value": 1.5,
    "inference_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "tags": {"a": "b"},
    "dryrun": True,
}
REQUESTS = [("/inference", NATIVE), ("/openai/v1/chat/completions", OPENAI), ("/feedback", FEEDBACK)]

TEXTS = st.text(max_size=8) | st.sampled_from(
    ["", "\0", "tensorzero::x", "data:,", "http://[", "{{", "-1", "null"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything in a body."""
    yield path
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        yield from places_in(inner, (*path, key))


def changed(body: Any, path: tuple[Any, ...], value: Any, *, removes: bool) -> Any:
    """Put a value in a place of the body, or take out what is there."""
    if not path:
        return value
    body = copy.deepcopy(body)
    holder = body
    for key in path[:-1]:
        holder = holder[key]
    if removes:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return body


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[VirtualLoop, RunningGateway]]:
    """A gateway, and the loop it lives on."""
    loop = VirtualLoop()
    running = loop.run_until_complete(start_gateway(tmp_path, TOML, files=FILES))
    yield loop, running
    loop.run_until_complete(running.close())
    loop.close()


@pytest.mark.parametrize(("path", "body"), REQUESTS, ids=[path for path, _ in REQUESTS])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_thing_wrong_anywhere(
    gateway: tuple[VirtualLoop, RunningGateway],
    caplog: pytest.LogCaptureFixture,
    path: str,
    body: Any,
    data: st.DataObject,
) -> None:
    """A complete request with any one value replaced or left out is served or refused, never a bug."""
    loop, running = gateway
    place = data.draw(st.sampled_from(list(places_in(body))))
    sent = changed(body, place, data.draw(VALUES), removes=data.draw(st.booleans()))
    reply = loop.run_until_complete(running.post(path, sent))
    assert INTERNAL.message.encode() not in reply.body
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert reply.status in (200, 400, 404, 500, 501, 502)
    for _, line in running.sink.rows:
        json.loads(line)
    running.sink.rows.clear()
    if reply.headers["content-type"] == "application/json":
        reply.json()
    else:
        assert reply.events()[-1] == "data: [DONE]"


@pytest.mark.parametrize(("path", "body"), REQUESTS, ids=[path for path, _ in REQUESTS])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bytes_cut_and_changed_anywhere(
    gateway: tuple[VirtualLoop, RunningGateway],
    caplog: pytest.LogCaptureFixture,
    path: str,
    body: Any,
    data: st.DataObject,
) -> None:
    """A request that was damaged on its way is served or refused, never a bug."""
    loop, running = gateway
    raw = bytearray(json.dumps(body).encode())
    position = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        del raw[position:]
    else:
        raw[position] = data.draw(st.integers(0, 255))
    reply = loop.run_until_complete(running.post(path, bytes(raw)))
    assert INTERNAL.message.encode() not in reply.body
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    running.sink.rows.clear()


def test_the_requests_are_good_ones(gateway: tuple[VirtualLoop, RunningGateway]) -> None:
    """What is damaged above is served when it is whole."""
    loop, running = gateway
    assert loop.run_until_complete(running.post("/inference", NATIVE)).status == 200
    assert loop.run_until_complete(running.post("/openai/v1/chat/completions", OPENAI)).status == 200
