from collections.abc import Callable, Sequence
from typing import Any

class MessageBuilder:
    def __init__(
        self,
        *,
        rules: type[Any],
        message: type[Any],
        text: type[Any],
        system: type[Any],
        user: type[Any],
        assistant: type[Any],
        add_turn: Callable[[Any, list[Any], Any, Sequence[Any]], None],
    ) -> None: ...
    def build(self, rules: Any, system: str | None, messages: Sequence[Any]) -> list[Any]: ...

class BodyWriter:
    def __init__(
        self,
        *,
        request: type[Any],
        builder: MessageBuilder,
        rules: Any,
        no_params: object,
        head: bytes,
        plain: bytes,
        plain_stream: bytes,
        encode: Callable[[Any], bytes],
        write_other: Callable[[Any], bytes],
    ) -> None: ...
    def write(self, request: Any) -> bytes: ...

class UsageReader:
    def __init__(self, *, usage: type[Any], details: type[Any], made: type[Any]) -> None: ...
    def read(self, usage: Any) -> Any: ...

class AnswerParser:
    def __init__(
        self,
        *,
        row: type[Any],
        completion: type[Any],
        choice: type[Any],
        message: type[Any],
        thoughts: tuple[str, str],
        text: type[Any],
        response: type[Any],
        unset: object,
        decode_usage: Callable[[Any], Any],
        unreadable: tuple[type[Exception], ...],
        rare: Any,
    ) -> None: ...
    def parse(self, row: Any, body: bytes, headers: Any) -> Any: ...
