"""What requests for optimisations ask for, and the checks that need nothing but the request. Cold.

Source: `POST /experimental_optimization_workflow` of the HTTP API.
"""

from __future__ import annotations

from msgspec import Struct

from tzproxy.errors import RequestError
from tzproxy.optimization.samples import RenderedSample
from tzproxy.types.filters import InferenceFilter, OrderBy
from tzproxy.types.listing import OutputSource
from tzproxy.types.params import U32

OF_INFERENCES = ("query_variant_name", "filters", "order_by", "limit", "offset")
"""Fields that only stored inferences have a use for, in the order in which they are named."""


class WorkflowRequest(Struct, frozen=True, kw_only=True):
    """Which samples a model is to learn from, and how. Null is as good as absent; others are ignored."""

    function_name: str
    template_variant_name: str
    output_source: OutputSource | None = None
    dataset_name: str | None = None
    query_variant_name: str | None = None
    filters: InferenceFilter | None = None
    order_by: list[OrderBy] | None = None
    limit: U32 | None = None
    offset: U32 | None = None
    val_fraction: float | None = None
    optimizer_config: object

    def check(self) -> None:
        """Check what belongs together.

        Raises:
            RequestError: for neither or both sources, fields of the other source, or an impossible share.
        """
        if self.output_source is None and self.dataset_name is None:
            raise RequestError("you must provide either `output_source` or `dataset_name`")
        if self.output_source is not None and self.dataset_name is not None:
            raise RequestError("provide either `output_source` or `dataset_name`, not both")
        if self.dataset_name is not None:
            given = [name for name in OF_INFERENCES if getattr(self, name) is not None]
            if given:
                raise RequestError(
                    f"inference-specific fields [{', '.join(given)}] cannot be used with `dataset_name`"
                )
        share = self.val_fraction
        if share is not None and not 0.0 < share < 1.0:
            raise RequestError(f"Invalid val fraction: {share:g}. Must be between 0 and 1.")


class LaunchRequest(Struct, frozen=True, kw_only=True):
    """Samples that are rendered already, and how to learn from them."""

    train_samples: list[RenderedSample]
    val_samples: list[RenderedSample] | None = None
    optimization_config: object
