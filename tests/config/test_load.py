"""Tests of `tzproxy.config.load`."""

from __future__ import annotations

import os
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT, MODEL
from tzproxy.config import (
    DynamicCredential,
    FallbackCredential,
    LoadedConfig,
    NoCredential,
    Secret,
    StaticCredential,
    load_config,
)
from tzproxy.config.experimentation import StaticSampling, UniformSampling
from tzproxy.config.functions import schema_slots, template_slots
from tzproxy.config.providers import OpenAIProviderConfig
from tzproxy.config.requests import RetryConfig
from tzproxy.config.variants import BestOfNConfig, ChatCompletionConfig, DiclConfig, MixtureOfNConfig
from tzproxy.errors import ConfigError

ENVIRON = {"OPENAI_API_KEY": "sk-1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the complete configuration, with a folder for files."""
    target = tmp_path / "complete"
    shutil.copytree(Path(__file__).parent / "complete", target)
    (tmp_path / "files").mkdir()
    with open(target / "gateway.toml", "a", encoding="utf-8") as stream:
        stream.write(f'\n[object_storage]\ntype = "filesystem"\npath = "{tmp_path}/files"\n')
    return target


@pytest.fixture
def complete(folder: Path) -> LoadedConfig:
    """Return the complete configuration."""
    return load_config(f"{folder}/**/*.toml", environ=ENVIRON)


def test_all_files_are_one_configuration(complete: LoadedConfig, folder: Path) -> None:
    """Files come sorted, and only what is deprecated, switched off or of no effect is warned about."""
    names = (
        "functions/helpdesk/helpdesk.toml",
        "functions/invoice/invoice.toml",
        "gateway.toml",
        "models.toml",
    )
    assert complete.files == [f"{folder}/{name}" for name in names]
    assert [line.split(": ")[0] for line in complete.warnings] == [
        "gateway.observability.batch_writes.write_queue_capacity",
        "gateway.cache.valkey.ttl_s",
        "rate_limiting.enabled",
        "evaluations.invoice_regression",
    ]


def test_the_process_is_described(complete: LoadedConfig, folder: Path) -> None:
    """Routes get the prefix, templates the include folder, recording its batches."""
    gateway = complete.config.gateway
    assert gateway.base_path == "/gw"
    assert gateway.template_filesystem_access is not None
    assert gateway.template_filesystem_access.base_path == f"{folder}/snippets"
    batch = gateway.observability.batch_writes
    assert batch is not None
    assert (batch.enabled, batch.max_rows, batch.max_rows_postgres) == (True, 400, None)
    assert gateway.auth is not None
    assert (gateway.auth.cache.enabled, gateway.auth.cache.ttl_ms) == (True, 2500)
    assert gateway.export.otlp.traces.extra_headers == {"x-team": "billing"}
    assert complete.config.clickhouse.disable_automatic_migrations


def test_template_keys_start_below_the_common_folder(complete: LoadedConfig) -> None:
    """Includes from the file system are no keys; a judge's instructions have a key of their own."""
    judge = "tensorzero::llm_judge::function_name::invoice::accuracy"
    assert complete.template_sources == {
        "functions/helpdesk/system.minijinja": 'You work for {{ company }}.{% include "manners.minijinja" %}',
        "functions/helpdesk/case.minijinja": "Case {{ number }}: {{ body }}",
        f"{judge}::judge::system": "Grade from 0 to 1.\n",
    }
    assert set(complete.schema_sources) == {
        "functions/helpdesk/system.json",
        "functions/helpdesk/case.json",
        "functions/invoice/invoice.json",
        "tools/lookup.json",
        f"{judge}::output_schema",
    }


def test_both_forms_of_a_slot_meet_the_same_schema(complete: LoadedConfig) -> None:
    """One variant fills `system` the older way, one the newer; the function has one schema for it."""
    function = complete.config.functions["helpdesk"]
    assert set(schema_slots(function)) == {"system", "case"}
    main, small = function.variants["main"], function.variants["small"]
    assert isinstance(main, ChatCompletionConfig)
    assert isinstance(small, ChatCompletionConfig)
    assert template_slots(main)["system"].legacy
    assert not template_slots(small)["system"].legacy
    assert template_slots(main)["system"].file == template_slots(small)["system"].file


def test_variants_are_typed(complete: LoadedConfig) -> None:
    """Parameters, strategies and examples arrive as configured."""
    helpdesk = complete.config.functions["helpdesk"].variants
    main, picked = helpdesk["main"], helpdesk["picked"]
    assert isinstance(main, ChatCompletionConfig)
    assert main.temperature == 0.20000000298023224
    assert main.retries == RetryConfig(num_retries=1, max_delay_s=3.0)
    assert [entry.delete for entry in main.extra_body] == [False, True]
    assert isinstance(picked, BestOfNConfig)
    assert picked.candidates == ("main", "main", "small")
    assert picked.evaluator.json_mode is None
    invoice = complete.config.functions["invoice"].variants
    assert isinstance(invoice["by_example"], DiclConfig)
    assert invoice["by_example"].max_distance == 0.699999988079071
    assert isinstance(invoice["joined"], MixtureOfNConfig)


def test_sampling_follows_the_experiment(complete: LoadedConfig) -> None:
    """Weights and fallbacks per namespace; without an experiment, uniform over sorted names."""
    helpdesk = complete.sampling["helpdesk"]
    assert helpdesk.base == StaticSampling({"main": 4.0, "small": 1.0}, ("picked",))
    assert helpdesk.namespaces == {"gold": StaticSampling({"gold": 1.0}, ("main",))}
    assert complete.sampling["invoice"].base == UniformSampling(("by_example", "direct", "joined"))


def test_without_the_experiment_the_namespace_would_leak(folder: Path) -> None:
    """Default sampling reaches everything, so the namespaced variant stops the load."""
    path = folder / "functions/helpdesk/helpdesk.toml"
    lines = [
        line for line in path.read_text().splitlines() if not line.startswith(("candidate_v", "fallback_v"))
    ]
    text = "\n".join(
        line for line in lines if not line.startswith(("namespaces", "[functions.helpdesk.experi"))
    )
    path.write_text(text.replace('type = "static"', ""))
    with pytest.raises(ConfigError) as caught:
        load_config(f"{folder}/**/*.toml", environ=ENVIRON)
    assert all("Variant `gold` of function `helpdesk`" in line for line in caught.value.problems)
    assert len(caught.value.problems) == 2


def test_a_namespaced_variant_that_no_list_names_is_fine(folder: Path) -> None:
    """It can only be pinned."""
    path = folder / "functions/helpdesk/helpdesk.toml"
    path.write_text(
        "\n".join(line for line in path.read_text().splitlines() if not line.startswith("namespaces."))
    )
    loaded = load_config(f"{folder}/**/*.toml", environ=ENVIRON)
    assert loaded.sampling["helpdesk"].namespaces == {}


def test_evaluators_become_metrics_and_functions(complete: LoadedConfig) -> None:
    """Three metrics and one judge exist beside what was written."""
    metrics = {name: metric.type for name, metric in complete.metrics.items()}
    assert metrics == {
        "resolved": "boolean",
        "tensorzero::function_name::helpdesk::evaluator_name::looked_up": "boolean",
        "tensorzero::function_name::invoice::evaluator_name::accuracy": "float",
        "tensorzero::evaluation_name::invoice_regression::evaluator_name::same": "boolean",
    }
    judge = complete.functions["tensorzero::llm_judge::function_name::invoice::accuracy"]
    assert list(judge.variants) == ["judge"]
    assert judge.user_schema is None


def test_credentials_are_found(complete: LoadedConfig) -> None:
    """Own locations, the configured default of the type, and shorthand models."""
    providers = complete.config.models["large"].providers
    assert complete.credential(providers["cloud"]) == DynamicCredential("cloud_key")
    assert complete.credential(providers["own"]) == NoCredential()
    pair = FallbackCredential(DynamicCredential("their_key"), StaticCredential(Secret("sk-1")))
    assert complete.default_credential("openai") == pair
    shorthand = complete.shorthand_model("openai::responses::gpt-5-mini")
    assert shorthand == OpenAIProviderConfig(model_name="gpt-5-mini", api_type="responses")
    assert complete.credential(shorthand) == pair


def test_prices_add_up(complete: LoadedConfig) -> None:
    """1000 prompt tokens, 400 of them cached, and 200 of answer cost 0.0048 dollars."""
    cost = complete.config.models["large"].providers["cloud"].cost
    assert cost is not None
    rates = [entry.cost_per_million or Decimal(0) for entry in cost]
    amounts = zip((1000, 200, 400), rates, strict=True)
    assert sum(Decimal(count) * rate for count, rate in amounts) / 10**6 == Decimal("0.0048")


def test_another_process_builds_the_same_configuration(complete: LoadedConfig, folder: Path) -> None:
    """What is handed over needs no configuration file any more."""
    data = complete.to_bytes()
    shutil.rmtree(folder)
    again = LoadedConfig.from_bytes(data, environ=ENVIRON)
    assert again.config == complete.config
    assert again.functions == complete.functions
    assert again.files == complete.files
    assert again.hash == complete.hash
    assert again.template_sources == complete.template_sources
    assert again.credential(again.config.models["large"].providers["own"]) == NoCredential()
    assert b"sk-1" not in data


def test_another_process_needs_the_same_environment(load: Load) -> None:
    """Credentials are not handed over; a key that is missing there stops it there."""
    data = load(MODEL.replace('"none"', '"env::K"'), environ={"K": "v"}).to_bytes()
    with pytest.raises(ConfigError, match="`K` is missing"):
        LoadedConfig.from_bytes(data, environ={})


def test_no_pattern_is_the_empty_configuration() -> None:
    """Without files there are the built-in functions only."""
    loaded = load_config(None, environ={})
    assert loaded.files == []
    assert set(loaded.functions) == {
        "tensorzero::default",
        "tensorzero::optimization::gepa::analyze",
        "tensorzero::optimization::gepa::mutate",
    }
    assert loaded.hash == LoadedConfig.from_bytes(loaded.to_bytes(), environ={}).hash


def test_everything_wrong_is_reported_at_once(load: Load, tmp_path: Path) -> None:
    """Findings of files, shapes, references and credentials come together, each with its key and file."""
    with pytest.raises(ConfigError) as caught:
        load(
            CHAT + 'system_template = "absent"\nmax_tokens = 1.5\n[nonsense]\nx = 1\n',
            files={
                "more.toml": '[functions.g]\ntype = "chat"\n'
                'variants.w = { type = "chat_completion", model = "ghost" }\n'
                '[models.k]\nrouting = ["p"]\nproviders.p = { type = "xai", model_name = "x" }'
            },
            pattern="*.toml",
        )
    found = [(line.split(": ")[0], line.rsplit("(in ", 1)[1].rstrip(")")) for line in caught.value.problems]
    main, more = f"{tmp_path}/tensorzero.toml", f"{tmp_path}/more.toml"
    assert sorted(found) == sorted(
        [
            ("functions.f.variants.v.system_template", main),
            ("functions.f.variants.v.max_tokens", main),
            ("nonsense", main),
            ("functions.g.variants.w.model", more),
            ("models.k.providers.p", more),
        ]
    )


def test_one_bad_entry_does_not_make_others_look_wrong(find_problems: FindProblems) -> None:
    """What refers to an entry that could not be read is not reported as well."""
    problems = find_problems(
        """
[models.m]
routing = 1
providers = {}
[tools.t]
description = "d"
[functions.f]
type = "chat"
tools = ["t"]
[functions.f.variants.v]
type = "chat_completion"
model = "m"
[functions.f.variants.w]
type = "chat_completion"
[functions.f.experimentation]
type = "static"
candidate_variants = ["w"]
"""
    )
    assert [line.split(": ")[0] for line in problems] == [
        "models.m.routing",
        "tools.t",
        "functions.f.variants.w",
    ]


def test_with_a_broken_file_only_syntax_is_reported(load: Load) -> None:
    """Half a configuration is not checked against itself."""
    with pytest.raises(ConfigError) as caught:
        load(
            CHAT + '[functions.f.variants.x]\ntype = "chat_completion"\nmodel = "n"',
            files={"n.toml": "[models"},
            pattern="*.toml",
        )
    assert len(caught.value.problems) == 1
    assert "n.toml: Failed to parse config file as valid TOML" in caught.value.problems[0]


def test_a_flat_glob_is_mentioned(load: Load) -> None:
    """Whoever writes `*` is told that it stays in one folder."""
    assert load("", pattern="*.toml").warnings[0].startswith("glob `")
    assert load("", pattern="**/*.toml").warnings == []


def test_loading_reads_nothing_but_what_is_given(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that counts is the one handed in."""
    monkeypatch.setitem(os.environ, "XAI_API_KEY", "v")
    toml = '[models.m]\nrouting = ["p"]\nproviders.p = { type = "xai", model_name = "x" }'
    with pytest.raises(ConfigError, match="XAI_API_KEY"):
        load(toml)
