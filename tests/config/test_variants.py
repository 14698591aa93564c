"""Tests of `tzproxy.config.variants`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT, JSON, MODEL
from tzproxy.config.variants import (
    BestOfNConfig,
    ChatCompletionConfig,
    DiclConfig,
    MixtureOfNConfig,
    chat_parts,
)


def test_all_parameters_of_a_chat_completion(load: Load) -> None:
    """Every key arrives; 32-bit floats are rounded, 64-bit ones are not."""
    variant = (
        load(
            CHAT
            + """
temperature = 0.9
top_p = 1
presence_penalty = 0.1
frequency_penalty = -0.2
max_tokens = 4294967295
seed = 0
stop_sequences = ["a"]
reasoning_effort = "low"
thinking_budget_tokens = -1
verbosity = "high"
service_tier = "flex"
weight = 0.1
"""
        )
        .config.functions["f"]
        .variants["v"]
    )
    assert variant == ChatCompletionConfig(
        model="m",
        temperature=0.8999999761581421,
        top_p=1.0,
        presence_penalty=0.10000000149011612,
        frequency_penalty=-0.20000000298023224,
        max_tokens=4294967295,
        seed=0,
        stop_sequences=("a",),
        reasoning_effort="low",
        thinking_budget_tokens=-1,
        verbosity="high",
        service_tier="flex",
        weight=0.1,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("off", "off"), ("on", "on"), ("strict", "strict"), ("tool", "tool"), ("implicit_tool", "tool")],
)
def test_json_modes(load: Load, text: str, expected: str) -> None:
    """The older name of `tool` is still one."""
    variant = load(JSON.replace('"on"', f'"{text}"')).config.functions["j"].variants["v"]
    assert isinstance(variant, ChatCompletionConfig)
    assert variant.json_mode == expected


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('json_mode = "xx"', "expected one of `off`, `on`, `strict`, `implicit_tool`, `tool`"),
        ("json_mode = 1", "expected a JSON mode"),
        ('service_tier = "gold"', "unknown variant `gold`"),
        ("max_tokens = 10.0", "invalid type: floating point `10.0`, expected u32"),
        ("seed = -1", "invalid value: integer `-1`, expected u32"),
        ("thinking_budget_tokens = 2147483648", "expected i32"),
        ('temperature = "a"', 'invalid type: string "a", expected f32'),
        ("temperature = true", "invalid type: boolean `true`, expected f32"),
        ("templates.t = 1", "expected a map"),
        ("templates.t = {}", "missing field `path`"),
        ("k = 1", "unknown field `k`"),
    ],
)
def test_malformed_parameters_are_reported(find_problems: FindProblems, line: str, words: str) -> None:
    """Each names its key below the variant."""
    problems = find_problems(CHAT + line)
    assert len(problems) == 1
    assert problems[0].startswith("functions.f.variants.v.")
    assert words in problems[0]


@pytest.mark.parametrize("kind", ["experimental_best_of_n", "dicl", "best_of_n_sampling", "chat"])
def test_other_type_names_are_unknown(find_problems: FindProblems, kind: str) -> None:
    """Names from guides and from internal dumps are not accepted."""
    problems = find_problems(
        MODEL + f'[functions.f]\ntype = "chat"\nvariants.v = {{ type = "{kind}", model = "m" }}'
    )
    assert problems[0].startswith(
        f"functions.f.variants.v.type: unknown variant `{kind}`, expected one of `chat_"
    )


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("evaluator", 'type = "chat_completion"'),
        ("evaluator", "timeouts = {}"),
        ("evaluator", 'namespace = "n"'),
        ("evaluator", "foo = 1"),
    ],
)
def test_an_evaluator_is_no_variant(find_problems: FindProblems, table: str, key: str) -> None:
    """An evaluator has the keys of a chat completion except those of variants as such."""
    toml = f"""{CHAT}
[functions.f.variants.b]
type = "experimental_best_of_n_sampling"
candidates = ["v"]
{table} = {{ model = "m", {key} }}
"""
    problems = find_problems(toml)
    assert len(problems) == 1
    assert problems[0].startswith(f"functions.f.variants.b.{table}.{key.split()[0]}: unknown field")


def test_parts_that_call_a_model(load: Load) -> None:
    """Strategies call a model in their evaluator or fuser, other variants themselves."""
    loaded = load(
        CHAT
        + """
[functions.f.variants.b]
type = "experimental_best_of_n_sampling"
candidates = ["v"]
evaluator = { model = "openai::b" }
[functions.f.variants.x]
type = "experimental_mixture_of_n"
candidates = ["v"]
fuser = { model = "openai::x", weight = 1 }
[functions.f.variants.d]
type = "experimental_dynamic_in_context_learning"
model = "openai::d"
embedding_model = "openai::e"
k = 0
"""
    )
    variants = loaded.config.functions["f"].variants
    assert [type(variant) for variant in variants.values()] == [
        ChatCompletionConfig,
        BestOfNConfig,
        MixtureOfNConfig,
        DiclConfig,
    ]
    parts = {
        name: [(key, part.model) for key, part in chat_parts(variant)] for name, variant in variants.items()
    }
    assert parts == {
        "v": [("", "m")],
        "b": [("evaluator", "openai::b")],
        "x": [("fuser", "openai::x")],
        "d": [("", "openai::d")],
    }


def test_dicl_has_no_service_tier(find_problems: FindProblems) -> None:
    """Dynamic examples take the sampling keys but not the tier, and need `k`."""
    toml = MODEL + '[functions.f]\ntype = "chat"\n[functions.f.variants.d]\n'
    toml += 'type = "experimental_dynamic_in_context_learning"\nmodel = "m"\nembedding_model = "openai::e"\n'
    problems = find_problems(toml + 'service_tier = "flex"')
    assert [line.split(",")[0] for line in problems] == [
        "functions.f.variants.d.service_tier: unknown field `service_tier`",
        "functions.f.variants.d: missing field `k`",
    ]
