"""`GET /anthropic/v1/models` and `/anthropic/v1/models/{model}`. Cold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from tzproxy.http.exchange import Exchange
from tzproxy.http.models import check_name, public_functions
from tzproxy.inference.engine import Catalog

ENCODER = msgspec.json.Encoder()


class ModelInfo(Struct, tag="model", tag_field="type", frozen=True):
    """A name in Anthropic's list. `created_at` is the start of this process."""

    id: str
    display_name: str
    created_at: str
    lifecycle: str = "active"


class ModelPage(Struct, frozen=True, kw_only=True):
    """Anthropic's list, always in one page."""

    data: list[ModelInfo]
    has_more: bool = False
    first_id: str | None
    last_id: str | None


class AnthropicModelsRoute:
    """Lists the bare names of configured functions and models."""

    def __init__(self, catalog: Catalog, models: Iterable[str]) -> None:
        """Write the list once."""
        names = list(dict.fromkeys([*public_functions(catalog), *models]))
        now = started()
        page = ModelPage(
            data=[ModelInfo(name, name, now) for name in names],
            first_id=names[0] if names else None,
            last_id=names[-1] if names else None,
        )
        self._body = ENCODER.encode(page)

    async def __call__(self, exchange: Exchange) -> None:
        """Answer."""
        await exchange.answer(200, self._body)


class AnthropicModelRoute:
    """Tells whether a name would be served."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._started = started()

    async def __call__(self, exchange: Exchange) -> None:
        """Answer, or refuse an unknown name."""
        name = unquote(exchange.parameters["model"])
        check_name(self._catalog, name)
        await exchange.answer(200, ENCODER.encode(ModelInfo(name, name, self._started)))


def started() -> str:
    """Return this moment as Anthropic writes moments."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
