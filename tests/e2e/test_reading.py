"""What was recorded, read again with the published `tensorzero` client from a real gateway and its store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tensorzero import TensorZeroError, TensorZeroGateway
from tensorzero import generated_types as types

from e2e.processes import Gateway, wait_until

pytestmark = pytest.mark.e2e
HELLO: Any = {"messages": [{"role": "user", "content": "Hi"}]}
CONTACT: Any = {
    "messages": [
        {
            "role": "user",
            "content": [{"type": "template", "name": "user", "arguments": {"text": "I am Ada"}}],
        }
    ]
}
MINE = types.InferenceFilterTag(key="of", value="reading", comparison_operator="=")


@pytest.fixture
def client(gateway: Gateway) -> Iterator[TensorZeroGateway]:
    """The synchronous client, as anyone would make it."""
    with TensorZeroGateway.build_http(gateway_url=gateway.url, timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
def recorded(gateway: Gateway) -> dict[str, str]:
    """Inferences of a chat, a JSON and a tool function, by name, once they are stored."""
    made: dict[str, str] = {}
    asked: Any = {"messages": [{"role": "user", "content": "How warm is it?"}]}
    with TensorZeroGateway.build_http(gateway_url=gateway.url, timeout=30) as client:
        for name, function, given in (
            ("first", "hello", HELLO),
            ("second", "hello", HELLO),
            ("contact", "extract_contact", CONTACT),
            ("weather", "weather", asked),
        ):
            answer: Any = client.inference(
                function_name=function, input=given, tags={"of": "reading", "name": name}
            )
            made[name] = str(answer.inference_id)
        client.feedback(metric_name="helpful", inference_id=made["first"], value=True)
        client.feedback(metric_name="demonstration", inference_id=made["second"], value="Better")
        for inference_id, table in ((made["contact"], "JsonInference"), (made["weather"], "ChatInference")):
            gateway.rows_of(inference_id, table)
        gateway.rows_of(made["second"])
    for table, column, target in (
        ("BooleanMetricFeedback", "target_id", made["first"]),
        ("DemonstrationFeedback", "inference_id", made["second"]),
    ):
        sql = f"SELECT id FROM {table} WHERE {column} = {{id:UUID}}"
        wait_until(lambda sql=sql, target=target: gateway.rows(sql, id=target), table)
    return made


def listed(client: TensorZeroGateway, **request: Any) -> list[Any]:
    """List inferences of this file."""
    fitting = [MINE, *([request.pop("filters")] if "filters" in request else [])]
    asked = types.ListInferencesRequest(filters=types.InferenceFilterAnd(children=fitting), **request)
    return list(client.list_inferences(request=asked).inferences)


def test_lists(client: TensorZeroGateway, recorded: dict[str, str]) -> None:
    """Inferences of all functions come back as the client's types, newest first, and by pages."""
    everything = listed(client)
    assert [item.inference_id for item in everything] == [*recorded.values()][::-1]
    weather, contact, second, first = everything
    assert (weather.type, contact.type) == ("chat", "json")
    assert weather.output[0].name == "get_temperature"
    assert set(contact.output.parsed) == {"name", "email"}
    assert contact.input.messages[0].content[0].arguments == {"text": "I am Ada"}
    assert first.tags == {"of": "reading", "name": "first"}
    assert [item.inference_id for item in listed(client, function_name="hello", limit=1)] == [
        recorded["second"]
    ]
    older = listed(client, before=recorded["weather"], limit=1)
    newer = listed(client, after=recorded["first"], limit=1)
    assert [item.inference_id for item in (*older, *newer)] == [recorded["contact"], recorded["second"]]
    assert second.inference_id == recorded["second"]


def test_filters_and_sources(client: TensorZeroGateway, recorded: dict[str, str]) -> None:
    """Feedback is found by filters, and a demonstration takes the place of an output."""
    helpful = types.InferenceFilterBooleanMetric(metric_name="helpful", value=True)
    assert [item.inference_id for item in listed(client, filters=helpful)] == [recorded["first"]]
    order = [types.OrderByMetric(name="helpful", direction="ascending")]
    ordered = listed(client, function_name="hello", order_by=order)
    assert [item.inference_id for item in ordered] == [recorded["first"], recorded["second"]]
    (shown,) = listed(client, output_source="demonstration")
    assert (shown.inference_id, shown.output[0].text) == (recorded["second"], "Better")
    assert "built into tzproxy" in shown.dispreferred_outputs[0][0].text
    found = listed(client, search_query_experimental="i am ada")
    assert [item.inference_id for item in found] == [recorded["contact"]]


def test_get(client: TensorZeroGateway, recorded: dict[str, str]) -> None:
    """Inferences come by their ids; those that do not exist are left out."""
    ids = [recorded["first"], recorded["contact"], "01900000-0000-7000-8000-000000000000"]
    got = client.get_inferences(ids=ids).inferences
    assert [item.inference_id for item in got] == [recorded["contact"], recorded["first"]]
    assert client.get_inferences(ids=ids, function_name="weather").inferences == []


def test_errors(client: TensorZeroGateway) -> None:
    """Refusals reach the client with their status and text."""
    unknown = types.InferenceFilterBooleanMetric(metric_name="nope", value=True)
    with pytest.raises(TensorZeroError) as refused:
        listed(client, filters=unknown)
    assert (refused.value.status_code, refused.value.text) == (400, '{"error":"Invalid metric name: nope"}')
    with pytest.raises(TensorZeroError) as refused:
        listed(client, function_name="nobody")
    assert refused.value.status_code == 404


def test_pages(gateway: Gateway, recorded: dict[str, str]) -> None:
    """Pages about the past are answered; names in paths may be escaped."""

    def page(path: str) -> Any:
        answer = httpx.get(f"{gateway.url}/internal/{path}", timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    first = recorded["first"]
    (call,) = page(f"model_inferences/{first}")["model_inferences"]
    assert call["model_name"] == "mock"
    (kind,) = page(f"resolve_uuid/{first}")["object_types"]
    assert (kind["type"], kind["function_name"]) == ("inference", "hello")
    assert page(f"feedback/{first}/count") == {"count": 1}
    assert page("episodes?limit=100")["episodes"][0]["count"] == 1
    functions = page("functions/inference_counts")["functions"]
    counts = {row["function_name"]: row["inference_count"] for row in functions}
    assert counts["weather"] == page("functions/weather/inference_count")["inference_count"] > 0
    name = "functions/tensorzero%3A%3Adefault/inference_count"
    assert page(name)["inference_count"] == counts.get("tensorzero::default", 0)
    assert page("workflow_evaluations/projects/count")["count"] >= 0
    assert httpx.head(f"{gateway.url}/internal/models/count", timeout=30).status_code == 200


def test_long_lists_are_streamed(gateway: Gateway, recorded: dict[str, str]) -> None:
    """An answer longer than what is held at once comes in pieces, and is one JSON text."""
    sql = (
        "INSERT INTO ChatInference (id, function_name, variant_name, episode_id, input, output, tool_params,"
        " inference_params, tags, extra_body) SELECT generateUUIDv7(number), 'hello', 'brief',"
        " generateUUIDv7(),"
        """ '{"messages":[]}', concat('[{"type":"text","text":"', repeat('x', 2000), '"}]'), '',"""
        " '{}', map('of', 'length'), '[]' FROM numbers(12000)"
    )
    gateway.rows(sql)
    of = {"type": "tag", "key": "of", "value": "length", "comparison_operator": "="}
    for limit in (900, 12_000):
        with httpx.stream(
            "POST",
            f"{gateway.url}/v1/inferences/list_inferences",
            json={"filters": of, "limit": limit},
            timeout=60,
        ) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/json"
            assert "content-length" not in answer.headers
            answer.read()
        ids = [item["inference_id"] for item in answer.json()["inferences"]]
        assert len(ids) == limit and ids == sorted(ids, reverse=True)
