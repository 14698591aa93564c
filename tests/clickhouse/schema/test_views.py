"""What the views write, and what the columns keep, on the real engine."""

from __future__ import annotations

import json
import time

import pytest

from clickhouse.rows import chat_inference, float_feedback, lines, model_inference
from tzproxy._speedups.ids import new_uuid7, parse_uuid, uuid_time_ms
from tzproxy.clickhouse import StoreClient


def _count(client: StoreClient, table: str) -> int:
    return int(client.query(f"SELECT count() AS n FROM {table}")[0]["n"])


def test_one_inference_reaches_every_table_behind_it(migrated: StoreClient) -> None:
    """A chat inference with two tags and its model call leave what each view promises, merged to one row."""
    chat = chat_inference()
    migrated.insert_json("ChatInference", lines(chat))
    migrated.insert_json("ModelInference", lines(model_inference(inference_id=chat["id"])))
    tables = (
        "ChatInference",
        "InferenceById",
        "InferenceByEpisodeId",
        "EpisodeById",
        "InferenceTag",
        "TagInference",
    )
    assert [_count(migrated, table) for table in tables] == [1, 1, 1, 1, 2, 2]
    assert _count(migrated, "CumulativeUsage") == 3
    assert _count(migrated, "ModelProviderStatistics") == 1
    migrated.command("OPTIMIZE TABLE VariantStatistics FINAL")
    assert migrated.query(
        "SELECT countMerge(count) AS n, sumMerge(total_input_tokens) AS i, "
        "sumMerge(total_output_tokens) AS o, "
        "toFloat64(sumMerge(total_cost)) AS c, count() AS r FROM VariantStatistics GROUP BY minute"
    ) == [{"n": "1", "i": "10", "o": "5", "c": 0.000125, "r": "1"}]
    found = migrated.query("SELECT uint_to_uuid(id_uint) AS id, function_type, episode_id FROM InferenceById")
    assert found == [{"id": chat["id"], "function_type": "chat", "episode_id": chat["episode_id"]}]
    tags = migrated.query("SELECT key, value, function_type FROM TagInference ORDER BY key")
    assert [(row["key"], row["value"]) for row in tags] == [("a", "1"), ("b", "2")]


def test_timestamps_and_order_come_from_the_ids(migrated: StoreClient) -> None:
    """Each row's timestamp is its id's second, and `toUInt128(id)` orders rows as they were made."""
    ids = []
    for _ in range(20):
        ids.append(new_uuid7())
        time.sleep(0.002)
    migrated.insert_json("ChatInference", lines(*(chat_inference(id=made) for made in reversed(ids))))
    rows = migrated.query(
        "SELECT id, toUnixTimestamp(timestamp) AS at FROM ChatInference ORDER BY toUInt128(id)"
    )
    assert [row["id"] for row in rows] == ids
    assert [row["at"] for row in rows] == [uuid_time_ms(parse_uuid(made)) // 1000 for made in ids]
    unordered = migrated.query("SELECT id FROM ChatInference ORDER BY id")
    assert [row["id"] for row in unordered] != ids


def test_tools_are_kept_bare_or_empty(migrated: StoreClient) -> None:
    """`tool_choice` is stored without quotes; a row without tools has empty and NULL tool columns."""
    plain, tooled = chat_inference(), chat_inference(tool_choice="auto", allowed_tools={"tools": ["w"]})
    migrated.insert_json("ChatInference", lines(plain, tooled))
    columns = (
        "tool_params, dynamic_tools, dynamic_provider_tools, allowed_tools, tool_choice, parallel_tool_calls"
    )
    sql = f"SELECT {columns} FROM ChatInference WHERE id = {{id:UUID}}"
    assert migrated.query(sql, {"id": plain["id"]}) == [
        {
            "tool_params": "",
            "dynamic_tools": [],
            "dynamic_provider_tools": [],
            "allowed_tools": None,
            "tool_choice": None,
            "parallel_tool_calls": None,
        }
    ]
    row = migrated.query(sql, {"id": tooled["id"]})[0]
    assert (row["tool_choice"], row["allowed_tools"]) == ("auto", '{"tools":["w"]}')


def test_awkward_text_survives(migrated: StoreClient) -> None:
    """Quotes, backslashes, line breaks and foreign letters are stored, searched and compared exactly."""
    text = 'He said "C:\\new\\table"\nÄrger 漢字 \t ' + "\\u0041 {x:Int8} %s '"
    chat = chat_inference(output=[{"type": "text", "text": text}])
    migrated.insert_json("ChatInference", lines(chat))
    stored = json.dumps(chat["output"], ensure_ascii=False, separators=(",", ":"))
    assert migrated.query("SELECT output FROM ChatInference") == [{"output": stored}]
    needle = json.dumps("c:\\NEW\\table", ensure_ascii=False)[1:-1]
    found = "SELECT countSubstringsCaseInsensitiveUTF8(output, {q:String}) AS n FROM ChatInference"
    assert migrated.query(found, {"q": needle}) == [{"n": "1"}]
    assert migrated.query(found, {"q": "ÄRGER 漢"}) == [{"n": "1"}]
    human = {
        "metric_name": "m",
        "datapoint_id": new_uuid7(),
        "output": stored,
        "value": "true",
        "feedback_id": new_uuid7(),
        "evaluator_inference_id": new_uuid7(),
    }
    migrated.insert_json("StaticEvaluationHumanFeedback", lines(human))
    exact = "SELECT value FROM StaticEvaluationHumanFeedback WHERE output = {output:String}"
    assert migrated.query(exact, {"output": stored}) == [{"value": "true"}]


def test_whitespace_of_raw_json_is_kept(migrated: StoreClient) -> None:
    """Objects sent unquoted into text columns are stored as the bytes that were sent."""
    row = lines(chat_inference()).replace(b'"extra_body":[]', b'"extra_body":[ {"a" : 1.50} ]')
    migrated.insert_json("ChatInference", row)
    assert migrated.query("SELECT extra_body FROM ChatInference") == [{"extra_body": '[ {"a" : 1.50} ]'}]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("BooleanMetricFeedback", {"target_id": new_uuid7(), "metric_name": "m", "value": True}),
        ("FloatMetricFeedback", {"target_id": new_uuid7(), "metric_name": "m", "value": 0.1}),
        ("CommentFeedback", {"target_id": new_uuid7(), "target_type": "episode", "value": "good"}),
        ("DemonstrationFeedback", {"inference_id": new_uuid7(), "value": "[]"}),
    ],
)
def test_feedback_is_found_by_target_and_by_tag(
    migrated: StoreClient, table: str, row: dict[str, object]
) -> None:
    """Each kind of feedback is copied to its table by target, and each tag leads back to it."""
    row = {"id": new_uuid7(), "tags": {"k'": "v", "z": ""}, **row}
    migrated.insert_json(table, lines(row))
    copy = f"{table}ByInferenceId" if table.startswith("Demo") else f"{table}ByTargetId"
    columns = ", ".join(row)
    assert migrated.query(f"SELECT {columns} FROM {copy}") == migrated.query(f"SELECT {columns} FROM {table}")
    metric = {"CommentFeedback": "comment", "DemonstrationFeedback": "demonstration"}.get(table, "m")
    assert migrated.query("SELECT * EXCEPT snapshot_hash FROM FeedbackTag ORDER BY key") == [
        {"metric_name": metric, "key": "k'", "value": "v", "feedback_id": row["id"]},
        {"metric_name": metric, "key": "z", "value": "", "feedback_id": row["id"]},
    ]


def test_feedback_counts_for_the_variant_it_is_about(migrated: StoreClient) -> None:
    """Feedback counts for an inference's variant, and for each function with one variant in an episode."""
    episode = new_uuid7()
    migrated.insert_json(
        "ChatInference",
        lines(
            chat_inference(episode_id=episode, function_name="one", variant_name="a"),
            chat_inference(episode_id=episode, function_name="one", variant_name="a"),
            chat_inference(episode_id=episode, function_name="two", variant_name="a"),
            chat_inference(episode_id=episode, function_name="two", variant_name="b"),
            chat_inference(episode_id=episode, function_name="three", variant_name="c"),
            target := chat_inference(function_name="two", variant_name="b"),
        ),
    )
    migrated.insert_json(
        "FloatMetricFeedback",
        lines(
            float_feedback(episode, value=1.0),
            float_feedback(str(target["id"]), value=0.0),
            float_feedback(str(target["id"]), value=1.0),
            float_feedback(new_uuid7()),
        ),
    )
    rows = migrated.query(
        "SELECT function_name, variant_name, sum(count) AS n, avgMerge(feedback_mean) AS mean, "
        "round(varSampStableMerge(feedback_variance), 3) AS variance FROM FeedbackByVariantStatistics "
        "GROUP BY ALL ORDER BY ALL"
    )
    assert rows == [
        {"function_name": "one", "variant_name": "a", "n": "1", "mean": 1, "variance": None},
        {"function_name": "three", "variant_name": "c", "n": "1", "mean": 1, "variance": None},
        {"function_name": "two", "variant_name": "b", "n": "2", "mean": 0.5, "variance": 0.5},
    ]


def test_workflow_rows_are_copied_to_their_lists(migrated: StoreClient) -> None:
    """Runs with a project are listed by project, episodes by run, batches by inference."""
    run, episode = new_uuid7(), new_uuid7()
    as_number = "SELECT toUInt128({id:UUID}) AS n"
    run_number, episode_number = (migrated.query(as_number, {"id": made})[0]["n"] for made in (run, episode))
    pins = {"variant_pins": {"f": "v"}, "tags": {"t": "1"}}
    migrated.insert_json(
        "DynamicEvaluationRun",
        lines(
            {"run_id_uint": run_number, "project_name": "p", **pins},
            {"run_id_uint": episode_number, "project_name": None, **pins},
        ),
    )
    migrated.insert_json(
        "DynamicEvaluationRunEpisode",
        lines({"run_id": run, "episode_id_uint": episode_number, "datapoint_name": "d", **pins}),
    )
    migrated.insert_json(
        "BatchModelInference", lines({"inference_id": episode, "batch_id": run, "episode_id": episode})
    )
    assert migrated.query(
        "SELECT run_id_uint AS run, project_name FROM DynamicEvaluationRunByProjectName"
    ) == [{"run": run_number, "project_name": "p"}]
    assert migrated.query(
        "SELECT run_id_uint AS run, episode_id_uint AS episode, datapoint_name, variant_pins "
        "FROM DynamicEvaluationRunEpisodeByRunId"
    ) == [{"run": run_number, "episode": episode_number, "datapoint_name": "d", "variant_pins": {"f": "v"}}]
    assert migrated.query("SELECT * FROM BatchIdByInferenceId") == [
        {"inference_id": episode, "batch_id": run}
    ]
