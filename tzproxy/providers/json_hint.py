"""The instruction that goes with a JSON mode without a schema. Hot."""

from __future__ import annotations

from collections.abc import Callable

JSON_HINT = "Respond using JSON."


def hinted(system: str | None, speaks_of_json: Callable[[], bool]) -> str:
    """Return the system text with the instruction, unless JSON is spoken of anyway."""
    if system is None:
        return JSON_HINT
    if "json" in system.lower() or speaks_of_json():
        return system
    return f"{JSON_HINT}\n\n{system}"
