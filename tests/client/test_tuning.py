"""Tests of `tzproxy.client.tuning`, side by side with the published client where that can be."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import UUID

import pytest
import tensorzero

import tzproxy
from client.scripted_server import ID, ScriptedServer
from tzproxy import OpenAISFTConfig, OptimizationJobHandle, OptimizationJobStatus, TensorZeroGateway
from tzproxy.client import tuning
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.types.content import RawText, Template, ToolCall, ToolResult
from tzproxy.client.types.content import Text as TextBlock

HANDLE = {
    "type": "openai_sft",
    "job_id": "j",
    "job_url": "https://platform.openai.com/finetune/j",
    "job_api_url": "https://api.openai.com/v1/fine_tuning/jobs/j",
}
ENCODED = base64.urlsafe_b64encode(json.dumps(HANDLE).encode()).rstrip(b"=").decode()
TEXT = {"type": "text", "text": "a"}
CALL = {"type": "tool_call", "id": "c", "name": "n", "arguments": "{}"}
SAMPLE: dict[str, Any] = {
    "function_name": "f",
    "function_type": "chat",
    "input": {
        "system": "S",
        "messages": [
            {
                "role": "assistant",
                "content": [{"type": "tool_call", "id": "c", "name": "n", "arguments": "{}"}],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "id": "c", "name": "n", "result": "r"},
                    {"type": "file", "url": None, "data": "UE5H", "mime_type": "image/png"},
                ],
            },
        ],
    },
    "stored_input": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "template", "name": "user", "arguments": {"a": 1}},
                    {"type": "raw_text", "value": "r"},
                ],
            }
        ]
    },
    "output": [TEXT],
    "stored_output": {"raw": "a", "parsed": None},
    "dispreferred_outputs": [[TEXT]],
    "episode_id": ID,
    "inference_id": None,
    "tool_params": {"additional_tools": [{"name": "n"}], "parallel_tool_calls": True, "provider_tools": []},
    "output_schema": {"type": "object"},
    "tags": {"a": "b"},
}


@pytest.mark.parametrize("module", [tensorzero, tzproxy])
def test_a_workflow_is_asked_for(server: ScriptedServer, module: Any) -> None:
    """Both clients send the same words; the answer is the handle's text."""
    server.answers(ENCODED.encode())
    with module.TensorZeroGateway.build_http(gateway_url=server.url) as client:
        handle = client.experimental_launch_optimization_workflow(
            function_name="f",
            template_variant_name="v",
            output_source="inference",
            query_variant_name="w",
            filters={"type": "tag", "key": "k", "value": "v", "comparison_operator": "="},
            order_by=[{"by": "timestamp", "direction": "descending"}],
            limit=3,
            offset=1,
            val_fraction=0.25,
            optimizer_config=module.OpenAISFTConfig(model="m", n_epochs=2),
        )
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", "/experimental_optimization_workflow")
    body = seen.json
    settings = {name: value for name, value in body.pop("optimizer_config").items() if value is not None}
    assert settings == {"type": "openai_sft", "model": "m", "n_epochs": 2}
    filters = body.pop("filters")
    assert (filters["type"], filters["key"], filters["value"]) == ("tag", "k", "v")
    assert body == {
        "function_name": "f",
        "template_variant_name": "v",
        "output_source": "inference",
        "query_variant_name": "w",
        "order_by": [{"by": "timestamp", "direction": "descending"}],
        "limit": 3,
        "offset": 1,
        "val_fraction": 0.25,
    }
    assert json.loads(str(handle)) == HANDLE


@pytest.mark.parametrize("module", [tensorzero, tzproxy])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {
                "status": "pending",
                "message": "Running",
                "estimated_finish": "2023-11-14T22:13:20Z",
                "trained_tokens": 3,
                "error": None,
            },
            ("Pending", "Running", 1700000000, None),
        ),
        (
            {"status": "failed", "message": "Cancelled", "error": {"code": "x"}},
            ("Failed", "Cancelled", None, None),
        ),
        (
            {
                "status": "completed",
                "output": {
                    "type": "model",
                    "content": {
                        "routing": ["m"],
                        "providers": {"m": {"type": "openai", "model_name": "m"}},
                    },
                },
            },
            ("Completed", "Completed", None, ["m"]),
        ),
    ],
)
def test_a_job_is_asked_for(
    server: ScriptedServer, module: Any, answer: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    """By the handle that the gateway gave; what is known of it reads the same in both clients."""
    with module.TensorZeroGateway.build_http(gateway_url=server.url) as client:
        server.answers(ENCODED.encode())
        handle = client.experimental_launch_optimization_workflow(
            function_name="f",
            template_variant_name="v",
            dataset_name="d",
            optimizer_config={"type": "openai_sft", "model": "m"},
        )
        server.answers(answer)
        info = client.experimental_poll_optimization(job_handle=handle)
    path = server.seen[-1].path
    assert path.startswith("/experimental_optimization/")
    text = path.rpartition("/")[2]
    assert json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) == HANDLE
    status = module.OptimizationJobStatus
    assert info.status == getattr(status, expected[0])
    routing = None if info.output is None else info.output["content"]["routing"]
    assert (info.message, info.estimated_finish, routing) == expected[1:]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"output_source": None}, "you must provide either `output_source` or `dataset_name`"),
        ({"dataset_name": "d"}, "provide either `output_source` or `dataset_name`, not both"),
        (
            {"output_source": None, "dataset_name": "d", "limit": 3, "query_variant_name": "x"},
            r"inference-specific fields \[query_variant_name, limit\] cannot be used with `dataset_name`",
        ),
        ({"optimizer_config": {"type": "nope"}}, "Invalid optimization config. Expected one of: OpenAISFT"),
        ({"optimizer_config": None}, "Invalid optimization config"),
    ],
)
@pytest.mark.parametrize("module", [tensorzero, tzproxy])
def test_what_does_not_go_together(
    server: ScriptedServer, module: Any, fields: dict[str, Any], reason: str
) -> None:
    """Both clients refuse it before anything is sent, in the same words."""
    given = {
        "function_name": "f",
        "template_variant_name": "v",
        "output_source": "inference",
        "optimizer_config": {"type": "openai_sft", "model": "m"},
        **fields,
    }
    with module.TensorZeroGateway.build_http(gateway_url=server.url) as client:
        with pytest.raises(ValueError, match=reason):
            client.experimental_launch_optimization_workflow(**given)
    assert server.seen == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("module", [tensorzero, tzproxy])
def test_what_only_an_embedded_gateway_can_do(module: Any) -> None:
    """Over HTTP both clients refuse it with the same errors."""
    with module.TensorZeroGateway.build_http(gateway_url="http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match=r"^Config not available in HTTP gateway mode\."):
            client.experimental_render_samples(stored_samples=[], variants={})
        with pytest.raises(module.TensorZeroInternalError, match="Invalid client mode: Http"):
            client.experimental_launch_optimization(
                train_samples=[], optimization_config=module.OpenAISFTConfig(model="m")
            )


def test_samples_are_read() -> None:
    """Blocks are the client's own; what was not said is None."""
    (sample,) = tuning._samples(json.dumps([SAMPLE]).encode())
    assert sample.input.system == "S"
    call, result = sample.input.messages[0].content[0], sample.input.messages[1].content[0]
    assert call == ToolCall(id="c", raw_name="n", raw_arguments="{}", name="n", arguments={})
    assert result == ToolResult(name="n", result="r", id="c")
    template, raw = sample.stored_input.messages[0].content
    assert (template, raw) == (Template("user", {"a": 1}), RawText("r"))
    assert sample.output == [TextBlock("a")]
    assert sample.stored_output == tzproxy.JsonInferenceOutput(raw="a", parsed=None)
    assert sample.dispreferred_outputs == [[TextBlock("a")]]
    assert (sample.episode_id, sample.inference_id) == (UUID(ID), None)
    assert (sample.allowed_tools, sample.parallel_tool_calls, sample.provider_tools) == (None, True, [])
    assert sample.additional_tools == [{"name": "n"}]
    assert sample.to_dict() == SAMPLE


def test_samples_go_back_as_they_came() -> None:
    """And settings with them, under their type."""
    (sample,) = tuning._samples(json.dumps([SAMPLE]).encode())
    with pytest.warns(DeprecationWarning, match="experimental_launch_optimization_workflow"):
        call = tuning.launch([sample], [sample], OpenAISFTConfig(model="m"))
    assert json.loads(call.body or b"") == {
        "train_samples": [SAMPLE],
        "val_samples": [SAMPLE],
        "optimization_config": {"type": "openai_sft", "model": "m"},
    }


@pytest.mark.parametrize(
    "body", [b"x", b"[]", b'{"status":"nope"}', b'{"status":"pending","estimated_finish":1}']
)
def test_answers_that_nobody_understands(body: bytes) -> None:
    """They are errors of the client's own kind."""
    with pytest.raises(TensorZeroInternalError):
        tuning._info(body)
    with pytest.raises(TensorZeroInternalError):
        tuning._samples(b'[{"x":1}]')
    with pytest.raises(TensorZeroInternalError):
        tuning._handle(b"\xff")


def test_handles_that_are_none_go_out_whole(server: ScriptedServer) -> None:
    """It is for the gateway to refuse them; they stay one segment of the path."""
    server.answers({"status": "pending", "message": "m"})
    with TensorZeroGateway.build_http(gateway_url=server.url) as client:
        info = client.experimental_poll_optimization(job_handle=OptimizationJobHandle("a/b?c"))
    assert server.seen[0].path == "/experimental_optimization/a%2Fb%3Fc"
    assert info.status is OptimizationJobStatus.Pending
