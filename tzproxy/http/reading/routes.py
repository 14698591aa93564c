"""Which reading route is answered by which question. A new one is one line. Cold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from msgspec import Struct

from tzproxy.errors import StoreError
from tzproxy.http.app import Handler
from tzproxy.http.exchange import Exchange
from tzproxy.http.reading.asked import ReadBodyRoute, ReadRoute
from tzproxy.http.reading.inferences import CountInferencesRoute, GetInferencesRoute, ListInferencesRoute
from tzproxy.reading.inferences import InferenceReader
from tzproxy.reading.pages import PageReader
from tzproxy.types.pages import ById, EpisodePage, FeedbackPage, MetadataPage, Nothing

_FEEDBACK = "/internal/feedback/{id}"
PAGES: tuple[tuple[str, str, type[Struct], Callable[[PageReader, Any], Awaitable[object]]], ...] = (
    ("GET", "/internal/inference_metadata", MetadataPage, PageReader.inference_metadata),
    ("GET", "/internal/model_inferences/{id}", ById, PageReader.model_inferences),
    ("GET", "/internal/resolve_uuid/{id}", ById, PageReader.resolve),
    ("GET", _FEEDBACK, FeedbackPage, PageReader.feedback),
    ("GET", f"{_FEEDBACK}/bounds", ById, PageReader.feedback_bounds),
    ("GET", f"{_FEEDBACK}/count", ById, PageReader.feedback_count),
    ("GET", f"{_FEEDBACK}/latest_id_by_metric", ById, PageReader.latest_feedback),
    ("GET", f"{_FEEDBACK}/demonstrations", FeedbackPage, PageReader.demonstrations),
    ("GET", "/internal/episodes", EpisodePage, PageReader.episodes),
    ("POST", "/internal/episodes", EpisodePage, PageReader.episodes),
    ("GET", "/internal/episodes/bounds", Nothing, PageReader.episode_bounds),
    ("GET", "/internal/episodes/{id}/inference_count", ById, PageReader.episode_inferences),
)


def reading_routes(inferences: InferenceReader, pages: PageReader | None) -> dict[tuple[str, str], Handler]:
    """Put routes in front of what reads. `pages` None: there is no store, and every page says so."""
    routes: dict[tuple[str, str], Handler] = {
        ("POST", "/v1/inferences/list_inferences"): ListInferencesRoute(inferences),
        ("POST", "/v1/inferences/get_inferences"): GetInferencesRoute(inferences),
        ("POST", "/internal/inferences/count"): CountInferencesRoute(inferences),
    }
    for method, path, kind, read in PAGES:
        if pages is None:
            routes[method, path] = refuse
        else:
            made = ReadRoute if method == "GET" else ReadBodyRoute
            routes[method, path] = made(kind, partial(read, pages))
    return routes


async def refuse(exchange: Exchange) -> None:
    """Say that nothing is recorded.

    Raises:
        StoreError: always.
    """
    raise StoreError("What was recorded is read from a ClickHouse store, and there is none.")
