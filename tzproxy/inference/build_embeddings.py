"""Embedding models from configuration, and those named by shorthand. Cold, but for the look-up."""

from __future__ import annotations

from collections import OrderedDict

from tzproxy.config import LoadedConfig
from tzproxy.config.models import EmbeddingModelConfig
from tzproxy.config.providers import BaseProviderConfig, DummyProviderConfig, provider_type
from tzproxy.errors import ConfigError
from tzproxy.inference.build_models import SHORTHANDS_KEPT, changes_of, prices_of, problems_at
from tzproxy.inference.embedding import EmbeddingEntry, EmbeddingModel
from tzproxy.inference.surroundings import surroundings_of
from tzproxy.providers.dummy.embeddings import DummyEmbeddings
from tzproxy.providers.embeddings import EmbeddingProvider, build_embeddings


class EmbeddingTable:
    """All embedding models that can be named. Shorthand models are built when first named."""

    def __init__(self, loaded: LoadedConfig) -> None:
        self._loaded = loaded
        self._surroundings = surroundings_of(loaded)
        self.problems: list[str] = []
        self._shorthands: OrderedDict[str, EmbeddingModel] = OrderedDict()
        self._models = {
            name: self._configured(name, model) for name, model in loaded.config.embedding_models.items()
        }

    def get(self, name: str) -> EmbeddingModel | None:
        """Return the model of a name: a configured one, else by shorthand, else None."""
        model = self._models.get(name)
        if model is not None:
            return model
        model = self._shorthands.get(name)
        if model is None:
            return self._shorthand(name)
        self._shorthands.move_to_end(name)
        return model

    def _configured(self, name: str, config: EmbeddingModelConfig) -> EmbeddingModel:
        entries: list[EmbeddingEntry] = []
        for entry in config.routing:
            try:
                entries.append(self._entry(entry, config.providers.get(entry)))
            except (ConfigError, ValueError) as exc:
                self.problems += problems_at(f"embedding_models.{name}.providers.{entry}", exc)
        return EmbeddingModel(name=name, entries=tuple(entries), timeout_ms=config.timeout_ms)

    def _shorthand(self, name: str) -> EmbeddingModel | None:
        try:
            config = self._loaded.shorthand_model(name, embedding=True)
            if config is None:
                return None
            entry = self._entry(provider_type(config), config)
        except (ConfigError, ValueError):
            return None
        model = EmbeddingModel(name=name, entries=(entry,))
        self._shorthands[name] = model
        if len(self._shorthands) > SHORTHANDS_KEPT:
            self._shorthands.popitem(last=False)
        return model

    def _entry(self, name: str, config: BaseProviderConfig | None) -> EmbeddingEntry:
        if config is None:
            return EmbeddingEntry(name=name, provider=None)
        return EmbeddingEntry(
            name=name,
            provider=self._provider(config),
            timeout_ms=config.timeout_ms,
            changes=changes_of(config.extra_body, config.extra_headers),
            prices=prices_of(config.cost),
        )

    def _provider(self, config: BaseProviderConfig) -> EmbeddingProvider | DummyEmbeddings:
        credential = self._loaded.credential(config)
        if isinstance(config, DummyProviderConfig):
            return DummyEmbeddings(config.model_name, credential)
        return build_embeddings(config, credential, self._surroundings)
