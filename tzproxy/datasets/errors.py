"""What can be wrong with a request for datasets. Texts are the original's."""

from __future__ import annotations

from tzproxy.errors import NotFoundError, RequestError, TzproxyError
from tzproxy.types.datapoints import Kind

SPOKEN: dict[Kind, str] = {"chat": "chat", "json": "JSON"}


class DatasetNameError(RequestError):
    """The name is reserved."""

    code = "invalid_dataset_name"

    def __init__(self, name: str) -> None:
        super().__init__(
            f'Invalid dataset name: {name}. Datasets cannot be named "builder" or begin with "tensorzero::"'
        )


class DatasetsDisabledError(RequestError):
    """There is no store."""

    code = "datasets_disabled"

    def __init__(self) -> None:
        super().__init__(
            "Datasets require observability to be enabled "
            "(`gateway.observability.enabled` must not be `false`)."
        )


class ConversionError(RequestError):
    """A datapoint of the request cannot be stored. Whatever the reason was, the request is at fault."""

    code = "invalid_datapoint"

    def __init__(self, kind: Kind, reason: TzproxyError) -> None:
        super().__init__(f"Failed to convert {kind} datapoint to database insert: {reason.message}")


class FunctionKindError(RequestError):
    """The function is of the other kind."""

    code = "wrong_function_type"

    def __init__(self, name: str, wanted: Kind) -> None:
        super().__init__(f"Function '{name}' is not configured as a {SPOKEN[wanted]} function")


class DatapointKindError(RequestError):
    """A datapoint is to be changed as one of the other kind."""

    code = "wrong_datapoint_type"

    def __init__(self, datapoint_id: str, kind: Kind, given: Kind) -> None:
        super().__init__(
            f"Datapoint {datapoint_id} is a {SPOKEN[kind]} datapoint "
            f"but a {SPOKEN[given]} update was provided"
        )


class DatapointNotFoundError(NotFoundError):
    """The dataset has no live datapoint with that id."""

    code = "datapoint_not_found"

    def __init__(self, dataset_name: str, datapoint_id: str) -> None:
        super().__init__(f"Datapoint not found for dataset: {dataset_name} and id: {datapoint_id}")


class InferenceNotFoundError(RequestError):
    """An inference that a datapoint is to be made of is not stored, or has no output of the wanted source."""

    code = "inference_not_found"

    def __init__(self, inference_id: str) -> None:
        super().__init__(f"Inference {inference_id} not found")


class SourceTakenError(RequestError):
    """A dataset of the API of June 2025 takes each inference once."""

    code = "source_taken"

    def __init__(self) -> None:
        super().__init__("Datapoint with this source_inference_id already exists")
