"""JSON Schemas as Gemini takes them. Cold: results are kept."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from tzproxy.providers.errors import refused

_UNWANTED = ("additionalProperties", "$schema", "ref")


def cleaned(schema: Raw) -> Raw:
    """Return a schema, compact, without the keys that Gemini refuses, at whatever depth they are.

    A property of such a name is lost as well. The last key moves into a gap, as in the original.

    Raises:
        ProviderError: when it is nested too deeply to be looked through.
    """
    try:
        return Raw(msgspec.json.encode(_without(msgspec.json.decode(schema))))
    except RecursionError:
        raise refused("A JSON schema is nested too deeply for Gemini") from None


def _without(value: object) -> object:
    if isinstance(value, list):
        return [_without(item) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    for unwanted in _UNWANTED:
        if unwanted in value:
            place = keys.index(unwanted)
            last = keys.pop()
            if last != unwanted:
                keys[place] = last
    return {key: _without(value[key]) for key in keys}
