"""Tests of `tzproxy.client.optimization`."""

from __future__ import annotations

import pytest

from tzproxy import NotSupportedError
from tzproxy.client.optimization import AsyncOptimizationNamespace, OptimizationNamespace

ARGUMENTS = {"function_name": "f", "analysis_model": "a", "mutation_model": "m", "max_iterations": 1}


async def test_searches_are_not_supported() -> None:
    """Both methods say so by name, in both clients."""
    later = AsyncOptimizationNamespace().gepa
    now = OptimizationNamespace().gepa
    with pytest.raises(NotSupportedError, match="gepa.launch"):
        now.launch(**ARGUMENTS)  # type: ignore[arg-type]
    with pytest.raises(NotSupportedError, match="gepa.get"):
        now.get(task_id="t")
    with pytest.raises(NotSupportedError, match="gepa.launch"):
        await later.launch(**ARGUMENTS)  # type: ignore[arg-type]
    with pytest.raises(NotSupportedError, match="gepa.get"):
        await later.get(task_id="t")
