"""Tests of `tzproxy.clickhouse.queries.parameters`, on the embedded engine."""

from __future__ import annotations

from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.queries.parameters import Parameters

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def test_equal_values_share_a_placeholder() -> None:
    """A value that is bound again is sent once; another type or another value is another placeholder."""
    parameters = Parameters()
    bound = [
        parameters.bind(value, kind)
        for value, kind in ((1, "UInt8"), (1, "UInt8"), (1, "UInt64"), ("1", "UInt8"))
    ]
    assert bound == ["{p0:UInt8}", "{p0:UInt8}", "{p1:UInt64}", "{p2:UInt8}"]
    assert parameters.values == {"p0": 1, "p1": 1, "p2": "1"}


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), number=st.floats(allow_nan=False, allow_infinity=False))
def test_values_arrive_as_they_are(client: StoreClient, texts: list[str], number: float) -> None:
    """Quotes, backslashes, braces, line breaks and numbers reach the engine unchanged."""
    parameters = Parameters()
    columns = [f"{parameters.bind(text, 'String')} AS t{index}" for index, text in enumerate(texts)]
    columns.append(f"{parameters.bind(number, 'Float64')} AS number")
    (row,) = client.query(f"SELECT {', '.join(columns)}", parameters.values)
    assert [row[f"t{index}"] for index in range(len(texts))] == texts
    assert float(row["number"]) == number


def test_a_nul_does_not_end_a_text(client: StoreClient) -> None:
    """A text is not taken for its beginning."""
    parameters = Parameters()
    text = parameters.bind("v\0w", "String")
    sql = f"SELECT {text} = 'v' AS same, length({text}) AS size, position('uv\\0w', {text}) AS place"
    assert client.query(sql, parameters.values) == [{"same": 0, "size": "3", "place": "2"}]


def test_ids_and_pages(client: StoreClient) -> None:
    """Ids are found among numbers, none among none; a page begins where the one before ended."""
    ids = [UUID(int=number << 64) for number in range(1, 4)]
    listed = ", ".join(f"toUInt128('{id.int}')" for id in ids)
    for wanted, limit, offset, found in ((ids[:2], 5, 0, 2), ([], 5, 0, 0), (ids, 2, 2, 1), (ids, 0, 0, 0)):
        parameters = Parameters()
        sql = f"SELECT arrayJoin([{listed}]) AS number WHERE {parameters.among('number', wanted)}"
        rows = client.query(sql + " ORDER BY number" + parameters.cut(limit, offset), parameters.values)
        assert len(rows) == found
