"""SQL of lists of stored inferences. Cold. Makes texts and parameters; runs nothing.

A list is read in two steps. The first finds which inferences stand on the page and in which order, looking
at short columns only: for most questions in `InferenceById`, whose rows lie in order of time, else (tags,
search) in the inference tables. The second reads whole rows, which are long, by their table's sorting key. A
long list is read in one statement, sorted on the server's disk.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.queries.filters import LATEST, FilterColumns, FilterCompiler, find_metric, uses_tags
from tzproxy.clickhouse.queries.inference_query import FunctionType, InferenceQuery
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.config.functions import MetricConfig
from tzproxy.types.filters import OrderBy, OrderByMetric, OrderByTimestamp

SENT = "_sent"
"""The table that goes along with a statement: ids that are asked for, or the keys of a page."""

SENT_KEYS = (
    "type String",
    "function_name String",
    "variant_name String",
    "episode_id UUID",
    "id UUID",
    "position UInt64",
)
SENT_IDS = ("id UUID",)
ENCODER = msgspec.json.Encoder()


class Source(Struct, frozen=True, kw_only=True):
    """A table that a list can be found in."""

    table: str
    id_uint: str
    """The id as a number that grows with time."""
    type: str
    """SQL of the kind of function."""
    timestamp: str
    """Time in whole seconds."""
    columns: FilterColumns


def _inferences(table: str, kind: FunctionType) -> Source:
    return Source(
        table=table,
        id_uint="toUInt128(i.id)",
        type=f"'{kind}'",
        timestamp="i.timestamp",
        columns=FilterColumns(
            microseconds="toInt64(toUnixTimestamp(i.timestamp)) * 1000000",
            tags="i.tags",
            inference="i.id",
            episode="i.episode_id",
        ),
    )


CHAT = _inferences("ChatInference", "chat")
JSON = _inferences("JsonInference", "json")
# The first 48 bits of an id are milliseconds since 1970.
_SECONDS = "toInt64(intDiv(bitShiftRight(i.id_uint, 80), 1000))"
BY_ID = Source(
    table="InferenceById",
    id_uint="i.id_uint",
    type="toString(i.function_type)",
    timestamp=_SECONDS,
    columns=FilterColumns(
        microseconds=f"{_SECONDS} * 1000000",
        inference="i.id_uint",
        episode="i.episode_id",
        as_key="toUInt128({})",
    ),
)
_BY_TYPE: dict[FunctionType, Source] = {"chat": CHAT, "json": JSON}

_SHARED = ("id", "function_name", "variant_name", "episode_id", "input", "inference_params")
_MEASURED = ("processing_time_ms", "ttft_ms", "tags", "extra_body")
_CHAT_ONLY = {
    "tool_params": "''",
    "dynamic_tools": "CAST([], 'Array(String)')",
    "dynamic_provider_tools": "CAST([], 'Array(String)')",
    "allowed_tools": "NULL",
    "tool_choice": "NULL",
    "parallel_tool_calls": "NULL",
}
"""Columns of ChatInference, and what stands in their place for a JSON function."""


class Statement(Struct, frozen=True, kw_only=True):
    """A SELECT and its values."""

    sql: str
    params: Mapping[str, object]


def keys_statement(query: InferenceQuery, metrics: Mapping[str, MetricConfig]) -> Statement:
    """Find which inferences stand on a page: `SENT_KEYS` of each.

    Raises:
        RequestError: for unknown metrics and trees that are too large.
    """
    made = _Builder(query, metrics)
    found = made.page("function_name", "variant_name", "episode_id")
    sql = (
        "SELECT type, function_name, variant_name, episode_id, uint_to_uuid(id_uint) AS id,"
        f" rowNumberInAllBlocks() AS position FROM ({found})"
    )
    return Statement(sql=sql, params=made.parameters.values)


def rows_statement(query: InferenceQuery, types: Collection[str]) -> Statement:
    """Read the rows of the keys that are sent along. `types`: the kinds of function among them."""
    latest = (
        f"SELECT inference_id, {LATEST} AS latest FROM DemonstrationFeedback"
        f" WHERE inference_id IN (SELECT id FROM {SENT}) GROUP BY inference_id"
    )
    arms = [
        f"SELECT {_row_columns(source, query)}, p.position AS position FROM {source.table} AS i"
        f" INNER JOIN {SENT} AS p ON p.id = i.id"
        + (
            f" INNER JOIN ({latest}) AS d ON d.inference_id = i.id"
            if query.output_source == "demonstration"
            else ""
        )
        + " WHERE (i.function_name, i.variant_name, i.episode_id, i.id) IN"
        f" (SELECT function_name, variant_name, episode_id, id FROM {SENT} WHERE type = {source.type})"
        for kind, source in _BY_TYPE.items()
        if kind in types
    ]
    direction = "DESC" if query.after is not None else "ASC"
    sql = f"SELECT * EXCEPT (position) FROM ({' UNION ALL '.join(arms)}) ORDER BY position {direction}"
    return Statement(sql=sql, params={})


def all_rows_statement(query: InferenceQuery, metrics: Mapping[str, MetricConfig]) -> Statement:
    """Read whole rows in one step, for long lists. Raises as `keys_statement` does."""
    made = _Builder(query, metrics)
    sql = f"SELECT * EXCEPT (id_uint) FROM ({made.whole_page()})"
    return Statement(sql=sql, params=made.parameters.values)


def count_statement(query: InferenceQuery, metrics: Mapping[str, MetricConfig]) -> Statement:
    """Count, whatever the page. Raises as `keys_statement` does."""
    made = _Builder(query, metrics)
    arms = [
        f"SELECT count() AS n FROM {source.table} AS i WHERE {made.where(source)}" for source in made.tables
    ]
    sql = f"SELECT toString(sum(n)) AS count FROM ({' UNION ALL '.join(arms)})"
    return Statement(sql=sql, params=made.parameters.values)


def episodes_condition(
    query: InferenceQuery, metrics: Mapping[str, MetricConfig], parameters: Parameters
) -> str:
    """Return a SELECT of the episodes, as numbers, that hold an inference of a list."""
    made = _Builder(query, metrics, parameters)
    return " UNION ALL ".join(
        f"SELECT toUInt128(i.episode_id) FROM {source.table} AS i WHERE {made.where(source)}"
        for source in made.sources
    )


def _row_columns(source: Source, query: InferenceQuery) -> str:
    columns = [f"{source.type} AS type", *(f"i.{name} AS {name}" for name in (*_SHARED, *_MEASURED))]
    columns += [
        f"{f'i.{name}' if source is CHAT else absent} AS {name}" for name, absent in _CHAT_ONLY.items()
    ]
    columns.append(f"{chr(39) * 2 if source is CHAT else 'i.output_schema'} AS output_schema")
    columns.append("formatDateTime(i.timestamp, '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS timestamp")
    columns.append("toString(i.snapshot_hash) AS snapshot_hash")
    if query.output_source == "demonstration":
        columns += ["d.latest AS output", "i.output AS dispreferred_output"]
    elif query.output_source == "inference":
        columns.append("i.output AS output")
    return ", ".join(columns)


class _Builder:
    """Puts one statement together."""

    def __init__(
        self, query: InferenceQuery, metrics: Mapping[str, MetricConfig], parameters: Parameters | None = None
    ) -> None:
        self.parameters = Parameters() if parameters is None else parameters
        self._query = query
        self._metrics = metrics
        kind = query.function_type
        self.tables = tuple(_BY_TYPE.values()) if kind is None else (_BY_TYPE[kind],)
        """The tables of the rows."""
        by_id = query.search is None and not uses_tags(query.filters)
        self.sources = (BY_ID,) if by_id else self.tables
        """The tables in which the list can be found."""

    def page(self, *columns: str) -> str:
        """Find the page: `type`, the columns, and `id_uint`, in the order in which they are cut out.

        With `after` that is from the list's other end.
        """
        query, bind = self._query, self.parameters.bind
        selected = "".join(f", i.{name} AS {name}" for name in columns)
        arms = [
            self._arm(source, f"{source.type} AS type{selected}", "", self.where(source))
            for source in self.sources
        ]
        sql = self._ordered(arms, inverted=query.after is not None)
        if query.limit is not None:
            sql += f" LIMIT {bind(query.limit, 'UInt64')}"
        if query.offset:
            sql += f" OFFSET {bind(query.offset, 'UInt64')}"
        return sql

    def whole_page(self) -> str:
        """Find whole rows, and `id_uint`, in order: of all the list, or of its page."""
        query = self._query
        joins = page = ""
        if query.limit is not None or query.offset:
            # PERF: only what is on the page is sorted with all its columns (benchmarks.lists).
            page = f" AND i.id IN (SELECT uint_to_uuid(id_uint) FROM ({self.page()}))"
        if query.output_source == "demonstration":
            latest = (
                f"SELECT inference_id, {LATEST} AS latest FROM DemonstrationFeedback GROUP BY inference_id"
            )
            joins = f" INNER JOIN ({latest}) AS d ON d.inference_id = i.id"
        arms = [
            self._arm(
                source,
                _row_columns(source, query),
                joins,
                self._scope(source) + page if page else self.where(source),
            )
            for source in self.tables
        ]
        return self._ordered(arms, inverted=False)

    def _ordered(self, arms: Sequence[str], *, inverted: bool) -> str:
        """Order what the arms find. `inverted`: from the other end."""
        order_by = self._query.order_by
        terms = [
            f"s{number} {_sorting(term.direction == 'descending', inverted)} NULLS LAST"
            for number, term in enumerate(order_by)
        ]
        terms.append(f"id_uint {_sorting(True, inverted)}")
        hidden = ", ".join(f"s{number}" for number in range(len(order_by)))
        columns = f"* EXCEPT ({hidden})" if hidden else "*"
        return f"SELECT {columns} FROM ({' UNION ALL '.join(arms)}) ORDER BY {', '.join(terms)}"

    def _arm(self, source: Source, columns: str, joins: str, where: str) -> str:
        """Find inferences in one table, unordered: the columns, `id_uint`, and what they are ordered by."""
        selected = [columns, f"{source.id_uint} AS id_uint"]
        for number, term in enumerate(self._query.order_by):
            selected.append(f"{self._term(source, term, number)} AS s{number}")
            if isinstance(term, OrderByMetric):
                joins += self._join_metric(source, term, number)
        return f"SELECT {', '.join(selected)} FROM {source.table} AS i{joins} WHERE {where}"

    def _scope(self, source: Source) -> str:
        """Return the conditions that say where in a table rows lie."""
        query, bind = self._query, self.parameters.bind
        conditions = ["true"]
        if query.function_name is not None:
            conditions.append(f"i.function_name = {bind(query.function_name, 'String')}")
        if query.variant_name is not None:
            conditions.append(f"i.variant_name = {bind(query.variant_name, 'String')}")
        if query.episode_id is not None:
            episode = bind(str(query.episode_id), "UUID")
            conditions.append(f"i.episode_id = {episode}")
            if source is BY_ID:
                conditions.append(
                    "i.id_uint IN (SELECT id_uint FROM InferenceByEpisodeId"
                    f" WHERE episode_id_uint = toUInt128({episode}))"
                )
        return " AND ".join(conditions)

    def where(self, source: Source) -> str:
        """Return the conditions on a row."""
        query, bind, columns = self._query, self.parameters.bind, source.columns
        conditions = [self._scope(source)]
        if query.before is not None:
            conditions.append(f"{source.id_uint} < toUInt128({bind(str(query.before), 'UUID')})")
        if query.after is not None:
            conditions.append(f"{source.id_uint} > toUInt128({bind(str(query.after), 'UUID')})")
        if query.ids is not None:
            conditions.append(f"{columns.inference} IN (SELECT {columns.as_key.format('id')} FROM {SENT})")
        if query.output_source == "demonstration":
            target = columns.as_key.format("inference_id")
            conditions.append(f"{columns.inference} IN (SELECT {target} FROM DemonstrationFeedback)")
        if query.filters is not None:
            compiler = FilterCompiler(columns, self.parameters, self._metrics)
            conditions.append(compiler.compile(query.filters))
        if query.search is not None:
            conditions.append(self._search(query.search))
        return " AND ".join(conditions)

    def _search(self, text: str) -> str:
        if not text:
            return "false"
        needle = self.parameters.bind(_as_stored(text), "String")
        # PERF: a quarter faster than looking for its position, and faster than counting (benchmarks.lists).
        find = "multiSearchAnyCaseInsensitiveUTF8"
        return f"({find}(i.input, [{needle}]) OR {find}(i.output, [{needle}]))"

    def _relevance(self) -> str:
        text = self._query.search or ""
        needle = self.parameters.bind(_as_stored(text), "String")
        count = "countSubstringsCaseInsensitiveUTF8"
        return f"{count}(i.input, {needle}) + {count}(i.output, {needle})"

    def _term(self, source: Source, term: OrderBy, number: int) -> str:
        if isinstance(term, OrderByTimestamp):
            return source.timestamp
        if isinstance(term, OrderByMetric):
            return f"m{number}.latest"
        return self._relevance()

    def _join_metric(self, source: Source, term: OrderByMetric, number: int) -> str:
        metric = find_metric(term.name, self._metrics)
        table = "FloatMetricFeedback" if metric.type == "float" else "BooleanMetricFeedback"
        subject, target = source.columns.target(metric)
        name = self.parameters.bind(term.name, "String")
        return (
            f" LEFT JOIN (SELECT {target} AS target, toNullable({LATEST}) AS latest FROM {table}"
            f" WHERE metric_name = {name} GROUP BY target_id) AS m{number} ON m{number}.target = {subject}"
        )


def _sorting(descending: bool, inverted: bool) -> str:
    return "DESC" if descending is not inverted else "ASC"


def _as_stored(text: str) -> str:
    """Write a text as it stands inside of stored JSON."""
    return ENCODER.encode(text)[1:-1].decode()
