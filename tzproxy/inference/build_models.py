"""Models from configuration, and models named by shorthand. Cold, but for the look-up."""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal

from tzproxy.config import LoadedConfig
from tzproxy.config.models import ModelConfig
from tzproxy.config.providers import BaseProviderConfig, provider_type
from tzproxy.config.requests import Cost, ExtraBody, ExtraHeaders, TimeoutsConfig
from tzproxy.errors import ConfigError
from tzproxy.inference.cost import Price
from tzproxy.inference.deadlines import Timeouts
from tzproxy.inference.extra import NO_CHANGES, BodyChange, Changes, HeaderChange
from tzproxy.inference.model import Model, ModelProvider
from tzproxy.inference.surroundings import surroundings_of
from tzproxy.providers.registry import build_batch_api, build_provider, is_supported, type_name

SHORTHANDS_KEPT = 1024
MILLION = Decimal(1_000_000)


class ModelTable:
    """All models that can be named. Shorthand models are built when first named, and the recent ones kept."""

    def __init__(self, loaded: LoadedConfig) -> None:
        self.problems: list[str] = []
        self._loaded = loaded
        self._surroundings = surroundings_of(loaded)
        self._shorthands: OrderedDict[str, Model] = OrderedDict()
        self._models = {name: self._configured(name, model) for name, model in loaded.config.models.items()}

    def get(self, name: str) -> Model | None:
        """Return the model of a name: a configured one, else by shorthand, else None."""
        model = self._models.get(name)
        if model is not None:
            return model
        model = self._shorthands.get(name)
        if model is None:
            return self._shorthand(name)
        self._shorthands.move_to_end(name)
        return model

    def unsupported(self) -> list[str]:
        """Name the configured providers that this version cannot drive."""
        kinds: dict[str, list[str]] = {}
        for name, model in self._loaded.config.models.items():
            for provider in model.providers.values():
                if not is_supported(provider):
                    kinds.setdefault(type_name(provider), []).append(name)
        return [f"provider type `{kind}` ({_some(names)})" for kind, names in kinds.items()]

    def _configured(self, name: str, config: ModelConfig) -> Model:
        entries: list[ModelProvider] = []
        for entry in config.routing:
            try:
                entries.append(self._entry(entry, config.providers[entry]))
            except (ConfigError, ValueError) as exc:
                self.problems += problems_at(f"models.{name}.providers.{entry}", exc)
        return Model(
            name=name,
            providers=tuple(entries),
            timeouts=timeouts_of(config.timeouts),
            namespace=config.namespace,
        )

    def _shorthand(self, name: str) -> Model | None:
        try:
            config = self._loaded.shorthand_model(name)
            if config is None:
                return None
            entry = self._entry(provider_type(config), config)
        except (ConfigError, ValueError):
            return None
        model = Model(name=name, providers=(entry,))
        self._shorthands[name] = model
        if len(self._shorthands) > SHORTHANDS_KEPT:
            self._shorthands.popitem(last=False)
        return model

    def _entry(self, name: str, config: BaseProviderConfig) -> ModelProvider:
        credential = self._loaded.credential(config)
        provider = build_provider(config, credential, self._surroundings)
        is_local = hasattr(provider, "infer")
        return ModelProvider(
            name=name,
            spec=provider.spec,
            wire=None if is_local else provider,  # type: ignore[arg-type]  # told apart by `infer`
            local=provider if is_local else None,  # type: ignore[arg-type]
            timeouts=timeouts_of(config.timeouts),
            changes=changes_of(config.extra_body, config.extra_headers),
            prices=prices_of(config.cost),
            batch=build_batch_api(config, credential, self._surroundings),
            batch_prices=prices_of(config.cost if config.batch_cost is None else config.batch_cost),
        )


def problems_at(place: str, exc: ConfigError | ValueError) -> list[str]:
    """Return what kept a provider from being built, each with the provider's place."""
    problems = exc.problems if isinstance(exc, ConfigError) else [str(exc)]
    return [f"{place}: {problem}" for problem in problems]


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"models {shown}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def timeouts_of(config: TimeoutsConfig) -> Timeouts:
    """Convert a `timeouts` table."""
    return Timeouts(
        total_ms=config.non_streaming.total_ms,
        stream_ttft_ms=config.streaming.ttft_ms,
        stream_total_ms=config.streaming.total_ms,
    )


def changes_of(body: ExtraBody, headers: ExtraHeaders) -> Changes:
    """Convert `extra_body` and `extra_headers` of one level; none at all are `NO_CHANGES`."""
    if not body and not headers:
        return NO_CHANGES
    return Changes(
        tuple(BodyChange(entry.pointer, entry.value, entry.delete) for entry in body),
        tuple(HeaderChange(entry.name, None if entry.delete else entry.value) for entry in headers),
    )


def prices_of(cost: Cost | None) -> tuple[Price, ...]:
    """Convert a `cost` list; rates become dollars for one unit."""
    prices = []
    for entry in cost or ():
        plain = entry.pointer if entry.pointer is not None else entry.pointer_nonstreaming
        streamed = entry.pointer if entry.pointer is not None else entry.pointer_streaming
        if entry.cost_per_million is not None:
            rate = Decimal(entry.cost_per_million) / MILLION
        else:
            rate = Decimal(entry.cost_per_unit or 0)
        prices.append(Price(_tokens(plain), _tokens(streamed), rate, entry.required))
    return tuple(prices)


def _tokens(pointer: str | None) -> tuple[str, ...]:
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in (pointer or "").split("/")[1:])
