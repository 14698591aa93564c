"""The services themselves, as far as they answer: blocks in, each service's own bytes out.

`answer` writes a whole answer, `pieces` a stream. What they write is made up, its shapes are the services'.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tzproxy.providers.protocol import WireEvent
from tzproxy.types.content import Text, Thought, ToolCall

Block = Text | Thought | ToolCall
Event = bytes | WireEvent

_REASONING = "reasoning"
_REASONING_CONTENT = "reasoning_content"
FIELDS: Mapping[str, str | None] = {
    "openai": _REASONING_CONTENT,
    "azure": _REASONING_CONTENT,
    "vllm": _REASONING,
    "together": _REASONING,
    "fireworks": _REASONING_CONTENT,
    "deepseek": _REASONING_CONTENT,
    "xai": _REASONING_CONTENT,
    "hyperbolic": _REASONING_CONTENT,
    "sglang": _REASONING_CONTENT,
    "groq": _REASONING,
    "openrouter": "reasoning_details",
    "mistral": "content",
    "tgi": None,
    "aws_sagemaker": _REASONING_CONTENT,
}
"""The services of the chat-completions protocol, and where each puts its reasoning."""
MESSAGES = ("anthropic", "gcp_vertex_anthropic")
GEMINI = ("gcp_vertex_gemini", "google_ai_studio_gemini")


def _bytes(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _texts(blocks: Sequence[Block]) -> str:
    return "".join(block.text for block in blocks if isinstance(block, Text))


def _calls(blocks: Sequence[Block]) -> list[ToolCall]:
    return [block for block in blocks if isinstance(block, ToolCall)]


def _thoughts(blocks: Sequence[Block]) -> list[Thought]:
    return [block for block in blocks if isinstance(block, Thought)]


# ---- chat completions


def _chat_content(name: str, blocks: Sequence[Block]) -> dict[str, Any]:
    """Write texts and thoughts as the keys of a message or a delta."""
    field, text, thoughts = FIELDS[name], _texts(blocks), _thoughts(blocks)
    said: dict[str, Any] = {"content": text} if text else {}
    if not thoughts or field is None:
        return said
    if field == "content":
        thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": t.text}]} for t in thoughts]
        return {"content": [*thinking, *([{"type": "text", "text": text}] if text else [])]}
    if field == "reasoning_details":
        details = [
            {"type": "reasoning.text", "text": t.text, "signature": t.signature, "index": 0} for t in thoughts
        ]
        return {**said, field: details}
    return {**said, field: "".join(t.text or "" for t in thoughts)}


def _chat_call(name: str, call: ToolCall) -> dict[str, Any]:
    arguments: Any = json.loads(call.arguments) if name == "tgi" else call.arguments
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _chat_answer(name: str, blocks: Sequence[Block], usage: object) -> bytes:
    calls = _calls(blocks)
    message = {"role": "assistant", **_chat_content(name, blocks)}
    if calls:
        message["tool_calls"] = [_chat_call(name, call) for call in calls]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    return _bytes({"id": "c", "object": "chat.completion", "choices": [choice], "usage": usage})


def _chat_pieces(name: str, blocks: Sequence[Block], usage: object) -> list[Event]:
    def chunk(delta: object, reason: str | None = None, **more: object) -> bytes:
        return _bytes({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more})

    out: list[Event] = [chunk(_chat_content(name, [b])) for b in blocks if not isinstance(b, ToolCall)]
    calls = _calls(blocks)
    if name == "mistral":
        out += [chunk({"tool_calls": [{"index": i, **_chat_call(name, c)}]}) for i, c in enumerate(calls)]
    else:
        for index, call in enumerate(calls):
            head = {"index": index, **_chat_call("", ToolCall(call.id, call.name, ""))}
            out.append(chunk({"tool_calls": [head]}))
        # The arguments of all calls come a piece each, in turns.
        for start in range(0, max((len(call.arguments) for call in calls), default=0), 5):
            for index, call in enumerate(calls):
                if piece := call.arguments[start : start + 5]:
                    out.append(chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))
    out.append(chunk({}, "tool_calls" if calls else "stop"))
    return [*out, _bytes({"choices": [], "usage": usage}), b"[DONE]"]


# ---- OpenAI's Responses


def _response_items(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for number, block in enumerate(blocks):
        if isinstance(block, Text):
            part = {"type": "output_text", "text": block.text, "annotations": []}
            items.append({"type": "message", "id": f"msg_{number}", "role": "assistant", "content": [part]})
        elif isinstance(block, ToolCall):
            call = {"call_id": block.id, "name": block.name, "arguments": block.arguments}
            items.append({"type": "function_call", "id": block.id, **call})
        else:
            summary = [{"type": "summary_text", "text": block.text}]
            item = {"type": "reasoning", "id": f"rs_{number}", "summary": summary}
            items.append({**item, "encrypted_content": block.signature})
    return items


def _responses_answer(name: str, blocks: Sequence[Block], usage: object) -> bytes:
    return _bytes(
        {"id": "r", "object": "response", "status": "completed", "output": _response_items(blocks)}
        | {"usage": usage}
    )


def _responses_pieces(name: str, blocks: Sequence[Block], usage: object) -> list[Event]:
    items = _response_items(blocks)
    out: list[dict[str, Any]] = [{"type": "response.created", "response": {"id": "r"}}]
    for index, (block, item) in enumerate(zip(blocks, items, strict=True)):
        place = {"output_index": index, "item_id": item["id"]}
        if isinstance(block, Thought):
            summary = {"summary_index": 0, "delta": block.text}
            out.append({"type": "response.reasoning_summary_text.delta", **place, **summary})
        elif isinstance(block, Text):
            out.append({"type": "response.output_item.added", "output_index": index, "item": item})
            said = {"content_index": 0, "delta": block.text}
            out.append({"type": "response.output_text.delta", **place, **said})
        else:
            begun = {**item, "arguments": ""}
            out.append({"type": "response.output_item.added", "output_index": index, "item": begun})
            for start in range(0, len(block.arguments), 5):
                piece = {"delta": block.arguments[start : start + 5]}
                out.append({"type": "response.function_call_arguments.delta", **place, **piece})
            done = {"arguments": block.arguments}
            out.append({"type": "response.function_call_arguments.done", **place, **done})
    whole = {"id": "r", "status": "completed", "output": items, "usage": usage}
    return [_bytes(event) for event in [*out, {"type": "response.completed", "response": whole}]]


# ---- Anthropic's messages


def _messages_block(block: Block) -> dict[str, Any]:
    if isinstance(block, Text):
        return {"type": "text", "text": block.text}
    if isinstance(block, ToolCall):
        call = {"id": block.id, "name": block.name, "input": json.loads(block.arguments)}
        return {"type": "tool_use", **call}
    return {"type": "thinking", "thinking": block.text, "signature": block.signature}


def _message(content: list[dict[str, Any]], reason: str | None, usage: object) -> dict[str, Any]:
    head = {"id": "m", "type": "message", "role": "assistant", "model": "claude", "content": content}
    return {**head, "stop_reason": reason, "stop_sequence": None, "usage": usage}


def _reason(blocks: Sequence[Block]) -> str:
    return "tool_use" if _calls(blocks) else "end_turn"


def _messages_answer(name: str, blocks: Sequence[Block], usage: object) -> bytes:
    return _bytes(_message([_messages_block(block) for block in blocks], _reason(blocks), usage))


def _messages_deltas(block: Block) -> list[dict[str, Any]]:
    if isinstance(block, Text):
        return [{"type": "text_delta", "text": block.text}]
    if isinstance(block, ToolCall):
        text = block.arguments
        return [
            {"type": "input_json_delta", "partial_json": text[start : start + 5]}
            for start in range(0, len(text), 5)
        ]
    signature = {"type": "signature_delta", "signature": block.signature}
    return [{"type": "thinking_delta", "thinking": block.text}, signature]


def _messages_pieces(name: str, blocks: Sequence[Block], usage: Mapping[str, object]) -> list[Event]:
    empty: dict[str, dict[str, Any]] = {
        "text": {"text": ""},
        "tool_use": {"input": {}},
        "thinking": {"thinking": "", "signature": ""},
    }
    begun = _message([], None, {**usage, "output_tokens": 1})
    out: list[dict[str, Any]] = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for index, block in enumerate(blocks):
        whole = _messages_block(block)
        start = {"index": index, "content_block": {**whole, **empty[whole["type"]]}}
        out.append({"type": "content_block_start", **start})
        out += [
            {"type": "content_block_delta", "index": index, "delta": delta}
            for delta in _messages_deltas(block)
        ]
        out.append({"type": "content_block_stop", "index": index})
    counts = {"output_tokens": usage["output_tokens"]}
    end = {"stop_reason": _reason(blocks), "stop_sequence": None}
    out += [{"type": "message_delta", "delta": end, "usage": counts}, {"type": "message_stop"}]
    return [_bytes(event) for event in out]


# ---- Gemini


def _gemini_part(block: Block) -> dict[str, Any]:
    if isinstance(block, Text):
        return {"text": block.text}
    if isinstance(block, ToolCall):
        return {"functionCall": {"name": block.name, "args": json.loads(block.arguments)}}
    part = {"text": block.text, "thought": True}
    return part if block.signature is None else {**part, "thoughtSignature": block.signature}


def _candidate(parts: list[dict[str, Any]], reason: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}}
    return candidate if reason is None else {**candidate, "finishReason": reason}


def _gemini_answer(name: str, blocks: Sequence[Block], usage: object) -> bytes:
    parts = [_gemini_part(block) for block in blocks]
    return _bytes({"candidates": [_candidate(parts, "STOP")], "usageMetadata": usage})


def _gemini_pieces(name: str, blocks: Sequence[Block], usage: object) -> list[Event]:
    out = [_bytes({"candidates": [_candidate([_gemini_part(block)])]}) for block in blocks]
    end = {"candidates": [_candidate([{"text": ""}], "STOP")], "usageMetadata": usage}
    return [*out, _bytes(end)]


# ---- Bedrock's Converse


def _converse_block(block: Block) -> dict[str, Any]:
    if isinstance(block, Text):
        return {"text": block.text}
    if isinstance(block, ToolCall):
        call = {"toolUseId": block.id, "name": block.name, "input": json.loads(block.arguments)}
        return {"toolUse": call}
    return {"reasoningContent": {"reasoningText": {"text": block.text, "signature": block.signature}}}


def _converse_answer(name: str, blocks: Sequence[Block], usage: object) -> bytes:
    message = {"role": "assistant", "content": [_converse_block(block) for block in blocks]}
    answer = {"output": {"message": message}, "stopReason": _reason(blocks), "usage": usage}
    return _bytes({**answer, "metrics": {"latencyMs": 1}})


def _converse_deltas(block: Block) -> list[dict[str, Any]]:
    if isinstance(block, Text):
        return [{"text": block.text}]
    if isinstance(block, ToolCall):
        text = block.arguments
        return [{"toolUse": {"input": text[start : start + 5]}} for start in range(0, len(text), 5)]
    return [
        {"reasoningContent": {"text": block.text}},
        {"reasoningContent": {"signature": block.signature}},
    ]


def _converse_pieces(name: str, blocks: Sequence[Block], usage: object) -> list[Event]:
    out: list[tuple[str, object]] = [("messageStart", {"role": "assistant"})]
    for index, block in enumerate(blocks):
        place = {"contentBlockIndex": index}
        if isinstance(block, ToolCall):
            start = {"toolUse": {"toolUseId": block.id, "name": block.name}}
            out.append(("contentBlockStart", {**place, "start": start}))
        out += [("contentBlockDelta", {**place, "delta": delta}) for delta in _converse_deltas(block)]
        out.append(("contentBlockStop", place))
    out += [("messageStop", {"stopReason": _reason(blocks)}), ("metadata", {"usage": usage})]
    return [WireEvent(_bytes(payload), event) for event, payload in out]


# ---- all of them

_Answer = Callable[[str, Sequence[Block], Any], bytes]
_Pieces = Callable[[str, Sequence[Block], Any], list[Event]]
_WRITERS: Mapping[str, tuple[_Answer, _Pieces]] = {
    **dict.fromkeys(FIELDS, (_chat_answer, _chat_pieces)),
    **dict.fromkeys(MESSAGES, (_messages_answer, _messages_pieces)),
    **dict.fromkeys(GEMINI, (_gemini_answer, _gemini_pieces)),
    "openai_responses": (_responses_answer, _responses_pieces),
    "aws_bedrock": (_converse_answer, _converse_pieces),
}
SERVICES = tuple(sorted(_WRITERS))


def answer(name: str, blocks: Sequence[Block], usage: object) -> bytes:
    """Write a service's whole answer."""
    return _WRITERS[name][0](name, blocks, usage)


def pieces(name: str, blocks: Sequence[Block], usage: object) -> list[Event]:
    """Write the events of a service's stream; the arguments of calls come in many pieces if they can."""
    return _WRITERS[name][1](name, blocks, usage)


def counts(name: str) -> dict[str, Any]:
    """Return token counts as the service writes them; every kind it knows is there."""
    if name in MESSAGES:
        cache = {"cache_creation_input_tokens": 3, "cache_read_input_tokens": 20}
        return {"input_tokens": 100, **cache, "output_tokens": 40}
    if name in GEMINI:
        return {
            "promptTokenCount": 123,
            "candidatesTokenCount": 30,
            "thoughtsTokenCount": 10,
            "cachedContentTokenCount": 20,
        }
    if name == "aws_bedrock":
        cache = {"cacheReadInputTokens": 20, "cacheWriteInputTokens": 3}
        return {"inputTokens": 100, "outputTokens": 40, "totalTokens": 140, **cache}
    if name == "openai_responses":
        details = {"input_tokens_details": {"cached_tokens": 20}}
        reasoning = {"output_tokens_details": {"reasoning_tokens": 10}}
        return {"input_tokens": 123, "output_tokens": 40, **details, **reasoning}
    # xAI alone does not count reasoning among what was completed.
    usage: dict[str, Any] = {"prompt_tokens": 123, "completion_tokens": 30 if name == "xai" else 40}
    usage["completion_tokens_details"] = {"reasoning_tokens": 10}
    if name == "deepseek":
        return {**usage, "prompt_cache_hit_tokens": 20, "prompt_cache_miss_tokens": 103}
    return {**usage, "prompt_tokens_details": {"cached_tokens": 20}}
