"""A function as the engine runs it: its variants, how one is chosen, what it demands of its input. Hot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Raw

from tzproxy._speedups.sampling import Sampler
from tzproxy.errors import NotFoundError, RequestError, TzproxyError
from tzproxy.inference.input import InputChecks
from tzproxy.inference.plan import OutputSchema
from tzproxy.inference.tools import FunctionTools, InferenceTools
from tzproxy.inference.variant import Variant
from tzproxy.prompts import JsonSchema
from tzproxy.types.request import InferenceRequest, given

NO_TOOLS = FunctionTools([], {}, tool_choice="auto", parallel_tool_calls=None)


class Function:
    """A chat or JSON function.

    `samplers` by namespace; None is the base. `refused` names a way of sampling that this version lacks.
    """

    def __init__(
        self,
        name: str,
        kind: Literal["chat", "json"],
        variants: Mapping[str, Variant],
        *,
        checks: InputChecks,
        samplers: Mapping[str | None, Sampler],
        tools: FunctionTools = NO_TOOLS,
        output_schema: OutputSchema | None = None,
        refused: Mapping[str | None, TzproxyError] | None = None,
    ) -> None:
        self.name = name
        self.labels = (("endpoint", "inference"), ("function_name", name))
        self.type: Literal["chat", "json"] = kind
        self.variants = dict(variants)
        self.checks = checks
        self.tools = tools
        self.output_schema = output_schema
        self._samplers = dict(samplers)
        self._refused = dict(refused or {})

    def variant(self, name: str) -> Variant:
        """Return a variant by name.

        Raises:
            NotFoundError: when the function has none of that name.
        """
        found = self.variants.get(name)
        if found is None:
            raise NotFoundError(f"Unknown variant: {name}")
        return found

    def sampler(self, namespace: str | None) -> Sampler:
        """Return what chooses the variants of a request in `namespace`.

        Raises:
            NotSupportedError: for a way of sampling that this version does not have.
        """
        key = namespace if namespace in self._samplers or namespace in self._refused else None
        if key in self._refused:
            raise self._refused[key]
        return self._samplers[key]

    def assemble_tools(self, request: InferenceRequest) -> InferenceTools | None:
        """Join the function's tools with the request's.

        Raises:
            RequestError: when the request asks for tools it cannot have.
        """
        if self.type == "chat":
            return self.tools.assemble(request)
        for field, value, stop in (
            ("allowed_tools", request.allowed_tools, "."),
            ("additional_tools", request.additional_tools or None, "."),
            ("tool_choice", request.tool_choice, ""),
            ("parallel_tool_calls", request.parallel_tool_calls, ""),
        ):
            if value is not None:
                raise RequestError(f"Cannot pass `{field}` to a JSON function{stop}")
        return None

    def output_for(self, request: InferenceRequest) -> OutputSchema | None:
        """Return the schema in force: the request's, else the function's."""
        schema = given(request.output_schema)
        if schema is None:
            return self.output_schema
        raw = Raw(msgspec.json.format(bytes(schema), indent=-1))
        if self.type == "chat":
            return OutputSchema(raw, None)
        try:
            return OutputSchema(raw, JsonSchema.dynamic(msgspec.json.decode(raw)))
        except RequestError:
            # The original accepts a broken schema here: no output fits it.
            return OutputSchema(raw, None)

    def check_tool_mode(self, request: InferenceRequest) -> None:
        """Check JSON mode `tool` on a chat function.

        Raises:
            RequestError: when it meets tools or lacks a schema.
        """
        tools = self.tools
        if tools.has_own:
            raise RequestError("JSON mode `tool` is not supported with other tools configured.")
        if tools.choice != "auto":
            raise RequestError(
                "JSON mode `tool` is not supported with `tool_choice` configured in the function."
            )
        if tools.parallel_tool_calls is not None:
            raise RequestError(
                "JSON mode `tool` is not supported with `parallel_tool_calls` configured in the function."
            )
        if given(request.output_schema) is None:
            raise RequestError("JSON mode `tool` requires `output_schema`.")
        for field, is_given in (
            ("allowed_tools", request.allowed_tools is not None),
            ("additional_tools", request.additional_tools is not None),
            ("parallel_tool_calls", request.parallel_tool_calls is not None),
            ("provider_tools", bool(request.provider_tools)),
            ("tool_choice", request.tool_choice is not None),
        ):
            if is_given:
                raise RequestError(f"Cannot pass `{field}` when using JSON mode `tool`.")
