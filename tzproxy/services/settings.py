"""What a worker is told by whoever started it. Cold."""

from __future__ import annotations

import msgspec

API_VERSION = "2026.6.0"
"""The TensorZero release whose API is spoken: told to clients, and to providers as the user agent."""


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker process is told. The URLs hold a password: they are never printed.

    `config` is the parent's validated configuration, so that all workers run exactly that one.
    `rings_dir` None: nothing is recorded. `keys_url`: the store of API keys, where clients need one.
    `metrics_dir`: where workers leave their figures for each other; None: each tells its own alone.
    """

    config: bytes
    data_dir: str
    rings_dir: str | None = None
    store_url: str | None = None
    keys_url: str | None = None
    synchronous: bool = False
    metrics_dir: str | None = None
    ring_bytes: int = 32 * 1024 * 1024

    def __repr__(self) -> str:
        return f"WorkerSettings(data_dir={self.data_dir!r})"
