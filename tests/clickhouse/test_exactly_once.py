"""A batch that is sent again stores nothing twice, in its table and behind its views."""

from __future__ import annotations

import pytest

from clickhouse.rows import chat_inference, float_feedback, lines, model_inference
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.schema import TABLES

_AGGREGATES = """
SELECT
    (SELECT (sum(count), length(groupArrayMerge(inference_ids))) FROM EpisodeById) AS episodes,
    (SELECT (countMerge(count), sumMerge(total_input_tokens), countMerge(count_with_cost))
        FROM VariantStatistics) AS variants,
    (SELECT (countMerge(count), sumMerge(total_output_tokens)) FROM ModelProviderStatistics) AS models,
    (SELECT arraySort(groupArray((type, n)))
        FROM (SELECT type, sum(count) AS n FROM CumulativeUsage GROUP BY type)) AS usage,
    (SELECT sum(count) FROM FeedbackByVariantStatistics) AS feedback
"""
# A merge may fold equal keys of these at any time; their sums are compared instead of their rows.
_FOLDING = {
    "CumulativeUsage",
    "EpisodeById",
    "FeedbackByVariantStatistics",
    "ModelProviderStatistics",
    "VariantStatistics",
}


def _everything(client: StoreClient) -> dict[str, object]:
    """How many rows each table has and what the aggregates say."""
    counts = " UNION ALL ".join(
        f"SELECT '{table.name}' AS name, count() AS n FROM {table.name} "
        + ("FINAL" if table.engine == "ReplacingMergeTree" else "")
        for table in TABLES
        if table.name not in _FOLDING
    )
    found: dict[str, object] = {row["name"]: row["n"] for row in client.query(counts)}
    return found | client.query(_AGGREGATES)[0]


def _changed(before: dict[str, object], after: dict[str, object]) -> set[str]:
    return {name for name in after if before[name] != after[name]}


def test_a_batch_sent_again_changes_nothing(migrated: StoreClient) -> None:
    """With its token a second sending changes no table and no sum; with another token it counts again."""
    first = chat_inference()
    batches = {
        "ChatInference": lines(first, chat_inference(), chat_inference()),
        "ModelInference": lines(model_inference(), model_inference(cost=None)),
        "FloatMetricFeedback": lines(
            float_feedback(str(first["id"])), float_feedback(str(first["episode_id"]))
        ),
    }
    for number, (table, rows) in enumerate(batches.items()):
        before = _everything(migrated)
        migrated.insert_json(table, rows, dedup_token=f"batch {number}")
        once = _everything(migrated)
        assert table in _changed(before, once)
        migrated.insert_json(table, rows, dedup_token=f"batch {number}")
        assert _everything(migrated) == once
        migrated.insert_json(table, rows, dedup_token=f"batch {number} of another writer")
        assert table in _changed(once, _everything(migrated))


def test_equal_view_rows_of_different_batches_all_count(migrated: StoreClient) -> None:
    """Two batches whose rows look the same to a view are two batches, with and without a token."""
    for number in range(3):
        migrated.insert_json("ModelInference", lines(model_inference()), dedup_token=f"equal {number}")
    for _ in range(3):
        migrated.insert_json("ModelInference", lines(model_inference()))
    usage = migrated.query("SELECT type, sum(count) AS n FROM CumulativeUsage GROUP BY type ORDER BY type")
    assert [row["n"] for row in usage] == ["60", "6", "30"]


def test_a_large_batch_sent_again_changes_nothing(migrated: StoreClient) -> None:
    """The same holds for a batch that the engine reads in several blocks."""
    rows = lines(*(chat_inference(tags={"n": str(number)}) for number in range(12_000)))
    migrated.insert_json("ChatInference", rows, dedup_token="large")
    once = _everything(migrated)
    assert once["ChatInference"] == once["InferenceTag"] == "12000"
    migrated.insert_json("ChatInference", rows, dedup_token="large")
    assert _everything(migrated) == once


@pytest.mark.parametrize(
    "missing", [{"deduplicate_insert": "disable"}, {"deduplicate_blocks_in_dependent_materialized_views": 0}]
)
def test_each_setting_is_needed(migrated: StoreClient, missing: dict[str, str | int]) -> None:
    """With either switched off, as a server's profile may do, the second sending would count."""
    rows = lines(model_inference())
    migrated.insert_json("ModelInference", rows, dedup_token="t", settings=missing)
    once = _everything(migrated)
    migrated.insert_json("ModelInference", rows, dedup_token="t", settings=missing)
    assert "usage" in _changed(once, _everything(migrated))


def test_rows_deleted_by_hand_may_come_back(migrated: StoreClient) -> None:
    """A dataset's row that was deleted can be inserted again as it was."""
    row = {"dataset_name": "d", "function_name": "f", "id": new_uuid7(), "updated_at": "2026-01-01 00:00:00"}
    for _ in range(2):
        migrated.command("DELETE FROM ChatInferenceDatapoint WHERE true")
        migrated.insert_json("ChatInferenceDatapoint", lines(row))
        assert migrated.query("SELECT count() AS n FROM ChatInferenceDatapoint") == [{"n": "1"}]


def test_the_table_setting_is_needed(migrated: StoreClient) -> None:
    """A plain table that does not remember inserts stores a batch twice."""
    migrated.command("ALTER TABLE ModelInference MODIFY SETTING non_replicated_deduplication_window = 0")
    rows = lines(model_inference())
    for _ in range(2):
        migrated.insert_json("ModelInference", rows, dedup_token="t")
    assert migrated.query("SELECT count() AS n FROM ModelInference") == [{"n": "2"}]
