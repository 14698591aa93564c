"""Start and end of the command: flags, refusals, and signals while requests run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from e2e.load import Load, check_exactly_once
from e2e.processes import COMMAND, EXTRA_MODELS, MOCK_IN_CONFIG, Gateway, is_alive, query_rows
from tzproxy import __version__
from tzproxy.clickhouse.embedded.store import EmbeddedStore
from tzproxy.mock import MockProcess

pytestmark = pytest.mark.e2e
ASK_PACED = {
    "model_name": "paced",
    "input": {"messages": [{"role": "user", "content": "Hi"}]},
    "stream": True,
}
END = "data: [DONE]"


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run([COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60)


def test_the_version(tmp_path: Path) -> None:
    """`tzproxy --version` prints one line on standard output."""
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"tzproxy {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["--no-such-flag"], 2, "--no-such-flag"),
        (["serve", "--config-file", "a.toml", "--default-config"], 1, "must not specify both"),
        (["serve"], 1, "must specify either"),
        (["serve", "--default-config", "--bind-address", "here"], 1, "invalid socket address syntax: here"),
        (["serve", "--default-config", "--log-format", "xml"], 1, "'xml'"),
        (["serve", "--config-file", "missing.toml"], 1, "No files matched the glob pattern"),
    ],
)
def test_a_wrong_command_line_is_refused(
    arguments: list[str], status: int, text: str, tmp_path: Path
) -> None:
    """A wrong flag ends the command at once, with a non-zero status and a reason, and leaves nothing."""
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == status
    assert text in done.stderr
    assert not list(tmp_path.iterdir())


def test_all_mistakes_of_a_configuration_are_named(tmp_path: Path) -> None:
    """A configuration with several mistakes is refused with all of them, by key and file."""
    (tmp_path / "bad.toml").write_text(
        '[functions.f]\ntype = "chat"\ncolour = "red"\n[models.m]\nrouting = ["nobody"]\nproviders = {}\n'
    )
    done = run("--config-file", "bad.toml", cwd=tmp_path)
    assert done.returncode == 1
    assert "functions.f.colour: unknown field" in done.stderr
    assert "bad.toml" in done.stderr
    assert "models.m" in done.stderr


def test_a_data_directory_has_one_gateway(gateway: Gateway) -> None:
    """A second gateway on the same data directory is refused, and the first one does not notice."""
    done = run("--default-config", "--bind-address", "127.0.0.1:0", cwd=gateway.folder)
    assert done.returncode == 1
    assert "in use by another process" in done.stderr
    assert httpx.get(f"{gateway.url}/health").status_code == 200


@pytest.mark.skipif(os.sched_getscheduler(0) != os.SCHED_OTHER, reason="an operator's policy stays")
def test_a_workers_threads_take_turns(gateway: Gateway) -> None:
    """All of them: the event loop's and Granian's."""
    tasks = [int(task.name) for task in Path(f"/proc/{gateway.pid_of('worker')}/task").iterdir()]
    assert len(tasks) >= 3
    assert {os.sched_getscheduler(task) for task in tasks} == {os.SCHED_BATCH}


@pytest.mark.parametrize(
    ("number", "group"),
    [
        pytest.param(signal.SIGTERM, False, id="SIGTERM to the supervisor"),
        pytest.param(signal.SIGINT, True, id="Ctrl-C in the terminal"),
    ],
)
def test_the_end_waits_for_a_stream(tmp_path: Path, number: signal.Signals, group: bool) -> None:
    """A signal amid a stream lets it finish; then the command exits with 0 and its rows are stored."""
    # The provider is not a child of the gateway here: a Ctrl-C does not reach providers.
    with MockProcess() as mock:
        models = EXTRA_MODELS.replace(f"http://{MOCK_IN_CONFIG}", mock.url)
        with Gateway(tmp_path, extra_config=models) as gateway:
            processes = [gateway.pid_of(role) for role in ("worker", "recorder", "store")]
            lines = stream_with_a_signal(gateway, number, group=group)
            assert gateway.wait() == 0, gateway.log
            assert not [pid for pid in processes if is_alive(pid)]
    assert lines[-1] == END
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    text = "".join(part["text"] for chunk in chunks for part in chunk["content"])
    assert len(text.split()) == 40
    with EmbeddedStore(gateway.data_dir) as store:
        sql = "SELECT output FROM ChatInference WHERE id = {id:UUID}"
        (row,) = query_rows(store.url, sql, id=chunks[0]["inference_id"])
        assert json.loads(row["output"]) == [{"type": "text", "text": text}]
        check_exactly_once(store.url, [chunks[0]["inference_id"]])


def stream_with_a_signal(gateway: Gateway, number: signal.Signals, *, group: bool) -> list[str]:
    """Read a slow stream to its end, with a signal to the gateway on the way; return its lines."""
    lines = []
    with httpx.stream("POST", f"{gateway.url}/inference", json=ASK_PACED, timeout=60) as response:
        for line in response.iter_lines():
            if line:
                lines.append(line)
                if len(lines) == 5:
                    gateway.signal(number, group=group)
    return lines


def test_the_end_under_load(own_gateway: Gateway) -> None:
    """SIGTERM under load: whatever was answered is stored, and the next start goes on with all of it."""
    with Load(own_gateway) as load:
        load.wait_for(100)
        begun = time.monotonic()
        own_gateway.signal(signal.SIGTERM)
        assert own_gateway.wait() == 0, own_gateway.log
        took = time.monotonic() - begun
    assert took < 30
    own_gateway.start()
    check_exactly_once(own_gateway.store_url, load.answered)
