"""Tests of `tzproxy.http.guard`: who gets in, and what the others are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from in_process import CHAT, HELLO, MODEL, Reply, RunningGateway, StartGateway, completion, native, openai
from tzproxy._speedups.ids import new_uuid7
from tzproxy.auth.checks import KeyChecks
from tzproxy.auth.key import new_key
from tzproxy.clickhouse.queries.api_keys import StoredKey
from tzproxy.config.gateway import AuthCacheConfig, AuthConfig
from tzproxy.errors import StoreUnavailableError
from tzproxy.http import gateway as gateway_module
from tzproxy.http.guard import Guard, key_checks, key_lookup
from tzproxy.recording.sink import Table

CONFIG = "[gateway.auth]\nenabled = true\n" + MODEL + CHAT
PREFIX = "TensorZero authentication error: "
PERFORMING = PREFIX + "Error performing authentication: "
REQUIRED = PERFORMING + "Authorization header is required"
MADE = new_key()
TEXT = MADE.text.reveal()
ID = MADE.key.public_id
BEARER = {"authorization": f"Bearer {TEXT}"}
STORED = StoredKey(public_id=ID, secret_hash=MADE.key.secret_hash, created_us=0)
TAG = "tensorzero::api_key_public_id"
Open = Callable[..., Awaitable[RunningGateway]]


class Keys:
    """A table of one key."""

    def __init__(self) -> None:
        self.stored: StoredKey | None = STORED
        self.asked = 0
        self.failure: Exception | None = None

    async def find(self, public_id: str) -> StoredKey | None:
        """Look it up."""
        self.asked += 1
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return self.stored if public_id == ID else None


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    """The keys of gateways in this test."""
    made = Keys()
    monkeypatch.setattr(gateway_module, "key_checks", lambda auth, lookup: KeyChecks(made, ttl_s=1.0))
    return made


async def ask(
    gateway: RunningGateway, path: str, headers: dict[str, str] | None = None, method: str = "GET"
) -> Reply:
    """Ask for a path with headers."""
    return await gateway.begin(method, path, headers=headers).finish()


@pytest.mark.parametrize("path", ["/status", "/health"])
async def test_open_routes(start: StartGateway, keys: Keys, path: str) -> None:
    """What orchestrators ask needs no key, below a base path as well."""
    assert (await ask(await start(CONFIG), path)).status == 200
    moved = await start('[gateway]\nbase_path = "/base/"\n' + CONFIG)
    assert (await ask(moved, "/base" + path)).status == 200
    assert (await ask(moved, path)).status == 401
    assert keys.asked == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/metrics"),
        ("HEAD", "/metrics"),
        ("POST", "/inference"),
        ("GET", "/inference"),
        ("POST", "/feedback"),
        ("POST", "/batch_inference"),
        ("POST", "/v1/datasets/d/datapoints"),
        ("POST", "/workflow_evaluation_run"),
        ("GET", "/internal/object_storage"),
        ("GET", "/internal/anything"),
        ("GET", "/no/such/route"),
        ("GET", "/"),
        ("GET", "/status/"),
        ("GET", "//status"),
        ("GET", "/STATUS"),
        ("GET", "/health/x"),
    ],
)
async def test_all_other_routes_need_a_key(start: StartGateway, keys: Keys, method: str, path: str) -> None:
    """Without a key no route says even whether it exists; the error has the native shape."""
    reply = await ask(await start(CONFIG), path, method=method)
    assert (reply.status, reply.json()) == (401, {"error": REQUIRED})
    assert keys.asked == 0


@pytest.mark.parametrize("base", ["", "/base"])
async def test_shapes(start: StartGateway, keys: Keys, base: str) -> None:
    """Each family of routes has its own error, unknown routes of the family included."""
    gateway = await start(f'[gateway]\nbase_path = "{base or "/"}"\n' + CONFIG)
    for path in ("/openai/v1/chat/completions", "/openai/v1/models", "/openai/v1/none"):
        reply = await ask(gateway, base + path)
        assert (reply.status, reply.json()) == (401, {"error": {"message": REQUIRED}})
    for path in ("/anthropic/v1/messages", "/anthropic/v1/models", "/anthropic/none"):
        reply = await ask(gateway, base + path)
        detail = {"type": "authentication_error", "message": REQUIRED}
        assert (reply.status, reply.json()) == (401, {"type": "error", "error": detail})


async def test_structured_errors(start: StartGateway, keys: Keys) -> None:
    """With `unstable_error_json` the structured form of a refused key is a text."""
    gateway = await start("[gateway]\nunstable_error_json = true\n" + CONFIG)
    assert (await ask(gateway, "/metrics")).json() == {"error": REQUIRED, "error_json": REQUIRED}


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (TEXT, PERFORMING + "Authorization header must start with 'Bearer '"),
        ("Basic dTpw", PERFORMING + "Authorization header must start with 'Bearer '"),
        (f"bearer {TEXT}", PERFORMING + "Authorization header must start with 'Bearer '"),
        (
            "Bearer x",
            f"{PREFIX}Invalid format for TensorZero API key: "
            "API key must be of the form `sk-t0-<public_id>-<long_key>`",
        ),
        (
            f"Bearer {TEXT}x",
            f"{PREFIX}Invalid format for TensorZero API key: Long key must be 48 characters",
        ),
        (
            f"Bearer  {TEXT}",
            f"{PREFIX}Invalid format for TensorZero API key: API key must start with `sk-t0-`",
        ),
    ],
)
async def test_headers_that_are_none(start: StartGateway, keys: Keys, header: str, text: str) -> None:
    """Header and form are checked before anything is looked up."""
    reply = await ask(await start(CONFIG), "/metrics", {"authorization": header})
    assert (reply.status, reply.error) == (401, text)
    assert keys.asked == 0


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (None, "Provided API key does not exist in the database"),
        (replace(STORED, secret_hash="0" * 64), "Provided API key does not exist in the database"),
        (replace(STORED, disabled_us=1_500_000), "API key was disabled at: 1970-01-01 00:00:01.500 UTC"),
        (replace(STORED, expires_us=1_500_000), "API key expired at: 1970-01-01 00:00:01.500 UTC"),
    ],
)
async def test_keys_that_may_not_pass(
    start: StartGateway, keys: Keys, stored: StoredKey | None, reason: str
) -> None:
    """Unknown, disabled and expired keys are told apart, and nothing reaches a provider."""
    keys.stored = stored
    gateway = await start(CONFIG)
    reply = await gateway.post("/inference", native(), BEARER)
    assert (reply.status, reply.error) == (401, PERFORMING + reason)
    assert gateway.network.dialled == []


async def test_a_store_that_is_away(start: StartGateway, keys: Keys) -> None:
    """Nobody gets in by an outage; clients are told that they may try again."""
    keys.failure = StoreUnavailableError("Error connecting to ClickHouse: secret host")
    reply = await ask(await start(CONFIG), "/openai/v1/models", BEARER)
    assert reply.status == 503
    message = PERFORMING + "API keys cannot be looked up at the moment"
    assert reply.json() == {"error": {"message": message}}


async def test_a_bug_lets_nobody_in(start: StartGateway, keys: Keys) -> None:
    """Whatever fails while a key is checked, the request is refused."""
    keys.failure = RuntimeError("a bug")
    reply = await ask(await start(CONFIG), "/metrics", BEARER)
    assert reply.status == 500
    assert "a bug" not in reply.error


async def test_without_a_store(start: StartGateway) -> None:
    """A gateway that demands keys and has nowhere to look them up stays shut."""
    reply = await ask(await start(CONFIG), "/metrics", BEARER)
    assert (reply.status, reply.error) == (401, PERFORMING + "Postgres connection is disabled")


async def test_a_good_key_opens_all(start: StartGateway, keys: Keys) -> None:
    """With a key everything answers as without authentication."""
    gateway = await start(CONFIG)
    assert (await ask(gateway, "/metrics", BEARER)).status == 200
    assert (await ask(gateway, "/no/such/route", BEARER)).error == "Route not found: GET /no/such/route"
    assert (await ask(gateway, "/inference", BEARER)).status == 405
    names = [model["id"] for model in (await ask(gateway, "/openai/v1/models", BEARER)).json()["data"]]
    assert names == ["tensorzero::function_name::f", "tensorzero::model_name::m"]
    assert keys.asked == 1


async def test_the_key_of_anthropic_clients(start: StartGateway, keys: Keys) -> None:
    """`x-api-key` counts on Anthropic's routes only, and only where no `authorization` is sent."""
    gateway = await start(CONFIG)
    own = {"x-api-key": TEXT}
    assert (await ask(gateway, "/anthropic/v1/models", own)).status == 200
    assert (await ask(gateway, "/anthropic/v1/models", BEARER)).status == 200
    for path in ("/openai/v1/models", "/metrics", "/anthropic"):
        assert (await ask(gateway, path, own)).status == 401
    reply = await ask(gateway, "/anthropic/v1/models", {**own, "authorization": "Bearer x"})
    assert "Invalid format" in reply.json()["error"]["message"]
    reply = await ask(gateway, "/anthropic/v1/models", {"x-api-key": "sk-ant-x"})
    assert reply.json()["error"]["type"] == "authentication_error"


MESSAGES = {"max_tokens": 5, "messages": HELLO["messages"]}


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/inference", native(), BEARER),
        ("/openai/v1/chat/completions", openai(), BEARER),
        ("/openai/v1/responses", {"model": "f", "input": "Hello"}, BEARER),
        ("/anthropic/v1/messages", {"model": "f", **MESSAGES}, {"x-api-key": TEXT}),
    ],
)
async def test_inferences_are_tagged(
    start: StartGateway, keys: Keys, path: str, body: Any, headers: dict[str, str]
) -> None:
    """The row names the key by its public id; neither a row nor a provider gets to see the key."""
    gateway = await start(CONFIG, [completion()])
    assert (await gateway.post(path, body, headers)).status == 200
    (row,) = gateway.chat_rows
    assert row["tags"][TAG] == ID
    sent = b"".join(gateway.network.requests)
    assert b"Hello" in sent
    secret = TEXT.rpartition("-")[2]
    for seen in (sent.decode(), json.dumps(gateway.chat_rows + gateway.model_rows)):
        assert secret not in seen
        assert MADE.key.secret_hash not in seen
    assert ID not in sent.decode()


async def test_the_tag_cannot_be_forged(start: StartGateway, keys: Keys) -> None:
    """Who may set internal tags still cannot pass for another key."""
    gateway = await start(CONFIG, [completion()])
    body = native(internal=True, tags={TAG: "somebodyelse"})
    assert (await gateway.post("/inference", body, BEARER)).status == 200
    assert gateway.chat_rows[0]["tags"][TAG] == ID


async def test_feedback_is_tagged(start: StartGateway, keys: Keys) -> None:
    """Feedback names the key as well, beside its own tags."""
    gateway = await start(CONFIG, [completion()])
    inference_id = (await gateway.post("/inference", native(), BEARER)).json()["inference_id"]
    body = {"metric_name": "comment", "value": "x", "inference_id": inference_id, "tags": {"a": "b"}}
    assert (await gateway.post("/feedback", body, BEARER)).status == 200
    (row,) = gateway.rows(Table.COMMENT_FEEDBACK)
    assert row["tags"] == {"a": "b", TAG: ID}


@pytest.mark.parametrize(
    "path", ["/feedback", "/workflow_evaluation_run", f"/workflow_evaluation_run/{new_uuid7()}/episode"]
)
async def test_nothing_is_written_without_a_key(start: StartGateway, keys: Keys, path: str) -> None:
    """A request that is refused leaves no row, whatever it asks for."""
    gateway = await start(CONFIG)
    assert (await gateway.post(path, {"variants": {}})).status == 401
    assert gateway.sink.rows == []  # type: ignore[attr-defined]


async def test_no_guard_without_authentication(start: StartGateway) -> None:
    """With authentication off, or not configured, requests go straight to the router; no tag is made."""
    for toml in ("", "[gateway.auth]\nenabled = false\n"):
        gateway = await start(toml + MODEL + CHAT, [completion()])
        assert not isinstance(getattr(gateway.gateway._serve, "__self__", None), Guard)
        assert (await gateway.infer()).status == 200
        assert TAG not in gateway.chat_rows[0]["tags"]


@pytest.mark.parametrize(
    ("cache", "asked"),
    [(AuthCacheConfig(), 1), (AuthCacheConfig(ttl_ms=0), 3), (AuthCacheConfig(enabled=False), 3)],
)
async def test_the_cache_can_be_switched_off(cache: AuthCacheConfig, asked: int) -> None:
    """By name or by a ttl of nothing; then each request asks."""
    keys: Any = Keys()
    checks = key_checks(AuthConfig(enabled=True, cache=cache), keys)
    for _ in range(3):
        await checks.check(MADE.key)
    assert keys.asked == asked


async def test_look_ups_have_connections_of_their_own() -> None:
    """The way to the store is opened without a store and closed again."""
    await key_lookup("http://user:password@127.0.0.1:9/db").close()


async def test_rate_limits_go_by_the_key(start: StartGateway, keys: Keys) -> None:
    """Whatever tag a client makes up: inferences and embeddings of one key share its limit."""
    embedding = (
        '[embedding_models.e]\nrouting = ["p"]\n[embedding_models.e.providers.p]\ntype = "openai"\n'
        'api_base = "http://up.test/v1/"\nmodel_name = "ada"\napi_key_location = "none"\n'
    )
    rule = (
        "[[rate_limiting.rules]]\nalways = true\nmodel_inferences_per_day = 1\n"
        'scope = [{ api_key_public_id = "tensorzero::each" }]\n'
    )
    gateway = await start(CONFIG + embedding + rule, [completion()])
    made_up = native(internal=True, tags={TAG: "x" * 12})
    assert (await gateway.post("/inference", made_up, BEARER)).status == 200
    for path, body in [
        ("/inference", made_up),
        ("/openai/v1/chat/completions", openai()),
        ("/openai/v1/embeddings", {"model": "tensorzero::embedding_model_name::e", "input": "x"}),
    ]:
        reply = await gateway.post(path, body, BEARER)
        assert reply.status == 429
        assert (
            f'api_key_public_id="tensorzero::each" (matched: "{ID}")'.replace('"', '\\"')
            in reply.body.decode()
        )


async def test_refusals_are_counted_and_challenged(start: StartGateway, keys: Keys) -> None:
    """A 401 names the scheme that is expected, a 503 does not; `/metrics` counts both by their codes."""
    gateway = await start(CONFIG)
    answers = [
        await ask(gateway, "/inference", headers)
        for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic eDp5"})
    ]
    assert [(one.status, one.headers.get("www-authenticate")) for one in answers] == [(401, "Bearer")] * 3
    keys.failure = StoreUnavailableError("away")
    away = await ask(gateway, "/inference", BEARER)
    assert (away.status, away.headers.get("www-authenticate")) == (503, None)
    keys.failure = None
    counted = (await ask(gateway, "/metrics", BEARER)).body.decode().splitlines()
    assert [line for line in counted if line.startswith("tzproxy_refused_total")] == [
        'tzproxy_refused_total{code="api_key_refused"} 2.0',
        'tzproxy_refused_total{code="api_key_format"} 1.0',
        'tzproxy_refused_total{code="api_keys_unavailable"} 1.0',
    ]
