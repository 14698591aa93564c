"""What a variant is to the engine, and the plain one: a prompt for a model. Hot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

from msgspec import Raw, Struct

from tzproxy.errors import NotSupportedError, RequestError, TzproxyError
from tzproxy.inference.deadlines import NO_TIMEOUTS, Deadline, Timeouts, begin_by, bounded
from tzproxy.inference.extra import NO_CHANGES, Changes
from tzproxy.inference.model import (
    CallContext,
    Model,
    ModelCall,
    ModelCaller,
)
from tzproxy.inference.model_stream import ModelStreamer
from tzproxy.inference.plan import Inference, OutputSchema
from tzproxy.inference.prompt import Prompt
from tzproxy.inference.retry import Retries, retried
from tzproxy.inference.stream_sources import StreamItem
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.types.content import ModelOutput
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.types.params import NO_CHAT_PARAMS, ChatParams, merge_params
from tzproxy.types.tools import AllowedTools, FunctionTool, SpecificTool, ToolConfig
from tzproxy.types.usage import FinishReason

RESPOND = "respond"
RESPOND_DESCRIPTION = (
    "Give the answer by calling this tool; its arguments are the answer and must fit the schema."
)
NO_RETRIES = Retries()


class VariantAnswer(Struct, frozen=True, kw_only=True):
    """What a variant came to. `calls` are all successful model calls, in the order they are recorded.

    `original` is the index of the call whose raw answer counts as the original response; None: there is none.
    `may_fit` is false for a JSON answer that fits no schema, whatever it looks like.
    """

    output: list[ModelOutput]
    finish_reason: FinishReason | None
    calls: Sequence[ModelCall]
    params: ChatParams
    failures: Sequence[TzproxyError] = ()
    original: int | None = -1
    may_fit: bool = True


class OpenStream(Protocol):
    """A stream of a model that has begun. See `tzproxy.inference.model_stream.ModelStream`."""

    call_id: str
    spec: ProviderSpec
    failures: Sequence[TzproxyError]
    deadlines: list[Deadline]
    ttft_ms: int
    is_over: bool
    """Whether `take` gives None next, as far as that is known; who listens has to look."""

    def take(self) -> list[StreamItem] | None:
        """Return the pieces that are there by now, perhaps none; None at the end."""
        ...

    def more(self) -> Awaitable[None]:
        """Return what is done when there may be more to take; who gives up waiting closes the stream."""
        ...

    def listen(self, listener: Callable[[], None]) -> bool:
        """Have `listener` called whenever there may be more to take; False where only `more` tells so."""
        ...

    def in_time(self, waiting: Awaitable[None]) -> Awaitable[None]:
        """Wait for what a listener sees to, until the stream's deadline; then its error can be taken."""
        ...

    async def close(self) -> None:
        """Let go of what the pieces come from."""
        ...

    def finished(self, response: ProviderResponse, raws: Sequence[str]) -> ModelCall:
        """Return the call that this stream was."""
        ...


class VariantStream(Struct, frozen=True, kw_only=True):
    """A variant's answer as it arrives. `calls` are further model calls, made before it."""

    stream: OpenStream
    context: CallContext
    params: ChatParams
    calls: Sequence[ModelCall] = ()
    failures: Sequence[TzproxyError] = ()


class Variant(Protocol):
    """One way to serve a function."""

    name: str
    namespace: str | None

    def models(self) -> Sequence[Model]:
        """Return the models this variant itself calls."""
        ...

    def infer(self, inference: Inference, caller: ModelCaller) -> Awaitable[VariantAnswer]:
        """Answer as a whole.

        Raises:
            TzproxyError: whatever made this variant fail.
        """
        ...

    def stream(self, inference: Inference, streamer: ModelStreamer) -> Awaitable[VariantStream]:
        """Begin to answer; returns when the first piece is there.

        Raises:
            TzproxyError: whatever made this variant fail before its first piece.
        """
        ...


class UnsupportedVariant:
    """A configured variant of a type that this version does not have: named at start, refused when used."""

    def __init__(self, name: str, type_name: str) -> None:
        self.name = name
        self.namespace: str | None = None
        self.type_name = type_name

    def models(self) -> Sequence[Model]:
        """Return none: it calls nothing."""
        return ()

    async def infer(self, inference: Inference, caller: ModelCaller) -> VariantAnswer:
        """Refuse."""
        raise self._refusal()

    async def stream(self, inference: Inference, streamer: ModelStreamer) -> VariantStream:
        """Refuse."""
        raise self._refusal()

    def _refusal(self) -> NotSupportedError:
        return NotSupportedError(f"Variant `{self.name}`: type `{self.type_name}` is not supported yet")


class ChatCompletion:
    """A prompt for one model with parameters, retries and timeouts."""

    def __init__(  # noqa: PLR0913 - one argument for each table of its configuration
        self,
        name: str,
        model: Model,
        prompt: Prompt,
        *,
        params: ChatParams = NO_CHAT_PARAMS,
        json_mode: Literal["off", "on", "strict", "tool"] | None = None,
        retries: Retries = NO_RETRIES,
        timeouts: Timeouts = NO_TIMEOUTS,
        changes: Changes = NO_CHANGES,
        namespace: str | None = None,
    ) -> None:
        self.name = name
        self.namespace = namespace
        self._model = model
        self._prompt = prompt
        # What leaves everything open is one object: rows and providers know it by its identity.
        self._params = NO_CHAT_PARAMS if params == NO_CHAT_PARAMS else params
        self._json_mode = json_mode
        self._retries = retries
        self._timeouts = timeouts
        self._changes = changes
        self._asks_once = not retries.num_retries and timeouts.total_ms is None
        self._opens_once = (
            not retries.num_retries and timeouts.stream_ttft_ms is None and timeouts.stream_total_ms is None
        )

    @property
    def prompt(self) -> Prompt:
        """Its templates."""
        return self._prompt

    def models(self) -> Sequence[Model]:
        """Return its one model."""
        return (self._model,)

    def infer(self, inference: Inference, caller: ModelCaller) -> Awaitable[VariantAnswer]:
        """Render, call, and return what the model said."""
        request = self.model_request(inference, self.merged(inference), stream=False)
        return self.ask(request, inference, caller)

    async def ask(self, request: ModelRequest, inference: Inference, caller: ModelCaller) -> VariantAnswer:
        """Call the model with a request that is ready."""
        context = self.context(inference)
        failures: Sequence[TzproxyError] = ()
        try:
            if self._asks_once:
                call = await caller.infer(self._model, request, context)
            else:
                call, failures = await self._persist(request, caller, context)
        finally:
            inference.provider_seconds += context.provider_seconds
        response = call.response
        return VariantAnswer(
            output=response.output,
            finish_reason=response.finish_reason,
            calls=(call,),
            params=request.params,
            failures=failures,
        )

    def _persist(
        self, request: ModelRequest, caller: ModelCaller, context: CallContext
    ) -> Awaitable[tuple[ModelCall, list[TzproxyError]]]:
        """Call the model with retries, all of them within the variant's deadline."""
        attempts = retried(self._retries, lambda: caller.infer(self._model, request, context))
        total_ms = self._timeouts.total_ms
        return attempts if total_ms is None else bounded(attempts, total_ms, f"Variant `{self.name}`")

    def stream(self, inference: Inference, streamer: ModelStreamer) -> Awaitable[VariantStream]:
        """Render, open the stream, and return it with its first piece."""
        request = self.model_request(inference, self.merged(inference), stream=True)
        return self.open(request, inference, streamer)

    async def open(
        self, request: ModelRequest, inference: Inference, streamer: ModelStreamer
    ) -> VariantStream:
        """Open the stream of a request that is ready."""
        context = self.context(inference)
        failures: Sequence[TzproxyError] = ()
        if self._opens_once:
            stream = await streamer.open(self._model, request, context)
        else:
            async with begin_by(self._timeouts, f"Variant `{self.name}`") as rest:
                stream, failures = await retried(
                    self._retries, lambda: streamer.open(self._model, request, context)
                )
            stream.deadlines.extend(rest)
        return VariantStream(stream=stream, context=context, params=request.params, failures=failures)

    def merged(self, inference: Inference) -> ChatParams:
        """Join the request's parameters with the variant's."""
        if inference.params is NO_CHAT_PARAMS:
            return self._params
        return merge_params(inference.params, self._params)

    def context(self, inference: Inference) -> CallContext:
        """Make what the attempts of this variant share."""
        request = inference.request
        return CallContext(
            variant_name=self.name,
            credentials=request.credentials,
            tags=inference.tags,
            changes=self._changes,
            extra_body=request.extra_body,
            extra_headers=request.extra_headers,
            filtered=inference.read.filtered,
            cache=inference.cache,
            files=inference.read.keeping,
        )

    def model_request(
        self, inference: Inference, params: ChatParams, *, stream: bool, schema: OutputSchema | None = None
    ) -> ModelRequest:
        """Render the prompt and settle JSON mode and tools.

        Raises:
            TemplateError: when the prompt cannot be rendered.
            RequestError: when a JSON mode lacks its schema.
        """
        read, model = inference.read, self._model
        function_type = inference.function.type
        output = schema or inference.output_schema
        mode = params.json_mode or self._json_mode or ("strict" if function_type == "json" else "off")
        tool_config = inference.tools.config if inference.tools is not None else None
        if mode == "tool":
            if output is None:
                raise RequestError(
                    "JSON mode `tool` requires `output_schema` to be provided at inference time."
                )
            tool_config = implicit_tool(output.raw)
            mode = "off"
        messages, system = self._prompt.render(read)
        return ModelRequest(
            inference_id=inference.inference_id,
            messages=messages,
            system=system,
            tool_config=tool_config,
            params=params,
            stream=stream,
            json_mode=mode,  # type: ignore[arg-type]  # aliases are gone after merging
            function_type=function_type,
            output_schema=None if output is None else output.raw,
            model_name=model.name,
            provider_name=model.providers[0].name,
            fetch_files=read.fetch_first,
        )


def implicit_tool(schema: Raw) -> ToolConfig:
    """Make the one forced tool whose arguments are the JSON answer."""
    return ToolConfig(
        tools=[FunctionTool(RESPOND_DESCRIPTION, schema, RESPOND)],
        tool_choice=SpecificTool(RESPOND),
        allowed=AllowedTools([], "function_default"),
    )
