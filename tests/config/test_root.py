"""Tests of `tzproxy.config.root`: the language as a whole."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterator

import msgspec
import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT, JSON, MODEL
from tzproxy.config.root import Config

PROVIDER = MODEL
JUDGE = (
    CHAT
    + """
[functions.f.evaluators.e]
type = "llm_judge"
output_type = "float"
optimize = "max"
[functions.f.evaluators.e.variants.j]
type = "chat_completion"
model = "m"
json_mode = "on"
system_instructions = "tensorzero.toml"
"""
)


@pytest.mark.parametrize(
    ("toml", "path"),
    [
        ("", "zz"),
        ("[gateway]", "gateway.zz"),
        ("[gateway.observability]", "gateway.observability.zz"),
        ("[gateway.observability.batch_writes]\nenabled = false", "gateway.observability.batch_writes.zz"),
        ("[gateway.cache]", "gateway.cache.zz"),
        ("[gateway.cache.valkey]", "gateway.cache.valkey.zz"),
        ("[gateway.auth]\nenabled = false", "gateway.auth.zz"),
        ("[gateway.auth]\nenabled = false\n[gateway.auth.cache]", "gateway.auth.cache.zz"),
        ("[gateway.export]", "gateway.export.zz"),
        ("[gateway.export.otlp]", "gateway.export.otlp.zz"),
        ("[gateway.export.otlp.traces]", "gateway.export.otlp.traces.zz"),
        ("[gateway.metrics]", "gateway.metrics.zz"),
        ("[gateway.template_filesystem_access]", "gateway.template_filesystem_access.zz"),
        ("[gateway.relay]", "gateway.relay.zz"),
        ("[clickhouse]", "clickhouse.zz"),
        (
            '[models.m]\nrouting = ["p"]\n'
            'providers.p = { type = "xai", model_name = "x", api_key_location = "none" }',
            "models.m.zz",
        ),
        (PROVIDER, "models.m.providers.p.zz"),
        (PROVIDER + "[models.m.providers.p.timeouts]", "models.m.providers.p.timeouts.zz"),
        (
            PROVIDER + "[models.m.providers.p.timeouts.streaming]",
            "models.m.providers.p.timeouts.streaming.zz",
        ),
        ("[embedding_models.e]\nrouting = []\nproviders = {}", "embedding_models.e.zz"),
        ('[functions.f]\ntype = "chat"\nvariants = {}', "functions.f.zz"),
        ('[functions.f]\ntype = "json"\nvariants = {}', "functions.f.zz"),
        (CHAT, "functions.f.variants.v.zz"),
        (JSON.replace("chat_completion", "experimental_chain_of_thought"), "functions.j.variants.v.zz"),
        (CHAT + "[functions.f.variants.v.input_wrappers]", "functions.f.variants.v.input_wrappers.zz"),
        (
            CHAT + '[functions.f.variants.v.templates.t]\npath = "tensorzero.toml"',
            "functions.f.variants.v.templates.t.zz",
        ),
        (
            '[functions.f]\ntype = "chat"\nvariants = {}\n[functions.f.schemas.t]\npath = "tensorzero.toml"',
            "functions.f.schemas.t.zz",
        ),
        ('[metrics.m]\ntype = "float"\noptimize = "max"\nlevel = "episode"', "metrics.m.zz"),
        ('[tools.t]\ndescription = "d"\nparameters = "tensorzero.toml"', "tools.t.zz"),
        (CHAT + '[evaluations.x]\ntype = "inference"\nfunction_name = "f"', "evaluations.x.zz"),
        (CHAT + '[functions.f.evaluators.e]\ntype = "exact_match"', "functions.f.evaluators.e.zz"),
        (JUDGE, "functions.f.evaluators.e.variants.j.zz"),
        ("[provider_types]", "provider_types.zz"),
        ("[provider_types.gcp_vertex_gemini]", "provider_types.gcp_vertex_gemini.zz"),
        ("[provider_types.gcp_vertex_anthropic]", "provider_types.gcp_vertex_anthropic.zz"),
        ("[autopilot]", "autopilot.zz"),
        ('[provider_types.fireworks.sft]\naccount_id = "a"', "provider_types.fireworks.sft.zz"),
        ("[provider_types.together.sft]", "provider_types.together.sft.zz"),
        (
            MODEL.replace('"none"', '{ default = "none", fallback = "none", zz = 1 }').replace(
                "zz = 1", "zz = 1"
            ),
            "models.m.providers.p.api_key_location.zz",
        ),
    ],
)
def test_strict_tables_refuse_unknown_keys(find_problems: FindProblems, toml: str, path: str) -> None:
    """In most tables an unknown key is an error that names it."""
    text = toml if "zz = 1" in toml else f"{toml}\nzz = 1"
    problems = find_problems(text)
    assert [line.split(": ")[0] for line in problems] == [path]
    assert "unknown field `zz`" in problems[0]


@pytest.mark.parametrize(
    "toml",
    [
        "[postgres]",
        "[rate_limiting]",
        "[[rate_limiting.rules]]\nalways = true",
        CHAT + "[functions.f.variants.v.retries]",
        '[object_storage]\ntype = "disabled"',
        CHAT + '[functions.f.experimentation]\ntype = "static"\ncandidate_variants = ["v"]',
        '[optimizers.o]\ntype = "openai_sft"\nmodel = "m"',
        CHAT + '[[functions.f.variants.v.extra_body]]\npointer = "/a"\nvalue = 1',
        CHAT + '[[functions.f.variants.v.extra_headers]]\nname = "a"\nvalue = "b"',
        MODEL + '[[models.m.providers.p.cost]]\npointer = "/a"\ncost_per_unit = 1',
        "[provider_types.openai]",
        '[provider_types.openai.defaults]\napi_key_location = "none"',
        '[provider_types.gcp_vertex_gemini.batch]\nstorage_type = "none"',
    ],
)
def test_lenient_tables_ignore_unknown_keys(load: Load, toml: str) -> None:
    """In some tables an unknown key has never been an error."""
    assert load(f"{toml}\nzz = 1").config


@pytest.mark.parametrize(
    "toml",
    [
        "",
        'models.m = { routing = ["p"], providers.p = { type = "vllm", model_name = "x", '
        'api_base = "http://h:8000/v1/", api_key_location = "none" } }',
        'functions.f = { type = "chat", variants.v = { type = "chat_completion", model = "openai::x" } }',
        'functions.j = { type = "json", output_schema = "tensorzero.toml", variants.v = '
        '{ type = "chat_completion", model = "openai::x", json_mode = "strict" } }',
        "gateway.observability.enabled = false",
        '[autopilot]\ntool_whitelist = ["a"]',
        """
[provider_types.gcp_vertex_gemini.batch]
storage_type = "cloud_storage"
input_uri_prefix = "gs://a"
output_uri_prefix = "gs://b"
[provider_types.gcp_vertex_gemini.sft]
project_id = "p"
region = "r"
bucket_name = "b"
""",
    ],
)
def test_small_configurations_load(load: Load, toml: str) -> None:
    """The least that is useful is accepted."""
    assert load(toml).config


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("models.m.providers = {}", "models.m: missing field `routing`"),
        ('models.m.routing = ["p"]', "models.m: missing field `providers`"),
        (
            'models.m = { routing = ["p"], providers.p = { model_name = "x" } }',
            "models.m.providers.p: missing tag field `type`",
        ),
        (
            'models.m = { routing = ["p"], providers.p = { type = "openai" } }',
            "models.m.providers.p: missing field `model_name`",
        ),
        (
            'models.m.routing = ["p"]\n'
            'models.m.providers.p = { type = "tgi", api_base = "http://h", model_name = "x" }',
            "models.m.providers.p.model_name: unknown field `model_name`",
        ),
        (
            'models.m = { routing = ["p"], providers.p = { type = "gcp_vertex_anthropic", endpoint_id = "x", '
            'location = "l", project_id = "p", credential_location = "sdk" } }',
            "models.m.providers.p.endpoint_id: unknown field `endpoint_id`",
        ),
        ('tools.x.parameters = "tensorzero.toml"', "tools.x: missing field `description`"),
        ("object_storage.x = 1", "object_storage: missing tag field `type`"),
        (
            "provider_types.openai.defaults = {}",
            "provider_types.openai.defaults: missing field `api_key_location`",
        ),
        ("provider_types.google_ai_studio = {}", "provider_types.google_ai_studio: unknown field"),
        ("provider_types.aws_bedrock = {}", "provider_types.aws_bedrock: unknown field"),
    ],
)
def test_missing_and_misplaced_keys(find_problems: FindProblems, toml: str, problem: str) -> None:
    """Required keys are missed at their table, keys of other types are unknown."""
    assert any(line.startswith(problem) for line in find_problems(toml))


def _structs(tp: object, seen: set[type[msgspec.Struct]]) -> Iterator[type[msgspec.Struct]]:
    for part in typing.get_args(tp):
        yield from _structs(part, seen)
    if isinstance(tp, type) and issubclass(tp, msgspec.Struct) and tp not in seen:
        seen.add(tp)
        yield tp
        for field in msgspec.structs.fields(tp):
            yield from _structs(field.type, seen)


STRUCTS = list(_structs(Config, set()))


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_key_is_documented(struct: type[msgspec.Struct]) -> None:
    """The lines of the Structs are the reference manual: each field has one, and no line is left over."""
    documented: set[str] = set()
    for base in struct.__mro__:
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            _, _, lines = (inspect.getdoc(base) or "").partition("Attributes:")
            documented |= set(re.findall(r"^    (\w+): ", lines, re.MULTILINE))
    names = {field.name for field in msgspec.structs.fields(struct)}
    assert documented == names


def test_all_tables_are_reached() -> None:
    """The walk over the language finds the Structs of every corner."""
    names = {struct.__name__ for struct in STRUCTS}
    assert len(names) > 90
    assert {"GatewayConfig", "VllmProviderConfig", "JudgeDiclConfig", "MultiGrader", "TagScope"} <= names
