"""Tests of `tzproxy.http.app`: routes, methods, and what a client of no route gets."""

from __future__ import annotations

import pytest

from in_process import CHAT, MODEL, StartGateway, completion


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/inference", "POST"),
        ("HEAD", "/inference", "POST"),
        ("OPTIONS", "/inference", "POST"),
        ("DELETE", "/openai/v1/chat/completions", "POST"),
        ("POST", "/status", "GET,HEAD"),
        ("OPTIONS", "/health", "GET,HEAD"),
        ("PUT", "/metrics", "GET,HEAD"),
        ("GET", "/v1/datasets/d/datapoints", "DELETE,PATCH,POST"),
    ],
)
async def test_other_methods_of_a_route(start: StartGateway, method: str, path: str, allow: str) -> None:
    """A path that exists says which methods it has: 405 without a body."""
    gateway = await start()
    reply = await gateway.get(path, method)
    assert (reply.status, reply.headers["allow"], reply.body) == (405, allow, b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", ""),
        ("POST", "/inference/"),
        ("POST", "/Inference"),
        ("GET", "/openai/v1/zz"),
        ("POST", "/v1/datasets//datapoints"),
        ("GET", "/etc/passwd"),
    ],
)
async def test_paths_that_do_not_exist(start: StartGateway, method: str, path: str) -> None:
    """An unknown path is told with its method, in the native shape."""
    gateway = await start()
    reply = await gateway.get(path, method)
    assert (reply.status, reply.json()) == (404, {"error": f"Route not found: {method} {path}"})
    assert reply.headers["content-type"] == "application/json"


async def test_get_routes_answer_head(start: StartGateway) -> None:
    """The server leaves the body of an answer to HEAD out; the route does not know the difference."""
    gateway = await start()
    reply = await gateway.get("/status", "HEAD")
    assert reply.status == 200


async def test_every_answer_has_the_version_and_no_cors_headers(start: StartGateway) -> None:
    """Whatever was asked, the API's version is told, and no other origin is invited."""
    gateway = await start(MODEL + CHAT, [completion()])
    origin = {"origin": "http://elsewhere", "access-control-request-method": "POST"}
    replies = [
        await gateway.infer(),
        await gateway.infer(function_name="zz"),
        await gateway.post("/inference", b"{", origin),
        await gateway.get("/zz"),
        await gateway.get("/status"),
        await gateway.get("/metrics"),
        await gateway.begin("OPTIONS", "/inference", headers=origin).finish(),
    ]
    assert [reply.status for reply in replies] == [200, 404, 400, 404, 200, 200, 405]
    for reply in replies:
        assert reply.headers["x-tensorzero-gateway-version"] == "2026.6.0"
        assert not any(name.startswith("access-control") for name in reply.headers)


async def test_keys_of_openai_clients_are_ignored(start: StartGateway) -> None:
    """An authorization header means nothing to a gateway without authentication, nor to the provider."""
    gateway = await start(MODEL + CHAT, [completion()])
    body = {"model": "tensorzero::function_name::f", "messages": [{"role": "user", "content": "H"}]}
    reply = await gateway.post("/openai/v1/chat/completions", body, {"authorization": "Bearer sk-client"})
    assert reply.status == 200
    assert b"sk-client" not in gateway.network.requests[0]


async def test_any_content_type_will_do(start: StartGateway) -> None:
    """The type of a body is not looked at."""
    gateway = await start(MODEL + CHAT, [completion()])
    body = {"function_name": "f", "input": {"messages": [{"role": "user", "content": "H"}]}}
    reply = await gateway.post("/inference", body, {"content-type": "text/plain"})
    assert reply.status == 200


@pytest.mark.parametrize("base", ["/llm", "/llm/", "/a/b"])
async def test_a_base_path_moves_everything(start: StartGateway, base: str) -> None:
    """Under a base path every route is there and nowhere else; OpenAI errors keep their shape."""
    gateway = await start(f'[gateway]\nbase_path = "{base}"\n' + MODEL + CHAT, [completion()])
    prefix = base.rstrip("/")
    body = {"function_name": "f", "input": {"messages": [{"role": "user", "content": "H"}]}}
    assert (await gateway.post(f"{prefix}/inference", body)).status == 200
    assert (await gateway.get(f"{prefix}/status")).status == 200
    assert (await gateway.get("/status")).status == 404
    assert (await gateway.post("/inference", body)).status == 404
    reply = await gateway.post(f"{prefix}/openai/v1/chat/completions", b"{")
    assert list(reply.json()["error"]) == ["message"]
