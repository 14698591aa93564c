from __future__ import annotations

import pytest

from tzproxy.config.credentials import NoCredential
from tzproxy.config.locations import DynamicLocation, LiteralLocation
from tzproxy.config.providers import AnthropicProviderConfig
from tzproxy.providers.chat_completions.build import build_chat_provider
from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import Text, Thought

from ..samples import KEY, NAMES, ask, assistant, body_of, chat, user

KEYLESS = {"openai", "groq", "openrouter", "sglang", "tgi", "vllm"}


@pytest.mark.parametrize("name", NAMES)
def test_calls_without_a_key(name: str) -> None:
    """Local and open services may be called without a key; the others refuse when called."""
    provider = chat(name, NoCredential())
    if name in KEYLESS:
        headers = provider.build_request(ask(), {}).headers
        assert "authorization" not in dict(headers.pairs)
        return
    with pytest.raises(ProviderError, match="^API key missing for provider .*: No credentials are set$"):
        provider.build_request(ask(), {})


@pytest.mark.parametrize(("name", "host"), [("openai", "h"), ("openrouter", "h"), ("vllm", "h")])
def test_api_base(name: str, host: str) -> None:
    """A configured base replaces the service's own."""
    wire = chat(name, api_base=f"http://{host}/x").build_request(ask(), {})
    assert str(wire.endpoint) == f"http://{host}/x/chat/completions"


def test_missing_base() -> None:
    """A local server without a base cannot be built."""
    with pytest.raises(ValueError, match="vllm needs an `api_base`"):
        chat("vllm", api_base=None)


def test_groq_reasoning_format() -> None:
    """Groq's reasoning format is sent when configured, and only then do thoughts go back."""
    request = ask(user(Text("a")), assistant(Thought("t"), Text("b")))
    plain = body_of(chat("groq"), request)
    assert "reasoning_format" not in plain
    assert plain["messages"][1] == {"role": "assistant", "content": "b"}
    parsed = body_of(chat("groq", reasoning_format="parsed"), request)
    assert parsed["reasoning_format"] == "parsed"
    assert parsed["messages"][1] == {"role": "assistant", "content": "b", "reasoning": "t"}


def test_other_types() -> None:
    """A type that does not speak this protocol is not taken for one that does."""
    with pytest.raises(KeyError):
        build_chat_provider(AnthropicProviderConfig(model_name="m"), KEY)


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (
            "https://r.openai.azure.com",
            "https://r.openai.azure.com/openai/deployments/d%2F1/chat/completions",
        ),
        ("https://h/sub/", "https://h/sub//openai/deployments/d%2F1/chat/completions"),
    ],
)
def test_azure_url(endpoint: str, url: str) -> None:
    """Azure's URL names the deployment and the version; its key has a header of its own."""
    wire = chat("azure", endpoint=LiteralLocation(endpoint), deployment_id="d/1").build_request(ask(), {})
    assert str(wire.endpoint) == url
    assert wire.endpoint.target.endswith(b"?api-version=2025-04-01-preview")
    assert dict(wire.headers.pairs)["api-key"] == "sk-test"


def test_azure_endpoint_from_the_request() -> None:
    """Azure's endpoint may come with the request, which is refused without it."""
    provider = chat("azure", endpoint=DynamicLocation("where"))
    wire = provider.build_request(ask(), {"where": "https://h"})
    assert str(wire.endpoint) == "https://h/openai/deployments/m/chat/completions"
    with pytest.raises(ProviderError, match="^Dynamic endpoint 'where' not found in credentials$"):
        provider.build_request(ask(), {})
