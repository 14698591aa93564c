"""Tests of `tzproxy.client.calls`: what methods ask. `test_twins` holds them against the published client."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from client.scripted_server import ID, INPUT
from tzproxy.client import calls
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.types import FeedbackResponse


def test_inference_sends_what_is_given() -> None:
    """Arguments are in the body, those for headers are not."""
    call = calls.inference(
        {"input": INPUT, "episode_id": UUID(ID), "dryrun": None, "otlp_traces_extra_resources": {"a": "b"}}
    )
    assert (call.method, call.path) == ("POST", "/inference")
    assert json.loads(call.body or b"") == {"input": INPUT, "episode_id": ID}
    assert call.headers == {"tensorzero-otlp-traces-extra-resource-a": "b"}


@pytest.mark.parametrize("value", [None, True, 0.5, "x", {"a": 1}, []])
def test_feedback_sends_its_value(value: object) -> None:
    """Every value reaches the gateway, which judges it; null too."""
    call = calls.feedback({"metric_name": "m", "value": value, "episode_id": ID})
    assert json.loads(call.body or b"") == {"metric_name": "m", "value": value, "episode_id": ID}
    assert call.read(f'{{"feedback_id":"{ID}"}}'.encode()) == FeedbackResponse(UUID(ID))
    with pytest.raises(TensorZeroInternalError, match="missing field `feedback_id`"):
        call.read(b'{"feedback_id":5}')


def test_runs_are_marked_as_the_published_client_marks_them() -> None:
    """A run carries the tag by which TensorZero's UI knows it; the caller's tags stay."""
    call = calls.begin_run({"f": "v"}, {"a": "b"}, None, None)
    assert json.loads(call.body or b"") == {
        "variants": {"f": "v"},
        "tags": {"a": "b", "tensorzero::internal": "true"},
        "internal": True,
    }


def test_episodes_of_runs() -> None:
    """The run is in the path."""
    assert calls.begin_episode(ID, "t", None).path == f"/workflow_evaluation_run/{ID}/episode"
