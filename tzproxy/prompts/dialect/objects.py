"""The objects that templates make: loops, macros and imported modules.

Owns their attributes, methods and calls. Hot: `Loop`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from tzproxy.prompts.dialect.failures import (
    INVALID_OPERATION,
    TOO_MANY_ARGUMENTS,
    TemplateFailure,
    invalid,
    locate,
)
from tzproxy.prompts.dialect.operators import same
from tzproxy.prompts.dialect.values import UNDEFINED, Kwargs, TemplateObject, elements, is_sized

Frame = dict[str, Any]
"""Everything that is visible at a place, by name."""

Body = Callable[..., Any]
"""A compiled function; the first arguments are the state, the frame and the output."""

RECURSION_LIMIT = 500
"""How deeply loops, macros, blocks and includes may call each other, each at its own cost."""


class Module(TemplateObject):
    """What `import` yields: the names that a template sets."""

    __slots__ = ("_output", "_values")

    def __init__(self, values: dict[str, Any], output: str) -> None:
        self._values = values
        self._output = output

    def get(self, name: object) -> Any:
        """The value that the template has set."""
        return self._values.get(name, UNDEFINED) if isinstance(name, str) else UNDEFINED

    def keys(self) -> Collection[str]:
        """Names in order."""
        return self._values

    def printed(self) -> str:
        """What the template has printed."""
        return str.__str__(self._output)


_LOOP_NAMES = (
    "index0",
    "index",
    "length",
    "revindex",
    "revindex0",
    "first",
    "last",
    "depth",
    "depth0",
    "previtem",
    "nextitem",
)


class Loop(TemplateObject):
    """The variable `loop`. The compiled loop moves `index0`."""

    __slots__ = ("_body", "_changed", "_items", "_length", "depth", "index0")

    def __init__(self, items: list[Any], value: Any, frame: Frame, body: Body | None = None) -> None:
        self.index0 = -1
        self._items = items
        self._length = len(items) if is_sized(value) else None
        self._body = body
        self._changed: tuple[Any, ...] | None = None
        outer = frame.get("loop")
        self.depth: int = outer.depth + 1 if isinstance(outer, Loop) and outer.is_recursive() else 0

    def is_recursive(self) -> bool:
        """Whether the loop may be called."""
        return self._body is not None

    def keys(self) -> Collection[str]:
        """Names of the attributes."""
        return _LOOP_NAMES

    def is_last(self) -> bool:
        """Whether this is known to be the last round."""
        return self._length is not None and self.index0 >= self._length - 1

    def get(self, name: object) -> Any:
        """Position in the loop and what belongs to it."""
        index = self.index0
        if name == "index":
            return index + 1
        if name == "index0":
            return index
        if name == "first":
            return index == 0
        length = self._length
        if name == "last":
            return self.is_last()
        return self._get_rare(name, index, length)

    def _get_rare(self, name: object, index: int, length: int | None) -> Any:
        if name in ("depth", "depth0"):
            return self.depth + (name == "depth")
        if name == "previtem":
            return self._items[index - 1] if index > 0 else UNDEFINED
        if name == "nextitem":
            return self._items[index + 1] if index + 1 < len(self._items) else UNDEFINED
        if length is None or name not in ("length", "revindex", "revindex0"):
            return UNDEFINED
        return length if name == "length" else max(0, length - index - (name == "revindex0"))

    def printed(self) -> str:
        """Position and length."""
        return f"<loop {self.index0}/{'?' if self._length is None else self._length}>"

    def call(self, state: Any, args: tuple[Any, ...]) -> Any:
        """A loop can be called by its name only."""
        raise invalid("loop recursion cannot be called this way")

    def call_method(self, state: Any, name: str, args: tuple[Any, ...]) -> Any:
        """`changed` and `cycle`."""
        if name == "changed":
            former, self._changed = self._changed, args
            return former is None or not same(list(former), list(args))
        if name == "cycle":
            if not args:
                raise invalid("cycle needs at least one argument")
            return args[self.index0 % len(args)]
        return UNDEFINED

    def run_again(self, state: Any, value: Any, frame: Frame, output: list[str]) -> None:
        """Run a recursive loop over other items."""
        if self._body is None:
            raise invalid("cannot recurse outside of recursive loop")
        if elements(value) is None or value is UNDEFINED:
            try:
                # Its first step fails, which tells where the loop is.
                self._body(state, value, frame, output)
            except TemplateFailure as exc:
                locate(exc)
                detail = "cannot recurse because of non-iterable value"
                raise TemplateFailure(INVALID_OPERATION, detail, source=exc) from exc
        if self.depth >= RECURSION_LIMIT:
            raise invalid("recursion limit exceeded")
        self._body(state, value, frame, output)


class Macro(TemplateObject):
    """A macro, or the body of a call block."""

    __slots__ = ("body", "closure", "name", "parameters", "wants_caller")

    def __init__(
        self, name: str, parameters: tuple[str, ...], body: Body, closure: Frame | None, wants_caller: bool
    ) -> None:
        self.name = name
        self.parameters = parameters
        self.body = body
        self.closure = closure
        self.wants_caller = wants_caller

    def keys(self) -> Collection[str]:
        """Names of the attributes."""
        return ("name", "arguments", "caller")

    def get(self, name: object) -> Any:
        """What is known of the macro."""
        if name == "arguments":
            return list(self.parameters)
        return self.name if name == "name" else self.wants_caller if name == "caller" else UNDEFINED

    def printed(self) -> str:
        """The name in angle brackets."""
        return f"<macro {self.name}>"

    def call(self, state: Any, args: tuple[Any, ...]) -> Any:
        """Bind the arguments and run the body."""
        keywords: dict[str, Any] = {}
        if args and isinstance(args[-1], Kwargs):
            keywords = dict(args[-1])
            args = args[:-1]
        if len(args) > len(self.parameters):
            raise TemplateFailure(TOO_MANY_ARGUMENTS)
        values = list(args)
        for position, name in enumerate(self.parameters):
            if position < len(args):
                if name in keywords:
                    raise TemplateFailure(TOO_MANY_ARGUMENTS, f"duplicate argument `{name}`")
            else:
                values.append(keywords.pop(name, UNDEFINED))
        caller = keywords.pop("caller", UNDEFINED) if self.wants_caller else UNDEFINED
        for name in sorted(keywords):
            raise TemplateFailure(TOO_MANY_ARGUMENTS, f"unknown keyword argument `{name}`")
        return state.call_macro(self, values, caller)
