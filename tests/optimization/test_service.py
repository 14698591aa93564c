"""Tests of `tzproxy.optimization.service`."""

from __future__ import annotations

import json

import pytest

from optimization.fakes import FakeProviders
from optimization.services import Services, make_services
from tzproxy.errors import UpstreamConnectError
from tzproxy.providers.errors import ProviderError


async def test_json_goes_out_and_comes_in(services: Services, provider: FakeProviders) -> None:
    """With the key, and the type of what is sent."""
    answer = await services.openai.post("fine_tuning/jobs", {"a": 1}, json.loads)
    assert answer["id"] == "ftjob-1"
    assert dict(provider.requests[0].headers) == {
        "authorization": "Bearer key-of-openai",
        "content-type": "application/json",
    }
    assert provider.requests[0].body == b'{"a":1}'


@pytest.mark.parametrize(
    ("status", "expected", "told"),
    [
        (400, 400, "Error 400 Bad Request from openai client: bad data"),
        (401, 401, "Error 401 Unauthorized from openai client: bad data"),
        (503, 500, "Error from openai server: bad data"),
    ],
)
async def test_refusals_say_what_the_provider_said(
    services: Services, provider: FakeProviders, status: int, expected: int, told: str
) -> None:
    """With its status where the request is to blame."""
    provider.refusals["GET"] = (status, b"bad data")
    with pytest.raises(ProviderError) as caught:
        await services.openai.get("fine_tuning/jobs/x", json.loads)
    assert (caught.value.status, caught.value.message) == (expected, told)


async def test_no_key_gets_into_an_error(provider: FakeProviders) -> None:
    """Whatever a provider repeats of a request, its secrets are not shown."""
    together = make_services(provider, secrets=("hugging-secret",)).together
    provider.refusals["POST"] = (400, b"key-of-together and hugging-secret are wrong")
    with pytest.raises(ProviderError) as caught:
        await together.post("fine-tunes", {}, json.loads)
    assert caught.value.message.endswith("client: [hidden] and [hidden] are wrong")
    assert "secret" not in str(caught.value.raw_response)


async def test_answers_that_nobody_understands(services: Services, provider: FakeProviders) -> None:
    """They are the provider's fault."""
    provider.refusals["GET"] = (200, b"<html>")
    with pytest.raises(ProviderError, match="Error from openai server: Error parsing JSON response"):
        await services.openai.get("fine_tuning/jobs/x", json.loads)


async def test_no_answer(services: Services, provider: FakeProviders) -> None:
    """It is told that there was none."""
    provider.refusals["GET"] = UpstreamConnectError("no route")
    with pytest.raises(ProviderError, match="no route"):
        await services.openai.get("fine_tuning/jobs/x", json.loads)


async def test_data_is_put_where_it_belongs(services: Services, provider: FakeProviders) -> None:
    """An address that is whole is not joined to the base."""
    await services.storage.put("https://storage.googleapis.com/b/x.jsonl", b"1\n", "application/jsonl")
    assert provider.asked == ["PUT storage.googleapis.com/b/x.jsonl"]
    assert provider.requests[0].body == b"1\n"
