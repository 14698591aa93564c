"""The body of `POST /inference`, decoded. Hot.

Unknown keys are refused where the API refuses them. Field names are the wire's. What has `gc=False` comes
out of JSON, where there are no cycles: the collector need not know of it (`test_decode_openai`).
Source: HTTP API of TensorZero 2026.6, inference request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType, field

from tzproxy.types.content import Role, SummaryText
from tzproxy.types.params import U32, InferenceParams
from tzproxy.types.tools import CustomToolFormat, ProviderTool, ToolChoice


def given(raw: Raw | UnsetType) -> Raw | None:
    """Return a JSON value that was sent, None for an absent one and for null.

    `Raw | None` would be the natural type of such fields, but the decoder takes it for null alone.
    """
    if raw is UNSET:
        return None
    return None if bytes(raw) == b"null" else raw


class TextInput(Struct, tag="text", tag_field="type", frozen=True, forbid_unknown_fields=True, gc=False):
    """Text, or (old form) arguments for the template named after the role: exactly one of the two."""

    text: str | UnsetType = UNSET
    arguments: dict[str, object] | UnsetType = UNSET


class TemplateInput(Struct, tag="template", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Arguments for a named template."""

    name: str
    arguments: dict[str, object]


class RawTextInput(Struct, tag="raw_text", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Text that skips schemas and templates."""

    value: str


class ToolCallInput(Struct, tag="tool_call", tag_field="type", frozen=True):
    """A tool call sent back: `name` and `arguments`, else the raw forms of a response block."""

    id: str
    name: str | None = None
    arguments: Raw | UnsetType = UNSET
    raw_name: str | None = None
    raw_arguments: str | None = None


class ToolResultInput(Struct, tag="tool_result", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """The answer to a tool call."""

    id: str
    name: str
    result: str


class ThoughtInput(Struct, tag="thought", tag_field="type", frozen=True):
    """Reasoning sent back."""

    text: str | None = None
    signature: str | None = None
    summary: list[SummaryText] | None = None
    provider_type: str | None = None
    internal_provider_type: str | None = field(default=None, name="_internal_provider_type")
    extra_data: Raw | UnsetType = UNSET


class StorageKind(Struct, frozen=True, omit_defaults=True):
    """Where a stored file lives."""

    type: Literal["s3_compatible", "filesystem", "disabled"]
    path: str | None = None
    bucket_name: str | None = None
    region: str | None = None
    endpoint: str | None = None
    allow_http: bool | None = None


class StoragePath(Struct, frozen=True):
    """The place of a stored file."""

    kind: StorageKind
    path: str


class FileFields(Struct, frozen=True):
    """All forms of a file block; which one is decided by `file_type`, else by the keys present."""

    file_type: Literal["url", "base64", "object_storage_pointer", "object_storage"] | None = None
    url: str | None = None
    data: str | None = None
    mime_type: str | None = None
    detail: Literal["low", "high", "auto"] | None = None
    filename: str | None = None
    source_url: str | None = None
    storage_path: StoragePath | None = None


class FileInput(FileFields, tag="file", tag_field="type", frozen=True):
    """A file block."""


class ImageInput(FileFields, tag="image", tag_field="type", frozen=True):
    """A file block under its older name."""


class UnknownInput(Struct, tag="unknown", tag_field="type", frozen=True):
    """A provider's own block."""

    data: Raw
    model_name: str | None = None
    provider_name: str | None = None
    model_provider_name: str | None = None


InputBlock = (
    TextInput
    | TemplateInput
    | RawTextInput
    | ToolCallInput
    | ToolResultInput
    | ThoughtInput
    | FileInput
    | ImageInput
    | UnknownInput
)


class InputMessage(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One turn. `content`: text, blocks, or (old form) arguments for the role's template."""

    role: Role
    content: str | list[InputBlock] | dict[str, object]


class Input(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What the function is applied to."""

    messages: list[InputMessage] = []
    system: str | dict[str, object] | None = None


class AdditionalTool(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A tool brought by the request: a function tool, or an OpenAI custom tool."""

    type: Literal["function", "client_side_function", "openai_custom"] = "function"
    name: str
    description: str | None = None
    parameters: Raw | UnsetType = UNSET
    strict: bool = False
    format: CustomToolFormat | None = None


class CacheOptions(Struct, frozen=True):
    """Whether this request may read and write the model inference cache."""

    enabled: Literal["on", "off", "read_only", "write_only"] = "off"
    max_age_s: U32 | None = None


class ExtraBody(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """One change to the provider's request body; the names restrict where it applies."""

    variant_name: str | None = None
    model_name: str | None = None
    provider_name: str | None = None
    pointer: str
    value: Raw | UnsetType = UNSET
    delete: bool = False
    model_provider_name: str | None = None


class ExtraHeader(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """One change to the provider's request headers."""

    variant_name: str | None = None
    model_name: str | None = None
    provider_name: str | None = None
    name: str
    value: str | UnsetType = UNSET
    delete: bool = False
    model_provider_name: str | None = None


class InferenceRequest(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One inference. See the HTTP API for each field's rule."""

    input: Input
    function_name: str | None = None
    model_name: str | None = None
    episode_id: str | None = None
    namespace: str | None = None
    stream: bool | None = None
    params: InferenceParams | None = None
    variant_name: str | None = None
    dryrun: bool | None = None
    internal: bool = False
    tags: dict[str, str] = {}
    allowed_tools: list[str] | None = None
    additional_tools: list[AdditionalTool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    provider_tools: Sequence[ProviderTool] = ()
    output_schema: Raw | UnsetType = UNSET
    cache_options: CacheOptions = CacheOptions()
    credentials: dict[str, str] = {}
    include_original_response: bool = False
    include_raw_response: bool = False
    include_raw_usage: bool = False
    include_aggregated_response: bool = False
    extra_body: Sequence[ExtraBody] = ()
    extra_headers: Sequence[ExtraHeader] = ()
    internal_dynamic_variant_config: Raw | UnsetType = UNSET
