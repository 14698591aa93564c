"""Completing databases that older gateways made, on the real engine."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from clickhouse.rows import chat_inference, float_feedback, lines, model_inference
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.migrations import migrate
from tzproxy.clickhouse.schema import MATERIALIZED_VIEWS, MIGRATION_IDS, TABLES, ddl
from tzproxy.clickhouse.schema.ddl import Placement
from tzproxy.clickhouse.schema.spec import Column, TableSpec

# What a database of June 2025 does not have.
_NEW_TABLES = {
    "DeploymentID",
    "CumulativeUsage",
    "ModelProviderStatistics",
    "VariantStatistics",
    "EpisodeById",
    "FloatMetricFeedbackByVariant",
    "BooleanMetricFeedbackByVariant",
    "FeedbackByVariantStatistics",
    "ConfigSnapshot",
    "InferenceEvaluationRuns",
}
_NEW_COLUMNS = {
    "snapshot_hash",
    "ttft_ms",
    "dynamic_tools",
    "dynamic_provider_tools",
    "allowed_tools",
    "tool_choice",
    "parallel_tool_calls",
    "cost",
    "provider_cache_read_input_tokens",
    "provider_cache_write_input_tokens",
    "is_custom",
    "name",
}


def _old_table(table: TableSpec) -> TableSpec:
    columns = []
    for column in table.columns:
        if column.name in _NEW_COLUMNS or (
            table.name == "ModelInference" and column.name in {"function_name", "variant_name"}
        ):
            continue
        columns.append(Column(column.name, column.definition.replace(", 'stop_sequence' = 6", "")))
    indexes = () if table.name.endswith("Feedback") or table.name == "ModelInference" else table.indexes
    return msgspec.structs.replace(table, columns=tuple(columns), indexes=indexes)


def _make_old_database(client: StoreClient) -> None:
    placement = Placement(database=client.database, remembers_inserts=False)
    client.command(ddl.create_database(placement), use_database=False)
    for table in TABLES:
        if table.name not in _NEW_TABLES:
            client.command(ddl.create_table(_old_table(table), placement))
    for view in MATERIALIZED_VIEWS:
        if view.target not in _NEW_TABLES:
            old = msgspec.structs.replace(view, query=view.query.replace(", snapshot_hash", ""))
            client.command(ddl.create_view(old, placement))
    client.command(
        "CREATE MATERIALIZED VIEW StaticEvaluationFloatHumanFeedbackView TO StaticEvaluationHumanFeedback AS "
        "SELECT metric_name, toString(value) AS value, id AS feedback_id FROM FloatMetricFeedback"
    )
    client.insert_json(
        "TensorZeroMigration",
        lines(
            *(
                {
                    "migration_id": number,
                    "migration_name": f"Migration{number:04}",
                    "gateway_version": "2025.6.0",
                }
                for number in sorted(MIGRATION_IDS)
                if number <= 29
            )
        ),
    )


def _old_row(row: dict[str, object]) -> dict[str, object]:
    return {
        name: value
        for name, value in row.items()
        if name not in _NEW_COLUMNS
        and not ("model_name" in row and name in {"function_name", "variant_name"})
    }


def test_old_database_is_completed_and_its_rows_counted(open_database: Callable[[], StoreClient]) -> None:
    """All later tables, columns, indexes and views are added, and earlier rows are counted once in them."""
    client = open_database()
    _make_old_database(client)
    first = chat_inference()
    client.insert_json("ChatInference", lines(_old_row(first)))
    client.insert_json("ModelInference", lines(_old_row(model_inference()), _old_row(model_inference())))
    client.insert_json("FloatMetricFeedback", lines(float_feedback(str(first["id"]))))
    report = migrate(client, fill_delay_s=1)  # rows of this very second count as later ones
    assert not report.was_empty
    assert report.warnings == []
    assert "column ModelInference.finish_reason changed" in report.changes
    assert "index FloatMetricFeedback.id_index added" in report.changes
    assert "view StaticEvaluationFloatHumanFeedbackView dropped" in report.changes
    assert "view ChatInferenceByIdView changed" in report.changes
    assert "view CumulativeUsageView created and filled" in report.changes
    assert report.applied == [number for number in sorted(MIGRATION_IDS) if number > 29]
    fresh = open_database()
    migrate(fresh)
    shape = (
        "SELECT table, name, type, default_kind, default_expression FROM system.columns "
        "WHERE database = currentDatabase() AND table NOT LIKE '%View' ORDER BY table, name"
    )
    names = "SELECT name, engine FROM system.tables WHERE database = currentDatabase() ORDER BY name"
    assert client.query(shape) == fresh.query(shape)
    assert client.query(names) == fresh.query(names)
    usage = "SELECT type, sum(count) AS n FROM CumulativeUsage GROUP BY type ORDER BY type"
    assert [row["n"] for row in client.query(usage)] == ["20", "2", "10"]
    episodes = "SELECT sum(count) AS n FROM EpisodeById"
    statistics = "SELECT sum(count) AS n FROM FeedbackByVariantStatistics"
    assert client.query(episodes) == client.query(statistics) == [{"n": "1"}]

    later = chat_inference(snapshot_hash="5")
    client.insert_json("ChatInference", lines(later))
    client.insert_json("ModelInference", lines(model_inference(finish_reason="stop_sequence")))
    assert [row["n"] for row in client.query(usage)] == ["30", "3", "15"]
    assert client.query(episodes) == [{"n": "2"}]
    assert client.query("SELECT snapshot_hash AS h FROM InferenceById WHERE h IS NOT NULL") == [{"h": "5"}]
    assert migrate(client).is_current
