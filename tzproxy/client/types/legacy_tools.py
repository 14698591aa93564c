"""Tools in the form of older programs. Plain data.

Class names, fields, their order and their defaults are those of TensorZero's client (2026.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

ToolChoice = Literal["auto", "required", "off"] | dict[Literal["specific"], str]


@dataclass
class Tool:
    """A tool."""

    description: str
    parameters: Any
    name: str
    strict: bool


@dataclass
class ToolParams:
    """The tools of an inference."""

    tools_available: list[Tool]
    tool_choice: str
    parallel_tool_calls: bool | None = None
