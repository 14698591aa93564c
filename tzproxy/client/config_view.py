"""The configuration of an embedded gateway, as `experimental_get_config` shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tzproxy.config import LoadedConfig


class _Variant:
    """One variant."""

    def __init__(self, variant: Any) -> None:
        self._variant = variant


class ChatCompletionConfig(_Variant):
    """A variant that asks a model."""

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self._variant.model)

    @property
    def system_template(self) -> str | None:
        """The text of the template for `system`."""
        return self._template("system")

    @property
    def user_template(self) -> str | None:
        """The text of the template for messages of the user."""
        return self._template("user")

    @property
    def assistant_template(self) -> str | None:
        """The text of the template for messages of the assistant."""
        return self._template("assistant")

    def _template(self, role: str) -> str | None:
        found = getattr(self._variant, f"{role}_template", None)
        if found is None:
            named = (getattr(self._variant, "templates", None) or {}).get(role)
            found = getattr(named, "path", None)
        return None if found is None else str(found.text)


class BestOfNSamplingConfig(_Variant):
    """A variant that has the best of several answers chosen."""


class MixtureOfNConfig(_Variant):
    """A variant that has one answer made of several."""


class DICLConfig(_Variant):
    """A variant that shows examples from the store."""


class ChainOfThoughtConfig(_Variant):
    """A variant that has a model think first."""


VariantView = (
    ChatCompletionConfig | BestOfNSamplingConfig | MixtureOfNConfig | DICLConfig | ChainOfThoughtConfig
)
VIEWS: dict[str, type[VariantView]] = {
    "BestOfNConfig": BestOfNSamplingConfig,
    "MixtureOfNConfig": MixtureOfNConfig,
    "DiclConfig": DICLConfig,
    "ChainOfThoughtConfig": ChainOfThoughtConfig,
}


class VariantsConfig:
    """The variants of a function by name."""

    def __init__(self, variants: dict[str, Any]) -> None:
        self._variants = variants

    def __len__(self) -> int:
        return len(self._variants)

    def __iter__(self) -> Iterator[str]:
        return iter(self._variants)

    def __getitem__(self, key: str, /) -> VariantView:
        """Return a variant. Raises KeyError."""
        variant = self._variants[key]
        return VIEWS.get(type(variant).__name__, ChatCompletionConfig)(variant)


class _Function:
    """One function."""

    def __init__(self, function: Any) -> None:
        self._function = function

    @property
    def variants(self) -> VariantsConfig:
        """Its variants."""
        return VariantsConfig(self._function.variants)

    @property
    def system_schema(self) -> Any | None:
        """The schema of the arguments for `system`."""
        return self._schema("system_schema")

    @property
    def user_schema(self) -> Any | None:
        """The schema of the arguments for messages of the user."""
        return self._schema("user_schema")

    @property
    def assistant_schema(self) -> Any | None:
        """The schema of the arguments for messages of the assistant."""
        return self._schema("assistant_schema")

    def _schema(self, name: str) -> Any | None:
        found = getattr(self._function, name, None)
        return None if found is None else msgspec.json.decode(found.text)


class FunctionConfigChat(_Function):
    """A chat function."""

    type = "chat"


class FunctionConfigJson(_Function):
    """A JSON function."""

    type = "json"

    @property
    def output_schema(self) -> Any | None:
        """The schema of its output."""
        return self._schema("output_schema")


class FunctionsConfig:
    """The functions by name."""

    def __init__(self, functions: dict[str, Any]) -> None:
        self._functions = functions

    def __len__(self) -> int:
        return len(self._functions)

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __getitem__(self, key: str, /) -> FunctionConfigChat | FunctionConfigJson:
        """Return a function. Raises KeyError."""
        function = self._functions[key]
        is_json = type(function).__name__.startswith("Json")
        return FunctionConfigJson(function) if is_json else FunctionConfigChat(function)


class Config:
    """What `experimental_get_config` returns."""

    def __init__(self, loaded: LoadedConfig) -> None:
        self._loaded = loaded

    @property
    def functions(self) -> FunctionsConfig:
        """The functions."""
        return FunctionsConfig(self._loaded.config.functions)
