"""The mock's options: the one list that the Struct, the flags and `MockProcess` share. Not hot."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

_Count = Annotated[int, Meta(ge=0)]
_Millis = Annotated[float, Meta(ge=0)]


class MockOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the mock does where a model's name does not say otherwise. Each field is also a flag."""

    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="port to listen on; 0 takes a free one")] = 4010
    latency_ms: Annotated[_Millis, Meta(description="wait before the first byte of each answer")] = 0.0
    token_interval_ms: Annotated[_Millis, Meta(description="wait between the chunks of a stream")] = 0.0
    tokens: Annotated[_Count, Meta(description="answer with this many words; 0: the model decides")] = 0
    answer_bytes: Annotated[
        _Count, Meta(description="answer with this many bytes of text; 0: the model decides")
    ] = 0
    error_rate: Annotated[float, Meta(ge=0, le=1, description="share of the requests that fail")] = 0.0
    error_status: Annotated[int, Meta(ge=400, le=599, description="HTTP status of those failures")] = 500
    seed: Annotated[int, Meta(description="seed of the sequence of failures")] = 0


def parse_options(arguments: Sequence[str], *, program: str = "tzproxy mock") -> MockOptions:
    """Read options from command line arguments.

    Raises: SystemExit with a usage message, as `argparse` does.
    """
    parser = argparse.ArgumentParser(prog=program, description="A deterministic OpenAI-compatible provider.")
    hints = get_type_hints(MockOptions, include_extras=True)
    for field in msgspec.structs.fields(MockOptions):
        parser.add_argument(
            _flag(field.name),
            default=field.default,
            metavar=field.name.rsplit("_", 1)[-1].upper(),
            help=f"{_description(hints[field.name])} (default {field.default})",
        )
    try:
        return msgspec.convert(vars(parser.parse_args(arguments)), MockOptions, strict=False)
    except msgspec.ValidationError as exc:
        parser.error(str(exc))


def format_arguments(options: MockOptions) -> list[str]:
    """Write options as command line arguments that `parse_options` reads back to an equal Struct."""
    arguments: list[str] = []
    for field in msgspec.structs.fields(MockOptions):
        arguments += [_flag(field.name), str(getattr(options, field.name))]
    return arguments


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _description(hint: Any) -> str:
    return next(
        meta.description for meta in get_args(hint)[1:] if isinstance(meta, Meta) and meta.description
    )
