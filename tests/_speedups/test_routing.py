"""Tests of `tzproxy._speedups.routing`, by example and against a few-line reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy._speedups.routing import Router


@pytest.fixture
def router() -> Router[str]:
    """A router with fixed and parametrized routes."""
    router: Router[str] = Router()
    for method, path in (
        ("POST", "/inference"),
        ("GET", "/status"),
        ("DELETE", "/status"),
        ("GET", "/batch/{batch_id}"),
        ("GET", "/batch/{batch_id}/inference/{inference_id}"),
        ("POST", "/sets/{name}/points"),
        ("PATCH", "/sets/{name}/points"),
        ("POST", "/sets/all/points"),
    ):
        router.add(method, path, f"{method} {path}")
    return router


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/inference", ("POST /inference", None, None)),
        ("GET", "/inference", (None, None, ["POST"])),
        ("HEAD", "/inference", (None, None, ["POST"])),
        ("OPTIONS", "/inference", (None, None, ["POST"])),
        ("HEAD", "/status", ("GET /status", None, None)),
        ("POST", "/status", (None, None, ["DELETE", "GET", "HEAD"])),
        ("GET", "/batch/7", ("GET /batch/{batch_id}", {"batch_id": "7"}, None)),
        ("HEAD", "/batch/7", ("GET /batch/{batch_id}", {"batch_id": "7"}, None)),
        (
            "GET",
            "/batch/7/inference/8",
            (
                "GET /batch/{batch_id}/inference/{inference_id}",
                {"batch_id": "7", "inference_id": "8"},
                None,
            ),
        ),
        ("POST", "/batch/7", (None, None, ["GET", "HEAD"])),
        ("PATCH", "/sets/a/points", ("PATCH /sets/{name}/points", {"name": "a"}, None)),
        ("POST", "/sets/all/points", ("POST /sets/all/points", None, None)),
        ("GET", "/", (None, None, None)),
        ("GET", "", (None, None, None)),
        ("GET", "/batch/", (None, None, None)),
        ("GET", "/batch/7/", (None, None, None)),
        ("POST", "/inference/", (None, None, None)),
        ("POST", "//inference", (None, None, None)),
        ("POST", "/INFERENCE", (None, None, None)),
        ("GET", "/batch/{batch_id}", ("GET /batch/{batch_id}", {"batch_id": "{batch_id}"}, None)),
    ],
)
def test_matches(router: Router[str], method: str, path: str, expected: object) -> None:
    """A path finds its handler and parameters, else the methods it allows, else nothing."""
    assert router.match(method, path) == expected


@pytest.mark.parametrize("base", ["/llm", "/llm/", "/llm//"])
def test_base_path_moves_every_route(base: str) -> None:
    """Under a base path the bare paths do not exist; trailing slashes of the base do not count."""
    router: Router[str] = Router(base)
    router.add("GET", "/status", "s")
    router.add("GET", "/batch/{id}", "b")
    assert router.match("GET", "/llm/status") == ("s", None, None)
    assert router.match("GET", "/llm/batch/1") == ("b", {"id": "1"}, None)
    assert router.match("GET", "/status") == (None, None, None)
    assert router.match("GET", "/batch/1") == (None, None, None)


def test_a_route_for_head_is_named_once() -> None:
    """A route that answers HEAD itself, beside one for GET, is no second HEAD among the allowed methods."""
    router: Router[str] = Router()
    router.add("GET", "/a", "g")
    router.add("HEAD", "/a", "h")
    assert router.match("HEAD", "/a") == ("h", None, None)
    assert router.match("POST", "/a") == (None, None, ["GET", "HEAD"])


SEGMENTS = st.sampled_from(["a", "b", "{x}", "{y}"])
PATTERNS = st.lists(SEGMENTS, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
METHODS = st.sampled_from(["GET", "POST", "HEAD", "PATCH"])
PATHS = st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


def reference(routes: dict[tuple[str, str], int], method: str, path: str) -> object:
    """Look for a fixed path first, then for the first pattern that fits."""
    parts = path.split("/")

    def bound(pattern: str) -> dict[str, str] | None:
        pieces = pattern.split("/")
        fits = len(pieces) == len(parts) and all(
            part != "" if piece.startswith("{") else piece == part
            for piece, part in zip(pieces, parts, strict=True)
        )
        names = [(piece[1:-1], part) for piece, part in zip(pieces, parts, strict=False)]
        return {n: p for (n, p), piece in zip(names, pieces, strict=False) if "{" in piece} if fits else None

    patterns = list(dict.fromkeys(pattern for _, pattern in routes))
    for pattern in sorted(patterns, key=lambda pattern: "{" in pattern):
        found = bound(pattern)
        if found is None:
            continue
        methods = {m: handler for (m, p), handler in routes.items() if p == pattern}
        parameters = found if "{" in pattern else None
        if method in methods:
            return methods[method], parameters, None
        if method == "HEAD" and "GET" in methods:
            return methods["GET"], parameters, None
        allowed = sorted(set(methods) | ({"HEAD"} if "GET" in methods else set()))
        return None, None, allowed
    return None, None, None


@given(st.lists(st.tuples(METHODS, PATTERNS), max_size=8), METHODS, PATHS)
def test_agrees_with_the_reference(added: list[tuple[str, str]], method: str, path: str) -> None:
    """Whatever routes there are, fixed ones win over patterns and earlier patterns over later ones."""
    router: Router[int] = Router()
    routes: dict[tuple[str, str], int] = {}
    for number, route in enumerate(added):
        router.add(*route, number)
        routes[route] = number
    handler, parameters, allowed = router.match(method, path)
    assert (handler, parameters, None if allowed is None else sorted(allowed)) == reference(
        routes, method, path
    )
