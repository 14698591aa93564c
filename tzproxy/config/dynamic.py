"""Reads a variant that a request brings along (`internal_dynamic_variant_config`).

The shape is that of a variant in TOML, with file contents in the place of paths. Must not: touch the
file system. Warm: test and evaluation requests only.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tzproxy.config.checks.functions import check_variant
from tzproxy.config.checks.scope import Scope
from tzproxy.config.decode import INVALID, Context, decode
from tzproxy.config.functions import ChatFunctionConfig, FunctionConfig
from tzproxy.config.load import LoadedConfig
from tzproxy.config.problems import Problems
from tzproxy.config.variants import VariantConfig, chat_parts

DYNAMIC_VARIANT = "tensorzero::dynamic_variant"
_DECODER = msgspec.json.Decoder(dict[str, Any])


def parse_variant_config(
    raw: bytes, *, function: FunctionConfig, function_name: str, loaded: LoadedConfig
) -> VariantConfig:
    """Return the variant, checked like one of the function's own.

    Its name is `DYNAMIC_VARIANT`. Templates are still to be compiled.

    Raises:
        ConfigError: with everything that is wrong.
    """
    problems = Problems()
    path = ("functions", function_name, "variants", DYNAMIC_VARIANT)
    try:
        value = _DECODER.decode(raw)
    except msgspec.DecodeError as exc:
        problems.add(path, f"Failed to parse variant: {exc}")
        problems.raise_if_any()
        raise
    variant = decode(VariantConfig, value, path, Context(problems))
    if variant is not INVALID:
        scope = Scope(
            problems=problems,
            environment=loaded.environment,
            credentials=loaded.credentials,
            tree=loaded.merged,
        )
        checked = variant if isinstance(function, ChatFunctionConfig) else _with_json_mode(variant)
        extended = msgspec.structs.replace(function, variants={**function.variants, DYNAMIC_VARIANT: checked})
        check_variant(DYNAMIC_VARIANT, extended, path[:2], loaded.config, scope)
    problems.raise_if_any()
    result: VariantConfig = variant
    return result


def _with_json_mode(variant: VariantConfig) -> VariantConfig:
    """Say what a JSON function's variant means that does not say it: only files must."""
    for key, part in chat_parts(variant):
        if part.json_mode is None:
            asking = msgspec.structs.replace(part, json_mode="strict")
            return msgspec.structs.replace(variant, **{key: asking}) if key else asking  # type: ignore[return-value]  # the part is the variant
    return variant
