"""Settles what is searched before it begins: all that can be wrong with a launch is found here. Cold."""

from __future__ import annotations

import secrets
from contextlib import aclosing
from typing import Any, Literal

from msgspec import Struct

from tzproxy.clickhouse.queries.datapoint_pages import PageQuery
from tzproxy.clickhouse.queries.datapoints import Datapoints
from tzproxy.config import LoadedConfig
from tzproxy.config.functions import schema_slots
from tzproxy.config.variants import ChatCompletionConfig
from tzproxy.datasets.requests import check_dataset_name
from tzproxy.errors import RequestError
from tzproxy.evaluations.request import EvaluationRequest
from tzproxy.evaluations.target import Target, Targets
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.optimization.gepa.candidate import BaseVariant, Candidate, as_request, take_apart
from tzproxy.optimization.gepa.examples import LEAST, Examples, split
from tzproxy.optimization.gepa.request import LaunchRequest, check_request

PREFIX = "gepa"
BATCH_SIZE = 5
MAX_CONCURRENCY = 10
MAX_DATAPOINTS = 1000


class Plan(Struct, frozen=True, kw_only=True):
    """A search, settled. Kept in the store, so that another process can go on with it: no secrets."""

    function_name: str
    analysis_model: str
    mutation_model: str
    max_iterations: int
    evaluation_name: str | None
    goals: dict[str, Literal["min", "max"]]
    """The evaluators."""
    bases: dict[str, BaseVariant]
    """The initial variants."""
    train: list[str]
    """Ids of the datapoints that are learned from."""
    validation: list[str]
    """Ids of those that decide."""
    variant_prefix: str
    batch_size: int
    seed: int
    include_inference_for_mutation: bool
    max_concurrency: int
    api_key_id: str | None
    reflection: dict[str, Any] = {}
    """Further keys of the variants that reflect."""

    def initial(self) -> list[Candidate]:
        """Return what the search begins with."""
        return [
            Candidate(name=name, base=name, templates=base.templates) for name, base in self.bases.items()
        ]


class Planner:
    """Settles launches against one configuration."""

    def __init__(
        self, loaded: LoadedConfig, catalog: ConfigCatalog, targets: Targets, datapoints: Datapoints
    ) -> None:
        self._loaded = loaded
        self._catalog = catalog
        self._targets = targets
        self._datapoints = datapoints

    async def settle(self, request: LaunchRequest, api_key_id: str | None) -> Plan:
        """Settle one.

        Raises:
            RequestError: naming the field that is at fault.
            StoreError: when the store does not answer or refuses.
        """
        check_request(request)
        name = request.function_name
        if name not in self._catalog.functions:
            raise RequestError(f"function_name: Function `{name}` not found in config")
        for field in ("analysis_model", "mutation_model"):
            model = getattr(request, field)
            if self._catalog.model(model) is None:
                raise RequestError(f"{field}: Model name '{model}' not found in model table")
        target = self._target(request)
        bases = self._bases(request)
        seed = secrets.randbits(32) if request.seed is None else request.seed
        train, validation = await self._examples(request, seed)
        shows = request.include_inference_for_mutation
        return Plan(
            function_name=name,
            analysis_model=request.analysis_model,
            mutation_model=request.mutation_model,
            max_iterations=request.max_iterations,
            evaluation_name=request.evaluation_name,
            goals={evaluator.name: evaluator.optimize for evaluator in target.evaluators},
            bases=bases,
            train=train,
            validation=validation,
            variant_prefix=request.variant_prefix or PREFIX,
            batch_size=request.batch_size or BATCH_SIZE,
            seed=seed,
            include_inference_for_mutation=True if shows is None else shows,
            max_concurrency=request.max_concurrency or MAX_CONCURRENCY,
            api_key_id=api_key_id,
        )

    def _target(self, request: LaunchRequest) -> Target:
        field = "evaluators" if request.evaluation_name is None else "evaluation_name"
        try:
            target = self._targets.find(
                EvaluationRequest(
                    function_name=request.function_name if request.evaluation_name is None else None,
                    evaluator_names=request.evaluators,
                    evaluation_name=request.evaluation_name,
                )
            )
        except RequestError as exc:
            raise RequestError(f"{field}: {exc.message}") from exc
        if target.function_name != request.function_name:
            raise RequestError(
                f"{field}: evaluation `{request.evaluation_name}` is one of function "
                f"`{target.function_name}`, not of `{request.function_name}`"
            )
        if not target.evaluators:
            raise RequestError(f"{field}: evaluation `{request.evaluation_name}` has no evaluators")
        return target

    def _bases(self, request: LaunchRequest) -> dict[str, BaseVariant]:
        configured = self._loaded.functions[request.function_name].variants
        if request.initial_variants is None:
            bases = {name: base for name in configured if (base := self._base(request, name)) is not None}
            if not bases:
                raise RequestError(
                    f"function_name: Function `{request.function_name}` has no variant of type "
                    "`chat_completion` with a template, which a search could begin with"
                )
            return bases
        bases = {}
        for index, name in enumerate(request.initial_variants):
            where = f"initial_variants[{index}]"
            if name not in configured:
                raise RequestError(
                    f"{where}: Variant `{name}` not found in function `{request.function_name}`"
                )
            if not isinstance(configured[name], ChatCompletionConfig):
                raise RequestError(f"{where}: Variant `{name}` is not of type `chat_completion`")
            base = self._base(request, name)
            if base is None:
                raise RequestError(f"{where}: Variant `{name}` has no template that could be rewritten")
            bases[name] = base
        return bases

    def _base(self, request: LaunchRequest, name: str) -> BaseVariant | None:
        """Take a variant apart; None: it has nothing that a search could rewrite."""
        function = self._loaded.functions[request.function_name]
        variant = function.variants[name]
        if not isinstance(variant, ChatCompletionConfig):
            return None
        table = self._loaded.merged["functions"][request.function_name]["variants"][name]
        base = take_apart(variant, table, schema_slots(function))
        if not base.templates:
            return None
        # Put together again, it has to be a variant: what cannot be is found now, not by every inference.
        candidate = Candidate(name=name, base=name, templates=base.templates)
        built = self._catalog.functions[request.function_name]
        try:
            self._catalog.dynamic_variant(built, bytes(as_request(candidate, base)))
        except RequestError as exc:
            raise RequestError(f"initial_variants: Variant `{name}`: {exc.message}") from exc
        return base

    async def _examples(self, request: LaunchRequest, seed: int) -> tuple[list[str], list[str]]:
        if request.dataset_name is not None:
            both = await self._of_dataset(request, "dataset_name", request.dataset_name)
            return split(both.ids(least=2 * LEAST), seed)
        halves = []
        for field in ("train_dataset_name", "val_dataset_name"):
            half = await self._of_dataset(request, field, getattr(request, field))
            halves.append(half.ids())
        return halves[0], halves[1]

    async def _of_dataset(self, request: LaunchRequest, field: str, name: str) -> Examples:
        try:
            check_dataset_name(name)
        except RequestError as exc:
            raise RequestError(f"{field}: {exc.message}") from exc
        query = PageQuery(
            dataset_name=name,
            function_name=request.function_name,
            limit=request.max_datapoints or MAX_DATAPOINTS,
        )
        found = Examples(field, name)
        async with aclosing(self._datapoints.page(query)) as parts:
            async for part in parts:
                found.take(part)
        return found
