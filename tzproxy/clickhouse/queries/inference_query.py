"""What a list of stored inferences is made of, checked. Cold. The SQL is in `inference_sql`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal
from uuid import UUID

from msgspec import Struct

from tzproxy.errors import NotFoundError, RequestError
from tzproxy.types.filters import InferenceFilter, OrderBy, OrderByMetric, OrderByRelevance
from tzproxy.types.listing import InferenceListing, InferenceSelection, OutputSource

FunctionType = Literal["chat", "json"]
DEFAULT_LIMIT = 20


class InferenceQuery(Struct, frozen=True, kw_only=True):
    """A list that can be read: names exist, pages and orders go together."""

    function_name: str | None = None
    function_type: FunctionType | None = None
    """Set together with the name."""
    variant_name: str | None = None
    episode_id: UUID | None = None
    output_source: OutputSource = "inference"
    filters: InferenceFilter | None = None
    search: str | None = None
    order_by: Sequence[OrderBy] = ()
    """Inferences that are equal in all of these follow newest first."""
    limit: int | None = None
    """None: all of them."""
    offset: int = 0
    before: UUID | None = None
    after: UUID | None = None
    ids: Sequence[UUID] | None = None
    """Only these; they need not exist."""


def selection_query(selection: InferenceSelection, functions: Mapping[str, FunctionType]) -> InferenceQuery:
    """Check which inferences are wanted; return a query for all of them.

    Raises:
        NotFoundError: for an unknown function.
    """
    return InferenceQuery(
        function_name=selection.function_name,
        function_type=_function_type(selection.function_name, functions),
        variant_name=selection.variant_name,
        episode_id=selection.episode_id,
        output_source=selection.output_source or "inference",
        filters=selection.filters if selection.filters is not None else selection.filter,
        search=selection.search_query_experimental,
    )


def listing_query(
    listing: InferenceListing,
    functions: Mapping[str, FunctionType],
    *,
    default_limit: int | None = DEFAULT_LIMIT,
) -> InferenceQuery:
    """Check a list that is asked for. Metric names are checked when the SQL is made.

    Args:
        listing: the request.
        functions: the type of every function by name, that of inferences without a function included.
        default_limit: how many where the request does not say; None: all.

    Raises:
        NotFoundError: for an unknown function.
        RequestError: for pages or orders that do not go together.
    """
    order_by = listing.order_by or []
    _check_page(listing, order_by)
    query = selection_query(listing, functions)
    for term in order_by:
        if isinstance(term, OrderByMetric) and query.function_name is None:
            raise RequestError(
                f"ORDER BY metric '{term.name}' is not supported when querying without function_name"
            )
        if isinstance(term, OrderByRelevance) and query.search is None:
            raise RequestError(
                "ORDER BY relevance requires search_query_experimental in the request"
                if query.function_name is None
                else "ORDER BY search_relevance requires search_query_experimental to be provided"
            )
    fields = {name: getattr(query, name) for name in query.__struct_fields__}
    page = {
        "order_by": order_by,
        "limit": default_limit if listing.limit is None else listing.limit,
        "offset": listing.offset or 0,
        "before": listing.before,
        "after": listing.after,
    }
    return InferenceQuery(**{**fields, **page})


def ids_query(
    ids: Sequence[UUID],
    functions: Mapping[str, FunctionType],
    *,
    function_name: str | None = None,
    output_source: OutputSource = "inference",
) -> InferenceQuery:
    """Ask for inferences by their ids.

    Raises:
        NotFoundError: for an unknown function.
    """
    return InferenceQuery(
        ids=ids,
        function_name=function_name,
        function_type=_function_type(function_name, functions),
        output_source=output_source,
    )


def _function_type(name: str | None, functions: Mapping[str, FunctionType]) -> FunctionType | None:
    if name is None:
        return None
    if name not in functions:
        raise NotFoundError(f"Unknown function: {name}")
    return functions[name]


def _check_page(listing: InferenceListing, order_by: Sequence[OrderBy]) -> None:
    if listing.before is None and listing.after is None:
        return
    if listing.before is not None and listing.after is not None:
        raise RequestError("Cannot specify both 'before' and 'after' parameters")
    if listing.offset is not None:
        raise RequestError("Cannot use 'offset' with cursor pagination ('before' or 'after')")
    for term in order_by:
        if isinstance(term, OrderByMetric):
            raise RequestError(
                f"Cannot order by metric '{term.name}'; only ordering by timestamp is supported with "
                "before/after pagination."
            )
        if isinstance(term, OrderByRelevance):
            raise RequestError(
                "Cannot order by search relevance; only ordering by timestamp is supported with "
                "before/after pagination."
            )
