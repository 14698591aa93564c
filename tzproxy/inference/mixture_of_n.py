"""Mixture-of-n: several variants answer, and a model makes one answer out of theirs.

Joining never fails a request before it streams: one of the answers is taken at random instead.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence

import msgspec

from tzproxy.errors import RequestError, TzproxyError
from tzproxy.inference.candidates import LINE, Candidates, Pool, calls_of, last_word, listing, with_failures
from tzproxy.inference.deadlines import NO_TIMEOUTS, Timeouts, begin_by, bounded
from tzproxy.inference.emulated_stream import emulated
from tzproxy.inference.model import Model, ModelCall, ModelCaller
from tzproxy.inference.model_stream import ModelStreamer
from tzproxy.inference.plan import Inference
from tzproxy.inference.variant import ChatCompletion, VariantAnswer, VariantStream
from tzproxy.types.model import ModelRequest
from tzproxy.types.params import NO_CHAT_PARAMS

logger = logging.getLogger(__name__)
EXTRA_BODY = "Inference-level `extra_body` is not yet supported for mixture_of_n variant"
SYNTHESIS = (
    "Make one excellent answer out of them. Examine them critically: any of them may be wrong or one-sided. "
    "Do not just repeat one of them: take the best of all, correct what is wrong, leave nothing important "
    "out, and write a clear, well-ordered, reliable answer of your own.\n"
    "What follows is the conversation up to now and, as the last message, the candidate answers."
)


class Fuser(ChatCompletion):
    """The model that joins the answers. It answers as the function would: with its tools, in its schema."""

    def joining_request(self, inference: Inference, texts: Sequence[str], *, stream: bool) -> ModelRequest:
        """Ask for one answer out of the texts.

        Raises:
            TemplateError: when the fuser's own prompt cannot be rendered.
        """
        base = self.model_request(inference, self.merged(inference), stream=stream)
        return msgspec.structs.replace(
            base,
            messages=[*base.messages, last_word(collection(texts))],
            system=instructions(base.system),
        )


def instructions(task: str | None) -> str:
    """Write the system text around the fuser's own."""
    if task is None:
        return f"Several models have answered the user's latest request. {SYNTHESIS}"
    return f"Several models have answered under these instructions:\n{LINE}\n{task}\n{LINE}\n{SYNTHESIS}"


def collection(texts: Sequence[str]) -> str:
    """Write the message that lists the candidates."""
    listed = listing(texts, "\n")
    return f"These are the candidates, each below its index, a line {LINE} after each:\n{listed}"


class MixtureOfN:
    """A variant of type `experimental_mixture_of_n`."""

    def __init__(
        self,
        name: str,
        pool: Pool,
        fuser: Fuser,
        *,
        timeouts: Timeouts = NO_TIMEOUTS,
        namespace: str | None = None,
    ) -> None:
        self.name = name
        self.namespace = namespace
        self._pool = pool
        self._fuser = fuser
        self._timeouts = timeouts

    def models(self) -> Sequence[Model]:
        """Return the models of fuser and candidates."""
        return (*self._fuser.models(), *self._pool.models())

    def infer(self, inference: Inference, caller: ModelCaller) -> Awaitable[VariantAnswer]:
        """Let the candidates answer, and return the answer made out of theirs."""
        answer = self._infer(inference, caller)
        total_ms = self._timeouts.total_ms
        return answer if total_ms is None else bounded(answer, total_ms, f"Variant `{self.name}`")

    async def _infer(self, inference: Inference, caller: ModelCaller) -> VariantAnswer:
        tried = await self._pool.run(inference, caller)
        if len(tried.answers) == 1:
            return tried.chosen(0, (), error=None)
        part = inference.part()
        try:
            request = self._request(tried, inference, part, stream=False)
            fused = await self._fuser.ask(request, part, caller)
        except TzproxyError as exc:
            return self._any(tried, exc)
        finally:
            inference.provider_seconds += part.provider_seconds
        first, *rest = calls_of(fused)
        return msgspec.structs.replace(
            fused,
            calls=[with_failures(first, before=tried.failures), *rest, *_calls(tried)],
            failures=(),
            # SPEC: the fuser's own parameters are recorded of streams alone.
            params=NO_CHAT_PARAMS,
            original=0,
        )

    async def stream(self, inference: Inference, streamer: ModelStreamer) -> VariantStream:
        """Let the candidates answer, then stream the answer made out of theirs."""
        async with begin_by(self._timeouts, f"Variant `{self.name}`") as rest:
            stream = await self._stream(inference, streamer)
        stream.stream.deadlines.extend(rest)
        return stream

    async def _stream(self, inference: Inference, streamer: ModelStreamer) -> VariantStream:
        tried = await self._pool.run(inference, streamer.caller)
        if len(tried.answers) == 1:
            return emulated(tried.chosen(0, (), error=None), self.name, inference.params)
        part = inference.part()
        try:
            request = self._request(tried, inference, part, stream=True)
            opened = await self._fuser.open(request, part, streamer)
        except TzproxyError as exc:
            return emulated(self._any(tried, exc), self.name, inference.params)
        opened.stream.failures = [*tried.failures, *opened.failures, *opened.stream.failures]
        return msgspec.structs.replace(opened, calls=_calls(tried), failures=())

    def _request(
        self, tried: Candidates, inference: Inference, part: Inference, *, stream: bool
    ) -> ModelRequest:
        texts = [text for text in tried.texts(inference) if text is not None]
        if not texts:
            raise TzproxyError("No candidate has a valid answer to be joined")
        if inference.request.extra_body:
            raise RequestError(EXTRA_BODY)
        return self._fuser.joining_request(part, texts, stream=stream)

    def _any(self, tried: Candidates, error: TzproxyError) -> VariantAnswer:
        logger.warning("%s: the fuser failed, the choice is random: %s", self.name, error.message)
        return msgspec.structs.replace(tried.chosen(tried.any_index(), (), error=error), original=None)


def _calls(tried: Candidates) -> list[ModelCall]:
    return [call for answer in tried.answers for call in calls_of(answer)]
