"""API keys on the command line: `tzproxy keys`, and the gateway's `--create-api-key` and `--disable-api-key`.

The key itself goes to stdout and nowhere else.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tzproxy.auth.checks import shown
from tzproxy.auth.issue import disable_key, issue_key, read_expiration
from tzproxy.auth.transfer import read_exported
from tzproxy.cli.logs import configure, level_of
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded.running import running_store
from tzproxy.clickhouse.queries.api_keys import ApiKeyTable, StoredKey
from tzproxy.config import load_config, read_environment
from tzproxy.errors import ConfigError, RequestError, StoreError
from tzproxy.services.children import Children
from tzproxy.services.store import prepare_keys

logger = logging.getLogger(__name__)
Print = Callable[[str], None]
NEVER = "-"


def create(
    data_dir: Path,
    log_format: str,
    expiration: str | None,
    *,
    description: str = "",
    write: Print = print,
) -> int:
    """Make a key and print it alone; return the exit status."""

    def work(table: ApiKeyTable) -> None:
        text = issue_key(table, expires_us=expires_us, description=description)
        write(text.reveal())

    _configure(log_format)
    try:
        expires_us = None if expiration is None else read_expiration(expiration)
    except RequestError as exc:
        logger.error("--%s", exc.message)
        return 1
    return _with_table(data_dir, work)


def disable(data_dir: Path, log_format: str, public_id: str) -> int:
    """Disable a key; return the exit status, which is not 0 for a key that does not exist."""

    def work(table: ApiKeyTable) -> None:
        key = disable_key(table, public_id)
        logger.info("API key %s is disabled since %s", key.public_id, _moment(key.disabled_us))

    _configure(log_format)
    return _with_table(data_dir, work)


def take_over(data_dir: Path, log_format: str, lines: Iterable[str]) -> int:
    """Store the keys of a TensorZero, given as CSV, all or none; return the exit status."""

    def work(table: ApiKeyTable) -> None:
        table.add(keys)
        logger.info("%d API keys are here now", len(keys))

    _configure(log_format)
    try:
        keys = read_exported(lines)
    except RequestError as exc:
        logger.error(exc.message)
        return 1
    return _with_table(data_dir, work) if keys else 0


def show(data_dir: Path, log_format: str, *, write: Print = print) -> int:
    """Print all keys, tab-separated, without their secrets; return the exit status."""

    def work(table: ApiKeyTable) -> None:
        write("public id\tcreated\texpires\tdisabled\tdescription")
        for key in table.all():
            write(_line(key))

    _configure(log_format)
    return _with_table(data_dir, work)


def _line(key: StoredKey) -> str:
    moments = (_moment(moment) for moment in (key.created_us, key.expires_us, key.disabled_us))
    return "\t".join((key.public_id, *moments, key.description))


def _moment(microseconds: int | None) -> str:
    return NEVER if microseconds is None else shown(microseconds)


def _configure(log_format: str) -> None:
    environment = read_environment(os.environ)
    configure("json" if log_format == "json" else "pretty", level_of(environment.log_filter))


def _with_table(data_dir: Path, work: Callable[[ApiKeyTable], None]) -> int:
    try:
        with _open_store(data_dir.absolute()) as url:
            prepare_keys(url, load_config(None, environ=os.environ), manual=True)
            client = StoreClient(url)
            try:
                work(ApiKeyTable(client))
            finally:
                client.close()
    except (ConfigError, StoreError, RequestError) as exc:
        logger.error(exc.message)
        return 1
    except OSError as exc:
        logger.error("%s", exc)
        return 1
    return 0


@contextmanager
def _open_store(data_dir: Path) -> Iterator[str]:
    """Find the store of the environment, else the embedded one, which a gateway may be running already."""
    server = read_environment(os.environ).clickhouse_url
    if server is not None:
        yield server.reveal()
        return
    running = running_store(data_dir)
    if running is not None:
        yield running
        return
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Children() as children:
        yield children.start_store(data_dir)
