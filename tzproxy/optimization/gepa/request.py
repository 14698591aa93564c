"""The body of `POST /v1/optimization/gepa`, and the checks that need nothing but it. Cold.

Unknown keys are ignored. Null stands for a default. Source: HTTP API of TensorZero 2026.6.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tzproxy.errors import RequestError
from tzproxy.types.params import U32

Positive = Annotated[int, Meta(ge=1, le=4294967295)]


class LaunchRequest(Struct, frozen=True, kw_only=True):
    """A search for better prompts of one function."""

    function_name: str
    analysis_model: str
    mutation_model: str
    max_iterations: Positive
    dataset_name: str | None = None
    """Half of it is learned from, the other half decides. Or one dataset for each:"""
    train_dataset_name: str | None = None
    val_dataset_name: str | None = None
    evaluation_name: str | None = None
    evaluators: list[str] | None = None
    """Names of the function's own evaluators; these or an evaluation."""
    initial_variants: list[str] | None = None
    """Where the search begins; all of the function's chat completions if not given."""
    variant_prefix: str | None = None
    batch_size: Positive | None = None
    """Datapoints that one iteration learns from; 5 if not given."""
    seed: U32 | None = None
    include_inference_for_mutation: bool | None = None
    """Whether the model that rewrites sees inputs and answers too; true if not given."""
    max_concurrency: Positive | None = None
    """Inferences of the function, or reflections, at once; 10 if not given."""
    max_datapoints: Positive | None = None
    """The newest of each dataset; 1000 if not given."""


def check_request(request: LaunchRequest) -> None:
    """Check what concerns no configured thing.

    Raises:
        RequestError: naming the field that is at fault.
    """
    own = (request.train_dataset_name, request.val_dataset_name)
    if request.dataset_name is not None:
        for name, value in zip(("train_dataset_name", "val_dataset_name"), own, strict=True):
            if value is not None:
                raise RequestError(f"{name}: cannot be given together with `dataset_name`")
    elif None in own:
        missing = "dataset_name" if own == (None, None) else _missing(own)
        raise RequestError(
            f"{missing}: give either `dataset_name`, or both `train_dataset_name` and `val_dataset_name`"
        )
    if (request.evaluation_name is None) is (request.evaluators is None):
        where = "evaluators" if request.evaluators is None else "evaluation_name"
        raise RequestError(f"{where}: give exactly one of `evaluators` and `evaluation_name`")
    for name, names in (("evaluators", request.evaluators), ("initial_variants", request.initial_variants)):
        if names is not None:
            _check_names(name, names)
    if request.variant_prefix == "":
        raise RequestError("variant_prefix: must not be empty")


def _missing(own: tuple[str | None, str | None]) -> str:
    return "train_dataset_name" if own[0] is None else "val_dataset_name"


def _check_names(field: str, names: list[str]) -> None:
    if not names:
        raise RequestError(f"{field}: must not be empty")
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            raise RequestError(f"{field}[{index}]: `{name}` is named twice")
        seen.add(name)
