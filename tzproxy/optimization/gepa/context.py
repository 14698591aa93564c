"""What models that reflect are told of a function, its evaluators and a candidate's templates. Pure. Cold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tzproxy.config import LoadedConfig
from tzproxy.config.evaluators import LlmJudgeConfig
from tzproxy.config.functions import ChatFunctionConfig, JsonFunctionConfig, schema_slots
from tzproxy.config.judges import judge_function
from tzproxy.config.variants import ChatCompletionOptions, chat_parts
from tzproxy.evaluations.target import Target, described

ENCODER = msgspec.json.Encoder()
DECODER = msgspec.json.Decoder()


def pretty(value: Any) -> str:
    """Write plain data as JSON for a model to read."""
    return msgspec.json.format(ENCODER.encode(value), indent=2).decode()


def section(tag: str, text: str) -> str:
    """Set a part of a prompt apart."""
    return f"<{tag}>\n{text}\n</{tag}>"


def describe_function(loaded: LoadedConfig, name: str) -> dict[str, Any]:
    """Describe a function: what it is for, what it takes, what it may call and what it has to answer."""
    config = loaded.functions[name]
    described: dict[str, Any] = {"name": name}
    if config.description is not None:
        described["description"] = config.description
    schemas = {slot: DECODER.decode(given.file.text) for slot, given in schema_slots(config).items()}
    if schemas:
        described["input_schemas"] = schemas
    if isinstance(config, ChatFunctionConfig):
        described["type"] = "chat"
        if config.tools:
            described["tools"] = [_tool(loaded, key) for key in config.tools]
            described["tool_choice"] = msgspec.to_builtins(config.tool_choice)
    if isinstance(config, JsonFunctionConfig):
        described["type"] = "json"
        if config.output_schema is not None:
            described["output_schema"] = DECODER.decode(config.output_schema.text)
    return described


def _tool(loaded: LoadedConfig, key: str) -> dict[str, Any]:
    tool = loaded.config.tools[key]
    return {
        "name": tool.name or key,
        "description": tool.description,
        "parameters": DECODER.decode(tool.parameters.text),
    }


def describe_evaluators(target: Target) -> dict[str, Any]:
    """Describe evaluators: what each looks for, which direction is better, what its judge was told."""
    known: dict[str, Any] = described(target)["evaluators"]  # type: ignore[assignment]  # it is a table
    result = {}
    for evaluator in target.evaluators:
        told = dict(known[evaluator.name])
        told["value"] = evaluator.value_type
        told["better"] = "higher" if evaluator.optimize == "max" else "lower"
        if evaluator.value_type == "boolean":
            told["better"] = "true" if evaluator.optimize == "max" else "false"
        if isinstance(evaluator.config, LlmJudgeConfig):
            told["judge_instructions"] = _instructions(evaluator.config)
        result[evaluator.name] = told
    return result


def _instructions(judge: LlmJudgeConfig) -> list[str]:
    """Return the texts that the variants of a judge are told, each once."""
    texts = [
        part.system_template.text.strip()
        for variant in judge_function("", judge).variants.values()
        for _, part in chat_parts(variant)
        if isinstance(part, ChatCompletionOptions) and part.system_template is not None
    ]
    return list(dict.fromkeys(texts))


def shown_templates(templates: Mapping[str, str]) -> str:
    """Write templates for a model to read, each under its name."""
    return "\n".join(f'<template name="{name}">\n{text}\n</template>' for name, text in templates.items())
