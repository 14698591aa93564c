"""Variants: `[functions.F.variants.V]`, one Struct per `type`, and the template slots they fill.

Must not: compile templates or look at the function around them. Cold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from tzproxy.config.decode import Context, Reads, unknown_variant, wrong_type
from tzproxy.config.problems import Path
from tzproxy.config.requests import ExtraBody, ExtraHeaders, RetryConfig, TimeoutsConfig
from tzproxy.config.scalars import F32, F64, I32, U32, InlinedFile, Namespace

JsonModeName = Literal["off", "on", "strict", "tool"]
_JSON_MODES: dict[str, JsonModeName] = {
    "off": "off",
    "on": "on",
    "strict": "strict",
    "implicit_tool": "tool",
    "tool": "tool",
}


def _read_json_mode(value: object, path: Path, context: Context) -> object:
    if not isinstance(value, str):
        return context.reject(path, wrong_type(value, "a JSON mode"))
    if value not in _JSON_MODES:
        return context.reject(path, unknown_variant(value, list(_JSON_MODES)))
    return _JSON_MODES[value]


JsonMode = Annotated[JsonModeName, Reads(_read_json_mode)]
ServiceTier = Literal["auto", "default", "priority", "flex"]


class TemplateConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`templates.SLOT`.

    Attributes:
        path: the template; required.
    """

    path: InlinedFile


class InputWrappersConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`input_wrappers`: deprecated templates around the plain text of a role.

    Attributes:
        system: default none.
        user: default none.
        assistant: default none.
    """

    system: InlinedFile | None = None
    user: InlinedFile | None = None
    assistant: InlinedFile | None = None


class SamplingParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Generation parameters that all variants calling a model share.

    Attributes:
        temperature: 32-bit float, no range check; default none, the provider's.
        top_p: 32-bit float; default none.
        presence_penalty: 32-bit float; default none.
        frequency_penalty: 32-bit float; default none.
        max_tokens: bound of the answer in tokens; default none.
        seed: default none.
        stop_sequences: texts that end the answer; default none.
        reasoning_effort: passed on; default none.
        thinking_budget_tokens: default none.
        verbosity: passed on; default none.
        json_mode: how JSON is asked for; `implicit_tool` is read as `tool`; default none.
        retries: attempts over the whole routing.
        extra_body: changes of the request body; default none.
        extra_headers: changes of the request headers; default none.
    """

    temperature: F32 | None = None
    top_p: F32 | None = None
    presence_penalty: F32 | None = None
    frequency_penalty: F32 | None = None
    max_tokens: U32 | None = None
    seed: U32 | None = None
    stop_sequences: tuple[str, ...] | None = None
    reasoning_effort: str | None = None
    thinking_budget_tokens: I32 | None = None
    verbosity: str | None = None
    json_mode: JsonMode | None = None
    retries: RetryConfig = RetryConfig()
    extra_body: ExtraBody = ()
    extra_headers: ExtraHeaders = ()


class ChatCompletionOptions(SamplingParameters, frozen=True, kw_only=True):
    """Keys of a chat completion, be it a variant of its own, an evaluator or a fuser.

    Attributes:
        model: configured model or shorthand; required.
        weight: deprecated sampling weight, at least 0; default none.
        system_template: slot `system`, older form; default none.
        user_template: slot `user`, older form; default none.
        assistant_template: slot `assistant`, older form; default none.
        templates: templates by slot; default none.
        input_wrappers: deprecated; default none.
        service_tier: default none, the provider's.
    """

    model: str
    weight: F64 | None = None
    system_template: InlinedFile | None = None
    user_template: InlinedFile | None = None
    assistant_template: InlinedFile | None = None
    templates: dict[str, TemplateConfig] = {}
    input_wrappers: InputWrappersConfig | None = None
    service_tier: ServiceTier | None = None


class EvaluatorConfig(ChatCompletionOptions, frozen=True, kw_only=True):
    """`evaluator` of best-of-n: the chat completion that chooses among the candidates."""


class FuserConfig(ChatCompletionOptions, frozen=True, kw_only=True):
    """`fuser` of mixture-of-n: the chat completion that joins the candidates."""


class ChatCompletionConfig(
    ChatCompletionOptions, frozen=True, kw_only=True, tag_field="type", tag="chat_completion"
):
    """`type = "chat_completion"`.

    Attributes:
        timeouts: deadlines over everything the variant does.
        namespace: only requests of this namespace may reach the variant; default none.
    """

    timeouts: TimeoutsConfig = TimeoutsConfig()
    namespace: Namespace | None = None


class ChainOfThoughtConfig(
    ChatCompletionOptions, frozen=True, kw_only=True, tag_field="type", tag="experimental_chain_of_thought"
):
    """`type = "experimental_chain_of_thought"`: deprecated, JSON functions only.

    Attributes:
        timeouts: deadlines over everything the variant does.
        namespace: only requests of this namespace may reach the variant; default none.
    """

    timeouts: TimeoutsConfig = TimeoutsConfig()
    namespace: Namespace | None = None


class BestOfNConfig(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="experimental_best_of_n_sampling",
):
    """`type = "experimental_best_of_n_sampling"`.

    Attributes:
        candidates: variants of the same function, repeats allowed; required.
        evaluator: chooses the answer; required.
        weight: deprecated sampling weight, at least 0; default none.
        timeout_s: deprecated deadline of each candidate in seconds; default none.
        timeouts: deadlines over everything the variant does.
        namespace: only requests of this namespace may reach the variant; default none.
    """

    candidates: tuple[str, ...]
    evaluator: EvaluatorConfig
    weight: F64 | None = None
    timeout_s: F64 | None = None
    timeouts: TimeoutsConfig = TimeoutsConfig()
    namespace: Namespace | None = None


class MixtureOfNConfig(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="experimental_mixture_of_n",
):
    """`type = "experimental_mixture_of_n"`.

    Attributes:
        candidates: variants of the same function, repeats allowed; required.
        fuser: joins the answers; required.
        weight: deprecated sampling weight, at least 0; default none.
        timeout_s: deprecated deadline of each candidate in seconds; default none.
        timeouts: deadlines over everything the variant does.
        namespace: only requests of this namespace may reach the variant; default none.
    """

    candidates: tuple[str, ...]
    fuser: FuserConfig
    weight: F64 | None = None
    timeout_s: F64 | None = None
    timeouts: TimeoutsConfig = TimeoutsConfig()
    namespace: Namespace | None = None


class DiclConfig(
    SamplingParameters,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="experimental_dynamic_in_context_learning",
):
    """`type = "experimental_dynamic_in_context_learning"`.

    Attributes:
        embedding_model: configured embedding model or shorthand; required.
        k: number of examples; required.
        model: configured model or shorthand; required.
        system_instructions: plain text, no template; default a built-in text.
        max_distance: bound of the cosine distance, a 32-bit float, at least 0; default none.
        weight: deprecated sampling weight, at least 0; default none.
        timeouts: deadlines over everything the variant does.
        namespace: only requests of this namespace may reach the variant; default none.
    """

    embedding_model: str
    k: U32
    model: str
    system_instructions: InlinedFile | None = None
    max_distance: F32 | None = None
    weight: F64 | None = None
    timeouts: TimeoutsConfig = TimeoutsConfig()
    namespace: Namespace | None = None


VariantConfig = ChatCompletionConfig | BestOfNConfig | MixtureOfNConfig | DiclConfig | ChainOfThoughtConfig


def chat_parts(variant: VariantConfig) -> Iterator[tuple[str, ChatCompletionOptions | DiclConfig]]:
    """Yield what calls a model in a variant, with its key below the variant ("" for the variant itself)."""
    match variant:
        case BestOfNConfig():
            yield "evaluator", variant.evaluator
        case MixtureOfNConfig():
            yield "fuser", variant.fuser
        case _:
            yield "", variant


VARIANT_TYPE_NAMES: dict[type[msgspec.Struct], str] = {
    ChatCompletionConfig: "chat_completion",
    BestOfNConfig: "best_of_n_sampling",
    MixtureOfNConfig: "mixture_of_n",
    DiclConfig: "dicl",
    ChainOfThoughtConfig: "chain_of_thought",
}
"""The names that the configuration endpoints and some messages use instead of the `type` in TOML."""
