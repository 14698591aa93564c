"""The optimisers there are: who serves which settings, and whose a handle is. Cold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tzproxy.config.optimizers import OptimizerConfig
from tzproxy.errors import NotSupportedError
from tzproxy.optimization.jobs import JobHandle, JobInfo
from tzproxy.optimization.samples import TrainingData


class Optimizer(Protocol):
    """One way to make a function better. Settings and handles are of one type each."""

    async def launch(self, settings: Any, data: TrainingData) -> JobHandle:
        """Begin a job.

        Raises:
            TzproxyError: when it cannot be begun.
        """
        ...

    async def poll(self, handle: Any) -> JobInfo:
        """Say how far a job is.

        Raises:
            TzproxyError: when nobody knows.
        """
        ...


class Optimizers:
    """All of them, by the names that settings and handles go by."""

    def __init__(self, by_type: Mapping[str, Optimizer]) -> None:
        self._by_type = dict(by_type)

    async def launch(self, settings: OptimizerConfig, data: TrainingData) -> JobHandle:
        """Begin a job. Raises as `Optimizer.launch`."""
        return await self._of(settings).launch(settings, data)

    async def poll(self, handle: JobHandle) -> JobInfo:
        """Say how far a job is. Raises as `Optimizer.poll`."""
        return await self._of(handle).poll(handle)

    def _of(self, one: OptimizerConfig | JobHandle) -> Optimizer:
        name = str(type(one).__struct_config__.tag)
        found = self._by_type.get(name)
        if found is None:
            raise NotSupportedError(f"Optimizers of type `{name}` are not supported here")
        return found
