"""Tests of `tzproxy.client.store_calls`. `test_twins` holds them against the published client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from client.scripted_server import ID
from tzproxy.client import store_calls
from tzproxy.client.calls import Call
from tzproxy.client.generated_types import (
    OMIT,
    CreateDatapointsFromInferenceRequestParamsInferenceIds,
    ListInferencesRequest,
    UpdateDatapointMetadataRequest,
    UpdateJsonDatapointRequest,
)
from tzproxy.client.types import ChatDatapointInsert, JsonDatapointInsert, OrderBy


def sent(call: Call[Any]) -> Any:
    """The body of a call."""
    return json.loads(call.body or b"null")


def test_older_forms_of_new_datapoints() -> None:
    """They are sent as the newer ones: with their type."""
    requests = [ChatDatapointInsert("f", {"messages": []}), JsonDatapointInsert("g", {}, name="n")]
    assert sent(store_calls.create_datapoints("d", requests))["datapoints"] == [
        {"type": "chat", "function_name": "f", "input": {"messages": []}},
        {"type": "json", "function_name": "g", "input": {}, "name": "n"},
    ]


def test_updates_tell_keep_from_clear() -> None:
    """A field that holds `OMIT` is kept, one that holds None is cleared."""
    requests = [UpdateJsonDatapointRequest(id=ID, name=None, output=OMIT)]
    (update,) = sent(store_calls.update_datapoints("d", requests))["datapoints"]
    assert update["name"] is None
    assert "output" not in update
    renaming = [UpdateDatapointMetadataRequest(id=ID)]
    assert sent(store_calls.update_datapoints_metadata("d", renaming)) == {"datapoints": [{"id": ID}]}


def test_a_source_said_twice() -> None:
    """Outputs have one source."""
    params = CreateDatapointsFromInferenceRequestParamsInferenceIds(inference_ids=[ID], output_source="none")
    with pytest.raises(ValueError, match="not both"):
        store_calls.create_datapoints_from_inferences("d", params, "inference")
    assert sent(store_calls.create_datapoints_from_inferences("d", params, None))["output_source"] == "none"


def test_lists_of_inferences() -> None:
    """A request may be an object or a dict; the older `filter` is never sent."""
    request = ListInferencesRequest(limit=3, order_by=[OrderBy(by="metric", name="m")])
    expected = {
        "limit": 3,
        "output_source": "inference",
        "order_by": [{"by": "metric", "name": "m", "direction": "descending"}],
    }
    assert sent(store_calls.list_inferences(request)) == expected
    assert sent(store_calls.list_inferences({"limit": 3, "filter": {}})) == {"limit": 3}
    assert sent(store_calls.get_inferences([ID], None, "demonstration")) == {
        "ids": [ID],
        "output_source": "demonstration",
    }


def test_look_ups_without_a_dataset() -> None:
    """They go to the older route, and warn."""
    with pytest.warns(DeprecationWarning):
        assert store_calls.get_datapoints(None, [ID]).path == "/v1/datasets/get_datapoints"
    assert store_calls.get_datapoints("d", [ID]).path == "/v1/datasets/d/get_datapoints"
    assert store_calls.delete_dataset("d").body is None
    assert store_calls.delete_datapoints("d", [ID]).method == "DELETE"
    assert sent(store_calls.list_datapoints("d", {"limit": 1})) == {"limit": 1}


def test_names_of_datasets_may_hold_anything() -> None:
    """A slash or a space in a name stays part of the name."""
    assert store_calls.dataset_path("a/b ä", "/x") == "/v1/datasets/a%2Fb%20%C3%A4/x"


def test_looking_up_without_a_dataset() -> None:
    """It works, and warns of what it costs."""
    with pytest.warns(DeprecationWarning, match="dataset_name"):
        call = store_calls.get_datapoints(None, [ID])
    assert (call.path, sent(call)) == ("/v1/datasets/get_datapoints", {"ids": [ID]})
