"""From an answer to a response object. Hot."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.errors import RateLimitError, TzproxyError
from tzproxy.http.models import Target
from tzproxy.http.openai.response import model_of
from tzproxy.http.responses.objects import (
    CustomCallItem,
    ErrorObject,
    FunctionCallItem,
    IncompleteDetails,
    MessageItem,
    OutputItem,
    OutputText,
    ReasoningItem,
    ResponseObject,
    usage_object,
)
from tzproxy.http.responses.thoughts import ThoughtParts
from tzproxy.http.responses.wire import ResponsesRequest
from tzproxy.inference.answer import Answer
from tzproxy.inference.plan import Inference
from tzproxy.types.content import ChatOutput, SummaryText, Text, Thought, ToolCallOutput
from tzproxy.types.request import given

ENCODER = msgspec.json.Encoder()
AUTO = Raw(b'"auto"')
NO_TOOLS = Raw(b"[]")
PLAIN_TEXT = Raw(b'{"format":{"type":"text"}}')
NO_REASONING = Raw(b'{"effort":null,"summary":null}')
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class Item(Struct, frozen=True):
    """What is looked for in a provider's own block: whether it is an item of this protocol."""

    type: str


ITEM = msgspec.json.Decoder(Item)


class ResponseWriter:
    """Writes response objects of one request; what they repeat of it is prepared once."""

    __slots__ = ("_created_at", "_custom", "_inference", "_target", "_wire")

    def __init__(self, wire: ResponsesRequest, target: Target, inference: Inference) -> None:
        self._wire = wire
        self._target = target
        self._inference = inference
        self._created_at = int(time.time())
        tools = inference.tools
        self._custom = frozenset(tool.name for tool in tools.config.custom_tools) if tools else frozenset()

    def id_of(self, kind: str, index: int) -> str:
        """Name an item."""
        return f"{kind}_{self._inference.inference_id}_{index}"

    def pending(self, variant_name: str) -> ResponseObject:
        """Write the response before its first piece."""
        return self._object("in_progress", [], variant_name)

    def failed(self, variant_name: str, output: list[OutputItem], error: TzproxyError) -> ResponseObject:
        """Write the response of a stream that broke."""
        code = "rate_limit_exceeded" if error.status == RateLimitError.status else "server_error"
        return self._object("failed", output, variant_name, error=ErrorObject(code, error.message))

    def finished(self, answer: Answer, output: list[OutputItem]) -> ResponseObject:
        """Write the response of an answer, its items given."""
        request = self._inference.request
        raw = request.include_raw_usage or request.include_raw_response or request.include_original_response
        return self._object(
            "incomplete" if answer.finish_reason in INCOMPLETE else "completed",
            output,
            answer.variant_name,
            answer=answer,
            with_raw=raw,
        )

    def whole(self, answer: Answer) -> bytes:
        """Write an answer that was not streamed."""
        output: list[OutputItem] = []
        if answer.output is not None:
            output.append(self.message(0, answer.output.raw or "", _last_status(answer)))
        else:
            self._add_items(output, answer.content or [], answer)
        return ENCODER.encode(self.finished(answer, output))

    def _add_items(self, output: list[OutputItem], content: Sequence[ChatOutput], answer: Answer) -> None:
        for position, block in enumerate(content):
            index = len(output)
            status = _last_status(answer) if position == len(content) - 1 else "completed"
            if isinstance(block, Text):
                output.append(self.message(index, block.text, status))
            elif isinstance(block, ToolCallOutput):
                output.append(self.call(index, block.id, block.raw_name, block.raw_arguments, status))
            elif isinstance(block, Thought):
                output.append(self.reasoning(index, ThoughtParts.of(block)))
            elif is_item(block.data):
                output.append(block.data)

    def message(self, index: int, text: str | None, status: str = "completed") -> MessageItem:
        """Write a message; None: it has no part yet."""
        content = [] if text is None else [OutputText(text)]
        return MessageItem(id=self.id_of("msg", index), status=status, content=content)

    def call(
        self, index: int, call_id: str, name: str, arguments: str, status: str = "completed"
    ) -> FunctionCallItem | CustomCallItem:
        """Write a call of a tool of either kind."""
        if name in self._custom:
            return CustomCallItem(
                id=self.id_of("ctc", index), call_id=call_id, name=name, input=arguments, status=status
            )
        return FunctionCallItem(
            id=self.id_of("fc", index), call_id=call_id, name=name, arguments=arguments, status=status
        )

    def reasoning(self, index: int, parts: ThoughtParts, status: str = "completed") -> ReasoningItem:
        """Write a thought."""
        return ReasoningItem(
            id=self.id_of("rs", index),
            summary=[SummaryText(paragraph) for paragraph in parts.paragraphs()],
            encrypted_content=parts.sealed(),
            status=status,
        )

    def _object(
        self,
        status: str,
        output: list[OutputItem],
        variant_name: str,
        *,
        answer: Answer | None = None,
        error: ErrorObject | None = None,
        with_raw: bool = False,
    ) -> ResponseObject:
        wire, inference = self._wire, self._inference
        native = answer.response() if answer is not None and with_raw else None
        reason = None if answer is None else INCOMPLETE.get(answer.finish_reason or "")
        return ResponseObject(
            id=inference.inference_id,
            created_at=self._created_at,
            status=status,
            completed_at=int(time.time()) if status == "completed" else None,
            error=error,
            incomplete_details=None if reason is None else IncompleteDetails(reason),
            instructions=wire.instructions,
            max_output_tokens=wire.max_output_tokens,
            model=wire.model if self._target.bare else model_of(inference, variant_name),
            output=output,
            parallel_tool_calls=wire.parallel_tool_calls is not False,
            reasoning=_sent(wire.reasoning, NO_REASONING),
            service_tier=wire.service_tier,
            temperature=wire.temperature,
            text=_sent(wire.text, PLAIN_TEXT),
            tool_choice=_sent(wire.tool_choice, AUTO),
            tools=_sent(wire.tools, NO_TOOLS),
            top_p=wire.top_p,
            usage=None if answer is None else usage_object(answer.usage),
            metadata=wire.metadata or {},
            episode_id=inference.episode_id,
            variant_name=variant_name,
            tensorzero_raw_usage=UNSET if native is None or native.raw_usage is None else native.raw_usage,
            tensorzero_original_response=(
                UNSET if native is None or native.original_response is None else native.original_response
            ),
            tensorzero_raw_response=(
                UNSET if native is None or native.raw_response is None else native.raw_response
            ),
        )


def is_item(data: Raw) -> bool:
    """Tell whether a provider's own block is an item that clients can read (has a type)."""
    try:
        return bool(ITEM.decode(data).type)
    except msgspec.DecodeError:
        return False


def _last_status(answer: Answer) -> str:
    return "incomplete" if answer.finish_reason in INCOMPLETE else "completed"


def _sent(raw: Raw | UnsetType, default: Raw) -> Raw:
    value = given(raw)
    return default if value is None else value
