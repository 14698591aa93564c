"""`tool_choice` of a chat completion: a word, one tool, or a list of allowed ones.

Source: OpenAI API reference, chat completions.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Raw, UnsetType

from tzproxy.errors import RequestError
from tzproxy.http.errors import decode_error
from tzproxy.http.openai.wire import AllowedToolList, NamedFunction
from tzproxy.types.request import given
from tzproxy.types.tools import SpecificTool, ToolChoice

ANY = msgspec.json.Decoder()
WORDS: dict[str, ToolChoice] = {"none": "none", "auto": "auto", "required": "required"}
T = TypeVar("T")


def read_choice(sent: Raw | UnsetType) -> tuple[ToolChoice | None, list[str] | None]:
    """Translate a choice to ours and to the tools it restricts the model to, None for no restriction.

    Raises:
        RequestError: saying what is wrong with it.
    """
    raw = given(sent)
    if raw is None:
        return None, None
    try:
        choice = ANY.decode(raw)
    except msgspec.DecodeError as exc:
        raise decode_error(exc) from exc
    if isinstance(choice, str):
        if choice not in WORDS:
            raise _refused(f"Invalid tool choice string: {choice}")
        return WORDS[choice], None
    if not isinstance(choice, dict):
        raise _refused("Tool choice must be a string or object")
    return _from_object(choice)


def _from_object(choice: dict[str, object]) -> tuple[ToolChoice, list[str] | None]:
    if "type" not in choice:
        raise _refused("Tool choice field must have a 'type' field if it is an object")
    kind = choice["type"]
    if not isinstance(kind, str):
        raise _refused("Tool choice 'type' field must be a string")
    if kind == "function":
        return SpecificTool(_part(choice, kind, "function", NamedFunction).name), None
    if kind == "allowed_tools":
        allowed = _part(choice, kind, "allowed_tools", AllowedToolList)
        return allowed.mode, [tool.function.name for tool in allowed.tools]
    raise _refused(f"Invalid tool choice type: {kind}")


def _part(choice: dict[str, object], kind: str, name: str, type_: type[T]) -> T:
    if name not in choice:
        raise _refused(f"Missing '{name}' field in {kind} type")
    try:
        return msgspec.convert(choice[name], type_)
    except msgspec.ValidationError as exc:
        raise _refused(decode_error(exc).message) from exc


def _refused(message: str) -> RequestError:
    return RequestError(f"tool_choice: {message}")
