"""From one request to one `Reply`: routes, refusals, behaviours. Knows no loop and no socket.

Hot when the mock is the upstream of a benchmark.
"""

from __future__ import annotations

import random
from zlib import crc32

import msgspec
from msgspec import Struct

from tzproxy.mock.answers import ChatRequest, compose_answer, count_prompt_tokens, is_constant
from tzproxy.mock.batches import BatchDesk
from tzproxy.mock.behaviour import Behaviour, Ending, parse_behaviour
from tzproxy.mock.embeddings import EmbeddingsRequest, render_embeddings
from tzproxy.mock.options import MockOptions
from tzproxy.mock.render import CREATED, DONE, Rendered, render_error, render_response, render_stream_head
from tzproxy.mock.stats import Stats
from tzproxy.mock.wire import Request

_CHAT = msgspec.json.Decoder(ChatRequest)
_EMBEDDINGS = msgspec.json.Decoder(EmbeddingsRequest)
_JSON = msgspec.json.Encoder()
_MAX_CACHED = 1024
_SHOWN_MODELS = (
    "demo",
    "echo",
    "json",
    "tool",
    "tools-parallel",
    "reasoning",
    "fixed-hello",
    "slow-50ms",
    "error-429",
)
_ERROR_EVENT = b"data: " + render_error(500, "mock error in mid-stream") + b"\n\n"
_GARBAGE = b"<html>this is not JSON"
_ROUTES = {
    b"/v1/chat/completions": b"POST",
    b"/v1/embeddings": b"POST",
    b"/v1/models": b"GET",
    b"/__stats": b"GET",
    b"/__reset": b"POST",
}


class Reply(Struct, frozen=True, kw_only=True):
    """What to send, and when. `head` goes first; `events` follow one by one, framed by the server."""

    head: bytes
    events: tuple[bytes, ...] = ()
    is_stream: bool = False
    delay_s: float = 0.0
    interval_s: float = 0.0
    ending: Ending = "complete"


class MockApp:
    """Answers requests; owns the counters and everything that a reset starts anew."""

    def __init__(self, options: MockOptions) -> None:
        self.stats = Stats()
        self._options = options
        self._behaviours: dict[str, Behaviour] = {}
        self._rendered: dict[str, Rendered] = {}
        self._failures: dict[str, int] = {}
        self._random = random.Random(options.seed)
        self._desk = BatchDesk(self._complete)

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        path = request.head.path
        if path == b"/v1/chat/completions" and request.head.method == b"POST":
            self.stats.requests += 1
            return self._answer_chat(request)
        return self._answer_other(request, path)

    def _answer_other(self, request: Request, path: bytes) -> Reply:
        method = _ROUTES.get(path)
        if path.startswith(b"/__") and method == request.head.method:
            if path == b"/__reset":
                self.stats.reset()
                self._failures.clear()
                self._desk.reset()
                self._random.seed(self._options.seed)
            return self._whole(request, 200, self.stats.to_json(), is_counted=False)
        self.stats.requests += 1
        if BatchDesk.serves(path):
            return self._whole(request, *self._desk.answer(request.head.method, path, request.body))
        if method is None:
            where = f"{request.head.method.decode('latin-1')} {path.decode('latin-1')}"
            return self._whole(
                request, 404, render_error(404, f"Unknown request URL: {where}", code="unknown_url")
            )
        if method != request.head.method:
            return self._whole(request, 405, render_error(405, f"This path takes {method.decode()} only"))
        if path == b"/v1/models":
            return self._whole(request, 200, _render_models())
        return self._answer_embeddings(request)

    def _answer_embeddings(self, request: Request) -> Reply:
        try:
            embeddings = _EMBEDDINGS.decode(request.body)
            body = render_embeddings(embeddings)
        except (msgspec.DecodeError, ValueError) as exc:
            return self._whole(request, 400, render_error(400, str(exc)))
        self.stats.count_model(embeddings.model)
        behaviour = self._behaviour(embeddings.model)
        status = self._failure_status(embeddings.model, behaviour)
        if status:
            return self._refuse(request, status, behaviour)
        if behaviour.kind == "garbage":
            body = _GARBAGE
        return self._whole(request, 200, body, behaviour=behaviour)

    def _answer_chat(self, request: Request) -> Reply:
        try:
            chat = _CHAT.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            return self._whole(request, 400, render_error(400, str(exc)))
        model = chat.model
        self.stats.count_model(model)
        behaviour = self._behaviour(model)
        status = self._failure_status(model, behaviour)
        if status:
            return self._refuse(request, status, behaviour)
        rendered = self._render(chat, behaviour)
        identity = _identify(request)
        if chat.stream:
            return self._stream(request, chat, rendered, behaviour)
        if behaviour.kind == "garbage":
            return self._whole(request, 200, _GARBAGE, behaviour=behaviour)
        body = rendered.completion(identity, count_prompt_tokens(chat))
        return self._whole(request, 200, body, behaviour=behaviour, identity=identity)

    def _complete(self, body: bytes) -> tuple[int, bytes]:
        """Answer one request of a batch: a status, and a body."""
        try:
            chat = _CHAT.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            return 400, render_error(400, str(exc))
        self.stats.count_model(chat.model)
        behaviour = self._behaviour(chat.model)
        status = self._failure_status(chat.model, behaviour)
        if status:
            return status, render_error(status, f"mock error {status}")
        rendered = self._render(chat, behaviour)
        return 200, rendered.completion(b"%08x" % crc32(body), count_prompt_tokens(chat))

    def _stream(self, request: Request, chat: ChatRequest, rendered: Rendered, behaviour: Behaviour) -> Reply:
        self.stats.streams += 1
        self.stats.count_status(200)
        identity = _identify(request)
        has_usage = chat.stream_options is not None and bool(chat.stream_options.include_usage)
        if behaviour.kind == "garbage":
            events = [b"data: " + _GARBAGE + b"\n\n", DONE]
        else:
            events = rendered.stream_events(identity, count_prompt_tokens(chat), has_usage=has_usage)
        if behaviour.ending != "complete":
            events = events[:2]
            if behaviour.ending == "error":
                events.append(_ERROR_EVENT)
        head = request.head
        return Reply(
            head=render_stream_head(
                identity=identity, is_keep_alive=head.is_keep_alive, is_http_10=head.is_http_10
            ),
            events=tuple(events),
            is_stream=True,
            delay_s=behaviour.delay_s,
            interval_s=behaviour.interval_s,
            ending=behaviour.ending,
        )

    def _behaviour(self, model: str) -> Behaviour:
        behaviour = self._behaviours.get(model)
        if behaviour is None:
            if len(self._behaviours) >= _MAX_CACHED:
                self._behaviours.clear()
            behaviour = self._behaviours[model] = parse_behaviour(model, self._options)
        return behaviour

    def _render(self, chat: ChatRequest, behaviour: Behaviour) -> Rendered:
        if not is_constant(behaviour, chat):
            return Rendered(chat.model, compose_answer(behaviour, chat))
        rendered = self._rendered.get(chat.model)
        if rendered is None:
            if len(self._rendered) >= _MAX_CACHED:
                self._rendered.clear()
            rendered = self._rendered[chat.model] = Rendered(chat.model, compose_answer(behaviour, chat))
        return rendered

    def _failure_status(self, model: str, behaviour: Behaviour) -> int:
        """Say with which status this request fails; 0 when it does not."""
        if behaviour.failures:
            seen = self._failures.get(model, 0)
            self._failures[model] = seen + 1
            return behaviour.error_status if seen < behaviour.failures else 0
        if behaviour.error_status:
            return behaviour.error_status
        if self._options.error_rate and self._random.random() < self._options.error_rate:
            return self._options.error_status
        return 0

    def _refuse(self, request: Request, status: int, behaviour: Behaviour) -> Reply:
        return self._whole(
            request, status, render_error(status, f"mock error {status}"), delay_s=behaviour.delay_s
        )

    def _whole(
        self,
        request: Request,
        status: int,
        body: bytes,
        *,
        behaviour: Behaviour | None = None,
        identity: bytes = b"",
        delay_s: float = 0.0,
        is_counted: bool = True,
    ) -> Reply:
        if is_counted:
            self.stats.count_status(status)
        data = render_response(
            status,
            body,
            identity=identity or _identify(request),
            is_keep_alive=request.head.is_keep_alive,
            is_http_10=request.head.is_http_10,
        )
        if behaviour is None:
            return Reply(head=data, delay_s=delay_s)
        if behaviour.ending == "drop":
            data = data[: len(data) - len(body) // 2]
        elif behaviour.ending == "stall":
            data = b""
        return Reply(head=data, delay_s=behaviour.delay_s, ending=behaviour.ending)


def _identify(request: Request) -> bytes:
    return b"%08x" % crc32(request.body)


def _render_models() -> bytes:
    data = [
        {"id": name, "object": "model", "created": CREATED, "owned_by": "tzproxy-mock"}
        for name in _SHOWN_MODELS
    ]
    return _JSON.encode({"object": "list", "data": data})
