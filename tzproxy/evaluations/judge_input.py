"""What a judge gets to see of a datapoint and its answer, in both formats. Warm."""

from __future__ import annotations

from typing import Any

import msgspec

from tzproxy.config.evaluators import LlmJudgeConfig
from tzproxy.evaluations.datapoints import wire_input
from tzproxy.evaluations.errors import ScoreError
from tzproxy.evaluations.outcome import ENCODER, Outcome
from tzproxy.types.content import (
    StoredBlock,
    StoredFile,
    StoredInput,
    Template,
    Text,
    Unknown,
)
from tzproxy.types.request import Input, InputMessage, TemplateInput, TextInput

UNKNOWN_BLOCK = "Unknown content blocks in the input are not supported by LLM judge evaluators"


def judge_input(config: LlmJudgeConfig, outcome: Outcome) -> Input | None:
    """Return the input of the judge's function; None: there is nothing to compare with.

    Raises:
        ScoreError: when datapoint or answer cannot be shown to a judge.
    """
    generated = _generated(outcome)
    reference = None
    if config.include.reference_output:
        reference = _reference(outcome)
        if reference is None:
            return None
    if config.input_format == "serialized":
        arguments: dict[str, object] = {
            "input": _serialized(outcome.input),
            "generated_output": generated,
            "reference_output": reference,
        }
        return Input([InputMessage("user", [TemplateInput("user", arguments)])])
    return _conversation(outcome.input, generated, reference)


def _generated(outcome: Outcome) -> str:
    if outcome.is_json:
        output = outcome.output
        if output.parsed is None or output.raw is None:
            raise ScoreError("JSON output does not contain a `parsed` field")
        return output.raw
    known = [block for block in outcome.blocks if not isinstance(block, Unknown)]
    if not known:
        raise ScoreError("The answer holds no content that an LLM judge could be shown")
    return ENCODER.encode(known).decode()


def _reference(outcome: Outcome) -> str | None:
    reference: Any = outcome.reference
    if reference is None:
        return None
    if outcome.is_json:
        if reference.get("parsed") is None:
            return None
        raw = reference.get("raw")
        return raw if isinstance(raw, str) else ENCODER.encode(reference["parsed"]).decode()
    known = [block for block in reference if block.get("type") != "unknown"]
    if not known:
        return None
    if len(known) == len(reference):
        # As it is written: numbers in tool arguments keep their form.
        return msgspec.json.format(outcome.datapoint.output or "", indent=-1)
    return ENCODER.encode(known).decode()


def _serialized(stored: StoredInput) -> str:
    for message in stored.messages:
        for block in message.content:
            if isinstance(block, StoredFile):
                raise ScoreError(
                    "Files cannot be shown to an LLM judge as text. Set `input_format` to `messages`."
                )
            if isinstance(block, Unknown):
                raise ScoreError(UNKNOWN_BLOCK)
    system = {} if stored.system is None else {"system": stored.system}
    return ENCODER.encode({**system, "messages": stored.messages}).decode()


def _conversation(stored: StoredInput, generated: str, reference: str | None) -> Input:
    messages: list[InputMessage] = []
    if stored.system is not None:
        system = stored.system
        text = system if isinstance(system, str) else ENCODER.encode(system).decode()
        messages.append(_said(text))
    shown = [
        msgspec.structs.replace(message, content=[_shown(block) for block in message.content])
        for message in stored.messages
    ]
    messages.extend(wire_input(StoredInput(shown)).messages)
    text = f"# Generated Output\n\n{generated}\n"
    if reference is not None:
        text += f"\n# Reference Output\n\n{reference}\n"
    messages.append(_said(text))
    return Input(messages)


def _shown(block: StoredBlock) -> StoredBlock:
    """Return a block as the judge's function can take it: it has none of the templates."""
    if isinstance(block, Template):
        return Text(ENCODER.encode({"name": block.name, "arguments": block.arguments}).decode())
    if isinstance(block, Unknown):
        raise ScoreError(UNKNOWN_BLOCK)
    return block


def _said(text: str) -> InputMessage:
    return InputMessage("user", [TextInput(text)])
