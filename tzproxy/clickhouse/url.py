"""Owns the meaning of `TENSORZERO_CLICKHOUSE_URL`. Opens no connection and reads no environment. Not hot.

The URL carries five things: where the server is, who we are, which database, and which ClickHouse settings
every statement gets. Three settings are forced, because rows are written with them in mind: an unknown key or
a null in a plain column has to fail the whole insert instead of losing data quietly, and 64-bit integers have
to come back as JSON strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

import msgspec

from tzproxy.errors import ConfigError

FORCED_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "input_format_skip_unknown_fields": "0",
        "input_format_null_as_default": "0",
        "output_format_json_quote_64bit_integers": "1",
    }
)
DEFAULT_DATABASE: Final = "default"
_DEFAULT_PORTS: Final[Mapping[str, int]] = MappingProxyType({"http": 80, "https": 443})


class ClickHouseUrl(msgspec.Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """A parsed ClickHouse URL. Its repr never shows the credentials."""

    scheme: str
    """`http` or `https`."""
    host: str
    """Host name or address, without brackets."""
    port: int
    """TCP port; the scheme's own when the URL names none."""
    database: str = DEFAULT_DATABASE
    """Database in which statements run."""
    username: str = ""
    """User name, percent-decoded; empty when the URL has none."""
    password: str = ""
    """Password, percent-decoded; empty when the URL has none."""
    settings: Mapping[str, str] = msgspec.field(default_factory=dict)
    """ClickHouse settings for every statement, the forced ones included."""
    warnings: tuple[str, ...] = ()
    """What the URL asked for and does not get."""

    def __repr__(self) -> str:
        return f"ClickHouseUrl({self.safe!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("url", self.safe)]

    @property
    def safe(self) -> str:
        """The URL without user, password and settings: fit for logs and errors."""
        return f"{self.origin}/{quote(self.database, safe='')}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine, so that no proxy may stand between."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")


def parse_clickhouse_url(url: str) -> ClickHouseUrl:
    """Take a ClickHouse URL apart.

    Shape: `http[s]://[user[:password]@]host[:port]/[database][?setting=value...]`.

    Raises:
        ConfigError: The URL cannot be used; its text never repeats the credentials.
    """
    parts = _split(url)
    database = _database(parts)
    settings, warnings = _settings(parts)
    return ClickHouseUrl(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port if parts.port is not None else _DEFAULT_PORTS[parts.scheme],
        database=database,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        settings=settings,
        warnings=warnings,
    )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise ConfigError(["Invalid ClickHouse URL: it cannot be parsed"]) from None
    if parts.scheme not in _DEFAULT_PORTS:
        # A URL without `//` keeps its credentials in what looks like the scheme's rest, so only the scheme is
        # shown.
        raise ConfigError(
            [f"Invalid scheme in ClickHouse URL: '{parts.scheme}'. Use 'http' or 'https' instead."]
        )
    if not parts.hostname or port == 0:
        raise ConfigError(["Invalid ClickHouse URL: it names no host"])
    return parts


def _database(parts: SplitResult) -> str:
    segments = [segment for segment in parts.path.split("/") if segment]
    if len(segments) > 1:
        raise ConfigError(["Invalid ClickHouse URL: the path must be a single database name"])
    return unquote(segments[0]) if segments else DEFAULT_DATABASE


def _settings(parts: SplitResult) -> tuple[dict[str, str], tuple[str, ...]]:
    settings: dict[str, str] = {}
    warnings: list[str] = []
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name == "database":
            raise ConfigError(
                ["Invalid ClickHouse URL: the database belongs into the path, not into the query string"]
            )
        forced = FORCED_SETTINGS.get(name)
        if forced is not None and value != forced:
            warnings.append(f"The ClickHouse URL sets `{name}` to {value!r}; it is always {forced!r} here.")
        settings[name] = value
    settings.update(FORCED_SETTINGS)
    return settings, tuple(warnings)
