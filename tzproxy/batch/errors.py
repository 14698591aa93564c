"""What can be wrong with a batch, in the original's words."""

from __future__ import annotations

from tzproxy.errors import NotFoundError, RequestError, TzproxyError
from tzproxy.providers.protocol import ProviderSpec

_NAMED_BY_DISPLAY = frozenset(
    {
        "anthropic",
        "azure",
        "fireworks",
        "gcp_vertex_anthropic",
        "google_ai_studio_gemini",
        "hyperbolic",
        "mistral",
        "xai",
    }
)


class BatchesDisabledError(RequestError):
    """There is no store, and without one nobody would know of a batch afterwards."""

    code = "batches_disabled"

    def __init__(self) -> None:
        super().__init__(
            "Batch inference requires observability to be enabled "
            "(`gateway.observability.enabled` must not be `false`)."
        )


class BatchInputError(RequestError):
    """One input of a batch is at fault."""

    code = "batch_input_validation"

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"Input at index {index} failed validation: {reason}")


class VectorLengthError(RequestError):
    """A list of the request has another length than its inputs."""

    code = "invalid_batch_params"

    def __init__(self, field: str, length: int, inputs: int) -> None:
        super().__init__(f"{field} vector length ({length}) does not match number of inferences ({inputs})")


class UnsupportedVariantError(RequestError):
    """A variant of a kind that cannot be handed over as one request for each inference."""

    code = "unsupported_variant_for_batch_inference"

    def __init__(self, name: str) -> None:
        super().__init__(f"Unsupported variant for batch inference: {name}")


class UnsupportedProviderError(TzproxyError):
    """A provider without a batch API, or whose batch API this gateway does not speak."""

    code = "unsupported_model_provider_for_batch_inference"

    def __init__(self, spec: ProviderSpec) -> None:
        # SPEC: some types are told by their names in texts; clients of the original know them so.
        named = spec.display if spec.type in _NAMED_BY_DISPLAY else spec.type
        super().__init__(f"Unsupported model provider for batch inference: {named}")


class BatchNotFoundError(NotFoundError):
    """No batch has this id, or no batch of this id has this inference."""

    code = "batch_not_found"

    def __init__(self, looked_for: str) -> None:
        super().__init__(f"Batch request not found for id: {looked_for}")


class ResultNotFoundError(NotFoundError):
    """The batch is completed, and this inference has no answer."""

    code = "inference_not_found"

    def __init__(self, inference_id: str) -> None:
        super().__init__(f"Inference not found for id: {inference_id}")


class MissingResultsError(RequestError):
    """The provider says that it is done, and gave no answer at all."""

    code = "missing_batch_inference_response"

    def __init__(self) -> None:
        super().__init__("Missing batch inference response")
