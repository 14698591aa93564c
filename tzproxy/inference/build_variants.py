"""Variants from configuration: prompts, parameters, candidates. Cold; problems are collected, not raised."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Literal, TypeVar, assert_never

from msgspec import Struct

from tzproxy.config.functions import ROLES, template_slots
from tzproxy.config.variants import (
    BestOfNConfig,
    ChainOfThoughtConfig,
    ChatCompletionConfig,
    ChatCompletionOptions,
    DiclConfig,
    MixtureOfNConfig,
    SamplingParameters,
    VariantConfig,
    chat_parts,
)
from tzproxy.inference.best_of_n import BestOfN, Evaluator
from tzproxy.inference.build_embeddings import EmbeddingTable
from tzproxy.inference.build_models import ModelTable, changes_of, timeouts_of
from tzproxy.inference.candidates import Pool
from tzproxy.inference.chain_of_thought import ChainOfThought
from tzproxy.inference.deadlines import NO_TIMEOUTS, Timeouts
from tzproxy.inference.dicl import Dicl, Neighbourhood
from tzproxy.inference.learning_examples import DEFAULT_INSTRUCTIONS, PlainPrompt
from tzproxy.inference.mixture_of_n import Fuser, MixtureOfN
from tzproxy.inference.model import Model
from tzproxy.inference.prompt import Prompt, Slot
from tzproxy.inference.retry import Retries
from tzproxy.inference.variant import ChatCompletion, UnsupportedVariant, Variant
from tzproxy.prompts import TemplateSet
from tzproxy.types.params import ChatParams

PARAMETERS = (
    "temperature",
    "max_tokens",
    "seed",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "reasoning_effort",
    "thinking_budget_tokens",
    "verbosity",
)
ChatKind = TypeVar("ChatKind", bound=ChatCompletion)


class FunctionParts(Struct, frozen=True):
    """What a variant needs of its function. `variants` may still be growing: candidates are found later."""

    name: str
    schemas: Collection[str]
    variants: Mapping[str, Variant]


class VariantBuilder:
    """Builds the variants of one configuration. One that cannot be built is noted in `problems`."""

    def __init__(self, models: ModelTable, embedding_models: EmbeddingTable, templates: TemplateSet) -> None:
        self._models = models
        self._embedding_models = embedding_models
        self._templates = templates
        self.problems: list[str] = []

    def build(self, name: str, config: VariantConfig, function: FunctionParts) -> Variant:
        """Build a variant."""
        path = f"functions.{function.name}.variants.{name}"
        timeouts, namespace = timeouts_of(config.timeouts), config.namespace
        built: Variant | None
        match config:
            case ChatCompletionConfig():
                built = self._chat(
                    ChatCompletion, (path, name), config, function, timeouts=timeouts, namespace=namespace
                )
            case ChainOfThoughtConfig():
                built = self._chat(
                    ChainOfThought, (path, name), config, function, timeouts=timeouts, namespace=namespace
                )
            case BestOfNConfig():
                pool = Pool(config.candidates, function.variants)
                evaluator = self._chat(
                    Evaluator,
                    (f"{path}.evaluator", name),
                    config.evaluator,
                    function,
                    json_mode=config.evaluator.json_mode or "strict",
                )
                built = evaluator and BestOfN(name, pool, evaluator, timeouts=timeouts, namespace=namespace)
            case MixtureOfNConfig():
                pool = Pool(config.candidates, function.variants)
                fuser = self._chat(Fuser, (f"{path}.fuser", name), config.fuser, function)
                built = fuser and MixtureOfN(name, pool, fuser, timeouts=timeouts, namespace=namespace)
            case DiclConfig():
                built = self._dicl(path, name, config)
            case _:
                assert_never(config)
        return built or UnsupportedVariant(name, "unknown model")

    def _chat(
        self,
        kind: type[ChatKind],
        place: tuple[str, str],
        options: ChatCompletionOptions,
        function: FunctionParts,
        *,
        json_mode: Literal["off", "on", "strict", "tool"] | None = None,
        timeouts: Timeouts = NO_TIMEOUTS,
        namespace: str | None = None,
    ) -> ChatKind | None:
        """Build what calls a model; `place` is its path and the name of its variant."""
        path, name = place
        model = self._model(path, options.model)
        if model is None:
            return None
        return kind(
            name,
            model,
            self.prompt(path, options, function.schemas),
            params=params_of(options),
            json_mode=json_mode or options.json_mode,
            retries=retries_of(options),
            timeouts=timeouts,
            changes=changes_of(options.extra_body, options.extra_headers),
            namespace=namespace,
        )

    def _dicl(self, path: str, name: str, config: DiclConfig) -> Dicl | None:
        model = self._model(path, config.model)
        embedding_model = self._embedding_models.get(config.embedding_model)
        if embedding_model is None:
            self.problems.append(f"`{path}`: `embedding_model` must be a valid embedding model name")
        if model is None or embedding_model is None:
            return None
        given = config.system_instructions
        chat = ChatCompletion(
            name,
            model,
            PlainPrompt(DEFAULT_INSTRUCTIONS if given is None else given.text),
            params=params_of(config),
            json_mode=config.json_mode,
            retries=retries_of(config),
            changes=changes_of(config.extra_body, config.extra_headers),
        )
        near = Neighbourhood(model=embedding_model, k=config.k, max_distance=config.max_distance)
        timeouts = timeouts_of(config.timeouts)
        return Dicl(name, near, chat, timeouts=timeouts, namespace=config.namespace)

    def _model(self, path: str, name: str) -> Model | None:
        model = self._models.get(name)
        if model is None:
            self.problems.append(f"{path}: Model name '{name}' not found in model table")
        return model

    def prompt(self, path: str, options: ChatCompletionOptions, schemas: Collection[str]) -> Prompt:
        """Build a variant's prompt; notes templates that use variables nobody gives them."""
        slots: dict[str, Slot] = {}
        for slot, given in template_slots(options).items():
            key = given.file.key
            wraps = given.legacy and slot not in schemas
            if wraps and slot in ROLES and key in self._templates:
                problem = self._templates.check_legacy_template(key, f"{slot}_text")
                if problem is not None:
                    self.problems.append(f"`{path}.{given.key}`: {problem}")
            slots[slot] = Slot(partial(self._templates.render, key), wraps, given.legacy)
        return Prompt(slots)


def params_of(config: SamplingParameters) -> ChatParams:
    """Take the generation parameters out of a variant's table. Floats are 32-bit already."""
    values = {name: getattr(config, name) for name in PARAMETERS}
    stop = config.stop_sequences
    return ChatParams(
        **values,
        service_tier=config.service_tier if isinstance(config, ChatCompletionOptions) else None,
        stop_sequences=None if stop is None else list(stop),
    )


def retries_of(config: SamplingParameters) -> Retries:
    """Take the retries out of a variant's table."""
    return Retries(config.retries.num_retries, config.retries.max_delay_s)


def variant_templates(variant: VariantConfig) -> dict[str, str]:
    """Collect the text of one variant's templates by key."""
    return {
        slot.file.key: slot.file.text
        for _, part in chat_parts(variant)
        if isinstance(part, ChatCompletionOptions)
        for slot in template_slots(part).values()
    }
