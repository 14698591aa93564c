"""`python -m tzproxy.inference.files.probe`: one write to the object storage, in its own process. Cold.

The gateway's first process forks its workers, and the threads of an opened storage do not survive that.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tzproxy.config.environment import read_environment
from tzproxy.errors import ConfigError
from tzproxy.inference.files.read import FileStore
from tzproxy.inference.files.storage import ObjectStoreError, decode_kind, encode_kind, open_storage

TIMEOUT_S = 240.0


def check_storage(store: FileStore) -> None:
    """Make sure that the configured storage can be written to; at once when there is none.

    Raises:
        ConfigError: saying why it cannot.
    """
    if not store.keeps:
        return
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tzproxy.inference.files.probe"],
            input=encode_kind(store.home),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise ConfigError(["object_storage: the storage does not answer"]) from exc
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise ConfigError([f"object_storage: {lines[-1]}"])


def main() -> int:
    """Probe the storage that standard input names."""
    try:
        open_storage(decode_kind(sys.stdin.buffer.read()), read_environment(os.environ)).probe()
    except ObjectStoreError as exc:
        sys.stderr.write(f"{exc.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
