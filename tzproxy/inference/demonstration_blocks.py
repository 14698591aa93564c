"""The content blocks of a chat demonstration, read with the original's words for what is wrong. Cold."""

from __future__ import annotations

from msgspec import Struct

from tzproxy.errors import RequestError

ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


class DemonstrationError(RequestError):
    """The value is no output that the function could have given."""

    code = "invalid_demonstration"


class TextBlock(Struct, frozen=True):
    """A text. Other keys than its own are refused."""

    text: str


class CallBlock(Struct, frozen=True):
    """A tool call; further keys are ignored. `arguments` is what the tool gets, not its JSON text."""

    id: str
    name: str
    arguments: object


def read_block(value: object) -> TextBlock | CallBlock:
    """Read one block.

    Raises:
        DemonstrationError: saying what is wrong with it.
    """
    if not isinstance(value, dict):
        raise _refusal(f"invalid type: {described(value)}, expected object")
    kind = value.get("type")
    if not isinstance(kind, str):
        raise _refusal("TensorZeroDerive: missing tag field `type`")
    if kind == "text":
        for key in value:
            if key not in ("type", "text"):
                raise _refusal(f"{key}: unknown field `{key}`, expected `text`")
        return TextBlock(_text(value, "text"))
    if kind == "tool_call":
        call_id, name = _text(value, "id"), _text(value, "name")
        return CallBlock(call_id, name, _present(value, "arguments"))
    raise _refusal(f"unknown variant `{kind}`, expected `text` or `tool_call`")


def described(value: object) -> str:
    """Name a JSON value's type, and the value where that is of use."""
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            return "number"
        case str():
            return f'string "{value.translate(ESCAPES)}"'
        case list():
            return "sequence"
        case _:
            return "map"


def _text(block: dict[str, object], key: str) -> str:
    value = _present(block, key)
    if not isinstance(value, str):
        raise _refusal(f"{key}: invalid type: {described(value)}, expected a string")
    return value


def _present(block: dict[str, object], key: str) -> object:
    if key not in block:
        raise _refusal(f"missing field `{key}`")
    return block[key]


def _refusal(text: str) -> DemonstrationError:
    return DemonstrationError(f"Invalid demonstration content block: {text}")
