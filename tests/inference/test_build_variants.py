"""Tests of `tzproxy.inference.build_variants`: what each type of variant is built into, and what it lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from in_process import DUMMY, StartGateway
from tzproxy.config import load_config
from tzproxy.config.variants import BestOfNConfig, DiclConfig, EvaluatorConfig
from tzproxy.inference.best_of_n import BestOfN
from tzproxy.inference.build_embeddings import EmbeddingTable
from tzproxy.inference.build_models import ModelTable
from tzproxy.inference.build_variants import FunctionParts, VariantBuilder, params_of, variant_templates
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.chain_of_thought import ChainOfThought
from tzproxy.inference.dicl import Dicl
from tzproxy.inference.mixture_of_n import MixtureOfN
from tzproxy.inference.variant import ChatCompletion, UnsupportedVariant, Variant
from tzproxy.prompts import TemplateSet
from tzproxy.types.params import ChatParams

EVERYTHING = """
[functions.f]
type = "json"
[functions.f.variants.best]
type = "experimental_best_of_n_sampling"
candidates = ["plain", "mix", "later"]
evaluator = { model = "dummy::best_of_n_0" }
[functions.f.variants.mix]
type = "experimental_mixture_of_n"
candidates = ["plain"]
fuser = { model = "dummy::json", json_mode = "on" }
timeouts.non_streaming.total_ms = 1000
[functions.f.variants.plain]
type = "chat_completion"
model = "dummy::json"
json_mode = "on"
[functions.f.variants.dicl]
type = "experimental_dynamic_in_context_learning"
model = "dummy::json"
embedding_model = "dummy::any"
k = 1
json_mode = "on"
[functions.f.variants.thinking]
type = "experimental_chain_of_thought"
model = "dummy::json"
json_mode = "on"
[functions.f.variants.later]
type = "chat_completion"
model = "dummy::json_goodbye"
json_mode = "on"
"""


def built(folder: Path, toml: str) -> dict[str, Variant]:
    """Build the variants of function `f`."""
    path = folder / "tensorzero.toml"
    path.write_text(toml)
    return ConfigCatalog(load_config(str(path), environ=DUMMY)).functions["f"].variants


def test_every_type_is_built(tmp_path: Path) -> None:
    """Each type of the configuration has its class; none is left unsupported."""
    kinds = {name: type(variant) for name, variant in built(tmp_path, EVERYTHING).items()}
    assert kinds == {
        "best": BestOfN,
        "mix": MixtureOfN,
        "plain": ChatCompletion,
        "dicl": Dicl,
        "thinking": ChainOfThought,
        "later": ChatCompletion,
    }


def test_models_of_a_strategy(tmp_path: Path) -> None:
    """Its own and those of its candidates, however deep: a namespace must fit all of them."""
    variants = built(tmp_path, EVERYTHING)
    assert [model.name for model in variants["best"].models()] == [
        "dummy::best_of_n_0",
        "dummy::json",
        "dummy::json",
        "dummy::json",
        "dummy::json_goodbye",
    ]
    assert [model.name for model in variants["dicl"].models()] == ["dummy::json"]


async def test_candidates_may_stand_later_in_the_configuration(start: StartGateway) -> None:
    """The order of the tables does not matter."""
    gateway = await start(EVERYTHING)
    reply = await gateway.infer(variant_name="best")
    assert reply.json()["output"]["parsed"] == {"answer": "Hello"}
    assert [row["model_name"] for row in gateway.model_rows] == [
        "dummy::json",
        "dummy::json_goodbye",
        "dummy::json",
        "dummy::best_of_n_0",
    ]


async def test_a_strategy_brought_by_a_request(start: StartGateway) -> None:
    """It may name the function's own variants as candidates."""
    gateway = await start(EVERYTHING)
    config: dict[str, Any] = {
        "type": "experimental_best_of_n_sampling",
        "candidates": ["later", "plain"],
        "evaluator": {"model": "dummy::best_of_n_0"},
    }
    reply = await gateway.infer(internal_dynamic_variant_config=config, dryrun=True)
    assert reply.json()["output"]["parsed"] == {"answer": "Goodbye"}
    reply = await gateway.infer(
        internal_dynamic_variant_config={**config, "candidates": ["nobody"]}, dryrun=True
    )
    assert reply.status == 400


def test_what_cannot_be_built_is_noted(tmp_path: Path) -> None:
    """Each missing model is named by the path that names it; nothing is raised."""
    path = tmp_path / "tensorzero.toml"
    path.write_text("")
    loaded = load_config(str(path), environ={})
    builder = VariantBuilder(ModelTable(loaded), EmbeddingTable(loaded), TemplateSet({}))
    parts = FunctionParts("f", frozenset(), {})
    evaluator = EvaluatorConfig(model="nobody")
    made = builder.build("b", BestOfNConfig(candidates=("x",), evaluator=evaluator), parts)
    assert isinstance(made, UnsupportedVariant)
    builder.build("d", DiclConfig(model="nobody", embedding_model="nothing", k=1), parts)
    assert builder.problems == [
        "functions.f.variants.b.evaluator: Model name 'nobody' not found in model table",
        "functions.f.variants.d: Model name 'nobody' not found in model table",
        "`functions.f.variants.d`: `embedding_model` must be a valid embedding model name",
    ]


def test_parameters() -> None:
    """All that a table may say; the service tier is one of those that talk."""
    given = {"temperature": 0.5, "max_tokens": 1, "seed": 2, "top_p": 0.25, "verbosity": "low"}
    config = EvaluatorConfig(model="m", service_tier="flex", stop_sequences=("a",), **given)  # type: ignore[arg-type]
    assert params_of(config) == ChatParams(**given, service_tier="flex", stop_sequences=["a"])  # type: ignore[arg-type]
    plain = DiclConfig(model="m", embedding_model="e", k=1, **given)  # type: ignore[arg-type]
    assert params_of(plain) == ChatParams(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["evaluator", "fuser"])
async def test_templates_of_judges_are_compiled(start: StartGateway, key: str) -> None:
    """The template of an evaluator or a fuser is the function's business like any other."""
    kind = {"evaluator": "best_of_n_sampling", "fuser": "mixture_of_n"}[key]
    toml = (
        '[functions.f]\ntype = "chat"\n[functions.f.variants.s]\n'
        f'type = "experimental_{kind}"\ncandidates = []\n'
        f'{key} = {{ model = "dummy::x", system_template = "bad.minijinja" }}\n'
    )
    with pytest.raises(Exception, match=r"bad\.minijinja"):
        await start(toml, files={"bad.minijinja": "{% if %}"})
    assert variant_templates(DiclConfig(model="m", embedding_model="e", k=1)) == {}
