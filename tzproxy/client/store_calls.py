"""What the methods for datasets and stored inferences ask of the gateway, and how its answers are read."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any
from urllib.parse import quote

from tzproxy.client.calls import Call, read_as
from tzproxy.client.encoding import body_of, ids_of
from tzproxy.client.omit import OmitType
from tzproxy.client.types.datapoints import (
    ChatDatapointInsert,
    CreateDatapointsResponse,
    DeleteDatapointsResponse,
    GetDatapointsResponse,
    JsonDatapointInsert,
    UpdateDatapointsResponse,
)
from tzproxy.client.types.inferences import GetInferencesResponse

TWO_SOURCES = (
    "You must specify `output_source` either at the root or inside the `params` parameter but not both."
)
WITHOUT_DATASET = "`get_datapoints` without `dataset_name` is deprecated: it has to search all datasets"
UNSENT = frozenset({"filter"})
"""An older name in requests for inferences that never had an effect."""


def dataset_path(dataset_name: str, rest: str = "") -> str:
    """Return the path of a dataset; the name may hold anything."""
    return f"/v1/datasets/{quote(dataset_name, safe='')}{rest}"


def create_datapoints(dataset_name: str, requests: Sequence[Any]) -> Call[CreateDatapointsResponse]:
    """Create datapoints.

    Raises:
        TypeError: for requests that are neither objects nor dicts.
    """
    body = body_of({"datapoints": [_created(request) for request in requests]})
    path = dataset_path(dataset_name, "/datapoints")
    return Call("POST", path, read_as(CreateDatapointsResponse), body)


def _created(request: Any) -> Any:
    kinds = {ChatDatapointInsert: "chat", JsonDatapointInsert: "json"}
    if type(request) in kinds:
        return {"type": kinds[type(request)], **_given(request)}
    return _given(request)


def _given(request: Any) -> dict[str, Any]:
    """Return the fields of a request that are set."""
    if is_dataclass(request) and not isinstance(request, type):
        pairs = {part.name: getattr(request, part.name) for part in fields(request)}
    elif isinstance(request, Mapping):
        pairs = dict(request)
    else:
        raise TypeError(f"expected a request or a dict, got {type(request).__name__}")
    return {
        name: value for name, value in pairs.items() if value is not None and not isinstance(value, OmitType)
    }


def update_datapoints(dataset_name: str, requests: Sequence[Any]) -> Call[UpdateDatapointsResponse]:
    """Update datapoints: None is sent as null, `OMIT` is not sent."""
    path = dataset_path(dataset_name, "/datapoints")
    return Call("PATCH", path, read_as(UpdateDatapointsResponse), body_of({"datapoints": list(requests)}))


def update_datapoints_metadata(dataset_name: str, requests: Sequence[Any]) -> Call[UpdateDatapointsResponse]:
    """Update what describes datapoints: None is sent as null, `OMIT` is not sent."""
    path = dataset_path(dataset_name, "/datapoints/metadata")
    return Call("PATCH", path, read_as(UpdateDatapointsResponse), body_of({"datapoints": list(requests)}))


def get_datapoints(dataset_name: str | None, ids: Sequence[object]) -> Call[GetDatapointsResponse]:
    """Look datapoints up by their ids.

    Raises:
        ValueError: for an id that is none.
    """
    if dataset_name is None:
        warnings.warn(WITHOUT_DATASET, DeprecationWarning, stacklevel=3)
        path = "/v1/datasets/get_datapoints"
    else:
        path = dataset_path(dataset_name, "/get_datapoints")
    return Call("POST", path, read_as(GetDatapointsResponse), body_of({"ids": ids_of(ids)}))


def list_datapoints(dataset_name: str, request: Any) -> Call[GetDatapointsResponse]:
    """List datapoints. Raises TypeError for what is no request."""
    path = dataset_path(dataset_name, "/list_datapoints")
    return Call("POST", path, read_as(GetDatapointsResponse), body_of(_given(request)))


def delete_datapoints(dataset_name: str, ids: Sequence[object]) -> Call[DeleteDatapointsResponse]:
    """Delete datapoints.

    Raises:
        ValueError: for an id that is none.
    """
    path = dataset_path(dataset_name, "/datapoints")
    return Call("DELETE", path, read_as(DeleteDatapointsResponse), body_of({"ids": ids_of(ids)}))


def delete_dataset(dataset_name: str) -> Call[DeleteDatapointsResponse]:
    """Delete all datapoints of a dataset."""
    return Call("DELETE", dataset_path(dataset_name), read_as(DeleteDatapointsResponse))


def create_datapoints_from_inferences(
    dataset_name: str, params: Any, output_source: str | None
) -> Call[CreateDatapointsResponse]:
    """Create datapoints from stored inferences.

    Raises:
        ValueError: when the source of outputs is said twice.
    """
    values = {name: value for name, value in _given(params).items() if name not in UNSENT}
    if output_source is not None:
        if "output_source" in values:
            raise ValueError(TWO_SOURCES)
        values["output_source"] = output_source
    path = dataset_path(dataset_name, "/from_inferences")
    return Call("POST", path, read_as(CreateDatapointsResponse), body_of(values))


def get_inferences(
    ids: Sequence[object], function_name: str | None, output_source: str
) -> Call[GetInferencesResponse]:
    """Look stored inferences up by their ids.

    Raises:
        ValueError: for an id that is none.
    """
    values: Mapping[str, Any] = {
        "ids": ids_of(ids),
        "function_name": function_name,
        "output_source": output_source,
    }
    return Call("POST", "/v1/inferences/get_inferences", read_as(GetInferencesResponse), body_of(values))


def list_inferences(request: Any) -> Call[GetInferencesResponse]:
    """List stored inferences. Raises TypeError for what is no request."""
    values = {name: value for name, value in _given(request).items() if name not in UNSENT}
    return Call("POST", "/v1/inferences/list_inferences", read_as(GetInferencesResponse), body_of(values))
