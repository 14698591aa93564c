"""One program, three ways: the published client over HTTP, ours over HTTP, ours with the gateway inside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.processes import EXTRA_MODELS, Gateway, query_rows
from tzproxy.clickhouse.embedded.store import EmbeddedStore

pytestmark = pytest.mark.e2e
EVALUATION = """
[evaluations.greeting]
type = "inference"
function_name = "hello"
[evaluations.greeting.evaluators.same]
type = "exact_match"
"""
PROGRAM = Path(__file__).with_name("client_program.py")
WAYS = [("tensorzero", "http"), ("tzproxy", "http"), ("tzproxy", "embedded")]
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def run(gateway: Gateway, folder: Path, module: str, mode: str) -> list[Any]:
    """Run the program; return what it said."""
    config = str(gateway.folder / "config" / "{tensorzero,tests}.toml")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TENSORZERO_")}
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            str(PROGRAM),
            module,
            mode,
            config if mode == "embedded" else gateway.url,
        ],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    if module == "tzproxy":
        # Nothing but what the configuration is told.
        assert {
            line for line in done.stderr.splitlines() if "evaluations are deprecated" not in line
        } == set()
    # The published client logs on standard output.
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


def missing(url: str, kept: dict[str, list[str]]) -> dict[str, list[str]]:
    """What should be stored and is not."""
    absent = {}
    for table, ids in kept.items():
        sql = f"SELECT id FROM {table} WHERE id IN {{ids:Array(UUID)}}"
        found = {str(row["id"]) for row in query_rows(url, sql, ids=ids)}
        if lost := sorted(set(ids) - found):
            absent[table] = lost
    return absent


def stored_soon(url: str, kept: dict[str, list[str]]) -> None:
    """Wait until everything is stored."""
    deadline = time.monotonic() + 30
    while (absent := missing(url, kept)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert absent == {}, kept


def compared(said: list[Any]) -> list[Any]:
    """What was said, without ids and without the names of datasets."""
    return [json.loads(UUID.sub("ID", json.dumps(line))) for line in said if line[0] != "kept"]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with an evaluation."""
    with Gateway(tmp_path_factory.mktemp("evaluating"), extra_config=EXTRA_MODELS + EVALUATION) as running:
        yield running


@pytest.mark.timeout(400)
def test_one_program_three_ways(gateway: Gateway, tmp_path: Path) -> None:
    """Results and errors are the same, nothing is printed beside them, and every answer is stored, once."""
    said = {way: run(gateway, tmp_path, *way) for way in WAYS}
    published = compared(said[WAYS[0]])
    assert len(published) > 35
    for way in WAYS[1:]:
        assert compared(said[way]) == published, way
    for way in WAYS[:2]:
        (kept,) = [line[1] for line in said[way] if line[0] == "kept"]
        stored_soon(gateway.store_url, kept)
    (kept,) = [line[1] for line in said[WAYS[2]] if line[0] == "kept"]
    store = EmbeddedStore(tmp_path / ".tzproxy")
    url = store.start()
    try:
        # No waiting: the program stored everything before it ended, closed or not.
        assert missing(url, kept) == {}
        (counts,) = query_rows(url, "SELECT count() AS rows, uniqExact(id) AS ids FROM ChatInference")
        assert counts["rows"] == counts["ids"]
    finally:
        store.stop()
