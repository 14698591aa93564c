"""Tests of `tzproxy.http.variant_sampling`: how likely each variant is."""

from __future__ import annotations

import pytest

from in_process import MODEL, StartGateway

VARIANTS = "".join(
    f'[functions.f.variants.{name}]\ntype = "chat_completion"\nmodel = "m"\n' for name in ("c", "b", "a")
)
FUNCTION = MODEL + '[functions.f]\ntype = "chat"\n' + VARIANTS
EXPERIMENT = "[functions.f.experimentation]\n"
METRIC = '[metrics.q]\ntype = "float"\noptimize = "max"\nlevel = "inference"\n'
PATH = "/internal/functions/{}/variant_sampling_probabilities"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}),
        (
            EXPERIMENT + 'type = "static"\ncandidate_variants = { a = 3, b = 1 }\n',
            {"a": 0.75, "b": 0.25, "c": 0.0},
        ),
        (
            EXPERIMENT + 'type = "static"\ncandidate_variants = { a = 0 }\nfallback_variants = ["c", "b"]\n',
            {"a": 0.0, "b": 0.0, "c": 1.0},
        ),
        (
            EXPERIMENT
            + 'type = "adaptive"\nmetric = "q"\ncandidate_variants = ["a"]\nfallback_variants = ["c"]\n'
            + METRIC,
            {"a": 0.5, "b": 0.0, "c": 0.5},
        ),
        (
            EXPERIMENT
            + 'type = "static"\ncandidate_variants = ["a"]\n'
            + '[functions.f.experimentation.namespaces.n]\ntype = "static"\ncandidate_variants = ["b"]\n',
            {"a": 1.0, "b": 0.0, "c": 0.0},
        ),
    ],
    ids=["uniform", "weights", "fallback", "adaptive", "namespaces do not count"],
)
async def test_probabilities(start: StartGateway, lines: str, expected: dict[str, float]) -> None:
    """Every variant of the function is there; those that are not drawn have 0."""
    gateway = await start(FUNCTION + lines)
    reply = await gateway.get(PATH.format("f"))
    assert reply.status == 200
    assert reply.json() == {"probabilities": pytest.approx(expected)}


async def test_the_default_function_has_none(start: StartGateway) -> None:
    """Its variants are the models that requests name."""
    gateway = await start(FUNCTION)
    reply = await gateway.get(PATH.format("tensorzero::default"))
    assert (reply.status, reply.json()) == (200, {"probabilities": {}})


async def test_an_unknown_function(start: StartGateway) -> None:
    """It is a 404 that names it."""
    gateway = await start(FUNCTION)
    reply = await gateway.get(PATH.format("zz"))
    assert (reply.status, reply.error) == (404, "Unknown function: zz")
