"""A whole gateway without sockets: ASGI messages in, a scripted network out, rows in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from tzproxy.config import load_config
from tzproxy.http.gateway import Gateway, WorkerSettings
from tzproxy.recording.sink import MemorySink, Sink, Table
from tzproxy.upstream import Upstream, UpstreamSettings
from tzproxy.upstream.fake import FakeNetwork, Script, answer, event_stream

MODEL = """
[models.m]
routing = ["p"]
[models.m.providers.p]
type = "openai"
api_base = "http://up.test/v1/"
model_name = "gpt"
api_key_location = "none"
"""
"""A model `m` of one provider `p`, which the scripted network plays."""

CHAT = """
[functions.f]
type = "chat"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
"""
"""A chat function `f` with one variant `v` of model `m`."""

TWO_PROVIDERS = MODEL.replace('["p"]', '["p", "q"]') + (
    '[models.m.providers.q]\ntype = "openai"\napi_base = "http://other.test/v1/"\n'
    'model_name = "second"\napi_key_location = "none"\n'
)
"""The model `m` with a second provider `q` behind the first."""

DUMMY = {"TZPROXY_ENABLE_DUMMY_PROVIDER": "1"}
HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
StartGateway = Callable[..., Awaitable["RunningGateway"]]


class Reply(Struct, frozen=True):
    """What a client got. `ended`: the last part was announced as the last."""

    status: int
    headers: dict[str, str]
    body: bytes
    ended: bool

    def json(self) -> Any:
        """Decode the body."""
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The message of a native error, which must be all that there is."""
        (message,) = self.json().values()
        assert isinstance(message, str)
        return message

    def events(self) -> list[Any]:
        """Decode the events of a stream, `[DONE]` and keep-alive comments included."""
        assert self.headers["content-type"] == "text/event-stream"
        blocks = self.body.decode().split("\n\n")
        assert blocks.pop() == "", "the last event is cut off"
        return [
            block
            if not block.startswith("data: ") or block == "data: [DONE]"
            else json.loads(block.removeprefix("data: "))
            for block in blocks
        ]


class Conversation:
    """One exchange under way, seen from the client."""

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        method: str,
        path: str,
        *,
        parts: Sequence[bytes] = (b"",),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.messages: list[Any] = []
        self._parts = list(parts)
        self._gone = asyncio.Event()
        scope = {
            "type": "http",
            "method": method,
            "path": path.partition("?")[0],
            "query_string": path.partition("?")[2].encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
        }
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def _receive(self) -> Any:
        if self._parts:
            part = self._parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self._parts)}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.messages.append(message)
        await asyncio.sleep(0)

    def disconnect(self) -> None:
        """Go away."""
        self._gone.set()

    async def finish(self) -> Reply:
        """Wait for the end of the exchange."""
        await self.task
        return self.so_far()

    async def until(self, count: int) -> None:
        """Wait for that many messages of the answer."""
        while len(self.messages) < count:
            assert not self.task.done(), self.messages
            await asyncio.sleep(0)

    def so_far(self) -> Reply:
        """Return what has arrived."""
        head = self.messages[0]
        rest = self.messages[1:]
        return Reply(
            status=head["status"],
            headers={name.decode(): value.decode() for name, value in head["headers"]},
            body=b"".join(message.get("body", b"") for message in rest),
            ended=bool(rest) and not rest[-1].get("more_body", False),
        )


class RunningGateway:
    """A gateway, what it dialled and what it recorded."""

    def __init__(self, gateway: Gateway, network: FakeNetwork, sink: Sink) -> None:
        self.gateway = gateway
        self.network = network
        self.sink = sink

    def begin(
        self, method: str, path: str, body: object = b"", headers: Mapping[str, str] | None = None
    ) -> Conversation:
        """Begin an exchange; a body that is no bytes is sent as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Conversation(self.gateway, method, path, parts=[content], headers=headers)

    async def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Reply:
        """Send a body and return the answer."""
        return await self.begin("POST", path, body, headers).finish()

    async def get(self, path: str, method: str = "GET") -> Reply:
        """Ask for a path."""
        return await self.begin(method, path).finish()

    async def infer(self, **request: object) -> Reply:
        """Ask function `f`, unless the request names something else, to answer `Hello`."""
        return await self.post("/inference", native(**request))

    async def chat(self, **request: object) -> Reply:
        """Ask function `f`, unless the request names another model, for a chat completion."""
        return await self.post("/openai/v1/chat/completions", openai(**request))

    def rows(self, table: Table) -> list[Any]:
        """Return the rows of a table."""
        assert isinstance(self.sink, MemorySink)
        return [json.loads(line) for line in self.sink.lines(table)]

    @property
    def chat_rows(self) -> list[Any]:
        """The rows of ChatInference."""
        return self.rows(Table.CHAT_INFERENCE)

    @property
    def json_rows(self) -> list[Any]:
        """The rows of JsonInference."""
        return self.rows(Table.JSON_INFERENCE)

    @property
    def model_rows(self) -> list[Any]:
        """The rows of ModelInference."""
        return self.rows(Table.MODEL_INFERENCE)

    @property
    def sent(self) -> list[Any]:
        """The JSON bodies that reached the providers."""
        return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in self.network.requests]

    @property
    def metrics(self) -> Awaitable[dict[str, float]]:
        """The samples of `/metrics` by name and labels."""

        async def read() -> dict[str, float]:
            lines = (await self.get("/metrics")).body.decode().splitlines()
            samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]
            return {name: float(value) for name, _, value in samples}

        return read()

    async def close(self) -> None:
        """Close it, as the server's shutdown would."""
        await self.gateway.close()


async def start_gateway(
    folder: Path,
    toml: str = "",
    *scripts: Script,
    files: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    sink: Sink | None = None,
    synchronous: bool = False,
    store_url: str | None = None,
) -> RunningGateway:
    """Start a gateway with a configuration; each script is one connection to a provider."""
    for name, text in {"tensorzero.toml": toml, **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    environ = {**DUMMY, **(environ or {})}
    loaded = load_config(str(folder / "tensorzero.toml"), environ=environ)
    network = FakeNetwork(*scripts)
    kept = MemorySink() if sink is None else sink
    settings = WorkerSettings(
        config=loaded.to_bytes(), data_dir=str(folder), synchronous=synchronous, store_url=store_url
    )
    clock = asyncio.get_running_loop().time

    def open_upstream(settings: UpstreamSettings) -> Upstream:
        return Upstream(settings, connector=network, clock=clock)

    gateway = Gateway(settings, environ, sink=kept, open_upstream=open_upstream)
    gateway.open()
    return RunningGateway(gateway, network, kept)


def native(**request: object) -> dict[str, object]:
    """Write a native request: function `f` and `Hello`, unless told otherwise."""
    target = {} if "model_name" in request else {"function_name": "f"}
    return {**target, "input": HELLO, **request}


def openai(**request: object) -> dict[str, object]:
    """Write a chat completion request: function `f` and `Hello`, unless told otherwise."""
    return {"model": "tensorzero::function_name::f", "messages": HELLO["messages"], **request}


def completion(text: str | None = "Hi", **message: object) -> bytes:
    """Write a provider's whole answer, of 3 tokens in and 5 out."""
    return answer(json.dumps(completion_body(text, **message)).encode())


def completion_body(text: str | None = "Hi", **message: object) -> dict[str, object]:
    """Make the body of a provider's answer; further keys go into its message."""
    return {
        "id": "c",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls" if "tool_calls" in message else "stop",
                "message": {"role": "assistant", "content": text, **message},
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5},
    }


def tool_calls(*calls: tuple[str, str]) -> list[dict[str, object]]:
    """Write calls (name, arguments) as a provider does; their ids are call_0, call_1 and so on."""
    return [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(calls)
    ]


def delta(**fields: object) -> bytes:
    """Write one event of a provider's stream; the fields are the delta's."""
    return json.dumps({"choices": [{"index": 0, "finish_reason": None, "delta": fields}]}).encode()


LAST = json.dumps({"choices": [{"index": 0, "finish_reason": "stop", "delta": {}}]}).encode()
USAGE = json.dumps({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}).encode()
DONE = b"[DONE]"


def streamed(*texts: str) -> list[bytes]:
    """Write a provider's whole stream of texts."""
    return event_stream([*(delta(content=text) for text in texts), LAST, USAGE, DONE])
