"""What feedback has to know of its target. Cold: what this process recorded itself it seldom asks for."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient

FIND_INFERENCE = """
SELECT function_name, function_type, variant_name, episode_id FROM InferenceById
WHERE id_uint = toUInt128(toUUID({id:String}))
LIMIT 1
"""
FIND_EPISODE = """
SELECT 1 AS found FROM InferenceByEpisodeId
WHERE episode_id_uint = toUInt128(toUUID({id:String}))
LIMIT 1
"""
# The sorting key of both inference tables.
_THIS_INFERENCE = """
WHERE function_name = {function_name:String} AND variant_name = {variant_name:String}
    AND episode_id = toUUID({episode_id:String}) AND id = toUUID({id:String})
LIMIT 1
"""
FIND_TOOLS = (
    "SELECT tool_params, dynamic_tools, allowed_tools, tool_choice FROM ChatInference" + _THIS_INFERENCE
)
FIND_OUTPUT_SCHEMA = "SELECT output_schema FROM JsonInference" + _THIS_INFERENCE
FIND_OUTPUT = {
    "chat": "SELECT output FROM ChatInference" + _THIS_INFERENCE,
    "json": "SELECT output FROM JsonInference" + _THIS_INFERENCE,
}


class TargetInference(Struct, frozen=True, kw_only=True):
    """Where a stored inference is to be found."""

    function_name: str
    function_type: Literal["chat", "json"]
    variant_name: str
    episode_id: str


class StoredTools(Struct, frozen=True, kw_only=True):
    """The tool columns of a chat inference. The texts are JSON; see the data model's read rule."""

    tool_params: str
    """The older form: all tools that were offered, or nothing."""
    dynamic_tools: list[str]
    allowed_tools: str | None
    tool_choice: str | None


class FeedbackTargets:
    """Looks the targets of feedback up in the store. Every method raises StoreError when that fails."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def find_inference(self, inference_id: str) -> TargetInference | None:
        """Return where an inference is; None: it is not in the store (yet)."""
        rows = await self._store.query(FIND_INFERENCE, {"id": inference_id})
        return msgspec.convert(rows[0], TargetInference) if rows else None

    async def has_episode(self, episode_id: str) -> bool:
        """Whether any inference of an episode is in the store."""
        return bool(await self._store.query(FIND_EPISODE, {"id": episode_id}))

    async def find_tools(self, inference_id: str, target: TargetInference) -> StoredTools | None:
        """Return the tools of a chat inference."""
        rows = await self._store.query(FIND_TOOLS, _key(inference_id, target))
        return msgspec.convert(rows[0], StoredTools) if rows else None

    async def find_output_schema(self, inference_id: str, target: TargetInference) -> str | None:
        """Return the schema that a JSON inference's output had to fit, as JSON."""
        rows = await self._store.query(FIND_OUTPUT_SCHEMA, _key(inference_id, target))
        return str(rows[0]["output_schema"]) if rows else None

    async def find_output(self, inference_id: str, target: TargetInference) -> str | None:
        """Return an inference's output, byte for byte as stored."""
        rows = await self._store.query(FIND_OUTPUT[target.function_type], _key(inference_id, target))
        return str(rows[0]["output"]) if rows else None


def _key(inference_id: str, target: TargetInference) -> dict[str, object]:
    return {
        "id": inference_id,
        "function_name": target.function_name,
        "variant_name": target.variant_name,
        "episode_id": target.episode_id,
    }
