"""Tests of `tzproxy.config.checks.models`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import MODEL

KINDS = [
    "anthropic",
    "aws_bedrock",
    "aws_sagemaker",
    "azure",
    "deepseek",
    "fireworks",
    "gcp_vertex_anthropic",
    "gcp_vertex_gemini",
    "google_ai_studio_gemini",
    "groq",
    "hyperbolic",
    "mistral",
    "openai",
    "openrouter",
    "sglang",
    "tgi",
    "together",
    "vllm",
    "xai",
]


@pytest.mark.parametrize("prefix", [*KINDS, "tensorzero"])
def test_reserved_names(find_problems: FindProblems, prefix: str) -> None:
    """No model may look like a shorthand of any type, nor like the gateway's own."""
    name = f"{prefix}::x"
    provider = '{ type = "openai", model_name = "x", api_key_location = "none" }'
    for section, noun in (
        ("models", f"Failed to load models: Model name '{name}'"),
        ("embedding_models", f"Failed to load embedding models: Embedding model name '{name}'"),
    ):
        problems = find_problems(f'[{section}."{name}"]\nrouting = ["p"]\nproviders.p = {provider}')
        assert problems == [f"{section}.{name}: {noun} contains a reserved prefix"]


def test_similar_names_are_free(load: Load) -> None:
    """Only the whole prefix is reserved; `dummy::` only where dummy models exist."""
    provider = '{ type = "openai", model_name = "x", api_key_location = "none" }'
    toml = "".join(
        f'[models."{name}"]\nrouting = ["p"]\nproviders.p = {provider}\n'
        for name in ("openai:x", "my::x", "dummy::x")
    )
    assert len(load(toml).config.models) == 3


def model(routing: str, *names: str) -> str:
    """Return a model with the routing and providers of the names."""
    text = f"[models.m]\nrouting = {routing}\n"
    for name in names:
        text += (
            f'[models.m.providers."{name}"]\ntype = "openai"\nmodel_name = "x"\napi_key_location = "none"\n'
        )
    return text


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (model("[]", "p"), "models.m.routing: `routing` must not be empty"),
        (model('["p", "p"]', "p"), "models.m.routing: duplicate entry `p`"),
        (
            model('["p", "qq"]', "p"),
            "models.m.routing: `routing` contains entry `qq` that does not exist in `providers`",
        ),
        (
            model('["main"]', "mainn"),
            "models.m.routing: `routing` contains entry `main` that does not exist in `providers` "
            "(did you mean `mainn`?)",
        ),
        (model('["p"]', "p", "q"), "models.m.providers.q: Provider `q` is not listed in `routing`"),
        (
            model('["tensorzero::p"]', "tensorzero::p"),
            "models.m.routing: Provider name cannot start with 'tensorzero::': tensorzero::p",
        ),
    ],
)
def test_routing_and_providers_agree(find_problems: FindProblems, toml: str, problem: str) -> None:
    """Every name is listed once and exists, every provider is listed."""
    assert problem in find_problems(toml)


def test_routing_of_embedding_models_is_not_checked(load: Load) -> None:
    """A bad entry shows when the model is used."""
    assert load('[embedding_models.e]\nrouting = ["ghost"]\nproviders = {}').config.embedding_models


@pytest.mark.parametrize("kind", ["openai", "openrouter", "xai"])
def test_embeddings_come_from_few_types(load: Load, find_problems: FindProblems, kind: str) -> None:
    """Only types that have an embeddings API are taken."""
    toml = f'[embedding_models.e]\nrouting = ["p"]\n[embedding_models.e.providers.p]\ntype = "{kind}"\n'
    toml += 'model_name = "x"\napi_key_location = "none"'
    if kind == "xai":
        expected = "embedding_models.e.providers.p.type: Unsupported provider config for embedding: `xai`"
        assert find_problems(toml) == [expected]
    else:
        assert load(toml).config.embedding_models


GEMINI = """
[models.m]
routing = ["p"]
[models.m.providers.p]
type = "gcp_vertex_gemini"
location = "l"
project_id = "p"
credential_location = "sdk"
"""
AZURE = """
[models.m]
routing = ["p"]
[models.m.providers.p]
type = "azure"
deployment_id = "d"
"""


@pytest.mark.parametrize(
    ("toml", "key", "words"),
    [
        (
            MODEL + "include_encrypted_reasoning = true",
            ".include_encrypted_reasoning",
            "is only supported when",
        ),
        (MODEL + "provider_tools = [{}]", ".provider_tools", "Responses API is not enabled"),
        (MODEL + 'api_base = "foo"', ".api_base", 'relative URL without a base: "foo"'),
        (GEMINI, "", "Exactly one of model_id or endpoint_id must be provided"),
        (GEMINI + 'model_id = "a"\nendpoint_id = "b"', "", "Exactly one of model_id or endpoint_id"),
        (
            AZURE + 'api_key_location = "dynamic::k"\nendpoint = "foo"',
            ".endpoint",
            "Invalid endpoint URL 'foo': relative URL without a base",
        ),
        (
            AZURE + 'api_key_location = "dynamic::k"\nendpoint = "env::ABSENT"',
            ".endpoint",
            "Environment variable 'ABSENT' not found for Azure endpoint",
        ),
        (AZURE + 'api_key_location = "dynamic::k"\nendpoint = "sdk"', ".endpoint", "Invalid endpoint URL"),
    ],
)
def test_keys_that_need_each_other(find_problems: FindProblems, toml: str, key: str, words: str) -> None:
    """Rules of single provider types are checked at the provider."""
    problems = find_problems(toml)
    assert len(problems) == 1
    assert problems[0].startswith(f"models.m.providers.p{key}: ")
    assert words in problems[0]


def test_the_responses_api_takes_its_keys(load: Load) -> None:
    """With the right API the same keys are fine."""
    toml = (
        MODEL
        + 'api_type = "responses"\ninclude_encrypted_reasoning = true\nprovider_tools = [{ type = "x" }]'
    )
    assert load(toml).warnings == []


def test_an_endpoint_of_the_request_with_a_fixed_key_is_a_warning(load: Load) -> None:
    """Whoever names the endpoint would get the key."""
    toml = AZURE + 'endpoint = "dynamic::e"\napi_key_location = '
    assert "receives the configured key" in load(toml + '"env::K"', environ={"K": "v"}).warnings[0]
    assert load(toml + '"dynamic::k"').warnings == []


@pytest.mark.parametrize(
    ("key", "entry", "place", "words"),
    [
        ("cost", '{ pointer = "/a" }', "[0]", "exactly one of `cost_per_million` or `cost_per_unit`"),
        ("cost", '{ pointer = "/a", cost_per_million = 1, cost_per_unit = 1 }', "[0]", "exactly one of"),
        ("cost", "{ cost_per_unit = 1 }", "[0]", "invalid pointer configuration: specify either"),
        ("cost", '{ pointer_streaming = "/a", cost_per_unit = 1 }', "[0]", "invalid pointer configuration"),
        (
            "cost",
            '{ pointer = "/a", pointer_streaming = "/a", cost_per_unit = 1 }',
            "[0]",
            "invalid pointer configuration",
        ),
        ("cost", '{ pointer = "x", cost_per_unit = 1 }', "[0].pointer", "invalid JSON pointer `x`"),
        ("cost", '{ pointer = "#x", cost_per_unit = 1 }', "[0].pointer", "invalid JSON pointer `#x`"),
        (
            "cost",
            '{ pointer = "/a", cost_per_unit = 1e29 }',
            "[0].cost_per_unit",
            "decimal number below 2^96",
        ),
        ("cost", '{ pointer = "/~2", cost_per_unit = 1 }', "[0].pointer", "invalid JSON pointer `/~2`"),
        ("cost", '{ pointer = "/a", cost_per_unit = "1" }', "[0].cost_per_unit", "expected a decimal number"),
        (
            "batch_cost",
            '{ pointer_streaming = "/a", pointer_nonstreaming = "/b", cost_per_unit = 1 }',
            "[0]",
            "missing field `pointer`",
        ),
    ],
)
def test_prices_have_one_pointer_and_one_rate(
    find_problems: FindProblems, key: str, entry: str, place: str, words: str
) -> None:
    """Each entry says where its number is and what it costs, in exactly one way."""
    problems = find_problems(MODEL + f"{key} = [{entry}]")
    assert len(problems) == 1
    assert problems[0].startswith(f"models.m.providers.p.{key}{place}: ")
    assert words in problems[0]


@pytest.mark.parametrize("pointer", ["", "/", "/a~0b/~1", "/0"])
def test_every_json_pointer_is_accepted(load: Load, pointer: str) -> None:
    """The whole document and escaped names can be pointed at."""
    entry = f'{{ pointer_streaming = "{pointer}", pointer_nonstreaming = "/a", cost_per_unit = 1 }}'
    assert load(MODEL + f"cost = [{entry}]").warnings == []


def test_prices_of_embeddings_have_one_pointer(find_problems: FindProblems) -> None:
    """Embeddings do not stream."""
    toml = '[embedding_models.e]\nrouting = ["p"]\n[embedding_models.e.providers.p]\ntype = "openai"\n'
    toml += 'model_name = "x"\napi_key_location = "none"\n'
    toml += 'cost = [{ pointer_streaming = "/a", pointer_nonstreaming = "/a", cost_per_unit = 1 }]'
    assert find_problems(toml) == ["embedding_models.e.providers.p.cost[0]: missing field `pointer`"]
