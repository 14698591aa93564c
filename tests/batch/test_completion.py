"""Tests of `tzproxy.batch.completion`: parts, tokens, what is left out."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec
import pytest

from batch.test_results import BATCH, element, result
from tzproxy.batch.completion import Completion
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
        self.looked_up: list[int] = []

    async def insert(self, table: str, lines: bytes, *, token: str) -> None:
        """Keep rows."""
        self.tokens.append(token)
        self.tables.setdefault(table, []).extend(json.loads(line) for line in lines.splitlines())

    async def elements(self, batch_id: str, ids: Sequence[str]) -> list[StoredElement]:
        """Find elements."""
        self.looked_up.append(len(ids))
        return [self.known[key] for key in sorted(self.known) if key in ids]

    async def stored_inferences(self, batch_id: str) -> set[str]:
        """Find inferences."""
        return {row["id"] for row in self.tables.get("ChatInference", ())}

    async def stored_calls(self, batch_id: str) -> set[str]:
        """Find calls."""
        return {row["inference_id"] for row in self.tables.get("ModelInference", ())}


def named(name: str) -> BatchResult:
    """A result of an inference."""
    return BatchResult(inference_id=name, response=result(Text(name)).response, raw_response="{}")


async def parts_of(*parts: Sequence[str]) -> AsyncGenerator[list[BatchResult]]:
    """Results of inferences, as they come."""
    for part in parts:
        yield [named(name) for name in part]


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
    await completion(store, []).write(parts_of(["a", "kept"]))
    assert store.tables["ModelInferenceCache"] == [{"kept": 1}]
    full = FullStore(element(inference_id="kept"))
    with caplog.at_level(logging.WARNING):
        written = await completion(full, []).write(parts_of(["kept"]))
    assert len(written.answers) == 1
    assert "its answers are not kept for later requests: full" in caplog.text


async def test_results_are_written_in_parts() -> None:
    """Each part is written once and noted once, in the order of its ids; again, nothing is."""
    store, noted = FakeStore(*(element(inference_id=name) for name in "abcde")), list[str]()
    written = await completion(store, noted).write(parts_of("eb", "dac"))
    assert (written.results, written.known) == (5, 5)
    assert [one.inference_id for one in written.answers] == list("abcde")
    assert noted == list("beacd")
    assert [row["id"] for row in store.tables["ChatInference"]] == noted
    assert [row["inference_id"] for row in store.tables["ModelInference"]] == noted
    assert store.looked_up == [2, 3]
    assert len(store.tokens) == len(set(store.tokens)) == 4
    assert await completion(store, noted).write(parts_of("eb", "dac")) == written
    assert (len(store.tokens), len(noted)) == (4, 5)


async def test_one_of_several_results_counts() -> None:
    """An inference that a file answers twice, in one part or in two, is written once: the first answer."""
    store = FakeStore(element(inference_id="a"))

    async def parts() -> AsyncGenerator[list[BatchResult]]:
        for texts in (("first", "second"), ("third",)):
            yield [msgspec.structs.replace(named(text), inference_id="a") for text in texts]

    written = await completion(store, []).write(parts())
    assert written.results == 1
    (row,) = store.tables["ChatInference"]
    assert json.loads(row["output"])[0]["text"] == "first"


async def test_one_answer_is_wanted() -> None:
    """All rows are written, and the others' answers are not kept in memory."""
    store = FakeStore(element(inference_id="a"), element(inference_id="b"))
    written = await completion(store, []).write(parts_of("ab"), "b")
    assert [one.inference_id for one in written.answers] == ["b"]
    assert len(store.tables["ChatInference"]) == 2


async def test_tokens_follow_from_the_rows() -> None:
    """Whoever writes the same rows uses the same token, whoever writes others another."""
    tokens = []
    for names in ("ab", "ba", "a"):
        store = FakeStore(element(inference_id="a"), element(inference_id="b"))
        await completion(store, []).write(parts_of(names))
        tokens.append(store.tokens)
    assert tokens[0] == tokens[1]
    assert not set(tokens[0]) & set(tokens[2])


async def test_nobody_is_known() -> None:
    """Results without any inference are told apart from no results."""
    store = FakeStore()
    written = await completion(store, []).write(parts_of("a"))
    assert (written.results, written.known) == (1, 0)
    written = await completion(store, []).write(parts_of())
    assert (written.results, written.known) == (0, 0)
    assert store.tables == {}


async def test_what_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """A result of nobody and an inference that cannot be restored are logged; the others are written."""
    store = FakeStore(element(inference_id="a"), element(inference_id="b", inference_params="{"))
    with caplog.at_level(logging.WARNING):
        written = await completion(store, []).write(parts_of("abc"))
    assert [one.inference_id for one in written.answers] == ["a"]
    assert "inference b is left out" in caplog.text
    assert "gave 3 results of which 1 are not known" in caplog.text
