"""Reads answers of inferences, whole and streamed, into the client's types."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from tzproxy.client.encoding import json_of
from tzproxy.client.errors import TensorZeroError, unreadable
from tzproxy.client.types.answers import (
    ChatChunk,
    ChatInferenceResponse,
    FinishReason,
    InferenceChunk,
    InferenceResponse,
    JsonChunk,
    JsonInferenceOutput,
    JsonInferenceResponse,
    RawResponseEntry,
    RawUsageEntry,
    Usage,
)
from tzproxy.client.types.content import (
    ContentBlock,
    ContentBlockChunk,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ThoughtSummaryBlock,
    ToolCall,
    ToolCallChunk,
    UnknownChunk,
    UnknownContentBlock,
)

NO_RESPONSE = "data did not match any variant of untagged enum InferenceResponse"
STREAM_STATUS = 500
"""The status that an error inside of a stream is raised with: the answer's own was 200."""


def decoded(body: bytes) -> Any:
    """Decode an answer.

    Raises:
        TensorZeroInternalError: when it is no JSON.
    """
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as exc:
        raise unreadable(str(exc)) from exc


def read_inference(body: bytes) -> InferenceResponse:
    """Read a whole answer.

    Raises:
        TensorZeroInternalError: when it is not what an inference answers.
    """
    data = decoded(body)
    try:
        rest: dict[str, Any] = {
            **_common(data),
            "usage": _usage(data["usage"]),
            "original_response": data.get("original_response"),
        }
        if isinstance(data.get("content"), list):
            return ChatInferenceResponse(content=[read_block(block) for block in data["content"]], **rest)
        output = data["output"]
        return JsonInferenceResponse(
            output=JsonInferenceOutput(raw=output.get("raw"), parsed=output.get("parsed")), **rest
        )
    except (LookupError, TypeError, ValueError, AttributeError) as exc:
        raise unreadable(NO_RESPONSE) from exc


def read_chunk(event: bytes) -> InferenceChunk:
    """Read one event of a stream.

    Raises:
        TensorZeroError: when the event is an error, or is no piece of an answer.
    """
    try:
        data = msgspec.json.decode(event)
        if "error" in data:
            said = json_of(data["error"]).decode()
            raise stream_error(f"Error in streaming response: Stream produced an error: {said}")
        rest: dict[str, Any] = {
            **_common(data),
            "usage": None if data.get("usage") is None else _usage(data["usage"]),
            "original_chunk": data.get("original_chunk"),
            "raw_chunk": data.get("raw_chunk"),
        }
        if "content" in data:
            return ChatChunk(content=[read_block_chunk(block) for block in data["content"]], **rest)
        return JsonChunk(raw=data["raw"], **rest)
    except (msgspec.DecodeError, LookupError, TypeError, ValueError, AttributeError) as exc:
        raise stream_error(f"Error deserializing inference response chunk: {exc}") from exc


def stream_error(reason: str) -> TensorZeroError:
    """Make the error that ends a stream."""
    return TensorZeroError(STREAM_STATUS, json_of({"error": reason}).decode())


def _common(data: dict[str, Any]) -> dict[str, Any]:
    reason = data.get("finish_reason")
    usage, responses = data.get("raw_usage"), data.get("raw_response")
    return {
        "inference_id": UUID(data["inference_id"]),
        "episode_id": UUID(data["episode_id"]),
        "variant_name": data["variant_name"],
        "finish_reason": FinishReason(reason) if reason else None,
        "raw_usage": None if usage is None else [_raw_usage(entry) for entry in usage],
        "raw_response": None if responses is None else [_raw_response(entry) for entry in responses],
    }


def _usage(data: dict[str, Any]) -> Usage:
    return Usage(
        input_tokens=data.get("input_tokens"),
        output_tokens=data.get("output_tokens"),
        provider_cache_read_input_tokens=data.get("provider_cache_read_input_tokens"),
        provider_cache_write_input_tokens=data.get("provider_cache_write_input_tokens"),
        cost=data.get("cost"),
    )


def _raw_usage(entry: dict[str, Any]) -> RawUsageEntry:
    return RawUsageEntry(
        model_inference_id=UUID(entry["model_inference_id"]),
        provider_type=entry["provider_type"],
        api_type=entry["api_type"],
        data=entry.get("data"),
    )


def _raw_response(entry: dict[str, Any]) -> RawResponseEntry:
    model_inference_id = entry.get("model_inference_id")
    return RawResponseEntry(
        provider_type=entry["provider_type"],
        api_type=entry["api_type"],
        data=entry["data"],
        model_inference_id=None if model_inference_id is None else UUID(model_inference_id),
    )


def read_block(block: dict[str, Any]) -> ContentBlock:
    """Read one block of an answer. Raises LookupError or ValueError for what is none."""
    match block["type"]:
        case "text":
            return Text(text=block["text"])
        case "tool_call":
            return ToolCall(
                id=block["id"],
                raw_arguments=block["raw_arguments"],
                raw_name=block["raw_name"],
                arguments=block.get("arguments"),
                name=block.get("name"),
            )
        case "thought":
            summary = block.get("summary")
            return Thought(
                text=block.get("text"),
                signature=block.get("signature"),
                summary=[ThoughtSummaryBlock(text=part["text"]) for part in summary] if summary else None,
                provider_type=block.get("provider_type"),
            )
        case "unknown":
            return UnknownContentBlock(
                data=block["data"],
                model_name=block.get("model_name"),
                provider_name=block.get("provider_name"),
            )
        case other:
            raise ValueError(f"unknown block type {other!r}")


def read_block_chunk(block: dict[str, Any]) -> ContentBlockChunk:
    """Read a piece of a block. Raises LookupError or ValueError for what is none."""
    match block["type"]:
        case "text":
            return TextChunk(id=block["id"], text=block["text"])
        case "tool_call":
            return ToolCallChunk(
                id=block["id"], raw_arguments=block["raw_arguments"], raw_name=block.get("raw_name", "")
            )
        case "thought":
            return ThoughtChunk(
                id=block["id"],
                text=block.get("text"),
                signature=block.get("signature"),
                summary_id=block.get("summary_id"),
                summary_text=block.get("summary_text"),
                provider_type=block.get("provider_type"),
            )
        case "unknown":
            return UnknownChunk(id=block["id"], data=block["data"])
        case other:
            raise ValueError(f"unknown block type {other!r}")
