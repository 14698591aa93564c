"""The supervisor's handle on the recorder process: starts it, starts it again, stops it. Cold."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time

import msgspec

from tzproxy.recording.options import RecorderOptions

LOGGER = logging.getLogger(__name__)

_FIRST_RESTART_S = 0.1
_LONGEST_RESTART_S = 5.0
_HEALTHY_AFTER_S = 30.0
_STOP_GRACE_S = 5.0


class RecorderProcess:
    """One recorder, kept alive until `stop`."""

    def __init__(self, options: RecorderOptions) -> None:
        self._options = msgspec.structs.replace(options, parent_pid=os.getpid())
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Process id of the recorder that runs now, None if none does."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the process and the thread that watches it."""
        if self._watcher is not None:
            raise RuntimeError("the recorder has been started already")
        self._process = self._spawn()
        self._watcher = threading.Thread(target=self._watch, name="recorder-watch", daemon=True)
        self._watcher.start()

    def stop(self, timeout_s: float | None = None) -> int | None:
        """Ask it to drain and end (SIGTERM), wait, kill it after `timeout_s`; return its exit code.

        The default timeout is the drain time of the options and some grace. Rows of a killed recorder are
        kept.
        """
        with self._lock:
            self._stopping.set()
        if self._watcher is None or self._process is None:
            return None
        if timeout_s is None:
            timeout_s = self._options.drain_ms / 1000 + _STOP_GRACE_S
        process = self._process
        process.terminate()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            LOGGER.error("the recorder did not end within %g s and is killed; its rows are kept", timeout_s)
            process.kill()
            process.wait()
        self._watcher.join()
        return process.returncode

    def _spawn(self) -> subprocess.Popen[bytes]:
        # Held back until the recorder listens to it: one that is stopped while it starts must drain, too.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "tzproxy.recording.recorder"], stdin=subprocess.PIPE
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        assert process.stdin is not None
        try:
            # Not in argv or environment, where other users or a core dump could read the store's password.
            process.stdin.write(msgspec.json.encode(self._options))
            process.stdin.close()
        except BrokenPipeError:
            LOGGER.error("the recorder ended before it read its options")
        return process

    def _watch(self) -> None:
        pause_s = _FIRST_RESTART_S
        while True:
            started_at = time.monotonic()
            assert self._process is not None
            code = self._process.wait()
            if self._stopping.is_set():
                return
            if time.monotonic() - started_at > _HEALTHY_AFTER_S:
                pause_s = _FIRST_RESTART_S
            LOGGER.error("the recorder ended with code %s and is started again in %g s", code, pause_s)
            if self._stopping.wait(pause_s):
                return
            pause_s = min(pause_s * 2, _LONGEST_RESTART_S)
            with self._lock:
                if self._stopping.is_set():
                    return
                self.restarts += 1
                self._process = self._spawn()
