from collections.abc import Callable
from typing import Any

class CompletionWriter:
    def __init__(
        self,
        *,
        answer: type[Any],
        inference: type[Any],
        request: type[Any],
        usage: type[Any],
        text: type[Any],
        completion: type[Any],
        choice: type[Any],
        message: type[Any],
        usage_object: type[Any],
        finish_reasons: dict[str, str],
        encode: Callable[[Any], bytes],
        rare: Any,
    ) -> None: ...
    def write(self, answer: Any) -> bytes: ...
    def usage_of(self, usage: Any) -> Any: ...
