"""Tests of `tzproxy.clickhouse.queries.datapoint_pages`: statements and their values."""

from __future__ import annotations

import pytest

from tzproxy.clickhouse.queries.datapoint_pages import PageQuery, page_statement
from tzproxy.errors import RequestError
from tzproxy.types.filters import (
    AndFilter,
    BooleanMetricFilter,
    OrderByRelevance,
    OrderByTimestamp,
    TagFilter,
)

ODD = [f"'; DROP TABLE x{number}; --" for number in range(5)]


def test_values_are_bound() -> None:
    """Nothing of a request becomes part of the statement's text."""
    name, function, key, value, term = ODD
    tag = TagFilter(key=key, value=value, comparison_operator="=")
    statement = page_statement(
        PageQuery(dataset_name=name, function_name=function, filter=tag, search=term, limit=7, offset=9)
    )
    assert "DROP" not in statement.sql
    assert {*ODD, 7, 9} <= set(statement.parameters.values())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("terms", "order"),
    [
        ((), "at DESC, toUInt128(id) DESC"),
        ((OrderByTimestamp(direction="ascending"),), "at ASC, toUInt128(id) ASC"),
        ((OrderByRelevance(direction="descending"),), "relevance DESC, at DESC, toUInt128(id) DESC"),
        (
            (OrderByRelevance(direction="ascending"), OrderByTimestamp(direction="descending")),
            "relevance ASC, at DESC, toUInt128(id) DESC",
        ),
    ],
)
def test_orders(terms: tuple[OrderByTimestamp | OrderByRelevance, ...], order: str) -> None:
    """The wanted terms come first; time and id make every order a full one."""
    statement = page_statement(PageQuery(dataset_name="d", search="x", order_by=terms))
    assert f" ORDER BY {order} LIMIT" in statement.sql


def test_no_limit() -> None:
    """All datapoints are asked for without a limit, and wide columns only by a search."""
    statement = page_statement(PageQuery(dataset_name="d", limit=None))
    assert "LIMIT" not in statement.sql
    assert "input" not in statement.sql


def test_metrics() -> None:
    """Datapoints have no metrics: the place in the tree is told."""
    metric = BooleanMetricFilter(metric_name="m", value=True)
    with pytest.raises(RequestError, match=r"^filter\.children\[0\]: metrics cannot be asked here$"):
        page_statement(PageQuery(dataset_name="d", filter=AndFilter(children=[metric])))
