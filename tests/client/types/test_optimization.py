"""Tests of `tzproxy.client.types.optimization`."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest
import tensorzero

import tzproxy
from tzproxy import OptimizationJobHandle, OptimizationJobInfo, OptimizationJobStatus
from tzproxy.client import exports

SETTINGS = ("SFTConfig", "RFTConfig", "GEPAConfig")
CONFIGS = [name for name in exports.__all__ if name.endswith(SETTINGS)]


@pytest.mark.parametrize("name", [*CONFIGS, "DICLOptimizationConfig"])
def test_settings_take_what_the_published_ones_take(name: str) -> None:
    """Every argument has the same name, and the same ones are required."""

    def required(kind: Any) -> dict[str, bool]:
        found = inspect.signature(kind).parameters.values()
        return {one.name: one.default is one.empty for one in found}

    theirs, ours = required(getattr(tensorzero, name)), required(getattr(tzproxy, name))
    assert set(ours) == set(theirs)
    assert {one for one, must in ours.items() if must} <= {one for one, must in theirs.items() if must}


def test_settings_are_sent_under_their_type() -> None:
    """What is not set is not sent."""
    made = tzproxy.OpenAISFTConfig(model="m", n_epochs=2)
    assert made.to_dict() == {"type": "openai_sft", "model": "m", "n_epochs": 2}


def test_jobs() -> None:
    """A handle prints as what is in it; a status is one of three, also in another process."""
    assert str(OptimizationJobHandle("eyJhIjoxfQ")) == '{\n  "a": 1\n}'
    assert str(OptimizationJobHandle("abc")) == "abc"
    info = OptimizationJobInfo(message="m", status=OptimizationJobStatus.Pending)
    assert pickle.loads(pickle.dumps(info)).status is info.status
    assert repr(info.status) == "OptimizationJobStatus.Pending"
