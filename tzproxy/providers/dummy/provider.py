"""The dummy provider: answers by the model's name, without a wire. Not hot; for tests only."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import ClassVar

import msgspec

from tzproxy._speedups.ids import new_uuid7
from tzproxy.config.credentials import Credential, DynamicCredential
from tzproxy.errors import NotSupportedError, RateLimitError
from tzproxy.providers.dummy import answers
from tzproxy.providers.dummy.answers import (
    CANNED,
    DEFAULT,
    DEFAULT_STREAM,
    RAW_REQUEST,
    STREAMS,
    USAGES,
    CannedStream,
)
from tzproxy.providers.errors import ProviderError, client_error, fatal_stream_error, missing_key_error
from tzproxy.providers.protocol import (
    NO_EXTRAS,
    LocalAnswer,
    LocalEvent,
    LocalExtras,
    LocalStream,
    ProviderSpec,
)
from tzproxy.types.content import Chunk, ModelOutput, Text, TextChunk, ThoughtChunk, ToolCallChunk
from tzproxy.types.model import ModelRequest, ProviderChunk, ProviderResponse
from tzproxy.types.usage import FinishReason, Usage

Sleep = Callable[[float], Awaitable[object]]

SPEC = ProviderSpec(type="dummy", display="Dummy", forwards_url=lambda file: False)
_CLIENT_RAW = '{"error": "dummy client raw response"}'
_FATAL_RAW = '{"error": "dummy fatal raw response"}'


class CallCounts:
    """How often each flaky model was called. Process-wide: that is what makes it flaky across requests."""

    SHARED: ClassVar[CallCounts]

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def next(self, name: str) -> int:
        """Count one call and return its number, from 1."""
        self._counts[name] += 1
        return self._counts[name]


CallCounts.SHARED = CallCounts()


class DummyProvider:
    """One configured dummy model."""

    def __init__(
        self,
        model_name: str,
        credential: Credential,
        *,
        sleep: Sleep = asyncio.sleep,
        counts: CallCounts = CallCounts.SHARED,
    ) -> None:
        self.spec = SPEC
        self._name = model_name
        self._credential = credential
        self._sleep = sleep
        self._counts = counts

    async def infer(
        self, request: ModelRequest, credentials: Mapping[str, str], extras: LocalExtras = NO_EXTRAS
    ) -> LocalAnswer:
        """Answer a request.

        Raises:
            TzproxyError: as the model's name demands.
        """
        name = self._name
        await self._sleep(5.0 if name == "slow" else 0.001)
        self._fail_flaky(stream=False)
        self._fail_always()
        if name == "test_key":
            self._check_key(credentials)
        canned = CANNED.get(name, DEFAULT)
        output: list[ModelOutput] = list(canned.output)
        raw = canned.raw
        text = self._computed(request, extras)
        if text is not None:
            output = [Text(text)]
        tokens_in, tokens_out = USAGES.get(name, (10, None))
        return LocalAnswer(
            response=ProviderResponse(
                output=output,
                usage=Usage(tokens_in, len(output) if tokens_out is None else tokens_out),
                finish_reason=self._finish_reason(),
            ),
            raw_request=RAW_REQUEST,
            raw_response=raw,
        )

    async def stream(
        self, request: ModelRequest, credentials: Mapping[str, str], extras: LocalExtras = NO_EXTRAS
    ) -> LocalStream:
        """Start a stream.

        Raises:
            TzproxyError: as the model's name demands.
        """
        if self._name == "slow":
            await self._sleep(5.0)
        self._fail_flaky(stream=True)
        self._fail_always()
        return LocalStream(self._events(STREAMS.get(self._name, DEFAULT_STREAM)), RAW_REQUEST)

    def _computed(self, request: ModelRequest, extras: LocalExtras) -> str | None:
        match self._name:
            case "echo":
                return answers.echo(request.messages)
            case "random_answer":
                return f'{{"answer":"{new_uuid7()}"}}'
            case "echo_request_messages":
                return answers.echo_messages(request.system, request.messages)
            case "echo_injected_data":
                injected = {"injected_body": extras.body, "injected_headers": extras.headers}
                return msgspec.json.encode(injected).decode()
            case "echo_extra_info":
                raise NotSupportedError("The dummy model `echo_extra_info` is not supported by this version")
            case "extract_images":
                return answers.list_files(request.messages)
            case "require_pdf":
                return answers.list_files_with_pdf(request.messages)
            case "multiple-text-blocks":
                return answers.two_texts(request.messages)
        return None

    def _finish_reason(self) -> FinishReason:
        return "tool_call" if "tool" in self._name else "stop"

    def _fail_flaky(self, *, stream: bool) -> None:
        name = self._name
        if not name.startswith("flaky_"):
            return
        number = self._counts.next(name)
        if number % 2:
            return
        if "rate_limit" in name and not stream:
            raise RateLimitError(f"Flaky model '{name}' was rate limited on call number {number}")
        raise client_error(
            "dummy",
            f"Flaky model '{name}' failed on call number {number}",
            raw_request=RAW_REQUEST,
            raw_response="dummy flaky error raw response" if "raw_response" in name else None,
        )

    def _fail_always(self) -> None:
        name = self._name
        if name == "error_with_raw_response":
            raise client_error(
                "dummy",
                "Error from Dummy provider with raw response",
                status=500,
                raw_request="dummy error raw request",
                raw_response="dummy error raw response",
            )
        if name.startswith("error"):
            raise client_error(
                "dummy",
                f"Error sending request to Dummy provider for model '{name}'.",
                raw_request=RAW_REQUEST,
            )
        if name == "llm_judge::error":
            raise client_error("dummy", "Dummy error in inference", raw_request=RAW_REQUEST)

    def _check_key(self, credentials: Mapping[str, str]) -> None:
        key = None
        if isinstance(self._credential, DynamicCredential):
            key = credentials.get(self._credential.name)
            if key is None:
                raise missing_key_error("Dummy", f"Dynamic api key `{self._credential.name}` is missing")
        if key != "good_key":
            raise client_error("dummy", "Invalid API key for Dummy provider", raw_request=RAW_REQUEST)

    async def _events(self, canned: CannedStream) -> AsyncIterator[LocalEvent]:
        total = len(canned.thoughts) + len(canned.pieces)
        for number, (chunk, piece) in enumerate(_chunks(canned)):
            if number == 1 and self._name == "slow_second_chunk":
                await self._sleep(2.0)
            failure = self._planned_failure(number)
            latency_ms = 50 + 10 * (number + 1)
            if failure is not None:
                yield LocalEvent(chunk=failure, raw="", latency_ms=latency_ms)
                if self._name.startswith("fatal"):
                    return
            else:
                raw = "" if canned.silent else piece
                yield LocalEvent(chunk=ProviderChunk(content=[chunk]), raw=raw, latency_ms=latency_ms)
            await self._sleep(0.01)
        usage = f'{{"prompt_tokens":10,"completion_tokens":{total},"total_tokens":{10 + total}}}'
        yield LocalEvent(
            chunk=ProviderChunk(content=[], usage=Usage(10, total), finish_reason=self._finish_reason()),
            raw=f'{{"usage":{usage}}}',
            latency_ms=50 + 10 * total,
        )

    def _planned_failure(self, number: int) -> ProviderError | None:
        match self._name, number:
            case "err_in_stream", 3:
                return _stream_error("Dummy error in stream", None)
            case "err_in_stream_with_raw_response", 3:
                return _stream_error("Dummy error in stream with raw response", _CLIENT_RAW)
            case "fatal_stream_error", 2:
                return fatal_stream_error("dummy", "Dummy fatal error", raw_request=RAW_REQUEST)
            case "fatal_stream_error_with_raw_response", 2:
                return fatal_stream_error(
                    "dummy",
                    "Dummy fatal error with raw response",
                    raw_request=RAW_REQUEST,
                    raw_response=_FATAL_RAW,
                )
        return None


def _stream_error(message: str, raw_response: str | None) -> ProviderError:
    return client_error("dummy", message, raw_request=RAW_REQUEST, raw_response=raw_response)


def _chunks(canned: CannedStream) -> list[tuple[Chunk, str]]:
    chunks: list[tuple[Chunk, str]] = [
        (ThoughtChunk("0", text, None, None, None), text) for text in canned.thoughts
    ]
    for number, piece in enumerate(canned.pieces):
        if canned.tool_names:
            name = canned.tool_names[number] if number < len(canned.tool_names) else ""
            chunks.append((ToolCallChunk("0", name, piece), piece))
        else:
            chunks.append((TextChunk("0", piece), piece))
    return chunks
