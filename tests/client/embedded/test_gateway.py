"""Tests of `tzproxy.client.embedded.gateway`: starting, ending, and what it refuses."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from client.embedded.conftest import TOML, Start
from client.scripted_server import INPUT
from tzproxy import AsyncTensorZeroGateway, TensorZeroError, TensorZeroGateway, TensorZeroInternalError
from tzproxy.client.embedded.gateway import EmbeddedGateway
from tzproxy.services.services import Services

SLOW = TOML.replace("dummy::good", "dummy::slow_second_chunk")


def test_answers_streams_and_refusals(start: Start) -> None:
    """An embedded gateway answers as a server does."""
    client = start()
    answer: Any = client.inference(function_name="f", input=INPUT)
    assert answer.content[0].text.startswith("Megumin")
    pieces: Any = client.inference(function_name="f", input=INPUT, stream=True)
    assert len(list(pieces)) > 10
    parsed: Any = client.inference(function_name="j", input=INPUT)
    assert parsed.output.parsed == {"answer": "Hello"}
    for stream in (False, True):
        with pytest.raises(TensorZeroError) as refused:
            client.inference(function_name="nobody", input=INPUT, stream=stream)
        assert (refused.value.status_code, refused.value.text) == (
            404,
            '{"error":"Unknown function: nobody"}',
        )
    assert client.experimental_get_config().functions["f"].variants["v"].model == "dummy::good"  # type: ignore[union-attr]


def test_what_is_not_built_is_named(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever starts a gateway within a program learns what its configuration asks for in vain."""
    start(TOML + '[gateway.relay]\ngateway_url = "http://relay.test"\n')
    assert any(
        "not supported by this version" in text and "gateway.relay" in text for text in caplog.messages
    )


@pytest.mark.parametrize(
    ("toml", "reason"),
    [("[functions.f]\ntype = 'chat'\nvariants = 5", "functions.f.variants"), ("x = ", "tensorzero.toml")],
)
def test_a_wrong_configuration(start: Start, toml: str, reason: str) -> None:
    """The error names what is wrong, and nothing is left running."""
    with pytest.raises(TensorZeroInternalError, match="Failed to construct TensorZero client") as wrong:
        start(toml)
    assert reason in wrong.value.msg


def test_a_store_that_does_not_answer(tmp_path: Path) -> None:
    """The error says so, without the password."""
    (tmp_path / "c.toml").write_text(TOML.replace("observability.enabled = false", ""))
    with pytest.raises(TensorZeroInternalError, match="ClickHouse is not healthy") as wrong:
        TensorZeroGateway.build_embedded(
            config_file="c.toml", clickhouse_url="http://user:password@127.0.0.1:1/db"
        )
    assert "password" not in wrong.value.msg


@pytest.mark.parametrize("demand", ["", "observability.enabled = true"])
def test_no_place_for_a_data_directory(tmp_path: Path, caplog: pytest.LogCaptureFixture, demand: str) -> None:
    """As without a store in the published client: the program goes on, and is told; unless it demands one."""
    config, occupied = tmp_path / "c.toml", tmp_path / "occupied"
    config.write_text(TOML.replace("observability.enabled = false", demand))
    occupied.write_text("a file")

    def build() -> TensorZeroGateway:
        return TensorZeroGateway.build_embedded(config_file=str(config), data_dir=occupied / "data")

    if demand:
        with pytest.raises(TensorZeroInternalError, match="Not a directory"):
            build()
        return
    with build() as client:
        client.inference(function_name="f", input=INPUT)
    assert any("nothing is recorded" in text for text in caplog.messages)


def test_what_fails_to_open_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that survives a failed start keeps nothing open of it."""
    closed: list[Services] = []
    close = Services.close

    async def noting(services: Services) -> None:
        await close(services)
        closed.append(services)

    monkeypatch.setattr(Services, "close", noting)
    monkeypatch.setattr("tzproxy.client.embedded.gateway.check_limits", lambda loaded, data_dir: None)
    (tmp_path / "rate-limits.table").write_text("somebody's letter")
    rule = "[[rate_limiting.rules]]\nmodel_inferences_per_second = 1\nalways = true\n"
    (tmp_path / "c.toml").write_text(f"{TOML}\n{rule}")
    with pytest.raises(TensorZeroInternalError, match="is no table of rate limits"):
        TensorZeroGateway.build_embedded(config_file=str(tmp_path / "c.toml"), data_dir=tmp_path)
    assert len(closed) == 1


@pytest.mark.parametrize("by_argument", [False, True])
async def test_a_valkey_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_argument: bool
) -> None:
    """A program whose rate limits cannot be counted does not start, as a server does not."""
    url = "redis://:pa55word@127.0.0.1:1"
    if not by_argument:
        monkeypatch.setenv("TENSORZERO_VALKEY_URL", url)
    given = url if by_argument else None
    rule = "[[rate_limiting.rules]]\nmodel_inferences_per_second = 1\nalways = true\n"
    (tmp_path / "c.toml").write_text(f"{TOML}\n{rule}")
    with pytest.raises(TensorZeroInternalError, match="Failed to connect to Valkey") as wrong:
        TensorZeroGateway.build_embedded(config_file="c.toml", valkey_url=given, data_dir=tmp_path)
    assert "pa55word" not in wrong.value.msg
    with pytest.raises(TensorZeroInternalError, match="Failed to connect to Valkey"):
        await AsyncTensorZeroGateway.build_embedded(config_file="c.toml", valkey_url=given, data_dir=tmp_path)


def test_nothing_works_after_the_end(start: Start) -> None:
    """Calls of a closed client are refused, streams that were being read too; closing again is nothing."""
    client = start(SLOW)
    stream: Any = client.inference(function_name="f", input=INPUT, stream=True)
    next(stream)
    client.close()
    client.close()
    for call in (lambda: next(stream), lambda: client.inference(function_name="f", input=INPUT)):
        with pytest.raises(TensorZeroInternalError, match="closed"):
            call()
    stream.close()


def test_closing_while_others_wait(start: Start) -> None:
    """A thread that waits for an answer, or for the next piece, gets an error instead of waiting on."""
    client = start(SLOW.replace('"dummy::json"', '"dummy::slow"'))
    stream: Any = client.inference(function_name="f", input=INPUT, stream=True)
    next(stream)
    said: list[str] = []

    def wait(call: Any) -> None:
        try:
            call()
        except TensorZeroInternalError as exc:
            said.append(exc.msg)

    calls = [lambda: next(stream), lambda: client.inference(function_name="j", input=INPUT)]
    threads = [threading.Thread(target=wait, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    gateway: EmbeddedGateway = client._transport.carrier.gateway
    while len(gateway._tasks) < 2:
        threading.Event().wait(0.005)
    client.close()
    for thread in threads:
        thread.join(20.0)
    assert said == ["The embedded gateway is closed."] * 2


def test_a_client_that_is_forgotten(start: Start) -> None:
    """A gateway ends with the last client that uses it."""
    client = TensorZeroGateway.build_embedded(config_file="tensorzero.toml")
    client.inference(function_name="f", input=INPUT)
    gateway: EmbeddedGateway = client._transport.carrier.gateway
    ending = gateway._finalizer
    alive = weakref.ref(gateway)
    del client, gateway
    gc.collect()
    assert alive() is None
    assert not ending.alive


def test_a_client_that_is_collected_by_the_engine(start: Start) -> None:
    """The collector may run on the engine's own thread: the gateway ends all the same."""
    clients = [TensorZeroGateway.build_embedded(config_file="tensorzero.toml")]
    gateway: EmbeddedGateway = clients[0]._transport.carrier.gateway
    loop, services = gateway.loop, gateway._services
    ended = threading.Event()
    services._ending.callback(ended.set)
    del gateway
    loop.call(clients.clear)
    assert ended.wait(10.0)


def test_a_client_after_a_fork(start: Start) -> None:
    """The child is told to build its own, which works; the parent's goes on."""
    client = start()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            client.inference(function_name="f", input=INPUT)
        except TensorZeroInternalError as exc:
            status = 0 if "fork" in exc.msg else 2
        if status == 0:
            own = TensorZeroGateway.build_embedded(config_file="tensorzero.toml")
            own.inference(function_name="f", input=INPUT)
            own.close()
            client.close()
        os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    client.inference(function_name="f", input=INPUT)


async def test_a_client_for_event_loops() -> None:
    """It is awaited, and answers in the caller's loop; leaving the block ends the gateway."""
    async with await AsyncTensorZeroGateway.build_embedded(config_file="tensorzero.toml") as client:
        answer: Any = await client.inference(function_name="f", input=INPUT)
        pieces: Any = await client.inference(function_name="f", input=INPUT, stream=True)
        text = "".join([block.text async for piece in pieces for block in piece.content])
        assert text
        assert answer.variant_name == "v"
    with pytest.raises(TensorZeroInternalError, match="closed"):
        await client.inference(function_name="f", input=INPUT)
    at_once = AsyncTensorZeroGateway.build_embedded(config_file="tensorzero.toml", async_setup=False)
    await at_once.close()


def test_the_environments_store_is_not_used(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the published client: where rows go is what the program says."""
    monkeypatch.setenv("TENSORZERO_CLICKHOUSE_URL", "http://127.0.0.1:1/db")
    start().inference(function_name="f", input=INPUT)
