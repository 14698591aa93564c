"""Tests of `tzproxy.http.configuration`: the configuration in force, hashes, refusals; stores are in e2e."""

from __future__ import annotations

import re

import pytest

from in_process import CHAT, MODEL, StartGateway
from tzproxy.errors import RequestError
from tzproxy.http.configuration import parse_hash

PATH = "/internal/config"


async def test_the_configuration_in_force(start: StartGateway) -> None:
    """Its document, and the hash that rows have."""
    gateway = await start(MODEL + CHAT)
    told = (await gateway.get(PATH)).json()
    assert list(told) == ["config", "hash", "extra_templates", "tags"]
    assert told["config"]["functions"]["f"]["type"] == "chat"
    assert told["hash"] == (await gateway.get("/status")).json()["config_hash"]


async def test_secrets_are_blotted_out(start: StartGateway) -> None:
    """The few secrets that stand in a configuration itself are not told."""
    toml = '[provider_types.together.sft]\nwandb_api_key = "hidden-key"\n'
    reply = await (await start(toml + MODEL + CHAT)).get(PATH)
    assert reply.status == 200
    assert b"hidden-key" not in reply.body


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "pattern"),
    [
        ("GET", f"{PATH}/abc", b"", 400, "^Invalid config hash: abc$"),
        ("GET", f"{PATH}/7", b"", 400, "^Config snapshots require observability to be enabled$"),
        ("POST", PATH, b"{", 400, "^Failed to parse the request body as JSON: "),
        ("POST", PATH, {}, 400, "^missing field `config`$"),
        ("POST", PATH, {"config": {}, "x": 1}, 400, "^unknown field `x`"),
        ("POST", PATH, {"config": {"gatewy": {}}}, 400, "^config: gatewy: unknown field.*gateway"),
        ("POST", PATH, {"config": {"models": {"m": 1}}}, 400, r"^config: models\.m"),
        ("POST", PATH, {"config": {}}, 400, "^Config snapshots require observability to be enabled$"),
    ],
)
async def test_refusals(
    start: StartGateway, method: str, path: str, body: object, status: int, pattern: str
) -> None:
    """A hash that is none, a document that is no configuration, and a gateway without a store."""
    reply = await (await start(MODEL + CHAT)).begin(method, path, body).finish()
    assert reply.status == status
    assert re.search(pattern, reply.error), reply.error


def test_both_forms_of_a_hash() -> None:
    """Decimal as in rows, or 64 hexadecimal digits; nothing beyond 256 bits."""
    number = 2**256 - 1
    assert parse_hash(str(number)) == parse_hash(f"{number:064x}") == number
    for text in ("", "-1", str(2**256), "0x1", "1" * 79):
        with pytest.raises(RequestError, match="^Invalid config hash: "):
            parse_hash(text)
