"""Tests of this folder run on virtual time."""

from __future__ import annotations

from virtual_time import loop_factories as pytest_asyncio_loop_factories  # noqa: F401 - a hook
