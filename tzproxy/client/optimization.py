"""The optimizers as a client has them: `client.optimization.gepa`."""

from __future__ import annotations

from typing import Any, Unpack
from urllib.parse import quote

from tzproxy.client.arguments import GepaArguments, check, takes
from tzproxy.client.calls import Call, read_as
from tzproxy.client.encoding import body_of
from tzproxy.client.reading import decoded
from tzproxy.client.transport import AsyncTransport, Transport
from tzproxy.client.types.optimization import GepaLaunchResponse

GEPA = "/v1/optimization/gepa"


def launch_gepa(given: GepaArguments) -> Call[GepaLaunchResponse]:
    """Ask for a search.

    Raises:
        TypeError: for arguments that the method does not have, or lacks.
    """
    check("launch", given, GepaArguments)
    return Call("POST", GEPA, read_as(GepaLaunchResponse), body_of(given))


def get_gepa(task_id: str) -> Call[dict[str, Any]]:
    """Ask how a search is."""
    return Call("GET", f"{GEPA}/{quote(str(task_id), safe='')}", decoded)


class GepaNamespace:
    """Search for better prompts by reflection."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @takes(GepaArguments)
    def launch(self, **arguments: Unpack[GepaArguments]) -> GepaLaunchResponse:
        """Begin a search; it goes on in the gateway.

        Raises:
            TensorZeroError: when the gateway refuses.
            TensorZeroInternalError: when it does not answer.
        """
        return self._transport.send(launch_gepa(arguments))

    def get(self, *, task_id: str) -> dict[str, Any]:
        """Ask how a search is: `status` is `pending`, `completed` or `error`. Raises as `launch`."""
        return self._transport.send(get_gepa(task_id))


class OptimizationNamespace:
    """All optimizers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def gepa(self) -> GepaNamespace:
        """Search for better prompts by reflection."""
        return GepaNamespace(self._transport)


class AsyncGepaNamespace:
    """Search for better prompts by reflection."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    @takes(GepaArguments)
    async def launch(self, **arguments: Unpack[GepaArguments]) -> GepaLaunchResponse:
        """As `GepaNamespace.launch`."""
        return await self._transport.send(launch_gepa(arguments))

    async def get(self, *, task_id: str) -> dict[str, Any]:
        """As `GepaNamespace.get`."""
        return await self._transport.send(get_gepa(task_id))


class AsyncOptimizationNamespace:
    """All optimizers."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    @property
    def gepa(self) -> AsyncGepaNamespace:
        """Search for better prompts by reflection."""
        return AsyncGepaNamespace(self._transport)
