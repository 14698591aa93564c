"""JSON modes on the chat-completions wire: what a body says for `on` and `strict`. Hot. Picked by a row."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec
from msgspec import Raw

from tzproxy.providers.errors import refused

logger = logging.getLogger(__name__)

JSON_OBJECT = Raw(b'{"type":"json_object"}')
TEXT = Raw(b'{"type":"text"}')

JsonFormat = Callable[[str, Raw | None, str], Raw | None]
"""Called with the mode (`on` or `strict`), the schema and the model's name."""


def _compact(schema: Raw) -> bytes:
    return msgspec.json.format(schema, indent=-1)


def _schema_format(schema: Raw) -> Raw:
    head = b'{"type":"json_schema","json_schema":{"name":"response","strict":true,"schema":'
    return Raw(b"".join((head, _compact(schema), b"}}")))


def schema_if_strict(mode: str, schema: Raw | None, model: str) -> Raw | None:
    """Ask for any object, or for one that fits the schema when `strict`."""
    return JSON_OBJECT if mode == "on" or schema is None else _schema_format(schema)


def schema_if_strict_and_able(mode: str, schema: Raw | None, model: str) -> Raw | None:
    """Ask as `schema_if_strict` does, but never for a schema from models of the 3.5 generation."""
    return JSON_OBJECT if "3.5" in model else schema_if_strict(mode, schema, model)


def schema_always(mode: str, schema: Raw | None, model: str) -> Raw | None:
    """Ask for an object that fits the schema, in both modes; there must be one."""
    if schema is None:
        raise refused("The SGL models requires a schema to be provided in json mode")
    return _schema_format(schema)


def object_with_schema(mode: str, schema: Raw | None, model: str) -> Raw | None:
    """Ask for an object and show the schema beside."""
    if schema is None:
        return JSON_OBJECT
    return Raw(b"".join((b'{"type":"json_object","schema":', _compact(schema), b"}")))


def bare_schema(mode: str, schema: Raw | None, model: str) -> Raw | None:
    """Give the schema itself, for a key of its own."""
    return None if schema is None else Raw(_compact(schema))


def object_downgraded(mode: str, schema: Raw | None, model: str) -> Raw | None:
    """Ask for any object, and say so when the schema was meant to count."""
    if mode == "strict":
        logger.warning(
            "DeepSeek provider does not support strict JSON mode. Downgrading to normal JSON mode."
        )
    return JSON_OBJECT


def object_always(mode: str, schema: Raw | None, model: str) -> Raw | None:
    """Ask for any object, whatever the schema."""
    return JSON_OBJECT


def nothing(mode: str, schema: Raw | None, model: str) -> Raw | None:
    """Ask for nothing."""
    return None


def nothing_with_warning(mode: str, schema: Raw | None, model: str) -> Raw | None:
    """Ask for nothing, and say so."""
    logger.warning(
        'TGI does not support JSON mode. Ignoring JSON mode. Consider using `json_mode = "tool"` instead.'
    )
    return None
