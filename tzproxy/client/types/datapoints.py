"""Datapoints: as they are read, created and updated. Plain data; all fields by keyword.

Class names, fields and defaults are those of the types that TensorZero generates for its client (2026.6). One
thing is better here: a field that holds `OMIT` is left out, so that the server keeps what it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tzproxy.client.omit import OMIT, OmitType
from tzproxy.client.types.answers import InferenceInput, JsonInferenceOutput
from tzproxy.client.types.blocks import ContentBlockChatOutput, Input
from tzproxy.client.types.extras import ProviderTool, Tool, ToolChoice
from tzproxy.client.types.filters import AnyOrderBy, DatapointFilter, DatapointOrderBy, InferenceFilter

InferenceOutputSource = str


@dataclass(kw_only=True)
class ChatInferenceDatapoint:
    """A datapoint of a chat function."""

    dataset_name: str
    function_name: str
    id: str
    input: Input
    is_deleted: bool
    updated_at: str
    additional_tools: list[Tool] | None = None
    allowed_tools: list[str] | None = None
    auxiliary: str | None = None
    episode_id: str | None = None
    is_custom: bool | None = False
    name: str | None = None
    output: list[ContentBlockChatOutput] | None = None
    parallel_tool_calls: bool | None = None
    provider_tools: list[ProviderTool] | None = field(default_factory=list)
    source_inference_id: str | None = None
    staled_at: str | None = None
    tags: dict[str, Any] | None = None
    tool_choice: ToolChoice | None = None


@dataclass(kw_only=True)
class JsonInferenceDatapoint:
    """A datapoint of a JSON function."""

    dataset_name: str
    function_name: str
    id: str
    input: Input
    is_deleted: bool
    output_schema: Any
    updated_at: str
    auxiliary: str | None = None
    episode_id: str | None = None
    is_custom: bool | None = False
    name: str | None = None
    output: JsonInferenceOutput | None = None
    source_inference_id: str | None = None
    staled_at: str | None = None
    tags: dict[str, Any] | None = None


@dataclass(kw_only=True)
class DatapointChat(ChatInferenceDatapoint):
    """A datapoint of a chat function, as lists hold it."""

    type: Literal["chat"] = "chat"


@dataclass(kw_only=True)
class DatapointJson(JsonInferenceDatapoint):
    """A datapoint of a JSON function, as lists hold it."""

    type: Literal["json"] = "json"


Datapoint = DatapointChat | DatapointJson


@dataclass(kw_only=True)
class JsonDatapointOutputUpdate:
    """The output of a JSON function as text."""

    raw: str | None = None


# ---- to create


@dataclass(kw_only=True)
class CreateChatDatapointRequest:
    """A new datapoint of a chat function."""

    function_name: str
    input: Input
    additional_tools: list[Tool] | None = None
    allowed_tools: list[str] | None = None
    episode_id: str | None = None
    name: str | None = None
    output: list[ContentBlockChatOutput] | None = None
    parallel_tool_calls: bool | None = None
    provider_tools: list[ProviderTool] | None = field(default_factory=list)
    tags: dict[str, Any] | None = None
    tool_choice: ToolChoice | None = None


@dataclass(kw_only=True)
class CreateJsonDatapointRequest:
    """A new datapoint of a JSON function."""

    function_name: str
    input: Input
    episode_id: str | None = None
    name: str | None = None
    output: JsonDatapointOutputUpdate | None = None
    output_schema: Any | None = None
    tags: dict[str, Any] | None = None


@dataclass(kw_only=True)
class CreateDatapointRequestChat(CreateChatDatapointRequest):
    """A new datapoint of a chat function, for `create_datapoints`."""

    type: Literal["chat"] = "chat"


@dataclass(kw_only=True)
class CreateDatapointRequestJson(CreateJsonDatapointRequest):
    """A new datapoint of a JSON function, for `create_datapoints`."""

    type: Literal["json"] = "json"


CreateDatapointRequest = CreateDatapointRequestChat | CreateDatapointRequestJson


@dataclass
class ChatDatapointInsert:
    """A new datapoint of a chat function in the form of older programs."""

    function_name: str
    input: InferenceInput
    output: Any | None = None
    allowed_tools: list[str] | None = None
    additional_tools: list[Any] | None = None
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None
    tags: dict[str, str] | None = None
    name: str | None = None


@dataclass
class JsonDatapointInsert:
    """A new datapoint of a JSON function in the form of older programs."""

    function_name: str
    input: InferenceInput
    output: Any | None = None
    output_schema: Any | None = None
    tags: dict[str, str] | None = None
    name: str | None = None


@dataclass(kw_only=True)
class CreateDatapointsRequest:
    """New datapoints."""

    datapoints: list[CreateDatapointRequest]


@dataclass(kw_only=True)
class CreateDatapointsFromInferenceRequestParamsInferenceIds:
    """Datapoints from these inferences."""

    inference_ids: list[str]
    type: Literal["inference_ids"] = "inference_ids"
    output_source: InferenceOutputSource | None = None


@dataclass(kw_only=True)
class CreateDatapointsFromInferenceRequestParamsInferenceQuery:
    """Datapoints from the inferences that a query finds."""

    type: Literal["inference_query"] = "inference_query"
    after: str | None = None
    before: str | None = None
    episode_id: str | None = None
    filter: InferenceFilter | None = None
    filters: InferenceFilter | None = None
    function_name: str | None = None
    limit: int | None = None
    offset: int | None = None
    order_by: Sequence[AnyOrderBy] | None = None
    output_source: InferenceOutputSource | None = "inference"
    search_query_experimental: str | None = None
    variant_name: str | None = None


CreateDatapointsFromInferenceRequestParams = (
    CreateDatapointsFromInferenceRequestParamsInferenceIds
    | CreateDatapointsFromInferenceRequestParamsInferenceQuery
)


NewDatapoint = CreateDatapointRequest | ChatDatapointInsert | JsonDatapointInsert | Mapping[str, Any]
"""What `create_datapoints` takes."""


# ---- to update


@dataclass(kw_only=True)
class UpdateDynamicToolParamsRequest:
    """What is changed of a datapoint's tools."""

    additional_tools: list[Tool] | None = None
    allowed_tools: list[str] | None | OmitType = OMIT
    parallel_tool_calls: bool | None | OmitType = OMIT
    provider_tools: list[ProviderTool] | None = None
    tool_choice: ToolChoice | None | OmitType = OMIT


@dataclass(kw_only=True)
class UpdateChatDatapointRequestInternal:
    """What is changed of a datapoint of a chat function."""

    id: str
    additional_tools: list[Tool] | None = None
    allowed_tools: list[str] | None | OmitType = OMIT
    input: Input | None = None
    name: str | None | OmitType = OMIT
    output: list[ContentBlockChatOutput] | None | OmitType = OMIT
    parallel_tool_calls: bool | None | OmitType = OMIT
    provider_tools: list[ProviderTool] | None = None
    tags: dict[str, Any] | None = None
    tool_choice: ToolChoice | None | OmitType = OMIT


@dataclass(kw_only=True)
class UpdateChatDatapointRequest(UpdateChatDatapointRequestInternal):
    """What is changed of a datapoint of a chat function, for `update_datapoints`."""

    type: Literal["chat"] = "chat"


@dataclass(kw_only=True)
class UpdateJsonDatapointRequestInternal:
    """What is changed of a datapoint of a JSON function."""

    id: str
    input: Input | None = None
    name: str | None | OmitType = OMIT
    output: JsonDatapointOutputUpdate | None | OmitType = OMIT
    output_schema: Any | None = None
    tags: dict[str, Any] | None = None


@dataclass(kw_only=True)
class UpdateJsonDatapointRequest(UpdateJsonDatapointRequestInternal):
    """What is changed of a datapoint of a JSON function, for `update_datapoints`."""

    type: Literal["json"] = "json"


UpdateDatapointRequest = UpdateChatDatapointRequest | UpdateJsonDatapointRequest
ChangedDatapoint = UpdateDatapointRequest | Mapping[str, Any]
"""What `update_datapoints` takes."""


@dataclass(kw_only=True)
class UpdateDatapointsRequest:
    """Changes of datapoints."""

    datapoints: list[UpdateDatapointRequest]


@dataclass(kw_only=True)
class DatapointMetadataUpdate:
    """What is changed of what describes a datapoint."""

    name: str | None | OmitType = OMIT


@dataclass(kw_only=True)
class UpdateDatapointMetadataRequest:
    """What is changed of what describes the datapoint with this id."""

    id: str
    name: str | None | OmitType = OMIT


@dataclass(kw_only=True)
class UpdateDatapointsMetadataRequest:
    """Changes of what describes datapoints."""

    datapoints: list[UpdateDatapointMetadataRequest]


# ---- to read and delete


@dataclass(kw_only=True)
class GetDatapointsRequest:
    """Datapoints by their ids."""

    ids: list[str]


@dataclass(kw_only=True)
class ListDatapointsRequest:
    """Datapoints by what they are."""

    filter: DatapointFilter | None = None
    function_name: str | None = None
    limit: int | None = None
    offset: int | None = None
    order_by: Sequence[DatapointOrderBy] | None = None
    page_size: int | None = None
    search_query_experimental: str | None = None


@dataclass(kw_only=True)
class DeleteDatapointsRequest:
    """Datapoints by their ids."""

    ids: list[str]


@dataclass(kw_only=True)
class ListDatasetsRequest:
    """Datasets, all or those of a function."""

    function_name: str | None = None
    limit: int | None = None
    offset: int | None = None


@dataclass(kw_only=True)
class DatasetMetadata:
    """A dataset."""

    datapoint_count: int
    dataset_name: str
    last_updated: str


@dataclass(kw_only=True)
class ListDatasetsResponse:
    """Datasets."""

    datasets: list[DatasetMetadata]


@dataclass(kw_only=True)
class CreateDatapointsResponse:
    """The ids of new datapoints."""

    ids: list[str]


@dataclass(kw_only=True)
class UpdateDatapointsResponse:
    """The ids that updated datapoints have now."""

    ids: list[str]


@dataclass(kw_only=True)
class DeleteDatapointsResponse:
    """How many were deleted."""

    num_deleted_datapoints: int


@dataclass(kw_only=True)
class GetDatapointsResponse:
    """Datapoints."""

    datapoints: list[Datapoint]
