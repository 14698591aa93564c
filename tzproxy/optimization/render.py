"""Stored samples through the templates of a variant. One that cannot be rendered is left out. Cold."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import msgspec
from msgspec import UNSET, Raw, Struct

from tzproxy.errors import NotFoundError, RequestError, TzproxyError
from tzproxy.inference.engine import Catalog
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.inference.input import ReadInput, read_input
from tzproxy.inference.learning_examples import StoredJson
from tzproxy.inference.prompt import Prompt
from tzproxy.inference.variant import ChatCompletion
from tzproxy.optimization.samples import (
    ENCODER,
    NULL,
    ModelInput,
    RenderedSample,
    SampleInput,
    SampleTools,
    StoredSample,
)
from tzproxy.providers.files import never_forwards
from tzproxy.types.content import Message, Text
from tzproxy.types.model import ModelRequest

logger = logging.getLogger(__name__)
AT_ONCE = 100
JSON_OUTPUT = msgspec.json.Decoder(StoredJson)
STORED = msgspec.json.Decoder(StoredSample)


class RenderRequest(Struct, frozen=True, kw_only=True):
    """Samples, and the variant of each function whose templates they go through."""

    stored_samples: list[StoredSample]
    variants: dict[str, str]
    concurrency: int | None = None


class VariantNotFoundError(RequestError):
    """A function has no such variant."""

    code = "unknown_variant"


class TemplateVariantError(RequestError):
    """A variant has no templates that whole conversations could go through."""

    code = "invalid_variant_for_optimization"


def as_sample(stored: Struct) -> StoredSample:
    """Read a stored inference or a datapoint in the API's form.

    Raises:
        msgspec.DecodeError: when it holds what no gateway writes.
    """
    return STORED.decode(ENCODER.encode(stored))


class Renderer:
    """Renders samples. One per gateway process."""

    def __init__(self, catalog: Catalog, keeper: FileKeeper) -> None:
        """Use the configuration's templates, and fetch stored files through `keeper`."""
        self._catalog = catalog
        self._keeper = keeper

    def prompt(self, function_name: str, variant_name: str) -> Prompt:
        """Return the templates of a variant.

        Raises:
            NotFoundError: for an unknown function.
            VariantNotFoundError: for an unknown variant.
            TemplateVariantError: when it is not of type `chat_completion`.
        """
        function = self._catalog.functions.get(function_name)
        if function is None:
            raise NotFoundError(f"Unknown function: {function_name}")
        variant = function.variants.get(variant_name)
        if variant is None:
            raise VariantNotFoundError(f"Variant {variant_name} for function {function_name} not found.")
        if type(variant) is not ChatCompletion:
            raise TemplateVariantError(
                f"Variant {variant_name} for function {function_name} is not of type `chat_completion`: it "
                "has no templates to render samples with."
            )
        return variant.prompt

    async def render(self, request: RenderRequest) -> list[RenderedSample]:
        """Render samples, in their order; those that cannot be rendered are missing, and logged.

        Raises:
            NotFoundError: for an unknown function among the variants.
            VariantNotFoundError: for an unknown variant.
            RequestError: when nothing may be done at once.
        """
        at_once = AT_ONCE if request.concurrency is None else request.concurrency
        if at_once < 1:
            raise RequestError("concurrency must be at least 1")
        prompts: dict[str, Prompt | TemplateVariantError] = {}
        for function_name, variant_name in request.variants.items():
            try:
                prompts[function_name] = self.prompt(function_name, variant_name)
            except TemplateVariantError as exc:
                prompts[function_name] = exc
        rendered: list[RenderedSample] = []
        samples = request.stored_samples
        for start in range(0, len(samples), at_once):
            part = samples[start : start + at_once]
            results = await asyncio.gather(*(self._rendered(sample, prompts) for sample in part))
            rendered.extend(result for result in results if result is not None)
            await asyncio.sleep(0)
        return rendered

    async def _rendered(
        self, sample: StoredSample, prompts: Mapping[str, Prompt | TemplateVariantError]
    ) -> RenderedSample | None:
        try:
            return await self._render(sample, prompts)
        except (TzproxyError, msgspec.DecodeError) as exc:
            reason = exc.message if isinstance(exc, TzproxyError) else str(exc)
        name = sample.inference_id or "a datapoint"
        logger.warning("%s of function `%s` is left out: %s", name, sample.function_name, reason)
        return None

    async def _render(
        self, sample: StoredSample, prompts: Mapping[str, Prompt | TemplateVariantError]
    ) -> RenderedSample:
        prompt = prompts.get(sample.function_name)
        if prompt is None:
            raise RequestError(f"Missing function in variants: {sample.function_name}")
        if isinstance(prompt, TemplateVariantError):
            raise prompt
        if sample.input is None:
            raise RequestError("its input is not kept any more")
        read = read_input(sample.input, self._catalog.files, self._keeper)
        system = prompt.system(read.stored.system)
        messages = await _with_files(read, prompt.messages(read))
        is_json = sample.type == "json"
        return RenderedSample(
            function_name=sample.function_name,
            function_type=sample.type,
            input=ModelInput(system=system, messages=messages),
            stored_input=SampleInput(
                system=UNSET if read.stored.system is None else read.stored.system,
                messages=read.stored.messages,
            ),
            output=_as_blocks(sample.output, is_json=is_json),
            stored_output=sample.output,
            dispreferred_outputs=[
                _as_blocks(output, is_json=is_json) for output in sample.dispreferred_outputs or ()
            ],
            # SPEC: a datapoint's episode is not handed on.
            episode_id=None if sample.inference_id is None else sample.episode_id,
            inference_id=sample.inference_id,
            tool_params=_tools(sample),
            output_schema=sample.output_schema,
            tags=sample.tags or {},
        )


async def _with_files(read: ReadInput, messages: list[Message]) -> list[Message]:
    """Bring the bytes of files: what is trained on must not depend on addresses."""
    if read.keeping is None:
        return messages
    request = ModelRequest(inference_id="", messages=messages, fetch_files=True)
    return (await read.keeping.ready(request, never_forwards)).messages


def _as_blocks(output: Raw, *, is_json: bool) -> Raw:
    if not is_json or bytes(output) == b"null":
        return output
    text = JSON_OUTPUT.decode(output).raw
    return NULL if text is None else Raw(ENCODER.encode([Text(text)]))


def _tools(sample: StoredSample) -> SampleTools:
    parallel = sample.parallel_tool_calls
    return SampleTools(
        allowed_tools=UNSET if sample.allowed_tools is None else sample.allowed_tools,
        additional_tools=sample.additional_tools or UNSET,
        tool_choice=sample.tool_choice or UNSET,
        parallel_tool_calls=UNSET if parallel is None else parallel,
        provider_tools=sample.provider_tools or [],
    )
