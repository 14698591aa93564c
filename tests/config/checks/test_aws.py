"""Tests of `tzproxy.config.checks.aws`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load

PLACE = "models.m.providers.p"


def bedrock(lines: str, *, region: str = 'region = "eu-1"\n') -> str:
    """Return a model on Bedrock."""
    text = '[models.m]\nrouting = ["p"]\n[models.m.providers.p]\ntype = "aws_bedrock"\nmodel_id = "x"\n'
    return text + region + lines


def sagemaker(lines: str) -> str:
    """Return a model on SageMaker."""
    text = '[models.m]\nrouting = ["p"]\n[models.m.providers.p]\ntype = "aws_sagemaker"\nmodel_name = "x"\n'
    return text + 'endpoint_name = "e"\nhosted_provider = "tgi"\n' + lines


@pytest.mark.parametrize(
    ("toml", "key", "words"),
    [
        (bedrock("", region=""), "", "AWS aws_bedrock provider requires a region"),
        (sagemaker(""), "", "AWS aws_sagemaker provider requires a region"),
        (bedrock("", region='region = "none"\n'), ".region", "`none` is not one"),
        (bedrock("", region='region = "env::ABSENT"\n'), ".region", "`ABSENT` is missing"),
        (bedrock("", region='region = "path::/no/file"\n'), ".region", "Failed to read"),
        (bedrock('endpoint_url = "sdk"'), ".endpoint_url", "`sdk` is no endpoint"),
        (bedrock('endpoint_url = "foo"'), ".endpoint_url", "is no URL"),
        (bedrock('endpoint_url = "env::ABSENT"'), ".endpoint_url", "`ABSENT` is missing"),
        (
            bedrock('access_key_id = "dynamic::a"'),
            "",
            "`access_key_id` and `secret_access_key` must be given together",
        ),
        (bedrock('session_token = "dynamic::a"'), ".session_token", "`session_token` requires"),
        (
            bedrock('access_key_id = "env::I"\nsecret_access_key = "env::ABSENT"'),
            "",
            "`secret_access_key`: Environment variable `ABSENT` is missing",
        ),
        (
            bedrock('access_key_id = "env::I"\nsecret_access_key = "dynamic::b"'),
            "",
            "must come from the same kind of source",
        ),
        (
            bedrock('api_key = "dynamic::k"\naccess_key_id = "dynamic::a"\nsecret_access_key = "dynamic::b"'),
            ".api_key",
            "cannot be combined with `access_key_id`",
        ),
        (bedrock('api_key = "none"'), ".api_key", "Invalid location: use `env::VAR_NAME` or `dynamic::NAME`"),
        (
            bedrock('access_key_id = "path::a"\nsecret_access_key = "path::b"'),
            ".access_key_id",
            "Invalid location",
        ),
        (sagemaker('region = "eu"\napi_key = "dynamic::k"'), ".api_key", "unknown field `api_key`"),
        (
            sagemaker('region = "eu"\nhosted_providr = "x"'),
            ".hosted_providr",
            "(did you mean `hosted_provider`?)",
        ),
    ],
)
def test_what_aws_could_not_serve(find_problems: FindProblems, toml: str, key: str, words: str) -> None:
    """Region, endpoint and keys are checked for completeness and kind."""
    problems = find_problems(toml, environ={"I": "i"})
    assert problems[0].startswith(f"{PLACE}{key}: ")
    assert words in problems[0]


@pytest.mark.parametrize(
    "toml",
    [
        bedrock(""),
        bedrock("", region='region = "sdk"\n'),
        bedrock("", region='region = "dynamic::r"\n'),
        bedrock("", region='region = "env::I"\n'),
        bedrock('endpoint_url = "none"'),
        bedrock('endpoint_url = "https://bedrock-runtime.eu-1.amazonaws.com"'),
        bedrock('api_key = "env::I"'),
        bedrock('access_key_id = "env::I"\nsecret_access_key = "env::I"\nsession_token = "env::I"'),
        bedrock('access_key_id = "env::I"\nsecret_access_key = "env::I"\nsession_token = "sdk"'),
        sagemaker('region = "eu"\naccess_key_id = "sdk"\nsecret_access_key = "sdk"'),
    ],
)
def test_what_aws_can_serve(load: Load, toml: str) -> None:
    """All documented forms load without a word."""
    assert load(toml, environ={"I": "i"}).warnings == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('endpoint_url = "http://127.0.0.1:1/x"', "`127.0.0.1` is no AWS host"),
        ('endpoint_url = "dynamic::e"', "a request can name any endpoint"),
    ],
)
def test_odd_endpoints_are_warnings(load: Load, line: str, words: str) -> None:
    """Other hosts and endpoints of the request work and are mentioned."""
    warnings = load(bedrock(line)).warnings
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{PLACE}.endpoint_url: ")
    assert words in warnings[0]
