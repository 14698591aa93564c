"""Requests to replies."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tzproxy.mock.app import MockApp, Reply
from tzproxy.mock.options import MockOptions
from tzproxy.mock.render import DONE
from tzproxy.mock.wire import Request, parse_head


def _ask(app: MockApp, path: str, body: Any = None, *, method: str = "POST") -> Reply:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return app.answer(Request(parse_head(f"{method} {path} HTTP/1.1".encode()), data))


def _chat(app: MockApp, model: str, **fields: Any) -> Reply:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **fields}
    return _ask(app, "/v1/chat/completions", body)


def _status(reply: Reply) -> int:
    return int(reply.head.split(b" ", 2)[1])


def _json(reply: Reply) -> Any:
    return msgspec.json.decode(reply.head.partition(b"\r\n\r\n")[2])


def test_equal_requests_get_equal_bytes() -> None:
    """Two mocks answer the same request with the same bytes, prepared answers or not."""
    for model in ("echo", "fixed-x", "tool", "tokens-9"):
        first, second = MockApp(MockOptions()), MockApp(MockOptions())
        assert _chat(first, model) == _chat(first, model) == _chat(second, model)
        assert _chat(first, model, stream=True) == _chat(second, model, stream=True)


def test_prepared_answer_keeps_each_requests_own_numbers() -> None:
    """Requests to one model share the words, not the identity and the prompt's tokens."""
    app = MockApp(MockOptions())
    first = _json(_chat(app, "fixed-x"))
    second = _json(_chat(app, "fixed-x", messages=[{"role": "user", "content": "one two three"}]))
    assert first["choices"] == second["choices"]
    assert first["id"] != second["id"]
    assert (first["usage"]["prompt_tokens"], second["usage"]["prompt_tokens"]) == (1, 3)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/", b"", 404),
        ("POST", "/v1/nothing", b"", 404),
        ("GET", "/v1/chat/completions", b"", 405),
        ("POST", "/v1/models", b"", 405),
        ("POST", "/v1/chat/completions", b'{"model":', 400),
        ("POST", "/v1/chat/completions", b'{"model":"echo"}', 400),
        ("POST", "/v1/chat/completions", b"\xff", 400),
        ("POST", "/v1/embeddings", b'{"model":"e","input":[]}', 400),
        ("POST", "/v1/embeddings", b"[]", 400),
    ],
)
def test_refusals(method: str, path: str, body: bytes, status: int) -> None:
    """What is no request gets its status and an error in OpenAI's shape."""
    reply = _ask(MockApp(MockOptions()), path, body, method=method)
    assert _status(reply) == status
    assert set(_json(reply)["error"]) == {"message", "type", "param", "code"}


def test_models_and_embeddings() -> None:
    """The list of models names the demo; embeddings answer."""
    app = MockApp(MockOptions())
    assert "demo" in [entry["id"] for entry in _json(_ask(app, "/v1/models", b"", method="GET"))["data"]]
    assert (
        len(
            _json(_ask(app, "/v1/embeddings", {"model": "e", "input": "a", "dimensions": 4}))["data"][0][
                "embedding"
            ]
        )
        == 4
    )


def test_flaky_fails_first_and_again_after_a_reset() -> None:
    """A flaky model fails its first requests with its status, then answers, until a reset."""
    app = MockApp(MockOptions())
    assert [_status(_chat(app, "flaky-2+error-503")) for _ in range(4)] == [503, 503, 200, 200]
    _ask(app, "/__reset", b"")
    assert _status(_chat(app, "flaky-2+error-503")) == 503


def test_error_rate_follows_the_seed() -> None:
    """The sequence of failures depends on the seed alone and is about as frequent as asked."""

    def run(seed: int) -> list[int]:
        app = MockApp(MockOptions(error_rate=0.25, error_status=503, seed=seed))
        return [_status(_chat(app, "echo")) for _ in range(200)]

    assert run(1) == run(1) != run(2)
    assert 25 <= run(1).count(503) <= 75


def test_stats_count_and_reset() -> None:
    """The statistics hold requests by model and status, not the reading of them, and a reset clears them."""
    app = MockApp(MockOptions())
    _chat(app, "echo")
    _chat(app, "echo", stream=True)
    _chat(app, "error-429")
    _ask(app, "/v1/embeddings", {"model": "e", "input": "a"})
    _ask(app, "/nowhere", b"")
    stats = _json(_ask(app, "/__stats", b"", method="GET"))
    assert stats == {
        "requests": 5,
        "by_model": {"echo": 2, "error-429": 1, "e": 1},
        "by_status": {"200": 3, "429": 1, "404": 1},
        "streams": 1,
        "cancelled_streams": 0,
        "open_connections": 0,
    }
    assert _json(_ask(app, "/__reset", b""))["requests"] == 0


def test_broken_deliveries() -> None:
    """Garbage is no JSON, drop cuts the body, stall sends nothing, streams break after two events."""
    app = MockApp(MockOptions())
    with pytest.raises(msgspec.DecodeError):
        _json(_chat(app, "garbage"))
    drop = _chat(app, "drop")
    head, _, body = drop.head.partition(b"\r\n\r\n")
    assert 0 < len(body) < int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    assert _chat(app, "stall").head == b""
    assert len(_chat(app, "drop", stream=True).events) == 2
    broken = _chat(app, "error-midstream", stream=True).events
    assert DONE not in broken
    assert "error" in msgspec.json.decode(broken[-1].removeprefix(b"data: "))
    assert _chat(app, "garbage", stream=True).events[0] == b"data: <html>this is not JSON\n\n"


def test_delays_reach_the_reply() -> None:
    """Delays of names and options are handed to the server, refusals included."""
    app = MockApp(MockOptions(token_interval_ms=5))
    assert _chat(app, "slow-50ms").delay_s == 0.05
    assert _chat(app, "slow-50ms+error-500").delay_s == 0.05
    assert _chat(app, "echo", stream=True).interval_s == 0.005
