"""Tests of `tzproxy.clickhouse.queries.inferences`, on the embedded engine."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from clickhouse.rows import chat_inference, lines
from tzproxy._speedups.ids import format_uuid
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries import inferences
from tzproxy.clickhouse.queries.inference_query import InferenceQuery
from tzproxy.clickhouse.queries.inferences import StoredInferenceRow, StoredInferences
from tzproxy.config.functions import MetricConfig
from tzproxy.errors import RequestError, StoreError
from tzproxy.types.filters import (
    DemonstrationFilter,
    FloatMetricFilter,
    OrderByMetric,
    OrderByRelevance,
    OrderByTimestamp,
    TagFilter,
)

METRICS = {
    "score": MetricConfig(type="float", optimize="max", level="inference"),
    "mood": MetricConfig(type="boolean", optimize="max", level="episode"),
}
START_MS = 1_767_225_600_000
_NUMBERS = itertools.count(1)


def id_at(second: int) -> str:
    """Make an id of that second whose second half, by which the engine sorts UUIDs, says the opposite."""
    number = next(_NUMBERS)
    head = (START_MS + second * 1000 + number % 1000).to_bytes(6, "big")
    return format_uuid(head + b"\x70\x00" + (0xBFFF - number).to_bytes(2, "big") + number.to_bytes(6, "big"))


def said(text: str) -> dict[str, Any]:
    """Make an input."""
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]}


@pytest.fixture
def rows(migrated: StoreClient) -> dict[str, str]:
    """Five inferences, a to e from the oldest to the newest, d of a JSON function; names to ids."""
    ids = {name: id_at(second) for second, name in enumerate("abcde")}
    episodes = {name: id_at(0) for name in "abe"}
    made = {
        name: chat_inference(
            id=ids[name],
            function_name="f" if name != "e" else "g",
            variant_name="v" if name != "b" else "w",
            episode_id=episodes.get(name, episodes["a"]),
            input=said({"a": 'say "Ä\\"', "b": "say say", "c": "x"}.get(name, name)),
            output=[{"type": "text", "text": "said" if name != "c" else "SAY ä"}],
            tags={"name": name},
            snapshot_hash="255" if name == "a" else None,
        )
        for name in "abce"
    }
    output = {"raw": '{"a": 1}', "parsed": {"a": 1}}
    answer = chat_inference(
        id=ids["d"], function_name="j", output=output, output_schema={"type": "object"}, auxiliary_content=[]
    )
    migrated.insert_json("ChatInference", lines(*made.values()))
    migrated.insert_json("JsonInference", lines(answer))
    scores = [("a", 0.25, 1), ("c", 0.75, 2), ("c", 0.1, 3)]
    migrated.insert_json(
        "FloatMetricFeedback",
        lines(
            *(
                {"id": id_at(100 + age), "target_id": ids[name], "metric_name": "score", "value": value}
                for name, value, age in scores
            )
        ),
    )
    mood = {"id": id_at(100), "target_id": episodes["b"], "metric_name": "mood", "value": True}
    migrated.insert_json("BooleanMetricFeedback", lines(mood))
    shown = [
        {"id": id_at(200 + age), "inference_id": ids[name], "value": f'[{{"type":"text","text":"{text}"}}]'}
        for age, (name, text) in enumerate([("a", "old"), ("a", "new"), ("c", "better")])
    ]
    migrated.insert_json("DemonstrationFeedback", lines(*shown))
    return ids


@pytest.fixture
async def stored(migrated: StoreClient) -> AsyncIterator[StoredInferences]:
    """Reads the test's own database."""
    store = AsyncStoreClient(migrated.url, threads=1)
    yield StoredInferences(store, METRICS)
    await store.close()


async def read(stored: StoredInferences, **query: Any) -> list[StoredInferenceRow]:
    """Read a whole list."""
    asked = InferenceQuery(**{"limit": 20, **query})
    return [row async for part in stored.rows(asked) for row in part]


async def names(stored: StoredInferences, known: dict[str, str], **query: Any) -> str:
    """Read a list, as the letters of its inferences."""
    letters = {id: name for name, id in known.items()}
    return "".join(letters[row.id] for row in await read(stored, **query))


F = {"function_name": "f", "function_type": "chat"}


async def test_newest_first_whatever_the_engine_thinks_of_uuids(
    stored: StoredInferences, rows: dict[str, str], migrated: StoreClient
) -> None:
    """Inferences of both kinds come in one order of time, not in the engine's order of UUIDs."""
    engine = migrated.query("SELECT id FROM ChatInference ORDER BY id DESC")
    assert [row["id"] for row in engine] == [rows[name] for name in "abce"]
    assert await names(stored, rows) == "edcba"
    assert await names(stored, rows, limit=None) == "edcba"
    assert await names(stored, rows, **F) == "cba"
    assert await names(stored, rows, function_name="j", function_type="json") == "d"


async def test_variants_and_episodes(stored: StoredInferences, rows: dict[str, str]) -> None:
    """Variants and episodes narrow a list down, alone and together."""
    (a,) = await read(stored, ids=[UUID(rows["a"])])
    episode = UUID(a.episode_id)
    assert await names(stored, rows, variant_name="w") == "b"
    assert await names(stored, rows, episode_id=episode) == "ca"
    assert await names(stored, rows, episode_id=episode, limit=None) == "ca"
    assert await names(stored, rows, episode_id=episode, variant_name="w") == ""
    mine = TagFilter(key="name", value="a", comparison_operator="=")
    assert await names(stored, rows, episode_id=episode, filters=mine) == "a"


async def test_pages(stored: StoredInferences, rows: dict[str, str]) -> None:
    """Limit and offset, and cursors both ways, cut the same order; `after` gives the nearest ones."""
    assert await names(stored, rows, limit=2, offset=1) == "dc"
    assert await names(stored, rows, limit=None, offset=3) == "ba"
    assert await names(stored, rows, limit=0) == ""
    assert await names(stored, rows, limit=2, before=UUID(rows["d"])) == "cb"
    assert await names(stored, rows, limit=2, after=UUID(rows["a"])) == "cb"
    assert await names(stored, rows, limit=None, after=UUID(rows["b"])) == "edc"
    assert await names(stored, rows, limit=1, before=UUID(rows["a"])) == ""


async def test_orders(stored: StoredInferences, rows: dict[str, str]) -> None:
    """Explicit orders come first, those without a metric last, and the newest first among equals."""
    up, down = OrderByTimestamp(direction="ascending"), OrderByTimestamp(direction="descending")
    assert await names(stored, rows, order_by=[up]) == "abcde"
    assert await names(stored, rows, order_by=[down], limit=2, after=UUID(rows["a"])) == "cb"
    assert await names(stored, rows, order_by=[up], limit=2, before=UUID(rows["d"])) == "ab"
    score = OrderByMetric(name="score", direction="ascending")
    assert await names(stored, rows, **F, order_by=[score]) == "cab"
    assert await names(stored, rows, **F, order_by=[score], limit=None) == "cab"
    falling = OrderByMetric(name="score", direction="descending")
    assert await names(stored, rows, **F, order_by=[falling]) == "acb"
    mood = OrderByMetric(name="mood", direction="descending")
    assert await names(stored, rows, **F, order_by=[mood, up]) == "bac"
    with pytest.raises(RequestError, match="^Invalid metric name: nope$"):
        await read(stored, **F, order_by=[OrderByMetric(name="nope", direction="ascending")])


async def test_search(stored: StoredInferences, rows: dict[str, str]) -> None:
    """A text is found in inputs and outputs whatever its case, also one that JSON writes otherwise."""
    relevance = OrderByRelevance(direction="descending")
    assert await names(stored, rows, search="SAY") == "cba"
    assert await names(stored, rows, search="say", order_by=[relevance]) == "bca"
    assert await names(stored, rows, search="say", order_by=[relevance], limit=None) == "bca"
    assert await names(stored, rows, search='"ä\\"') == "a"
    assert await names(stored, rows, search="ä") == "ca"
    assert await names(stored, rows, search="%") == ""
    assert await names(stored, rows, search="") == ""


async def test_filters_and_counts(stored: StoredInferences, rows: dict[str, str]) -> None:
    """A list and its count agree, whatever the limit."""
    low = FloatMetricFilter(metric_name="score", value=0.5, comparison_operator="<")
    for filters, expected in (
        (low, "ca"),
        (TagFilter(key="name", value="a", comparison_operator="!="), "ecb"),
        (DemonstrationFilter(has_demonstration=False), "edb"),
        (None, "edcba"),
    ):
        assert await names(stored, rows, filters=filters) == expected
        assert await stored.count(InferenceQuery(filters=filters, limit=1)) == len(expected)
    assert await stored.count(InferenceQuery(output_source="demonstration")) == 2
    assert await stored.count(InferenceQuery(**F, search="say")) == 3
    with pytest.raises(RequestError, match="^Invalid metric name: nope$"):
        await stored.count(
            InferenceQuery(filters=FloatMetricFilter(metric_name="nope", value=1, comparison_operator="="))
        )


async def test_whose_output(stored: StoredInferences, rows: dict[str, str]) -> None:
    """The newest demonstration takes the place of an output, or none does; both ways of reading agree."""
    for limit in (20, None):
        shown = await read(stored, output_source="demonstration", limit=limit)
        assert [row.id for row in shown] == [rows["c"], rows["a"]]
        assert [row.output for row in shown] == [
            '[{"type":"text","text":"better"}]',
            '[{"type":"text","text":"new"}]',
        ]
        assert shown[1].dispreferred_output == '[{"type":"text","text":"said"}]'
        for row in await read(stored, output_source="none", limit=limit):
            assert row.output is None and row.dispreferred_output is None


async def test_ids(stored: StoredInferences, rows: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked by ids, those that exist come newest first, each once, however many are asked for at once."""
    asked = [UUID(rows[name]) for name in "abdab"]
    assert await names(stored, rows, ids=[*asked, UUID(id_at(0))], limit=None) == "dba"
    assert await names(stored, rows, ids=asked, limit=None, **F) == "ba"
    assert await names(stored, rows, ids=asked, limit=None, output_source="demonstration") == "a"
    assert await names(stored, rows, ids=[], limit=None) == ""
    many = [UUID(int=number) for number in range(20_000)]
    assert await names(stored, rows, ids=[*many, *asked], limit=None) == "dba"
    monkeypatch.setattr(inferences, "KEYS_AT_ONCE", 2)
    assert await names(stored, rows) == "edcba"
    assert await names(stored, rows, after=UUID(rows["a"])) == "edcb"


@pytest.mark.parametrize("limit", [2, 20, None])
async def test_long_lists_are_those_of_short_ones(
    stored: StoredInferences, rows: dict[str, str], limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that is read in one statement has the rows of the same list read in two, in the same order."""
    by_score = OrderByMetric(name="score", direction="ascending")
    by_relevance = OrderByRelevance(direction="descending")
    lists: list[dict[str, Any]] = [
        {},
        {"offset": 1},
        {"before": UUID(rows["d"])},
        {"after": UUID(rows["a"])},
        F,
        {**F, "variant_name": "v", "offset": 1},
        {**F, "order_by": [by_score]},
        {**F, "order_by": [by_score, OrderByTimestamp(direction="ascending")], "offset": 1},
        {"search": "say"},
        {"search": "SAY", "order_by": [by_relevance]},
        {"search": ""},
        {"filters": TagFilter(key="name", value="c", comparison_operator="!=")},
        {"filters": DemonstrationFilter(has_demonstration=False)},
        {"output_source": "demonstration"},
        {"output_source": "none"},
    ]
    for asked in lists:
        for name in ("ONE_STEP_FROM", "FOUND_ONCE_UP_TO"):
            monkeypatch.setattr(inferences, name, 10_000)
        short = await read(stored, **asked, limit=limit or 10_000)
        for name in ("ONE_STEP_FROM", "FOUND_ONCE_UP_TO"):
            monkeypatch.setattr(inferences, name, 0)
        assert await read(stored, **asked, limit=limit) == short
        assert short or asked == {"search": ""}


async def test_columns(stored: StoredInferences, rows: dict[str, str]) -> None:
    """Both ways of reading give every column as it is stored."""
    paged, whole = await read(stored), await read(stored, limit=None)
    assert paged == whole
    a, d = paged[4], paged[1]
    assert (a.type, a.timestamp, a.snapshot_hash) == ("chat", "2026-01-01T00:00:00Z", "255")
    assert a.input == '{"messages":[{"role":"user","content":[{"type":"text","text":"say \\"Ä\\\\\\""}]}]}'
    assert a.inference_params == '{"chat_completion":{"temperature":0.4}}'
    assert (a.processing_time_ms, a.ttft_ms, a.tags, a.extra_body) == (812, None, {"name": "a"}, "[]")
    assert (a.tool_params, a.dynamic_tools, a.allowed_tools, a.output_schema) == ("", [], None, "")
    assert (d.type, d.output_schema, d.tool_choice) == ("json", '{"type":"object"}', None)
    assert (d.output, d.snapshot_hash) == ('{"raw":"{\\"a\\": 1}","parsed":{"a":1}}', None)


async def test_a_store_that_is_not_what_it_should_be(open_database: Any) -> None:
    """A database without tables is the store's failure."""
    client = open_database()
    client.command(f"CREATE DATABASE {client.database}", use_database=False)
    store = AsyncStoreClient(client.url, threads=1)
    with pytest.raises(StoreError):
        await read(StoredInferences(store, METRICS))
    await store.close()
