"""What the recorder process is told. Plain data; it comes on standard input because the URL is secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tzproxy.recording.spool import DEFAULT_QUOTA_BYTES, DEFAULT_SEGMENT_BYTES
from tzproxy.recording.state import STATE_FILE

RINGS_DIR = "rings"
SPOOL_DIR = "spool"
REJECTED_DIR = "rejected"


class RecorderOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one recorder."""

    data_dir: str
    #: `http[s]://user:password@host:port/database`. Secret.
    store_url: str = ""
    #: Where the rings are; default `<data_dir>/rings`.
    rings_dir: str | None = None
    #: Under load, at most one batch per interval.
    flush_interval_ms: int = 1000
    #: A batch is sent early once so many rows wait.
    max_rows: int = 10_000
    max_batch_bytes: int = 32 * 1024 * 1024
    #: Batches that may go out at once after a quiet time, before the interval rules.
    burst: int = 10
    #: Synchronous mode: never wait for more rows.
    flush_at_once: bool = False
    spool_quota_bytes: int = DEFAULT_QUOTA_BYTES
    spool_segment_bytes: int = DEFAULT_SEGMENT_BYTES
    #: While the store is away, waiting rows go to disk this often (sooner if a ring fills).
    spool_interval_ms: int = 2000
    #: Longest pause between attempts to reach a store that is away.
    longest_retry_ms: int = 5000
    #: How long a missing table may still turn up before its rows are set aside.
    missing_table_patience_ms: int = 60_000
    #: `rejected/` grows no further than this; rows refused beyond it are counted and logged only.
    rejected_quota_bytes: int = 256 * 1024 * 1024
    #: After SIGTERM, time to store what is left.
    drain_ms: int = 10_000
    niceness: int = 5
    #: `dictConfig` of the process's log, the same as the gateway's; empty for plain lines.
    log_config: dict[str, Any] = {}
    #: The process whose end ends the recorder; 0 for none.
    parent_pid: int = 0

    def __repr__(self) -> str:
        return f"RecorderOptions(data_dir={self.data_dir!r})"

    @property
    def rings_path(self) -> Path:
        """The directory of rings."""
        return Path(self.rings_dir) if self.rings_dir else Path(self.data_dir) / RINGS_DIR

    @property
    def spool_path(self) -> Path:
        """The directory of spool segments."""
        return Path(self.data_dir) / SPOOL_DIR

    @property
    def rejected_path(self) -> Path:
        """The directory of rows that the store refuses."""
        return Path(self.data_dir) / REJECTED_DIR

    @property
    def state_path(self) -> Path:
        """The recorder's state file."""
        return Path(self.data_dir) / STATE_FILE
