"""What the methods for optimisation ask of the gateway, and how its answers are read."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from tzproxy.client.arguments import OptimizationWorkflowArguments, check
from tzproxy.client.calls import Call
from tzproxy.client.encoding import body_of
from tzproxy.client.errors import TensorZeroInternalError, unreadable
from tzproxy.client.reading import decoded, read_block
from tzproxy.client.types.answers import JsonInferenceOutput
from tzproxy.client.types.content import ContentBlock, FileBase64, RawText, Template, ToolCall, ToolResult
from tzproxy.client.types.optimization import (
    OPTIMIZERS,
    OptimizationJobHandle,
    OptimizationJobInfo,
    OptimizationJobStatus,
    RenderedSample,
    ResolvedInput,
    ResolvedInputMessage,
)

OF_INFERENCES = ("query_variant_name", "filters", "order_by", "limit", "offset")
STATUSES = {
    "pending": OptimizationJobStatus.Pending,
    "completed": OptimizationJobStatus.Completed,
    "failed": OptimizationJobStatus.Failed,
}


def launch_workflow(given: OptimizationWorkflowArguments) -> Call[OptimizationJobHandle]:
    """Launch an optimisation over what is stored.

    Raises:
        TypeError: for arguments that the method does not have.
        ValueError: for settings of no optimiser, neither or both sources, or fields of the other source.
    """
    check("experimental_launch_optimization_workflow", given, OptimizationWorkflowArguments)
    values: dict[str, Any] = dict(given)
    values["optimizer_config"] = _settings(values["optimizer_config"])
    has_dataset = values.get("dataset_name") is not None
    if has_dataset is (values.get("output_source") is not None):
        raise ValueError(
            "provide either `output_source` or `dataset_name`, not both"
            if has_dataset
            else "you must provide either `output_source` or `dataset_name`"
        )
    foreign = [name for name in OF_INFERENCES if values.get(name) is not None]
    if has_dataset and foreign:
        raise ValueError(
            f"inference-specific fields [{', '.join(foreign)}] cannot be used with `dataset_name`"
        )
    return Call("POST", "/experimental_optimization_workflow", _handle, body_of(values))


def poll(job_handle: OptimizationJobHandle) -> Call[OptimizationJobInfo]:
    """Ask how far a job is."""
    path = f"/experimental_optimization/{quote(job_handle.text, safe='')}"
    return Call("GET", path, _info)


def render_samples(
    stored_samples: Sequence[Any], variants: Mapping[str, str], concurrency: int | None
) -> Call[list[RenderedSample]]:
    """Render samples. For embedded gateways alone."""
    _warn_of("experimental_render_samples")
    values = {
        "stored_samples": list(stored_samples),
        "variants": dict(variants),
        "concurrency": concurrency,
    }
    return Call("POST", "/internal/embedded/render_samples", _samples, body_of(values))


def launch(
    train_samples: Sequence[RenderedSample],
    val_samples: Sequence[RenderedSample] | None,
    optimization_config: Any,
) -> Call[OptimizationJobHandle]:
    """Launch an optimisation over rendered samples. For embedded gateways alone.

    Raises:
        ValueError: for settings of no optimiser.
    """
    _warn_of("experimental_launch_optimization")
    values = {
        "train_samples": list(train_samples),
        "val_samples": None if val_samples is None else list(val_samples),
        "optimization_config": _settings(optimization_config),
    }
    return Call("POST", "/internal/embedded/launch_optimization", _handle, body_of(values))


def check_can_render(is_embedded: bool) -> None:
    """Check that there is a configuration to render with.

    Raises:
        ValueError: over HTTP, where nobody but the gateway knows it.
    """
    if not is_embedded:
        raise ValueError("Config not available in HTTP gateway mode. Use embedded mode for render_samples.")


def check_can_launch(is_embedded: bool) -> None:
    """Check that rendered samples may be handed to a gateway.

    Raises:
        TensorZeroInternalError: over HTTP, where there is no route for them.
    """
    if not is_embedded:
        raise TensorZeroInternalError(
            "Internal TensorZero Error: Invalid client mode: Http. "
            "This function is only available in EmbeddedGateway mode"
        )


def _warn_of(method: str) -> None:
    warnings.warn(
        f"`{method}` is deprecated: use `experimental_launch_optimization_workflow`",
        DeprecationWarning,
        stacklevel=4,
    )


def _settings(config: Any) -> Any:
    kind = config.get("type") if isinstance(config, Mapping) else getattr(config, "kind", None)
    if kind not in OPTIMIZERS:
        names = [optimizer.__name__ for optimizer in OPTIMIZERS.values()]
        raise ValueError(
            f"Invalid optimization config. Expected one of: {', '.join(names)} "
            "(as either a class instance or a dictionary with 'type' field)."
        )
    return config


def _handle(body: bytes) -> OptimizationJobHandle:
    try:
        return OptimizationJobHandle(body.decode("ascii"))
    except UnicodeDecodeError as exc:
        raise unreadable("the handle of a job is no text") from exc


def _info(body: bytes) -> OptimizationJobInfo:
    data = decoded(body)
    try:
        finish = data.get("estimated_finish")
        return OptimizationJobInfo(
            message=data.get("message") or "Completed",
            status=STATUSES[data["status"]],
            output=data.get("output"),
            estimated_finish=None if finish is None else int(datetime.fromisoformat(finish).timestamp()),
        )
    except (LookupError, TypeError, ValueError, AttributeError) as exc:
        raise unreadable("it does not say how far a job is") from exc


def _samples(body: bytes) -> list[RenderedSample]:
    data = decoded(body)
    try:
        return [_sample(sample) for sample in data]
    except (LookupError, TypeError, ValueError, AttributeError) as exc:
        raise unreadable("it does not hold rendered samples") from exc


def _sample(data: dict[str, Any]) -> RenderedSample:
    stored_output = data["stored_output"]
    return RenderedSample(
        function_name=data["function_name"],
        input=_input(data["input"]),
        stored_input=_input(data["stored_input"]),
        output=_blocks(data["output"]),
        stored_output=JsonInferenceOutput(raw=stored_output.get("raw"), parsed=stored_output.get("parsed"))
        if isinstance(stored_output, dict)
        else _blocks(stored_output),
        episode_id=_uuid(data["episode_id"]),
        inference_id=_uuid(data["inference_id"]),
        tool_params=data["tool_params"],
        output_schema=data["output_schema"],
        dispreferred_outputs=[
            [read_block(block) for block in output] for output in data["dispreferred_outputs"]
        ],
        tags=data["tags"],
        wire=data,
    )


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _blocks(blocks: list[dict[str, Any]] | None) -> list[ContentBlock] | None:
    return None if blocks is None else [read_block(block) for block in blocks]


def _input(data: dict[str, Any]) -> ResolvedInput:
    return ResolvedInput(
        data.get("system"),
        [
            ResolvedInputMessage(message["role"], [_input_block(block) for block in message["content"]])
            for message in data["messages"]
        ],
    )


def _input_block(block: dict[str, Any]) -> ContentBlock:
    match block["type"]:
        case "template":
            return Template(name=block["name"], arguments=block["arguments"])
        case "raw_text":
            return RawText(value=block["value"])
        case "tool_call":
            text = block["arguments"]
            return ToolCall(id=block["id"], raw_name=block["name"], raw_arguments=text, **_parsed(block))
        case "tool_result":
            return ToolResult(name=block["name"], result=block["result"], id=block["id"])
        case "file":
            return FileBase64(data=block.get("data"), mime_type=block.get("mime_type"))
    return read_block(block)


def _parsed(call: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"name": call["name"], "arguments": json.loads(call["arguments"])}
    except ValueError:
        return {"name": call["name"], "arguments": None}
