"""Opens the store at start: the embedded one or a server, its schema, the configuration snapshot."""

from __future__ import annotations

import logging

from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.migrations import migrate
from tzproxy.clickhouse.reconcile import MigrationReport
from tzproxy.clickhouse.snapshots import ConfigSnapshot, upsert_config_snapshot
from tzproxy.config import LoadedConfig
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
    config = loaded.config
    client = StoreClient(url)
    try:
        try:
            client.ping(timeout_s=10.0)
        except StoreUnavailableError as exc:
            raise StoreUnavailableError(f"ClickHouse is not healthy: {exc.message}") from exc
        disabled = (
            config.clickhouse.disable_automatic_migrations
            or config.gateway.observability.disable_automatic_migrations
        )
        report = migrate(
            client,
            automatic=not disabled,
            manual=manual,
            cluster=environment.clickhouse_cluster_name,
            accept_unreplicated=environment.override_non_replicated_clickhouse,
        )
        if snapshot is not None:
            upsert_config_snapshot(client, snapshot)
    finally:
        client.close()
    for warning in report.warnings:
        logger.warning(warning)
    if report.applied:
        logger.info("ClickHouse schema of database %s is up to date now", report.database)
    return report
