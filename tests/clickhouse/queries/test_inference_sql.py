"""Tests of `tzproxy.clickhouse.queries.inference_sql`: which tables are asked, and that no value becomes SQL.

What the statements find is tested with `inferences`.
"""

from __future__ import annotations

from uuid import UUID

from tzproxy.clickhouse.queries.inference_query import InferenceQuery
from tzproxy.clickhouse.queries.inference_sql import (
    all_rows_statement,
    count_statement,
    keys_statement,
    rows_statement,
)
from tzproxy.config.functions import MetricConfig
from tzproxy.types.filters import FloatMetricFilter, OrderByMetric, TagFilter

ODD = "it's {p0:String} \\ `"
METRICS = {ODD: MetricConfig(type="float", optimize="max", level="inference")}
TAGGED = TagFilter(key=ODD, value=ODD, comparison_operator="=")
RATED = FloatMetricFilter(metric_name=ODD, value=0.5, comparison_operator="=")
ID = UUID("01900000-0000-7000-8000-000000000001")


def test_a_page_is_found_where_rows_lie_in_order_of_time() -> None:
    """Only tags and texts need the inference tables, and a function one of them."""
    plain = InferenceQuery(limit=1, filters=RATED)
    assert "ChatInference" not in keys_statement(plain, METRICS).sql
    for query in (InferenceQuery(limit=1, filters=TAGGED), InferenceQuery(limit=1, search="x")):
        sql = keys_statement(query, METRICS).sql
        assert "InferenceById" not in sql and "ChatInference" in sql and "JsonInference" in sql
    own = InferenceQuery(limit=1, filters=TAGGED, function_name="f", function_type="json")
    assert "ChatInference" not in keys_statement(own, METRICS).sql


def test_values_are_parameters() -> None:
    """No name, text or number of a request stands in a statement."""
    query = InferenceQuery(
        function_name=ODD,
        function_type="chat",
        variant_name=ODD,
        episode_id=ID,
        search=ODD,
        filters=TAGGED,
        order_by=[OrderByMetric(name=ODD, direction="ascending")],
        limit=77,
        offset=78,
        before=ID,
    )
    for make in (keys_statement, all_rows_statement, count_statement):
        statement = make(query, METRICS)
        assert ODD not in statement.sql and str(ID) not in statement.sql
        assert "77" not in statement.sql and "78" not in statement.sql
        assert ODD in statement.params.values()


def test_rows_are_read_from_the_tables_that_the_page_needs() -> None:
    """A page of one kind of function reads one table."""
    both = rows_statement(InferenceQuery(), {"chat", "json"}).sql
    assert "FROM ChatInference" in both and "FROM JsonInference" in both
    assert "ChatInference" not in rows_statement(InferenceQuery(), {"json"}).sql
