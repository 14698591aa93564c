"""Turns the arguments of methods into JSON. Cold: once a request, and requests wait for models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any
from uuid import UUID

from tzproxy._speedups.ids import format_uuid, parse_uuid
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.omit import OmitType


def body_of(values: Mapping[str, Any]) -> bytes:
    """Write a request's body: without what is None, nested None as null, without fields that hold `OMIT`.

    Raises:
        TypeError: for a value that JSON cannot hold.
        TensorZeroInternalError: for numbers that JSON cannot hold.
    """
    return json_of({key: value for key, value in values.items() if value is not None})


def json_of(value: object) -> bytes:
    """Write a value as JSON. Raises as `body_of`."""
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode()
    except ValueError as exc:
        raise TensorZeroInternalError(f"Failed to serialize to JSON: {exc}") from exc


def _plain(value: object) -> object:
    to_dict = getattr(value, "to_dict", None)
    if to_dict is not None:
        return to_dict()
    if is_dataclass(value) and not isinstance(value, type):
        given = ((part.name, getattr(value, part.name)) for part in fields(value))
        return {name: part for name, part in given if not isinstance(part, OmitType)}
    # Other libraries have UUIDs of their own, which are no `uuid.UUID` but print like one.
    if isinstance(value, UUID) or type(value).__name__ == "UUID":
        return str(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


class TensorZeroTypeEncoder(json.JSONEncoder):
    """Writes the client's types as they are sent: `json.dumps(value, cls=TensorZeroTypeEncoder)`."""

    def default(self, value: object) -> object:
        """Return what stands for a value that is no JSON. Raises TypeError where there is nothing."""
        return _plain(value)


def uuid_text(value: object, name: str) -> str:
    """Write an id, given as text or as a UUID of any library.

    Raises:
        ValueError: naming the argument, when it is none.
    """
    try:
        return format_uuid(parse_uuid(str(value)))
    except ValueError as exc:
        raise ValueError(f"Failed to parse {name} as UUID: {exc}") from exc


def optional_uuid(value: object, name: str) -> str | None:
    """Write an id that may be None. Raises as `uuid_text`."""
    return None if value is None else uuid_text(value, name)


def ids_of(ids: Sequence[object], name: str = "ids") -> list[str]:
    """Write ids.

    Raises:
        TypeError: for a text, which is a sequence of letters.
        ValueError: for what is no id.
    """
    if isinstance(ids, str):
        raise TypeError(f"argument '{name}': expected a list of ids, got a string")
    return [uuid_text(one, name) for one in ids]
