"""Episodes of workflow evaluation runs. Cold: only episode ids from such a run come here."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient

FIND = """
SELECT variant_pins, tags FROM DynamicEvaluationRunEpisode
WHERE episode_id_uint = toUInt128(toUUID({episode_id:String}))
LIMIT 1
"""


class WorkflowEpisode(Struct, frozen=True):
    """What an episode of a workflow evaluation run brings into its inferences."""

    variant_pins: dict[str, str]
    """Function name to the variant that has to serve it."""
    tags: dict[str, str]


class WorkflowEpisodes:
    """Looks episodes up in the store."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def find(self, episode_id: str) -> WorkflowEpisode | None:
        """Return an episode, or None when no run has it.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        rows = await self._store.query(FIND, {"episode_id": episode_id})
        return msgspec.convert(rows[0], WorkflowEpisode) if rows else None
