"""Tables that shape upstream requests at several levels: timeouts, retries, extra body and headers, cost.

Must not: apply them; the engine does. Cold.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from tzproxy.config.decode import INVALID, Context, Reads, wrong_type
from tzproxy.config.problems import Path
from tzproxy.config.scalars import U64, DecimalNumber, FiniteF32


class NonStreamingTimeouts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`timeouts.non_streaming`.

    Attributes:
        total_ms: time until the whole answer is there, in ms; default none.
    """

    total_ms: U64 | None = None


class StreamingTimeouts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`timeouts.streaming`.

    Attributes:
        ttft_ms: time until the first chunk, in ms; default none.
        total_ms: time until the last chunk, in ms; default none.
    """

    ttft_ms: U64 | None = None
    total_ms: U64 | None = None


class TimeoutsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`timeouts` of a variant, a model or a provider.

    Attributes:
        non_streaming: deadlines of non-streaming requests.
        streaming: deadlines of streaming requests.
    """

    non_streaming: NonStreamingTimeouts = NonStreamingTimeouts()
    streaming: StreamingTimeouts = StreamingTimeouts()


class RetryConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`retries` of a variant.

    Attributes:
        num_retries: attempts after the first; default 0.
        max_delay_s: bound of the back-off in seconds, a finite 32-bit float; default 10.
    """

    num_retries: U64 = 0
    max_delay_s: FiniteF32 = 10.0


class ExtraBodyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `extra_body`: what to write or delete in the provider's request body.

    Attributes:
        pointer: JSON pointer into the body.
        value: what to write; meaningless when `delete`.
        delete: remove what is there.
    """

    pointer: str
    value: Any = None
    delete: bool = False


class ExtraHeader(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `extra_headers`.

    Attributes:
        name: header name.
        value: header value; None when `delete`.
        delete: remove what an earlier level added.
    """

    name: str
    value: str | None = None
    delete: bool = False


def _read_kind(value: dict[str, object], path: Path, context: Context, *, key: str, noun: str) -> str | None:
    name = value.get(key)
    if key not in value:
        context.problems.add(path, f"missing field `{key}`")
        return None
    if not isinstance(name, str):
        context.problems.add((*path, key), wrong_type(name, "a string"))
        return None
    if "delete" in value and value["delete"] is not True:
        context.problems.add(
            (*path, "delete"), "Error deserializing replacement config: `delete` must be `true`"
        )
        return None
    if "delete" not in value and "value" not in value:
        context.problems.add(path, f"no variant of {noun} found: give `value` or `delete = true`")
        return None
    return name


def _read_extra_body(value: object, path: Path, context: Context) -> object:
    if not isinstance(value, dict):
        return context.reject(path, wrong_type(value, "a map"))
    pointer = _read_kind(value, path, context, key="pointer", noun="ExtraBodyReplacementKind")
    if pointer is None:
        return INVALID
    if value.get("delete") is True:
        return ExtraBodyEntry(pointer=pointer, delete=True)
    return ExtraBodyEntry(pointer=pointer, value=value["value"])


def _read_extra_header(value: object, path: Path, context: Context) -> object:
    if not isinstance(value, dict):
        return context.reject(path, wrong_type(value, "a map"))
    name = _read_kind(value, path, context, key="name", noun="ExtraHeaderKind")
    if name is None:
        return INVALID
    if value.get("delete") is True:
        return ExtraHeader(name=name, delete=True)
    text = value["value"]
    if not isinstance(text, str):
        return context.reject((*path, "value"), wrong_type(text, "a string"))
    return ExtraHeader(name=name, value=text)


ExtraBody = tuple[Annotated[ExtraBodyEntry, Reads(_read_extra_body)], ...]
ExtraHeaders = tuple[Annotated[ExtraHeader, Reads(_read_extra_header)], ...]


class CostEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `cost` or `batch_cost`: a number in the provider's response and its price.

    Attributes:
        pointer: JSON pointer for streamed and other responses alike.
        pointer_nonstreaming: JSON pointer for responses in one piece.
        pointer_streaming: JSON pointer for stream chunks.
        cost_per_million: dollars for a million units; may be negative.
        cost_per_unit: dollars for one unit; may be negative.
        required: without the number the cost is unknown; default false.
    """

    pointer: str | None = None
    pointer_nonstreaming: str | None = None
    pointer_streaming: str | None = None
    cost_per_million: DecimalNumber | None = None
    cost_per_unit: DecimalNumber | None = None
    required: bool = False


Cost = tuple[CostEntry, ...]
