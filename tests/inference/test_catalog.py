"""Tests of `tzproxy.inference.catalog`: what a configuration offers, and what it says it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from in_process import CHAT, DUMMY, MODEL, StartGateway, completion
from tzproxy.config import load_config
from tzproxy.errors import ConfigError, RequestError
from tzproxy.inference.catalog import ConfigCatalog


def catalog(folder: Path, toml: str = "", files: Mapping[str, str] | None = None) -> ConfigCatalog:
    """Build the catalog of a configuration."""
    for name, text in {"tensorzero.toml": toml, **(files or {})}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return ConfigCatalog(load_config(str(folder / "tensorzero.toml"), environ=DUMMY))


def test_an_empty_configuration_has_the_default_function(tmp_path: Path) -> None:
    """Without any configuration models can be named, and built-in functions exist."""
    made = catalog(tmp_path)
    assert made.default_function.name == "tensorzero::default"
    assert all(name.startswith("tensorzero::") for name in made.functions)
    assert made.unsupported == []
    assert made.files.kind is None


def test_the_default_variant_is_kept_for_a_model(tmp_path: Path) -> None:
    """The variant of a model request is named like the model and made once."""
    made = catalog(tmp_path, MODEL)
    model = made.model("m")
    assert model is not None
    variant = made.default_variant(model)
    assert (variant.name, variant.namespace) == ("m", None)
    assert made.default_variant(model) is variant


def test_the_hash_follows_templates_that_only_templates_name(tmp_path: Path) -> None:
    """An included file is part of the configuration in force: its change is a new configuration."""
    toml = (
        f'[gateway.template_filesystem_access]\nenabled = true\nbase_path = "."\n{MODEL}{CHAT}'
        'templates.a.path = "a.minijinja"\n'
    )
    files = {"a.minijinja": '{% include "b.minijinja" %}', "b.minijinja": "one"}
    first = catalog(tmp_path, toml, files)
    again = catalog(tmp_path, toml, files)
    changed = catalog(tmp_path, toml, {**files, "b.minijinja": "two"})
    assert first.snapshot_hash == again.snapshot_hash != changed.snapshot_hash
    assert int(first.snapshot.hash_hex, 16) == first.snapshot_hash


PROBLEMS = (
    MODEL
    + CHAT
    + 'templates.bad.path = "bad.minijinja"\n'
    + '[functions.j]\ntype = "json"\noutput_schema = "bad.json"\nvariants = {}\n'
    + '[tools.t]\ndescription = "d"\nparameters = "worse.json"\n'
)


def test_all_problems_are_found_at_once(tmp_path: Path) -> None:
    """Templates and schemas that cannot be compiled are told together, each by its file."""
    files = {"bad.minijinja": "{% if %}", "bad.json": "{", "worse.json": '{"type": 5}'}
    with pytest.raises(ConfigError) as caught:
        catalog(tmp_path, PROBLEMS, files)
    problems = caught.value.problems
    assert len(problems) == 3
    for file in files:
        assert any(file in problem for problem in problems), problems


LACKING = (
    MODEL
    + CHAT
    + "[gateway.export.otlp.traces]\nenabled = false\n"
    + '[gateway.relay]\ngateway_url = "http://relay.test"\n'
)


async def test_what_is_configured_but_not_built_is_named(start: StartGateway, tmp_path: Path) -> None:
    """Such a configuration loads and serves what it can; operators are told what it lacks."""
    made = catalog(tmp_path, LACKING)
    assert any("gateway.relay" in feature for feature in made.unsupported)
    gateway = await start(LACKING, [completion()])
    assert (await gateway.infer()).status == 200


def test_a_dynamic_variant_is_built_for_its_function(tmp_path: Path) -> None:
    """Its templates come with it; what is wrong with them is the client's mistake."""
    made = catalog(tmp_path, MODEL + CHAT)
    variant = made.dynamic_variant(
        made.functions["f"],
        b'{"type":"chat_completion","model":"m","system_template":'
        b'{"__tensorzero_remapped_path":"s","__data":"Be kind."}}',
    )
    assert variant.name == "tensorzero::dynamic_variant"
    for config, reason in (
        (b'{"type":"chat_completion","model":"zz"}', "not found in model table"),
        (
            b'{"type":"chat_completion","model":"m","system_template":'
            b'{"__tensorzero_remapped_path":"s","__data":"{% if %}"}}',
            "internal_dynamic_variant_config: ",
        ),
        (b'"text"', "internal_dynamic_variant_config: "),
    ):
        with pytest.raises(RequestError) as caught:
            made.dynamic_variant(made.functions["f"], config)
        assert reason in caught.value.message


def test_adaptive_experiments_are_built(tmp_path: Path) -> None:
    """Each table becomes one, with the direction of its metric; their samplers are in use."""
    metrics = "".join(
        f'[metrics.{name}]\ntype = "float"\noptimize = "{name}"\nlevel = "episode"\n'
        for name in ("min", "max")
    )
    adaptive = 'type = "{}"\nmetric = "{}"\ncandidate_variants = ["v"]\n'
    made = catalog(
        tmp_path,
        MODEL
        + CHAT
        + metrics
        + "[functions.f.experimentation]\n"
        + adaptive.format("adaptive", "max")
        + "[functions.f.experimentation.namespaces.n]\n"
        + adaptive.format("track_and_stop", "min"),
    )
    assert made.unsupported == []
    base, own = made.experiments
    assert (base.target.namespace, base.target.maximise) == (None, True)
    assert (own.target.namespace, own.target.maximise) == ("n", False)
    function = made.functions["f"]
    assert function.sampler(None) is base.sampler
    assert function.sampler("other") is base.sampler
    assert function.sampler("n") is own.sampler
