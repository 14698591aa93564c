"""Commands that run instead of the gateway and exit: which may be combined, and migrations."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from msgspec import Struct

from tzproxy.cli.logs import configure, level_of
from tzproxy.config import load_config, read_environment
from tzproxy.errors import ConfigError, StoreError
from tzproxy.services.children import Children
from tzproxy.services.store import prepare_store

logger = logging.getLogger(__name__)


class EarlyExit(Struct, frozen=True, kw_only=True):
    """The flags that make the command exit early."""

    validate: bool
    clickhouse_migrations: bool
    postgres_migrations: bool
    create_api_key: bool
    expiration: str | None
    disable_api_key: str | None
    migrate_config: str | None


def problem_of(request: EarlyExit) -> str | None:
    """Say what is wrong with the combination, or which of the commands this version lacks."""
    chosen = [
        flag
        for flag, given in (
            ("--validate-and-exit", request.validate),
            ("--run-clickhouse-migrations", request.clickhouse_migrations),
            ("--run-postgres-migrations", request.postgres_migrations),
            ("--create-api-key", request.create_api_key),
            ("--disable-api-key", request.disable_api_key is not None),
            ("--migrate-config", request.migrate_config is not None),
        )
        if given
    ]
    if len(chosen) > 1:
        return f"the flags {' and '.join(chosen)} exclude each other"
    if request.expiration is not None and not request.create_api_key:
        return "--expiration requires --create-api-key"
    if request.postgres_migrations:
        return "--run-postgres-migrations: tzproxy uses no Postgres, there is nothing to migrate"
    if request.migrate_config is not None:
        return "--migrate-config: a configuration in a database is not supported"
    return None


def run_migrations(data_dir: Path, log_format: str) -> int:
    """Migrate the store of the environment, else the embedded one; return the exit status."""
    environment = read_environment(os.environ)
    configure("json" if log_format == "json" else "pretty", level_of(environment.log_filter))
    try:
        loaded = load_config(None, environ=os.environ)
        with Children() as children:
            if environment.clickhouse_url is not None:
                url = environment.clickhouse_url.reveal()
            else:
                data_dir = data_dir.absolute()
                data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
                url = children.start_store(data_dir)
            report = prepare_store(url, loaded, manual=True)
    except (ConfigError, StoreError) as exc:
        logger.error(exc.message)
        return 1
    except OSError as exc:
        logger.error("%s", exc)
        return 1
    if report.is_current:
        logger.info("database %s is up to date, nothing to do", report.database)
    for change in report.changes:
        logger.info(change)
    return 0
