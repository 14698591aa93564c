"""The configurations a deployment has run with."""

from __future__ import annotations

from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.snapshots import ConfigSnapshot, find_config_snapshot, upsert_config_snapshot

_READ = (
    "SELECT hash, config, extra_templates, tags, tensorzero_version, toString(created_at) AS since, "
    "last_used >= created_at AS ordered, created_at > now() - 60 AS recent "
    "FROM ConfigSnapshot FINAL ORDER BY hash"
)


def test_a_first_start_and_the_next(migrated: StoreClient) -> None:
    """A new configuration gets the date of today; used again it keeps that date, and its tags are merged."""
    snapshot = ConfigSnapshot(
        hash=2**255 + 7, config='a = "ü\\"x"\n', extra_templates={"t": "{{ x }}"}, tags={"a": "1", "b": "1"}
    )
    upsert_config_snapshot(migrated, snapshot)
    first = migrated.query(_READ)
    assert first[0]["hash"] == str(2**255 + 7)
    assert (first[0]["config"], first[0]["extra_templates"]) == (snapshot.config, {"t": "{{ x }}"})
    assert (first[0]["ordered"], first[0]["recent"]) == (1, 1)
    migrated.command(
        "ALTER TABLE ConfigSnapshot UPDATE created_at = toDateTime64('2020-01-02 03:04:05.678901', 6) WHERE 1"
    )
    again = ConfigSnapshot(hash=snapshot.hash, config=snapshot.config, tags={"b": "2"}, version="tzproxy 9")
    upsert_config_snapshot(migrated, again)
    second = migrated.query(_READ)
    assert len(second) == 1
    assert second[0]["since"] == "2020-01-02 03:04:05.678901"
    assert second[0]["tags"] == {"a": "1", "b": "2"}
    assert second[0]["tensorzero_version"] == "tzproxy 9"


def test_each_configuration_has_its_row(migrated: StoreClient) -> None:
    """Different hashes are different rows."""
    for number in (1, 2):
        upsert_config_snapshot(migrated, ConfigSnapshot(hash=number, config=f"n = {number}"))
    assert [row["config"] for row in migrated.query(_READ)] == ["n = 1", "n = 2"]


def test_a_configuration_is_found_by_its_hash(migrated: StoreClient) -> None:
    """What was noted comes back whole; an unknown hash finds nothing."""
    snapshot = ConfigSnapshot(hash=2**256 - 1, config="a = 1\n", extra_templates={"t": "x"}, tags={"k": "v"})
    upsert_config_snapshot(migrated, snapshot)
    assert find_config_snapshot(migrated, snapshot.hash) == snapshot
    assert find_config_snapshot(migrated, 7) is None
