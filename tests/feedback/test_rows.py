"""Tests of `tzproxy.feedback.rows`: the table follows from the value."""

from __future__ import annotations

import json

import pytest

from tzproxy.feedback.request import HumanFeedback
from tzproxy.feedback.rows import MetricRow, human_row, metric_row
from tzproxy.recording.tables import Table


def row(value: bool | float) -> MetricRow:
    """A row of a metric."""
    return MetricRow(id="i", target_id="t", metric_name="m", value=value, tags={}, snapshot_hash="1")


@pytest.mark.parametrize(
    ("value", "table", "text"),
    [
        (True, Table.BOOLEAN_METRIC_FEEDBACK, "true"),
        (False, Table.BOOLEAN_METRIC_FEEDBACK, "false"),
        (1, Table.FLOAT_METRIC_FEEDBACK, "1"),
        (0.5, Table.FLOAT_METRIC_FEEDBACK, "0.5"),
    ],
)
def test_tables(value: bool | float, table: Table, text: str) -> None:
    """A boolean is no number, and a person's row has the value as JSON text."""
    chosen, line = metric_row(row(value))
    assert chosen is table
    assert json.loads(line)["value"] == value
    chosen, line = human_row(row(value), HumanFeedback("d", "e"), "out")
    assert chosen is Table.STATIC_EVALUATION_HUMAN_FEEDBACK
    assert json.loads(line)["value"] == text
