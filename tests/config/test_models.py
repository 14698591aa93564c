"""Tests of `tzproxy.config.models`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import MODEL

EMBEDDING = """
[embedding_models.e]
routing = ["p"]
[embedding_models.e.providers.p]
type = "openai"
model_name = "x"
api_key_location = "none"
"""


def test_an_embedding_model_is_read(load: Load) -> None:
    """Model and provider have one deadline each."""
    loaded = load(
        EMBEDDING + "timeout_ms = 2\n[embedding_models.f]\nrouting = []\ntimeout_ms = 5\nproviders = {}"
    )
    assert loaded.config.embedding_models["e"].providers["p"].timeout_ms == 2
    assert loaded.config.embedding_models["f"].timeout_ms == 5


@pytest.mark.parametrize(
    ("toml", "path", "hint"),
    [
        (MODEL + "timeout_ms = 1", "models.m.providers.p.timeout_ms", "use `timeouts`"),
        (EMBEDDING + "timeouts = {}", "embedding_models.e.providers.p.timeouts", "use `timeout_ms`"),
        (EMBEDDING + "batch_cost = []", "embedding_models.e.providers.p.batch_cost", "do not have it"),
        (
            EMBEDDING + "discard_unknown_chunks = true",
            "embedding_models.e.providers.p.discard_unknown_chunks",
            "do not have it",
        ),
    ],
)
def test_keys_of_the_other_kind_are_unknown(
    find_problems: FindProblems, toml: str, path: str, hint: str
) -> None:
    """Providers of chat and embedding models differ in a few keys."""
    problems = find_problems(toml)
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}: unknown field")
    assert hint in problems[0]


def test_keys_of_the_other_kind_are_not_offered(find_problems: FindProblems) -> None:
    """The list of valid keys is that of the kind at hand."""
    chat, embedding = find_problems(MODEL + "zz = 1")[0], find_problems(EMBEDDING + "zz = 1")[0]
    assert "`timeouts`" in chat
    assert "`timeout_ms`" not in chat
    assert "`timeout_ms`" in embedding
    assert "`timeouts`" not in embedding


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("retries = {}", "models.m.retries: unknown field `retries`"),
        ("timeout_ms = 1", "models.m.timeout_ms: unknown field `timeout_ms`"),
        ('namespace = ""', "models.m.namespace: Namespace identifier cannot be empty"),
    ],
)
def test_keys_that_models_do_not_have(find_problems: FindProblems, line: str, problem: str) -> None:
    """A model has no retries of its own, and a namespace has a name."""
    provider = '{ type = "xai", model_name = "x", api_key_location = "none" }'
    toml = f'[models.m]\nrouting = ["p"]\nproviders.p = {provider}\n'
    assert find_problems(toml + line)[0].startswith(problem)
