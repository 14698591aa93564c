"""Lines of training files in the form of chat completions: for OpenAI, Fireworks and Together. Cold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Raw, structs

from tzproxy.inference.learning_examples import StoredCall
from tzproxy.optimization.samples import InvalidSampleError, OutputBlock, RenderedSample
from tzproxy.providers.chat_completions.messages import build_messages
from tzproxy.providers.chat_completions.provider import message_rules
from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.chat_completions.tools import build_tools
from tzproxy.providers.chat_completions.wire import WireMessage
from tzproxy.types.content import Message, ModelBlock
from tzproxy.types.tools import AllowedTools, ToolConfig

ENCODE = msgspec.json.Encoder().encode
LINES_AT_ONCE = 64


class ChatLines:
    """Writes samples for one provider and the model that is trained."""

    def __init__(self, row: ChatRow, model: str, *, strict_tools: bool = False) -> None:
        """Prepare. `strict_tools`: whether tools say if their arguments are strictly checked."""
        self._tools = structs.replace(row.tools, strict=strict_tools)
        self._rules = message_rules(row, model)

    def history(self, sample: RenderedSample, *, system: bool = True) -> list[WireMessage]:
        """Write everything before the answer, with the system text or without.

        Raises:
            ProviderError: when the provider's protocol cannot express it.
        """
        text = sample.input.system if system else None
        return build_messages(self._rules, text, sample.input.messages)

    def target(self, sample: RenderedSample) -> list[WireMessage]:
        """Write the answer that is learnt.

        Raises:
            InvalidSampleError: when there is none, or nothing of it can be written.
            ProviderError: as `history`.
        """
        blocks = [as_made(block) for block in needed_output(sample)]
        written = build_messages(self._rules, None, [Message("assistant", blocks)])
        if not written:
            raise InvalidSampleError("Nothing in the output can be trained on")
        return written

    def tools(self, sample: RenderedSample) -> Raw | None:
        """Write the tools that the request brought; None when it brought none. Raises as `target`."""
        functions = sample.brought_functions()
        if not functions:
            return None
        config = ToolConfig(tools=functions, allowed=AllowedTools([], "function_default"))
        return build_tools(self._tools, config).tools


def needed_output(sample: RenderedSample) -> list[OutputBlock]:
    """Return the output of a sample that has to have one. Raises InvalidSampleError when it has none."""
    blocks = sample.output_blocks()
    if not blocks:
        raise InvalidSampleError("No output in inference")
    return blocks


def as_made(block: OutputBlock) -> ModelBlock:
    """Return a block of an output as the model made it."""
    return block.as_made() if isinstance(block, StoredCall) else block


def check_single_calls(sample: RenderedSample, display: str) -> None:
    """Refuse samples with parallel tool calls for a provider that cannot train on them.

    Raises:
        InvalidSampleError: when the sample allows them.
    """
    if sample.parallel_tool_calls:
        raise InvalidSampleError(f"Parallel tool calls are not supported for {display}")


async def written_lines(
    samples: Sequence[RenderedSample], write: Callable[[RenderedSample], object]
) -> bytes:
    """Write samples as lines of JSON, so that other requests get their turn.

    Raises:
        InvalidSampleError: for a sample that cannot be trained on.
        ProviderError: for one that the provider's protocol cannot express.
    """
    lines = bytearray()
    for number, sample in enumerate(samples, 1):
        lines += ENCODE(write(sample))
        lines += b"\n"
        if number % LINES_AT_ONCE == 0:
            await asyncio.sleep(0)
    return bytes(lines)
