"""What pages about the past ask for: single inferences, their feedback, episodes. Cold."""

from __future__ import annotations

from collections.abc import Mapping

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.queries.episodes import Episodes
from tzproxy.clickhouse.queries.feedback_lists import FeedbackLists
from tzproxy.clickhouse.queries.inference_details import InferenceDetails
from tzproxy.clickhouse.queries.inference_query import FunctionType
from tzproxy.config.functions import MetricConfig
from tzproxy.errors import NotFoundError, RequestError
from tzproxy.types.pages import (
    ById,
    EpisodeBounds,
    EpisodePage,
    FeedbackBounds,
    FeedbackPage,
    MetadataPage,
    Nothing,
)

MOST_EPISODES = 100


class PageReader:
    """Answers in the API's form. One per gateway process.

    Every method raises RequestError for what cannot be asked, and StoreError when the store does not answer
    or refuses.
    """

    def __init__(
        self,
        store: AsyncStoreClient,
        metrics: Mapping[str, MetricConfig],
        functions: Mapping[str, FunctionType],
    ) -> None:
        """Read from a store, by the metrics and functions of a configuration."""
        self._details = InferenceDetails(store)
        self._feedback = FeedbackLists(store)
        self._episodes = Episodes(store, metrics)
        self._functions = functions

    async def inference_metadata(self, page: MetadataPage) -> object:
        """List inferences without reading them."""
        if page.before is not None and page.after is not None:
            raise RequestError("Cannot specify both 'before' and 'after' parameters")
        return {"inference_metadata": await self._details.metadata(page)}

    async def model_inferences(self, asked: ById) -> object:
        """List the model calls of an inference."""
        return {"model_inferences": await self._details.model_inferences(asked.id)}

    async def resolve(self, asked: ById) -> object:
        """Say what an id names."""
        return {"id": asked.id, "object_types": await self._details.resolve(asked.id)}

    async def feedback(self, page: FeedbackPage) -> object:
        """List all feedback about an inference or an episode."""
        _check_feedback_page(page)
        return {"feedback": await self._feedback.page(page)}

    async def demonstrations(self, page: FeedbackPage) -> object:
        """List the demonstrations of an inference."""
        _check_feedback_page(page)
        return {"feedback": await self._feedback.page(page, ("demonstration",))}

    async def feedback_bounds(self, asked: ById) -> FeedbackBounds:
        """Return the oldest and the newest feedback about a target."""
        return await self._feedback.bounds(asked.id)

    async def feedback_count(self, asked: ById) -> object:
        """Count the feedback about a target."""
        return {"count": await self._feedback.count(asked.id)}

    async def latest_feedback(self, asked: ById) -> object:
        """Return the newest feedback of each metric."""
        return {"feedback_id_by_metric": await self._feedback.latest_by_metric(asked.id)}

    async def episodes(self, page: EpisodePage) -> object:
        """List episodes."""
        if page.limit < 1:
            raise RequestError("Limit must be at least 1")
        if page.limit > MOST_EPISODES:
            raise RequestError(f"Limit cannot exceed {MOST_EPISODES}")
        if page.before is not None and page.after is not None:
            raise RequestError("Cannot specify both before and after in query_episode_table")
        kind = None
        if page.filters is not None and page.function_name is not None:
            kind = self._functions.get(page.function_name)
            if kind is None:
                raise NotFoundError(f"Unknown function: {page.function_name}")
        return {"episodes": await self._episodes.page(page, kind)}

    async def episode_bounds(self, asked: Nothing) -> EpisodeBounds:
        """Return the oldest and the newest episode."""
        return await self._episodes.bounds()

    async def episode_inferences(self, asked: ById) -> object:
        """Count the inferences of an episode."""
        return {"inference_count": await self._episodes.count_inferences(asked.id)}


def _check_feedback_page(page: FeedbackPage) -> None:
    if page.before is not None and page.after is not None:
        raise RequestError("Cannot specify both before and after in query_feedback_by_target_id")
