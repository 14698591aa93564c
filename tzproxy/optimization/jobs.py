"""Jobs that were launched: the handle that a client keeps, and what is known of one. Data and codecs. Cold.

A handle is all that is needed to ask for a job again; there is no state behind it, and no secret in it.
Source: wire of TensorZero 2026.6.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from tzproxy.errors import RequestError

NULL = Raw(b"null")
ENCODER = msgspec.json.Encoder()
ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


class OpenAISftHandle(Struct, tag="openai_sft", tag_field="type", frozen=True, kw_only=True):
    """Supervised fine-tuning at OpenAI. `job_api_url` is for the reader: it is not called."""

    job_id: str
    job_url: str
    job_api_url: str


class OpenAIRftHandle(Struct, tag="openai_rft", tag_field="type", frozen=True, kw_only=True):
    """Reinforcement fine-tuning at OpenAI. Fields as `OpenAISftHandle`."""

    job_id: str
    job_url: str
    job_api_url: str


class FireworksSftHandle(Struct, tag="fireworks_sft", tag_field="type", frozen=True, kw_only=True):
    """Fine-tuning at Fireworks. `deploy_after_training`: the model is deployed once there is one."""

    job_url: str
    job_path: str
    deploy_after_training: bool = False


class TogetherSftHandle(Struct, tag="together_sft", tag_field="type", frozen=True, kw_only=True):
    """Fine-tuning at Together."""

    job_id: str
    job_url: str


class VertexSftHandle(Struct, tag="gcp_vertex_gemini_sft", tag_field="type", frozen=True, kw_only=True):
    """Tuning on Vertex AI."""

    job_url: str
    job_name: str


class DiclHandle(Struct, tag="dicl", tag_field="type", frozen=True, kw_only=True):
    """Examples that were stored: it was done at once."""

    embedding_model: str
    k: int
    model: str


class GepaHandle(Struct, tag="gepa", tag_field="type", frozen=True, kw_only=True):
    """Prompts that were found: the search was over before there was a handle.

    `result`: `Ok` with variants by name, or `Err` with a text.
    """

    result: dict[str, object]


JobHandle = (
    OpenAISftHandle
    | OpenAIRftHandle
    | FireworksSftHandle
    | TogetherSftHandle
    | VertexSftHandle
    | DiclHandle
    | GepaHandle
)
HANDLE: msgspec.json.Decoder[JobHandle] = msgspec.json.Decoder(JobHandle)


def encoded_handle(handle: JobHandle) -> str:
    """Write a handle as the text that clients keep: base64 for URLs, without padding, of its JSON."""
    return base64.urlsafe_b64encode(ENCODER.encode(handle)).rstrip(b"=").decode()


def decoded_handle(text: str) -> JobHandle:
    """Read the text that clients keep.

    Raises:
        RequestError: when it is none.
    """
    stripped = text.rstrip("=")
    # The library takes the letters of the other alphabet as well.
    if ALPHABET.fullmatch(stripped) is None or len(stripped) % 4 == 1:
        raise RequestError("Invalid encoded job handle. Failed to decode using URL-safe Base64.")
    data = base64.urlsafe_b64decode(stripped + "=" * (-len(stripped) % 4))
    try:
        return HANDLE.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise RequestError(f"Failed to deserialize job handle: {exc}") from exc


class ModelOutput(Struct, tag="model", tag_field="type", frozen=True):
    """A model as `[models.NAME]` would describe it."""

    content: Mapping[str, object]


class VariantOutput(Struct, tag="variant", tag_field="type", frozen=True):
    """A variant as `[functions.F.variants.NAME]` would describe it."""

    content: Mapping[str, object]


class VariantsOutput(Struct, tag="variants", tag_field="type", frozen=True):
    """Variants as `[functions.F.variants]` would describe them."""

    content: Mapping[str, Mapping[str, object]]


class PendingJob(Struct, tag="pending", tag_field="status", frozen=True, kw_only=True):
    """It goes on. `trained_tokens` and `error` as the provider tells them."""

    message: str
    estimated_finish: datetime | None = None
    trained_tokens: int | None = None
    error: Raw = NULL


class CompletedJob(Struct, tag="completed", tag_field="status", frozen=True):
    """It is done."""

    output: ModelOutput | VariantOutput | VariantsOutput


class FailedJob(Struct, tag="failed", tag_field="status", frozen=True, kw_only=True):
    """It will never be done. `error` as the provider tells it."""

    message: str
    error: Raw = NULL


JobInfo = PendingJob | CompletedJob | FailedJob


def tuned_model(name: str, provider: Mapping[str, object]) -> CompletedJob:
    """Describe a model by its one provider; what is not set there is left to the defaults."""
    common: dict[str, object] = {
        "extra_body": None,
        "extra_headers": None,
        "timeouts": {},
        "discard_unknown_chunks": False,
        "cost": None,
        "batch_cost": None,
    }
    content = {"routing": [name], "providers": {name: {**provider, **common}}, "timeouts": {}}
    return CompletedJob(ModelOutput(content))
