"""The ClickHouse URL."""

from __future__ import annotations

import pytest

from tzproxy.clickhouse.url import FORCED_SETTINGS, parse_clickhouse_url
from tzproxy.errors import ConfigError


def test_takes_a_url_apart() -> None:
    """Scheme, host, port, database, percent-decoded credentials and settings all arrive."""
    url = parse_clickhouse_url("https://us%40er:p%2Fa%3Ass@ch.example:8443/tensor%20zero?max_threads=3")
    assert (url.scheme, url.host, url.port, url.database) == ("https", "ch.example", 8443, "tensor zero")
    assert (url.username, url.password) == ("us@er", "p/a:ss")
    assert url.settings == {"max_threads": "3", **FORCED_SETTINGS}
    assert url.warnings == ()


@pytest.mark.parametrize(
    ("text", "port", "database"),
    [
        ("http://h/", 80, "default"),
        ("https://h", 443, "default"),
        ("http://h:8123/db/", 8123, "db"),
        ("http://[::1]:8123/db", 8123, "db"),
    ],
)
def test_fills_in_what_is_left_out(text: str, port: int, database: str) -> None:
    """A missing port is the scheme's own, a missing database is `default`."""
    url = parse_clickhouse_url(text)
    assert (url.port, url.database) == (port, database)


def test_knows_this_machine() -> None:
    """Loopback addresses are told from others, and an address keeps its brackets in the origin."""
    assert parse_clickhouse_url("http://[::1]:1/").is_loopback
    assert parse_clickhouse_url("http://[::1]:1/").origin == "http://[::1]:1"
    assert parse_clickhouse_url("http://127.0.0.1:1/").is_loopback
    assert not parse_clickhouse_url("http://example.com:1/").is_loopback


def test_forces_three_settings() -> None:
    """The URL cannot switch off what guards the rows; it is told so."""
    url = parse_clickhouse_url("http://h:1/db?input_format_skip_unknown_fields=1")
    assert url.settings["input_format_skip_unknown_fields"] == "0"
    assert "input_format_skip_unknown_fields" in url.warnings[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "clickhouse://u:secret@h:9000/db",
            "Invalid scheme in ClickHouse URL: 'clickhouse'. Use 'http' or 'https' instead.",
        ),
        ("u:secret@h:9000", "Invalid scheme in ClickHouse URL: 'u'. Use 'http' or 'https' instead."),
        ("http://u:secret@h:9000/a/b", "Invalid ClickHouse URL: the path must be a single database name"),
        (
            "http://u:secret@h:9000/a?database=b",
            "Invalid ClickHouse URL: the database belongs into the path, not into the query string",
        ),
        ("http://u:secret@h:no/a", "Invalid ClickHouse URL: it cannot be parsed"),
        ("http://u:secret@:9000/a", "Invalid ClickHouse URL: it names no host"),
    ],
)
def test_refuses_what_it_cannot_use(text: str, message: str) -> None:
    """Each unusable URL is refused with its reason, and the reason does not repeat the password."""
    with pytest.raises(ConfigError) as caught:
        parse_clickhouse_url(text)
    assert str(caught.value) == message


def test_repr_hides_the_credentials() -> None:
    """No representation of a URL shows user, password or settings."""
    url = parse_clickhouse_url("http://someone:secret@h:1/db?x=secret")
    for text in (repr(url), str(url), f"{url}", url.safe, str(url.__rich_repr__())):
        assert "secret" not in text
        assert "someone" not in text
        assert "http://h:1/db" in text
