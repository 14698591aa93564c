"""Tests of `tzproxy.config.checks.scope`."""

from __future__ import annotations

from typing import Any

import pytest

from tzproxy.config.checks.scope import Scope
from tzproxy.config.credentials import CredentialStore
from tzproxy.config.environment import Environment
from tzproxy.config.problems import Problems
from tzproxy.config.provider_types import ProviderTypesConfig


def scope(tree: dict[str, Any], *, dummy: bool = False) -> Scope:
    """Return a scope over a document."""
    return Scope(
        problems=Problems(),
        environment=Environment(enable_dummy_provider=dummy),
        credentials=CredentialStore({}, ProviderTypesConfig()),
        tree=tree,
    )


def test_names_are_those_of_the_document() -> None:
    """Whatever is not a table has no names."""
    surroundings = scope({"models": {"m": 1, "n": {"providers": {"p": {}}}}, "tools": 1})
    assert surroundings.names("models") == {"m", "n"}
    assert surroundings.names("models", "n", "providers") == {"p"}
    assert surroundings.names("models", "m", "providers") == frozenset()
    assert surroundings.names("tools") == surroundings.names("functions") == frozenset()


@pytest.mark.parametrize(
    ("name", "chat", "embedding"),
    [
        ("m", True, False),
        ("e", False, True),
        ("openai::x", True, True),
        ("xai::x", True, False),
        ("azure::x", False, False),
        ("dummy::x", False, False),
    ],
)
def test_which_models_exist(name: str, chat: bool, embedding: bool) -> None:
    """Configured names and shorthands, each kind with its own."""
    surroundings = scope({"models": {"m": {}}, "embedding_models": {"e": {}}})
    assert surroundings.has_model(name) is chat
    assert surroundings.has_embedding_model(name) is embedding


def test_dummy_models_where_they_are_enabled() -> None:
    """Both kinds have canned answers."""
    surroundings = scope({}, dummy=True)
    assert surroundings.has_model("dummy::x")
    assert surroundings.has_embedding_model("dummy::x")


def test_warnings_name_their_key() -> None:
    """A warning looks like a finding and does not stop the load."""
    surroundings = scope({})
    surroundings.warn(("a", "b"), "odd")
    assert surroundings.warnings == ["a.b: odd"]
    assert not surroundings.problems
