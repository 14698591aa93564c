"""Samples rendered and jobs launched by clients of embedded gateways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from client.embedded.conftest import TOML, Start
from optimization.fakes import OPENAI, FakeProviders, lines_of
from tzproxy import AsyncTensorZeroGateway, OpenAISFTConfig, OptimizationJobStatus, TensorZeroError
from tzproxy.client.decoding import build
from tzproxy.client.types.datapoints import GetDatapointsResponse
from tzproxy.client.types.inferences import GetInferencesResponse

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
GREET = '[functions.f.variants.v.templates.greet]\npath = "greet.jinja"\n'
TEMPLATED = TOML.replace("[functions.j]", f"{GREET}[functions.j]") + (
    '[functions.f.schemas.greet]\npath = "greet.json"\n'
)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeProviders:
    """Providers in memory, and a key for them."""
    found = FakeProviders()
    monkeypatch.setattr("tzproxy.services.services.http_jobs", lambda settings, timeout_s: found)
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-openai")
    (tmp_path / "greet.jinja").write_text("Hello {{ name }}!")
    (tmp_path / "greet.json").write_text('{"type":"object"}')
    return found


ID = "01990000-0000-7000-8000-000000000001"
CONTENT = [
    {"type": "template", "name": "greet", "arguments": {"name": "A"}},
    {"type": "text", "text": "t"},
    {"type": "raw_text", "value": "r"},
    {"type": "tool_result", "id": "c", "name": "n", "result": "r"},
    {"type": "thought", "text": "hm"},
]
OUTPUT = [{"type": "text", "text": "Hi"}]
COMMON = {
    "type": "chat",
    "function_name": "f",
    "input": {"system": "S", "messages": [{"role": "user", "content": CONTENT}]},
    "output": OUTPUT,
    "tags": {"a": "b"},
    "provider_tools": [],
    "tool_choice": {"specific": "n"},
    "additional_tools": [
        {"type": "function", "name": "n", "description": "d", "parameters": {}, "strict": False}
    ],
}
INFERENCE = {
    **COMMON,
    "variant_name": "v",
    "timestamp": "2026-01-01T00:00:00Z",
    "episode_id": ID,
    "inference_id": ID,
    "dispreferred_outputs": [OUTPUT],
}
DATAPOINT = {
    **COMMON,
    "id": ID,
    "dataset_name": "d",
    "is_deleted": False,
    "is_custom": True,
    "updated_at": "2026-01-01T00:00:00Z",
}


def read_back() -> list[Any]:
    """An inference and a datapoint as lists of the client hold them, and one as a dict."""
    inferences = build(GetInferencesResponse, {"inferences": [INFERENCE]}).inferences
    datapoints = build(GetDatapointsResponse, {"datapoints": [DATAPOINT]}).datapoints
    return [*inferences, *datapoints, INFERENCE]


def test_samples_are_rendered_and_learnt_from(start: Start, provider: FakeProviders) -> None:
    """What lists return can be rendered, and what was rendered can be trained on."""
    client = start(TEMPLATED)
    samples = client.experimental_render_samples(stored_samples=read_back(), variants={"f": "v"})
    assert [sample.inference_id is None for sample in samples] == [False, True, False]
    assert samples[0] == samples[2]
    older = client.experimental_render_inferences(stored_inferences=read_back(), variants={"f": "v"})
    assert older == samples
    for sample in samples:
        texts = [block.text for block in sample.input.messages[0].content if hasattr(block, "text")]
        assert texts[:3] == ["Hello A!", "t", "r"]
        assert sample.stored_input.system == "S"
        assert sample.tool_params["tool_choice"] == {"specific": "n"}
        assert sample.output[0].text == "Hi"
    assert samples[0].dispreferred_outputs[0][0].text == "Hi"
    handle = client.experimental_launch_optimization(
        train_samples=samples, val_samples=samples[:1], optimization_config=OpenAISFTConfig(model="m")
    )
    assert json.loads(str(handle))["job_id"] == "ftjob-1"
    assert sorted(len(lines_of(text)) for text in provider.uploads[OPENAI]) == [1, 3]
    provider.jobs[OPENAI] = {"status": "running", "error": None}
    info = client.experimental_poll_optimization(job_handle=handle)
    assert info.status is OptimizationJobStatus.Pending
    assert "key-of-openai" not in str(handle) + repr(info)


async def test_with_an_event_loop(provider: FakeProviders, tmp_path: Path) -> None:
    """The other client does the same."""
    (tmp_path / "tensorzero.toml").write_text(TEMPLATED)
    client = await AsyncTensorZeroGateway.build_embedded(config_file="tensorzero.toml")
    async with client:
        samples = await client.experimental_render_samples(
            stored_samples=read_back(), variants={"f": "v"}, concurrency=1
        )
        older = await client.experimental_render_inferences(
            stored_inferences=read_back(), variants={"f": "v"}
        )
        assert older == samples
        settings = {"type": "openai_sft", "model": "m"}
        handle = await client.experimental_launch_optimization(
            train_samples=samples, optimization_config=settings
        )
        provider.jobs[OPENAI] = {"status": "succeeded", "fine_tuned_model": "ft:m"}
        info = await client.experimental_poll_optimization(job_handle=handle)
    assert info.status is OptimizationJobStatus.Completed
    assert info.output["content"]["routing"] == ["ft:m"]


def test_what_the_gateway_refuses(start: Start, provider: FakeProviders) -> None:
    """The errors are those of any other request."""
    client = start(TEMPLATED)
    with pytest.raises(TensorZeroError, match="Unknown function: nope") as caught:
        client.experimental_render_samples(stored_samples=[], variants={"nope": "v"})
    assert caught.value.status_code == 404
    with pytest.raises(TensorZeroError, match="There are no samples to train on"):
        client.experimental_launch_optimization(
            train_samples=[], optimization_config=OpenAISFTConfig(model="m")
        )
    assert provider.requests == []
