"""Tests of `tzproxy.inference.errors`: texts and statuses of failures of many attempts."""

from __future__ import annotations

import pytest

from in_process import CHAT, TWO_PROVIDERS, StartGateway
from tzproxy.errors import RateLimitError, TzproxyError
from tzproxy.inference.errors import (
    AllProvidersFailedError,
    AllRetriesFailedError,
    AllVariantsFailedError,
    DeadlineError,
    duration_text,
    is_rate_limited,
    iter_provider_errors,
)
from tzproxy.providers.errors import ProviderError
from tzproxy.upstream.fake import answer

LIMITED = RateLimitError("limit")
BROKEN = ProviderError("broken")
REFUSED = ProviderError("refused", status=401)


def test_texts_list_every_failure_in_order() -> None:
    """Providers are joined by commas, variants by lines, each named."""
    providers = AllProvidersFailedError([("p", BROKEN), ("q", REFUSED)])
    assert providers.message == "All model providers failed to infer with errors: p: broken, q: refused"
    variants = AllVariantsFailedError([("v", providers), ("w", BROKEN)])
    assert variants.message == f"All variants failed with errors: v: {providers.message}\nw: broken"


def test_a_providers_status_never_becomes_the_gateways() -> None:
    """Failed providers are a 500, failed variants a 502, whatever the providers said."""
    providers = AllProvidersFailedError([("p", REFUSED)])
    assert providers.status == 500
    assert AllVariantsFailedError([("v", providers)]).status == 502
    assert AllVariantsFailedError([("v", DeadlineError("late"))]).status == 502
    assert AllRetriesFailedError([REFUSED, providers]).status == 500


def test_the_gateways_own_limit_shows_through_when_it_came_last() -> None:
    """A rate limit as the last failure, however deep, is a 429; as an earlier one it is not."""
    deep = AllVariantsFailedError(
        [("v", AllRetriesFailedError([BROKEN, AllProvidersFailedError([("p", LIMITED)])]))]
    )
    assert deep.status == 429
    assert is_rate_limited(deep)
    earlier = AllVariantsFailedError([("v", LIMITED), ("w", BROKEN)])
    assert earlier.status == 502
    assert not is_rate_limited(earlier)


def test_a_providers_429_is_not_the_gateways() -> None:
    """A provider that limits its callers is a provider that failed."""
    assert AllProvidersFailedError([("p", ProviderError("slow down", status=429))]).status == 500


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (1, "1ms"),
        (300, "300ms"),
        (999, "999ms"),
        (1000, "1s"),
        (1500, "1.5s"),
        (60000, "60s"),
        (1001, "1.001s"),
    ],
)
def test_durations_are_written_shortly(milliseconds: int, text: str) -> None:
    """Below a second in milliseconds, then in seconds without needless zeros."""
    assert duration_text(milliseconds) == text


def test_the_failed_attempts_underneath_are_found_in_order() -> None:
    """Provider failures are collected through all wrappers, other failures are skipped."""
    tree = AllVariantsFailedError(
        [
            ("v", AllRetriesFailedError([AllProvidersFailedError([("p", BROKEN), ("q", LIMITED)]), REFUSED])),
            ("w", TzproxyError("template")),
        ]
    )
    assert list(iter_provider_errors(tree)) == [BROKEN, REFUSED]
    assert list(iter_provider_errors(BROKEN)) == [BROKEN]
    assert list(iter_provider_errors(LIMITED)) == []


THREE_LAYERS = (
    TWO_PROVIDERS
    + CHAT
    + "retries = { num_retries = 1, max_delay_s = 1 }\n"
    + '[functions.f.variants.w]\ntype = "chat_completion"\nmodel = "dummy::error"\n'
    + '[functions.f.experimentation]\ntype = "static"\ncandidate_variants = ["v"]\n'
    + 'fallback_variants = ["w"]\n'
)


async def test_all_layers_at_once(start: StartGateway) -> None:
    """Providers, retries and variants each wrap what is below, in the order in which it happened."""
    gateway = await start(
        THREE_LAYERS,
        [answer(b"a1", status=401), answer(b"a2", status=500)],
        [answer(b"b1", status=503), answer(b"b2", status=404)],
    )
    reply = await gateway.infer()
    assert reply.status == 502
    assert reply.error == (
        "All variants failed with errors: v: All retries failed with errors: "
        "All model providers failed to infer with errors: p: Error 401 Unauthorized from openai client: a1, "
        "q: Error from openai server: b1, "
        "All model providers failed to infer with errors: p: Error from openai server: a2, "
        "q: Error from openai server: b2\n"
        "w: All model providers failed to infer with errors: dummy: "
        "Error from dummy client: Error sending request to Dummy provider for model 'error'."
    )
    assert gateway.sink.rows == []


async def test_a_pinned_variant_fails_with_its_own_error(start: StartGateway) -> None:
    """Pinning takes the outer wrapper off and the status with it."""
    gateway = await start(THREE_LAYERS, [answer(b"a", status=400)] * 2, [answer(b"b", status=429)] * 2)
    reply = await gateway.infer(variant_name="w")
    assert reply.status == 500
    assert reply.error == (
        "All model providers failed to infer with errors: dummy: "
        "Error from dummy client: Error sending request to Dummy provider for model 'error'."
    )
