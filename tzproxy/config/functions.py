"""`[functions]`, `[tools]` and `[metrics]`, and the slots that schemas and templates fill.

Must not: compile schemas or templates. Cold.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from tzproxy.config.decode import Context, Reads, unknown_variant, wrong_type
from tzproxy.config.evaluators import Evaluator
from tzproxy.config.experimentation import Experimentation
from tzproxy.config.problems import Path
from tzproxy.config.scalars import FileData, InlinedFile
from tzproxy.config.variants import ChatCompletionOptions, VariantConfig

ROLES = ("system", "user", "assistant")


class SchemaConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`schemas.SLOT`.

    Attributes:
        path: the JSON Schema; required.
    """

    path: InlinedFile


class SpecificTool(msgspec.Struct, frozen=True, kw_only=True):
    """`tool_choice = { specific = "NAME" }`.

    Attributes:
        specific: display name of the tool; not checked at load.
    """

    specific: str


ToolChoiceName = Literal["none", "auto", "required"]


def _read_tool_choice(value: object, path: Path, context: Context) -> object:
    names = ["none", "auto", "required", "specific"]
    if isinstance(value, dict) and len(value) == 1:
        key, name = next(iter(value.items()))
        if key != "specific":
            return context.reject(path, unknown_variant(key, names))
        if not isinstance(name, str):
            return context.reject((*path, key), wrong_type(name, "a string"))
        return SpecificTool(specific=name)
    if not isinstance(value, str):
        return context.reject(path, wrong_type(value, "a tool choice"))
    if value not in names[:3]:
        return context.reject(path, unknown_variant(value, names))
    return value


ToolChoice = Annotated[ToolChoiceName | SpecificTool, Reads(_read_tool_choice)]


class BaseFunctionConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag=False
):
    """Keys of both function types.

    Attributes:
        variants: the variants by name, may be empty; required.
        description: default none.
        system_schema: slot `system`, older form; default none.
        user_schema: slot `user`, older form; default none.
        assistant_schema: slot `assistant`, older form; default none.
        schemas: JSON Schemas by slot; default none.
        experimentation: which variants are drawn; default none.
        evaluators: evaluators by name; default none.
    """

    variants: dict[str, VariantConfig]
    description: str | None = None
    system_schema: InlinedFile | None = None
    user_schema: InlinedFile | None = None
    assistant_schema: InlinedFile | None = None
    schemas: dict[str, SchemaConfig] = {}
    experimentation: Experimentation | None = None
    evaluators: dict[str, Evaluator] = {}


class ChatFunctionConfig(BaseFunctionConfig, frozen=True, kw_only=True, tag="chat"):
    """`type = "chat"`.

    Attributes:
        tools: keys of `[tools]`; default none.
        tool_choice: default `auto`.
        parallel_tool_calls: default none, the provider's.
    """

    tools: tuple[str, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None


class JsonFunctionConfig(BaseFunctionConfig, frozen=True, kw_only=True, tag="json"):
    """`type = "json"`.

    Attributes:
        output_schema: JSON Schema of the answer; default none, anything is valid.
    """

    output_schema: InlinedFile | None = None


FunctionConfig = ChatFunctionConfig | JsonFunctionConfig


class ToolConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[tools.KEY]`.

    Attributes:
        description: what the model reads; required.
        parameters: JSON Schema of the arguments; required.
        name: what the model calls it; default the key.
        strict: ask the provider to enforce the schema; default false.
    """

    description: str
    parameters: InlinedFile
    name: str | None = None
    strict: bool = False


class MetricConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[metrics.NAME]`.

    Attributes:
        type: kind of value; required.
        optimize: which direction is better; required.
        level: what feedback is about; required.
        description: default none.
    """

    type: Literal["boolean", "float"]
    optimize: Literal["min", "max"]
    level: Literal["inference", "episode"]
    description: str | None = None


class Slot(msgspec.Struct, frozen=True):
    """A schema of a function or a template of a variant, and how it was given.

    Attributes:
        file: the schema or template.
        legacy: given as `user_schema`, `user_template` or an input wrapper rather than by slot name.
        key: the key that gave it, for messages.
    """

    file: FileData
    legacy: bool
    key: str


def schema_slots(function: BaseFunctionConfig) -> dict[str, Slot]:
    """Return the function's schemas by slot; where a slot is given twice the newer form wins."""
    slots = {}
    for role in ROLES:
        file = getattr(function, f"{role}_schema")
        if file is not None:
            slots[role] = Slot(file, legacy=True, key=f"{role}_schema")
    for name, schema in function.schemas.items():
        slots[name] = Slot(schema.path, legacy=False, key=f"schemas.{name}.path")
    return slots


def template_slots(options: ChatCompletionOptions) -> dict[str, Slot]:
    """Return the templates of a chat completion by slot; where a slot is given twice the newer form wins."""
    slots = {}
    for role in ROLES:
        wrapper = getattr(options.input_wrappers, role, None)
        if wrapper is not None:
            slots[role] = Slot(wrapper, legacy=True, key=f"input_wrappers.{role}")
        file = getattr(options, f"{role}_template")
        if file is not None:
            slots[role] = Slot(file, legacy=True, key=f"{role}_template")
    for name, template in options.templates.items():
        slots[name] = Slot(template.path, legacy=False, key=f"templates.{name}.path")
    return slots
