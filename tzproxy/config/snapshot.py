"""The canonical text of a configuration and its hash, which every recorded inference carries.

Must not: depend on the order of keys or files, or show secrets. Cold.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import blake3
import msgspec

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ENCODE_TEXT = msgspec.json.Encoder().encode
# The few configuration values that are secrets themselves rather than the place of one.
_SECRET_PATHS = (
    ("provider_types", "together", "sft", "wandb_api_key"),
    ("provider_types", "together", "sft", "hf_api_token"),
)


class Snapshot(msgspec.Struct, frozen=True):
    """What is stored about a configuration.

    Attributes:
        toml: canonical text, keys sorted, file contents in place.
        extra_templates: bodies of templates that only other templates name.
        hash_int: the hash as a number, as the inference rows have it in decimal.
        hash_hex: the hash as 64 hexadecimal digits.
    """

    toml: str
    extra_templates: dict[str, str]
    hash_int: int
    hash_hex: str


def snapshot(merged: Mapping[str, Any], extra_templates: Mapping[str, str]) -> Snapshot:
    """Return the snapshot of a merged configuration and the templates it pulled in."""
    toml = canonical_toml(redact(merged))
    digest = blake3.blake3(toml.encode())
    digest.update(b"\0")
    for name, body in sorted(extra_templates.items()):
        digest.update(f"{name}\0{body}\0".encode())
    raw = digest.digest()
    return Snapshot(
        toml=toml,
        extra_templates=dict(sorted(extra_templates.items())),
        hash_int=int.from_bytes(raw, "big"),
        hash_hex=raw.hex(),
    )


def redact(merged: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration with secret values replaced by a mark."""
    result = dict(merged)
    for path in _SECRET_PATHS:
        _redact_at(result, path)
    return result


def _redact_at(table: dict[str, Any], path: tuple[str, ...]) -> None:
    head, *rest = path
    if head not in table:
        return
    if not rest:
        table[head] = "<secret>"
    elif isinstance(table[head], dict):
        table[head] = dict(table[head])
        _redact_at(table[head], tuple(rest))


def canonical_toml(table: Mapping[str, Any]) -> str:
    """Return the table as TOML with sorted keys; equal tables give equal texts."""
    lines: list[str] = []
    _write_table(table, "", lines)
    return "".join(line + "\n" for line in lines)


def _write_table(table: Mapping[str, Any], name: str, lines: list[str]) -> None:
    entries = sorted(table.items())
    values = [(key, value) for key, value in entries if not isinstance(value, dict)]
    tables = [(key, value) for key, value in entries if isinstance(value, dict)]
    if name and (values or not tables):
        lines.append(f"[{name}]")
    lines += [f"{_key(key)} = {_value(value)}" for key, value in values if value is not None]
    for key, value in tables:
        _write_table(value, f"{name}.{_key(key)}" if name else _key(key), lines)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(value: str) -> str:
    # JSON's escapes are TOML's too; TOML also wants DEL escaped.
    return _ENCODE_TEXT(value).decode().replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float(value)
        case str():
            return _text(value)
        case list() | tuple():
            return "[" + ", ".join(_value(entry) for entry in value) + "]"
        case dict():
            entries = (f"{_key(key)} = {_value(entry)}" for key, entry in sorted(value.items()))
            return "{ " + ", ".join(entries) + " }" if value else "{}"
    raise TypeError(f"no TOML for {type(value).__name__}")


def _float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = repr(value)
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent)}"
    return text
