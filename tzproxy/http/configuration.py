"""`/internal/config`: the configuration in force, earlier ones by their hash, and ones to be kept. Cold.

A hash is told as rows have it, as a decimal number; asked for, it may also be 64 hexadecimal digits.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from tzproxy.clickhouse import AsyncStoreClient
from tzproxy.clickhouse.snapshots import ConfigSnapshot, find_config_snapshot, upsert_config_snapshot
from tzproxy.config import LoadedConfig, read_canonical, snapshot_of
from tzproxy.errors import ConfigError, NotFoundError, RequestError
from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange
from tzproxy.inference.catalog import ConfigCatalog

ENCODER = msgspec.json.Encoder()
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_DECIMAL = re.compile(r"[0-9]{1,78}")


class ConfigAnswer(Struct, frozen=True):
    """A configuration: its document, and what only other templates name."""

    config: dict[str, Any]
    hash: str
    extra_templates: dict[str, str]
    tags: dict[str, str]


class ConfigToKeep(Struct, frozen=True, forbid_unknown_fields=True):
    """A configuration that is to be found by its hash later."""

    config: dict[str, Any]
    extra_templates: dict[str, str] = {}
    tags: dict[str, str] = {}


DECODER = msgspec.json.Decoder(ConfigToKeep)


class CurrentConfigRoute:
    """Tells the configuration in force; secrets in it are blotted out."""

    def __init__(self, loaded: LoadedConfig, catalog: ConfigCatalog) -> None:
        self._answer = partial(
            ConfigAnswer,
            loaded.merged,
            str(catalog.snapshot.hash_int),
            extra_templates=catalog.extra_templates,
            tags={},
        )

    async def __call__(self, exchange: Exchange) -> None:
        """Answer."""
        await exchange.answer(200, ENCODER.encode(self._answer()))


class ConfigByHashRoute:
    """Finds a configuration that a gateway has run with."""

    def __init__(self, store: AsyncStoreClient | None) -> None:
        self._store = store

    async def __call__(self, exchange: Exchange) -> None:
        """Answer with the configuration.

        Raises:
            NotFoundError: when no gateway has run with it.
        """
        given = exchange.parameters["hash"]
        number = parse_hash(given)
        found = await opened(self._store).run(partial(find_config_snapshot, hash_=number))
        if found is None:
            raise NotFoundError(f"Config snapshot not found for hash: {given}")
        answer = ConfigAnswer(
            read_canonical(found.config), str(number), dict(found.extra_templates), dict(found.tags)
        )
        await exchange.answer(200, ENCODER.encode(answer))


class KeepConfigRoute:
    """Notes a configuration in the store. It does not come into force."""

    def __init__(self, store: AsyncStoreClient | None) -> None:
        self._store = store

    async def __call__(self, exchange: Exchange) -> None:
        """Answer with the hash, once it is stored.

        Raises:
            RequestError: when the document is no configuration, with the path of each mistake.
        """
        asked = decode_body(DECODER, await exchange.body())
        try:
            taken = snapshot_of(asked.config, asked.extra_templates)
        except ConfigError as exc:
            raise RequestError("config: " + "; ".join(exc.problems)) from exc
        kept = ConfigSnapshot(
            hash=taken.hash_int,
            config=taken.toml,
            extra_templates=taken.extra_templates,
            tags=asked.tags,
        )
        await opened(self._store).run(partial(upsert_config_snapshot, snapshot=kept))
        await exchange.answer(200, ENCODER.encode({"hash": str(taken.hash_int)}))


def parse_hash(text: str) -> int:
    """Read a hash in either form.

    Raises:
        RequestError: when it is none.
    """
    number = int(text, 16) if _HEX.fullmatch(text) else int(text) if _DECIMAL.fullmatch(text) else 2**256
    if number >= 2**256:
        raise RequestError(f"Invalid config hash: {text}")
    return number


def opened(store: AsyncStoreClient | None) -> AsyncStoreClient:
    """Return the store.

    Raises:
        RequestError: when there is none.
    """
    if store is None:
        raise RequestError("Config snapshots require observability to be enabled")
    return store
