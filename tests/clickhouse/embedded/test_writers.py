"""Connections kept from one INSERT to the next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tzproxy.clickhouse.embedded.engine import Engine, EngineError
from tzproxy.clickhouse.embedded.writers import TOKEN_SETTING, Writers


class _Connection:
    """Remembers what was done with it."""

    def __init__(self) -> None:
        self.done: list[object] = []

    def use(self, database: str) -> None:
        self.done.append(database)

    def set(self, settings: Mapping[str, str]) -> None:
        self.done.append(dict(settings))

    def close(self) -> None:
        self.done.append("closed")


@pytest.fixture
def opened() -> list[_Connection]:
    """All connections that were opened."""
    return []


@pytest.fixture
def writers(opened: list[_Connection]) -> Writers[_Connection]:
    """Two are kept."""

    def open_one() -> _Connection:
        opened.append(_Connection())
        return opened[-1]

    return Writers(open_one, 2)


def test_only_the_token_is_set_again(writers: Writers[_Connection], opened: list[_Connection]) -> None:
    """The next insert with the same settings finds the connection; without a token it has none."""
    for settings in ({"a": "1", TOKEN_SETTING: "x"}, {TOKEN_SETTING: "y", "a": "1"}, {"a": "1"}):
        with writers.connection("db", settings) as connection:
            assert connection is opened[0]
    tokens = [{TOKEN_SETTING: token} for token in ("x", "y", "")]
    assert opened[0].done == ["db", {"a": "1"}, *tokens]


def test_others_never_share(writers: Writers[_Connection], opened: list[_Connection]) -> None:
    """Another database, another value, a setting more or a user at the same time: another connection."""
    with writers.connection("db", {"a": "1"}), writers.connection("db", {"a": "1"}):
        pass
    for database, settings in (("other", {"a": "1"}), ("db", {"a": "2"}), ("db", {"a": "1", "b": "1"})):
        with writers.connection(database, settings) as connection:
            assert connection is opened[-1]
    assert len(opened) == 5
    # The two that were used last are kept.
    assert [connection.done[-1] == "closed" for connection in opened] == [True, True, True, False, False]
    writers.close()
    assert all(connection.done.count("closed") == 1 for connection in opened)


def test_a_connection_that_saw_an_error_is_not_kept(
    writers: Writers[_Connection], opened: list[_Connection]
) -> None:
    """Whatever the error left behind, nobody finds it."""
    with pytest.raises(ZeroDivisionError), writers.connection("db", {}):
        raise ZeroDivisionError
    with writers.connection("db", {}):
        pass
    assert len(opened) == 2
    assert opened[0].done[-1] == "closed"


def test_the_engine_stores_through_them(tmp_path: Path) -> None:
    """Rows arrive, a token counts for its own insert only, and a database made anew is the one meant."""
    engine = Engine(tmp_path / "clickhouse")

    def insert(token: str) -> None:
        with engine.writer("d", {"async_insert": "0", TOKEN_SETTING: token}) as writer:
            writer.insert("INSERT INTO t", "CSV", [b"1\n"])

    def run(sql: str) -> bytes:
        with engine.session() as session:
            return session.run(sql, "TSV", {}, streams=False).body.read()

    create = "CREATE TABLE d.t (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS "
    for _ in range(2):
        run("CREATE DATABASE d ENGINE = Atomic")
        run(create + "non_replicated_deduplication_window = 100")
        for token in ("x", "y", "x", "y"):
            insert(token)
        assert run("SELECT count() FROM d.t") == b"2\n"
        run("DROP DATABASE d SYNC")
        with pytest.raises(EngineError):
            insert("z")
    engine.close()
