"""Tests of `tzproxy.optimization.services`."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimization.fakes import FakeProviders
from optimization.samples import sample
from tzproxy.config import load_config
from tzproxy.config.optimizers import OpenAISftConfig
from tzproxy.optimization.samples import TrainingData
from tzproxy.optimization.services import optimization
from tzproxy.optimization.workflow import Optimization
from tzproxy.providers.errors import ProviderError


def made(folder: Path, provider: FakeProviders, toml: str = "", **environ: str) -> Optimization:
    """Put a gateway's optimisation together."""
    (folder / "tensorzero.toml").write_text(toml)
    loaded = load_config(str(folder / "tensorzero.toml"), environ=environ)
    nothing: object = None
    return optimization(
        loaded,
        nothing,  # type: ignore[arg-type]
        provider,
        keeper=nothing,  # type: ignore[arg-type]
        inferences=nothing,  # type: ignore[arg-type]
        datasets=nothing,  # type: ignore[arg-type]
    )


async def launch(one: Optimization) -> None:
    """Begin a job at OpenAI."""
    await one._optimizers.launch(OpenAISftConfig(model="m"), TrainingData(training=[sample()]))


async def test_the_key_is_the_default_one(tmp_path: Path, provider: FakeProviders) -> None:
    """That of the provider's type, wherever the configuration has it from."""
    toml = '[provider_types.openai.defaults]\napi_key_location = "env::MINE"\n'
    await launch(made(tmp_path, provider, toml, MINE="mine"))
    assert provider.keys() == {"Bearer mine"}


async def test_a_missing_key_is_told_when_it_is_needed(tmp_path: Path, provider: FakeProviders) -> None:
    """A gateway that trains nothing needs none."""
    one = made(tmp_path, provider)
    with pytest.raises(ProviderError, match="OPENAI_API_KEY"):
        await launch(one)
    assert provider.requests == []


async def test_providers_can_be_played(tmp_path: Path, provider: FakeProviders) -> None:
    """The original's variable for tests says where."""
    one = made(
        tmp_path,
        provider,
        OPENAI_API_KEY="k",
        TENSORZERO_INTERNAL_MOCK_PROVIDER_API="http://api.openai.com/v1/x",
    )
    provider.refusals["/v1/x/openai/files"] = (400, b"played")
    with pytest.raises(ProviderError, match="played"):
        await launch(one)
