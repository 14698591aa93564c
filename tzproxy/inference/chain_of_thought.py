"""The variant that lets a model think before its JSON answer: a wider schema out, the inner answer back."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from tzproxy.errors import TzproxyError
from tzproxy.inference.model import ModelCaller
from tzproxy.inference.model_stream import ModelStreamer
from tzproxy.inference.plan import Inference, OutputSchema
from tzproxy.inference.variant import ChatCompletion, VariantAnswer, VariantStream
from tzproxy.types.content import ModelOutput, Text, Thought, ToolCall
from tzproxy.types.model import ModelRequest
from tzproxy.types.params import ChatParams


class _Answer(msgspec.Struct):
    thinking: str
    response: Raw


_ANSWER = msgspec.json.Decoder(_Answer)


def widened(schema: Raw) -> Raw:
    """Wrap an output schema into one that asks for thinking first."""
    return Raw(
        msgspec.json.encode(
            {
                "type": "object",
                "properties": {
                    "thinking": {
                        "type": "string",
                        "description": "Your reasoning, step by step, before you answer.",
                    },
                    "response": schema,
                },
                "required": ["thinking", "response"],
                "additionalProperties": False,
            }
        )
    )


class ChainOfThought(ChatCompletion):
    """A chat completion of a JSON function whose model answers `{thinking, response}`."""

    def model_request(
        self, inference: Inference, params: ChatParams, *, stream: bool, schema: OutputSchema | None = None
    ) -> ModelRequest:
        """Ask for the wider answer."""
        output = inference.output_schema
        wider = None if output is None else OutputSchema(widened(output.raw), None)
        return super().model_request(inference, params, stream=stream, schema=wider)

    async def infer(self, inference: Inference, caller: ModelCaller) -> VariantAnswer:
        """Answer, then take the inner response out. What cannot be read stays as it is and fits no schema."""
        answer = await super().infer(inference, caller)
        output = _unwrapped(answer.output)
        return msgspec.structs.replace(answer, output=output, may_fit=output is not answer.output)

    async def stream(self, inference: Inference, streamer: ModelStreamer) -> VariantStream:
        """Refuse: the inner answer is not known before the end."""
        raise TzproxyError(
            f"Unsupported variant for streaming inference of type chain_of_thought: {self.name}"
        )


def _unwrapped(output: list[ModelOutput]) -> list[ModelOutput]:
    for position in range(len(output) - 1, -1, -1):
        block = output[position]
        text = (
            block.text
            if isinstance(block, Text)
            else block.arguments
            if isinstance(block, ToolCall)
            else None
        )
        if text is None:
            continue
        try:
            answer = _ANSWER.decode(text)
        except msgspec.DecodeError:
            return output
        inner = Text(bytes(answer.response).decode())
        return [*output[:position], Thought(answer.thinking), inner, *output[position + 1 :]]
    return output
