"""Everything that the configuration offers to requests, built once. Cold, but for the look-ups.

A feature that is configured but not built loads all the same: it is named in `unsupported`, and a request
that needs it is refused.
"""

from __future__ import annotations

from collections import OrderedDict

from tzproxy.config import LoadedConfig, snapshot
from tzproxy.config.dynamic import DYNAMIC_VARIANT, parse_variant_config
from tzproxy.config.evaluators import TypescriptConfig
from tzproxy.config.functions import schema_slots
from tzproxy.config.judges import iter_evaluators
from tzproxy.errors import ConfigError, RequestError
from tzproxy.inference.build_embeddings import EmbeddingTable
from tzproxy.inference.build_functions import FunctionBuilder, SchemaCompiler, build_tools
from tzproxy.inference.build_models import SHORTHANDS_KEPT, ModelTable
from tzproxy.inference.build_variants import FunctionParts, VariantBuilder, variant_templates
from tzproxy.inference.files.configured import file_store
from tzproxy.inference.function import Function
from tzproxy.inference.input import InputChecks
from tzproxy.inference.model import Model
from tzproxy.inference.plan import DEFAULT_FUNCTION
from tzproxy.inference.prompt import Prompt
from tzproxy.inference.tools import FunctionTools
from tzproxy.inference.variant import ChatCompletion, Variant
from tzproxy.prompts import TemplateSet

NO_PROMPT = Prompt({})


class ConfigCatalog:
    """The catalog of one loaded configuration."""

    def __init__(self, loaded: LoadedConfig) -> None:
        """Compile templates and schemas and build all functions and models.

        Raises:
            ConfigError: with everything that is wrong with them.
        """
        config = loaded.config
        self._loaded = loaded
        access = config.gateway.template_filesystem_access
        self._base_path = None if access is None else access.base_path
        self._templates, problems = self._compile_templates()
        self._schemas = SchemaCompiler()
        tools = build_tools(config.tools, self._schemas)
        self._models = ModelTable(loaded)
        self.embedding_models = EmbeddingTable(loaded)
        self._builder = FunctionBuilder(
            VariantBuilder(self._models, self.embedding_models, self._templates),
            self._schemas,
            tools,
            metrics=loaded.metrics,
            debug=config.gateway.debug,
        )
        self.functions: dict[str, Function] = {
            name: self._builder.build(name, function, loaded.sampling[name])
            for name, function in loaded.functions.items()
        }
        self.experiments = self._builder.experiments
        problems.extend(self._models.problems)
        problems.extend(self.embedding_models.problems)
        problems.extend(self._schemas.problems)
        problems.extend(self._builder.problems)
        if problems:
            raise ConfigError(problems)
        self.default_function = Function(
            DEFAULT_FUNCTION,
            "chat",
            {},
            checks=InputChecks({}, frozenset()),
            samplers={},
            tools=FunctionTools([], tools, tool_choice="auto", parallel_tool_calls=None),
        )
        self.files = file_store(loaded)
        taken = snapshot(loaded.merged, self._templates.included)
        self.snapshot = taken
        self.extra_templates = dict(self._templates.included)
        self.snapshot_hash = taken.hash_int
        self.warnings = list(self._templates.warnings)
        self.unsupported = [
            *self._models.unsupported(),
            *self._unsupported(loaded),
        ]
        if self.unsupported:
            lacking = "configured, but not supported by this version; requests that need it are refused: "
            self.warnings.append(lacking + "; ".join(self.unsupported))
        self._default_variants: OrderedDict[str, Variant] = OrderedDict()

    def model(self, name: str) -> Model | None:
        """Return a configured or shorthand model."""
        return self._models.get(name)

    def default_variant(self, model: Model) -> Variant:
        """Return the one variant of the default function for a model: named like it, nothing configured."""
        variant = self._default_variants.get(model.name)
        if variant is None:
            variant = ChatCompletion(model.name, model, NO_PROMPT)
            self._default_variants[model.name] = variant
            if len(self._default_variants) > SHORTHANDS_KEPT:
                self._default_variants.popitem(last=False)
        return variant

    def dynamic_variant(self, function: Function, config: bytes) -> Variant:
        """Build the variant that a request brought along.

        Raises:
            RequestError: when it is no valid variant of this function.
        """
        configured = self._loaded.functions[function.name]
        try:
            parsed = parse_variant_config(
                config, function=configured, function_name=function.name, loaded=self._loaded
            )
            templates = self._templates.extended(variant_templates(parsed))
        except ConfigError as exc:
            raise RequestError(f"internal_dynamic_variant_config: {exc.message}") from exc
        builder = VariantBuilder(self._models, self.embedding_models, templates)
        parts = FunctionParts(function.name, frozenset(schema_slots(configured)), function.variants)
        variant = builder.build(DYNAMIC_VARIANT, parsed, parts)
        if builder.problems:
            raise RequestError("internal_dynamic_variant_config: " + "; ".join(builder.problems))
        return variant

    def _compile_templates(self) -> tuple[TemplateSet, list[str]]:
        try:
            return TemplateSet(self._loaded.template_sources, base_path=self._base_path), []
        except ConfigError as exc:
            return TemplateSet({}), exc.problems

    @staticmethod
    def _unsupported(loaded: LoadedConfig) -> list[str]:
        config = loaded.config
        found = []
        if config.rate_limiting.backend == "postgres":
            found.append('`rate_limiting.backend = "postgres"` (counted in Valkey or by this gateway)')
        if config.gateway.export.otlp.traces.enabled:
            found.append("`gateway.export.otlp.traces` (no spans are exported)")
        if config.gateway.cache.backend == "valkey":
            found.append('`gateway.cache.backend = "valkey"` (replies are kept in the store instead)')
        if config.gateway.relay is not None:
            found.append("`gateway.relay`")
        if any(isinstance(scope.evaluator, TypescriptConfig) for scope in iter_evaluators(config)):
            found.append('evaluators with `type = "typescript"`')
        return found
