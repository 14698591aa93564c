"""Files and batches of the mock, in OpenAI's own form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tzproxy.mock import MockOptions, MockProcess
from tzproxy.mock.app import MockApp
from tzproxy.mock.batches import MAX_FILES, BatchDesk
from tzproxy.mock.wire import Request, parse_head


def line(name: str, model: str = "echo", text: str = "Hi") -> bytes:
    """A line of requests."""
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    return json.dumps(
        {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
    ).encode()


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    """OpenAI's own client of a mock in its process."""
    with MockProcess(MockOptions()) as mock:
        yield openai.OpenAI(base_url=f"{mock.url}/v1", api_key="none", max_retries=0)


def begin(client: openai.OpenAI, *lines: bytes) -> str:
    """Upload lines and begin a batch; return its id."""
    file = client.files.create(file=("in.jsonl", b"\n".join(lines)), purpose="batch")
    assert (file.purpose, file.filename, file.bytes) == ("batch", "in.jsonl", len(b"\n".join(lines)))
    assert client.files.retrieve(file.id) == file
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"a": "b"}
    )
    assert (batch.status, batch.metadata) == ("validating", {"a": "b"})
    return batch.id


def test_a_batch_with_openais_client(client: openai.OpenAI) -> None:
    """In progress, then completed; answers and refusals are in files of their own."""
    batch_id = begin(client, line("a"), b"", line("b", "error-429"), line("c", "tool", "What?"))
    assert client.batches.retrieve(batch_id).status == "in_progress"
    batch = client.batches.retrieve(batch_id)
    assert batch.status == "completed"
    assert batch.request_counts is not None
    assert (batch.request_counts.total, batch.request_counts.failed) == (3, 1)
    assert batch.output_file_id is not None and batch.error_file_id is not None
    answers = [json.loads(text) for text in client.files.content(batch.output_file_id).text.splitlines()]
    assert [answer["custom_id"] for answer in answers] == ["a", "c"]
    body = answers[0]["response"]["body"]
    assert body["choices"][0]["message"]["content"] == "echo: Hi"
    (refused,) = [json.loads(text) for text in client.files.content(batch.error_file_id).text.splitlines()]
    assert (refused["custom_id"], refused["response"]["status_code"]) == ("b", 429)
    assert client.batches.retrieve(batch_id) == batch


def test_a_cancelled_batch(client: openai.OpenAI) -> None:
    """It stays so."""
    batch_id = begin(client, line("a"))
    assert client.batches.cancel(batch_id).status == "cancelled"
    assert client.batches.retrieve(batch_id).status == "cancelled"


def test_a_line_that_cannot_be_read(client: openai.OpenAI) -> None:
    """It fails the whole batch, and is named."""
    batch_id = begin(client, line("a"), b"{")
    client.batches.retrieve(batch_id)
    batch = client.batches.retrieve(batch_id)
    assert batch.status == "failed"
    assert batch.errors is not None and batch.errors.data is not None
    assert batch.errors.data[0].line == 2


def test_only_refusals(client: openai.OpenAI) -> None:
    """There is no file of answers then."""
    batch_id = begin(client, line("a", "error-400"), line("b", "error-500"))
    client.batches.retrieve(batch_id)
    batch = client.batches.retrieve(batch_id)
    assert (batch.status, batch.output_file_id) == ("completed", None)
    assert batch.error_file_id is not None


def ask(app: MockApp, method: str, path: str, body: Any = b"") -> tuple[int, Any]:
    """Ask a mock; return status and body."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = app.answer(Request(parse_head(f"{method} {path} HTTP/1.1".encode()), data))
    return int(reply.head.split(b" ", 2)[1]), json.loads(reply.head.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/files", b"", 405),
        ("GET", "/v1/batches", b"", 405),
        ("POST", "/v1/files", b"no form", 400),
        ("POST", "/v1/batches", b"{", 400),
        ("POST", "/v1/batches", {"input_file_id": "x", "endpoint": "e", "completion_window": "24h"}, 400),
        ("GET", "/v1/files/x", b"", 404),
        ("GET", "/v1/files/x/content", b"", 404),
        ("GET", "/v1/files/x/y/z", b"", 404),
        ("GET", "/v1/batches/x", b"", 404),
        ("POST", "/v1/batches/x", b"", 405),
        ("GET", "/v1/batches/x/cancel", b"", 405),
    ],
)
def test_refusals(method: str, path: str, body: Any, status: int) -> None:
    """What is wrong has its status and OpenAI's shape."""
    found, said = ask(MockApp(MockOptions()), method, path, body)
    assert found == status
    assert set(said["error"]) == {"message", "type", "param", "code"}


def form(content: bytes) -> bytes:
    """A form with a file."""
    return (
        b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        + content
        + b"\r\n--x--\r\n"
    )


def test_a_reset_forgets_files() -> None:
    """And numbers begin anew."""
    app = MockApp(MockOptions())
    assert ask(app, "POST", "/v1/files", form(b"1"))[1]["id"] == "file-mock-1"
    ask(app, "POST", "/__reset")
    assert ask(app, "GET", "/v1/files/file-mock-1")[0] == 404
    assert ask(app, "POST", "/v1/files", form(b"1"))[1]["id"] == "file-mock-1"


def test_memory_is_bounded() -> None:
    """The oldest files make room; a batch whose file is gone completes with nothing."""
    desk = BatchDesk(lambda body: (200, b"{}"))
    for _ in range(MAX_FILES):
        desk.answer(b"POST", b"/v1/files", form(line("a")))
    new = {"input_file_id": "file-mock-1", "endpoint": "e", "completion_window": "24h"}
    status, body = desk.answer(b"POST", b"/v1/batches", json.dumps(new).encode())
    assert status == 200
    name = json.loads(body)["id"].encode()
    desk.answer(b"POST", b"/v1/files", form(line("a")))
    assert desk.answer(b"GET", b"/v1/files/file-mock-1", b"")[0] == 404
    for _ in range(2):
        _, body = desk.answer(b"GET", b"/v1/batches/" + name, b"")
    assert json.loads(body)["request_counts"]["total"] == 0
