"""Tests of `tzproxy.optimization.workflow`: whole gateways on a real store, providers in memory."""

from __future__ import annotations

import random
from typing import Any

import pytest
from msgspec import Raw

from optimization.fakes import OPENAI, FakeProviders, lines_of
from optimization.gateways import StoredGateway
from optimization.samples import sample
from tzproxy.optimization.jobs import OpenAISftHandle, decoded_handle
from tzproxy.optimization.optimizers import Optimizers
from tzproxy.optimization.request import LaunchRequest
from tzproxy.optimization.samples import StoredSample
from tzproxy.optimization.workflow import NothingToLearnError, Optimization, _add
from tzproxy.types.content import StoredInput, StoredMessage, Template, Text, ToolCall, Unknown
from tzproxy.types.stored_inference import StoredChatInference


def questions(provider: FakeProviders) -> list[list[str]]:
    """Return the users' words of each file, in order."""
    files = provider.uploads.get(OPENAI, [])
    return [
        [turn["content"] for line in lines_of(text) for turn in line["messages"] if turn["role"] == "user"]
        for text in files
    ]


@pytest.fixture
async def stored(gateway: StoredGateway) -> StoredGateway:
    """Four inferences: three of the variant `v`, one of `other`; the first is shown to be good."""
    first = await gateway.ask("A", variant_name="v", tags={"kind": "x"})
    await gateway.ask("B", variant_name="v", tags={"kind": "x"})
    await gateway.ask("C", variant_name="other")
    await gateway.ask("D", variant_name="v")
    for metric_name, value in (("good", True), ("demonstration", "A demonstration")):
        feedback = {"metric_name": metric_name, "inference_id": first, "value": value}
        assert (await gateway.client.post("/feedback", feedback)).status == 200
    gateway.store()
    return gateway


async def test_from_inferences_to_a_job_and_back(stored: StoredGateway, provider: FakeProviders) -> None:
    """Inferences of all variants go through the templates of one; the handle leads to the job."""
    reply = await stored.launch()
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert isinstance(decoded_handle(reply.body.decode()), OpenAISftHandle)
    assert questions(provider) == [["Hello D!", "Hello C!", "Hello B!", "Hello A!"]]
    assert provider.keys() == {"Bearer key-of-openai"}
    (line, *_) = lines_of(provider.uploads[OPENAI][0])
    assert line["messages"][0] == {"role": "system", "content": "Be brief."}
    assert line["messages"][-1]["role"] == "assistant"

    provider.jobs[OPENAI] = {"status": "succeeded", "fine_tuned_model": "ft:x"}
    poll = await stored.client.get(f"/experimental_optimization/{reply.body.decode()}")
    assert poll.status == 200, poll.body
    assert poll.json()["status"] == "completed"
    assert poll.json()["output"]["content"]["routing"] == ["ft:x"]
    assert b"key-of-openai" not in reply.body + poll.body


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"query_variant_name": "other"}, ["Hello C!"]),
        ({"template_variant_name": "other", "limit": 1}, ["D: bye."]),
        ({"offset": 3}, ["Hello A!"]),
        (
            {"filters": {"type": "tag", "key": "kind", "value": "x", "comparison_operator": "="}},
            ["Hello B!", "Hello A!"],
        ),
        ({"filters": {"type": "boolean_metric", "metric_name": "good", "value": True}}, ["Hello A!"]),
        ({"output_source": "demonstration"}, ["Hello A!"]),
    ],
)
async def test_which_inferences(
    stored: StoredGateway, provider: FakeProviders, fields: dict[str, Any], expected: list[str]
) -> None:
    """Those that lists would show for the same words."""
    reply = await stored.launch(**fields)
    assert reply.status == 200, reply.body
    assert questions(provider) == [expected]
    if fields.get("output_source") == "demonstration":
        (line,) = lines_of(provider.uploads[OPENAI][0])
        assert line["messages"][-1]["content"] == "A demonstration"


async def test_a_share_is_for_validation(stored: StoredGateway, provider: FakeProviders) -> None:
    """Each sample is in one of the two files; the share is rounded."""
    assert (await stored.launch(val_fraction=0.3)).status == 200
    files = sorted(questions(provider), key=len)
    assert [len(names) for names in files] == [1, 3]
    assert sorted(sum(files, [])) == ["Hello A!", "Hello B!", "Hello C!", "Hello D!"]
    assert provider.sent("/jobs")["validation_file"] is not None


async def test_a_share_of_nothing(stored: StoredGateway, provider: FakeProviders) -> None:
    """Too few samples for a validation file: there is none."""
    assert (await stored.launch(val_fraction=0.1)).status == 200
    assert len(questions(provider)) == 1
    assert provider.sent("/jobs")["validation_file"] is None


async def test_from_a_dataset(gateway: StoredGateway, provider: FakeProviders) -> None:
    """All datapoints of the function that have an output, and none of other functions."""

    def datapoint(name: str, **fields: object) -> dict[str, object]:
        block = {"type": "template", "name": "user", "arguments": {"name": name}}
        given = {"messages": [{"role": "user", "content": [block]}]}
        return {"type": "chat", "function_name": gateway.function, "input": given, **fields}

    output = [{"type": "text", "text": "Hi"}]
    points = [
        datapoint("A", output=output),
        datapoint("B"),
        {
            "type": "chat",
            "function_name": "plain",
            "input": {"messages": [{"role": "user", "content": "C"}]},
            "output": output,
        },
    ]
    name = f"set-{gateway.function}"
    created = await gateway.client.post(f"/v1/datasets/{name}/datapoints", {"datapoints": points})
    assert created.status == 200, created.body
    reply = await gateway.launch(output_source=None, dataset_name=name)
    assert reply.status == 200, reply.body
    assert questions(provider) == [["Hello A!"]]


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"function_name": "nope"}, 404, "Unknown function: nope"),
        ({"template_variant_name": "nope"}, 400, "Variant nope for function"),
        ({"template_variant_name": "best"}, 400, "is not of type `chat_completion`"),
        ({"output_source": "bogus"}, 400, "output_source: "),
        ({"output_source": None}, 400, "you must provide either"),
        ({"output_source": "none"}, 400, "no samples to train on: of 4 found, 4 could be rendered, 0 have"),
        ({"query_variant_name": "nope"}, 400, "There are no samples to train on: of 0 found"),
        ({"val_fraction": 2}, 400, "Invalid val fraction: 2. Must be between 0 and 1."),
        ({"val_fraction": 0.9}, 400, "There are no samples to train on"),
        ({"optimizer_config": {"type": "nope"}}, 400, "optimizer_config.type: unknown variant `nope`"),
        (
            {
                "optimizer_config": {
                    "type": "gepa",
                    "function_name": "f",
                    "analysis_model": "m",
                    "mutation_model": "m",
                }
            },
            400,
            "GEPA needs samples for validation",
        ),
        (
            {"filters": {"type": "boolean_metric", "metric_name": "nope", "value": True}},
            400,
            "Invalid metric name: nope",
        ),
    ],
)
async def test_what_cannot_be_asked(
    stored: StoredGateway, provider: FakeProviders, fields: dict[str, Any], status: int, reason: str
) -> None:
    """It is refused, with the place of what is wrong, and no provider hears of it."""
    reply = await stored.launch(**fields)
    assert reply.status == status, reply.body
    assert reason in reply.error
    assert provider.requests == []


async def test_refusals_of_a_provider(stored: StoredGateway, provider: FakeProviders) -> None:
    """What the provider says reaches the client, with its status."""
    provider.refusals["/fine_tuning/jobs"] = (400, b'{"error":{"message":"no such model"}}')
    reply = await stored.launch()
    assert reply.status == 400
    assert "no such model" in reply.error


async def test_rendered_samples_are_launched_as_they_are() -> None:
    """Without a store; an empty list is refused, an empty validation list is none."""
    launched: list[Any] = []

    class Keeping:
        async def launch(self, settings: Any, data: Any) -> OpenAISftHandle:
            launched.append(data)
            return OpenAISftHandle(job_id="a", job_url="b", job_api_url="c")

        async def poll(self, handle: Any) -> Any:
            raise AssertionError

    made = Optimization(
        None,  # type: ignore[arg-type]
        Optimizers({"openai_sft": Keeping()}),
        inferences=None,  # type: ignore[arg-type]
        datasets=None,  # type: ignore[arg-type]
        chance=random.Random(1),
    )
    settings = {"type": "openai_sft", "model": "m"}
    request = LaunchRequest(train_samples=[sample()], val_samples=[], optimization_config=settings)
    assert decoded_handle(await made.launch(request)).job_url == "b"  # type: ignore[union-attr]
    assert launched[0].validation is None
    with pytest.raises(NothingToLearnError):
        await made.launch(LaunchRequest(train_samples=[], optimization_config=settings))


async def test_what_makes_no_sample_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """A row that holds what no request could costs itself, not the job."""
    blocks = ([Text("fine")], [Unknown(Raw(b"null")), ToolCall("c", "n", "{}")], [Template("t", None)])  # type: ignore[arg-type]
    rows = [
        StoredChatInference(
            function_name="f",
            variant_name="v",
            input=StoredInput([StoredMessage("user", list(content))]),
            dispreferred_outputs=[],
            timestamp="",
            episode_id="e",
            inference_id=f"row-{number}",
            provider_tools=[],
            tags={},
            processing_time_ms=None,
            ttft_ms=None,
        )
        for number, content in enumerate(blocks)
    ]
    found: list[StoredSample] = []
    await _add(found, rows)
    assert [one.inference_id for one in found] == ["row-0", "row-1"]
    assert "row-2 of function `f` is left out" in caplog.text
