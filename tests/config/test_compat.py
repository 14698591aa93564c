"""Tests of `tzproxy.config.compat`."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT, JSON, MODEL

PROVIDER = """
[models.m]
routing = ["p"]
[models.m.providers.p]
api_key_location = "dynamic::k"
model_name = "x"
"""
AWS = '[models.m]\nrouting = ["p"]\n[models.m.providers.p]\ntype = "aws_bedrock"\nmodel_id = "x"\n'
CANDIDATES = 'candidates = ["v"]\ntimeout_s = 1\n'


@pytest.mark.parametrize(
    ("toml", "path"),
    [
        (CHAT + "weight = 1", "functions.f.variants.v.weight"),
        (CHAT + '[evaluations.x]\ntype = "inference"\nfunction_name = "f"', "evaluations.x"),
        (CHAT + '[evaluations.x]\ntype = "static"\nfunction_name = "f"', "evaluations.x.type"),
        (CHAT + '[functions.f.experimentation]\ntype = "uniform"', "functions.f.experimentation.type"),
        (
            CHAT + '[functions.f.experimentation]\ntype = "static_weights"\ncandidate_variants = { v = 1 }',
            "functions.f.experimentation.type",
        ),
        (
            CHAT + '[functions.f.experimentation]\ntype = "static"\ncandidate_variants = ["v"]\n'
            'namespaces.n = { type = "uniform" }',
            "functions.f.experimentation.namespaces.n.type",
        ),
        (
            '[metrics.q]\ntype = "float"\noptimize = "max"\nlevel = "episode"\n'
            + CHAT
            + '[functions.f.experimentation]\ntype = "track_and_stop"\nmetric = "q"\n'
            'candidate_variants = ["v"]',
            "functions.f.experimentation.type",
        ),
        (
            CHAT
            + '[functions.f.variants.b]\ntype = "experimental_best_of_n_sampling"\n'
            + CANDIDATES
            + 'evaluator = { model = "m" }',
            "functions.f.variants.b.timeout_s",
        ),
        (
            CHAT
            + '[functions.f.variants.b]\ntype = "experimental_mixture_of_n"\n'
            + CANDIDATES
            + 'fuser = { model = "m" }',
            "functions.f.variants.b.timeout_s",
        ),
        (
            JSON.replace("chat_completion", "experimental_chain_of_thought"),
            "functions.j.variants.v.type",
        ),
        (CHAT + 'input_wrappers.user = "tensorzero.toml"', "functions.f.variants.v.input_wrappers"),
        (
            "gateway.observability.disable_automatic_migrations = true",
            "gateway.observability.disable_automatic_migrations",
        ),
        ("postgres.enabled = false", "postgres.enabled"),
        (
            "gateway.template_filesystem_access.enabled = true",
            "gateway.template_filesystem_access.enabled",
        ),
        ("gateway.enable_template_filesystem_access = false", "gateway.enable_template_filesystem_access"),
        (AWS + "allow_auto_detect_region = true", "models.m.providers.p.allow_auto_detect_region"),
        (
            PROVIDER + 'type = "fireworks"\nparse_think_blocks = true',
            "models.m.providers.p.parse_think_blocks",
        ),
        (
            PROVIDER + 'type = "together"\nparse_think_blocks = false',
            "models.m.providers.p.parse_think_blocks",
        ),
        (
            PROVIDER + 'type = "anthropic"\nbeta_structured_outputs = true',
            "models.m.providers.p.beta_structured_outputs",
        ),
        (
            PROVIDER + 'type = "anthropic"\napi_base = "https://h/v1/messages"',
            "models.m.providers.p.api_base",
        ),
        (
            PROVIDER + 'type = "openai"\napi_base = "https://h/v1/chat/completions/"',
            "models.m.providers.p.api_base",
        ),
        (PROVIDER + 'type = "openrouter"\napi_base = "https://h/v1/"', "models.m.providers.p.api_base"),
        (
            '[optimizers.o]\ntype = "gepa"\nfunction_name = "f"\nanalysis_model = "a"\nmutation_model = "b"\n'
            'evaluation_name = "e"',
            "optimizers.o.evaluation_name",
        ),
    ],
)
def test_older_spellings_load_with_a_warning(load: Load, toml: str, path: str) -> None:
    """What has a successor still works, and its key is named once."""
    warnings = [line.split(": ")[0] for line in load(toml).warnings]
    assert warnings.count(path) == 1
    assert len(warnings) == (2 if path == "evaluations.x.type" else 1)


@pytest.mark.parametrize(
    "toml",
    [
        "postgres.inference_retention_days = 3",
        CHAT + '[functions.f.evaluators.e]\ntype = "exact_match"\ncutoff = 1',
        JSON.replace('"on"', '"implicit_tool"'),
        MODEL,
        "gateway.template_filesystem_access = {}",
    ],
)
def test_some_are_accepted_silently(load: Load, toml: str) -> None:
    """These need no change by anyone."""
    assert load(toml).warnings == []


def test_the_older_retention_key_is_the_newer_one(load: Load, find_problems: FindProblems) -> None:
    """It is read under the name that was written; both at once are one too many."""
    assert load("postgres.inference_retention_days = 3").config.postgres.inference_retention_days == 3
    mistyped = find_problems('postgres.inference_retention_days = "3"')
    assert mistyped == ['postgres.inference_retention_days: invalid type: string "3", expected u32']
    both = "[postgres]\ninference_retention_days = 3\ninference_data_retention_days = 3"
    assert "duplicate field" in find_problems(both)[0]


def test_the_older_template_access_means_the_files_folder(load: Load, tmp_path: Path) -> None:
    """Templates may include files beside the TOML file that asks for it."""
    files = {"deep/g.toml": "gateway.enable_template_filesystem_access = true"}
    access = load("", files=files, pattern="**/*.toml").config.gateway.template_filesystem_access
    assert access is not None
    assert access.base_path == f"{tmp_path}/deep"


def test_a_configured_folder_wins(load: Load, tmp_path: Path) -> None:
    """The newer key decides where both are given."""
    toml = '[gateway]\nenable_template_filesystem_access = true\ntemplate_filesystem_access.base_path = "p"'
    access = load(toml, files={"p/x": ""}).config.gateway.template_filesystem_access
    assert access is not None
    assert access.base_path == f"{tmp_path}/p"


def test_judges_are_looked_at_too(load: Load) -> None:
    """Deprecated kinds of judge variants are named like those of functions."""
    toml = (
        CHAT
        + """
[functions.f.evaluators.e]
type = "llm_judge"
output_type = "float"
optimize = "max"
[functions.f.evaluators.e.variants.c]
type = "experimental_chain_of_thought"
model = "m"
json_mode = "on"
system_instructions = "i"
active = true
[functions.f.evaluators.e.variants.b]
type = "experimental_best_of_n_sampling"
candidates = ["c"]
timeout_s = 1
evaluator = { model = "m", json_mode = "on", system_instructions = "i" }
"""
    )
    warnings = [line.split(": ")[0] for line in load(toml, files={"i": ""}).warnings]
    assert warnings == [
        "functions.f.evaluators.e.variants.c.type",
        "functions.f.evaluators.e.variants.b.timeout_s",
    ]
