"""Statements that say which datapoints a page holds: their keys only, in order. Cold. Asks nothing itself.

A page is found by narrow columns and its rows are read by their keys afterwards: inputs and outputs are most
of a table, and a page needs few of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tzproxy.clickhouse.queries.filters import FilterColumns, FilterCompiler
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.types.datapoints import Kind
from tzproxy.types.filters import DatapointOrderBy, InferenceFilter, OrderByRelevance

TABLES: dict[Kind, str] = {"chat": "ChatInferenceDatapoint", "json": "JsonInferenceDatapoint"}
COLUMNS = FilterColumns(microseconds="toUnixTimestamp64Micro(updated_at)", tags="tags")
LIVE = "dataset_name = {dataset_name:String} AND staled_at IS NULL"
OF_FUNCTION = " AND function_name = {function_name:String}"
NEWEST_FIRST = "toUInt128(id) DESC"
OCCURRENCES = (
    "countSubstringsCaseInsensitiveUTF8(input, {text}) + "
    "countSubstringsCaseInsensitiveUTF8(ifNull(output, ''), {text})"
)


class PageQuery(Struct, frozen=True, kw_only=True):
    """Which live datapoints of a dataset, in which order. `limit` None: all of them."""

    dataset_name: str
    function_name: str | None = None
    filter: InferenceFilter | None = None
    search: str | None = None
    """Text that has to occur in input or output, whatever its case, as it stands within their JSON."""
    order_by: Sequence[DatapointOrderBy] = ()
    newest_first: bool = False
    """By ids, whatever was changed later; `order_by` is not looked at."""
    limit: int | None = 20
    offset: int = 0


class Statement(Struct, frozen=True):
    """A statement and its values."""

    sql: str
    parameters: dict[str, object]


def page_statement(query: PageQuery) -> Statement:
    """Write the statement that yields `kind`, `function_name` and `id` of a page's datapoints.

    Raises:
        RequestError: for a filter that is too large, or asks what datapoints do not have.
    """
    parameters = Parameters()
    condition = LIVE
    parameters.values["dataset_name"] = query.dataset_name
    if query.function_name is not None:
        condition += OF_FUNCTION
        parameters.values["function_name"] = query.function_name
    if query.filter is not None:
        condition += " AND " + FilterCompiler(COLUMNS, parameters).compile(query.filter, "filter")
    relevance = "0"
    if query.search is not None:
        relevance = OCCURRENCES.replace("{text}", parameters.bind(query.search, "String"))
        condition += f" AND ({relevance}) > 0"
    if not any(isinstance(term, OrderByRelevance) for term in query.order_by):
        relevance = "0"
    parts = " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, function_name, id, updated_at AS at, {relevance} AS relevance "
        f"FROM {table} FINAL WHERE {condition}"
        for kind, table in TABLES.items()
    )
    limit = ""
    if query.limit is not None or query.offset:
        size = parameters.bind(2**32 - 1 if query.limit is None else query.limit, "UInt32")
        limit = f" LIMIT {size} OFFSET {parameters.bind(query.offset, 'UInt32')}"
    order = NEWEST_FIRST if query.newest_first else _order(query.order_by)
    sql = f"SELECT kind, function_name, id FROM ({parts}) ORDER BY {order}{limit}"
    return Statement(sql, parameters.values)


def _order(terms: Sequence[DatapointOrderBy]) -> str:
    written = [
        f"{'relevance' if isinstance(term, OrderByRelevance) else 'at'} "
        f"{'ASC' if term.direction == 'ascending' else 'DESC'}"
        for term in terms
    ]
    times = [term.direction for term in terms if not isinstance(term, OrderByRelevance)]
    if not times:
        written.append("at DESC")
    # What one request has written has one time: ids follow its direction. UUIDs do not compare by their time.
    direction = "ASC" if times[:1] == ["ascending"] else "DESC"
    return ", ".join([*written, f"toUInt128(id) {direction}"])
