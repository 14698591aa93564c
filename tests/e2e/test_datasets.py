"""Datasets through the published client: every method, against a real gateway and its embedded store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import tensorzero as tz
from tensorzero import AsyncTensorZeroGateway, TensorZeroError, TensorZeroGateway
from tensorzero.generated_types import UpdateChatDatapointRequest, UpdateJsonDatapointRequest

from e2e.processes import Gateway
from tzproxy._speedups.ids import new_uuid7

pytestmark = pytest.mark.e2e
HELLO: Any = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}
CONTACT: Any = {
    "messages": [
        {
            "role": "user",
            "content": [{"type": "template", "name": "user", "arguments": {"text": "I am Ada"}}],
        }
    ]
}
ADA = '{"name":"Ada","email":"a@b.example"}'


@pytest.fixture
def client(gateway: Gateway) -> Iterator[Any]:
    """The synchronous client."""
    with TensorZeroGateway.build_http(gateway_url=gateway.url, timeout=30) as made:
        yield made


@pytest.fixture
def name() -> str:
    """A dataset of the test's own, whose name has to be escaped in a path."""
    return f"é a+b; {new_uuid7()}"


def new_ones() -> list[Any]:
    """Return requests for a chat and a JSON datapoint."""
    return [
        tz.CreateDatapointRequestChat(
            function_name="hello",
            input=HELLO,
            output=[tz.ContentBlockChatOutputText(text="Hello!")],
            tags={"kind": "greeting"},
            name="first",
        ),
        tz.CreateDatapointRequestJson(
            function_name="extract_contact",
            input=CONTACT,
            output=tz.JsonDatapointOutputUpdate(raw=ADA),
            tags={"kind": "contact"},
        ),
    ]


def listed(client: Any, name: str, **request: Any) -> list[str]:
    """Return the ids of a list."""
    found = client.list_datapoints(dataset_name=name, request=tz.ListDatapointsRequest(**request))
    return [datapoint.id for datapoint in found.datapoints]


def test_a_life_cycle(client: Any, name: str) -> None:
    """Datapoints are made, listed, changed, renamed, looked up and deleted; each call sees the one before."""
    chat, json = (str(made) for made in client.create_datapoints(dataset_name=name, requests=new_ones()).ids)
    assert listed(client, name) == [json, chat]
    assert listed(client, name, function_name="hello") == [chat]
    assert listed(client, name, limit=1, offset=1) == [chat]
    tag = {"type": "tag", "key": "kind", "value": "contact", "comparison_operator": "="}
    assert listed(client, name, filter={"type": "and", "children": [tag]}) == [json]
    assert listed(client, name, search_query_experimental="hello!") == [chat]
    changes = [
        UpdateChatDatapointRequest(
            id=chat, output=[tz.ContentBlockChatOutputText(text="Hey")], name="second"
        ),
        UpdateJsonDatapointRequest(id=json, output=tz.JsonDatapointOutputUpdate(raw="no JSON")),
    ]
    updated = client.update_datapoints(dataset_name=name, requests=changes)
    new_chat, new_json = (str(changed) for changed in updated.ids)
    assert {new_chat, new_json}.isdisjoint({chat, json})
    assert listed(client, name) == [new_json, new_chat]
    renamed = client.update_datapoints_metadata(
        dataset_name=name, requests=[tz.UpdateDatapointMetadataRequest(id=new_json, name="named")]
    )
    assert [str(kept) for kept in renamed.ids] == [new_json]
    found = client.get_datapoints(dataset_name=name, ids=[chat, new_chat, new_json]).datapoints
    by_id = {datapoint.id: datapoint for datapoint in found}
    assert by_id[chat].staled_at
    assert by_id[new_chat].output[0].text == "Hey"
    assert (by_id[new_chat].name, by_id[new_chat].tags) == ("second", {"kind": "greeting"})
    assert (by_id[new_json].name, by_id[new_json].output.parsed) == ("named", None)
    assert client.delete_datapoints(dataset_name=name, ids=[chat, new_chat]).num_deleted_datapoints == 1
    assert client.delete_dataset(dataset_name=name).num_deleted_datapoints == 1
    assert listed(client, name) == []


def test_from_inferences(gateway: Gateway, client: Any, name: str) -> None:
    """Datapoints are made of inferences by their ids and by a query."""
    chat = client.inference(function_name="hello", input=HELLO, tags={"set": name})
    json = client.inference(function_name="extract_contact", input=CONTACT, tags={"set": name})
    ids = [str(chat.inference_id), str(json.inference_id)]
    gateway.rows_of(ids[0])
    gateway.rows_of(ids[1], "JsonInference")
    made = client.create_datapoints_from_inferences(
        dataset_name=name, params=tz.CreateDatapointsFromInferenceRequestParamsInferenceIds(inference_ids=ids)
    )
    found = client.get_datapoints(dataset_name=name, ids=[str(one) for one in made.ids]).datapoints
    assert {datapoint.source_inference_id for datapoint in found} == set(ids)
    mine = {"type": "tag", "key": "set", "value": name, "comparison_operator": "="}
    queried = client.create_datapoints_from_inferences(
        dataset_name=name, params={"type": "inference_query", "filters": mine, "output_source": "none"}
    )
    assert len(queried.ids) == 2
    assert len(listed(client, name)) == 4


async def test_refusals(gateway: Gateway, name: str) -> None:
    """What is refused has the original's status and text, in the asynchronous client too."""
    unknown = new_uuid7()
    async with AsyncTensorZeroGateway.build_http(
        gateway_url=gateway.url, timeout=30, async_setup=False
    ) as client:
        with pytest.raises(TensorZeroError) as caught:
            await client.update_datapoints(
                dataset_name=name, requests=[UpdateChatDatapointRequest(id=unknown)]
            )
        assert caught.value.status_code == 404
        assert f"Datapoint not found for dataset: {name} and id: {unknown}" in str(caught.value)
        with pytest.raises(TensorZeroError) as caught:
            await client.create_datapoints(dataset_name="builder", requests=new_ones())
        assert caught.value.status_code == 400
        with pytest.raises(TensorZeroError) as caught:
            await client.create_datapoints_from_inferences(
                dataset_name=name, params={"type": "inference_ids", "inference_ids": [unknown]}
            )
        assert (caught.value.status_code, f"Inference {unknown} not found" in str(caught.value)) == (
            400,
            True,
        )
        with pytest.warns(DeprecationWarning, match="without a dataset name"):
            assert (await client.get_datapoints(ids=[unknown])).datapoints == []
