"""Where a credential or a setting comes from: `env::X`, `path::F`, `dynamic::N`, `sdk`, `none`, pairs.

Must not: read the environment or files; `credentials` does that. Cold.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from tzproxy.config.decode import INVALID, Context, Invalid, Reads, unknown_field, wrong_type
from tzproxy.config.problems import Path

_FORMS = (
    "use `env::VAR_NAME`, `path::FILE`, `path_from_env::VAR_NAME`, `dynamic::NAME`, `sdk`, `none`"
    " or a table with `default` and `fallback`"
)


class EnvLocation(msgspec.Struct, frozen=True):
    """`env::NAME`: the value of an environment variable, read at start-up.

    Attributes:
        name: the variable.
    """

    name: str


class PathFromEnvLocation(msgspec.Struct, frozen=True):
    """`path_from_env::NAME`: the contents of a file whose path an environment variable holds.

    Attributes:
        name: the variable.
    """

    name: str


class PathLocation(msgspec.Struct, frozen=True):
    """`path::FILE`: the contents of a file.

    Attributes:
        path: the file; a relative path starts at the working directory.
    """

    path: str


class DynamicLocation(msgspec.Struct, frozen=True):
    """`dynamic::NAME`: the request's `credentials.NAME`.

    Attributes:
        name: the key below `credentials`.
    """

    name: str


class SdkLocation(msgspec.Struct, frozen=True):
    """`sdk`: whatever the provider's own tools find."""


class NoneLocation(msgspec.Struct, frozen=True):
    """`none`: no credential is sent."""


class LiteralLocation(msgspec.Struct, frozen=True):
    """The value itself; only for settings that are no secret.

    Attributes:
        value: the value.
    """

    value: str


class FallbackLocation(msgspec.Struct, frozen=True):
    """`{ default = ..., fallback = ... }`: a pair, both looked up at start-up.

    Attributes:
        default: the location that is tried first.
        fallback: serves when `default` has no value for the request.
    """

    default: SingleLocation
    fallback: SingleLocation


SingleLocation = (
    EnvLocation | PathFromEnvLocation | PathLocation | DynamicLocation | SdkLocation | NoneLocation
)
Location = SingleLocation | FallbackLocation
SettingLocation = SingleLocation | LiteralLocation


def parse_location(text: str) -> SingleLocation | None:
    """Return the location that the text names, or None when it has none of the known forms."""
    if text == "sdk":
        return SdkLocation()
    if text == "none":
        return NoneLocation()
    prefix, separator, rest = text.partition("::")
    if not separator:
        return None
    match prefix:
        case "env":
            return EnvLocation(rest)
        case "path_from_env":
            return PathFromEnvLocation(rest)
        case "path":
            return PathLocation(rest)
        case "dynamic":
            return DynamicLocation(rest)
    return None


def _read_single(value: object, path: Path, context: Context) -> SingleLocation | Invalid:
    if not isinstance(value, str):
        return context.reject(path, wrong_type(value, "a credential location"))
    location = parse_location(value)
    if location is not None:
        return location
    # The text may be the credential itself, pasted by mistake: only show what cannot be one.
    prefix, separator, _ = value.partition("::")
    shown = f": `{prefix}::...`" if separator else ""
    return context.reject(path, f"Invalid credential location format{shown}; {_FORMS}")


def read_location(value: object, path: Path, context: Context) -> Location | Invalid:
    """Read a location string or a `{ default, fallback }` table."""
    if not isinstance(value, dict):
        return _read_single(value, path, context)
    sides: dict[str, SingleLocation] = {}
    for key, entry in value.items():
        if key not in ("default", "fallback"):
            context.problems.add((*path, key), unknown_field(key, ["default", "fallback"]))
            continue
        side = _read_single(entry, (*path, key), context)
        if not isinstance(side, Invalid):
            sides[key] = side
    for key in ("default", "fallback"):
        if key not in value:
            context.problems.add(path, f"missing field `{key}`")
    if len(sides) < 2 or len(value) > 2:
        return INVALID
    return FallbackLocation(default=sides["default"], fallback=sides["fallback"])


def read_setting_location(value: object, path: Path, context: Context) -> SettingLocation | Invalid:
    """Read a setting that is given literally or through one of the location prefixes."""
    if not isinstance(value, str):
        return context.reject(path, wrong_type(value, "a string"))
    return parse_location(value) or LiteralLocation(value)


CredentialLocation = Annotated[Location, Reads(read_location)]
SettingSource = Annotated[SettingLocation, Reads(read_setting_location)]
