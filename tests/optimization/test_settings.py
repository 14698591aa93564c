"""Tests of `tzproxy.optimization.settings`."""

from __future__ import annotations

import pytest

from tzproxy.config.optimizers import FullTrainingConfig, OpenAISftConfig, TogetherSftConfig
from tzproxy.errors import RequestError
from tzproxy.optimization.settings import read_settings


def test_settings_are_read_as_the_client_sends_them() -> None:
    """Null is as good as absent, a whole number serves for any, and what nobody knows is ignored."""
    given = {"type": "openai_sft", "model": "m", "learning_rate_multiplier": 2, "seed": None, "x": 1}
    assert read_settings(given) == OpenAISftConfig(model="m", learning_rate_multiplier=2.0)
    nested = {"type": "together_sft", "model": "m", "training_type": {"type": "Full"}}
    assert read_settings(nested) == TogetherSftConfig(model="m", training_type=FullTrainingConfig())


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "optimizer_config: invalid type: null, expected a map"),
        ({}, "optimizer_config: missing tag field `type`"),
        ({"type": "nope"}, "optimizer_config.type: unknown variant `nope`"),
        ({"type": "openai_sft"}, "optimizer_config: missing field `model`"),
        ({"type": "openai_sft", "model": "m", "n_epochs": -1}, "optimizer_config.n_epochs: invalid"),
        (
            {"type": "openai_rft", "model": "m", "grader": {"type": "x"}},
            "optimizer_config.grader.type: unknown variant `x`",
        ),
    ],
)
def test_wrong_settings_name_the_field(given: object, reason: str) -> None:
    """The path to it begins with the request's own."""
    with pytest.raises(RequestError) as caught:
        read_settings(given)
    assert caught.value.message.startswith(reason)
    assert caught.value.status == 400


def test_all_that_is_wrong_is_said() -> None:
    """At once."""
    with pytest.raises(RequestError, match=r"c\.seed.*c\.n_epochs"):
        read_settings({"type": "openai_sft", "model": "m", "seed": "a", "n_epochs": "b"}, "c")
