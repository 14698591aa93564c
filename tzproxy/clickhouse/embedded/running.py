"""Finds the embedded store that another process, such as a gateway, runs in a directory. Not hot."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tzproxy.clickhouse.client import StoreClient
from tzproxy.clickhouse.embedded.place import Place
from tzproxy.errors import StoreError

_PING_S: Final = 2.0
_ANSWER_S: Final = 30.0


def running_store(data_dir: Path) -> str | None:
    """Return the URL, password included, of the store that runs in a directory; None when none does."""
    access = Place(data_dir).read_access()
    if access is None:
        return None
    client = StoreClient(access.url, timeout_s=_ANSWER_S)
    try:
        client.ping(timeout_s=_PING_S)
        # With the password: the port of an earlier run may be somebody else's by now.
        client.query("SELECT 1", use_database=False)
    except StoreError:
        return None
    finally:
        client.close()
    return access.url
