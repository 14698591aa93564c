"""Tests of `tzproxy.http.reading.evaluations`: refusals. What is found is tested in `tests/reading`."""

from __future__ import annotations

from collections.abc import Mapping

from in_process import StartGateway
from tzproxy.http.reading.evaluations import HumanFeedbackRoute
from tzproxy.reading.evaluation_runs import EvaluationReader


class Asked:
    """An exchange that is never answered from a store."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self.parameters = dict(parameters)
        self.answers: list[tuple[int, bytes]] = []

    async def answer(self, status: int, body: bytes, headers: object = None) -> None:
        """Keep the answer."""
        self.answers.append((status, body))


async def test_a_datapoint_id_that_is_none() -> None:
    """It is refused in plain text before the body is looked at."""
    exchange = Asked({"datapoint_id": "x"})
    reader = object.__new__(EvaluationReader)
    await HumanFeedbackRoute(reader)(exchange)  # type: ignore[arg-type]  # as much of one as is asked
    ((status, body),) = exchange.answers
    assert status == 400
    assert b"`datapoint_id` with value `x`" in body


async def test_without_a_store(start: StartGateway) -> None:
    """There is nothing to be asked."""
    gateway = await start()
    reply = await gateway.post("/internal/evaluations/datapoints/x/get_human_feedback", {})
    assert reply.status == 500
    assert "ClickHouse store" in reply.error
