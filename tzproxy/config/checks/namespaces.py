"""Checks that what belongs to a namespace can only be reached through it."""

from __future__ import annotations

from collections.abc import Iterator

from tzproxy.config.checks.scope import Scope
from tzproxy.config.functions import BaseFunctionConfig
from tzproxy.config.problems import Path
from tzproxy.config.root import Config
from tzproxy.config.sampling import function_sampling, reachable_variants
from tzproxy.config.variants import chat_parts


def check_namespaces(config: Config, scope: Scope) -> None:
    """Report variants that requests of the wrong namespace could reach."""
    for name, function in config.functions.items():
        path = ("functions", name)
        unread = scope.names("functions", name, "variants") - function.variants.keys()
        if function.experimentation is None and unread:
            continue  # the weights of variants that could not be read decide as well
        sampling = function_sampling(function)
        _check_reach(function, path, reachable_variants(sampling.base), None, config, scope)
        for namespace, entry in sampling.namespaces.items():
            _check_reach(function, path, reachable_variants(entry), namespace, config, scope)


def _check_reach(
    function: BaseFunctionConfig,
    path: Path,
    reachable: frozenset[str],
    namespace: str | None,
    config: Config,
    scope: Scope,
) -> None:
    source = "the base" if namespace is None else f"namespace `{namespace}`"
    for name in sorted(reachable & function.variants.keys()):
        variant = function.variants[name]
        here = (*path, "variants", name)
        subject = f"Variant `{name}` of function `{path[-1]}`"
        reach = f"reachable from {source} experimentation config"
        for model in dict.fromkeys(_models(function, name, set())):
            model_config = config.models.get(model)
            if model_config is None or model_config.namespace in (None, namespace):
                continue
            scope.problems.add(
                here,
                f"{subject} uses model `{model}` which has namespace `{model_config.namespace}`, "
                f"but the variant is {reach}",
            )
        if variant.namespace not in (None, namespace):
            scope.problems.add(here, f"{subject} has namespace `{variant.namespace}`, but is {reach}")


def _models(function: BaseFunctionConfig, name: str, seen: set[str]) -> Iterator[str]:
    variant = function.variants.get(name)
    if variant is None or name in seen:
        return
    seen.add(name)
    for _, part in chat_parts(variant):
        yield part.model
    for candidate in getattr(variant, "candidates", ()):
        yield from _models(function, candidate, seen)
