"""Small steps of compiled templates that are no operators: assignment, macros' surroundings, arguments.

Owns what the code generator writes for statements. Hot in templates that use them.
"""

from __future__ import annotations

from typing import Any

from tzproxy.prompts.dialect.failures import CANNOT_UNPACK, TemplateFailure, invalid
from tzproxy.prompts.dialect.functions import FUNCTIONS
from tzproxy.prompts.dialect.objects import Frame
from tzproxy.prompts.dialect.operators import same
from tzproxy.prompts.dialect.values import UNDEFINED, Namespace, Undefined, elements, kind_of

_ESCAPE_MODES = ("none", "html", "json")


def enclose(closure: Frame | None, frame: Frame, names: tuple[str, ...]) -> Frame:
    """Let a macro see names of the frame that it stands in."""
    if closure is None:
        closure = {}
    for name in names:
        if name not in closure:
            closure[name] = frame.get(name, FUNCTIONS.get(name, UNDEFINED))
    return closure


def set_attribute(target: Any, name: str, value: Any) -> None:
    """`{% set target.name = value %}`."""
    if not isinstance(target, Namespace):
        raise invalid(f"can only assign to namespaces, not {kind_of(target)}")
    target[name] = value


def unpack(value: Any, count: int) -> list[Any]:
    """The elements of a value that is assigned to several names."""
    items = None if isinstance(value, str | Undefined) or value is None else elements(value)
    if items is None:
        raise TemplateFailure(CANNOT_UNPACK, "value is not iterable")
    if len(items) != count:
        raise TemplateFailure(CANNOT_UNPACK, f"sequence of wrong length (expected {count}, got {len(items)})")
    return items


def spread(value: Any) -> list[Any]:
    """The elements of `*value` in a call."""
    items = elements(value)
    if items is None:
        raise invalid(f"{kind_of(value)} is not iterable")
    return items


def make_map(*entries: tuple[Any, Any]) -> dict[Any, Any]:
    """A map literal whose keys are no constants."""
    try:
        return dict(entries)
    except TypeError:
        raise invalid("a list or map cannot be the key of a map") from None


def escape_mode(value: Any, initial: str) -> str:
    """What `{% autoescape value %}` asks for."""
    if isinstance(value, str):
        if value in _ESCAPE_MODES:
            return str.__str__(value)
        raise invalid("invalid value to autoescape tag")
    if isinstance(value, Undefined) or not same(value, True):
        return "none"
    return "html" if initial == "none" else initial
