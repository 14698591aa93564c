"""Tests of `tzproxy.optimization.jobs`."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import msgspec
import pytest

from tzproxy.errors import RequestError
from tzproxy.optimization.jobs import (
    DiclHandle,
    FailedJob,
    FireworksSftHandle,
    GepaHandle,
    JobHandle,
    OpenAIRftHandle,
    OpenAISftHandle,
    PendingJob,
    TogetherSftHandle,
    VertexSftHandle,
    decoded_handle,
    encoded_handle,
    tuned_model,
)


@pytest.mark.parametrize(
    "handle",
    [
        OpenAISftHandle(job_id="a", job_url="b", job_api_url="c"),
        OpenAIRftHandle(job_id="ä", job_url="b", job_api_url="c"),
        FireworksSftHandle(job_url="a", job_path="b", deploy_after_training=True),
        TogetherSftHandle(job_id="a", job_url="b"),
        VertexSftHandle(job_url="a", job_name="b"),
        DiclHandle(embedding_model="e", k=3, model="m"),
        GepaHandle(result={"Ok": {"v": {"model": "m"}}}),
    ],
)
def test_handles_round_trip(handle: JobHandle) -> None:
    """The text holds everything, fits into a URL as it is, and is JSON within."""
    text = encoded_handle(handle)
    assert text.replace("-", "a").replace("_", "a").isalnum()
    assert decoded_handle(text) == handle
    assert decoded_handle(text + "==") == handle
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert json.loads(data)["type"] == type(handle).__struct_config__.tag


def test_handles_are_those_of_the_original() -> None:
    """A handle that TensorZero wrote is read."""
    theirs = b'{"type":"fireworks_sft","job_url":"https://app/x","job_path":"accounts/a/jobs/x"}'
    text = base64.urlsafe_b64encode(theirs).rstrip(b"=").decode()
    expected = FireworksSftHandle(job_url="https://app/x", job_path="accounts/a/jobs/x")
    assert decoded_handle(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("!", "Failed to decode using URL-safe Base64"),
        ("ä", "Failed to decode using URL-safe Base64"),
        ("e30+", "Failed to decode using URL-safe Base64"),
        ("a", "Failed to decode using URL-safe Base64"),
        ("e30", "Failed to deserialize job handle"),
        ("_w", "Failed to deserialize job handle"),
        (base64.urlsafe_b64encode(b'{"type":"nope"}').decode(), "Failed to deserialize job handle"),
    ],
)
def test_what_is_no_handle(text: str, reason: str) -> None:
    """It is the client's fault, and says at which step."""
    with pytest.raises(RequestError, match=reason):
        decoded_handle(text)


def test_infos_are_written_whole() -> None:
    """Nulls included; times in UTC."""
    pending = PendingJob(message="m", estimated_finish=datetime(2026, 1, 2, tzinfo=UTC))
    assert json.loads(msgspec.json.encode(pending)) == {
        "status": "pending",
        "message": "m",
        "estimated_finish": "2026-01-02T00:00:00Z",
        "trained_tokens": None,
        "error": None,
    }
    assert json.loads(msgspec.json.encode(FailedJob(message="m"))) == {
        "status": "failed",
        "message": "m",
        "error": None,
    }


def test_a_model_is_described_by_its_provider() -> None:
    """With the provider's own settings before those that all have."""
    written = json.loads(msgspec.json.encode(tuned_model("x", {"type": "together", "model_name": "x"})))
    assert written["status"] == "completed"
    assert written["output"]["type"] == "model"
    content = written["output"]["content"]
    assert content["routing"] == ["x"]
    assert list(content["providers"]["x"])[:2] == ["type", "model_name"]
