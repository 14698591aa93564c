"""API keys as an operator and clients use them: commands, published clients, a real gateway and its store."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import anthropic
import httpx
import openai
import pytest
from tensorzero import TensorZeroError, TensorZeroGateway

from e2e.processes import COMMAND, EXTRA_MODELS, Gateway, wait_until
from tzproxy.clickhouse import StoreClient

pytestmark = pytest.mark.e2e
AUTH = "\n[gateway.auth]\nenabled = true\ncache = { ttl_ms = 300 }\n"
FUNCTION = "tensorzero::function_name::hello"
MESSAGES: Any = [{"role": "user", "content": "Hi"}]
TAG = "tensorzero::api_key_public_id"
PREFIX = "TensorZero authentication error: Error performing authentication: "


def command(gateway: Gateway, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command beside a gateway, or in its place."""
    return subprocess.run(
        [COMMAND, *arguments], cwd=gateway.folder, capture_output=True, text=True, timeout=90
    )


def create(gateway: Gateway, *arguments: str) -> str:
    """Make a key."""
    done = command(gateway, "--create-api-key", *arguments)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    return done.stdout.strip()


def public_id(key: str) -> str:
    """Return the part of a key that may be shown."""
    return key.split("-")[2]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that demands keys; the first was made before it ever ran."""
    made = Gateway(tmp_path_factory.mktemp("guarded"), extra_config=EXTRA_MODELS + AUTH)
    key = create(made)
    with made as running:
        running.first_key = key  # type: ignore[attr-defined]
        yield running


@pytest.fixture
def key(guarded: Gateway) -> str:
    """The first key."""
    made: str = guarded.first_key  # type: ignore[attr-defined]
    return made


def test_published_clients(guarded: Gateway, key: str) -> None:
    """Three vendors' clients get in with the key where they always put it, and their rows name it."""
    ids = []
    with openai.OpenAI(base_url=guarded.openai_url, api_key=key, max_retries=0) as client:
        ids.append(client.chat.completions.create(model=FUNCTION, messages=MESSAGES).id)
        assert [model.id for model in client.models.list()][0] == FUNCTION
        stream = client.chat.completions.create(model=FUNCTION, messages=MESSAGES, stream=True)
        ids.append(list(stream)[0].id)
    with TensorZeroGateway.build_http(gateway_url=guarded.url, api_key=key) as own:
        answer: Any = own.inference(function_name="hello", input={"messages": MESSAGES})
        ids.append(str(answer.inference_id))
        feedback = own.feedback(metric_name="comment", value="good", inference_id=answer.inference_id)
    for extra in ({"api_key": key}, {"auth_token": key}):
        with anthropic.Anthropic(base_url=f"{guarded.url}/anthropic", max_retries=0, **extra) as claude:
            message = claude.messages.create(model="hello", max_tokens=50, messages=MESSAGES)
            assert message.content
    for inference_id in ids:
        (row,) = guarded.rows_of(inference_id)
        assert row["tags"][TAG] == public_id(key)
    (row,) = guarded.rows_of(str(feedback.feedback_id), "CommentFeedback")
    assert row["tags"] == {TAG: public_id(key)}
    wait_until(
        lambda: (
            guarded.rows(f"SELECT count() AS n FROM ChatInference WHERE tags['{TAG}'] != ''")[0]["n"] == 5
        ),
        "all five inferences to be stored",
    )


def test_clients_without_a_key(guarded: Gateway) -> None:
    """Published clients raise what they raise for a bad key, with the gateway's text."""
    with openai.OpenAI(base_url=guarded.openai_url, api_key="sk-unused", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError, match="Invalid format for TensorZero API key"):
            client.chat.completions.create(model=FUNCTION, messages=MESSAGES)
    with TensorZeroGateway.build_http(gateway_url=guarded.url) as own:
        with pytest.raises(TensorZeroError) as caught:
            own.inference(function_name="hello", input={"messages": MESSAGES})
        assert caught.value.status_code == 401
    with anthropic.Anthropic(base_url=f"{guarded.url}/anthropic", api_key="x", max_retries=0) as claude:
        with pytest.raises(anthropic.AuthenticationError):
            claude.messages.create(model="hello", max_tokens=50, messages=MESSAGES)


def test_what_is_open(guarded: Gateway, key: str) -> None:
    """Status and health answer anybody; metrics, internal and unknown routes do not."""
    for path in ("/status", "/health"):
        assert httpx.get(guarded.url + path).status_code == 200
    for path in ("/metrics", "/internal/object_storage", "/none"):
        refused = httpx.get(guarded.url + path)
        text = PREFIX + "Authorization header is required"
        assert (refused.status_code, refused.json()) == (401, {"error": text})
    bearer = {"authorization": f"Bearer {key}"}
    assert "tensorzero_requests_total" in httpx.get(guarded.url + "/metrics", headers=bearer).text
    assert httpx.get(guarded.url + "/none", headers=bearer).status_code == 404


@pytest.mark.parametrize("header", [b"Bearer \xff\xfe", b"Bearer", b"", b"Bearer " + b"x" * 100_000])
def test_odd_headers(guarded: Gateway, header: bytes) -> None:
    """Bytes that are no text, nothing, and far too much get a 401 too."""
    answer = httpx.get(guarded.url + "/metrics", headers=[(b"authorization", header)])
    assert answer.status_code == 401
    assert "TensorZero authentication error: " in answer.json()["error"]


def test_a_long_body_without_a_key(guarded: Gateway) -> None:
    """A client that sends megabytes first gets the answer as well."""
    answer = httpx.post(guarded.url + "/inference", content=b"x" * 5_000_000, timeout=30)
    assert answer.status_code == 401


def test_a_key_made_beside_the_gateway_and_disabled(guarded: Gateway) -> None:
    """A new key works at once; disabled, it works no longer than the ttl."""
    made = create(guarded)
    bearer = {"authorization": f"Bearer {made}"}
    assert httpx.get(guarded.url + "/metrics", headers=bearer).status_code == 200
    assert command(guarded, "--disable-api-key", public_id(made)).returncode == 0
    time.sleep(0.4)
    refused = httpx.get(guarded.url + "/metrics", headers=bearer)
    assert refused.status_code == 401
    assert refused.json()["error"].startswith(PREFIX + "API key was disabled at: 20")
    assert refused.json()["error"].endswith(" UTC")
    unknown = command(guarded, "--disable-api-key", "nosuchkey000")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "There is no API key with the public id `nosuchkey000`" in unknown.stderr


def test_a_key_that_expires(guarded: Gateway) -> None:
    """It works until its time, and then says when that was."""
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=8)
    made = create(guarded, "--expiration", moment.isoformat())
    bearer = {"authorization": f"Bearer {made}"}
    first = httpx.get(guarded.url + "/metrics", headers=bearer)
    if datetime.now(UTC) < moment:
        assert first.status_code == 200
    refused = wait_until(
        lambda: next(
            (
                answer
                for answer in [httpx.get(guarded.url + "/metrics", headers=bearer)]
                if answer.status_code == 401
            ),
            None,
        ),
        "the key to expire",
    )
    assert datetime.now(UTC) >= moment
    text = f"{PREFIX}API key expired at: {moment:%Y-%m-%d %H:%M:%S} UTC"
    assert refused.json() == {"error": text}


def test_keys_are_nowhere(guarded: Gateway, key: str) -> None:
    """The secret is in no log, no row and no file of the data directory."""
    secret = key.rpartition("-")[2]
    assert secret not in guarded.log
    store = StoreClient(guarded.store_url)
    tables = [row["name"] for row in store.query("SHOW TABLES")]
    assert {"ChatInference", "ModelInference", "TzproxyApiKey"} <= set(tables)
    for table in tables:
        assert secret.encode() not in store.query_bytes(f"SELECT * FROM `{table}`", fmt="RowBinary"), table
    store.close()
    listed = command(guarded, "keys", "list").stdout
    assert public_id(key) in listed
    assert secret not in listed
    for path in guarded.data_dir.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_a_store_that_dies(guarded: Gateway, key: str) -> None:
    """While the store is away nobody new gets in; when it is back, the key works again."""
    bearer = {"authorization": f"Bearer {key}"}
    assert httpx.get(guarded.url + "/metrics", headers=bearer).status_code == 200
    unknown = {"authorization": f"Bearer sk-t0-{'a' * 12}-{'b' * 48}"}
    os.kill(guarded.pid_of("store"), signal.SIGKILL)
    statuses = set()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert httpx.get(guarded.url + "/metrics", headers=unknown, timeout=30).status_code in (401, 503)
        statuses.add(httpx.get(guarded.url + "/metrics", headers=bearer, timeout=30).status_code)
        if 503 in statuses and 200 in statuses:
            break
        time.sleep(0.05)
    assert statuses <= {200, 503}
    wait_until(
        lambda: httpx.get(guarded.url + "/metrics", headers=bearer, timeout=30).status_code == 200,
        "the key to work again",
    )


def test_keys_where_nothing_is_recorded(tmp_path: Any) -> None:
    """With observability off the store is there for keys alone."""
    off = AUTH + "[gateway.observability]\nenabled = false\n"
    gateway = Gateway(tmp_path, extra_config=EXTRA_MODELS + off)
    with gateway:
        key = create(gateway)
        body = {"function_name": "hello", "input": {"messages": MESSAGES}}
        url = f"{gateway.url}/inference"
        assert httpx.post(url, json=body).status_code == 401
        answer = httpx.post(url, json=body, headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 200
        names = gateway.rows("SELECT name FROM system.tables WHERE database = 'tensorzero'")
        assert names == [{"name": "TzproxyApiKey"}]


def test_switched_on_while_it_runs(tmp_path: Any) -> None:
    """A reload that demands keys shuts an open gateway; one that no longer does opens it again."""
    with Gateway(tmp_path) as gateway:
        assert httpx.get(gateway.url + "/metrics").status_code == 200
        key = create(gateway)
        extra = gateway.folder / "config" / "tests.toml"
        before = extra.read_text()
        for text, status in ((before + AUTH, 401), (before, 200)):
            extra.write_text(text)
            gateway.signal(signal.SIGHUP)
            wait_until(
                lambda status=status: httpx.get(gateway.url + "/metrics").status_code == status,  # type: ignore[misc]
                f"the newer configuration to answer {status}",
            )
            bearer = {"authorization": f"Bearer {key}"}
            assert httpx.get(gateway.url + "/metrics", headers=bearer).status_code == 200
