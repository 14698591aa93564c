"""The body of `POST /batch_inference`, decoded and cut into its single inferences. Cold.

Source: HTTP API of TensorZero 2026.6, batch inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec import UNSET, Raw, Struct, UnsetType, structs

from tzproxy.batch.errors import VectorLengthError
from tzproxy.types.params import I32, U32, ChatParams, InferenceParams, ServiceTier
from tzproxy.types.request import AdditionalTool, InferenceRequest, Input
from tzproxy.types.tools import ProviderTool, ToolChoice

_T = TypeVar("_T")


class BatchChatParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters, each as a list over the inputs."""

    temperature: list[float | None] | None = None
    max_tokens: list[U32 | None] | None = None
    seed: list[U32 | None] | None = None
    top_p: list[float | None] | None = None
    presence_penalty: list[float | None] | None = None
    frequency_penalty: list[float | None] | None = None
    stop_sequences: list[list[str]] | None = None
    reasoning_effort: list[str | None] | None = None
    service_tier: list[ServiceTier | None] | None = None
    thinking_budget_tokens: list[I32 | None] | None = None
    verbosity: list[str | None] | None = None


class BatchParams(Struct, frozen=True, forbid_unknown_fields=True):
    """The `params` of the request."""

    chat_completion: BatchChatParams = BatchChatParams()


NO_PARAMS = BatchParams()


class BatchRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One batch. Lists have one entry for each input; null stands for what is not given."""

    function_name: str
    inputs: list[Input]
    episode_ids: list[str | None] | None = None
    params: BatchParams = NO_PARAMS
    variant_name: str | None = None
    tags: list[dict[str, str] | None] | None = None
    allowed_tools: list[list[str] | None] | None = None
    additional_tools: list[list[AdditionalTool] | None] | None = None
    tool_choice: list[ToolChoice | None] | None = None
    parallel_tool_calls: list[bool | None] | None = None
    provider_tools: list[list[ProviderTool] | None] | None = None
    output_schemas: list[Raw] | None = None
    credentials: dict[str, str] = {}


BATCHED_TOOLS = ("allowed_tools", "additional_tools", "tool_choice", "parallel_tool_calls", "provider_tools")


def requests_of(batch: BatchRequest) -> list[InferenceRequest]:
    """Return the single requests of a batch, without their parameters and tags.

    Raises:
        VectorLengthError: when a list of tools or schemas has another length than the inputs.
    """
    count = len(batch.inputs)
    for field in (*BATCHED_TOOLS, "output_schemas"):
        _check_length(field, getattr(batch, field), count)
    return [
        InferenceRequest(
            input=input_,
            function_name=batch.function_name,
            variant_name=batch.variant_name,
            allowed_tools=_at(batch.allowed_tools, index),
            additional_tools=_at(batch.additional_tools, index),
            tool_choice=_at(batch.tool_choice, index),
            parallel_tool_calls=_at(batch.parallel_tool_calls, index),
            provider_tools=_at(batch.provider_tools, index) or [],
            output_schema=_schema(batch.output_schemas, index),
            credentials=batch.credentials,
        )
        for index, input_ in enumerate(batch.inputs)
    ]


def params_of(batch: BatchRequest) -> list[InferenceParams]:
    """Return the parameters of each inference.

    Raises:
        VectorLengthError: when a list of them has another length than the inputs.
    """
    count = len(batch.inputs)
    given = structs.asdict(batch.params.chat_completion)
    for field, values in given.items():
        if field != "stop_sequences":
            _check_length(field, values, count)
    stops = given.pop("stop_sequences")
    return [
        InferenceParams(
            ChatParams(
                stop_sequences=stops[index] if stops is not None and index < len(stops) else None,
                **{field: _at(values, index) for field, values in given.items()},
            )
        )
        for index in range(count)
    ]


def tags_of(batch: BatchRequest) -> list[dict[str, str]]:
    """Return the tags of each inference; a list that is too short says nothing of the last ones.

    Raises:
        VectorLengthError: when there are more tags than inputs.
    """
    count = len(batch.inputs)
    given = batch.tags or []
    if len(given) > count:
        raise VectorLengthError("tags", len(given), count)
    padded = [*given, *[None] * (count - len(given))]
    return [dict(tags or {}) for tags in padded]


def _check_length(field: str, values: Sequence[object] | None, count: int) -> None:
    if values is not None and len(values) != count:
        raise VectorLengthError(field, len(values), count)


def _at(values: Sequence[_T | None] | None, index: int) -> _T | None:
    return None if values is None else values[index]


def _schema(schemas: Sequence[Raw] | None, index: int) -> Raw | UnsetType:
    return UNSET if schemas is None else schemas[index]
