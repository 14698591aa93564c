"""`[models]` and `[embedding_models]`.

Must not: check that routing and providers agree; `checks` does. Cold.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from tzproxy.config.decode import Context, Reader, Reads, reader_of
from tzproxy.config.problems import Path
from tzproxy.config.providers import ProviderConfig
from tzproxy.config.requests import TimeoutsConfig
from tzproxy.config.scalars import U64, Namespace


def _provider_reader(kind: str, foreign: dict[str, str]) -> Reader:
    read_provider = reader_of(ProviderConfig)
    hidden = frozenset(foreign)

    def read(value: object, path: Path, context: Context) -> object:
        if isinstance(value, dict):
            for key in value.keys() & hidden:
                reason = f"unknown field `{key}`, providers of {kind} do not have it{foreign[key]}"
                context.problems.add((*path, key), reason)
        return read_provider(value, path, context.hiding(hidden))

    return read


ChatProvider = Annotated[
    ProviderConfig, Reads(_provider_reader("models", {"timeout_ms": ", use `timeouts`"}))
]
EmbeddingProvider = Annotated[
    ProviderConfig,
    Reads(
        _provider_reader(
            "embedding models",
            {"timeouts": ", use `timeout_ms`", "discard_unknown_chunks": "", "batch_cost": ""},
        )
    ),
]


class ModelConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[models.M]`: providers that can serve one model, and the order to try them in.

    Attributes:
        routing: provider names in the order of attempts; required.
        providers: the providers by name; required.
        timeouts: deadlines over all providers of one attempt.
        namespace: only requests of this namespace may use the model; default none.
        skip_relay: accepted, without effect.
    """

    routing: tuple[str, ...]
    providers: dict[str, ChatProvider]
    timeouts: TimeoutsConfig = TimeoutsConfig()
    namespace: Namespace | None = None
    skip_relay: bool = False


class EmbeddingModelConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[embedding_models.M]`.

    Attributes:
        routing: provider names in the order of attempts; not checked at load; required.
        providers: the providers by name; required.
        timeout_ms: deadline of the whole request over all providers, in ms; default none.
    """

    routing: tuple[str, ...]
    providers: dict[str, EmbeddingProvider]
    timeout_ms: U64 | None = None
