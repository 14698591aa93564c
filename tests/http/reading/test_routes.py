"""Tests of `tzproxy.http.reading.routes`: parameters, and a gateway on a real store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from clickhouse.rows import chat_inference, float_feedback, lines, model_inference
from in_process import CHAT, MODEL, RunningGateway, StartGateway
from reading_gateway import ask, gateway_on
from tzproxy._speedups.ids import format_uuid, new_uuid7
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate

METRICS = """
[metrics.score]
type = "float"
optimize = "max"
level = "inference"
"""
START_MS = 1_767_225_600_000


def id_at(ms: int, number: int) -> str:
    """Make an id of that time after the start."""
    return format_uuid((START_MS + ms).to_bytes(6, "big") + b"\x70\x00\x80" + number.to_bytes(7, "big"))


A, B, C = (id_at(second * 1000, second) for second in range(3))
EPISODE, OTHER = id_at(0, 100), id_at(1, 101)
CALL = id_at(5, 9)
RATING, LATER, COMMENT, SHOWN = (id_at(10_000 + age, age) for age in range(4))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """A store with three inferences in two episodes, and feedback about the first."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    with EmbeddedStore(tmp_path_factory.mktemp("store"), nice=0) as running:
        client = StoreClient(running.url)
        migrate(client)
        shared = {"function_name": "f", "variant_name": "v", "snapshot_hash": "255", "tags": {}}
        chat = [
            chat_inference(**{**shared, "id": A, "episode_id": EPISODE, "tags": {"k": "x"}}),
            chat_inference(**{**shared, "id": B, "episode_id": EPISODE, "variant_name": "w"}),
        ]
        client.insert_json("ChatInference", lines(*chat))
        answer = chat_inference(
            id=C,
            episode_id=OTHER,
            function_name="j",
            output={"raw": "1", "parsed": 1},
            output_schema={},
            auxiliary_content=[],
        )
        client.insert_json("JsonInference", lines(answer))
        client.insert_json(
            "ModelInference",
            lines(
                model_inference(
                    id=CALL, inference_id=A, input_messages="[]", output_tokens=None, output='[{"a":1}]'
                )
            ),
        )
        client.insert_json(
            "FloatMetricFeedback",
            lines(float_feedback(A, id=RATING, value=0.1), float_feedback(A, id=LATER, value=0.9)),
        )
        comment = {"id": COMMENT, "target_id": A, "target_type": "inference", "value": "good", "tags": {}}
        client.insert_json("CommentFeedback", lines(comment))
        shown = {"id": SHOWN, "inference_id": A, "value": '[{"type":"text","text":"x"}]', "tags": {}}
        client.insert_json("DemonstrationFeedback", lines(shown))
        client.close()
        yield running


@pytest.fixture
async def gateway(store: EmbeddedStore, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway on that store."""
    made = gateway_on(store.url, tmp_path, MODEL + CHAT + METRICS)
    yield made
    await made.close()


async def test_inference_metadata(gateway: RunningGateway) -> None:
    """Inferences are listed by pages, newest first, narrowed down by names."""

    async def ids(query: str) -> list[str]:
        return [
            row["id"]
            for row in (await ask(gateway, f"/internal/inference_metadata{query}"))["inference_metadata"]
        ]

    page = (await ask(gateway, "/internal/inference_metadata?limit=3"))["inference_metadata"]
    assert page[2] == {
        "id": A,
        "function_name": "f",
        "variant_name": "v",
        "episode_id": EPISODE,
        "function_type": "chat",
        "snapshot_hash": "ff",
    }
    assert (page[0]["function_type"], "snapshot_hash" in page[0]) == ("json", False)
    assert await ids("") == [C, B, A]
    assert await ids("?limit=1") == [C]
    assert await ids(f"?before={C}&limit=1") == [B]
    assert await ids(f"?after={A}&limit=1") == [B]
    assert await ids("?function_name=f&variant_name=w") == [B]
    assert await ids(f"?episode_id={EPISODE}") == [B, A]


async def test_model_inferences(gateway: RunningGateway) -> None:
    """A model call is given as stored, its JSON as JSON, without what is not known."""
    (call,) = (await ask(gateway, f"/internal/model_inferences/{A}"))["model_inferences"]
    assert call == {
        "id": CALL,
        "inference_id": A,
        "raw_request": "{}",
        "raw_response": "{}",
        "model_name": "openai::gpt-4o-mini",
        "model_provider_name": "openai",
        "input_tokens": 10,
        "response_time_ms": 700,
        "timestamp": "2026-01-01T00:00:00Z",
        "input_messages": [],
        "output": [{"a": 1}],
        "cached": False,
        "cost": 0.000125,
    }
    assert await ask(gateway, f"/internal/model_inferences/{B}") == {"model_inferences": []}


async def test_feedback(gateway: RunningGateway) -> None:
    """All kinds of feedback about a target come in one order, and can be counted and bounded."""
    path = f"/internal/feedback/{A}"
    rows = (await ask(gateway, path))["feedback"]
    shared = {"tags": {}, "timestamp": "2026-01-01T00:00:10Z"}
    score = {"type": "float", "target_id": A, "metric_name": "score", **shared, "tags": {"who": "me"}}
    assert rows == [
        {
            "type": "demonstration",
            "id": SHOWN,
            "inference_id": A,
            "value": '[{"type":"text","text":"x"}]',
            **shared,
        },
        {
            "type": "comment",
            "id": COMMENT,
            "target_id": A,
            "target_type": "inference",
            "value": "good",
            **shared,
        },
        {**score, "id": LATER, "value": 0.9},
        {**score, "id": RATING, "value": 0.1},
    ]
    assert (await ask(gateway, f"{path}?limit=1&before={LATER}"))["feedback"] == rows[3:]
    assert (await ask(gateway, f"{path}?limit=1&after={RATING}"))["feedback"] == [rows[2]]
    assert (await ask(gateway, f"{path}/demonstrations"))["feedback"] == rows[:1]
    assert await ask(gateway, f"{path}/count") == {"count": 4}
    assert await ask(gateway, f"{path}/latest_id_by_metric") == {"feedback_id_by_metric": {"score": LATER}}
    assert await ask(gateway, f"{path}/bounds") == {
        "first_id": RATING,
        "last_id": SHOWN,
        "by_type": {
            "boolean": {},
            "float": {"first_id": RATING, "last_id": LATER},
            "comment": {"first_id": COMMENT, "last_id": COMMENT},
            "demonstration": {"first_id": SHOWN, "last_id": SHOWN},
        },
    }
    nobody = f"/internal/feedback/{new_uuid7()}"
    assert await ask(gateway, nobody) == {"feedback": []}
    assert (await ask(gateway, f"{nobody}/count"), await ask(gateway, f"{nobody}/latest_id_by_metric")) == (
        {"count": 0},
        {"feedback_id_by_metric": {}},
    )
    nothing = dict.fromkeys(("boolean", "float", "comment", "demonstration"), {})
    assert await ask(gateway, f"{nobody}/bounds") == {"by_type": nothing}


async def test_episodes(gateway: RunningGateway) -> None:
    """Episodes are listed by pages with what they hold; any inference that fits lets one in."""
    path = "/internal/episodes"
    first = {
        "episode_id": EPISODE,
        "count": 2,
        "start_time": "2026-01-01T00:00:00Z",
        "end_time": "2026-01-01T00:00:01Z",
        "last_inference_id": B,
    }

    async def ids(query: str, body: object = None) -> list[str]:
        return [row["episode_id"] for row in (await ask(gateway, path + query, body))["episodes"]]

    assert (await ask(gateway, f"{path}?limit=5"))["episodes"][1] == first
    assert await ids("?limit=5") == [OTHER, EPISODE]
    assert await ids("?limit=1") == [OTHER]
    assert await ids(f"?limit=1&before={OTHER}") == [EPISODE]
    assert await ids(f"?limit=1&after={EPISODE}") == [OTHER]
    assert await ids("?limit=5&function_name=f") == [EPISODE]
    tag = {"type": "tag", "key": "k", "value": "x", "comparison_operator": "="}
    low = {"type": "float_metric", "metric_name": "score", "value": 0.5, "comparison_operator": "<"}
    assert await ids("", {"limit": 5, "filters": tag}) == [EPISODE]
    assert await ids("", {"limit": 5, "filters": low}) == []
    assert await ids("", {"limit": 5, "filters": {"type": "not", "child": tag}, "function_name": "f"}) == [
        EPISODE
    ]
    assert await ask(gateway, f"{path}/bounds") == {"first_id": EPISODE, "last_id": OTHER, "count": 2}
    assert await ask(gateway, f"{path}/{EPISODE}/inference_count") == {"inference_count": 2}
    assert await ask(gateway, f"{path}/{A}/inference_count") == {"inference_count": 0}


async def test_what_an_id_is(gateway: RunningGateway) -> None:
    """An id is told what it names, with where to find it."""

    async def types(id: str) -> Any:
        answer = await ask(gateway, f"/internal/resolve_uuid/{id}")
        assert answer["id"] == id
        return answer["object_types"]

    names = {"function_name": "f", "function_type": "chat", "variant_name": "v", "episode_id": EPISODE}
    assert await types(A) == [{"type": "inference", **names}]
    model = {"model_name": "openai::gpt-4o-mini", "model_provider_name": "openai"}
    assert await types(CALL) == [{"type": "model_inference", "inference_id": A, **model}]
    assert await types(EPISODE) == [{"type": "episode"}]
    assert await types(RATING) == [{"type": "float_feedback"}]
    assert await types(COMMENT) == [{"type": "comment_feedback"}]
    assert await types(SHOWN) == [{"type": "demonstration_feedback"}]
    assert await types(new_uuid7()) == []


async def test_lists_and_counts(gateway: RunningGateway) -> None:
    """The lists of the public routes come from the store, whole or in pieces."""
    reply = await ask(gateway, "/v1/inferences/list_inferences", {"function_name": "f"})
    assert [row["inference_id"] for row in reply["inferences"]] == [B, A]
    reply = await ask(gateway, "/v1/inferences/get_inferences", {"ids": [A, C]})
    assert [row["type"] for row in reply["inferences"]] == ["json", "chat"]
    assert await ask(gateway, "/internal/inferences/count", {}) == {"count": 3}


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("/internal/episodes", None, 400, "Failed to deserialize query string: missing field `limit`"),
        ("/internal/episodes?limit=x", None, 400, "Failed to deserialize query string: limit: "),
        ("/internal/episodes?limit=0", None, 400, "Limit must be at least 1"),
        ("/internal/episodes?limit=101", None, 400, "Limit cannot exceed 100"),
        (
            f"/internal/episodes?limit=1&before={A}&after={A}",
            None,
            400,
            "Cannot specify both before and after",
        ),
        ("/internal/episodes", {"limit": 0}, 400, "Limit must be at least 1"),
        ("/internal/episodes", {}, 400, "missing field `limit`"),
        (f"/internal/feedback/{A}?before={A}&after={A}", None, 400, "Cannot specify both before and after"),
        ("/internal/feedback/x", None, 400, "Invalid URL: Cannot parse `id` with value `x`: Invalid UUID"),
        ("/internal/inference_metadata?before=x", None, 400, "Failed to deserialize query string: before: "),
        ("/internal/resolve_uuid/1", None, 400, "Invalid URL: Cannot parse `id` with value `1`: "),
    ],
)
async def test_refusals(gateway: RunningGateway, path: str, body: object, status: int, text: str) -> None:
    """What is wrong with parameters is said before the store is asked."""
    reply = await (gateway.get(path) if body is None else gateway.post(path, body))
    assert (reply.status, text in reply.body.decode()) == (status, True), reply.body


async def test_without_a_store(start: StartGateway) -> None:
    """A gateway that records nothing says so."""
    reply = await (await start(MODEL + CHAT)).get(f"/internal/feedback/{A}")
    assert reply.status == 500
    assert json.loads(reply.body)["error"].startswith("What was recorded is read from a ClickHouse store")
