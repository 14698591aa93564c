"""A precise periodic timer for the open loop: Linux `timerfd`, read by the event loop.

An event loop's own timers have a resolution of a millisecond, which at 1,000 requests a second is the whole
interval. Python has `os.timerfd_create` from 3.13 on only, hence ctypes.
"""

from __future__ import annotations

import ctypes
import os
import struct

_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK = os.O_NONBLOCK
_TFD_CLOEXEC = os.O_CLOEXEC
_TFD_TIMER_ABSTIME = 1
_PR_SET_TIMERSLACK = 29
_NS = 1_000_000_000


class _TimeSpec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _TimerSpec(ctypes.Structure):
    _fields_ = [("interval", _TimeSpec), ("value", _TimeSpec)]


class PeriodicTimer:
    """Expires every `interval_ns` from `start_ns` (clock: `time.monotonic_ns`) until it is closed."""

    def __init__(self, start_ns: int, interval_ns: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        # The kernel may group wake-ups within a thread's slack, by default 50 us; ask for none.
        libc.prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(1), 0, 0, 0)
        self._fd: int = libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        spec = _TimerSpec(_TimeSpec(*divmod(interval_ns, _NS)), _TimeSpec(*divmod(start_ns, _NS)))
        if libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(spec), None) < 0:
            code = ctypes.get_errno()
            self.close()
            raise OSError(code, "timerfd_settime failed")

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the timer expires."""
        return self._fd

    def read_expirations(self) -> int:
        """Return how often it expired since the last call."""
        try:
            return int(struct.unpack("Q", os.read(self._fd, 8))[0])
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """Stop the timer. Harmless when it is closed."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
