"""Keys of the model inference cache: a hash over everything that decides what a provider is asked.

The hashed text is, byte for byte, the one of TensorZero 2026.6.0, so that replies which either gateway kept
serve both; `tests/inference/test_cache_original.py` compares them. Texts that a gateway writes in words of
its own (the prompts of best-of-n, the description of the implicit tool) give keys of its own.

Only for requests that ask for the cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec
from blake3 import blake3
from msgspec import UNSET, Raw

from tzproxy.clickhouse.queries.cache import CacheKey
from tzproxy.inference.extra import BodyChange, Changes, HeaderChange
from tzproxy.types.content import File, Message, StoredFile, Thought, Unknown
from tzproxy.types.embedding import EmbeddingRequest
from tzproxy.types.model import ModelRequest
from tzproxy.types.request import ExtraBody, ExtraHeader
from tzproxy.types.tools import ToolConfig

ENCODER = msgspec.json.Encoder()
DECODER = msgspec.json.Decoder()
# From here on the original writes `1e+16` where msgspec writes `1e16`.
_SIGNED_EXPONENT_FROM = 1e16
_PRESENT_WHEN_SET = ("reasoning_effort", "service_tier", "thinking_budget_tokens", "verbosity")


class KeyScope(Protocol):
    """What a call carries beside its request. See `tzproxy.inference.model.CallContext`."""

    @property
    def variant_name(self) -> str:
        """The variant that calls."""
        ...

    @property
    def changes(self) -> Changes:
        """The variant's `extra_body` and `extra_headers`."""
        ...

    @property
    def extra_body(self) -> Sequence[ExtraBody]:
        """The request's entries."""
        ...

    @property
    def extra_headers(self) -> Sequence[ExtraHeader]:
        """The request's entries."""
        ...


def chat_key(
    names: tuple[str, str],
    request: ModelRequest,
    scope: KeyScope,
    *,
    suffix: str | None = None,
    files: Sequence[StoredFile] = (),
) -> CacheKey:
    """Return the key of one attempt.

    Args:
        names: the model and its provider, as the configuration calls them.
        request: what the provider is asked.
        scope: the changes to it.
        suffix: tells equal requests apart that must not share a reply (`candidate_0`).
        files: the stored form of the files in the messages, in their order.
    """
    params = request.params
    # The original drops the inference's id, the first key, by putting the last one in its place.
    hashed: dict[str, object] = {
        "fetch_and_encode_input_files_before_inference": request.fetch_files,
        "messages": _messages(request.messages, files),
        "system": request.system,
        "tool_config": None if request.tool_config is None else _tools(request.tool_config),
        "temperature": _number(params.temperature),
        "top_p": _number(params.top_p),
        "max_tokens": params.max_tokens,
        "presence_penalty": _number(params.presence_penalty),
        "frequency_penalty": _number(params.frequency_penalty),
        "seed": params.seed,
        "stop_sequences": params.stop_sequences,
        "stream": request.stream,
        "json_mode": request.json_mode,
        "function_type": request.function_type,
        "output_schema": None if request.output_schema is None else _plain(request.output_schema),
        "extra_body": _extra_body(scope),
        "extra_headers": _extra_headers(scope),
        "extra_cache_key": suffix,
    }
    for name in _PRESENT_WHEN_SET:
        value = getattr(params, name)
        if value is not None:
            hashed[name] = value
    return key_of(names, ENCODER.encode(hashed))


def embedding_key(names: tuple[str, str], request: EmbeddingRequest) -> CacheKey:
    """Return the key of one attempt to embed."""
    return key_of(names, ENCODER.encode(request))


def key_of(names: tuple[str, str], text: bytes) -> CacheKey:
    """Hash a request's text together with the names of model and provider."""
    model, provider = names
    digest = blake3(b"\0".join((model.encode(), provider.encode(), text))).digest()
    return CacheKey(digest.hex(), int.from_bytes(digest[:8], "little"))


def _number(value: float | None) -> object:
    if value is None or abs(value) < _SIGNED_EXPONENT_FROM:
        return value
    return Raw(repr(value).encode()) if abs(value) != float("inf") else None


def _plain(raw: Raw) -> object:
    """Read JSON that a client wrote: how it spaced and escaped it must not matter."""
    return DECODER.decode(raw)


def _messages(messages: Sequence[Message], files: Sequence[StoredFile]) -> list[object]:
    stored = iter(files)
    return [
        {"role": message.role, "content": [_block(block, stored) for block in message.content]}
        for message in messages
    ]


def _block(block: object, stored: Iterable[StoredFile]) -> object:
    if isinstance(block, File):
        return _file(block, next(iter(stored), None))
    if isinstance(block, Unknown):
        return msgspec.structs.replace(block, data=_again(block.data))
    if isinstance(block, Thought) and block.extra_data is not None:
        return msgspec.structs.replace(block, extra_data=_again(block.extra_data))
    return block


def _again(raw: Raw) -> Raw:
    return Raw(ENCODER.encode(_plain(raw)))


def _file(file: File, stored: StoredFile | None) -> dict[str, object]:
    if file.url is not None:
        by_url: dict[str, object] = {"url": file.url, "mime_type": file.mime_type}
        if file.detail is not None:
            by_url["detail"] = file.detail
        return {"type": "file", "Url": {"file_url": {**by_url, "filename": file.filename}}}
    fields: dict[str, object] = {
        "source_url": None if stored is None else stored.source_url,
        "mime_type": file.mime_type,
        "storage_path": None if stored is None else stored.storage_path,
    }
    if file.detail is not None:
        fields["detail"] = file.detail
    if file.filename is not None:
        fields["filename"] = file.filename
    return {"type": "file", "Base64": {**fields, "data": file.data}}


def _tools(config: ToolConfig) -> dict[str, object]:
    return {
        "tools": [
            {
                "name": tool.name,
                "description": tool.description,
                "parameters": _plain(tool.parameters),
                "strict": tool.strict,
            }
            for tool in config.tools
        ],
        "provider_tools": [
            {"scope": tool.scope, "tool": _plain(tool.tool)} for tool in config.provider_tools
        ],
        "openai_custom_tools": config.custom_tools,
        "tool_choice": config.tool_choice,
        "parallel_tool_calls": config.parallel_tool_calls,
        "allowed_tools": config.allowed,
    }


def _extra_body(scope: KeyScope) -> dict[str, object]:
    asked = [_body_entry(entry) for entry in scope.extra_body if _meant(entry, scope)]
    configured = scope.changes.body
    if not configured:
        return {"inference_extra_body": asked}
    return {"extra_body": [_body_change(change) for change in configured], "inference_extra_body": asked}


def _extra_headers(scope: KeyScope) -> dict[str, object]:
    configured = scope.changes.headers
    return {
        "variant_extra_headers": [_header_change(change) for change in configured] if configured else None,
        "inference_extra_headers": [
            _entry(entry, {"name": entry.name}) for entry in scope.extra_headers if _meant(entry, scope)
        ],
    }


def _meant(entry: ExtraBody | ExtraHeader, scope: KeyScope) -> bool:
    """Entries for other variants are out; those for other models stay in, as in the original."""
    return entry.variant_name is None or entry.variant_name == scope.variant_name


def _body_change(change: BodyChange) -> dict[str, object]:
    if change.delete:
        return {"pointer": change.pointer, "delete": True}
    return {"pointer": change.pointer, "value": change.value}


def _header_change(change: HeaderChange) -> dict[str, object]:
    if change.value is None:
        return {"name": change.name, "delete": True}
    return {"name": change.name, "value": change.value}


def _body_entry(entry: ExtraBody) -> dict[str, object]:
    return _entry(entry, {"pointer": entry.pointer})


def _entry(entry: ExtraBody | ExtraHeader, place: dict[str, object]) -> dict[str, object]:
    written: dict[str, object] = {}
    if entry.variant_name is not None:
        written["variant_name"] = entry.variant_name
    elif entry.model_name is not None:
        written["model_name"] = entry.model_name
        written["provider_name"] = entry.provider_name
    written.update(place)
    if entry.delete or entry.value is UNSET:
        written["delete"] = True
    else:
        value = entry.value
        written["value"] = _plain(value) if isinstance(value, Raw) else value
    return written
