"""The figures of all workers of a gateway in one sum, whichever of them is asked. Cold.

Each worker leaves its figures in a file of its own every now and then; who is asked adds up the files of the
others and its own figures as they are. The figures outlive their workers: no counter falls then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.services.metrics_folder import MetricsFolder

logger = logging.getLogger(__name__)
SHARE_EVERY_S = 1.0


class SharedMetrics(Collector):
    """One worker's share in the sum. `begin` and `close` belong to its event loop."""

    def __init__(self, own: GatewayMetrics, bounds: Iterable[float], folder: Path) -> None:
        """Take part, under a name that no other worker has.

        Args:
            own: this worker's figures.
            bounds: the buckets of the overhead histogram, in seconds.
            folder: where the workers of this gateway, and nobody else, leave their files.
        """
        self._own = own
        self._bounds = tuple(bounds)
        self._folder = MetricsFolder(folder)
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Share from now on; those who have died since the last worker began are added up for good."""
        try:
            self._folder.fold(GatewayMetrics(self._bounds))
        except OSError as exc:
            logger.debug("the figures of dead workers were not added up: %s", exc)
        self._turn()

    def close(self) -> None:
        """Share a last time."""
        if self._timer is not None:
            self._timer.cancel()
        self.share()

    def _turn(self) -> None:
        self.share()
        self._timer = asyncio.get_running_loop().call_later(SHARE_EVERY_S, self._turn)

    def share(self) -> None:
        """Leave the figures for the others, if they have changed."""
        try:
            self._folder.leave(self._own.state())
        except OSError as exc:
            # A full disk must cost no request; the next turn tries again.
            logger.debug("the figures of this worker were not shared: %s", exc)

    def collect(self) -> Iterable[Metric]:
        """Give the sum to prometheus-client; runs on a thread."""
        total = GatewayMetrics(self._bounds)
        total.add(self._own.state())
        try:
            for state in self._folder.others():
                total.add(state)
        except OSError as exc:
            logger.warning("the figures of other workers cannot be read: %s", exc)
        return total.collect()
