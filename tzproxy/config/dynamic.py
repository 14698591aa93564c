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
from tzproxy.config.functions import FunctionConfig
from tzproxy.config.load import LoadedConfig
from tzproxy.config.problems import Problems
from tzproxy.config.variants import VariantConfig

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
        extended = msgspec.structs.replace(function, variants={**function.variants, DYNAMIC_VARIANT: variant})
        check_variant(DYNAMIC_VARIANT, extended, path[:2], loaded.config, scope)
    problems.raise_if_any()
    result: VariantConfig = variant
    return result
