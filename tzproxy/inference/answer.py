"""The answer of an inference: what the client gets and what is recorded. Hot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import perf_counter

from msgspec import Struct

from tzproxy.errors import TzproxyError
from tzproxy.inference.errors import iter_provider_errors
from tzproxy.inference.model import ModelCall
from tzproxy.inference.output import calls_as_text, json_output
from tzproxy.inference.plan import Inference
from tzproxy.inference.tools import checked_output
from tzproxy.inference.variant import VariantAnswer
from tzproxy.types.content import ChatOutput, JsonOutput, ModelOutput
from tzproxy.types.params import ChatParams
from tzproxy.types.response import ChatResponse, JsonResponse, RawResponseEntry, RawUsageEntry, ResponseUsage
from tzproxy.types.usage import FinishReason

OwnWords = tuple[list[RawUsageEntry] | None, str | None, list[RawResponseEntry] | None]
"""Usage objects, the original response, and all responses."""


class Answer(Struct, frozen=True, kw_only=True):
    """A finished inference. `content` for chat functions, `output` and `auxiliary` for JSON functions.

    Units: milliseconds. `failures` are what failed before the successful calls, for `raw_response`;
    `original` is the index of the call whose raw answer is the original response, None: there is none.
    """

    inference: Inference
    variant_name: str
    calls: Sequence[ModelCall]
    params: ChatParams
    usage: ResponseUsage
    finish_reason: FinishReason | None
    content: list[ChatOutput] | None
    output: JsonOutput | None
    auxiliary: list[ModelOutput]
    processing_time_ms: int
    ttft_ms: int | None = None
    failures: Sequence[TzproxyError] = ()
    original: int | None = -1

    def response(self) -> ChatResponse | JsonResponse:
        """Return what `/inference` answers."""
        inference = self.inference
        request = inference.request
        raw_usage = original = raw_response = None
        if request.include_raw_usage or request.include_raw_response or request.include_original_response:
            raw_usage, original, raw_response = self.own_words()
        # PERF: by position (test_encode_native).
        if self.output is not None:
            return JsonResponse(
                inference.inference_id,
                inference.episode_id,
                self.variant_name,
                self.output,
                self.usage,
                raw_usage,
                original,
                raw_response,
                self.finish_reason,
            )
        return ChatResponse(
            inference.inference_id,
            inference.episode_id,
            self.variant_name,
            self.content or [],
            self.usage,
            raw_usage,
            original,
            raw_response,
            self.finish_reason,
        )

    def own_words(self) -> OwnWords:
        """Return what the providers said themselves, as far as the request asks for it."""
        request = self.inference.request
        raw_usage: list[RawUsageEntry] | None = None
        raw_response: list[RawResponseEntry] | None = None
        original: str | None = None
        if request.include_raw_usage:
            raw_usage = raw_usages(self.calls)
        if request.include_raw_response:
            raw_response = [*failed_responses(self.failures), *raw_responses(self.calls)]
        if request.include_original_response and self.original is not None:
            original = self.calls[self.original].raw_response
        return raw_usage, original, raw_response


def build_answer(
    inference: Inference,
    variant_name: str,
    result: VariantAnswer,
    failures: Sequence[TzproxyError],
    *,
    ttft_ms: int | None = None,
) -> Answer:
    """Turn what a variant came to into the answer of its function."""
    content: list[ChatOutput] | None = None
    output: JsonOutput | None = None
    auxiliary: list[ModelOutput] = []
    if inference.function.type == "json":
        schema = inference.output_schema
        output, auxiliary = json_output(
            result.output, schema.check if schema is not None and result.may_fit else None
        )
        if output.raw is None and ttft_ms is not None:
            # A stream without text stands for an empty text, an answer without text for none.
            output = JsonOutput("", None)
    else:
        blocks: Sequence[ModelOutput] = result.output
        if result.params.json_mode == "tool":
            blocks = calls_as_text(blocks)
        content = checked_output(blocks, inference.tools)
    return Answer(
        inference=inference,
        variant_name=variant_name,
        calls=result.calls,
        params=result.params,
        usage=total_usage(result.calls),
        finish_reason=result.finish_reason,
        content=content,
        output=output,
        auxiliary=auxiliary,
        processing_time_ms=int((perf_counter() - inference.started) * 1000),
        ttft_ms=ttft_ms,
        failures=[*failures, *result.failures] if failures or result.failures else (),
        original=result.original,
    )


def total_usage(calls: Sequence[ModelCall]) -> ResponseUsage:
    """Sum over the calls: one unknown makes a total unknown, except for the providers' cache counts."""
    first = calls[0] if len(calls) == 1 else None
    if first is not None and not first.cached:
        usage = first.response.usage
        return ResponseUsage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            provider_cache_read_input_tokens=usage.provider_cache_read_input_tokens,
            provider_cache_write_input_tokens=usage.provider_cache_write_input_tokens,
            cost=first.cost,
        )
    paid = [call for call in calls if not call.cached]
    return ResponseUsage(
        input_tokens=_strict_sum(call.response.usage.input_tokens for call in paid),
        output_tokens=_strict_sum(call.response.usage.output_tokens for call in paid),
        provider_cache_read_input_tokens=_known_sum(
            call.response.usage.provider_cache_read_input_tokens for call in paid
        ),
        provider_cache_write_input_tokens=_known_sum(
            call.response.usage.provider_cache_write_input_tokens for call in paid
        ),
        cost=_strict_cost(call.cost for call in paid),
    )


def _strict_sum(values: Iterable[int | None]) -> int | None:
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _strict_cost(values: Iterable[float | None]) -> float | None:
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _known_sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def raw_usages(calls: Sequence[ModelCall]) -> list[RawUsageEntry]:
    """Collect the providers' own usage objects of uncached calls."""
    return [
        RawUsageEntry(
            call.id, call.spec.usage_type or call.spec.type, call.spec.api_type, call.response.raw_usage
        )
        for call in calls
        if not call.cached and call.response.raw_usage is not None
    ]


def raw_responses(calls: Sequence[ModelCall]) -> list[RawResponseEntry]:
    """Collect the providers' own answers: per call first its failed attempts, then itself."""
    entries: list[RawResponseEntry] = []
    for call in calls:
        entries.extend(failed_responses(call.failures))
        if not call.cached:
            entries.append(
                RawResponseEntry(
                    model_inference_id=call.id,
                    provider_type=call.spec.type,
                    api_type=call.spec.api_type,
                    data=call.raw_response,
                )
            )
    return entries


def failed_responses(failures: Iterable[TzproxyError]) -> list[RawResponseEntry]:
    """Collect the providers' own words of failed attempts, as far as they said any."""
    return [
        RawResponseEntry(provider_type=error.origin[0], api_type=error.origin[1], data=error.raw_response)
        for failure in failures
        for error in iter_provider_errors(failure)
        if error.raw_response is not None and error.origin is not None
    ]
