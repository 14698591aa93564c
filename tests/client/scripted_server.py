"""A server on the loopback interface that keeps what it is sent and answers what it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from msgspec import Struct


class Seen(Struct):
    """A request that arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class _QuietServer(ThreadingHTTPServer):
    connections = 0
    changed = threading.Condition()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection until its other end closes it."""
        self._count(1)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self.changed:
            self.connections += change
            self.changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that go away are what is tested."""


class ScriptedServer:
    """Answers every request with what was last said."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._status = 200
        self._body = b"{}"
        self._parts: Iterable[bytes] | None = None
        self._location = ""
        self.release = threading.Event()
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def _serve(self) -> None:
                script.serve(self)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def last(self) -> Seen:
        """The last request."""
        return self.seen[-1]

    def wait_until_alone(self, timeout_s: float) -> bool:
        """Wait until nobody is connected; say whether that is so."""
        with self._server.changed:
            return self._server.changed.wait_for(lambda: self._server.connections == 0, timeout_s)

    def answers(self, body: object, status: int = 200) -> None:
        """Say what is answered; what is no bytes, as JSON."""
        self._status = status
        self._body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._parts = None
        self._location = ""

    def redirects(self, url: str) -> None:
        """Say where else to ask."""
        self.answers(b"", 307)
        self._location = url

    def streams(self, *events: object) -> None:
        """Say which events are streamed; `HANG` waits for the test, `BREAK` ends without an end."""
        self._status = 200
        self._parts = [
            event if isinstance(event, bytes) else f"data: {_text(event)}\n\n".encode() for event in events
        ]

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        length = int(handler.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.seen.append(
            Seen(
                handler.command, handler.path, headers, handler.rfile.read(length), handler.client_address[1]
            )
        )
        handler.send_response(self._status)
        if self._location:
            handler.send_header("location", self._location)
        if self._parts is None:
            handler.send_header("content-length", str(len(self._body)))
            handler.end_headers()
            handler.wfile.write(self._body)
            return
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        try:
            self._stream(handler)
        except OSError:
            handler.close_connection = True

    def _stream(self, handler: BaseHTTPRequestHandler) -> None:
        for part in self._parts or ():
            if part == HANG:
                self.release.wait(20.0)
                continue
            if part == BREAK:
                handler.close_connection = True
                return
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")

    def close(self) -> None:
        """End it."""
        self.release.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


HANG = b"HANG"
BREAK = b"BREAK"


def _text(event: object) -> str:
    return event if isinstance(event, str) else json.dumps(event)


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """Run one."""
    server = ScriptedServer()
    try:
        yield server
    finally:
        server.close()


ID = "0198e1f0-0000-7000-8000-000000000001"
OTHER = "0198e1f0-0000-7000-8000-000000000002"
INPUT: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
CHAT: dict[str, Any] = {
    "inference_id": ID,
    "episode_id": OTHER,
    "variant_name": "v",
    "content": [
        {"type": "text", "text": "a"},
        {
            "type": "tool_call",
            "id": "1",
            "raw_name": "n",
            "raw_arguments": "{}",
            "name": "n",
            "arguments": {},
        },
        {
            "type": "thought",
            "text": "x",
            "signature": None,
            "summary": [{"type": "summary_text", "text": "s"}],
        },
        {"type": "unknown", "data": {"q": 1}, "model_name": "m"},
    ],
    "usage": {"input_tokens": 1, "output_tokens": 2, "cost": 0.5},
    "finish_reason": "stop",
    "raw_usage": [
        {"model_inference_id": ID, "provider_type": "p", "api_type": "chat_completions", "data": {"a": 1}}
    ],
    "raw_response": [{"provider_type": "p", "api_type": "responses", "data": "raw"}],
    "new_field_of_a_newer_gateway": 1,
}
JSON: dict[str, Any] = {
    "inference_id": ID,
    "episode_id": OTHER,
    "variant_name": "v",
    "output": {"raw": '{"a":1}', "parsed": {"a": 1}},
    "usage": {"input_tokens": None, "output_tokens": None},
}
CHUNK: dict[str, Any] = {
    "inference_id": ID,
    "episode_id": OTHER,
    "variant_name": "v",
    "content": [{"type": "text", "id": "0", "text": "a"}],
}
LAST_CHUNK: dict[str, Any] = {
    **CHUNK,
    "content": [
        {"type": "tool_call", "id": "1", "raw_name": "n", "raw_arguments": "{"},
        {"type": "thought", "id": "2", "text": "x", "summary_id": "0", "summary_text": "s"},
        {"type": "unknown", "id": "9", "data": {}},
    ],
    "usage": {"input_tokens": 1, "output_tokens": 2},
    "finish_reason": "length",
}
