"""Tests of `tzproxy.clickhouse.queries.inference_query`: what can be asked, and the texts of refusals."""

from __future__ import annotations

from uuid import UUID

import pytest

from tzproxy.clickhouse.queries.inference_query import (
    FunctionType,
    InferenceQuery,
    ids_query,
    listing_query,
    selection_query,
)
from tzproxy.errors import NotFoundError, RequestError
from tzproxy.types.filters import DemonstrationFilter, OrderByMetric, OrderByRelevance, OrderByTimestamp
from tzproxy.types.listing import InferenceListing, InferenceSelection

FUNCTIONS: dict[str, FunctionType] = {"f": "chat", "j": "json"}
ID = UUID("01900000-0000-7000-8000-000000000001")
BY_TIME = OrderByTimestamp(direction="ascending")
BY_METRIC = OrderByMetric(name="m", direction="ascending")
BY_RELEVANCE = OrderByRelevance(direction="descending")


def test_defaults() -> None:
    """Twenty inferences with their own outputs are asked for, unless told otherwise."""
    assert listing_query(InferenceListing(), FUNCTIONS) == InferenceQuery(limit=20, order_by=[])
    assert listing_query(InferenceListing(limit=0), FUNCTIONS).limit == 0
    assert listing_query(InferenceListing(), FUNCTIONS, default_limit=None).limit is None
    query = listing_query(InferenceListing(function_name="j", output_source="none", offset=3), FUNCTIONS)
    assert (query.function_type, query.output_source, query.offset) == ("json", "none", 3)


def test_the_older_name_of_filters() -> None:
    """`filter` counts where there is no `filters`."""
    shown, hidden = DemonstrationFilter(has_demonstration=True), DemonstrationFilter(has_demonstration=False)
    assert selection_query(InferenceSelection(filter=shown), FUNCTIONS).filters == shown
    assert selection_query(InferenceSelection(filter=shown, filters=hidden), FUNCTIONS).filters == hidden


@pytest.mark.parametrize(
    ("listing", "message"),
    [
        (InferenceListing(before=ID, after=ID), "Cannot specify both 'before' and 'after' parameters"),
        (
            InferenceListing(before=ID, offset=0),
            "Cannot use 'offset' with cursor pagination ('before' or 'after')",
        ),
        (
            InferenceListing(after=ID, order_by=[BY_TIME, BY_METRIC]),
            "Cannot order by metric 'm'; only ordering by timestamp is supported with before/after "
            "pagination.",
        ),
        (
            InferenceListing(after=ID, search_query_experimental="x", order_by=[BY_RELEVANCE]),
            "Cannot order by search relevance; only ordering by timestamp is supported with before/after "
            "pagination.",
        ),
        (
            InferenceListing(order_by=[BY_METRIC]),
            "ORDER BY metric 'm' is not supported when querying without function_name",
        ),
        (
            InferenceListing(order_by=[BY_RELEVANCE]),
            "ORDER BY relevance requires search_query_experimental in the request",
        ),
        (
            InferenceListing(function_name="f", order_by=[BY_RELEVANCE]),
            "ORDER BY search_relevance requires search_query_experimental to be provided",
        ),
    ],
)
def test_refusals(listing: InferenceListing, message: str) -> None:
    """Pages and orders that do not go together are refused."""
    with pytest.raises(RequestError) as refused:
        listing_query(listing, FUNCTIONS)
    assert (refused.value.status, refused.value.message) == (400, message)


def test_unknown_functions() -> None:
    """A function that is not configured is not found, in all kinds of requests."""
    for ask in (
        lambda: listing_query(InferenceListing(function_name="g"), FUNCTIONS),
        lambda: selection_query(InferenceSelection(function_name="g"), FUNCTIONS),
        lambda: ids_query([ID], FUNCTIONS, function_name="g"),
    ):
        with pytest.raises(NotFoundError, match="^Unknown function: g$"):
            ask()
    assert ids_query([ID], FUNCTIONS, function_name="f").ids == [ID]
