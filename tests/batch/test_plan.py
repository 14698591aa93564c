"""Tests of `tzproxy.batch.plan`: what is refused, in which order, and what is settled."""

from __future__ import annotations

from typing import Any

import pytest

from batch.conftest import ask
from tzproxy._speedups.ids import new_uuid7, parse_uuid, uuid_version
from tzproxy.batch.plan import BatchPlanner
from tzproxy.errors import NotFoundError, RequestError, TzproxyError
from tzproxy.inference.catalog import ConfigCatalog

V4 = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
OLD = "01000000-0000-7000-8000-000000000000"


@pytest.fixture
def planner(catalog: ConfigCatalog) -> BatchPlanner:
    """A planner for the configuration."""
    return BatchPlanner(catalog)


async def test_a_plan(planner: BatchPlanner) -> None:
    """Ids are fresh and ordered, given episodes stay, and each inference has its parameters and tags."""
    episode = new_uuid7()
    params = {"chat_completion": {"max_tokens": [7, None, None]}}
    batch = ask(
        "a", "b", "c", episode_ids=[None, episode, None], tags=[{"k": "v"}], params=params, variant_name="v"
    )
    planned = await planner.plan(batch)
    assert planned.pinned is planned.function.variants["v"]
    ids = [one.inference_id for one in planned.inferences]
    assert ids == sorted(set(ids))
    assert len({one.episode_id for one in planned.inferences}) == 3
    assert planned.inferences[1].episode_id == episode
    assert all(uuid_version(parse_uuid(one.episode_id)) == 7 for one in planned.inferences)
    assert planned.inferences[0].params.max_tokens == 7
    pin = {"tensorzero::variant_pinned": "v"}
    assert [one.tags for one in planned.inferences] == [{"k": "v", **pin}, pin, pin]


async def test_the_clients_key_is_a_tag(planner: BatchPlanner) -> None:
    """Each inference tells whose key the client showed."""
    planned = await planner.plan(ask("a", "b"), "public")
    assert [one.tags for one in planned.inferences] == [{"tensorzero::api_key_public_id": "public"}] * 2


async def test_reserved_tags_are_not_checked(planner: BatchPlanner) -> None:
    """Unlike those of single inferences."""
    planned = await planner.plan(ask("a", tags=[{"tensorzero::x": "y"}]))
    assert planned.inferences[0].tags == {"tensorzero::x": "y"}


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"function_name": "g", "inputs": []}, NotFoundError, "Unknown function: g"),
        ({"inputs": [], "tool_choice": ["auto"]}, RequestError, "No inputs provided"),
        (
            {"tool_choice": [], "variant_name": "nope"},
            RequestError,
            "tool_choice vector length (0) does not match number of inferences (1)",
        ),
        (
            {"allowed_tools": [["x"]], "variant_name": "nope"},
            RequestError,
            "Tool not found: x",
        ),
        (
            {"function_name": "j", "tool_choice": ["auto"]},
            RequestError,
            "Cannot pass `tool_choice` to a JSON function",
        ),
        (
            {"function_name": "none", "inputs": [{"system": {}}]},
            TzproxyError,
            "Function `none` has no variants",
        ),
        (
            {"function_name": "tensorzero::default"},
            TzproxyError,
            "Function `tensorzero::default` has no variants",
        ),
        (
            {"inputs": [{}, {"system": {"a": 1}}], "variant_name": "nope"},
            RequestError,
            "Input at index 1 failed validation: System message has non-string content but there is no "
            "template `system` in any variant",
        ),
        ({"variant_name": "nope", "episode_ids": []}, NotFoundError, "Unknown variant: nope"),
        (
            {"episode_ids": [None, None], "params": {"chat_completion": {"seed": []}}},
            RequestError,
            "Number of episode_ids (2) does not match number of inputs (1)",
        ),
        (
            {"episode_ids": [V4], "params": {"chat_completion": {"seed": []}}},
            RequestError,
            "Input at index 0 failed validation: Invalid Episode ID: Version must be 7, got 4",
        ),
        (
            {"episode_ids": [OLD]},
            RequestError,
            "Input at index 0 failed validation: Invalid Episode ID: Timestamp is too early",
        ),
        (
            {"params": {"chat_completion": {"seed": []}}},
            RequestError,
            "seed vector length (0) does not match number of inferences (1)",
        ),
    ],
)
async def test_refusals(planner: BatchPlanner, fields: Any, kind: type[TzproxyError], text: str) -> None:
    """The first thing wrong decides, in the original's order."""
    with pytest.raises(kind) as caught:
        await planner.plan(ask("one", **fields))
    assert caught.value.message == text


@pytest.mark.parametrize("ahead_s", [3600, 10_000_000_000])
async def test_episodes_of_the_future(planner: BatchPlanner, ahead_s: int) -> None:
    """Episodes of workflow evaluation runs lie in the future, too: a batch cannot join them."""
    episode = new_uuid7(ahead_s)
    with pytest.raises(RequestError) as caught:
        await planner.plan(ask("one", episode_ids=[episode]))
    assert caught.value.message == (
        "Input at index 0 failed validation: Invalid Episode ID: Timestamp is in the future"
    )


async def test_an_episode_that_is_no_uuid(planner: BatchPlanner) -> None:
    """It is refused with its place."""
    with pytest.raises(RequestError, match=r"^episode_ids\[0\]: UUID parsing failed"):
        await planner.plan(ask("one", episode_ids=["x"]))


async def test_many_inputs(planner: BatchPlanner) -> None:
    """A large batch is planned in parts, in order."""
    planned = await planner.plan(ask(*map(str, range(100))))
    texts = [one.request.input.messages[0].content for one in planned.inferences]
    assert texts == [str(number) for number in range(100)]
