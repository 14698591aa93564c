"""Tests of `tzproxy.cli.early`: commands that exit before the gateway would start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tzproxy.cli import early
from tzproxy.cli.early import EarlyExit, problem_of, run_migrations
from tzproxy.clickhouse.reconcile import MigrationReport
from tzproxy.errors import ConfigError, StoreUnavailableError

NOTHING = EarlyExit(
    validate=False,
    clickhouse_migrations=False,
    postgres_migrations=False,
    create_api_key=False,
    expiration=None,
    disable_api_key=None,
    migrate_config=None,
)


@pytest.mark.parametrize("flags", [{}, {"validate": True}, {"clickhouse_migrations": True}])
def test_single_commands_are_fine(flags: dict[str, object]) -> None:
    """One command at a time has no problem."""
    assert problem_of(msgspec.structs.replace(NOTHING, **flags)) is None


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (
            {"validate": True, "clickhouse_migrations": True},
            "the flags --validate-and-exit and --run-clickhouse-migrations exclude each other",
        ),
        (
            {"postgres_migrations": True, "create_api_key": True, "disable_api_key": "x"},
            "the flags --run-postgres-migrations and --create-api-key and --disable-api-key "
            "exclude each other",
        ),
        (
            {"migrate_config": "x", "clickhouse_migrations": True},
            "the flags --run-clickhouse-migrations and --migrate-config exclude each other",
        ),
        ({"expiration": "2030-01-01T00:00:00Z"}, "--expiration requires --create-api-key"),
        (
            {"postgres_migrations": True},
            "--run-postgres-migrations: tzproxy uses no Postgres, there is nothing to migrate",
        ),
        (
            {"migrate_config": "x"},
            "--migrate-config: a configuration in a database is not supported",
        ),
    ],
)
def test_combinations_and_commands_that_cannot_be(flags: dict[str, object], problem: str) -> None:
    """Commands exclude each other; what has no meaning here says so."""
    assert problem_of(msgspec.structs.replace(NOTHING, **flags)) == problem


class Stores:
    """Stands in for the store and its children."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepared: list[Any] = []
        self.started: list[Path] = []
        self.report = MigrationReport(database="db")
        self.failure: Exception | None = None
        monkeypatch.setattr(early, "prepare_store", self.prepare)
        monkeypatch.setattr("tzproxy.services.children.Children.start_store", self.start)

    def prepare(self, url: str, loaded: object, *, manual: bool) -> MigrationReport:
        """Note the store."""
        self.prepared.append((url, manual))
        if self.failure is not None:
            raise self.failure
        return self.report

    def start(self, data_dir: Path) -> str:
        """Note the embedded one."""
        self.started.append(data_dir)
        return "http://embedded"


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    """Stores that only note what is asked of them."""
    return Stores(monkeypatch)


def test_migrations_of_a_server(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a URL in the environment that server is migrated, by hand; its password is not printed."""
    monkeypatch.setenv("TENSORZERO_CLICKHOUSE_URL", "http://user:password@host:8123/db")
    assert run_migrations(tmp_path / "data", "pretty") == 0
    assert stores.prepared == [("http://user:password@host:8123/db", True)]
    assert stores.started == []
    assert not (tmp_path / "data").exists()
    assert "password" not in capsys.readouterr().err


def test_migrations_of_the_embedded_store(
    stores: Stores, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a URL the embedded store is started and migrated."""
    assert run_migrations(Path("data"), "pretty") == 0
    assert stores.started == [tmp_path / "data"]
    assert stores.prepared == [("http://embedded", True)]
    assert "db is up to date, nothing to do" in capsys.readouterr().err


def test_a_store_that_fails(stores: Stores, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The failure is one line and the status 1."""
    stores.failure = StoreUnavailableError("ClickHouse is not healthy: away")
    assert run_migrations(tmp_path, "pretty") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("ClickHouse is not healthy: away")


def test_an_environment_that_cannot_be(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong with the environment is a message, not a trace."""

    def refuse(pattern: object, environ: object) -> None:
        raise ConfigError(["gateway: bad environment"])

    monkeypatch.setattr(early, "load_config", refuse)
    assert run_migrations(tmp_path, "json") == 1
    errors = capsys.readouterr().err
    assert "bad environment" in errors
    assert "Traceback" not in errors


def test_a_directory_that_cannot_be_made(
    stores: Stores, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A data directory that cannot be written is a message, not a trace."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run_migrations(tmp_path / "file" / "data", "pretty") == 1
    errors = capsys.readouterr().err
    assert "Not a directory" in errors
    assert "Traceback" not in errors
