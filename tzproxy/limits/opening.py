"""Which buckets a gateway uses, and whether they can be used. Cold: when a configuration loads.

Valkey when TENSORZERO_VALKEY_URL names one, else a table in the data directory.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tzproxy.config import LoadedConfig
from tzproxy.config.rate_limits import RateLimitingConfig
from tzproxy.errors import ConfigError
from tzproxy.limits.limiter import Buckets, RateLimiter
from tzproxy.limits.rules import Rules
from tzproxy.limits.table import BucketTable
from tzproxy.limits.table_file import TableDamagedError

TABLE_NAME = "rate-limits.table"
CONNECTIONS = 64
ANSWER_S = 2.0
NO_VALKEY = (
    "Rate limiting is configured to use Valkey, but Valkey is not available. "
    "Please check that the environment variable `TENSORZERO_VALKEY_URL` is set."
)
NO_CLIENT = (
    "`TENSORZERO_VALKEY_URL` is set and `rate_limiting` has rules, but the client of Valkey is not "
    "installed: install `tzproxy[valkey]`"
)
# What is wrong is not told: a password with a `/` or `#` in it is taken for a port, and would be repeated.
BAD_URL = (
    "TENSORZERO_VALKEY_URL is no URL of Valkey, such as `redis://user:password@host:6379/0`; special "
    "characters of a password are written as `%2F`"
)


def is_limiting(config: RateLimitingConfig) -> bool:
    """Tell whether there is anything to limit."""
    return config.enabled and bool(config.rules)


def open_limiter(
    loaded: LoadedConfig, data_dir: Path, *, count_refusal: Callable[[str], None] | None = None
) -> RateLimiter | None:
    """Open the buckets inside the running loop; None when nothing is limited.

    `count_refusal` is told the code of each refusal.

    Raises:
        ConfigError: when the buckets cannot be used.
    """
    config = loaded.config.rate_limiting
    if not is_limiting(config):
        return None
    url = _valkey_url(loaded)
    buckets: Buckets = _open_table(data_dir) if url is None else open_valkey(url)
    return RateLimiter(
        Rules(config.rules), buckets, default_cost=config.default_cost, count_refusal=count_refusal
    )


def check_limits(loaded: LoadedConfig, data_dir: Path) -> None:
    """Find out, before workers start, whether the buckets can be used.

    Raises:
        ConfigError: when they cannot.
    """
    url = _valkey_url(loaded)
    if not is_limiting(loaded.config.rate_limiting):
        return
    if url is None:
        _open_table(data_dir).close_now()
    else:
        _ping(url)


def _valkey_url(loaded: LoadedConfig) -> str | None:
    url = loaded.environment.valkey_url
    if url is None:
        if loaded.config.rate_limiting.backend == "valkey":
            raise ConfigError([NO_VALKEY])
        return None
    # The same protocol under a younger name.
    scheme, separator, rest = url.reveal().partition("://")
    return {"valkey": "redis", "valkeys": "rediss"}.get(scheme, scheme) + separator + rest


def _open_table(data_dir: Path) -> BucketTable:
    try:
        return BucketTable(data_dir / TABLE_NAME)
    except TableDamagedError as exc:
        raise ConfigError([exc.message]) from exc
    except OSError as exc:
        raise ConfigError([f"The table of rate limits cannot be opened: {exc}"]) from exc


def open_valkey(url: str) -> Buckets:
    """Make a client of Valkey; it connects when it is first used.

    Raises:
        ConfigError: when the URL is none, or the client is not installed.
    """
    try:
        from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415 - an extra
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.exceptions import ConnectionError as Disconnected  # noqa: PLC0415

        from tzproxy.limits.valkey import SCRIPT, ValkeyBuckets  # noqa: PLC0415 - imports the extra
    except ImportError as exc:
        raise ConfigError([NO_CLIENT]) from exc
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=ANSWER_S,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            # Once, and on a new connection: connections do not notice that the server was started again.
            # After a timeout never: the script may have run, and would draw or give back twice.
            retry=Retry(NoBackoff(), 1, supported_errors=(Disconnected,)),
        )
    except ValueError as exc:
        raise ConfigError([BAD_URL]) from exc
    client = Redis(connection_pool=pool)
    script = client.register_script(SCRIPT)
    return ValkeyBuckets(lambda keys, arguments: script(keys=keys, args=arguments), pool)


def _ping(url: str) -> None:
    try:
        from redis import Redis, RedisError  # noqa: PLC0415 - an extra
    except ImportError as exc:
        raise ConfigError([NO_CLIENT]) from exc
    try:
        client = Redis.from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)
    except ValueError as exc:
        raise ConfigError([BAD_URL]) from exc
    try:
        client.ping()
    except (RedisError, OSError) as exc:
        raise ConfigError([f"Failed to connect to Valkey: {exc}"]) from exc
    finally:
        client.close()
