"""Best-of-n: several variants answer, and a model chooses among their answers.

The choice never fails a request: without a usable one, one of the answers is taken at random.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence

import msgspec
from msgspec import Raw

from tzproxy.errors import RequestError, TzproxyError
from tzproxy.inference.candidates import LINE, Candidates, Pool, calls_of, last_word, listing
from tzproxy.inference.deadlines import NO_TIMEOUTS, Timeouts, begin_by, bounded
from tzproxy.inference.emulated_stream import emulated
from tzproxy.inference.model import CallContext, Model, ModelCaller
from tzproxy.inference.model_stream import ModelStreamer
from tzproxy.inference.plan import Inference, OutputSchema
from tzproxy.inference.variant import ChatCompletion, VariantAnswer, VariantStream
from tzproxy.types.content import ModelOutput, Text, ToolCall
from tzproxy.types.model import ModelRequest

logger = logging.getLogger(__name__)
CHOICE = OutputSchema(
    Raw(
        b'{"type":"object","properties":{"thinking":{"type":"string"},"answer_choice":{"type":"integer"}},'
        b'"required":["thinking","answer_choice"],"additionalProperties":false}'
    ),
    None,
)


class _Choice(msgspec.Struct):
    answer_choice: int


_CHOICE = msgspec.json.Decoder(_Choice)
EXTRA_BODY = "Inference-level `extra_body` is not yet supported for best_of_n variant"


class Evaluator(ChatCompletion):
    """The model that chooses. Sees the conversation as if it had to answer, then the answers."""

    def context(self, inference: Inference) -> CallContext:
        """Leave the request's own changes out: they are meant for the candidates."""
        context = super().context(inference)
        context.extra_body = ()
        context.extra_headers = ()
        return context

    def choice_request(self, inference: Inference, texts: Sequence[str]) -> ModelRequest:
        """Ask which of the texts is the best. `inference` is without the function's tools.

        Raises:
            TemplateError: when the evaluator's own prompt cannot be rendered.
        """
        base = self.model_request(inference, self.merged(inference), stream=False, schema=CHOICE)
        return msgspec.structs.replace(
            base,
            messages=[*base.messages, last_word(question(texts))],
            system=instructions(base.system, len(texts) - 1),
            function_type="json",
        )


def instructions(task: str | None, highest: int) -> str:
    """Write the system text around the evaluator's own."""
    if task is None:
        role = "You compare several candidate answers to the same problem and find the best one.\n"
    else:
        role = (
            "You compare several candidate answers to the same problem and find the best one. "
            f"Whoever answered was given these instructions:\n{LINE}\n{task}\n{LINE}\n"
        )
    return role + (
        "What follows is the conversation up to now and, as the last message, the list of candidate answers "
        "to it.\n"
        "Judge the candidates. Reply with your reasoning and the index of the best one, as JSON:\n"
        f'{{"thinking": "<your reasoning>", "answer_choice": <integer from 0 to {highest}>}}\n'
        '"thinking": look at each candidate by itself first, in the light of the conversation, then weigh '
        "them against each other: which one is the best, which one does most faithfully what was asked?\n"
        '"answer_choice": the index of that candidate.'
    )


def question(texts: Sequence[str]) -> str:
    """Write the message that lists the candidates."""
    return (
        f"These are the candidates, each with its index, a line {LINE} after each:\n"
        f"{listing(texts, ' ')}\n"
        "Judge them and reply with the index of the best one."
    )


def read_choice(output: Sequence[ModelOutput]) -> int | None:
    """Take the index out of the evaluator's answer; None when it names none."""
    for block in output:
        text = block.text if isinstance(block, Text) else None
        if isinstance(block, ToolCall):
            text = block.arguments
        if text is None:
            continue
        try:
            choice = _CHOICE.decode(text).answer_choice
        except msgspec.DecodeError:
            return None
        return choice if choice >= 0 else None
    return None


class BestOfN:
    """A variant of type `experimental_best_of_n_sampling`."""

    def __init__(
        self,
        name: str,
        pool: Pool,
        evaluator: Evaluator,
        *,
        timeouts: Timeouts = NO_TIMEOUTS,
        namespace: str | None = None,
    ) -> None:
        self.name = name
        self.namespace = namespace
        self._pool = pool
        self._evaluator = evaluator
        self._timeouts = timeouts

    def models(self) -> Sequence[Model]:
        """Return the models of evaluator and candidates."""
        return (*self._evaluator.models(), *self._pool.models())

    def infer(self, inference: Inference, caller: ModelCaller) -> Awaitable[VariantAnswer]:
        """Let the candidates answer, and return the chosen answer."""
        answer = self._infer(inference, caller)
        total_ms = self._timeouts.total_ms
        return answer if total_ms is None else bounded(answer, total_ms, f"Variant `{self.name}`")

    async def stream(self, inference: Inference, streamer: ModelStreamer) -> VariantStream:
        """Answer as a whole, then play the answer as a stream of one chunk."""
        async with begin_by(self._timeouts, f"Variant `{self.name}`"):
            answer = await self._infer(inference, streamer.caller)
        # SPEC: a stream is recorded with the request's parameters, not with the chosen candidate's.
        return emulated(answer, self.name, inference.params)

    async def _infer(self, inference: Inference, caller: ModelCaller) -> VariantAnswer:
        tried = await self._pool.run(inference, caller)
        if len(tried.answers) == 1:
            return tried.chosen(0, (), error=None)
        try:
            index, judged = await self._judged(tried, inference, caller)
        except TzproxyError as exc:
            logger.warning("%s: the evaluator failed, the choice is random: %s", self.name, exc.message)
            answer = tried.chosen(tried.any_index(), (), error=exc)
            return msgspec.structs.replace(answer, original=None)
        if index is None:
            logger.warning("%s: the evaluator named no candidate, the choice is random", self.name)
            index = tried.any_index()
        later = () if judged is None else calls_of(judged)
        answer = tried.chosen(index, later, error=None)
        return msgspec.structs.replace(answer, original=-1 if later else None)

    async def _judged(
        self, tried: Candidates, inference: Inference, caller: ModelCaller
    ) -> tuple[int | None, VariantAnswer | None]:
        """Return the index of the best answer, None for an unusable choice, and the evaluator's answer."""
        texts = tried.texts(inference)
        shown = [index for index, text in enumerate(texts) if text is not None]
        if not shown:
            raise TzproxyError("No candidate has a valid answer to be judged")
        if len(shown) == 1:
            return shown[0], None
        if inference.request.extra_body:
            raise RequestError(EXTRA_BODY)
        part = inference.part(tools=None)
        request = self._evaluator.choice_request(part, [text for text in texts if text is not None])
        try:
            judged = await self._evaluator.ask(request, part, caller)
        finally:
            inference.provider_seconds += part.provider_seconds
        choice = read_choice(judged.output)
        return shown[choice] if choice is not None and choice < len(shown) else None, judged
