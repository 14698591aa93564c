"""Wire forms of tools and schemas, kept from one request to the next. Hot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

_KEPT = 16

SourceT = TypeVar("SourceT")
WrittenT = TypeVar("WrittenT")


class Kept(Generic[SourceT, WrittenT]):
    """Writes objects that never change, each once while it is in use."""

    __slots__ = ("_kept", "_write")

    def __init__(self, write: Callable[[SourceT], WrittenT]) -> None:
        self._write = write
        self._kept: dict[int, tuple[SourceT, WrittenT]] = {}

    def of(self, source: SourceT) -> WrittenT:
        """Return the wire form of an object.

        Raises:
            ProviderError: when the provider cannot take it.
        """
        # PERF: what is configured comes as the same object each time (test_build_tools). The entry keeps the
        # object alive, so its id cannot come to mean another one.
        kept = self._kept.get(id(source))
        if kept is not None:
            return kept[1]
        written = self._write(source)
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[id(source)] = (source, written)
        return written
