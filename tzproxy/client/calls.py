"""What each method asks of the gateway, and how its answer is read. Knows no transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

from tzproxy.client.arguments import FeedbackArguments, InferenceArguments, check
from tzproxy.client.decoding import build
from tzproxy.client.encoding import body_of, optional_uuid, uuid_text
from tzproxy.client.errors import TensorZeroInternalError, unreadable
from tzproxy.client.reading import decoded, read_inference
from tzproxy.client.types.answers import (
    FeedbackResponse,
    InferenceResponse,
    WorkflowEvaluationRunEpisodeResponse,
    WorkflowEvaluationRunResponse,
)

T = TypeVar("T")
TRACE_HEADERS = {
    "otlp_traces_extra_headers": "tensorzero-otlp-traces-extra-header-",
    "otlp_traces_extra_attributes": "tensorzero-otlp-traces-extra-attribute-",
    "otlp_traces_extra_resources": "tensorzero-otlp-traces-extra-resource-",
}
BESIDE_THE_BODY = (*TRACE_HEADERS, "gateway_http_headers")
RESERVED_TAGS = "tensorzero::"
INTERNAL_TAG = {"tensorzero::internal": "true"}
TOOL_FIELDS = ("name", "description", "parameters", "strict")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and what reads its answer."""

    method: str
    path: str
    read: Callable[[bytes], T]
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def inference(given: InferenceArguments) -> Call[InferenceResponse]:
    """Ask for an inference, streamed if the arguments say so.

    Raises:
        TypeError: for arguments that the method does not have, an input that is no object, or a header that
            is no text.
        ValueError: for an episode id that is none.
    """
    check("inference", given, InferenceArguments)
    values: dict[str, Any] = {name: value for name, value in given.items() if name not in BESIDE_THE_BODY}
    if isinstance(values["input"], str | bytes | int | float | list | None):
        raise TypeError(f"argument 'input': expected a dict, got {type(values['input']).__name__}")
    values["episode_id"] = optional_uuid(given.get("episode_id"), "episode_id")
    if isinstance(tools := given.get("additional_tools"), list | tuple):
        values["additional_tools"] = [_tool(tool) for tool in tools]
    return Call("POST", "/inference", read_inference, body_of(values), _headers(given))


def _tool(tool: Any) -> Any:
    """Write a dict as the tool that it is. The published client passes over what a function does not have."""
    if not isinstance(tool, dict) or tool.get("type", "function") != "function":
        return tool
    return {"type": "function", **{name: tool[name] for name in TOOL_FIELDS if name in tool}}


def _headers(given: InferenceArguments) -> dict[str, str]:
    values: Mapping[str, Any] = given
    headers: dict[str, str] = {}
    for argument in BESIDE_THE_BODY:
        for name, value in (values.get(argument) or {}).items():
            if not isinstance(name, str) or not isinstance(value, str):
                raise TypeError(f"argument '{argument}': names and values must be strings")
            headers[TRACE_HEADERS.get(argument, "") + name] = value
    return headers


def feedback(given: FeedbackArguments) -> Call[FeedbackResponse]:
    """Give feedback. Raises as `inference`, for both ids."""
    check("feedback", given, FeedbackArguments)
    values: dict[str, Any] = dict(given)
    for name in ("inference_id", "episode_id"):
        values[name] = optional_uuid(values.get(name), name)
    # A value of null is for the gateway to refuse.
    body = body_of({name: value for name, value in values.items() if name != "value"})
    value = body_of({"value": given["value"]}) if given["value"] is not None else b'{"value":null}'
    return Call(
        "POST", "/feedback", partial(_one_id, FeedbackResponse, "feedback_id"), body[:-1] + b"," + value[1:]
    )


def begin_run(
    variants: Mapping[str, str],
    tags: Mapping[str, str] | None,
    project_name: str | None,
    display_name: str | None,
) -> Call[WorkflowEvaluationRunResponse]:
    """Begin a workflow evaluation run.

    Raises:
        TensorZeroInternalError: for a tag with a reserved name: the gateway lets them pass from its clients.
    """
    for name in tags or {}:
        if name.startswith(RESERVED_TAGS):
            reason = f"Tag name cannot start with '{RESERVED_TAGS}': {name}"
            raise TensorZeroInternalError(f"Internal TensorZero Error: {reason}")
    body = body_of(
        {
            "variants": variants,
            # What TensorZero's client adds to every run; its UI knows such runs by it.
            "tags": {**(tags or {}), **INTERNAL_TAG},
            "project_name": project_name,
            "display_name": display_name,
            "internal": True,
        }
    )
    read = partial(_one_id, WorkflowEvaluationRunResponse, "run_id")
    return Call("POST", "/workflow_evaluation_run", read, body)


def begin_episode(
    run_id: object, task_name: str | None, tags: Mapping[str, str] | None
) -> Call[WorkflowEvaluationRunEpisodeResponse]:
    """Begin an episode of a run.

    Raises:
        ValueError: for an id that is none.
    """
    path = f"/workflow_evaluation_run/{uuid_text(run_id, 'run_id')}/episode"
    read = partial(_one_id, WorkflowEvaluationRunEpisodeResponse, "episode_id")
    return Call("POST", path, read, body_of({"task_name": task_name, "tags": tags or {}}))


def _one_id(kind: Callable[..., T], name: str, body: bytes) -> T:
    data = decoded(body)
    try:
        return kind(UUID(data[name]))
    except (LookupError, TypeError, ValueError, AttributeError) as exc:
        raise unreadable(f"missing field `{name}`") from exc


def read_as(kind: type[T]) -> Callable[[bytes], T]:
    """Return what reads an answer as this dataclass."""
    return lambda body: build(kind, decoded(body))
