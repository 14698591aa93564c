"""A function as the engine runs it: its variants, how one is chosen, what it demands of its input. Hot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
from msgspec import Raw

from tzproxy._speedups.sampling import AdaptiveSampler, Sampler
from tzproxy.errors import NotFoundError, RequestError
from tzproxy.inference.input import InputChecks
from tzproxy.inference.plan import OutputSchema
from tzproxy.inference.tools import FunctionTools, InferenceTools
from tzproxy.inference.variant import Variant
from tzproxy.prompts import JsonSchema
from tzproxy.types.params import RequestedJsonMode
from tzproxy.types.request import InferenceRequest, given

AnySampler = Sampler | AdaptiveSampler
NO_TOOLS = FunctionTools([], {}, tool_choice="auto", parallel_tool_calls=None)


class Function:
    """A chat or JSON function.

    `samplers` by namespace; None is the base, which is always there if the function has variants.
    """

    def __init__(
        self,
        name: str,
        kind: Literal["chat", "json"],
        variants: Mapping[str, Variant],
        *,
        checks: InputChecks,
        samplers: Mapping[str | None, AnySampler],
        tools: FunctionTools = NO_TOOLS,
        output_schema: OutputSchema | None = None,
    ) -> None:
        self.name = name
        self.type: Literal["chat", "json"] = kind
        self.variants = dict(variants)
        self.checks = checks
        self.tools = tools
        self.output_schema = output_schema
        self._samplers = dict(samplers)
        self.assemble_tools: Callable[[InferenceRequest], InferenceTools | None] = (
            tools.assemble if kind == "chat" else without_tools
        )
        """Joins the function's tools with the request's.

        Raises:
            RequestError: when the request asks for tools it cannot have.
        """

    def variant(self, name: str) -> Variant:
        """Return a variant by name.

        Raises:
            NotFoundError: when the function has none of that name.
        """
        found = self.variants.get(name)
        if found is None:
            raise NotFoundError(f"Unknown variant: {name}")
        return found

    def sampler(self, namespace: str | None) -> AnySampler:
        """Return what chooses the variants of a request in `namespace`."""
        found = self._samplers.get(namespace)
        return self._samplers[None] if found is None else found

    def probabilities(self, at_ms: int) -> dict[str, float]:
        """Return how likely each variant is the first for an episode that begins at `at_ms` since 1970.

        Without a namespace. Empty for the default function, which has no variants of its own.
        """
        base = self._samplers.get(None)
        if base is None:
            return {}
        return base.probabilities(at_ms) if isinstance(base, AdaptiveSampler) else base.probabilities()

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

    def check_json_mode(self, mode: RequestedJsonMode, request: InferenceRequest) -> None:
        """Check the JSON mode that a request asks for: on a chat function, `tool` has demands.

        Raises:
            RequestError: when it meets tools or lacks a schema.
        """
        if self.type == "json" or mode not in ("tool", "implicit_tool"):
            return
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


def without_tools(request: InferenceRequest) -> None:
    """Assemble the tools of a JSON function: none.

    Raises:
        RequestError: when the request asks for some.
    """
    for field, value, stop in (
        ("allowed_tools", request.allowed_tools, "."),
        ("additional_tools", request.additional_tools, "."),
        ("tool_choice", request.tool_choice, ""),
        ("parallel_tool_calls", request.parallel_tool_calls, ""),
    ):
        if value is not None:
            raise RequestError(f"Cannot pass `{field}` to a JSON function{stop}")
