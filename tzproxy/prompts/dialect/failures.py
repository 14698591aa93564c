"""What goes wrong inside a template: one exception, worded as the original words it.

Owns the kinds of failure and their text. Must not know where templates come from. Not hot.
"""

from __future__ import annotations

BAD_ESCAPE = "bad string escape"
BAD_INCLUDE = "could not render include"
CANNOT_UNPACK = "cannot unpack"
EVAL_BLOCK = "could not render block"
INVALID_OPERATION = "invalid operation"
MISSING_ARGUMENT = "missing argument"
SYNTAX_ERROR = "syntax error"
TOO_MANY_ARGUMENTS = "too many arguments"
UNDEFINED_VALUE = "undefined value"
UNKNOWN_BLOCK = "unknown block"
UNKNOWN_FILTER = "unknown filter"
UNKNOWN_FUNCTION = "unknown function"
UNKNOWN_METHOD = "unknown method"
UNKNOWN_TEST = "unknown test"


class TemplateFailure(Exception):
    """A template cannot be compiled or rendered.

    Attributes:
        kind: One of the constants of this module.
        detail: What exactly, or None where the kind says all.
        name: Template in which it happened, None until known.
        line: Line in that template, counted from 1, None until known.
        source: The failure in an included template or parent block behind this one.
    """

    def __init__(
        self,
        kind: str,
        detail: str | None = None,
        *,
        line: int | None = None,
        source: Exception | None = None,
    ) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail
        self.name: str | None = None
        self.line = line
        self.source = source

    def describe(self) -> str:
        """One line: kind, detail and place."""
        text = self.kind if self.detail is None else f"{self.kind}: {self.detail}"
        return text if self.name is None else f"{text} (in {self.name}:{self.line or 0})"

    def describe_all(self) -> str:
        """The line of this failure, then one `Caused by` line for each failure behind it."""
        lines = [self.describe()]
        source = self.source
        while source is not None:
            inner = source if isinstance(source, TemplateFailure) else None
            lines.append(f"Caused by: {inner.describe() if inner else source}")
            source = inner.source if inner else None
        return "\n".join(lines)


def invalid(detail: str) -> TemplateFailure:
    """The most common failure: an operation that its operands do not support."""
    return TemplateFailure(INVALID_OPERATION, detail)


def locate(failure: TemplateFailure) -> None:
    """Give a failure the template and the line that it happened in, from its traceback."""
    if failure.name is not None:
        return
    traceback = failure.__traceback__
    while traceback is not None:
        place = traceback.tb_frame.f_globals.get("__place__")
        if place is not None:
            failure.name, failure.line = place(traceback.tb_lineno)
        traceback = traceback.tb_next
