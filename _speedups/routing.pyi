from typing import Generic, TypeVar

Handler = TypeVar("Handler")

class Router(Generic[Handler]):
    def __init__(self, base_path: str = "/") -> None: ...
    def add(self, method: str, path: str, handler: Handler) -> None: ...
    def match(
        self, method: str, path: str
    ) -> tuple[Handler | None, dict[str, str] | None, list[str] | None]: ...
