"""Tests of `tzproxy.optimization.services`."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from optimization.fakes import FakeProviders
from optimization.samples import sample
from tzproxy.config import load_config
from tzproxy.config.optimizers import (
    DiclOptimizerConfig,
    FireworksSftConfig,
    GcpVertexGeminiSftConfig,
    OpenAISftConfig,
    OptimizerConfig,
    TogetherSftConfig,
)
from tzproxy.errors import StoreError, TzproxyError
from tzproxy.optimization.gepa.tasks import GepaParts
from tzproxy.optimization.samples import TrainingData
from tzproxy.optimization.services import optimization
from tzproxy.optimization.workflow import Optimization
from tzproxy.providers.errors import ProviderError


def made(folder: Path, provider: FakeProviders, toml: str = "", **environ: str) -> Optimization:
    """Put a gateway's optimisation together."""
    (folder / "tensorzero.toml").write_text(toml)
    loaded = load_config(str(folder / "tensorzero.toml"), environ=environ)
    nothing: Any = None
    engine: Any = SimpleNamespace(catalog=SimpleNamespace(functions={}))
    searches = GepaParts(loaded=loaded, engine=engine, evaluations=nothing, planner=None, store=None)
    return optimization(
        searches,
        provider,
        keeper=nothing,
        inferences=nothing,
        datasets=nothing,
        embedder=nothing,
        examples=None,
    )


async def launch(one: Optimization, settings: OptimizerConfig | None = None) -> None:
    """Begin a job, at OpenAI unless told otherwise."""
    chosen = settings or OpenAISftConfig(model="m")
    await one._optimizers.launch(chosen, TrainingData(training=[sample()]))


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


TYPES = """
[provider_types.fireworks.sft]
account_id = "acct"
[provider_types.together.sft]
wandb_api_key = "wandb-secret"
hf_api_token = "hf-secret"
[provider_types.gcp_vertex_gemini.sft]
project_id = "p"
region = "us-central1"
bucket_name = "b"
"""


async def test_settings_of_provider_types(tmp_path: Path, provider: FakeProviders) -> None:
    """Accounts and further keys come from the configuration."""
    one = made(tmp_path, provider, TYPES, FIREWORKS_API_KEY="f", TOGETHER_API_KEY="t")
    await launch(one, FireworksSftConfig(model="m"))
    await launch(one, TogetherSftConfig(model="m"))
    assert provider.keys() == {"Bearer f", "Bearer t"}
    assert provider.sent("/fine-tunes")["wandb_api_key"] == "wandb-secret"


async def test_no_secret_gets_into_an_error(tmp_path: Path, provider: FakeProviders) -> None:
    """Not even one that a provider repeats."""
    provider.refusals["/fine-tunes"] = (400, b"wandb-secret, hf-secret and the-key are bad")
    one = made(tmp_path, provider, TYPES, TOGETHER_API_KEY="the-key")
    with pytest.raises(ProviderError, match=r"\[hidden\], \[hidden\] and \[hidden\] are bad"):
        await launch(one, TogetherSftConfig(model="m"))


@pytest.mark.parametrize(
    ("settings", "kind", "reason"),
    [
        (FireworksSftConfig(model="m"), TzproxyError, r"\[provider_types\.fireworks\.sft\]"),
        (
            GcpVertexGeminiSftConfig(model="m"),
            TzproxyError,
            r"\[provider_types\.gcp_vertex_gemini\.sft\]",
        ),
        (
            DiclOptimizerConfig(embedding_model="e", variant_name="v", function_name="f"),
            StoreError,
            "needs a ClickHouse store",
        ),
    ],
)
async def test_what_is_not_configured(
    tmp_path: Path,
    provider: FakeProviders,
    settings: OptimizerConfig,
    kind: type[TzproxyError],
    reason: str,
) -> None:
    """It is told by the job that needs it."""
    with pytest.raises(kind, match=reason):
        await launch(made(tmp_path, provider), settings)


async def test_googles_account(tmp_path: Path, provider: FakeProviders) -> None:
    """It is looked for when a job needs it, and its absence is told."""
    with pytest.raises(TzproxyError, match="GCP_VERTEX_CREDENTIALS_PATH"):
        await launch(made(tmp_path, provider, TYPES), GcpVertexGeminiSftConfig(model="m"))
    assert provider.requests == []
