"""What the client raises. Names, attributes and texts are those of TensorZero's client. Cold."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


class BaseTensorZeroError(Exception):
    """The root of all that is raised here."""


class TensorZeroInternalError(BaseTensorZeroError):
    """The request could not be made, or its answer could not be read: there is no status."""

    def __init__(self, msg: str) -> None:
        """Keep the message as `msg`."""
        super().__init__(msg)
        self.msg = msg

    def __str__(self) -> str:
        return self.msg


class NotSupportedError(TensorZeroInternalError, NotImplementedError):
    """The method exists in TensorZero's client and does nothing here yet; the message names it."""


class TensorZeroError(BaseTensorZeroError):
    """The gateway answered with an error: its status, and its body as it came."""

    def __init__(self, status_code: int, text: str | None = None) -> None:
        """Keep `status_code` and `text`."""
        super().__init__(status_code, text)
        self.status_code = status_code
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.status_code, self.text)

    @property
    def response(self) -> httpx.Response:
        """The same as an httpx response. Deprecated: use `status_code` and `text`."""
        import httpx  # noqa: PLC0415 - slow to load, and needed by nobody else here

        warnings.warn(
            "`TensorZeroError.response` is deprecated: use `.status_code` and `.text`",
            DeprecationWarning,
            stacklevel=2,
        )
        return httpx.Response(self.status_code, text=self.text)

    def __str__(self) -> str:
        return f"TensorZeroError (status code {self.status_code}): {self.text}"


def unreadable(reason: str) -> TensorZeroInternalError:
    """Make the error of an answer that is not what the method expects."""
    return TensorZeroInternalError(f"Internal TensorZero Error: Error deserializing response: {reason}")
