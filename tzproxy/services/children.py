"""The processes beside the workers: embedded store, recorder and others; stopped in reverse order."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from tzproxy.clickhouse.embedded.store import EmbeddedStore
from tzproxy.errors import StoreError
from tzproxy.recording.options import RecorderOptions
from tzproxy.recording.process import RecorderProcess

logger = logging.getLogger(__name__)
CHECK_INTERVAL_S = 0.5
STORE_START_S = 60.0


class Children:
    """Owns the processes; a context manager that leaves none behind."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._stopping = threading.Event()

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        self._stack.close()

    def start_store(self, data_dir: Path) -> str:
        """Start the embedded store, keep it running, and return its URL.

        Raises:
            StoreError: when it cannot start.
        """
        store = EmbeddedStore(data_dir)
        url = store.start(STORE_START_S)
        self._stack.callback(store.stop)
        self._watch("the embedded store", store.alive, lambda: store.start(STORE_START_S))
        return url

    def start_recorder(self, options: RecorderOptions) -> None:
        """Start the recorder; it is started again when it dies, and drains when it is stopped."""
        recorder = RecorderProcess(options)
        recorder.start()
        self._stack.callback(recorder.stop)

    def enter(self, child: AbstractContextManager[object]) -> None:
        """Start another process, and end it with the rest. Raises as it does."""
        self._stack.enter_context(child)

    def _watch(self, name: str, alive: Callable[[], bool], start: Callable[[], object]) -> None:
        def look() -> None:
            while not self._stopping.wait(CHECK_INTERVAL_S):
                if alive():
                    continue
                logger.error("%s ended and is started again", name)
                try:
                    start()
                except (StoreError, OSError) as exc:
                    # OSError: a machine without memory kills the store and then refuses a new process, too.
                    logger.error("%s cannot start: %s", name, exc)

        thread = threading.Thread(target=look, name=f"watch {name}", daemon=True)
        thread.start()
        self._stack.callback(thread.join, STORE_START_S)
