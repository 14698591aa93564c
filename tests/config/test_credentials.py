"""Tests of `tzproxy.config.credentials`."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.conftest import FindProblems, Load
from tzproxy.config.credentials import (
    AwsKeysCredential,
    Credential,
    CredentialStore,
    DynamicCredential,
    DynamicSetting,
    FallbackCredential,
    MissingCredential,
    MissingSetting,
    NoCredential,
    SdkCredential,
    SdkSetting,
    Secret,
    StaticCredential,
    StaticSetting,
)
from tzproxy.config.locations import parse_location
from tzproxy.config.provider_types import ProviderTypesConfig

REQUIRED = {
    "anthropic": 'model_name = "x"',
    "azure": 'deployment_id = "x"\nendpoint = "https://h"',
    "deepseek": 'model_name = "x"',
    "fireworks": 'model_name = "x"',
    "gcp_vertex_anthropic": 'model_id = "x"\nlocation = "l"\nproject_id = "p"',
    "gcp_vertex_gemini": 'model_id = "x"\nlocation = "l"\nproject_id = "p"',
    "google_ai_studio_gemini": 'model_name = "x"',
    "groq": 'model_name = "x"',
    "hyperbolic": 'model_name = "x"',
    "mistral": 'model_name = "x"',
    "openai": 'model_name = "x"',
    "openrouter": 'model_name = "x"',
    "sglang": 'model_name = "x"\napi_base = "http://h/v1/"',
    "tgi": 'api_base = "http://h/v1/"',
    "together": 'model_name = "x"',
    "vllm": 'model_name = "x"\napi_base = "http://h/v1/"',
    "xai": 'model_name = "x"',
}
"""The keys that each provider type needs beside its credential."""

GCP = ("gcp_vertex_anthropic", "gcp_vertex_gemini")
WITHOUT_KEY = ("groq", "openai", "openrouter", "sglang", "tgi", "vllm", "xai")
DISPLAY = {
    "anthropic": ("Anthropic", "Anthropic"),
    "azure": ("Azure", "Azure"),
    "deepseek": ("DeepSeek", "Deepseek"),
    "fireworks": ("Fireworks", "Fireworks"),
    "gcp_vertex_anthropic": ("GCPVertexAnthropic", "GCPVertexAnthropic"),
    "gcp_vertex_gemini": ("GCPVertexGemini", "GCPVertexGemini"),
    "google_ai_studio_gemini": ("Google AI Studio Gemini", "GoogleAIStudioGemini"),
    "groq": ("Groq", "Groq"),
    "hyperbolic": ("Hyperbolic", "Hyperbolic"),
    "mistral": ("Mistral", "Mistral"),
    "openai": ("OpenAI", "OpenAI"),
    "openrouter": ("OpenRouter", "OpenRouter"),
    "sglang": ("SGLang", "SGLang"),
    "tgi": ("TGI", "TGI"),
    "together": ("Together", "Together"),
    "vllm": ("vLLM", "VLLM"),
    "xai": ("xAI", "XAI"),
}


def provider(kind: str, location: str | None) -> str:
    """Return a configuration with one provider of a type."""
    text = f'[models.m]\nrouting = ["p"]\n[models.m.providers.p]\ntype = "{kind}"\n{REQUIRED[kind]}\n'
    key = "credential_location" if kind in GCP else "api_key_location"
    return text if location is None else f"{text}{key} = {location}\n"


FORMS = ["env::K", "path::{file}", "path_from_env::F", "dynamic::d", "sdk", "none"]


def accepted(kind: str, form: str) -> bool:
    """Return whether a provider type takes a form of location."""
    prefix = form.partition("::")[0]
    if kind in GCP:
        return prefix in ("path", "path_from_env", "dynamic", "sdk")
    return prefix in ("env", "dynamic") or (prefix == "none" and kind in WITHOUT_KEY)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", REQUIRED)
def test_each_type_accepts_its_forms(
    load: Load, find_problems: FindProblems, tmp_path: Path, kind: str, form: str
) -> None:
    """Every form of location against every provider type: taken with its value, or refused by name."""
    file = tmp_path / "key"
    file.write_text("from file")
    toml = provider(kind, f'"{form.format(file=file)}"')
    environ = {"K": "from env", "F": str(file)}
    key = "credential_location" if kind in GCP else "api_key_location"
    if not accepted(kind, form):
        expected = f"models.m.providers.p.{key}: Invalid {key} for {DISPLAY[kind][0]} provider"
        assert find_problems(toml, environ=environ) == [expected]
        return
    loaded = load(toml, environ=environ)
    expected_credentials: dict[str, Credential] = {
        "env": StaticCredential(Secret("from env")),
        "path": StaticCredential(Secret("from file")),
        "path_from_env": StaticCredential(Secret("from file")),
        "dynamic": DynamicCredential("d"),
        "sdk": SdkCredential(),
        "none": NoCredential(),
    }
    found = loaded.credential(loaded.config.models["m"].providers["p"])
    assert found == expected_credentials[form.partition("::")[0]]


@pytest.mark.parametrize("kind", REQUIRED)
def test_a_missing_default_stops_a_configured_provider(
    load: Load, find_problems: FindProblems, tmp_path: Path, kind: str
) -> None:
    """Without a location the type's variable is needed, also for local servers; the message names it."""
    problems = find_problems(provider(kind, None))
    variable = "GCP_VERTEX_CREDENTIALS_PATH" if kind in GCP else f"{kind.upper()}_API_KEY"
    variable = variable.replace("GOOGLE_AI_STUDIO_GEMINI", "GOOGLE_AI_STUDIO")
    note = " for credentials path" if kind in GCP else ""
    assert problems == [
        f"models.m.providers.p: API key missing for provider {DISPLAY[kind][1]}: "
        f"Environment variable `{variable}`{note} is missing"
    ]
    file = tmp_path / "key"
    file.write_text("v")
    loaded = load(provider(kind, None), environ={variable: str(file) if kind in GCP else "v"})
    assert loaded.credential(loaded.config.models["m"].providers["p"]) == StaticCredential(Secret("v"))


def test_an_empty_variable_counts_as_present(load: Load) -> None:
    """Set but empty is set."""
    loaded = load(provider("openai", None), environ={"OPENAI_API_KEY": ""})
    assert loaded.credential(loaded.config.models["m"].providers["p"]) == StaticCredential(Secret(""))


def test_a_pair_keeps_both_sides(load: Load) -> None:
    """Default and fallback are both found at start-up."""
    loaded = load(
        provider("anthropic", '{ default = "dynamic::d", fallback = "env::K" }'), environ={"K": "v"}
    )
    assert loaded.credential(loaded.config.models["m"].providers["p"]) == FallbackCredential(
        DynamicCredential("d"), StaticCredential(Secret("v"))
    )


def test_both_missing_sides_of_a_pair_are_reported(find_problems: FindProblems) -> None:
    """A variable that is missing in either side stops the load."""
    problems = find_problems(provider("anthropic", '{ default = "env::A", fallback = "env::B" }'))
    assert len(problems) == 1
    assert "`A` is missing" in problems[0]
    assert "`B` is missing" in problems[0]


def test_an_unreadable_credential_file_is_reported(find_problems: FindProblems) -> None:
    """The file of a GCP credential must be there."""
    problems = find_problems(provider("gcp_vertex_gemini", '"path::/no/such/file"'))
    assert "Failed to read credentials file - " in problems[0]


def test_defaults_of_a_type_can_be_configured(load: Load) -> None:
    """`provider_types` serves providers without a location, and shorthand models."""
    toml = provider("openai", None) + '[provider_types.openai.defaults]\napi_key_location = "env::MINE"'
    loaded = load(toml, environ={"MINE": "v"})
    expected = StaticCredential(Secret("v"))
    assert loaded.credential(loaded.config.models["m"].providers["p"]) == expected
    assert loaded.default_credential("openai") == expected


def test_a_broken_default_of_an_unused_type_is_no_error(load: Load) -> None:
    """Defaults are looked up when they are first needed; the outcome stays."""
    loaded = load('[provider_types.anthropic.defaults]\napi_key_location = "env::NOT_SET"')
    first = loaded.default_credential("anthropic")
    assert first == MissingCredential(
        "API key missing for provider Anthropic: Environment variable `NOT_SET` is missing"
    )
    assert loaded.default_credential("anthropic") is first


def test_the_older_azure_variable_serves_with_a_warning(load: Load) -> None:
    """It counts only while the location is the default."""
    loaded = load(provider("azure", None), environ={"AZURE_OPENAI_API_KEY": "old"})
    assert loaded.credential(loaded.config.models["m"].providers["p"]) == StaticCredential(Secret("old"))
    assert any("AZURE_OPENAI_API_KEY" in line for line in loaded.warnings)
    both = load(provider("azure", None), environ={"AZURE_OPENAI_API_KEY": "old", "AZURE_API_KEY": "new"})
    assert both.default_credential("azure") == StaticCredential(Secret("new"))
    assert both.warnings == []


BEDROCK = """
[models.m]
routing = ["p"]
[models.m.providers.p]
type = "aws_bedrock"
model_id = "x"
region = "eu"
"""
KEYS = 'access_key_id = "env::I"\nsecret_access_key = "env::S"\n'


@pytest.mark.parametrize(
    ("keys", "environ", "expected"),
    [
        ("", {}, SdkCredential()),
        ("", {"AWS_BEARER_TOKEN_BEDROCK": "b"}, StaticCredential(Secret("b"))),
        ("", {"AWS_BEARER_TOKEN_BEDROCK": ""}, SdkCredential()),
        ('api_key = "dynamic::d"', {"AWS_BEARER_TOKEN_BEDROCK": "b"}, DynamicCredential("d")),
        (
            KEYS,
            {"I": "i", "S": "s", "AWS_BEARER_TOKEN_BEDROCK": "b"},
            AwsKeysCredential(
                access_key_id=StaticCredential(Secret("i")),
                secret_access_key=StaticCredential(Secret("s")),
                session_token=None,
            ),
        ),
        (
            'access_key_id = "dynamic::a"\nsecret_access_key = "dynamic::b"\nsession_token = "dynamic::c"',
            {},
            AwsKeysCredential(
                access_key_id=DynamicCredential("a"),
                secret_access_key=DynamicCredential("b"),
                session_token=DynamicCredential("c"),
            ),
        ),
        (
            'access_key_id = "sdk"\nsecret_access_key = "sdk"',
            {"AWS_BEARER_TOKEN_BEDROCK": "b"},
            SdkCredential(),
        ),
    ],
)
def test_bedrock_prefers_what_is_configured(
    load: Load, keys: str, environ: dict[str, str], expected: Credential
) -> None:
    """First the bearer key, then the pair, then the environment's bearer key, then the SDK's own chain."""
    loaded = load(BEDROCK + keys, environ=environ)
    assert loaded.credential(loaded.config.models["m"].providers["p"]) == expected


def test_a_missing_aws_key_is_reported(find_problems: FindProblems) -> None:
    """The variables of the key pair are read at start-up."""
    problems = find_problems(BEDROCK + KEYS, environ={"I": "i"})
    assert "Environment variable `S` is missing" in problems[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("env::R", StaticSetting("eu-1")),
        ("dynamic::r", DynamicSetting("r")),
        ("sdk", SdkSetting()),
        ("none", None),
        ("env::ABSENT", MissingSetting("Environment variable `ABSENT` is missing")),
    ],
)
def test_settings_come_from_the_same_places(text: str, expected: object) -> None:
    """A region can stand wherever a credential can; white space around a file's value does not count."""
    store = CredentialStore({"R": " eu-1\n"}, ProviderTypesConfig())
    location = parse_location(text)
    assert location is not None
    assert store.setting(location) == expected


def test_printing_shows_no_credential(load: Load) -> None:
    """Neither the store nor a credential nor a provider gives a key away."""
    loaded = load(provider("openai", None), environ={"OPENAI_API_KEY": "sk-hidden"})
    model = loaded.config.models["m"].providers["p"]
    for thing in (loaded.credentials, loaded.credential(model), model, loaded.environment):
        assert "sk-hidden" not in repr(thing)
    assert b"sk-hidden" not in loaded.to_bytes()
    assert "sk-hidden" not in loaded.snapshot_toml
