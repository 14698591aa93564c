"""The optimizers as a client has them: `client.optimization.gepa`."""

from __future__ import annotations

from typing import NoReturn, Unpack

from tzproxy.client.arguments import GepaArguments, takes
from tzproxy.client.base import not_supported


class GepaNamespace:
    """Search for better prompts by reflection."""

    @takes(GepaArguments)
    def launch(self, **arguments: Unpack[GepaArguments]) -> NoReturn:
        """Not supported yet.

        Raises:
            NotSupportedError: always.
        """
        raise not_supported("optimization.gepa.launch")

    def get(self, *, task_id: str) -> NoReturn:
        """Not supported yet.

        Raises:
            NotSupportedError: always.
        """
        raise not_supported("optimization.gepa.get")


class OptimizationNamespace:
    """All optimizers."""

    @property
    def gepa(self) -> GepaNamespace:
        """Search for better prompts by reflection."""
        return GepaNamespace()


class AsyncGepaNamespace:
    """Search for better prompts by reflection."""

    @takes(GepaArguments)
    async def launch(self, **arguments: Unpack[GepaArguments]) -> NoReturn:
        """Not supported yet.

        Raises:
            NotSupportedError: always.
        """
        raise not_supported("optimization.gepa.launch")

    async def get(self, *, task_id: str) -> NoReturn:
        """Not supported yet.

        Raises:
            NotSupportedError: always.
        """
        raise not_supported("optimization.gepa.get")


class AsyncOptimizationNamespace:
    """All optimizers."""

    @property
    def gepa(self) -> AsyncGepaNamespace:
        """Search for better prompts by reflection."""
        return AsyncGepaNamespace()
