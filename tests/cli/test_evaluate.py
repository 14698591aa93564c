"""Tests of `tzproxy.cli.evaluate`, against a gateway of the test's own. Real ones: `tests/e2e`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tzproxy.cli.evaluate import EvaluateOptions, run

START = {
    "type": "start",
    "evaluation_run_id": "r",
    "num_datapoints": 0,
    "evaluation_name": "e",
    "evaluation_config": {"evaluators": {"same": {"type": "exact_match"}}},
}
COMPLETE = {"type": "complete", "evaluation_run_id": "r", "usage": {}}


class Server(ThreadingHTTPServer):
    """Answers with what it was given, and notes what it was sent."""

    answer: tuple[int, bytes]
    requests: list[tuple[str, Any]]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server

    def do_POST(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append((self.path, json.loads(body)))
        status, answer = self.server.answer
        self.send_response(status)
        self.send_header("content-type", "text/event-stream" if status == 200 else "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A running one."""
    made = Server(("127.0.0.1", 0), Handler)
    made.requests = []
    thread = Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def stream(*events: object) -> tuple[int, bytes]:
    """Write the answer of a run."""
    return 200, b"".join(b"event: event\ndata: " + json.dumps(event).encode() + b"\n\n" for event in events)


def options(url: str, **fields: Any) -> EvaluateOptions:
    """Ask for a run."""
    usual: dict[str, Any] = {"request": {"variant_name": "v"}, "is_jsonl": False, "cutoffs": {}}
    usual |= {"gateway_url": url, "config_file": "x.toml", "data_dir": Path("d")}
    return EvaluateOptions(**{**usual, **fields})


def url_of(server: Server) -> str:
    """Where it listens."""
    return f"http://127.0.0.1:{server.server_port}"


def test_a_run(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """The request goes to the route, the results to stdout; cutoffs decide the status."""
    server.answer = stream(START, COMPLETE)
    assert run(options(url_of(server))) == 0
    assert server.requests == [("/internal/evaluations/run", {"variant_name": "v"})]
    assert capsys.readouterr().out.splitlines()[-1] == "same: 0.00 ± 0.00 (n=0)"
    assert run(options(url_of(server), cutoffs={"same": 0.5})) == 1
    assert "error: Failed cutoffs for evaluators: same" in capsys.readouterr().err
    assert run(options(url_of(server), is_jsonl=True)) == 0
    assert json.loads(capsys.readouterr().out) == {
        "evaluation_run_id": "r",
        "evaluation_name": "e",
        "num_datapoints": 0,
    }


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((400, b'{"error":"Evaluation `e` not found in config"}'), "Evaluation `e` not found in config"),
        ((502, b"bad gateway"), "bad gateway"),
        (stream(START), "The evaluation ended before its end."),
        (stream(START, {"type": "fatal_error", "message": "away"}), "away"),
    ],
)
def test_what_fails(
    server: Server, capsys: pytest.CaptureFixture[str], answer: tuple[int, bytes], words: str
) -> None:
    """The words of the gateway are told, with status 1."""
    server.answer = answer
    assert run(options(url_of(server))) == 1
    assert words in capsys.readouterr().err


def test_no_gateway_and_no_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be reached or read is told, with status 1."""
    assert run(options("nonsense")) == 1
    assert "Invalid gateway URL" in capsys.readouterr().err
    assert run(options("http://127.0.0.1:9")) == 1
    assert run(options("", gateway_url=None)) == 1
    assert "x.toml" in capsys.readouterr().err
