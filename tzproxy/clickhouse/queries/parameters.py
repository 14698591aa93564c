"""Collects the values of a statement that is put together from parts. Values never become SQL text. Cold."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID


class Parameters:
    """Numbers values and hands out their placeholders.

    Example:
        >>> parameters = Parameters()
        >>> parameters.bind("it's", "String")
        '{p0:String}'
        >>> parameters.values
        {'p0': "it's"}
    """

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        """To be sent with the statement, by name."""
        self._known: dict[tuple[str, str], str] = {}

    def bind(self, value: object, kind: str) -> str:
        """Keep a value; return the SQL for it, for an equal value the same. `kind` is a ClickHouse type.

        Conditions that ask the same are then the same text.
        """
        if kind == "String" and isinstance(value, str) and "\0" in value:
            # A parameter ends at a NUL; the text would be found where only its beginning is.
            return f"unhex({self.bind(value.encode().hex(), kind)})"
        known = (kind, repr(value))
        if known not in self._known:
            self._known[known] = name = f"p{len(self.values)}"
            self.values[name] = value
        return f"{{{self._known[known]}:{kind}}}"

    def cut(self, limit: int, offset: int) -> str:
        """Return the clause that cuts a page out."""
        return f" LIMIT {self.bind(limit, 'UInt64')} OFFSET {self.bind(offset, 'UInt64')}"

    def among(self, column: str, ids: Iterable[UUID]) -> str:
        """Return the condition that a column of ids as numbers holds one of some ids."""
        listed = self.bind([str(id) for id in ids], "Array(UUID)")
        return f"{column} IN (SELECT toUInt128(arrayJoin({listed})))"
