"""Collects the values of a statement that is put together from parts. Values never become SQL text. Cold."""

from __future__ import annotations


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

    def bind(self, value: object, kind: str) -> str:
        """Keep a value; return its placeholder. `kind` is a ClickHouse type."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{kind}}}"
