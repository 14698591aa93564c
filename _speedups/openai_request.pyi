from collections.abc import Mapping, Sequence
from typing import Any

class MessageReader:
    def __init__(self, *, message: type[Any], turn: type[Any], input: type[Any], rare: Any) -> None: ...
    def read(self, messages: Sequence[Any]) -> Any: ...

class RequestReader:
    def __init__(
        self,
        *,
        request: type[Any],
        made: type[Any],
        messages: MessageReader,
        checked: Sequence[str],
        params: Sequence[str],
        translated: Sequence[str],
        targets: Mapping[str, tuple[str, None] | tuple[None, str]],
        no_params: object,
        rare: Any,
    ) -> None: ...
    def read(self, request: Any) -> Any: ...
