"""Tests of `tzproxy.inference.addressee`: what one provider may see, and what it must refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Raw

from in_process import MODEL
from tzproxy.config import load_config
from tzproxy.inference.addressee import addressed, check_provider_tools
from tzproxy.inference.build_models import ModelTable
from tzproxy.inference.model import Model
from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import Message, ModelBlock, Text, Thought, Unknown
from tzproxy.types.model import ModelRequest
from tzproxy.types.tools import AllowedTools, ProviderTool, ProviderToolScope, ToolConfig

TEXT = Text("t")
OWN = Thought("own", provider_type="openai")
FREE = Thought("free")
ALIEN = Thought("alien", provider_type="anthropic")
FOR_M = Unknown(Raw(b"{}"), "m", "p")
FOR_N = Unknown(Raw(b"{}"), "n", None)
FOR_Q = Unknown(Raw(b"{}"), None, "q")


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """The model `m` with its provider `p` of type openai."""
    (tmp_path / "tensorzero.toml").write_text(MODEL)
    made = ModelTable(load_config(str(tmp_path / "tensorzero.toml"), environ={})).get("m")
    assert made is not None
    return made


def request(*blocks: ModelBlock, tools: ToolConfig | None = None) -> ModelRequest:
    """Make a request that is addressed to nobody yet."""
    return ModelRequest(inference_id="i", messages=[Message("user", list(blocks))], tool_config=tools)


def test_blocks_for_others_are_taken_out(model: Model) -> None:
    """Thoughts of other provider types, and unknown blocks for other models or providers."""
    (entry,) = model.providers
    asked = request(TEXT, OWN, FREE, ALIEN, FOR_M, FOR_N, FOR_Q)
    for_them = addressed(asked, model, entry, filtered=True)
    assert for_them.messages[0].content == [TEXT, OWN, FREE, FOR_M]
    assert (for_them.model_name, for_them.provider_name) == ("m", "p")
    assert addressed(for_them, model, entry, filtered=True) == for_them


def test_an_addressed_request_without_such_blocks_is_passed_on(model: Model) -> None:
    """It is not copied."""
    (entry,) = model.providers
    once = addressed(request(TEXT), model, entry, filtered=False)
    assert addressed(once, model, entry, filtered=False) is once


@pytest.mark.parametrize(
    ("scope", "refused"),
    [
        (None, True),
        (ProviderToolScope("m"), True),
        (ProviderToolScope("m", "p"), True),
        (ProviderToolScope("m", "q"), False),
        (ProviderToolScope("n"), False),
    ],
)
def test_tools_that_the_provider_would_have_to_run(
    model: Model, scope: ProviderToolScope | None, refused: bool
) -> None:
    """They are refused when they are meant for a provider that runs none."""
    (entry,) = model.providers
    tools = ToolConfig(
        tools=[],
        allowed=AllowedTools([], "function_default"),
        provider_tools=[ProviderTool(scope=scope, tool=Raw(b"{}"))],
    )
    if refused:
        with pytest.raises(ProviderError, match=r"does not support `provider_tools`, but 1 provider tool"):
            check_provider_tools(request(tools=tools), model, entry)
    else:
        check_provider_tools(request(tools=tools), model, entry)
