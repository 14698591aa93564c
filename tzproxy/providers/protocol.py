"""What a provider is to the engine: pure translation between `ModelRequest` and bytes. Hot.

A provider opens no connection, reads no file and keeps no state between calls that a caller could
notice; whoever drives it does the exchange:

    if spec.prepares: await provider.prepare(credentials)
    wire = provider.build_request(request, credentials)       then `extra_body`, `extra_headers`
    if spec.signs: wire = provider.sign(wire, credentials)
    send; status not 2xx: `driving.error_response` / `driving.stream_refusal`
    provider.parse_response(...), or provider.stream_parser(...) fed event by event; what cuts the stream
    into events is the upstream client's own reading (`spec.stream_format` is `sse`) or, over the bytes as
    they come, provider.stream_cutter()

A `LocalProvider` has no wire at all. A provider whose wire needs more than one file is a folder.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from msgspec import Raw, Struct

from tzproxy.providers.errors import ProviderError
from tzproxy.providers.files import never_forwards
from tzproxy.types.content import File
from tzproxy.types.model import ApiType, ModelRequest, ProviderChunk, ProviderResponse
from tzproxy.upstream import Endpoint, HeaderBlock


class HeaderView(Protocol):
    """Headers of an answer."""

    def get(self, name: str) -> str | None:
        """Return a header's value without regard to the case of its name, or None."""
        ...


class ProviderSpec(Struct, frozen=True, kw_only=True):
    """Facts about a provider type, for messages, the capability matrix and the driver.

    Attributes:
        type: the `type` of the configuration, also the tag of thoughts and errors.
        display: the name in messages.
        api_type: which API of the provider this is, for `raw_usage`.
        refusal_type: the type that refusals name; empty: `type`.
        refusal_texts: texts for some statuses instead of the answer's, outside streams.
        refusal_head: begins the text of a refusal, before status and answer; empty: the answer alone.
        stream_refusal_head: the same for a refused stream, which then is an ordinary failure.
        send_head: begins the text for a request that got no answer, which then blames the server.
        thought_type: the tag of thoughts that may be sent back; empty: `type`.
        usage_type: the type that `raw_usage` names; empty: `type`.
        client_statuses: answers that blame the request; all others blame the server.
        keeps_raw_request_on_error: failures carry the request's text.
        keeps_raw_response_on_error: failures carry the answer's text.
        provider_tools: takes `provider_tools`.
        request_id_header: answer header whose value is appended to error texts.
        refuses_streams_plainly: a refused stream is an ordinary failure without the answer's text.
        times_to_headers: the response time ends with the answer's head, not with its body.
        stream_format: how a stream is cut into events.
        prepares: `prepare` must be awaited before `build_request`.
        signs: `sign` must be called on the finished request.
        forwards_url: whether the provider fetches this file's URL itself; if not, it must be fetched first.
    """

    type: str
    display: str
    api_type: ApiType = "chat_completions"
    refusal_type: str = ""
    refusal_texts: Mapping[int, str] = {}
    refusal_head: str = ""
    stream_refusal_head: str = ""
    send_head: str = ""
    thought_type: str = ""
    usage_type: str = ""
    client_statuses: frozenset[int] = frozenset({400, 401, 403, 429})
    keeps_raw_request_on_error: bool = True
    keeps_raw_response_on_error: bool = True
    provider_tools: bool = False
    request_id_header: str | None = None
    refuses_streams_plainly: bool = False
    times_to_headers: bool = False
    stream_format: Literal["sse", "aws"] = "sse"
    prepares: bool = False
    signs: bool = False
    forwards_url: Callable[[File], bool] = never_forwards


class WireRequest(Struct, frozen=True):
    """A request ready to be sent. `body` is also the stored `raw_request` unless `raw_request` is given.

    `raw_request` is given when the body carries files; after `extra_body` has changed the body,
    `files.stored_body` makes it anew.
    """

    endpoint: Endpoint
    headers: HeaderBlock
    body: bytes
    raw_request: str | None = None


class WireEvent(NamedTuple):
    """One event of a stream: its data, and its name for protocols whose data does not repeat it."""

    data: bytes
    event: str = ""


class StreamCutter(Protocol):
    """Cuts the bytes of one stream into events, for streams that are no server-sent events."""

    def feed(self, data: bytes) -> Sequence[WireEvent]:
        """Return the events that are complete by now; the rest is kept.

        Raises:
            ValueError: when the bytes are not what the format promises: the stream is broken.
        """
        ...

    def end(self) -> None:
        """Note that no more will come.

        Raises:
            ValueError: when the stream ends within an event: it is broken.
        """
        ...


class StreamParser(Protocol):
    """Turns the events of one stream into chunks. Holds the state of that stream only."""

    done: bool
    """True after the provider's own end marker: whatever follows is ignored."""

    def feed(self, data: bytes, event: str = "") -> ProviderChunk | None:
        """Translate one event's data; None when it says nothing to the caller.

        Args:
            data: the event's payload.
            event: the event's name, for protocols whose payload does not repeat it.

        Raises:
            ProviderError: when the event cannot be read; the stream may go on unless it is a
                FatalStreamError or `done` is set. It carries the event as raw response, no raw request.
        """
        ...


class Provider(Protocol):
    """One configured provider of one model."""

    spec: ProviderSpec

    def build_request(self, request: ModelRequest, credentials: Mapping[str, str]) -> WireRequest:
        """Translate a request. `credentials` are the caller's dynamic ones.

        Raises:
            ProviderError: when the request cannot be expressed or a credential is missing.
        """
        ...

    def parse_response(self, body: bytes, headers: HeaderView, request: ModelRequest) -> ProviderResponse:
        """Translate a 2xx answer.

        Raises:
            ProviderError: when the body is not what the provider's protocol promises. It carries the
                body as raw response; the raw request is the driver's to add where the spec keeps it.
        """
        ...

    def stream_parser(self, request: ModelRequest, headers: HeaderView | None = None) -> StreamParser:
        """Make the parser for one stream; `headers` are those of the answer."""
        ...


class SigningProvider(Provider, Protocol):
    """A provider whose requests are signed over their final body and headers."""

    def sign(self, wire: WireRequest, credentials: Mapping[str, str]) -> WireRequest:
        """Return the request with the signature's headers."""
        ...


class FramedProvider(Provider, Protocol):
    """A provider whose spec has another `stream_format` than `sse`."""

    def stream_cutter(self) -> StreamCutter:
        """Make what cuts the bytes of one stream into events for its parser."""
        ...


class PreparedProvider(Provider, Protocol):
    """A provider that needs something fetched first, such as an access token."""

    async def prepare(self, credentials: Mapping[str, str]) -> None:
        """Make sure that `build_request` finds what it needs; at once when it is still at hand."""
        ...


class LocalExtras(Struct, frozen=True, kw_only=True):
    """What `extra_body` makes of an empty body, and the headers of `extra_headers`."""

    body: Raw = Raw(b"{}")
    headers: tuple[tuple[str, str], ...] = ()


NO_EXTRAS = LocalExtras()


class LocalAnswer(NamedTuple):
    """A complete answer of a provider without a wire."""

    response: ProviderResponse
    raw_request: str
    raw_response: str


class LocalEvent(NamedTuple):
    """One piece of such a provider's stream: a chunk, or the failure that stands in its place.

    `latency_ms`: the time since the start that the provider claims; None: as measured.
    """

    chunk: ProviderChunk | ProviderError
    raw: str
    latency_ms: int | None = None


class LocalStream(NamedTuple):
    """A started stream of such a provider."""

    events: AsyncIterator[LocalEvent]
    raw_request: str


class LocalProvider(Protocol):
    """A provider that answers by itself, without a wire."""

    spec: ProviderSpec

    async def infer(
        self, request: ModelRequest, credentials: Mapping[str, str], extras: LocalExtras = NO_EXTRAS
    ) -> LocalAnswer:
        """Answer a request.

        Raises:
            TzproxyError: what the provider fails with.
        """
        ...

    async def stream(
        self, request: ModelRequest, credentials: Mapping[str, str], extras: LocalExtras = NO_EXTRAS
    ) -> LocalStream:
        """Start a stream.

        Raises:
            TzproxyError: what the provider fails with before it starts.
        """
        ...
