"""Tests of `tzproxy.config.checks.functions`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT, JSON, MODEL

DICL = """
[functions.{f}.variants.d]
type = "experimental_dynamic_in_context_learning"
model = "m"
embedding_model = "openai::e"
k = 1
"""
METRIC = 'type = "float"\noptimize = "max"\nlevel = "inference"\n'
TOOL = '[tools.t]\ndescription = "d"\nparameters = "tensorzero.toml"\n'
WITH_TOOLS = TOOL + CHAT.replace('type = "chat"', 'type = "chat"\ntools = ["t"]')
V = "functions.f.variants.v"


def strategy(
    kind: str, *, name: str = "b", candidates: str = '["v"]', options: str = "", f: str = "f"
) -> str:
    """Return a best-of-n or mixture-of-n variant."""
    tag, table = {
        "best": ("experimental_best_of_n_sampling", "evaluator"),
        "mixture": ("experimental_mixture_of_n", "fuser"),
    }[kind]
    return (
        f'[functions.{f}.variants.{name}]\ntype = "{tag}"\ncandidates = {candidates}\n'
        f'[functions.{f}.variants.{name}.{table}]\nmodel = "m"\n{options}\n'
    )


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (
            CHAT.replace("functions.f", 'functions."tensorzero::f"'),
            "functions.tensorzero::f: "
            "User-defined function name cannot start with `tensorzero::`: tensorzero::f",
        ),
        (
            CHAT.replace("variants.v", 'variants."tensorzero::v"'),
            "functions.f.variants.tensorzero::v: "
            "Variant name cannot start with 'tensorzero::': tensorzero::v",
        ),
        (
            TOOL.replace("tools.t", 'tools."tensorzero::t"'),
            "tools.tensorzero::t: Tool name cannot start with 'tensorzero::': tensorzero::t",
        ),
        (
            f"[metrics.comment]\n{METRIC}",
            "metrics.comment: Metric name 'comment' is reserved and cannot be used",
        ),
        (
            f"[metrics.demonstration]\n{METRIC}",
            "metrics.demonstration: Metric name 'demonstration' is reserved and cannot be used",
        ),
        (
            f'[metrics."tensorzero::m"]\n{METRIC}',
            "metrics.tensorzero::m: Metric name cannot start with 'tensorzero::': tensorzero::m",
        ),
        (
            f'[metrics."a b"]\n{METRIC}',
            'metrics."a b": Metric name `a b` contains characters that are not allowed: '
            "use letters, digits and `_`, `-`, `.`, `:`, `/`",
        ),
        (
            CHAT.replace('type = "chat"', 'type = "chat"\ntools = ["x"]'),
            "functions.f.tools: tool `x` is not present in the config",
        ),
        (CHAT + "weight = -1", f"{V}.weight: `weight` must be non-negative"),
        (CHAT + "weight = nan", f"{V}.weight: `weight` must be non-negative"),
        (
            CHAT.replace('model = "m"', 'model = "zz"'),
            f"{V}.model: Model name 'zz' not found in model table",
        ),
        (
            CHAT + strategy("best").replace('model = "m"', 'model = "zz"'),
            "functions.f.variants.b.evaluator.model: Model name 'zz' not found in model table",
        ),
        (
            CHAT + strategy("mixture").replace('model = "m"', 'model = "zz"'),
            "functions.f.variants.b.fuser.model: Model name 'zz' not found in model table",
        ),
        (
            CHAT + DICL.format(f="f").replace("openai::e", "zz"),
            "functions.f.variants.d.embedding_model: "
            "`embedding_model` must be a valid embedding model name, got `zz`",
        ),
        (
            CHAT + DICL.format(f="f").replace("openai::e", "anthropic::e"),
            "functions.f.variants.d.embedding_model: "
            "`embedding_model` must be a valid embedding model name, got `anthropic::e`",
        ),
        (
            CHAT + DICL.format(f="f") + "max_distance = -1",
            "functions.f.variants.d.max_distance: `max_distance` must be non-negative (got -1.0)",
        ),
        (
            CHAT + strategy("best", candidates='["v", "zz"]'),
            "functions.f.variants.b.candidates: Unknown candidate variant: zz",
        ),
        (
            CHAT + strategy("mixture", candidates='["b"]'),
            "functions.f.variants.b.candidates: variant `b` is a candidate of itself",
        ),
        (
            CHAT.replace("chat_completion", "experimental_chain_of_thought"),
            f"{V}.type: Unsupported variant `v` of type `chain_of_thought` for function `f` of type `chat`",
        ),
    ],
)
def test_names_and_references(find_problems: FindProblems, toml: str, problem: str) -> None:
    """Reserved names, and names of nothing, are refused where they stand."""
    assert find_problems(toml) == [problem]


def test_longer_cycles_of_candidates(find_problems: FindProblems) -> None:
    """Two variants that are candidates of each other are both named."""
    toml = (
        CHAT + strategy("best", candidates='["c"]') + strategy("mixture", name="c", candidates='["b", "v"]')
    )
    assert find_problems(toml) == [
        "functions.f.variants.b.candidates: variant `b` is a candidate of itself",
        "functions.f.variants.c.candidates: variant `c` is a candidate of itself",
    ]


@pytest.mark.parametrize(
    "toml",
    [
        CHAT + strategy("best", candidates="[]"),
        CHAT + strategy("best", candidates='["v", "v"]'),
        CHAT + strategy("best") + strategy("mixture", name="c", candidates='["b", "v"]'),
        CHAT + DICL.format(f="f") + "max_distance = 0",
        CHAT + "weight = 0",
        f'[metrics."a-b.c:d/e_1"]\n{METRIC}',
        TOOL
        + CHAT.replace('type = "chat"', 'type = "chat"\ntools = ["t"]\ntool_choice = { specific = "x" }'),
    ],
)
def test_what_is_allowed(load: Load, toml: str) -> None:
    """Empty and repeated candidates, nested strategies, zero weights and unknown chosen tools load."""
    assert load(toml).config


MISSING = (
    "`json_mode` must be specified for `[functions.j.variants.{0}]` (parent function `j` is a JSON function)"
)
NOT_SUPPORTED = "JSON mode is not supported for variant `v` (parent function is a chat function)"
NO_TOOLS = 'Cannot use `json_mode = "tool"` with chat functions that have tools configured'


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (JSON.replace('json_mode = "on"', ""), "functions.j.variants.v: " + MISSING.format("v")),
        (
            JSON.replace('json_mode = "on"', "").replace("chat_completion", "experimental_chain_of_thought"),
            "functions.j.variants.v: " + MISSING.format("v"),
        ),
        (JSON + DICL.format(f="j"), "functions.j.variants.d: " + MISSING.format("d")),
        (JSON + strategy("mixture", f="j"), "functions.j.variants.b.fuser: " + MISSING.format("b.fuser")),
        (JSON + strategy("best", f="j"), None),
        (JSON + DICL.format(f="j") + 'json_mode = "off"', None),
        (JSON + strategy("mixture", f="j", options='json_mode = "tool"'), None),
        (CHAT + 'json_mode = "on"', f"{V}.json_mode: {NOT_SUPPORTED}"),
        (CHAT + 'json_mode = "off"', f"{V}.json_mode: {NOT_SUPPORTED}"),
        (WITH_TOOLS + 'json_mode = "tool"', f"{V}.json_mode: {NOT_SUPPORTED}"),
        (CHAT + DICL.format(f="f") + 'json_mode = "tool"', None),
        (CHAT + strategy("best", options='json_mode = "tool"'), None),
        (WITH_TOOLS + strategy("best", options='json_mode = "on"'), None),
        (
            WITH_TOOLS + strategy("best", options='json_mode = "tool"'),
            f"functions.f.variants.b.evaluator.json_mode: {NO_TOOLS}",
        ),
        (
            WITH_TOOLS + strategy("mixture", options='json_mode = "tool"'),
            f"functions.f.variants.b.fuser.json_mode: {NO_TOOLS}",
        ),
        (
            WITH_TOOLS + DICL.format(f="f") + 'json_mode = "tool"',
            f"functions.f.variants.d.json_mode: {NO_TOOLS}",
        ),
    ],
)
def test_json_modes_fit_the_function(
    load: Load, find_problems: FindProblems, toml: str, problem: str | None
) -> None:
    """JSON functions need one, except for the evaluator; chat completions of chat functions have none."""
    if problem is None:
        assert load(toml).config
    else:
        assert find_problems(toml) == [problem]


def test_the_deadline_of_an_embedding_model_counts_when_it_is_used(
    load: Load, find_problems: FindProblems
) -> None:
    """It is held against the bound only where a variant refers to it."""
    embedding = "[embedding_models.e]\nrouting = []\nproviders = {}\ntimeout_ms = 900_001\n"
    assert load(MODEL + embedding).warnings == []
    problems = find_problems(embedding + CHAT + DICL.format(f="f").replace("openai::e", "e"))
    assert len(problems) == 1
    assert problems[0].startswith(
        "embedding_models.e.timeout_ms: The `timeout_ms` value `900001` is greater than"
    )
