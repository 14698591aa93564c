"""Bodies of the requests for datasets. Unknown keys are ignored, but for those within an input.

Field names are the wire's. Source: HTTP API of TensorZero 2026.6, datasets and datapoints.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy._speedups.ids import format_uuid, parse_uuid
from tzproxy.datasets.errors import DatasetNameError
from tzproxy.errors import RequestError
from tzproxy.types.content import ChatOutput, Text, ToolCallOutput, Unknown
from tzproxy.types.filters import DatapointOrderBy, InferenceFilter
from tzproxy.types.listing import InferenceListing, OutputSource
from tzproxy.types.params import U32
from tzproxy.types.request import AdditionalTool, Input, ThoughtInput, given
from tzproxy.types.stored import thought
from tzproxy.types.tools import ProviderTool, ToolChoice

NO_DATAPOINTS = "At least one datapoint must be provided"
RESERVED_NAME = "builder"
RESERVED_PREFIX = "tensorzero::"


class OutputText(Struct, tag="text", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Text of a wanted output."""

    text: str


class OutputCall(Struct, tag="tool_call", tag_field="type", frozen=True, kw_only=True):
    """A tool call of a wanted output; the checked form may be missing."""

    id: str
    raw_name: str
    raw_arguments: str
    name: str | None = None
    arguments: Raw | UnsetType = UNSET


OutputBlock = OutputText | OutputCall | ThoughtInput | Unknown


class RawOutput(Struct, frozen=True):
    """The wanted output of a JSON function, as text."""

    raw: str | None = None


class NewChatDatapoint(Struct, tag="chat", tag_field="type", frozen=True, kw_only=True):
    """A datapoint of a chat function."""

    function_name: str
    input: Input
    output: list[OutputBlock] | None = None
    episode_id: str | None = None
    allowed_tools: list[str] | None = None
    additional_tools: list[AdditionalTool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    provider_tools: list[ProviderTool] | None = None
    tags: dict[str, str] | None = None
    name: str | None = None


class NewJsonDatapoint(Struct, tag="json", tag_field="type", frozen=True, kw_only=True):
    """A datapoint of a JSON function. `output_schema` null: the function's."""

    function_name: str
    input: Input
    output: RawOutput | None = None
    output_schema: Raw | UnsetType = UNSET
    episode_id: str | None = None
    tags: dict[str, str] | None = None
    name: str | None = None


NewDatapoint = NewChatDatapoint | NewJsonDatapoint


class CreateRequest(Struct, frozen=True):
    """The body of `POST /v1/datasets/{d}/datapoints`."""

    datapoints: list[NewDatapoint]


class ChatChange(Struct, tag="chat", tag_field="type", frozen=True, kw_only=True):
    """A change of a chat datapoint.

    Absent keeps; null clears `output`, `name` and the tool fields except `additional_tools` and
    `provider_tools`, and keeps the others.
    """

    id: str
    input: Input | None = None
    output: list[OutputBlock] | None | UnsetType = UNSET
    allowed_tools: list[str] | None | UnsetType = UNSET
    additional_tools: list[AdditionalTool] | None = None
    tool_choice: ToolChoice | None | UnsetType = UNSET
    parallel_tool_calls: bool | None | UnsetType = UNSET
    provider_tools: list[ProviderTool] | None = None
    tags: dict[str, str] | None = None
    name: str | None | UnsetType = UNSET

    @property
    def changes_tools(self) -> bool:
        """Whether any field of the tools is given."""
        return (
            self.allowed_tools is not UNSET
            or self.additional_tools is not None
            or self.tool_choice is not UNSET
            or self.parallel_tool_calls is not UNSET
            or self.provider_tools is not None
        )


class JsonChange(Struct, tag="json", tag_field="type", frozen=True, kw_only=True):
    """A change of a JSON datapoint. Absent keeps; null clears `output` and `name`, and keeps the others."""

    id: str
    input: Input | None = None
    output: RawOutput | None | UnsetType = UNSET
    output_schema: Raw | UnsetType = UNSET
    tags: dict[str, str] | None = None
    name: str | None | UnsetType = UNSET


Change = ChatChange | JsonChange


class UpdateRequest(Struct, frozen=True):
    """The body of `PATCH /v1/datasets/{d}/datapoints`."""

    datapoints: list[Change]


class MetadataChange(Struct, frozen=True, kw_only=True):
    """A new name for a datapoint. Absent keeps, null clears."""

    id: str
    name: str | None | UnsetType = UNSET


class MetadataRequest(Struct, frozen=True):
    """The body of `PATCH /v1/datasets/{d}/datapoints/metadata`."""

    datapoints: list[MetadataChange]


class IdsRequest(Struct, frozen=True):
    """The body of requests that name datapoints by their ids."""

    ids: list[str]


class CloneRequest(Struct, frozen=True):
    """The body of `POST /internal/datasets/{d}/datapoints/clone`."""

    datapoint_ids: list[str]


class ListRequest(Struct, frozen=True, kw_only=True):
    """The body of `POST /v1/datasets/{d}/list_datapoints`. Null is as good as absent."""

    function_name: str | None = None
    limit: U32 | None = None
    page_size: U32 | None = None
    """The older name of `limit`."""
    offset: U32 | None = None
    filter: InferenceFilter | None = None
    order_by: list[DatapointOrderBy] | None = None
    search_query_experimental: str | None = None


class InferenceIdsSource(Struct, tag="inference_ids", tag_field="type", frozen=True, kw_only=True):
    """Inferences by their ids, as a source of datapoints."""

    inference_ids: list[str]
    output_source: OutputSource | None = None


class InferenceQuerySource(
    InferenceListing, tag="inference_query", tag_field="type", frozen=True, kw_only=True
):
    """A list of inferences, as a source of datapoints. Without a limit: all of it."""


FromInferencesRequest = InferenceIdsSource | InferenceQuerySource
"""The body of `POST /v1/datasets/{d}/from_inferences`."""


def check_dataset_name(name: str) -> None:
    """Refuse reserved names.

    Raises:
        DatasetNameError: for one of them.
    """
    if name == RESERVED_NAME or name.startswith(RESERVED_PREFIX):
        raise DatasetNameError(name)


def canonical_id(text: str, where: str) -> str:
    """Return an id as the store has it.

    Raises:
        RequestError: naming where an id is none.
    """
    try:
        return format_uuid(parse_uuid(text))
    except ValueError as exc:
        raise RequestError(f"{where}: UUID parsing failed: {exc}") from exc


def canonical_ids(texts: Sequence[str], where: str) -> list[str]:
    """Return a list of ids as the store has them. Raises as `canonical_id` does."""
    return [canonical_id(text, f"{where}[{index}]") for index, text in enumerate(texts)]


def changed_ids(changes: Sequence[Change] | Sequence[MetadataChange]) -> list[str]:
    """Return the ids that changes are about, in their order.

    Raises:
        RequestError: when there are none, for one that is no id, and for one that comes twice.
    """
    if not changes:
        raise RequestError(NO_DATAPOINTS)
    ids = [canonical_id(change.id, f"datapoints[{index}].id") for index, change in enumerate(changes)]
    seen: set[str] = set()
    for changed in ids:
        if changed in seen:
            raise RequestError(f"Duplicate datapoint id provided: {changed}")
        seen.add(changed)
    return ids


def stored_blocks(blocks: Sequence[OutputBlock]) -> list[ChatOutput]:
    """Return an output in its stored form, tool calls as they were given."""
    return [_stored_block(block) for block in blocks]


def _stored_block(block: OutputBlock) -> ChatOutput:
    if isinstance(block, OutputCall):
        arguments = given(block.arguments)
        return ToolCallOutput(block.id, block.raw_name, block.raw_arguments, block.name, arguments)
    if isinstance(block, OutputText):
        return Text(block.text)
    return thought(block) if isinstance(block, ThoughtInput) else block
