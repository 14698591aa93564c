"""Tests of `tzproxy.config.providers`."""

from __future__ import annotations

import typing

import pytest

from config.conftest import FindProblems
from tzproxy.config.credentials import RULES
from tzproxy.config.providers import DummyProviderConfig, ProviderConfig, TGIProviderConfig, provider_type


def test_a_provider_knows_its_type() -> None:
    """The type is the one that the table has."""
    assert provider_type(DummyProviderConfig(model_name="x")) == "dummy"
    assert provider_type(TGIProviderConfig(api_base="http://h")) == "tgi"


def test_every_type_has_credential_rules() -> None:
    """Types without rules are those of AWS, which has its own."""
    kinds = {str(struct.__struct_config__.tag) for struct in typing.get_args(ProviderConfig)}
    assert kinds == set(RULES) | {"aws_bedrock", "aws_sagemaker"}
    assert len(kinds) == 20


_AWS = 'region = "us-east-1"'
NEEDED = {
    "anthropic": 'model_name = "x"',
    "aws_bedrock": f'model_id = "x"\n{_AWS}',
    "aws_sagemaker": f'endpoint_name = "x"\nmodel_name = "x"\nhosted_provider = "tgi"\n{_AWS}',
    "azure": 'deployment_id = "x"\nendpoint = "https://h"',
    "deepseek": 'model_name = "x"',
    "dummy": 'model_name = "x"',
    "fireworks": 'model_name = "x"',
    "gcp_vertex_anthropic": 'model_id = "x"\nlocation = "l"\nproject_id = "p"',
    "gcp_vertex_gemini": 'location = "l"\nproject_id = "p"\nmodel_id = "x"',
    "google_ai_studio_gemini": 'model_name = "x"',
    "groq": 'model_name = "x"',
    "hyperbolic": 'model_name = "x"',
    "mistral": 'model_name = "x"',
    "openai": 'model_name = "x"',
    "openrouter": 'model_name = "x"',
    "sglang": 'model_name = "x"\napi_base = "http://h/v1/"',
    "tgi": 'api_base = "http://h/v1/"',
    "together": 'model_name = "x"',
    "vllm": 'model_name = "x"\napi_base = "http://h/v1/"',
    "xai": 'model_name = "x"',
}
"""The keys that each type cannot do without; of `model_id` of `gcp_vertex_gemini` there is another form."""
ENVIRON = {f"{kind.upper()}_API_KEY": "k" for kind in NEEDED} | {
    "GOOGLE_AI_STUDIO_API_KEY": "k",
    "TZPROXY_ENABLE_DUMMY_PROVIDER": "1",
}


def _toml(kind: str, keys: str) -> str:
    head = f'[models.m]\nrouting = ["p"]\n[models.m.providers.p]\ntype = "{kind}"\n'
    location = 'credential_location = "dynamic::t"\n' if kind.startswith("gcp_") else ""
    return f"{head}{location}{keys}\n"


def test_every_type_is_tried() -> None:
    """The tests below know each type."""
    assert set(NEEDED) == {str(struct.__struct_config__.tag) for struct in typing.get_args(ProviderConfig)}


@pytest.mark.parametrize("kind", NEEDED)
def test_a_key_that_does_not_exist(find_problems: FindProblems, kind: str) -> None:
    """A key that the type does not have is named with its whole path, and nothing else is complained of."""
    problems = find_problems(_toml(kind, f"{NEEDED[kind]}\nno_such_key = 1"), environ=ENVIRON)
    assert len(problems) == 1
    assert problems[0].startswith("models.m.providers.p")
    assert "no_such_key" in problems[0]


@pytest.mark.parametrize(
    ("kind", "key"),
    [(kind, line.partition(" =")[0]) for kind, text in NEEDED.items() for line in text.splitlines()],
)
def test_a_key_that_is_needed(find_problems: FindProblems, kind: str, key: str) -> None:
    """A key that the type cannot do without is named with its whole path."""
    kept = "\n".join(line for line in NEEDED[kind].splitlines() if not line.startswith(f"{key} "))
    problems = find_problems(_toml(kind, kept), environ=ENVIRON)
    assert len(problems) == 1
    assert problems[0].startswith("models.m.providers.p")
    assert key.removesuffix("_id") in problems[0]


@pytest.mark.parametrize("kind", NEEDED)
def test_a_key_of_the_wrong_kind(find_problems: FindProblems, kind: str) -> None:
    """A value of the wrong kind is named with the key's path."""
    first = NEEDED[kind].partition(" =")[0]
    kept = "\n".join(NEEDED[kind].splitlines()[1:])
    problems = find_problems(_toml(kind, f"{first} = 7\n{kept}"), environ=ENVIRON)
    assert len(problems) == 1
    assert problems[0].startswith(f"models.m.providers.p.{first}: ")


def test_a_type_that_does_not_exist(find_problems: FindProblems) -> None:
    """An unknown type is named."""
    problems = find_problems(_toml("no_such_type", 'model_name = "x"'), environ=ENVIRON)
    assert len(problems) == 1
    assert problems[0].startswith("models.m.providers.p")
    assert "no_such_type" in problems[0]
