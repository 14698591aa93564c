"""Tests of `tzproxy.config.derived`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT
from tzproxy.config.functions import ChatFunctionConfig, JsonFunctionConfig
from tzproxy.config.requests import NonStreamingTimeouts, StreamingTimeouts, TimeoutsConfig

BEST = """
[functions.f.variants.b]
type = "experimental_best_of_n_sampling"
candidates = ["v"]
evaluator = { model = "m" }
"""
MIXTURE = """
[functions.f.variants.x]
type = "experimental_mixture_of_n"
candidates = ["v", "b"]
fuser = { model = "m" }
"""


def test_built_in_functions_are_always_there(load: Load) -> None:
    """The default function and those of the prompt search exist without variants."""
    functions = load("").functions
    assert {name: type(function) for name, function in functions.items()} == {
        "tensorzero::default": ChatFunctionConfig,
        "tensorzero::optimization::gepa::analyze": ChatFunctionConfig,
        "tensorzero::optimization::gepa::mutate": JsonFunctionConfig,
    }
    assert all(function.variants == {} for function in functions.values())


def deadline(limit_ms: int) -> TimeoutsConfig:
    """Return what `timeout_s` copies onto a candidate."""
    return TimeoutsConfig(
        non_streaming=NonStreamingTimeouts(total_ms=limit_ms), streaming=StreamingTimeouts(ttft_ms=limit_ms)
    )


def test_timeout_s_goes_to_the_candidates(load: Load) -> None:
    """Whole milliseconds, cut off; of two strategies the shorter deadline counts."""
    variants = (
        load(CHAT + BEST + "timeout_s = 1.2345\n" + MIXTURE + "timeout_s = 9").config.functions["f"].variants
    )
    assert variants["v"].timeouts == deadline(1234)
    assert variants["b"].timeouts == deadline(9000)
    assert variants["x"].timeouts == TimeoutsConfig()


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (
            CHAT + "timeouts.streaming.ttft_ms = 1\n" + BEST + "timeout_s = 1",
            "cannot use `timeout_s` when candidate `v` has `timeouts`",
        ),
        (CHAT + BEST + "timeout_s = -1", "must be a finite non-negative number"),
        (CHAT + BEST + "timeout_s = inf", "must be a finite non-negative number"),
    ],
)
def test_timeout_s_that_cannot_be_copied(find_problems: FindProblems, toml: str, words: str) -> None:
    """Two deadlines for one candidate, and no deadline at all, are refused."""
    problems = find_problems(toml)
    assert len(problems) == 1
    assert problems[0].startswith("functions.f.variants.b.timeout_s: ")
    assert words in problems[0]


def test_templates_and_schemas_are_handed_out(load: Load) -> None:
    """All files that have to be compiled come by key, including those of evaluators and judges."""
    loaded = load(
        CHAT.replace('type = "chat"', 'type = "chat"\nuser_schema = "s/user"')
        + """
user_template = "t/user"
[functions.f.variants.b]
type = "experimental_best_of_n_sampling"
candidates = ["v"]
evaluator = { model = "m", user_template = "t/evaluator" }
[functions.f.variants.d]
type = "experimental_dynamic_in_context_learning"
model = "m"
embedding_model = "openai::e"
k = 1
system_instructions = "t/plain"
[functions.f.evaluators.e]
type = "llm_judge"
output_type = "float"
optimize = "max"
[functions.f.evaluators.e.variants.j]
type = "chat_completion"
model = "m"
json_mode = "on"
system_instructions = "t/judge"
[functions.j]
type = "json"
output_schema = "s/output"
variants = {}
[tools.t]
description = "d"
parameters = "s/tool"
""",
        files={
            name: name
            for name in ("t/user", "t/evaluator", "t/plain", "t/judge", "s/user", "s/output", "s/tool")
        },
    )
    judge = "tensorzero::llm_judge::function_name::f::e"
    assert loaded.template_sources.keys() == {
        "t/user",
        "t/evaluator",
        f"{judge}::j::system",
        f"{judge}::j::user",
    }
    assert loaded.schema_sources.keys() == {
        "s/user",
        "s/output",
        "s/tool",
        f"{judge}::user_schema",
        f"{judge}::output_schema",
    }
