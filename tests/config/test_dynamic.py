"""Tests of `tzproxy.config.dynamic`."""

from __future__ import annotations

import msgspec
import pytest

from config.conftest import Load
from config.samples import CHAT, JSON
from tzproxy.config.dynamic import DYNAMIC_VARIANT, parse_variant_config
from tzproxy.config.scalars import FileData
from tzproxy.config.variants import (
    BestOfNConfig,
    ChainOfThoughtConfig,
    ChatCompletionConfig,
    MixtureOfNConfig,
    VariantConfig,
)
from tzproxy.errors import ConfigError


def parse(load: Load, value: object, *, toml: str = CHAT, name: str = "f") -> VariantConfig:
    """Return the variant of a request."""
    loaded = load(toml)
    raw = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return parse_variant_config(raw, function=loaded.functions[name], function_name=name, loaded=loaded)


def test_a_variant_with_inlined_files(load: Load) -> None:
    """The shape is that of the configuration, nulls are absent keys, files are their contents."""
    file = {"__tensorzero_remapped_path": "template_1", "__data": "Hi {{ x }}"}
    variant = parse(
        load,
        {
            "type": "chat_completion",
            "model": "m",
            "weight": None,
            "timeouts": None,
            "system_template": None,
            "temperature": 0.2,
            "templates": {"user": {"path": file}},
        },
    )
    assert isinstance(variant, ChatCompletionConfig)
    assert variant.temperature == 0.20000000298023224
    assert variant.templates["user"].path == FileData("template_1", "", "Hi {{ x }}")


def test_a_strategy_may_use_the_functions_variants(load: Load) -> None:
    """Candidates are looked up in the function."""
    variant = parse(
        load,
        {"type": "experimental_best_of_n_sampling", "candidates": ["v"], "evaluator": {"model": "openai::x"}},
    )
    assert isinstance(variant, BestOfNConfig)
    assert variant.candidates == ("v",)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"{", "Failed to parse variant"),
        (b"[]", "Failed to parse variant"),
        ({}, "missing tag field `type`"),
        ({"type": "chat_completion", "model": "ghost"}, "Model name 'ghost' not found"),
        ({"type": "chat_completion", "model": "m", "json_mode": "on"}, "JSON mode is not supported"),
        ({"type": "chat_completion", "model": "m", "system_template": "/etc/passwd"}, "expected a file path"),
        (
            {"type": "experimental_best_of_n_sampling", "candidates": ["w"], "evaluator": {"model": "m"}},
            "Unknown candidate variant: w",
        ),
    ],
)
def test_what_a_configuration_could_not_hold_is_refused(load: Load, value: object, words: str) -> None:
    """A variant of a request is checked like one of the function, and cannot read files."""
    with pytest.raises(ConfigError) as caught:
        parse(load, value)
    assert words in caught.value.message
    assert f"functions.f.variants.{DYNAMIC_VARIANT}" in caught.value.message


def test_json_functions_need_no_json_mode(load: Load) -> None:
    """What only files must say may be left out; the variant is kept as it came."""
    for kind in ("chat_completion", "experimental_chain_of_thought"):
        parsed = parse(load, {"type": kind, "model": "m"}, toml=JSON, name="j")
        assert isinstance(parsed, (ChatCompletionConfig, ChainOfThoughtConfig))
        assert parsed.json_mode is None
    fuser = {"type": "experimental_mixture_of_n", "candidates": [], "fuser": {"model": "m"}}
    mixture = parse(load, fuser, toml=JSON, name="j")
    assert isinstance(mixture, MixtureOfNConfig) and mixture.fuser.json_mode is None
    with pytest.raises(ConfigError, match="not found in model table"):
        parse(load, {"type": "chat_completion", "model": "zz"}, toml=JSON, name="j")
