"""The engine inside this process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore, frugality
from tzproxy.clickhouse.embedded.engine import Engine, EngineError, EngineLimits, Result
from tzproxy.errors import StoreError

pytest.importorskip("chdb", reason="the embedded extra is not installed")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine on a directory whose name needs care."""
    engine = Engine(tmp_path / "a b+ü&x=%41" / "clickhouse", EngineLimits(reads=2, writes=1, wait_s=0.1))
    yield engine
    engine.close()


def _text(result: Result) -> str:
    with result.body:
        return result.body.read().decode()


def test_sessions_are_strangers(engine: Engine) -> None:
    """Settings, database and temporary tables of one session are unknown to another."""
    with engine.session() as one, engine.session() as other:
        one.use("system")
        one.set({"max_block_size": "99"})
        one.create_temporary("mine", "a UInt8", "CSV", b"1\n2\n")
        sql = "SELECT currentDatabase(), getSetting('max_block_size') = 99"
        assert _text(one.run(sql, "TSV", {}, streams=False)) == "system\t1\n"
        assert _text(other.run(sql, "TSV", {}, streams=False)) == "default\t0\n"
        assert _text(one.run("SELECT sum(a) FROM mine", "TSV", {}, streams=True)) == "3\n"
        with pytest.raises(EngineError, match="UNKNOWN_TABLE"):
            other.run("SELECT * FROM mine", "TSV", {}, streams=False)


def test_places_are_limited_apart(engine: Engine) -> None:
    """Readers beyond the limit are refused after a wait; writers have their own places; all come back."""
    with engine.session(), engine.session():
        with pytest.raises(EngineError, match="TOO_MANY_SIMULTANEOUS_QUERIES"), engine.session():
            pass
        with engine.session(writes=True):
            pass
    with engine.session():
        pass


@pytest.mark.parametrize(
    "fmt", ["Native", "RowBinary", "JSONEachRow", "JSONCompactEachRow", "TSV", "CSV", "JSON"]
)
def test_streaming_changes_no_byte(engine: Engine, fmt: str) -> None:
    """A result collected piece by piece is the result collected at once."""
    sql = "SELECT number, repeat('ü', 20) AS s, [number] AS l FROM numbers(150000)"
    settings = {"output_format_write_statistics": "0"}
    with engine.session() as session:
        session.set(settings)
        streamed = session.run(sql, fmt, {}, streams=True)
        whole = session.run(sql, fmt, {}, streams=False)
    with streamed.body, whole.body:
        data = whole.body.read()
        assert streamed.body.read() == data
        assert streamed.length_bytes == whole.length_bytes == len(data)


def test_a_broken_off_insert_leaves_nothing(engine: Engine) -> None:
    """When the data stops with an error nothing is stored and the session goes on."""

    def pieces() -> Iterator[bytes]:
        yield b"1\n2\n"
        raise ConnectionResetError

    with engine.session(writes=True) as session:
        session.run("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a", "Null", {}, streams=False)
        with pytest.raises(ConnectionResetError):
            session.insert("INSERT INTO t", "TSV", pieces())
        assert session.insert("INSERT INTO t", "TSV", [b"3\n", b"", b"4\n"]).written_rows == 2
        assert _text(session.run("SELECT groupArray(a) FROM t", "TSV", {}, streams=False)) == "[3,4]\n"


def test_inserts_take_parameters(engine: Engine) -> None:
    """Placeholders in an INSERT are filled as in any statement."""
    with engine.session(writes=True) as session:
        session.run("CREATE TABLE named (a UInt8) ENGINE = MergeTree ORDER BY a", "Null", {}, streams=False)
        done = session.insert("INSERT INTO {t:Identifier}", "TSV", [b"7\n"], {"t": "named"})
        assert done.written_rows == 1


def test_errors_have_one_form(engine: Engine) -> None:
    """Whatever the engine throws has its code, and no version that would be printed twice."""
    with engine.session() as session:
        for sql, code in (("SELECT 1 FORMAT Nothing", 73), ("SELEC", 62), ("SELECT x", 47)):
            with pytest.raises(EngineError) as caught:
                session.run(sql, "TSV", {}, streams=True)
            assert caught.value.clickhouse_code == code
            assert caught.value.message.startswith(f"Code: {code}. DB::Exception: ")
            assert "(version" not in caught.value.message


def test_a_process_opens_one_directory(engine: Engine, tmp_path: Path) -> None:
    """A second directory in the same process is refused with the engine's reason."""
    with pytest.raises(StoreError, match="already initialized"):
        Engine(tmp_path / "second" / "clickhouse")


def test_unusable_paths_are_named(tmp_path: Path) -> None:
    """A question mark would end the path for the engine."""
    with pytest.raises(StoreError, match="question mark"):
        Engine(tmp_path / "what?" / "clickhouse")


def test_a_store_may_run_inside_a_process(tmp_path: Path) -> None:
    """Tests may have the whole store without a second process."""
    with EmbeddedStore(tmp_path, in_process=True) as store:
        client = StoreClient(store.url)
        assert client.query("SELECT currentDatabase() AS name") == [{"name": "tensorzero"}]
        assert store.pid is None
        client.close()
    assert not store.alive()


def test_modules_are_hidden_only_if_the_engine_starts_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that turns out to need a module that we would rather not load gets it."""
    monkeypatch.setattr(frugality, "UNUSED_MODULES", ("colorsys", "antigravity"))
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)

    class Needy(Engine):
        """It needs a module when it opens a connection."""

        def _open(self) -> Any:
            import_module("colorsys")
            return super()._open()

    engine = Needy(tmp_path / "clickhouse", alone=True)
    engine.close()
    assert "antigravity" not in sys.modules
