"""Functions and tools from configuration: schemas compiled, samplers filled. Cold."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw

from tzproxy._speedups.sampling import Sampler
from tzproxy.config.experimentation import AdaptiveSampling, FunctionSampling, Sampling, UniformSampling
from tzproxy.config.functions import (
    ChatFunctionConfig,
    FunctionConfig,
    JsonFunctionConfig,
    MetricConfig,
    ToolConfig,
    schema_slots,
    template_slots,
)
from tzproxy.config.functions import SpecificTool as ConfiguredTool
from tzproxy.config.variants import ChatCompletionOptions
from tzproxy.errors import ConfigError
from tzproxy.experimentation.experiment import Experiment, Target
from tzproxy.inference.build_variants import FunctionParts, VariantBuilder
from tzproxy.inference.function import AnySampler, Function
from tzproxy.inference.input import InputChecks
from tzproxy.inference.plan import OutputSchema
from tzproxy.inference.tools import FunctionTools, Tool
from tzproxy.inference.variant import Variant
from tzproxy.prompts import JsonSchema
from tzproxy.types.tools import FunctionTool, SpecificTool

ANYTHING = OutputSchema(Raw(b"{}"), JsonSchema(b"{}", key="{}"))


class SchemaCompiler:
    """Compiles each schema file once; collects what cannot be compiled."""

    def __init__(self) -> None:
        self._known: dict[str, JsonSchema | None] = {}
        self.problems: list[str] = []

    def compile(self, key: str, text: str) -> JsonSchema | None:
        """Return the compiled schema, or None after noting why there is none."""
        if key not in self._known:
            try:
                self._known[key] = JsonSchema(text, key=key)
            except ConfigError as exc:
                self.problems.extend(exc.problems)
                self._known[key] = None
        return self._known[key]


class FunctionBuilder:
    """Builds the functions of one configuration; problems are collected, not raised."""

    def __init__(
        self,
        variants: VariantBuilder,
        schemas: SchemaCompiler,
        tools: Mapping[str, Tool],
        *,
        metrics: Mapping[str, MetricConfig],
        debug: bool = False,
    ) -> None:
        self._debug = debug
        self._variants = variants
        self._schemas = schemas
        self._tools = tools
        self._metrics = metrics
        self.problems = self._variants.problems
        self.experiments: list[Experiment] = []

    def build(self, name: str, config: FunctionConfig, sampling: FunctionSampling) -> Function:
        """Build one function."""
        schemas = {
            slot: compiled
            for slot, given in schema_slots(config).items()
            if (compiled := self._schemas.compile(given.file.key, given.file.text)) is not None
        }
        variants: dict[str, Variant] = {}
        parts = FunctionParts(name, frozenset(schemas), variants)
        for variant, options in config.variants.items():
            variants[variant] = self._variants.build(variant, options, parts)
        return Function(
            name,
            "chat" if isinstance(config, ChatFunctionConfig) else "json",
            variants,
            checks=InputChecks(schemas, self._templated(config, set(schemas)), show_data=self._debug),
            samplers={
                namespace: self._sampler(name, config, namespace, settings)
                for namespace, settings in ((None, sampling.base), *sampling.namespaces.items())
            },
            tools=self._function_tools(config),
            output_schema=self._output(config),
        )

    @staticmethod
    def _templated(config: FunctionConfig, schemas: set[str]) -> frozenset[str]:
        return frozenset(
            slot
            for options in config.variants.values()
            if isinstance(options, ChatCompletionOptions)
            for slot, given in template_slots(options).items()
            if not given.legacy or slot in schemas
        )

    def _sampler(
        self, name: str, config: FunctionConfig, namespace: str | None, settings: Sampling
    ) -> AnySampler:
        if isinstance(settings, UniformSampling):
            return Sampler(name, settings.variants)
        if not isinstance(settings, AdaptiveSampling):
            return Sampler(name, config.variants, settings.weights, settings.fallbacks)
        target = Target(
            function_name=name,
            namespace=namespace,
            settings=settings.settings,
            maximise=self._metrics[settings.settings.metric].optimize == "max",
            variants=frozenset(config.variants),
        )
        experiment = Experiment(target)
        self.experiments.append(experiment)
        return experiment.sampler

    def _function_tools(self, config: FunctionConfig) -> FunctionTools:
        if not isinstance(config, ChatFunctionConfig):
            return FunctionTools([], {}, tool_choice="auto", parallel_tool_calls=None)
        choice = config.tool_choice
        return FunctionTools(
            [key for key in config.tools if key in self._tools],
            self._tools,
            tool_choice=SpecificTool(choice.specific) if isinstance(choice, ConfiguredTool) else choice,
            parallel_tool_calls=config.parallel_tool_calls,
        )

    def _output(self, config: FunctionConfig) -> OutputSchema | None:
        if not isinstance(config, JsonFunctionConfig):
            return None
        if config.output_schema is None:
            return ANYTHING
        compiled = self._schemas.compile(config.output_schema.key, config.output_schema.text)
        return None if compiled is None else OutputSchema(Raw(compiled.raw), compiled)


def build_tools(tools: Mapping[str, ToolConfig], schemas: SchemaCompiler) -> dict[str, Tool]:
    """Build all configured tools; those whose schema does not compile are left out and noted."""
    built: dict[str, Tool] = {}
    for key, config in tools.items():
        compiled = schemas.compile(config.parameters.key, config.parameters.text)
        if compiled is not None:
            offered = FunctionTool(config.description, Raw(compiled.raw), config.name or key, config.strict)
            built[key] = Tool(key, offered, compiled)
    return built
