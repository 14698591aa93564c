"""Tests of `tzproxy.clickhouse.optional_settings`."""

from __future__ import annotations

from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.optional_settings import OPTIONAL, THREAD_MEMORY, without_unknown


def test_only_optional_settings_are_left_out() -> None:
    """A server that does not know a setting which must be obeyed has to say so itself."""
    asked = {THREAD_MEMORY: 1, "max_block_size": 2}
    assert without_unknown(asked, {THREAD_MEMORY}) == asked
    assert without_unknown(asked, ()) == {"max_block_size": 2}
    assert without_unknown(None, OPTIONAL) == {}


def test_who_knows_one_gets_it(migrated: StoreClient) -> None:
    """The settings of a statement reach the server, streamed or not."""
    sql = "SELECT name, value FROM system.settings WHERE name IN {names:Array(String)}"
    names, asked = {"names": list(OPTIONAL)}, dict.fromkeys(OPTIONAL, 12345)
    known = migrated.query(sql, names)
    wanted = [{"name": row["name"], "value": "12345"} for row in known]
    assert migrated.query(sql, names, settings=asked) == wanted
    stream = migrated.stream(sql, names, settings=asked)
    assert len(stream.read()) == len(wanted)
    stream.close()
