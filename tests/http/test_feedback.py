"""Tests of `tzproxy.http.feedback`: feedback on inferences of the same gateway, without any store."""

from __future__ import annotations

import asyncio
import re
from typing import Any, cast

import pytest

from in_process import CHAT, MODEL, Conversation, StartGateway, completion
from tzproxy._speedups.ids import new_uuid7
from tzproxy.feedback.intake import FeedbackIntake
from tzproxy.feedback.request import FeedbackRequest
from tzproxy.http.app import App
from tzproxy.http.asgi import AsgiExchange, Receive, Scope, Send
from tzproxy.http.exchange import WATCH_AFTER_S
from tzproxy.http.feedback import FeedbackRoute
from tzproxy.recording.sink import NullSink
from tzproxy.recording.tables import Table

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
CONFIG = MODEL + CHAT + METRICS
OLD = "01900000-0000-7000-8000-000000000001"
RUN = "/workflow_evaluation_run"


async def test_feedback(start: StartGateway) -> None:
    """Feedback on what was just answered is recorded at once and answered with its id, and counted."""
    gateway = await start(CONFIG, [completion()])
    inferred = (await gateway.infer()).json()
    given: list[tuple[str, object, str]] = [
        ("solved", True, "inference_id"),
        ("rating", 0.5, "episode_id"),
        ("comment", "fine", "episode_id"),
        ("demonstration", "Ho", "inference_id"),
    ]
    ids = []
    began = asyncio.get_running_loop().time()
    for metric, value, key in given:
        reply = await gateway.post("/feedback", {"metric_name": metric, "value": value, key: inferred[key]})
        assert (reply.status, list(reply.json())) == (200, ["feedback_id"])
        assert reply.headers["content-type"] == "application/json"
        ids.append(reply.json()["feedback_id"])
    assert asyncio.get_running_loop().time() - began < 0.1
    rows = [
        gateway.rows(table)
        for table in (
            Table.BOOLEAN_METRIC_FEEDBACK,
            Table.FLOAT_METRIC_FEEDBACK,
            Table.COMMENT_FEEDBACK,
            Table.DEMONSTRATION_FEEDBACK,
        )
    ]
    assert [row["id"] for (row,) in rows] == ids
    assert [row["snapshot_hash"] for (row,) in rows] == [gateway.chat_rows[0]["snapshot_hash"]] * 4
    metrics = await gateway.metrics
    for metric, _, _ in given:
        name = f'tensorzero_requests_total{{endpoint="feedback",metric_name="{metric}"}}'
        assert metrics[name] == 1


@pytest.mark.parametrize(
    ("body", "status", "pattern"),
    [
        (b"{", 400, "^Failed to parse the request body as JSON: "),
        ({"metric_name": "solved"}, 400, "missing .*`value`"),
        ({"value": 1}, 400, "missing .*`metric_name`"),
        ({"metric_name": "solved", "value": 1, "x": 1}, 400, "unknown field `x`"),
        ({"metric_name": "solved", "value": 1, "tags": {"a": 1}}, 400, "^tags"),
        (
            {"metric_name": "solved", "value": 1, "inference_id": "x"},
            400,
            "^inference_id: UUID parsing failed",
        ),
        ({"metric_name": "nope", "value": 1}, 404, "^Unknown metric: nope$"),
    ],
)
async def test_refusals(start: StartGateway, body: object, status: int, pattern: str) -> None:
    """A body of the wrong shape is refused with what is wrong; all errors have the native form."""
    reply = await (await start(CONFIG)).post("/feedback", body)
    assert reply.status == status
    assert re.search(pattern, reply.error)


@pytest.mark.parametrize("validation", [True, False])
async def test_target_validation(start: StartGateway, validation: bool) -> None:
    """The setting that leaves the look-up out is obeyed."""
    setting = f"[gateway]\nunstable_disable_feedback_target_validation = {str(not validation).lower()}\n"
    gateway = await start(setting + CONFIG)
    body: dict[str, Any] = {"metric_name": "solved", "value": True, "inference_id": new_uuid7()}
    reply = await gateway.post("/feedback", body)
    assert reply.status == (400 if validation else 200)
    assert len(gateway.rows(Table.BOOLEAN_METRIC_FEEDBACK)) == (0 if validation else 1)


async def test_metrics_of_evaluators(start: StartGateway) -> None:
    """An evaluator's scores are a metric like any other."""
    evaluator = '[functions.f.evaluators.same]\ntype = "exact_match"\n'
    gateway = await start(CONFIG + evaluator, [completion()])
    target = (await gateway.infer()).json()["inference_id"]
    name = "tensorzero::function_name::f::evaluator_name::same"
    reply = await gateway.post("/feedback", {"metric_name": name, "value": True, "inference_id": target})
    assert reply.status == 200
    assert gateway.rows(Table.BOOLEAN_METRIC_FEEDBACK)[0]["metric_name"] == name


async def test_without_observability(start: StartGateway) -> None:
    """A gateway that records nothing takes no feedback."""
    gateway = await start(CONFIG, sink=NullSink())
    reply = await gateway.post("/feedback", {"metric_name": "solved", "value": True})
    assert reply.status == 400
    assert reply.error.startswith("Feedback requires observability to be enabled")


class SlowIntake:
    """Takes feedback whose target comes late."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.comes = asyncio.Event()
        self.taken: list[str] = []

    async def take(self, request: FeedbackRequest, api_key_id: str | None) -> str:
        """Wait for the target."""
        self.asked.set()
        await self.comes.wait()
        self.taken.append(request.metric_name)
        return "id"


async def test_client_that_leaves() -> None:
    """Feedback of a client that leaves while its target is waited for is taken all the same."""
    intake = SlowIntake()
    app = App({("POST", "/feedback"): FeedbackRoute(cast(FeedbackIntake, intake))})

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app.serve(AsgiExchange(scope, receive, send))

    body = b'{"metric_name":"solved","value":true}'
    conversation = Conversation(serve, "POST", "/feedback", parts=[body])
    await intake.asked.wait()
    conversation.disconnect()
    await asyncio.sleep(3 * WATCH_AFTER_S)
    intake.comes.set()
    await conversation.task
    assert intake.taken == ["solved"]


@pytest.mark.parametrize("path", ["/inference", "/feedback"])
async def test_base_path(start: StartGateway, path: str) -> None:
    """Feedback lives below the configured base path, as everything does."""
    gateway = await start('[gateway]\nbase_path = "/base"\n' + CONFIG)
    assert (await gateway.post("/base" + path, b"{")).status == 400
    assert (await gateway.post(path, b"{")).status == 404
