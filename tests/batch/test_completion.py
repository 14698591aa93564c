"""Tests of `tzproxy.batch.completion`: parts, tokens, what is left out."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from batch.test_results import BATCH, element, result
from tzproxy.batch.completion import RESULTS_AT_ONCE, Completion
from tzproxy.batch.results import Restorer
from tzproxy.clickhouse.queries.batches import StoredElement
from tzproxy.errors import StoreError
from tzproxy.providers.batches import BatchResult
from tzproxy.types.content import Text


class FakeStore:
    """Keeps what was written, by token."""

    def __init__(self, *elements: StoredElement) -> None:
        self.known = {one.inference_id: one for one in elements}
        self.tables: dict[str, list[Any]] = {}
        self.tokens: list[str] = []

    async def insert(self, table: str, lines: bytes, *, token: str) -> None:
        """Keep rows."""
        self.tokens.append(token)
        self.tables.setdefault(table, []).extend(json.loads(line) for line in lines.splitlines())

    async def elements(self, batch_id: str, first_id: str, last_id: str) -> list[StoredElement]:
        """Find elements."""
        found = [self.known[key] for key in sorted(self.known) if first_id <= key <= last_id]
        assert len(found) <= RESULTS_AT_ONCE
        return found

    async def stored_inferences(self, batch_id: str) -> set[str]:
        """Find inferences."""
        return {row["id"] for row in self.tables.get("ChatInference", ())}

    async def stored_calls(self, batch_id: str) -> set[str]:
        """Find calls."""
        return {row["inference_id"] for row in self.tables.get("ModelInference", ())}


def named(name: str) -> BatchResult:
    """A result of an inference."""
    return BatchResult(inference_id=name, response=result(Text(name)).response, raw_response="{}")


def completion(store: FakeStore, noted: list[str]) -> Completion:
    """What writes the end of a batch."""
    restorer = Restorer(BATCH, "chat", prices=(), snapshot_hash=1)

    def note(one: StoredElement, result: BatchResult) -> bytes | None:
        noted.append(one.inference_id)
        return b'{"kept":1}' if one.inference_id == "kept" else None

    return Completion(store, BATCH, restorer, note)


class FullStore(FakeStore):
    """Takes no replies."""

    async def insert(self, table: str, lines: bytes, *, token: str) -> None:
        """Refuse them."""
        if table == "ModelInferenceCache":
            raise StoreError("full")
        await super().insert(table, lines, token=token)


async def test_replies_are_kept_beside(caplog: pytest.LogCaptureFixture) -> None:
    """A row for the cache is written with the others; without it nothing is amiss."""
    store = FakeStore(element(inference_id="a"), element(inference_id="kept"))
    await completion(store, []).write([named("a"), named("kept")])
    assert store.tables["ModelInferenceCache"] == [{"kept": 1}]
    full = FullStore(element(inference_id="kept"))
    with caplog.at_level(logging.WARNING):
        answers = await completion(full, []).write([named("kept")])
    assert answers is not None and len(answers) == 1
    assert "its answers are not kept for later requests: full" in caplog.text


async def test_many_results_are_written_in_parts() -> None:
    """All are written once and noted once, in the order of their ids; again, nothing is."""
    names = [f"i{number:04}" for number in range(RESULTS_AT_ONCE + 30)]
    store, noted = FakeStore(*(element(inference_id=name) for name in names)), list[str]()
    answers = await completion(store, noted).write([named(name) for name in reversed(names)])
    assert answers is not None
    assert [one.inference_id for one in answers] == noted == names
    assert [row["id"] for row in store.tables["ChatInference"]] == names
    assert [row["inference_id"] for row in store.tables["ModelInference"]] == names
    assert len(store.tokens) == len(set(store.tokens)) == 4
    assert await completion(store, noted).write([named(name) for name in names]) == answers
    assert (len(store.tokens), noted) == (4, names)


async def test_tokens_follow_from_the_rows() -> None:
    """Whoever writes the same rows uses the same token, whoever writes others another."""
    tokens = []
    for names in (["a", "b"], ["b", "a"], ["a"]):
        store = FakeStore(element(inference_id="a"), element(inference_id="b"))
        await completion(store, []).write([named(name) for name in names])
        tokens.append(store.tokens)
    assert tokens[0] == tokens[1]
    assert not set(tokens[0]) & set(tokens[2])


async def test_nobody_is_known() -> None:
    """Results without any inference are told apart from no results."""
    store = FakeStore()
    assert await completion(store, []).write([named("a")]) is None
    assert store.tables == {}


async def test_what_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """A result of nobody and an inference that cannot be restored are logged; the others are written."""
    store = FakeStore(element(inference_id="a"), element(inference_id="b", inference_params="{"))
    with caplog.at_level(logging.WARNING):
        answers = await completion(store, []).write([named(name) for name in "abc"])
    assert answers is not None
    assert [one.inference_id for one in answers] == ["a"]
    assert "inference b is left out" in caplog.text
    assert "gave 3 results of which 1 are not known" in caplog.text
