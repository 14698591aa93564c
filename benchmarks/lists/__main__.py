"""Fills a store, starts a gateway on it, asks, and prints times and peaks of memory.

python -m benchmarks.lists --rows 1000000 --data-dir /tmp/lists    # filled once, asked again later
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from benchmarks.e2e.accounting import find_tree, read_resident_mb
from benchmarks.e2e.environment import describe_environment
from benchmarks.e2e.gateways import take_free_port
from benchmarks.e2e.places import ROOT
from benchmarks.lists.fill import fill
from benchmarks.lists.peaks import Peaks
from benchmarks.lists.questions import Question, questions
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate

CONFIG = """
[models.m]
routing = ["p"]
[models.m.providers.p]
type = "openai"
model_name = "m"
api_base = "http://127.0.0.1:9/v1/"
api_key_location = "none"
[functions.answer]
type = "chat"
[functions.summarise]
type = "chat"
[functions.label]
type = "json"
[functions.answer.variants]
small = { type = "chat_completion", model = "m" }
large = { type = "chat_completion", model = "m" }
[functions.summarise.variants]
small = { type = "chat_completion", model = "m" }
[functions.label.variants]
small = { type = "chat_completion", model = "m", json_mode = "on" }
[metrics]
rating = { type = "float", optimize = "max", level = "inference" }
solved = { type = "boolean", optimize = "max", level = "episode" }
"""
START_S = 60.0
MB = 1 / 1e6


@contextmanager
def gateway(folder: Path, store_url: str) -> Iterator[tuple[str, int]]:
    """Run a gateway on a store; yield its URL and the pid of its supervisor."""
    config = folder / "tensorzero.toml"
    config.write_text(CONFIG)
    port = take_free_port()
    command = [str(Path(sys.executable).with_name("tzproxy")), "serve", "--config-file", str(config)]
    command += ["--data-dir", str(folder / "gateway"), "--bind-address", f"127.0.0.1:{port}"]
    environment = {**os.environ, "TENSORZERO_CLICKHOUSE_URL": store_url}
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_S
        while True:
            try:
                httpx.get(f"{url}/health", timeout=10).raise_for_status()
                break
            except httpx.HTTPError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise SystemExit((folder / "gateway.log").read_text()) from None
                time.sleep(0.1)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(30)


def ask(client: httpx.Client, question: Question, repeats: int) -> tuple[list[float], int, str]:
    """Ask a question several times; return the seconds it took, the bytes and the beginning of the answer."""
    seconds: list[float] = []
    for _ in range(repeats):
        began = time.perf_counter()
        if question.body is None:
            answer = client.get(question.path)
        else:
            answer = client.post(question.path, json=question.body)
        seconds.append(time.perf_counter() - began)
        if answer.status_code != 200:
            raise SystemExit(f"{question.name}: {answer.status_code} {answer.text[:2000]}")
    return seconds, len(answer.content), answer.text[:60]


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="benchmarks.lists")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--data-dir", type=Path, help="keep the store here, and use what it holds")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="ask only questions whose name holds this")
    arguments = parser.parse_args()
    for name, value in describe_environment().items():
        print(f"{name}: {value}")
    with ExitStack() as stack:
        folder = arguments.data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        store = stack.enter_context(EmbeddedStore(folder / "store"))
        client = StoreClient(store.url)
        migrate(client)
        if not int(client.query("SELECT count() AS n FROM InferenceById")[0]["n"]):
            began = time.monotonic()
            fill(client, arguments.rows)
            print(f"  filled in {time.monotonic() - began:.0f} s")
        found = client.query("SELECT uint_to_uuid(id_uint) AS id FROM InferenceById WHERE id_uint % 500 = 0")
        url, supervisor = stack.enter_context(gateway(folder, store.url))
        assert store.pid is not None
        print(
            f"idle: gateway {sum(map(read_resident_mb, find_tree(supervisor))):.0f} MB,"
            f" store {read_resident_mb(store.pid):.0f} MB"
        )
        print(
            f"{'question':50} {'median s':>9} {'most s':>7} {'answer':>10} {'gateway +MB':>12} {'store':>9}"
        )
        asking = stack.enter_context(httpx.Client(base_url=url, timeout=300))
        for question in questions([row["id"] for row in found]):
            if arguments.only not in question.name:
                continue
            peaks = Peaks(find_tree(supervisor), [store.pid])
            seconds, size, _ = ask(asking, question, arguments.repeats)
            grown, held = peaks.read()
            print(
                f"{question.name:50} {statistics.median(seconds):9.3f} {max(seconds):7.3f} {size:10,}"
                f" {grown:12.0f} {held:9.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
