"""Tests of `tzproxy._speedups.openai_completion`; whole answers: tests/http/openai/test_response.py."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Raw

from tzproxy.http.openai.response import FINISH_REASONS, completion, usage_object
from tzproxy.inference.answer import Answer
from tzproxy.inference.input import ReadInput
from tzproxy.inference.plan import DEFAULT_FUNCTION, Inference
from tzproxy.types.content import JsonOutput, StoredInput, Text, Thought, ToolCallOutput
from tzproxy.types.params import ChatParams
from tzproxy.types.request import InferenceRequest, Input
from tzproxy.types.response import ResponseUsage

USAGE = ResponseUsage(input_tokens=3, output_tokens=5, cost=None)


class Named:
    """As much of a function as an answer shows."""

    def __init__(self, name: str) -> None:
        self.name = name


def written(name: str = "f", request: InferenceRequest | None = None, **fields: Any) -> dict[str, Any]:
    """Write an answer and decode what was written."""
    function: Any = Named(name)
    inference = Inference(
        request=request or InferenceRequest(Input(), function_name=name),
        function=function,
        inference_id="i",
        episode_id="e",
        episode=b"",
        read=ReadInput(StoredInput([]), {}, False),
        params=ChatParams(),
        tools=None,
        output_schema=None,
        tags={},
        pinned=None,
        sole=None,
        started=0.0,
    )
    known: dict[str, Any] = {
        "variant_name": "v",
        "calls": (),
        "params": ChatParams(),
        "usage": USAGE,
        "finish_reason": "stop",
        "content": [Text("Hi")],
        "output": None,
        "auxiliary": [],
        "processing_time_ms": 1,
    }
    body = completion(Answer(inference=inference, **known | fields))
    decoded: dict[str, Any] = msgspec.json.decode(body)
    return decoded


def test_an_answer_of_one_text() -> None:
    """All that every answer has, in the order of the wire."""
    before = int(time.time())
    body = written()
    assert before - 1 <= body.pop("created") <= time.time()
    assert list(body.items()) == [
        ("id", "i"),
        ("episode_id", "e"),
        (
            "choices",
            [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
        ),
        ("model", "tensorzero::function_name::f::variant_name::v"),
        ("system_fingerprint", ""),
        ("service_tier", None),
        ("object", "chat.completion"),
        (
            "usage",
            {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8, "tensorzero_cost": None},
        ),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], {"content": None}),
        ([Text("a"), Text("b")], {"content": "ab"}),
        (
            [ToolCallOutput("1", "f", "{}", None, None)],
            {
                "content": None,
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
        ),
        (
            [Thought("Hm"), Text("a")],
            {
                "content": "a",
                "tensorzero_extra_content": [{"type": "thought", "insert_index": 0, "text": "Hm"}],
            },
        ),
    ],
)
def test_other_content(content: list[Any], message: dict[str, Any]) -> None:
    """What is not one text is put together by the function given."""
    assert written(content=content)["choices"][0]["message"] == {"role": "assistant", **message}


@pytest.mark.parametrize("raw", ['{"a":1}', None])
def test_json_functions(raw: str | None) -> None:
    """The output is the text, or null."""
    body = written(content=None, output=JsonOutput(raw, None if raw is None else Raw(raw.encode())))
    assert body["choices"][0]["message"] == {"role": "assistant", "content": raw}


@pytest.mark.parametrize("reason", [*FINISH_REASONS, None, "unknown"])
def test_finish_reasons(reason: str | None) -> None:
    """Each has its word; what has none has stopped."""
    assert written(finish_reason=reason)["choices"][0]["finish_reason"] == FINISH_REASONS.get(
        str(reason), "stop"
    )


def test_own_words_are_asked_for() -> None:
    """What providers said themselves is there when the request wants it."""
    request = InferenceRequest(Input(), function_name="f", include_raw_usage=True, include_raw_response=True)
    body = written(request=request)
    assert (body["tensorzero_raw_usage"], body["tensorzero_raw_response"]) == ([], [])
    assert "tensorzero_original_response" not in body


def test_a_model_by_its_name() -> None:
    """A request for a model is answered in the model's name."""
    request = InferenceRequest(Input(), model_name="m")
    assert written(DEFAULT_FUNCTION, request)["model"] == "tensorzero::model_name::m"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((None, 5, None, None, 0.5), {"completion_tokens": 5, "tensorzero_cost": 0.5}),
        ((3, None, None, None, None), {"prompt_tokens": 3, "tensorzero_cost": None}),
        (
            (3, 0, 2, 1, None),
            {
                "prompt_tokens": 3,
                "completion_tokens": 0,
                "total_tokens": 3,
                "prompt_tokens_details": {"cached_tokens": 2},
                "tensorzero_provider_cache_write_input_tokens": 1,
                "tensorzero_cost": None,
            },
        ),
    ],
)
def test_usage(counts: tuple[Any, ...], expected: dict[str, Any]) -> None:
    """Unknown counts are left out, unknown cost is null."""
    read, produced, cached, kept, cost = counts
    usage = ResponseUsage(
        input_tokens=read,
        output_tokens=produced,
        provider_cache_read_input_tokens=cached,
        provider_cache_write_input_tokens=kept,
        cost=cost,
    )
    assert msgspec.to_builtins(usage_object(usage)) == expected


def test_other_types_are_refused() -> None:
    """What is no answer is an error, not a crash."""
    with pytest.raises(AttributeError, match="inference"):
        completion(UNSET)  # type: ignore[arg-type]
