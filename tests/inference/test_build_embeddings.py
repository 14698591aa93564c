"""Tests of `tzproxy.inference.build_embeddings`: embedding models by table and by shorthand."""

from __future__ import annotations

from pathlib import Path

import pytest

from in_process import DUMMY
from tzproxy.config import load_config
from tzproxy.inference.build_embeddings import EmbeddingTable
from tzproxy.inference.build_models import SHORTHANDS_KEPT
from tzproxy.providers.dummy.embeddings import DummyEmbeddings
from tzproxy.providers.embeddings import OpenAIEmbeddings

TOML = """
[embedding_models.e]
routing = ["q", "p", "nobody"]
timeout_ms = 5
[embedding_models.e.providers.p]
type = "openai"
model_name = "ada"
api_key_location = "none"
timeout_ms = 3
extra_body = [{ pointer = "/x", value = 1 }]
extra_headers = [{ name = "h", value = "v" }]
cost = [{ pointer = "/usage/prompt_tokens", cost_per_million = 1.0 }]
[embedding_models.e.providers.q]
type = "dummy"
model_name = "d"
"""


def table(folder: Path, toml: str = "") -> EmbeddingTable:
    """Build the table of a configuration."""
    path = folder / "tensorzero.toml"
    path.write_text(toml)
    return EmbeddingTable(load_config(str(path), environ=DUMMY))


def test_a_configured_model(tmp_path: Path) -> None:
    """Providers in the order of the routing, with all that their tables say."""
    model = table(tmp_path, TOML).get("e")
    assert model is not None
    dummy, openai, nobody = model.entries
    assert (model.name, model.timeout_ms) == ("e", 5)
    assert [entry.name for entry in model.entries] == ["q", "p", "nobody"]
    assert isinstance(dummy.provider, DummyEmbeddings)
    assert isinstance(openai.provider, OpenAIEmbeddings)
    assert nobody.provider is None
    assert openai.timeout_ms == 3
    assert [change.pointer for change in openai.changes.body] == ["/x"]
    assert [change.name for change in openai.changes.headers] == ["h"]
    assert len(openai.prices) == 1


@pytest.mark.parametrize(
    ("name", "provider"),
    [("openai::ada", "openai"), ("openrouter::a/b", "openrouter"), ("dummy::x", "dummy")],
)
def test_shorthand_models(tmp_path: Path, name: str, provider: str) -> None:
    """The provider is named like its type."""
    model = table(tmp_path).get(name)
    assert model is not None
    (entry,) = model.entries
    assert (model.name, entry.name) == (name, provider)


@pytest.mark.parametrize("name", ["", "nobody", "anthropic::claude", "openai:ada", "tensorzero::x"])
def test_names_of_nothing(tmp_path: Path, name: str) -> None:
    """Services that do not embed have no shorthand."""
    assert table(tmp_path).get(name) is None


def test_shorthand_models_in_use_are_kept(tmp_path: Path) -> None:
    """Names that clients make up do not fill the memory."""
    models = table(tmp_path)
    used = models.get("dummy::used")
    for number in range(SHORTHANDS_KEPT + 10):
        models.get(f"dummy::{number}")
        if number % 100 == 0:
            assert models.get("dummy::used") is used
    assert len(models._shorthands) == SHORTHANDS_KEPT
