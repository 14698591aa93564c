"""Tests of `tzproxy.config.providers`."""

from __future__ import annotations

import typing

from tzproxy.config.credentials import RULES
from tzproxy.config.providers import DummyProviderConfig, ProviderConfig, TGIProviderConfig, provider_type


def test_a_provider_knows_its_type() -> None:
    """The type is the one that the table has."""
    assert provider_type(DummyProviderConfig(model_name="x")) == "dummy"
    assert provider_type(TGIProviderConfig(api_base="http://h")) == "tgi"


def test_every_type_has_credential_rules() -> None:
    """Types without rules are those of AWS, which has its own."""
    kinds = {str(struct.__struct_config__.tag) for struct in typing.get_args(ProviderConfig)}
    assert kinds == set(RULES) | {"aws_bedrock", "aws_sagemaker"}
    assert len(kinds) == 20
