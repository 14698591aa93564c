"""The services that speak the chat-completions protocol, one row each. Data only.

Source: wire of TensorZero 2026.6, provider by provider.
"""

from __future__ import annotations

from tzproxy.providers.chat_completions import (
    chunked,
    json_mode,
    messages,
    parts,
    reading,
    thoughts,
    tools,
    usage,
)
from tzproxy.providers.chat_completions.row import FINISH_REASONS, ChatRow
from tzproxy.providers.chat_completions.stream import StreamRules
from tzproxy.providers.chat_completions.tools import ToolRules
from tzproxy.providers.files import forwards_images
from tzproxy.providers.protocol import ProviderSpec

_NO_PERIOD = "Response has invalid number of choices {}, Expected 1"
_TIER_BUDGET_VERBOSITY = ("service_tier", "thinking_budget_tokens", "verbosity")
_ALL_NEW = ("reasoning_effort", "service_tier", "thinking_budget_tokens", "verbosity")
_NATIVE = ToolRules(native_allow_list=True)

# Several services are read by the parser that was written for OpenAI, which tags what it reads so.
_SHARED_STREAM = StreamRules(
    decode=reading.DELTA,
    read_thoughts=thoughts.delta_either("openai", "1"),
    finish_reasons=reading.EMPTY_IS_ABSENT,
)


OPENAI = ChatRow(
    spec=ProviderSpec(
        type="openai", display="OpenAI", request_id_header="x-request-id", forwards_url=forwards_images
    ),
    api_base="https://api.openai.com/v1/",
    keyless=True,
    body="messages model temperature max_completion_tokens seed top_p presence_penalty frequency_penalty "
    "stream stream_options response_format tools tool_choice parallel_tool_calls stop reasoning_effort "
    "service_tier verbosity",
    unsupported=("thinking_budget_tokens",),
    json_format=json_mode.schema_if_strict_and_able,
    tools=ToolRules(native_allow_list=True, custom=True),
    drops_false_parallel=reading.is_o1,
    system_as_user=reading.is_o1_mini,
    keeps_detail=True,
    decode=reading.MESSAGE,
    usage_required=False,
    read_thoughts=thoughts.read_either("openai"),
    stream=_SHARED_STREAM,
)

VLLM = ChatRow(
    spec=ProviderSpec(type="vllm", display="vLLM", times_to_headers=True, forwards_url=forwards_images),
    keyless=True,
    body="messages model temperature top_p presence_penalty frequency_penalty max_tokens stream "
    "stream_options guided_json seed stop tools tool_choice parallel_tool_calls",
    unsupported=_ALL_NEW,
    json_format=json_mode.bare_schema,
    json_hint=False,
    write_thoughts=thoughts.write_reasoning,
    decode=reading.MESSAGE,
    usage_required=False,
    read_thoughts=thoughts.read_either("vllm"),
    parse_text="Error parsing response: {}",
    stream=_SHARED_STREAM,
)

TOGETHER = ChatRow(
    spec=ProviderSpec(
        type="together", display="Together", refuses_streams_plainly=True, forwards_url=forwards_images
    ),
    url="https://api.together.xyz/v1/chat/completions",
    body="messages model temperature top_p presence_penalty frequency_penalty max_tokens seed stream "
    "response_format tools tool_choice parallel_tool_calls stop reasoning_effort",
    unsupported=_TIER_BUDGET_VERBOSITY,
    json_format=json_mode.object_with_schema,
    json_hint=False,
    tools=ToolRules(choices={"auto": "auto", "required": "auto", "none": None}),
    write_thoughts=thoughts.write_by_format("reasoning"),
    decode=reading.MESSAGE,
    finish_required=False,
    finish_reasons=reading.TOGETHER_REASONS,
    read_thoughts=thoughts.read_aliased("together", thoughts.FIELD_FORMAT),
    think_tags=True,
    stream=StreamRules(
        decode=reading.DELTA,
        read_thoughts=thoughts.delta_aliased("together", "3", thoughts.FIELD_FORMAT),
        finish_reasons=reading.TOGETHER_REASONS,
        think_tags=True,
    ),
)

FIREWORKS = ChatRow(
    spec=ProviderSpec(
        type="fireworks",
        display="Fireworks",
        times_to_headers=True,
        refuses_streams_plainly=True,
        forwards_url=forwards_images,
    ),
    url="https://api.fireworks.ai/inference/v1/chat/completions",
    body="messages model temperature top_p presence_penalty frequency_penalty stop max_tokens stream "
    "response_format tools tool_choice reasoning_effort",
    unsupported=_TIER_BUDGET_VERBOSITY,
    json_format=json_mode.object_with_schema,
    json_hint=False,
    tools=ToolRules(strict=False),
    write_thoughts=thoughts.write_by_format("reasoning_content"),
    decode=reading.MESSAGE,
    finish_required=False,
    finish_reasons=reading.FIREWORKS_REASONS,
    cached_tokens_header="fireworks-cached-prompt-tokens",
    read_thoughts=thoughts.read_reasoning_content("fireworks", thoughts.FIELD_FORMAT),
    think_tags=True,
    parse_text_has_body=True,
    stream=StreamRules(
        decode=reading.DELTA,
        read_thoughts=thoughts.delta_reasoning_content("fireworks", "3", thoughts.FIELD_FORMAT),
        finish_reasons=reading.FIREWORKS_REASONS,
        think_tags=True,
    ),
)

DEEPSEEK = ChatRow(
    spec=ProviderSpec(type="deepseek", display="DeepSeek", forwards_url=forwards_images),
    url="https://api.deepseek.com/v1/chat/completions",
    body="messages model temperature max_tokens seed top_p stop presence_penalty frequency_penalty stream "
    "stream_options tools tool_choice response_format",
    unsupported=_ALL_NEW,
    json_format=json_mode.object_downgraded,
    system_as_user=reading.is_reasoner,
    hint_needs_system_role=True,
    merge=messages.merge_neighbours,
    decode=reading.MESSAGE,
    finish_required=False,
    read_usage=usage.read_hits_and_misses,
    read_thoughts=thoughts.read_reasoning_content("deepseek"),
    choices_text=_NO_PERIOD,
    stream=StreamRules(
        decode=reading.DELTA,
        read_thoughts=thoughts.delta_reasoning_content("deepseek", "0"),
        finish_reasons=FINISH_REASONS,
        read_usage=usage.read_hits_and_misses,
        text_first=True,
    ),
)

XAI = ChatRow(
    spec=ProviderSpec(type="xai", display="xAI", forwards_url=forwards_images),
    url="https://api.x.ai/v1/chat/completions",
    body="messages model temperature max_tokens seed top_p presence_penalty frequency_penalty "
    "response_format stream stream_options tools tool_choice parallel_tool_calls stop reasoning_effort",
    unsupported=_TIER_BUDGET_VERBOSITY,
    json_format=json_mode.schema_if_strict,
    hint_reads_tool_results=False,
    keeps_detail=True,
    parts_always=True,
    in_order=True,
    decode=reading.MESSAGE,
    read_usage=usage.read_with_reasoning,
    read_thoughts=thoughts.read_either("xai"),
    choices_text=_NO_PERIOD,
    stream=StreamRules(
        decode=reading.DELTA,
        read_thoughts=thoughts.delta_either("openai", "1"),
        finish_reasons=reading.EMPTY_IS_ABSENT,
        read_usage=usage.read_with_reasoning,
    ),
)

HYPERBOLIC = ChatRow(
    spec=ProviderSpec(type="hyperbolic", display="Hyperbolic", forwards_url=forwards_images),
    url="https://api.hyperbolic.xyz/v1/chat/completions",
    body="messages model frequency_penalty max_tokens presence_penalty seed stream temperature top_p stop "
    "reasoning_effort",
    unsupported=_TIER_BUDGET_VERBOSITY,
    json_format=json_mode.nothing,
    write_tools=tools.build_no_tools,
    decode=reading.MESSAGE,
    usage_required=False,
    # SPEC: reasoning is passed on in streams alone.
    choices_text=_NO_PERIOD,
    stream=_SHARED_STREAM,
)

SGLANG = ChatRow(
    spec=ProviderSpec(
        type="sglang", display="SGLang", refuses_streams_plainly=True, forwards_url=forwards_images
    ),
    keyless=True,
    body="messages model temperature max_tokens seed top_p presence_penalty frequency_penalty stream "
    "stream_options response_format tools tool_choice parallel_tool_calls stop reasoning_effort",
    unsupported=_TIER_BUDGET_VERBOSITY,
    json_format=json_mode.schema_always,
    decode=reading.MESSAGE,
    usage_required=False,
    read_thoughts=thoughts.read_either("sglang"),
    stream=StreamRules(
        decode=reading.DELTA,
        read_thoughts=thoughts.delta_reasoning_content("sglang", "1"),
        finish_reasons=FINISH_REASONS,
    ),
)

GROQ = ChatRow(
    spec=ProviderSpec(
        type="groq", display="Groq", keeps_raw_request_on_error=False, forwards_url=forwards_images
    ),
    url="https://api.groq.com/openai/v1/chat/completions",
    keyless=True,
    body="messages model temperature max_completion_tokens seed top_p presence_penalty frequency_penalty "
    "stream stream_options response_format tools tool_choice parallel_tool_calls stop reasoning_effort "
    "service_tier reasoning_format",
    unsupported=("thinking_budget_tokens", "verbosity"),
    service_tiers=frozenset({"auto", "flex"}),
    json_off=json_mode.TEXT,
    json_format=json_mode.schema_if_strict,
    tools=_NATIVE,
    write_file=parts.write_as_image,
    write_thoughts=thoughts.drop_thoughts,
    keeps_empty=True,
    decode=reading.MESSAGE,
    read_usage=usage.read_counted,
    read_thoughts=thoughts.read_reasoning("groq"),
    stream=StreamRules(
        decode=reading.DELTA,
        read_thoughts=thoughts.delta_reasoning("groq", "reasoning"),
        finish_reasons=reading.EMPTY_IS_ABSENT,
        read_usage=usage.read_counted,
    ),
)

OPENROUTER = ChatRow(
    spec=ProviderSpec(type="openrouter", display="OpenRouter", forwards_url=forwards_images),
    api_base="https://openrouter.ai/api/v1/",
    keyless=True,
    headers=(("X-Title", "TensorZero"), ("HTTP-Referer", "https://www.tensorzero.com/")),
    body="messages model temperature max_completion_tokens seed top_p presence_penalty frequency_penalty "
    "stream stream_options response_format tools tool_choice parallel_tool_calls stop reasoning verbosity",
    unsupported=("service_tier",),
    effort=reading.openrouter_reasoning,
    json_format=json_mode.schema_if_strict_and_able,
    tools=_NATIVE,
    drops_false_parallel=reading.is_o1,
    system_as_user=reading.is_o1_mini,
    write_thoughts=thoughts.write_details,
    decode=reading.DETAILED_MESSAGE,
    read_thoughts=thoughts.read_details,
    stream=StreamRules(
        decode=reading.DETAILED_DELTA,
        read_thoughts=thoughts.delta_details,
        finish_reasons=reading.EMPTY_IS_ABSENT,
    ),
)

TGI = ChatRow(
    spec=ProviderSpec(
        type="tgi",
        display="TGI",
        keeps_raw_request_on_error=False,
        keeps_raw_response_on_error=False,
        forwards_url=forwards_images,
    ),
    keyless=True,
    body="messages model temperature max_tokens seed top_p presence_penalty frequency_penalty stream "
    "stream_options tools tool_choice parallel_tool_calls stop",
    model=reading.tgi_model,
    unsupported=_ALL_NEW,
    json_format=json_mode.nothing_with_warning,
    streams_tools=False,
    decode=reading.OBJECT_CALLS,
    finish_required=False,
    finish_reasons=reading.TGI_REASONS,
    read_usage=usage.read_counted_only,
    read_thoughts=thoughts.read_nothing,
    stream=StreamRules(
        decode=reading.DELTA,
        read_thoughts=thoughts.delta_nothing,
        finish_reasons=reading.TGI_REASONS,
        read_usage=usage.read_counted_only,
        no_tools="TGI returned a tool call but we don't make streaming tool call requests for this provider",
    ),
)

AZURE = ChatRow(
    spec=ProviderSpec(type="azure", display="Azure", times_to_headers=True, forwards_url=forwards_images),
    key_header="api-key",
    key_prefix="",
    takes_tokens=True,
    body="messages temperature top_p stop presence_penalty frequency_penalty max_completion_tokens seed "
    "stream stream_options response_format tools tool_choice reasoning_effort service_tier verbosity",
    unsupported=("thinking_budget_tokens",),
    service_tiers=frozenset({"auto", "default"}),
    json_format=json_mode.schema_if_strict,
    tools=ToolRules(native_allow_list=True, choices={"auto": "auto", "required": "auto", "none": "none"}),
    keeps_detail=True,
    decode=reading.MESSAGE,
    usage_required=False,
    read_thoughts=thoughts.read_either("azure"),
    parse_text_has_body=True,
    stream=_SHARED_STREAM,
)

MISTRAL = ChatRow(
    spec=ProviderSpec(
        type="mistral",
        display="Mistral",
        keeps_raw_request_on_error=False,
        keeps_raw_response_on_error=False,
        times_to_headers=True,
        forwards_url=forwards_images,
    ),
    url="https://api.mistral.ai/v1/chat/completions",
    body="messages model temperature top_p presence_penalty frequency_penalty max_tokens random_seed stream "
    "response_format tools tool_choice stop prompt_mode",
    unsupported=_ALL_NEW,
    json_format=json_mode.object_always,
    json_hint=False,
    tools=ToolRules(strict=False, choices={"auto": "auto", "required": "any", "none": "none"}),
    decode=reading.CHUNKED_MESSAGE,
    finish_reasons=reading.MISTRAL_REASONS,
    read_usage=usage.read_all_counted,
    read_content=chunked.read_chunked,
    stream=StreamRules(
        decode=reading.CHUNKED_DELTA,
        finish_reasons=reading.MISTRAL_REASONS,
        read_usage=usage.read_all_counted,
        read_content=chunked.delta_chunked,
    ),
    parser=chunked.WholeCallStream,
)

ROWS = {
    row.spec.type: row
    for row in (
        OPENAI,
        VLLM,
        TOGETHER,
        FIREWORKS,
        DEEPSEEK,
        XAI,
        HYPERBOLIC,
        SGLANG,
        GROQ,
        OPENROUTER,
        TGI,
        AZURE,
        MISTRAL,
    )
}
"""All of them, by `type`."""
