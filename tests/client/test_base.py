"""Tests of `tzproxy.client.base`: what both clients are."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from tzproxy import AsyncTensorZeroGateway, TensorZeroGateway
from tzproxy.client.base import http_address, not_supported


@pytest.mark.parametrize("client", [TensorZeroGateway, AsyncTensorZeroGateway])
def test_clients_are_built(client: Any) -> None:
    """The constructor says how, a client cannot be pickled, and has no configuration over HTTP."""
    with pytest.raises(TypeError, match="build_http or"):
        client(gateway_url="http://h")
    options = {"async_setup": False} if client is AsyncTensorZeroGateway else {}
    made = client.build_http(gateway_url="http://h", **options)
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(made)
    with pytest.raises(ValueError, match="build_embedded"):
        made.experimental_get_config()


def test_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sent unless the program gives one."""
    monkeypatch.setenv("TENSORZERO_API_KEY", "from-environment")
    assert http_address("http://h", None, None).api_key == "from-environment"
    assert http_address("http://h", None, "given").api_key == "given"
    assert "`m`" in not_supported("m").msg
