"""Tests of `tzproxy.client.config_view`: a configuration as the published client shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorzero

from in_process import DUMMY
from tzproxy.client.config_view import (
    BestOfNSamplingConfig,
    ChainOfThoughtConfig,
    ChatCompletionConfig,
    Config,
    DICLConfig,
    FunctionConfigChat,
    FunctionConfigJson,
    MixtureOfNConfig,
)
from tzproxy.config import load_config

TOML = """
[functions.f]
type = "chat"
user_schema = "user.json"
[functions.f.variants.plain]
type = "chat_completion"
model = "dummy::good"
user_template = "user.minijinja"
[functions.f.variants.named]
type = "chat_completion"
model = "dummy::good"
templates.user.path = "user.minijinja"
templates.system.path = "system.minijinja"
[functions.g]
type = "json"
output_schema = "user.json"
[functions.g.variants.v]
type = "chat_completion"
model = "dummy::json"
json_mode = "off"
"""


def test_functions_variants_schemas_and_templates(tmp_path: Path) -> None:
    """Types, models, schemas and templates are those that the published client shows of the same files."""
    (tmp_path / "tensorzero.toml").write_text(TOML)
    (tmp_path / "user.json").write_text('{"type": "object", "properties": {"a": {}}}')
    (tmp_path / "user.minijinja").write_text("U {{ a }}")
    (tmp_path / "system.minijinja").write_text("S")
    loaded = load_config(str(tmp_path / "tensorzero.toml"), environ=DUMMY)
    config = Config(loaded)
    f, g = config.functions["f"], config.functions["g"]
    assert isinstance(f, FunctionConfigChat)
    assert isinstance(g, FunctionConfigJson)
    assert (f.type, g.type, len(f.variants)) == ("chat", "json", 2)
    assert {"f", "g"} <= set(config.functions)
    assert ("plain" in f.variants, "other" in f.variants, "other" in config.functions) == (True, False, False)
    assert f.user_schema == g.output_schema == {"type": "object", "properties": {"a": {}}}
    assert (f.system_schema, f.assistant_schema) == (None, None)
    plain, named = f.variants["plain"], f.variants["named"]
    assert isinstance(plain, ChatCompletionConfig)
    assert isinstance(named, ChatCompletionConfig)
    assert (plain.model, plain.user_template, plain.system_template) == ("dummy::good", "U {{ a }}", None)
    assert (named.user_template, named.system_template, named.assistant_template) == ("U {{ a }}", "S", None)
    with pytest.raises(KeyError):
        config.functions["nobody"]
    assert len(config.functions) >= 2


def test_the_published_names_are_there() -> None:
    """Each kind of variant has its class."""
    for kind in (BestOfNSamplingConfig, ChainOfThoughtConfig, DICLConfig, MixtureOfNConfig):
        assert hasattr(tensorzero, kind.__name__)
