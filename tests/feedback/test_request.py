"""Tests of `tzproxy.feedback.request`: ids, levels and tags. The order of the checks is `test_intake`'s."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tzproxy.config.functions import MetricConfig
from tzproxy.errors import RequestError
from tzproxy.feedback.request import (
    FeedbackRequest,
    HumanFeedback,
    Subject,
    TargetIds,
    check_tags,
    read_human_feedback,
    read_ids,
    read_subject,
)

ID = "01900000-0000-7000-8000-00000000000a"
METRICS = {
    "good": MetricConfig(type="boolean", optimize="max", level="inference"),
    "cost": MetricConfig(type="float", optimize="min", level="episode"),
}


def request(**fields: Any) -> FeedbackRequest:
    """A request."""
    return FeedbackRequest(**{"metric_name": "good", "value": True, **fields})


def test_decoding() -> None:
    """Metric and value are demanded, null is a value, and unknown fields are refused."""
    decode = msgspec.json.Decoder(FeedbackRequest).decode
    assert decode(b'{"metric_name":"m","value":null}').value is None
    for body in (b'{"metric_name":"m"}', b'{"value":1}', b'{"metric_name":"m","value":1,"x":1}'):
        with pytest.raises(msgspec.ValidationError):
            decode(body)


@pytest.mark.parametrize(
    "text",
    [ID, ID.upper(), ID.replace("-", ""), f"urn:uuid:{ID}", f"{{{ID}}}"],
)
def test_forms_of_ids(text: str) -> None:
    """Every usual form of a UUID is brought into the one that rows have."""
    assert read_ids(request(inference_id=text)) == TargetIds(ID, None)
    assert read_ids(request(episode_id=text)) == TargetIds(None, ID)


def test_what_is_no_id() -> None:
    """A text that is no UUID is refused with its field's name."""
    with pytest.raises(RequestError, match="^episode_id: UUID parsing failed: "):
        read_ids(request(episode_id="x"))


@pytest.mark.parametrize(
    ("name", "ids", "subject"),
    [
        ("good", TargetIds(ID, None), Subject("boolean", "inference", ID)),
        ("cost", TargetIds(None, ID), Subject("float", "episode", ID)),
        ("comment", TargetIds(ID, None), Subject("comment", "inference", ID)),
        ("comment", TargetIds(None, ID), Subject("comment", "episode", ID)),
        ("demonstration", TargetIds(ID, None), Subject("demonstration", "inference", ID)),
    ],
)
def test_subjects(name: str, ids: TargetIds, subject: Subject) -> None:
    """Kind and level follow from the metric's name and, for comments, from the id given."""
    assert read_subject(name, ids, METRICS) == subject


def test_tags() -> None:
    """Internal feedback may use reserved tags and is marked; the request's own tags stay as they are."""
    tags = {"a": "b"}
    assert check_tags(request(tags=tags)) == {"a": "b"}
    marked = check_tags(request(tags={**tags, "tensorzero::x": "y"}, internal=True))
    assert marked == {"a": "b", "tensorzero::x": "y", "tensorzero::internal": "true"}
    assert tags == {"a": "b"}


def test_human_feedback_needs_all_three_tags() -> None:
    """Datapoint, evaluator and the mark of a person together make human feedback on an evaluation."""
    tags = {
        "tensorzero::datapoint_id": ID.upper(),
        "tensorzero::human_feedback": "",
        "tensorzero::evaluator_inference_id": ID,
    }
    assert read_human_feedback(tags) == HumanFeedback(ID, ID)
    for missing in tags:
        assert read_human_feedback({name: text for name, text in tags.items() if name != missing}) is None
