"""Tests of `tzproxy.batch.rows`: rows of BatchRequest after a look, and files in rows of inferences."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from batch.conftest import ask, load
from batch.fake_openai import FakeOpenAI
from tzproxy._speedups.ids import parse_uuid, uuid_version
from tzproxy.batch.plan import BatchPlanner
from tzproxy.batch.rows import element_rows, polled_row, started_row
from tzproxy.batch.submission import Submitter
from tzproxy.clickhouse.queries.batches import StoredBatch
from tzproxy.providers.batches import PolledBatch

BATCH = StoredBatch(
    batch_id="b",
    params="{}",
    model_name="m",
    model_provider_name="p",
    status="pending",
    function_name="f",
    variant_name="v",
    snapshot_hash="7",
)
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 32).decode()


def test_a_look_copies_what_the_batch_is() -> None:
    """All but the id, the status and what was said now comes from the row before."""
    polled = PolledBatch(status="pending", raw_request="url", raw_response="said")
    row = json.loads(polled_row(BATCH, polled, "pending"))
    assert uuid_version(parse_uuid(row.pop("id"))) == 7
    assert row == {
        "batch_id": "b",
        "batch_params": "{}",
        "model_name": "m",
        "model_provider_name": "p",
        "errors": [],
        "raw_request": "url",
        "raw_response": "said",
        "function_name": "f",
        "variant_name": "v",
        "snapshot_hash": "7",
        "status": "pending",
    }


async def test_files_are_pointers(tmp_path: Path) -> None:
    """A file's bytes reach the provider and no row."""
    catalog = load(tmp_path, '\n[object_storage]\ntype = "disabled"\n')
    block = {"type": "file", "file_type": "base64", "mime_type": "image/png", "data": PNG}
    inputs = [{"messages": [{"role": "user", "content": [block]}]}]
    provider = FakeOpenAI()
    planned = await BatchPlanner(catalog).plan(ask(inputs=inputs, variant_name="v"))
    submission = await Submitter(provider).submit(planned)
    assert PNG in json.dumps(provider.asked_lines)
    ((line,),) = element_rows(planned, submission, snapshot_hash=7)
    assert PNG.encode() not in line
    row = json.loads(line)
    (stored,) = row["input"]["messages"][0]["content"]
    assert stored["storage_path"]["kind"] == {"type": "disabled"}
    assert json.loads(row["input_messages"])[0]["content"] == [stored]
    assert "<TENSORZERO_FILE_0>" in row["raw_request"]
    assert json.loads(started_row(planned, submission, snapshot_hash=7))["snapshot_hash"] == "7"
