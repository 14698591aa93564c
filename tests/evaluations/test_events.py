"""Tests of `tzproxy.evaluations.events`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from tzproxy.evaluations.events import Failure, Success, UsageCount
from tzproxy.types.response import ChatResponse, ResponseUsage


def success(input_tokens: int | None, cost: float | None, took_ms: float) -> Success:
    """An answer that took so much."""
    response = ChatResponse(
        inference_id="i",
        episode_id="e",
        variant_name="v",
        content=[],
        usage=ResponseUsage(input_tokens=input_tokens, output_tokens=2, cost=cost),
    )
    datapoint: Any = None
    return Success(
        evaluation_run_id="r",
        datapoint=datapoint,
        response=response,
        evaluations={},
        evaluator_errors={},
        processing_time_ms=took_ms,
    )


def test_usage_is_added_up() -> None:
    """What is unknown for one answer is unknown for the run, and left out."""
    usage = UsageCount()
    usage.add(success(1, 0.5, 3.0))
    usage.add(success(2, None, 4.0))
    usage.add(Failure(evaluation_run_id="r", datapoint_id="p", message="m"))
    total = usage.total()
    assert (total.success_count, total.error_count) == (2, 1)
    assert (total.total_input_tokens, total.total_output_tokens) == (3, 4)
    assert total.total_cost is UNSET
    assert total.total_processing_time_ms == pytest.approx(7.0)
    assert "total_cost" not in msgspec.to_builtins(total)
