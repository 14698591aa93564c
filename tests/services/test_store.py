"""Tests of `tzproxy.services.store`: asked, migrated and told the configuration, in this order."""

from __future__ import annotations

from typing import Any

import pytest

from in_process import CHAT, DUMMY, MODEL
from tzproxy.clickhouse.reconcile import MigrationReport
from tzproxy.clickhouse.schema.own import OWN_TABLES
from tzproxy.clickhouse.snapshots import ConfigSnapshot
from tzproxy.config import load_config
from tzproxy.errors import StoreError, StoreUnavailableError
from tzproxy.services import store
from tzproxy.services.store import make_task_table, prepare_keys, prepare_store

ADAPTIVE = (
    MODEL
    + CHAT
    + """
[metrics.q]
type = "float"
optimize = "max"
level = "inference"
[functions.f.experimentation]
type = "static"
candidate_variants = ["v"]
[functions.f.experimentation.namespaces.n]
type = "adaptive"
metric = "q"
candidate_variants = ["v"]
"""
)
SNAPSHOT = ConfigSnapshot(hash=1, config="", extra_templates={})


class FakeClient:
    """A client of a store that notes what it is asked."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.failure: Exception | None = None

    def ping(self, *, timeout_s: float) -> None:
        """Answer, or not."""
        self.events.append("ping")
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        """Note it."""
        self.events.append("close")


class Migrations:
    """Stands in for migrations and snapshots."""

    def __init__(self, client: FakeClient) -> None:
        self.client = client
        self.options: dict[str, Any] = {}
        self.report = MigrationReport(database="db")
        self.failure: Exception | None = None
        self.own: tuple[list[str], dict[str, Any]] = ([], {})

    def migrate(self, client: FakeClient, **options: Any) -> MigrationReport:
        """Note the options."""
        client.events.append("migrate")
        self.options = options
        if self.failure is not None:
            raise self.failure
        return self.report

    def add_own_tables(self, client: FakeClient, tables: Any, **options: Any) -> list[str]:
        """Note which are wanted, and the options."""
        self.own = ([table.name for table in tables], options)
        return [f"table {table.name} created" for table in tables]

    def upsert(self, client: FakeClient, snapshot: ConfigSnapshot) -> None:
        """Note the snapshot."""
        assert snapshot is SNAPSHOT
        client.events.append("snapshot")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    """The client that `prepare_store` will make."""
    made = FakeClient()
    monkeypatch.setattr(store, "StoreClient", lambda url: made)
    return made


@pytest.fixture
def migrations(monkeypatch: pytest.MonkeyPatch, client: FakeClient) -> Migrations:
    """The migrations that `prepare_store` will run."""
    made = Migrations(client)
    monkeypatch.setattr(store, "migrate", made.migrate)
    monkeypatch.setattr(store, "add_own_tables", made.add_own_tables)
    monkeypatch.setattr(store, "upsert_config_snapshot", made.upsert)
    return made


def test_the_order(client: FakeClient, migrations: Migrations) -> None:
    """First a sign of life, then the schema, then the configuration; the connection is let go."""
    report = prepare_store("http://u", load_config(None, environ={}), snapshot=SNAPSHOT)
    assert client.events == ["ping", "migrate", "snapshot", "close"]
    assert report is migrations.report
    assert migrations.options == {
        "automatic": True,
        "manual": False,
        "cluster": None,
        "accept_unreplicated": False,
    }


def test_options_of_the_environment(client: FakeClient, migrations: Migrations) -> None:
    """Cluster and override are the environment's; a command by hand may migrate what is switched off."""
    environ = {
        "TENSORZERO_CLICKHOUSE_CLUSTER_NAME": "c",
        "TENSORZERO_OVERRIDE_NON_REPLICATED_CLICKHOUSE": "1",
    }
    prepare_store("http://u", load_config(None, environ=environ), manual=True)
    assert client.events == ["ping", "migrate", "close"]
    assert migrations.options == {
        "automatic": True,
        "manual": True,
        "cluster": "c",
        "accept_unreplicated": True,
    }
    assert migrations.own[1] == {"automatic": True, "manual": True, "cluster": "c"}
    assert migrations.own[0] == [table.name for table in OWN_TABLES]


@pytest.mark.parametrize("table", ["clickhouse", "gateway.observability"])
def test_migrations_can_be_switched_off(
    client: FakeClient, migrations: Migrations, tmp_path: Any, table: str
) -> None:
    """In either place."""
    path = tmp_path / "c.toml"
    path.write_text(f"[{table}]\ndisable_automatic_migrations = true\n", encoding="utf-8")
    prepare_store("http://u", load_config(str(path), environ={}))
    assert migrations.options["automatic"] is False
    assert migrations.own[1]["automatic"] is False


@pytest.mark.parametrize(
    ("toml", "tables"),
    [
        ("", []),
        ("[gateway.auth]\nenabled = false\n", []),
        ("[gateway.auth]\nenabled = true\n", ["TzproxyApiKey"]),
        (ADAPTIVE, ["TzproxyExperimentState"]),
    ],
)
def test_own_tables_are_made_where_they_are_needed(
    client: FakeClient, migrations: Migrations, tmp_path: Any, toml: str, tables: list[str]
) -> None:
    """A database shared with the original gets no table that no feature uses."""
    path = tmp_path / "c.toml"
    path.write_text(toml, encoding="utf-8")
    report = prepare_store("http://u", load_config(str(path), environ=DUMMY))
    assert migrations.own[0] == tables
    assert report.changes == [f"table {name} created" for name in tables]


def test_keys_need_no_other_table(client: FakeClient, migrations: Migrations) -> None:
    """A command about keys makes their table and does not touch the rest of the schema."""
    prepare_keys("http://u", load_config(None, environ={}), manual=True)
    assert client.events == ["ping", "close"]
    assert migrations.own == (["TzproxyApiKey"], {"automatic": True, "manual": True, "cluster": None})


@pytest.mark.parametrize("automatic", [True, False])
def test_the_table_of_tasks_comes_with_the_first_task(
    client: FakeClient, migrations: Migrations, tmp_path: Any, automatic: bool
) -> None:
    """It alone is made, by the rules that hold for all tables."""
    path = tmp_path / "c.toml"
    path.write_text(f"[clickhouse]\ndisable_automatic_migrations = {str(not automatic).lower()}\n")
    make_task_table(client, load_config(str(path), environ={}))  # type: ignore[arg-type]
    tables, options = migrations.own
    assert tables == ["TzproxyOptimizationTask"]
    assert (options["automatic"], options["manual"]) == (automatic, False)


def test_a_store_that_is_away(client: FakeClient, migrations: Migrations) -> None:
    """The text is the original's; nothing is migrated; the connection is let go."""
    client.failure = StoreUnavailableError("no route")
    with pytest.raises(StoreUnavailableError) as caught:
        prepare_store("http://u", load_config(None, environ={}))
    assert caught.value.message == "ClickHouse is not healthy: no route"
    assert client.events == ["ping", "close"]


def test_migrations_that_fail(client: FakeClient, migrations: Migrations) -> None:
    """The failure comes through and the connection is let go."""
    migrations.failure = StoreError("bad statement")
    with pytest.raises(StoreError, match="bad statement"):
        prepare_store("http://u", load_config(None, environ={}), snapshot=SNAPSHOT)
    assert client.events == ["ping", "migrate", "close"]
