"""The body of `POST /internal/evaluations/run`, and the checks that need nothing but it. Cold.

Unknown keys are ignored. Source: HTTP API of TensorZero 2026.6, running an evaluation.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.errors import RequestError
from tzproxy.types.params import U32
from tzproxy.types.request import given

CacheMode = Literal["on", "off", "read_only", "write_only"]
CACHE_MODES: dict[str, CacheMode] = {
    "on": "on",
    "off": "off",
    "read_only": "read_only",
    "write_only": "write_only",
}


class EvaluationRequest(Struct, frozen=True, kw_only=True):
    """One run: what is evaluated, on which datapoints, and how."""

    evaluation_name: str | None = None
    function_name: str | None = None
    evaluator_names: list[str] | None = None
    evaluation_config: Raw | UnsetType = UNSET
    """An evaluation that comes with the request, as the `start` event describes it."""
    function_config: Raw | UnsetType = UNSET
    """Comes with `evaluation_config`; the function itself is the configured one."""
    dataset_name: str | None = None
    datapoint_ids: list[str] | None = None
    variant_name: str | None = None
    internal_dynamic_variant_config: Raw | UnsetType = UNSET
    concurrency: U32 = 5
    """How many datapoints are under way at once, from the inference to the last score."""
    inference_cache: str = "on"
    max_datapoints: U32 | None = None
    precision_targets: dict[str, float] | None = None
    """Half width of the 95% interval at which an evaluator has seen enough, by its name."""


def check_request(request: EvaluationRequest) -> CacheMode:
    """Check what concerns no configured thing; return how the cache is used.

    Raises:
        RequestError: when the variant, the cache or the concurrency cannot be as asked.
    """
    is_dynamic = given(request.internal_dynamic_variant_config) is not None
    if is_dynamic and request.variant_name is not None:
        raise RequestError("Cannot provide both variant_name and internal_dynamic_variant_config")
    if not is_dynamic and request.variant_name is None:
        raise RequestError("Exactly one of variant_name or internal_dynamic_variant_config must be provided")
    mode = CACHE_MODES.get(request.inference_cache)
    if mode is None:
        raise RequestError(f"Invalid inference cache setting '{request.inference_cache}'")
    if request.concurrency == 0:
        raise RequestError("concurrency: must be at least 1")
    return mode
