"""Tests of `tzproxy.config.shorthand`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from tzproxy.config.providers import (
    DummyProviderConfig,
    GcpVertexAnthropicProviderConfig,
    GcpVertexGeminiProviderConfig,
    NamedModelProviderConfig,
    OpenAIProviderConfig,
    provider_type,
)
from tzproxy.config.shorthand import CHAT_SHORTHANDS, EMBEDDING_SHORTHANDS, has_shorthand, shorthand_model
from tzproxy.errors import ConfigError

_NAMED = sorted(CHAT_SHORTHANDS - {"gcp_vertex_anthropic", "gcp_vertex_gemini"})


def test_the_types_are_those_of_the_language() -> None:
    """Thirteen types have chat shorthands, two have embedding shorthands."""
    assert len(CHAT_SHORTHANDS) == 13
    assert CHAT_SHORTHANDS.isdisjoint({"azure", "aws_bedrock", "aws_sagemaker", "vllm", "sglang", "tgi"})
    assert EMBEDDING_SHORTHANDS == {"openai", "openrouter"}


@pytest.mark.parametrize("kind", _NAMED)
def test_a_shorthand_is_a_provider_of_its_type(kind: str) -> None:
    """The rest of the name is the model; nothing else is set."""
    model = shorthand_model(f"{kind}::a/b::c")
    assert isinstance(model, NamedModelProviderConfig)
    assert provider_type(model) == kind
    assert model.model_name == "a/b::c"
    assert model.api_key_location is None


def test_the_responses_api_has_a_prefix_of_its_own() -> None:
    """`openai::responses::X` is model X through the Responses API, for chat only."""
    assert shorthand_model("openai::responses::x") == OpenAIProviderConfig(
        model_name="x", api_type="responses"
    )
    embedding = shorthand_model("openai::responses::x", embedding=True)
    assert embedding == OpenAIProviderConfig(model_name="responses::x")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "gcp_vertex_gemini::projects/p/locations/l/publishers/google/models/m",
            GcpVertexGeminiProviderConfig(project_id="p", location="l", model_id="m"),
        ),
        (
            "gcp_vertex_gemini::projects/p/locations/l/endpoints/7",
            GcpVertexGeminiProviderConfig(project_id="p", location="l", endpoint_id="7"),
        ),
        (
            "gcp_vertex_anthropic::projects/p/locations/l/publishers/anthropic/models/m",
            GcpVertexAnthropicProviderConfig(project_id="p", location="l", model_id="m"),
        ),
    ],
)
def test_vertex_names_are_resource_paths(name: str, expected: object) -> None:
    """Project, location and model are taken out of the path."""
    assert shorthand_model(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "gcp_vertex_gemini::gemini-2",
        "gcp_vertex_gemini::projects/p/locations/l/publishers/anthropic/models/m",
        "gcp_vertex_anthropic::projects/p/locations/l/publishers/google/models/m",
        "gcp_vertex_anthropic::projects/p/locations/l/endpoints/7",
        "gcp_vertex_gemini::projects/p/locations/l/publishers/google/models/m/more",
    ],
)
def test_other_vertex_names_are_refused(name: str) -> None:
    """The shape is checked when the model is used, and the message says which one is right."""
    assert has_shorthand(name)
    with pytest.raises(ConfigError, match="GCP shorthand url"):
        shorthand_model(name)


@pytest.mark.parametrize("name", ["gpt-4", "azure::x", "vllm::x", "dummy::x", "openai:x", "nosuch::x", "::x"])
def test_other_names_are_no_shorthands(name: str) -> None:
    """Types without shorthand and plain names give None."""
    assert shorthand_model(name) is None


def test_embeddings_have_fewer_shorthands() -> None:
    """A chat shorthand is not one for embeddings."""
    assert shorthand_model("anthropic::x", embedding=True) is None
    assert shorthand_model("openrouter::x", embedding=True) is not None


def _variant(model: str) -> str:
    return f'[functions.f]\ntype = "chat"\nvariants.v = {{ type = "chat_completion", model = "{model}" }}\n'


@pytest.mark.parametrize("kind", sorted(CHAT_SHORTHANDS))
def test_variants_may_use_every_shorthand(load: Load, kind: str) -> None:
    """Only the prefix is looked at while loading, and no key is needed."""
    assert load(_variant(f"{kind}::")).config.functions["f"].variants["v"]


@pytest.mark.parametrize("kind", ["azure", "aws_bedrock", "aws_sagemaker", "vllm", "sglang", "tgi", "nosuch"])
def test_variants_may_not_use_others(find_problems: FindProblems, kind: str) -> None:
    """A prefix without shorthand is an unknown model."""
    expected = [f"functions.f.variants.v.model: Model name '{kind}::x' not found in model table"]
    assert find_problems(_variant(f"{kind}::x")) == expected


def test_dummy_models_need_the_flag(load: Load, find_problems: FindProblems) -> None:
    """Canned answers exist only where the environment asks for them."""
    assert "dummy::x" in find_problems(_variant("dummy::x"))[0]
    loaded = load(_variant("dummy::x"), environ={"TZPROXY_ENABLE_DUMMY_PROVIDER": "1"})
    assert loaded.shorthand_model("dummy::x") == DummyProviderConfig(model_name="x")
    toml = '[models.m]\nrouting = ["p"]\nproviders.p = { type = "dummy", model_name = "x" }'
    assert "unknown variant `dummy`" in find_problems(toml)[0]
    assert load(toml, environ={"TZPROXY_ENABLE_DUMMY_PROVIDER": "1"}).config.models["m"].providers["p"]
