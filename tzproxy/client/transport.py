"""How calls reach a gateway: what the two clients need of it, over HTTP or in the same process."""

from __future__ import annotations

from typing import Protocol, TypeVar

from tzproxy.client.calls import Call
from tzproxy.client.errors import TensorZeroError
from tzproxy.client.streams import AsyncInferenceStream, InferenceStream

T = TypeVar("T")
FIRST_ERROR_STATUS = 400


class Transport(Protocol):
    """Calls that block."""

    def send(self, call: Call[T]) -> T:
        """Make a call and return what its answer says.

        Raises:
            TensorZeroError: when the gateway answers with an error.
            TensorZeroInternalError: when it does not answer, or not what the call expects.
        """
        ...

    def stream(self, call: Call[object]) -> InferenceStream:
        """Make a call whose answer is a stream; return once its status is there. Raises as `send`."""
        ...

    def close(self) -> None:
        """Let go of what is held; again is nothing."""
        ...


class AsyncTransport(Protocol):
    """The same for a running loop, whichever it is."""

    async def send(self, call: Call[T]) -> T:
        """As `Transport.send`."""
        ...

    async def stream(self, call: Call[object]) -> AsyncInferenceStream:
        """As `Transport.stream`."""
        ...

    async def close(self) -> None:
        """As `Transport.close`."""
        ...


def refused(status: int, body: bytes) -> TensorZeroError:
    """Make the error of an answer that is one."""
    return TensorZeroError(status, body.decode("utf-8", "replace"))
