"""The published client and ours, side by side: the same calls, what arrives, what comes back."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import tensorzero
import tensorzero.generated_types as published_types

import tzproxy
from client.scripted_server import CHAT, CHUNK, ID, INPUT, JSON, LAST_CHUNK, ScriptedServer
from tzproxy.client import generated_types as own_types

TWINS: list[tuple[Any, Any]] = [(tensorzero, published_types), (tzproxy, own_types)]
DATAPOINTS: dict[str, Any] = {
    "datapoints": [
        {
            "type": "chat",
            "id": ID,
            "dataset_name": "d",
            "function_name": "f",
            "input": {
                "system": {"a": 1},
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "x"},
                            {"type": "thought", "text": "q"},
                            {"type": "tool_call", "id": "1", "name": "n", "arguments": "{}"},
                            {"type": "tool_result", "id": "1", "name": "n", "result": "r"},
                            {"type": "template", "name": "user", "arguments": {"a": 1}},
                            {"type": "raw_text", "value": "v"},
                            {"type": "unknown", "data": [1]},
                        ],
                    }
                ],
            },
            "output": CHAT["content"],
            "tags": {"a": "b"},
            "is_deleted": False,
            "is_custom": True,
            "updated_at": "2026-01-01T00:00:00Z",
            "tool_choice": {"specific": "n"},
            "additional_tools": [
                {"type": "function", "name": "n", "description": "d", "parameters": {}, "strict": True}
            ],
        },
        {
            "type": "json",
            "id": ID,
            "dataset_name": "d",
            "function_name": "f",
            "input": {"messages": []},
            "output": {"raw": "{}", "parsed": {}},
            "output_schema": {"type": "object"},
            "is_deleted": True,
            "updated_at": "2026-01-01T00:00:00Z",
            "staled_at": "2026-01-02T00:00:00Z",
        },
    ]
}
INFERENCES: dict[str, Any] = {
    "inferences": [
        {
            "type": "chat",
            "function_name": "f",
            "variant_name": "v",
            "input": {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "x"},
                            {
                                "type": "file",
                                "mime_type": "image/png",
                                "storage_path": {"kind": {"type": "filesystem", "path": "/x"}, "path": "p"},
                            },
                        ],
                    }
                ]
            },
            "output": [{"type": "text", "text": "y"}],
            "dispreferred_outputs": [[{"type": "text", "text": "z"}]],
            "timestamp": "2026-01-01T00:00:00Z",
            "episode_id": ID,
            "inference_id": ID,
            "tags": {},
            "extra_body": [
                {"pointer": "/a", "value": 1},
                {"variant_name": "v", "pointer": "/b", "delete": True},
                {"model_name": "m", "pointer": "/c", "value": None},
            ],
            "inference_params": {"chat_completion": {"temperature": 0.5}},
            "processing_time_ms": 1,
        },
        {
            "type": "json",
            "function_name": "g",
            "variant_name": "v",
            "input": {"system": "s", "messages": []},
            "output": {"raw": "{", "parsed": None},
            "output_schema": {},
            "timestamp": "2026-01-01T00:00:00Z",
            "episode_id": ID,
            "inference_id": ID,
            "snapshot_hash": "ab",
        },
    ]
}
Ask = Callable[[Any, Any, Any], Any]


def without_defaults(body: Any) -> Any:
    """Take out what says nothing: nulls, and the empty values and defaults that the published client adds."""
    nothing: tuple[Any, ...] = (
        None,
        {},
        [],
        False,
        {"chat_completion": {}},
        {"max_age_s": None, "enabled": "off"},
    )
    if isinstance(body, list):
        return [without_defaults(part) for part in body]
    if not isinstance(body, dict):
        return body
    return {
        key: without_defaults(value) for key, value in body.items() if value not in nothing or key == "value"
    }


def plain(result: Any) -> Any:
    """Write a result so that both clients' classes compare: names, fields and values."""
    written = r"JsonInferenceOutput\(parsed=(.*?), raw=(.*?)\)"
    return re.sub(written, r"JsonInferenceOutput(raw=\2, parsed=\1)", repr(result))


CALLS: dict[str, tuple[Ask, object]] = {
    "inference": (
        lambda t, g, c: c.inference(
            function_name="f",
            input={"messages": [{"role": "user", "content": [t.RawText(value="x")]}]},
            episode_id=UUID(ID),
            tags={"a": "b"},
            extra_body=[t.AlwaysExtraBody(pointer="/a", value=1)],
            params={"chat_completion": {"seed": 5}},
            tool_choice="required",
            allowed_tools=["n"],
            credentials={"k": "v"},
            dryrun=True,
            variant_name="v",
        ),
        CHAT,
    ),
    "inference json": (lambda t, g, c: c.inference(function_name="f", input={"system": {"a": 1}}), JSON),
    "tools": (
        lambda t, g, c: c.inference(
            model_name="m",
            input=INPUT,
            additional_tools=[{"name": "n", "description": "d", "parameters": {}, "strict": True, "own": 1}],
        ),
        CHAT,
    ),
    "template": (
        lambda t, g, c: c.inference(
            model_name="m",
            input={"messages": [{"role": "user", "content": [t.Template(name="user", arguments={"a": 1})]}]},
        ),
        CHAT,
    ),
    "feedback": (
        lambda t, g, c: c.feedback(metric_name="m", value=0.5, inference_id=ID, tags={"a": "b"}),
        {"feedback_id": ID},
    ),
    "feedback false": (
        lambda t, g, c: c.feedback(metric_name="m", value=False, episode_id=ID),
        {"feedback_id": ID},
    ),
    "run": (
        lambda t, g, c: c.workflow_evaluation_run(variants={"f": "v"}, tags={"a": "b"}, project_name="p"),
        {"run_id": ID},
    ),
    "episode": (
        lambda t, g, c: c.workflow_evaluation_run_episode(run_id=UUID(ID), task_name="t"),
        {"episode_id": ID},
    ),
    "list_datapoints": (
        lambda t, g, c: c.list_datapoints(
            dataset_name="d ä",
            request=t.ListDatapointsRequest(
                limit=5,
                filter=g.AndDatapointFilter(
                    children=[g.TagDatapointFilter(key="a", value="b", comparison_operator="=")]
                ),
                order_by=[g.DatapointOrderByTimestamp(direction="ascending")],
            ),
        ),
        DATAPOINTS,
    ),
    "get_datapoints": (lambda t, g, c: c.get_datapoints(dataset_name="d", ids=[ID]), DATAPOINTS),
    "create_datapoints": (
        lambda t, g, c: c.create_datapoints(
            dataset_name="d",
            requests=[
                t.CreateDatapointRequestChat(
                    function_name="f",
                    input=t.Input(
                        messages=[
                            t.InputMessage(role="user", content=[t.InputMessageContentText(text="x")]),
                        ]
                    ),
                    output=[t.ContentBlockChatOutputText(text="y")],
                    tags={"a": "b"},
                    name="n",
                ),
                {"type": "json", "function_name": "f", "input": {"messages": []}, "output": {"raw": "{}"}},
            ],
        ),
        {"ids": [ID]},
    ),
    "rename": (
        lambda t, g, c: c.update_datapoints_metadata(
            dataset_name="d", requests=[t.UpdateDatapointMetadataRequest(id=ID, name="n")]
        ),
        {"ids": [ID]},
    ),
    "from ids": (
        lambda t, g, c: c.create_datapoints_from_inferences(
            dataset_name="d",
            params=t.CreateDatapointsFromInferenceRequestParamsInferenceIds(inference_ids=[ID]),
            output_source="none",
        ),
        {"ids": [ID]},
    ),
    "from query": (
        lambda t, g, c: c.create_datapoints_from_inferences(
            dataset_name="d",
            params=g.CreateDatapointsFromInferenceRequestParamsInferenceQuery(function_name="f", limit=3),
        ),
        {"ids": [ID]},
    ),
    "delete_datapoints": (
        lambda t, g, c: c.delete_datapoints(dataset_name="d", ids=[ID]),
        {"num_deleted_datapoints": 3},
    ),
    "delete_dataset": (lambda t, g, c: c.delete_dataset(dataset_name="d"), {"num_deleted_datapoints": 3}),
    "get_inferences": (lambda t, g, c: c.get_inferences(ids=[ID], function_name="f"), INFERENCES),
    "list_inferences": (
        lambda t, g, c: c.list_inferences(
            request=t.ListInferencesRequest(
                function_name="f",
                filters=t.InferenceFilterOr(
                    children=[
                        t.InferenceFilterTag(key="a", value="b", comparison_operator="!="),
                        t.InferenceFilterNot(
                            child=t.InferenceFilterFloatMetric(
                                metric_name="m", value=0.5, comparison_operator=">="
                            )
                        ),
                    ]
                ),
                order_by=[g.OrderByMetric(name="m", direction="descending")],
            )
        ),
        INFERENCES,
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_same_is_asked_and_the_same_comes_back(server: ScriptedServer, name: str) -> None:
    """Method, path and body reach the gateway alike, and the answer becomes the same objects."""
    ask, answer = CALLS[name]
    server.answers(answer)
    results = []
    for names, generated in TWINS:
        with names.TensorZeroGateway.build_http(gateway_url=server.url, timeout=10) as client:
            results.append(plain(ask(names, generated, client)))
    theirs, ours = server.seen
    assert (ours.method, ours.path) == (theirs.method, theirs.path)
    assert bool(ours.body) == bool(theirs.body)
    if ours.body:
        assert _same_input(without_defaults(ours.json)) == _same_input(without_defaults(theirs.json))
    assert results[1] == results[0]


def _same_input(body: Any) -> Any:
    """Write text messages in the form that the published client turns them into."""
    text = json.dumps(body)
    return json.loads(text.replace('"content": "Hello"', '"content": [{"type": "text", "text": "Hello"}]'))


def test_the_same_pieces_come_back(server: ScriptedServer) -> None:
    """A stream becomes the same pieces, asked for with the same header."""
    server.streams(CHUNK, LAST_CHUNK, {**JSON, "raw": "{", "usage": None}, "[DONE]")
    pieces = []
    for names, _ in TWINS:
        with names.TensorZeroGateway.build_http(gateway_url=server.url, timeout=10) as client:
            pieces.append([repr(piece) for piece in client.inference(input=INPUT, stream=True)][:2])
    assert pieces[0] == pieces[1]
    assert [seen.headers["accept"] for seen in server.seen] == ["text/event-stream"] * 2


HEADERS = ("tensorzero-otlp-traces-extra-header-a", "tensorzero-otlp-traces-extra-attribute-b", "x-own")


def test_the_same_headers_are_sent(server: ScriptedServer) -> None:
    """Keys, headers for traces and headers of the program's own reach the gateway alike."""
    server.answers(CHAT)
    for names, _ in TWINS:
        client = names.TensorZeroGateway.build_http(gateway_url=f"{server.url}/base", api_key="sk-t0")
        client.inference(
            input=INPUT,
            model_name="m",
            otlp_traces_extra_headers={"a": "1"},
            otlp_traces_extra_attributes={"b": "2"},
            gateway_http_headers={"x-own": "3"},
        )
        client.close()
    for seen in server.seen:
        assert [seen.headers[name] for name in HEADERS] == ["1", "2", "3"]
        assert seen.headers["authorization"] == "Bearer sk-t0"
        assert seen.path == "/base/inference"


@pytest.mark.parametrize(("status", "body"), [(404, b'{"error":"x"}'), (500, b"plain"), (401, b"")])
def test_the_same_errors_are_raised(server: ScriptedServer, status: int, body: bytes) -> None:
    """Status and body of a refusal are in the exception, for whole answers and for streams."""
    server.answers(body, status)
    said = []
    for names, _ in TWINS:
        with names.TensorZeroGateway.build_http(gateway_url=server.url) as client:
            for stream in (False, True):
                with pytest.raises(names.TensorZeroError) as refused:
                    list(client.inference(input=INPUT, stream=stream))
                error = refused.value
                assert isinstance(error, names.BaseTensorZeroError)
                said.append((error.status_code, error.text, str(error), error.args))
    assert len(set(said)) == 1


def test_errors_inside_of_a_stream(server: ScriptedServer) -> None:
    """What had arrived is handed out, then the error is raised, with the same words."""
    said = []
    for names, _ in TWINS:
        server.streams(CHUNK, {"error": "boom"})
        with names.TensorZeroGateway.build_http(gateway_url=server.url) as client:
            stream = client.inference(input=INPUT, stream=True)
            assert next(stream).content[0].text == "a"
            with pytest.raises(names.TensorZeroError) as broken:
                next(stream)
            said.append((broken.value.status_code, broken.value.text))
    assert said[0] == said[1]


WRONG: dict[str, Callable[[Any], Any]] = {
    "no input": lambda c: c.inference(function_name="f"),
    "unknown argument": lambda c: c.inference(input=INPUT, foo=1),
    "positional": lambda c: c.inference(INPUT),
    "input is no object": lambda c: c.inference(input=5),
    "episode": lambda c: c.inference(input=INPUT, episode_id="nothing"),
    "no value": lambda c: c.feedback(metric_name="m"),
    "not JSON": lambda c: c.feedback(metric_name="m", value=object(), inference_id=ID),
    "target": lambda c: c.feedback(metric_name="m", value=1, inference_id="nothing"),
    "run": lambda c: c.workflow_evaluation_run_episode(run_id="nothing"),
    "ids": lambda c: c.get_inferences(ids=["nothing"]),
    "ids are one text": lambda c: c.get_inferences(ids=ID),
    "requests are one text": lambda c: c.create_datapoints(dataset_name="d", requests="x"),
    "reserved tag": lambda c: c.workflow_evaluation_run(variants={}, tags={"tensorzero::a": "b"}),
    "header name": lambda c: c.inference(input=INPUT, gateway_http_headers={"a b": "c"}),
    "header value": lambda c: c.inference(input=INPUT, gateway_http_headers={"a": "b\r\nc: d"}),
    "header is no text": lambda c: c.inference(input=INPUT, gateway_http_headers={"a": 1}),
    "no evaluation": lambda c: c.experimental_run_evaluation(variant_name="v", dataset_name="d"),
    "two evaluations": lambda c: c.experimental_run_evaluation(
        evaluation_name="e", function_name="f", evaluator_names=["a"], variant_name="v", dataset_name="d"
    ),
    "evaluators of nothing": lambda c: c.experimental_run_evaluation(
        evaluator_names=["a"], variant_name="v", dataset_name="d"
    ),
    "no evaluators": lambda c: c.experimental_run_evaluation(
        function_name="f", variant_name="v", dataset_name="d"
    ),
    "datapoint id": lambda c: c.experimental_run_evaluation(
        evaluation_name="e", variant_name="v", datapoint_ids=["nothing"]
    ),
    "datapoints and their number": lambda c: c.experimental_run_evaluation(
        evaluation_name="e", variant_name="v", datapoint_ids=[ID], max_datapoints=1
    ),
    "config over HTTP": lambda c: c.experimental_get_config(),
    "pickle": pickle.dumps,
    "constructor": lambda c: type(c)(),
    "url": lambda c: type(c).build_http(gateway_url="nowhere"),
    "timeout": lambda c: type(c).build_http(gateway_url="http://x", timeout=-1),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_same_mistakes_are_refused(server: ScriptedServer, name: str) -> None:
    """A wrong call raises an exception of the same type, and nothing is sent."""
    kinds = []
    for names, _ in TWINS:
        with names.TensorZeroGateway.build_http(gateway_url=server.url) as client:
            with pytest.raises(Exception) as refused:
                WRONG[name](client)
            kinds.append(refused.type)
    theirs, ours = kinds
    # The client's own errors have the same names, all others are the same classes.
    assert ours.__name__ == theirs.__name__
    assert ours is theirs or issubclass(ours, tzproxy.BaseTensorZeroError)
    assert server.seen == []


@pytest.mark.parametrize("body", [b"no json", b"{}", b"[]", b'"x"'])
@pytest.mark.parametrize("method", ["inference", "feedback", "list_inferences"])
def test_unreadable_answers(server: ScriptedServer, body: bytes, method: str) -> None:
    """An answer that is not what the method expects raises the same kind of error."""
    asks: dict[str, Callable[[Any, Any], Any]] = {
        "inference": lambda c, t: c.inference(input=INPUT),
        "feedback": lambda c, t: c.feedback(metric_name="m", value=1, inference_id=ID),
        "list_inferences": lambda c, t: c.list_inferences(request=t.ListInferencesRequest()),
    }
    server.answers(body)
    for names, _ in TWINS:
        with names.TensorZeroGateway.build_http(gateway_url=server.url) as client:
            with pytest.raises(names.TensorZeroInternalError, match="Internal TensorZero Error"):
                asks[method](client, names)
