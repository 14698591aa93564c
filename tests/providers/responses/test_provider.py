from __future__ import annotations

import pytest

from tzproxy.config.credentials import DynamicCredential
from tzproxy.config.providers import OpenAIProviderConfig
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.responses.provider import build_responses_provider
from tzproxy.types.content import File

from ..samples import KEY, ask, user


def test_url_and_key() -> None:
    """The API lives below the base; the key goes where OpenAI's keys go."""
    config = OpenAIProviderConfig(model_name="m", api_type="responses", api_base="http://h:1/v1")
    wire = build_responses_provider(config, KEY).build_request(ask(), {})
    assert str(wire.endpoint) == "http://h:1/v1/responses"
    assert dict(wire.headers.pairs)["authorization"] == "Bearer sk-test"
    assert wire.raw_request is None


def test_missing_key() -> None:
    """A key that should come with the request is missed when it does not."""
    config = OpenAIProviderConfig(model_name="m", api_type="responses")
    provider = build_responses_provider(config, DynamicCredential("k"))
    with pytest.raises(ProviderError, match="^API key missing for provider OpenAI: Dynamic api key `k`"):
        provider.build_request(ask(), {})


def test_stored_request() -> None:
    """The stored request has no files in it."""
    config = OpenAIProviderConfig(model_name="m", api_type="responses")
    request = ask(user(File(data="QUJD", mime_type="image/png")))
    wire = build_responses_provider(config, KEY).build_request(request, {})
    assert wire.raw_request is not None
    assert b"QUJD" in wire.body and "<TENSORZERO_FILE_0>" in wire.raw_request
    assert "QUJD" not in wire.raw_request
