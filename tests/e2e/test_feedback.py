"""Feedback and workflow evaluation runs through the published client: two workers, one store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorzero import TensorZeroGateway

from e2e.processes import EXTRA_MODELS, Gateway, wait_until

pytestmark = pytest.mark.e2e
HELLO: Any = {"messages": [{"role": "user", "content": "Hi"}]}
METRICS = """
[metrics.solved]
type = "boolean"
optimize = "max"
level = "inference"
[metrics.rating]
type = "float"
optimize = "max"
level = "episode"
"""


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway of two workers: what one has answered the other finds in the store alone."""
    folder: Path = tmp_path_factory.mktemp("feedback")
    with Gateway(folder, extra_config=EXTRA_MODELS + METRICS, arguments=["--workers", "2"]) as running:
        yield running


def test_feedback_on_what_was_just_answered(two_workers: Gateway) -> None:
    """Feedback that follows at once is taken, whichever worker gets it, and its rows are stored."""
    ids: dict[str, list[str]] = {"BooleanMetricFeedback": [], "FloatMetricFeedback": []}
    for _ in range(6):
        # A client of its own each time, so that another worker may take the connection.
        with TensorZeroGateway.build_http(gateway_url=two_workers.url, timeout=30) as client:
            answer: Any = client.inference(function_name="hello", input=HELLO)
        with TensorZeroGateway.build_http(gateway_url=two_workers.url, timeout=30) as client:
            solved = client.feedback(metric_name="solved", value=True, inference_id=str(answer.inference_id))
            rated = client.feedback(metric_name="rating", value=0.5, episode_id=str(answer.episode_id))
        ids["BooleanMetricFeedback"].append(str(solved.feedback_id))
        ids["FloatMetricFeedback"].append(str(rated.feedback_id))
    for table, given in ids.items():
        for feedback_id in given:
            assert len(two_workers.rows_of(feedback_id, table)) == 1


def test_a_workflow_evaluation_run(two_workers: Gateway) -> None:
    """The inferences of an episode are pinned and tagged by its run."""
    with TensorZeroGateway.build_http(gateway_url=two_workers.url, timeout=30) as client:
        run = client.workflow_evaluation_run(variants={"hello": "brief"}, tags={"suite": "s"})
        episode = client.workflow_evaluation_run_episode(run_id=run.run_id, task_name="t")
        answer: Any = client.inference(function_name="hello", input=HELLO, episode_id=str(episode.episode_id))
    assert answer.variant_name == "brief"
    (row,) = wait_until(lambda: two_workers.rows_of(str(answer.inference_id)), "the inference's row")
    assert row["tags"]["suite"] == "s"
    assert row["tags"]["tensorzero::workflow_evaluation_run_id"] == str(run.run_id)
    assert row["tags"]["tensorzero::variant_pinned"] == "brief"
