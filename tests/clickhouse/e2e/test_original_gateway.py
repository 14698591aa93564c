"""The original gateway 2026.6.0 and this project on the same databases."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from clickhouse.rows import chat_inference, float_feedback, lines, model_inference
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import add_own_tables, migrate
from tzproxy.clickhouse.schema import MATERIALIZED_VIEWS, TABLES
from tzproxy.clickhouse.schema.ddl import DEDUP_SETTING
from tzproxy.clickhouse.schema.own import OWN_TABLES

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(find_spec("tensorzero") is None, reason="the original gateway is not installed"),
]

_CONFIG = """
[models.m]
routing = ["p"]
[models.m.providers.p]
type = "openai"
model_name = "gpt-4o-mini"
api_base = "http://127.0.0.1:{port}/v1/"
api_key_location = "none"
[functions.f]
type = "chat"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
"""

_ORIGINAL = """
import sys
from tensorzero import TensorZeroGateway
gateway = TensorZeroGateway.build_embedded(config_file=sys.argv[1], clickhouse_url=sys.argv[2])
if sys.argv[3:]:
    answer = gateway.inference(
        function_name="f",
        input={"messages": [{"role": "user", "content": "hello"}]},
        tags={"color": "red"},
    )
    print("inference", answer.inference_id)
gateway.close()
"""


class _Provider(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(
            {
                "id": "c1",
                "object": "chat.completion",
                "created": 1,
                "model": "gpt-4o-mini",
                "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
                ],
                "usage": {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13},
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A configuration whose only model is a server on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Provider) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        path = tmp_path_factory.mktemp("config") / "tensorzero.toml"
        path.write_text(_CONFIG.format(port=server.server_address[1]))
        yield path
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def made_by_original(store: EmbeddedStore, config: Path) -> StoreClient:
    """A database that the original created."""
    url = f"{store.url.rpartition('/')[0]}/by_original"
    _run_original(config, url)
    return StoreClient(url)


def _run_original(config: Path, url: str, *arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", _ORIGINAL, str(config), url, *arguments],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def _shape(client: StoreClient) -> dict[str, Any]:
    """Tables, keys, engines, columns, indexes; without our one setting and without parentheses."""
    tables = client.query(
        "SELECT name, engine, replaceRegexpOne(engine_full, ' (PARTITION|PRIMARY|ORDER) .*', '')"
        " AS arguments, "
        "trim(BOTH '()' FROM sorting_key) AS sorted, trim(BOTH '()' FROM primary_key) AS keyed, "
        "partition_key, "
        "extract(engine_full, 'index_granularity = (\\\\d+)') AS granularity "
        "FROM system.tables WHERE database = currentDatabase() ORDER BY name"
    )
    columns = client.query(
        "SELECT table, position, name, type, default_kind, default_expression FROM system.columns "
        "WHERE database = currentDatabase() AND table NOT LIKE '%View' ORDER BY table, position"
    )
    indexes = client.query(
        "SELECT table, name, expr, type_full, granularity FROM system.data_skipping_indices "
        "WHERE database = currentDatabase() ORDER BY table, name"
    )
    view_columns = client.query(
        "SELECT table, arraySort(groupArray(name)) AS names FROM system.columns "
        "WHERE database = currentDatabase() AND table LIKE '%View' GROUP BY table ORDER BY table"
    )
    return {"tables": tables, "columns": columns, "indexes": indexes, "view columns": view_columns}


def test_both_make_the_same_database(made_by_original: StoreClient, client: StoreClient) -> None:
    """Tables, columns in order, types, defaults, engines, keys, indexes and view columns are the same."""
    original, ours = _shape(made_by_original), _shape(client)
    for part, expected in original.items():
        assert ours[part] == expected, part
    assert len(ours["tables"]) == len(TABLES) + len(MATERIALIZED_VIEWS) == 69


def test_takes_over_a_database_of_the_original(made_by_original: StoreClient) -> None:
    """On the original's database nothing is migrated; only the setting for repeatable inserts is added."""
    rows = made_by_original.query("SELECT * FROM TensorZeroMigration ORDER BY migration_id")
    report = migrate(made_by_original)
    assert report.applied == []
    assert report.warnings == []
    remembering = [table.name for table in TABLES if table.remembers_inserts]
    assert report.changes == [f"table {name} remembers inserts" for name in remembering]
    assert made_by_original.query("SELECT * FROM TensorZeroMigration ORDER BY migration_id") == rows
    found = made_by_original.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() "
        f"AND engine_full LIKE '%{DEDUP_SETTING}%'"
    )
    assert {row["name"] for row in found} == set(remembering)
    assert migrate(made_by_original).is_current


def test_original_starts_on_our_database_and_writes(
    open_database: Callable[[], StoreClient], store: EmbeddedStore, config: Path
) -> None:
    """It finds nothing to migrate, minds no table of ours, and leaves an inference's rows and the views'."""
    client = open_database()
    migrate(client)
    add_own_tables(client, OWN_TABLES)
    log = _run_original(config, f"{store.url.rpartition('/')[0]}/{client.database}", "infer")
    assert "Applying migration" not in log
    inference_id = log.split("inference ")[1].split()[0]
    assert client.query("SELECT count() AS n, uniq(gateway_version) AS v FROM TensorZeroMigration") == [
        {"n": "47", "v": "1"}
    ]
    deadline = time.monotonic() + 20
    while not (rows := client.query("SELECT * FROM ModelInference")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (rows[0]["inference_id"], rows[0]["input_tokens"], rows[0]["function_name"]) == (
        inference_id,
        11,
        "f",
    )
    assert client.query("SELECT function_name, tags FROM ChatInference") == [
        {"function_name": "f", "tags": {"color": "red"}}
    ]
    assert client.query("SELECT uint_to_uuid(id_uint) AS id FROM InferenceById") == [{"id": inference_id}]
    assert client.query("SELECT type, sum(count) AS n FROM CumulativeUsage GROUP BY type ORDER BY type") == [
        {"type": "input_tokens", "n": "11"},
        {"type": "model_inferences", "n": "1"},
        {"type": "output_tokens", "n": "2"},
    ]
    assert len(client.query("SELECT hash FROM ConfigSnapshot")) == 1


_FILLED_BY_VIEWS = {
    "InferenceById": "*",
    "InferenceByEpisodeId": "*",
    "InferenceTag": "*",
    "TagInference": "* EXCEPT updated_at",
    "FeedbackTag": "*",
    "FloatMetricFeedbackByTargetId": "*",
    "FloatMetricFeedbackByVariant": "*",
    "CumulativeUsage": "*",
}
_STATES = {
    "EpisodeById": "SELECT episode_id_uint, sum(count) AS n, "
    "arraySort(groupArrayMerge(inference_ids)) AS ids, "
    "min(min_inference_id_uint) AS low, max(max_inference_id_uint) AS high FROM EpisodeById "
    "GROUP BY episode_id_uint ORDER BY episode_id_uint",
    "VariantStatistics": "SELECT function_name, variant_name, minute, countMerge(count) AS n, "
    "sumMerge(total_input_tokens) AS i, sumMerge(total_cost) AS c, countMerge(count_with_cost) AS k, "
    "finalizeAggregation(any(processing_time_ms_quantiles)) IS NULL AS q FROM VariantStatistics "
    "GROUP BY function_name, variant_name, minute ORDER BY ALL",
    "ModelProviderStatistics": "SELECT model_name, minute, countMerge(count) AS n, "
    "sumMerge(total_output_tokens) AS o, "
    "sumMerge(total_cost) AS c, countMerge(count_with_cost) AS k FROM ModelProviderStatistics "
    "GROUP BY model_name, minute ORDER BY ALL",
    "FeedbackByVariantStatistics": "SELECT function_name, variant_name, metric_name, minute, "
    "sum(count) AS n, "
    "avgMerge(feedback_mean) AS mean, varSampStableMerge(feedback_variance) AS variance "
    "FROM FeedbackByVariantStatistics GROUP BY function_name, variant_name, metric_name, minute ORDER BY ALL",
}


def test_views_write_what_the_original_ones_write(
    made_by_original: StoreClient, migrated: StoreClient
) -> None:
    """The same rows put into both databases leave the same rows in everything that views fill."""
    episode = str(chat_inference()["id"])
    chats = [
        chat_inference(episode_id=episode),
        chat_inference(episode_id=episode, tags={}),
        chat_inference(variant_name="other", tags={"quote'": 'a"b\\c'}),
        # Both sides of the border to the episodes of workflow evaluations, which are in no list of episodes.
        chat_inference(episode_id="09184e72-a000-7000-8000-000000000001"),
        chat_inference(episode_id="09184e72-a000-7fff-8000-000000000001"),
    ]
    models = [
        model_inference(),
        model_inference(input_tokens=None, output_tokens=None, cost=None),
        model_inference(output_tokens=None, function_name=""),
    ]
    feedback = [
        float_feedback(str(chats[0]["id"]), value=0.25),
        float_feedback(str(chats[2]["id"]), value=0.75),
        float_feedback(episode),
        float_feedback(str(chat_inference()["id"])),
    ]
    for client in (made_by_original, migrated):
        client.insert_json("ChatInference", lines(*chats))
        client.insert_json("ModelInference", lines(*models))
        client.insert_json("FloatMetricFeedback", lines(*feedback))
    for table, columns in _FILLED_BY_VIEWS.items():
        sql = f"SELECT {columns} FROM {table} ORDER BY ALL"
        rows = migrated.query(sql)
        assert rows, table
        assert rows == made_by_original.query(sql), table
    for table, sql in _STATES.items():
        rows = migrated.query(sql)
        assert rows, table
        assert rows == made_by_original.query(sql), table
    assert len(migrated.query("SELECT * FROM FloatMetricFeedbackByVariant")) == 3
