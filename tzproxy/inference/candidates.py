"""What best-of-n and mixture-of-n share: candidates side by side, and one of them as the answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from tzproxy.errors import TzproxyError
from tzproxy.inference.errors import AllCandidatesFailedError
from tzproxy.inference.model import Model, ModelCall, ModelCaller
from tzproxy.inference.output import json_output
from tzproxy.inference.plan import Inference
from tzproxy.inference.tools import checked_output
from tzproxy.inference.variant import Variant, VariantAnswer
from tzproxy.types.content import Message, Text

ENCODER = msgspec.json.Encoder()
LINE = "------"


class Candidates(Struct, frozen=True):
    """The answers that came, in the order of the configuration, and the failures of the others."""

    answers: list[VariantAnswer]
    failures: list[TzproxyError]

    def texts(self, inference: Inference) -> list[str | None]:
        """Write each answer for the model that judges or joins them; None: not fit to be shown."""
        return [shown(answer, inference) for answer in self.answers]

    def chosen(self, index: int, later: Sequence[ModelCall], *, error: TzproxyError | None) -> VariantAnswer:
        """Return one answer as the whole strategy's: its calls first, the others', then the later ones.

        Args:
            index: the answer.
            later: the calls made after the candidates'.
            error: what the step after the candidates failed with.
        """
        answer = self.answers[index]
        others = list(self.answers)
        # The last one moves into the gap: the original's order, which its rows have.
        last = others.pop()
        if index < len(others):
            others[index] = last
        first, *rest = calls_of(answer)
        first = with_failures(first, before=self.failures, after=[] if error is None else [error])
        return msgspec.structs.replace(
            answer,
            calls=[first, *rest, *(call for other in others for call in calls_of(other)), *later],
            failures=(),
        )

    def any_index(self) -> int:
        """Choose one of the answers at random."""
        return random.randrange(len(self.answers))


class Pool:
    """The candidates of one variant: names of variants of the same function."""

    __slots__ = ("_names", "_variants")

    def __init__(self, names: Sequence[str], variants: Mapping[str, Variant]) -> None:
        """Note the names; `variants` may still be filled until the first request."""
        self._names = tuple(names)
        self._variants = variants

    def models(self) -> list[Model]:
        """Return the models of all candidates."""
        return [model for name in self._names for model in self._variants[name].models()]

    async def run(self, inference: Inference, caller: ModelCaller) -> Candidates:
        """Let all candidates answer at the same time and wait for all of them.

        The request's parameters do not reach them.

        Raises:
            AllCandidatesFailedError: when none of them answers.
        """
        parts = [inference.for_candidate(index) for index in range(len(self._names))]
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_outcome(self._variants[name], part, caller))
                for name, part in zip(self._names, parts, strict=True)
            ]
        # They waited at the same time: what the slowest one waited is what this request waited.
        inference.provider_seconds += max((part.provider_seconds for part in parts), default=0.0)
        answers: list[VariantAnswer] = []
        failures: list[tuple[str, TzproxyError]] = []
        for index, (name, task) in enumerate(zip(self._names, tasks, strict=True)):
            outcome = task.result()
            if isinstance(outcome, TzproxyError):
                failures.append((f"candidates[{index}] ({name})", outcome))
            else:
                answers.append(outcome)
        if not answers:
            raise AllCandidatesFailedError(failures)
        return Candidates(answers, [error for _, error in failures])


async def _outcome(variant: Variant, part: Inference, caller: ModelCaller) -> VariantAnswer | TzproxyError:
    try:
        return await variant.infer(part, caller)
    except TzproxyError as exc:
        return exc


def shown(answer: VariantAnswer, inference: Inference) -> str | None:
    """Write an answer: a chat function's content as JSON, a JSON function's text if it is valid."""
    if inference.function.type == "chat":
        return ENCODER.encode(checked_output(answer.output, inference.tools)).decode()
    schema = inference.output_schema
    output, _ = json_output(answer.output, None if schema is None else schema.check)
    return output.raw if output.parsed is not None else None


def calls_of(answer: VariantAnswer) -> list[ModelCall]:
    """Return an answer's calls; what failed before them is noted at the first."""
    if not answer.failures:
        return list(answer.calls)
    first, *rest = answer.calls
    return [with_failures(first, before=answer.failures), *rest]


def with_failures(
    call: ModelCall, *, before: Sequence[TzproxyError] = (), after: Sequence[TzproxyError] = ()
) -> ModelCall:
    """Note failures around a call's own."""
    if not before and not after:
        return call
    return msgspec.structs.replace(call, failures=[*before, *call.failures, *after])


def listing(texts: Sequence[str], separator: str) -> str:
    """Number the candidates' texts from 0, a line of dashes after each."""
    return "\n".join(f"{index}:{separator}{text}\n{LINE}" for index, text in enumerate(texts))


def last_word(text: str) -> Message:
    """Make the message that follows the conversation."""
    return Message("user", [Text(text)])
