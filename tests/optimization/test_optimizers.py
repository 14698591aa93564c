"""Tests of `tzproxy.optimization.optimizers`."""

from __future__ import annotations

import pytest

from optimization.fakes import FakeProviders
from optimization.samples import sample
from optimization.services import Services
from tzproxy.config.optimizers import GepaConfig, OpenAISftConfig
from tzproxy.errors import NotSupportedError
from tzproxy.optimization.jobs import OpenAISftHandle, TogetherSftHandle
from tzproxy.optimization.openai.jobs import TuningJobs
from tzproxy.optimization.openai.sft import OpenAISft
from tzproxy.optimization.optimizers import Optimizers
from tzproxy.optimization.samples import TrainingData

DATA = TrainingData(training=[sample()])


async def test_settings_and_handles_find_their_optimiser(services: Services, provider: FakeProviders) -> None:
    """By their type."""
    optimizers = Optimizers({"openai_sft": OpenAISft(TuningJobs(services.openai))})
    handle = await optimizers.launch(OpenAISftConfig(model="m"), DATA)
    assert isinstance(handle, OpenAISftHandle)
    await optimizers.poll(handle)
    assert provider.asked[-1].startswith("GET")


async def test_others_are_not_supported() -> None:
    """And it is said which."""
    optimizers = Optimizers({})
    gepa = GepaConfig(function_name="f", analysis_model="a", mutation_model="m", evaluator_names=("e",))
    with pytest.raises(NotSupportedError, match="`gepa`"):
        await optimizers.launch(gepa, DATA)
    with pytest.raises(NotSupportedError, match="`together_sft`"):
        await optimizers.poll(TogetherSftHandle(job_id="a", job_url="b"))
