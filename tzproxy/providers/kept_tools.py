"""The wire form of tools, kept from one request to the next. Hot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from tzproxy.types.tools import ToolConfig

_KEPT = 16

WireToolsT = TypeVar("WireToolsT")


class KeptTools(Generic[WireToolsT]):
    """Writes tool configurations, each once while it is in use."""

    __slots__ = ("_kept", "_write")

    def __init__(self, write: Callable[[ToolConfig], WireToolsT]) -> None:
        self._write = write
        self._kept: dict[int, tuple[ToolConfig, WireToolsT]] = {}

    def of(self, config: ToolConfig) -> WireToolsT:
        """Return the wire form of a tool configuration.

        Raises:
            ProviderError: when the provider cannot take it.
        """
        # PERF: configured tools come as the same object each time (test_build_tools). The entry keeps the
        # object alive, so its id cannot come to mean another one.
        kept = self._kept.get(id(config))
        if kept is not None:
            return kept[1]
        tools = self._write(config)
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[id(config)] = (config, tools)
        return tools
