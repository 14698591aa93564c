"""Tests of `tzproxy.config.judges`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config.conftest import Load
from config.samples import CHAT
from tzproxy.config.functions import JsonFunctionConfig, MetricConfig
from tzproxy.config.variants import (
    BestOfNConfig,
    ChainOfThoughtConfig,
    ChatCompletionConfig,
    DiclConfig,
    EvaluatorConfig,
    MixtureOfNConfig,
)

PREFIX = "tensorzero::llm_judge::function_name::f::e"


def judge(variants: str, *, keys: str = "", place: str = "functions.f.evaluators.e") -> str:
    """Return a configuration with one judge."""
    return f"""{CHAT}
[{place}]
type = "llm_judge"
output_type = "float"
optimize = "min"
{keys}
{variants.replace("@", place)}
"""


CHAT_VARIANT = """
[@.variants.v]
type = "chat_completion"
model = "m"
system_instructions = "i"
json_mode = "strict"
temperature = 0.2
service_tier = "flex"
timeouts.non_streaming.total_ms = 5
"""


def load_judge(load: Load, toml: str, name: str = PREFIX) -> JsonFunctionConfig:
    """Return the function of the judge."""
    function = load(toml, files={"i": "Judge {{ system_text }}."}).functions[name]
    assert isinstance(function, JsonFunctionConfig)
    return function


def test_a_judge_is_a_json_function(load: Load) -> None:
    """Instructions become the system template, the parameters stay, the only variant is active."""
    function = load_judge(load, judge(CHAT_VARIANT, keys='description = "d"'))
    variant = function.variants["v"]
    assert isinstance(variant, ChatCompletionConfig)
    assert (variant.model, variant.json_mode, variant.weight) == ("m", "strict", 1.0)
    assert (variant.temperature, variant.service_tier) == (0.20000000298023224, "flex")
    assert variant.timeouts.non_streaming.total_ms == 5
    assert variant.system_template is not None
    assert (variant.system_template.key, variant.system_template.text) == (
        f"{PREFIX}::v::system",
        "Judge {{ system_text }}.\n",
    )
    assert variant.user_template is not None
    assert variant.user_template.key == f"{PREFIX}::v::user"
    assert function.description == "d"


def schema(file: Any) -> Any:
    """Return a schema file as data."""
    return json.loads(file.text)


def test_serialized_input_has_a_schema(load: Load) -> None:
    """The judge gets input, output and perhaps a reference as texts; its template shows all three."""
    function = load_judge(load, judge(CHAT_VARIANT))
    user = schema(function.user_schema)
    assert set(user["properties"]) == {"input", "generated_output", "reference_output"}
    assert user["required"] == ["input", "generated_output"]
    assert user["additionalProperties"] is False
    variant = function.variants["v"]
    assert isinstance(variant, ChatCompletionConfig)
    assert variant.user_template is not None
    for part in (
        "# Input",
        "{{ input }}",
        "# Generated Output",
        "# Reference Output",
        "{{ reference_output }}",
    ):
        assert part in variant.user_template.text


def test_messages_as_input_have_none(load: Load) -> None:
    """The judge sees the conversation itself."""
    function = load_judge(load, judge(CHAT_VARIANT, keys='input_format = "messages"'))
    variant = function.variants["v"]
    assert isinstance(variant, ChatCompletionConfig)
    assert function.user_schema is None
    assert variant.user_template is None


@pytest.mark.parametrize(("output_type", "score"), [("float", "number"), ("boolean", "boolean")])
def test_the_answer_is_a_score(load: Load, output_type: str, score: str) -> None:
    """The output schema holds exactly a score of the declared type."""
    function = load_judge(load, judge(CHAT_VARIANT).replace('"float"', f'"{output_type}"'))
    output = schema(function.output_schema)
    assert output["properties"]["score"]["type"] == score
    assert (output["required"], output["additionalProperties"]) == (["score"], False)


def test_all_kinds_of_judge_variants(load: Load) -> None:
    """Strategies, dynamic examples and chains of thought can judge; what chooses or fuses may be `active`."""
    options = '{ model = "m", system_instructions = "i", json_mode = "on", active = true }'
    toml = judge(
        CHAT_VARIANT
        + f"""
active = true
[@.variants.c]
type = "experimental_chain_of_thought"
model = "m"
system_instructions = "i"
json_mode = "on"
[@.variants.b]
type = "experimental_best_of_n_sampling"
candidates = ["c"]
active = false
timeout_s = 1.5
evaluator = {options}
[@.variants.x]
type = "experimental_mixture_of_n"
candidates = ["c"]
fuser = {options}
[@.variants.d]
type = "experimental_dynamic_in_context_learning"
model = "m"
embedding_model = "openai::e"
k = 1
"""
    )
    variants = load_judge(load, toml).variants
    kinds = {name: type(variant) for name, variant in variants.items()}
    assert kinds == {
        "v": ChatCompletionConfig,
        "c": ChainOfThoughtConfig,
        "b": BestOfNConfig,
        "x": MixtureOfNConfig,
        "d": DiclConfig,
    }
    weights = {name: variant.weight for name, variant in variants.items()}
    assert weights == {"v": 1.0, "c": None, "b": 0.0, "x": None, "d": None}
    by_example = variants["d"]
    assert isinstance(by_example, DiclConfig)
    assert by_example.json_mode == "strict"
    assert variants["c"].timeouts.non_streaming.total_ms == 1500
    best = variants["b"]
    assert isinstance(best, BestOfNConfig)
    assert isinstance(best.evaluator, EvaluatorConfig)
    assert best.evaluator.system_template is not None
    assert best.evaluator.system_template.key == f"{PREFIX}::b::system"


def test_evaluators_have_metrics(load: Load) -> None:
    """Each evaluator's metric is named after its table; only judges choose type and direction."""
    toml = judge(CHAT_VARIANT, keys='description = "d"')
    toml += '[functions.f.evaluators.x]\ntype = "regex"\nmust_match = "a"\n'
    toml += (
        '[evaluations.q]\ntype = "inference"\nfunction_name = "f"\nevaluators.y = { type = "exact_match" }\n'
    )
    toml += (
        '[evaluations.q.evaluators.t]\ntype = "typescript"\ntypescript_file = "t"\noutput_type = "float"\n'
    )
    metrics = load(toml + 'optimize = "min"', files={"i": ""}).metrics
    plain = MetricConfig(type="boolean", optimize="max", level="inference")
    assert metrics == {
        "tensorzero::function_name::f::evaluator_name::e": MetricConfig(
            type="float", optimize="min", level="inference", description="d"
        ),
        "tensorzero::function_name::f::evaluator_name::x": plain,
        "tensorzero::evaluation_name::q::evaluator_name::y": plain,
        "tensorzero::evaluation_name::q::evaluator_name::t": MetricConfig(
            type="float", optimize="min", level="inference"
        ),
    }


def test_the_older_table_has_names_of_its_own(load: Load) -> None:
    """A judge of a top-level evaluation is named after the evaluation."""
    toml = judge(CHAT_VARIANT, place="evaluations.q.evaluators.e")
    toml += '[evaluations.q]\ntype = "inference"\nfunction_name = "f"\n'
    function = load_judge(load, toml, "tensorzero::llm_judge::q::e")
    variant = function.variants["v"]
    assert isinstance(variant, ChatCompletionConfig)
    assert variant.system_template is not None
    assert variant.system_template.key == "tensorzero::llm_judge::q::e::v::system"
