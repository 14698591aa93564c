"""Opens the store at start: the embedded one or a server, its schema, the configuration snapshot."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.migrations import add_own_tables, migrate
from tzproxy.clickhouse.reconcile import MigrationReport
from tzproxy.clickhouse.schema.own import API_KEYS, EXPERIMENT_STATES, OPTIMIZATION_TASKS, OWN_TABLES
from tzproxy.clickhouse.schema.spec import TableSpec
from tzproxy.clickhouse.snapshots import ConfigSnapshot, upsert_config_snapshot
from tzproxy.config import LoadedConfig
from tzproxy.config.sampling import adaptive_functions
from tzproxy.errors import StoreUnavailableError

logger = logging.getLogger(__name__)


def prepare_store(
    url: str, loaded: LoadedConfig, *, manual: bool = False, snapshot: ConfigSnapshot | None = None
) -> MigrationReport:
    """Check that the store answers, bring its schema up to date, and note the configuration in use.

    Raises:
        ConfigError: when migrations are due and may not run, or the settings do not fit the server.
        StoreError: when the store does not answer or refuses.
    """
    environment = loaded.environment
    client = StoreClient(url)
    try:
        _check_health(client)
        report = migrate(
            client,
            automatic=_may_migrate(loaded),
            manual=manual,
            cluster=environment.clickhouse_cluster_name,
            accept_unreplicated=environment.override_non_replicated_clickhouse,
        )
        report.changes += _add_own_tables(client, loaded, OWN_TABLES if manual else _needed(loaded), manual)
        if snapshot is not None:
            upsert_config_snapshot(client, snapshot)
    finally:
        client.close()
    for warning in report.warnings:
        logger.warning(warning)
    if report.applied:
        logger.info("ClickHouse schema of database %s is up to date now", report.database)
    return report


def prepare_keys(url: str, loaded: LoadedConfig, *, manual: bool = False) -> None:
    """Check that the store answers, and make the table of API keys where it is missing; touch nothing else.

    Raises:
        ConfigError: when the table is missing and may not be made.
        StoreError: when the store does not answer or refuses.
    """
    client = StoreClient(url)
    try:
        _check_health(client)
        _add_own_tables(client, loaded, (API_KEYS,), manual)
    finally:
        client.close()


def make_task_table(client: StoreClient, loaded: LoadedConfig) -> None:
    """Make the table of optimisation tasks, which no configuration tells to be needed, where it is missing.

    Raises:
        ConfigError: when it is missing and may not be made.
        StoreError: when the store does not answer or refuses.
    """
    _add_own_tables(client, loaded, (OPTIMIZATION_TASKS,), manual=False)


def _needed(loaded: LoadedConfig) -> Sequence[TableSpec]:
    auth = loaded.config.gateway.auth
    needed = []
    if auth is not None and auth.enabled:
        needed.append(API_KEYS)
    if adaptive_functions(loaded.sampling):
        needed.append(EXPERIMENT_STATES)
    return needed


def _add_own_tables(
    client: StoreClient, loaded: LoadedConfig, tables: Sequence[TableSpec], manual: bool
) -> list[str]:
    return add_own_tables(
        client,
        tables,
        automatic=_may_migrate(loaded),
        manual=manual,
        cluster=loaded.environment.clickhouse_cluster_name,
    )


def _may_migrate(loaded: LoadedConfig) -> bool:
    config = loaded.config
    return not (
        config.clickhouse.disable_automatic_migrations
        or config.gateway.observability.disable_automatic_migrations
    )


def _check_health(client: StoreClient) -> None:
    try:
        client.ping(timeout_s=10.0)
    except StoreUnavailableError as exc:
        raise StoreUnavailableError(f"ClickHouse is not healthy: {exc.message}") from exc
