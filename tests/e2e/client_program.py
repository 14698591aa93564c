"""A program of TensorZero's client, run as it stands with either client: only the import differs.

Run as `client_program.py MODULE http URL` or as `client_program.py MODULE embedded CONFIG`. What the calls
return and raise is printed, a JSON value a line, in an order that is the same each time. The last line names
what must be in the store.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import pickle
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

MODULE, MODE, WHERE = sys.argv[1:]
tz: Any = importlib.import_module(MODULE)
generated: Any = importlib.import_module(
    "tensorzero.generated_types" if MODULE == "tensorzero" else "tzproxy.client.generated_types"
)
HELLO: Any = {"messages": [{"role": "user", "content": "Hi"}]}
CONTACT: Any = {
    "messages": [{"role": "user", "content": [tz.Template(name="user", arguments={"text": "I am Ada"})]}]
}
BLOCKS: Any = tz.Input(
    messages=[tz.InputMessage(role="user", content=[tz.InputMessageContentText(text="Hi")])]
)
KEPT: dict[str, list[str]] = {"ChatInference": [], "JsonInference": [], "BooleanMetricFeedback": []}


def say(what: str, value: object) -> None:
    """Print a line."""
    sys.stdout.write(json.dumps([what, value], default=repr, sort_keys=True) + "\n")


def build() -> Any:
    """Make the client that blocks."""
    if MODE == "http":
        return tz.TensorZeroGateway.build_http(gateway_url=WHERE, timeout=30)
    return tz.TensorZeroGateway.build_embedded(config_file=WHERE, timeout=30)


def build_later(**options: Any) -> Any:
    """Make the client for event loops."""
    if MODE == "http":
        return tz.AsyncTensorZeroGateway.build_http(gateway_url=WHERE, timeout=30, **options)
    return tz.AsyncTensorZeroGateway.build_embedded(config_file=WHERE, timeout=30, **options)


def refusal(call: Callable[[], object]) -> object:
    """What a call raises."""
    try:
        call()
    except tz.TensorZeroError as exc:
        return [type(exc).__name__, exc.status_code, exc.text, str(exc)]
    except Exception as exc:  # noqa: BLE001 - what it is, is what is compared
        return [type(exc).__name__, isinstance(exc, tz.BaseTensorZeroError)]
    return "nothing"


def kept(answer: Any) -> Any:
    """Note that an answer must be stored."""
    table = "ChatInference" if isinstance(answer, tz.ChatInferenceResponse) else "JsonInference"
    KEPT[table].append(str(answer.inference_id))
    return answer


def shape(answer: Any) -> object:
    """An answer without what varies."""
    assert isinstance(answer.inference_id, UUID)
    assert pickle.loads(pickle.dumps(answer)) == answer
    body = answer.content if hasattr(answer, "content") else answer.output
    return [
        type(answer).__name__,
        answer.variant_name,
        repr(body),
        repr(answer.usage),
        str(answer.finish_reason),
    ]


def output_of(one: Any) -> object:
    """The output of a datapoint or an inference, whose class prints its fields in another order."""
    return [one.output.raw, one.output.parsed] if one.type == "json" else repr(one.output)


def inferences(client: Any) -> None:
    """Answers of all kinds."""
    say("chat", shape(kept(client.inference(function_name="hello", variant_name="brief", input=HELLO))))
    say("json", shape(kept(client.inference(function_name="extract_contact", input=CONTACT))))
    say("model", shape(kept(client.inference(model_name="short", input=HELLO, tags={"a": "b"}))))
    say("dryrun", shape(client.inference(model_name="short", input=HELLO, dryrun=True)))
    raw = client.inference(model_name="short", input=HELLO, include_raw_usage=True, include_raw_response=True)
    say("raw", [type(kept(raw).raw_usage[0]).__name__, raw.raw_usage[0].data, len(raw.raw_response)])
    first = kept(client.inference(function_name="weather", input=HELLO))
    (call,) = first.content
    say("tool", [type(call).__name__, call.name, call.raw_name, sorted(call.arguments)])
    history = [
        *HELLO["messages"],
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [tz.ToolResult(name=call.name, result="21", id=call.id)]},
    ]
    second = client.inference(
        function_name="weather", input={"messages": history}, episode_id=first.episode_id, tool_choice="auto"
    )
    say("second turn", [shape(kept(second)), second.episode_id == first.episode_id])


def streams(client: Any) -> None:
    """Streams, read to the end and left."""
    pieces = list(client.inference(function_name="hello", variant_name="brief", input=HELLO, stream=True))
    KEPT["ChatInference"].append(str(pieces[0].inference_id))
    text = "".join(block.text for piece in pieces for block in piece.content)
    say("stream", [type(pieces[0]).__name__, text, repr(pieces[-1].usage), str(pieces[-1].finish_reason)])
    pieces = list(client.inference(function_name="extract_contact", input=CONTACT, stream=True))
    KEPT["JsonInference"].append(str(pieces[0].inference_id))
    say("json stream", [type(pieces[0]).__name__, json.loads("".join(piece.raw for piece in pieces))])
    left = client.inference(model_name="paced", input=HELLO, stream=True)
    KEPT["ChatInference"].append(str(next(left).inference_id))
    del left


def refusals(client: Any) -> None:
    """Statuses, texts, and mistakes that are found before anything is sent."""
    for stream in (False, True):
        say("unknown", refusal(lambda: list(client.inference(function_name="x", input=HELLO, stream=stream))))  # noqa: B023
    say("schema", refusal(lambda: client.inference(function_name="extract_contact", input=HELLO)))
    say("both", refusal(lambda: client.inference(function_name="hello", model_name="short", input=HELLO)))
    upstream: Any = refusal(lambda: client.inference(model_name="refusing", input=HELLO))
    say("upstream", upstream[:2])
    say("argument", refusal(lambda: client.inference(input=HELLO, nothing=1)))
    say("episode", refusal(lambda: client.inference(function_name="hello", input=HELLO, episode_id="x")))
    say("metric", refusal(lambda: client.feedback(metric_name="x", value=1, inference_id=str(UUID(int=7)))))
    say("pickle", refusal(lambda: pickle.dumps(client)))


def feedback_and_runs(client: Any) -> None:
    """Ratings of answers just given, and a run with a pinned variant."""
    answer = kept(client.inference(function_name="hello", input=HELLO))
    rating = client.feedback(metric_name="helpful", value=True, inference_id=answer.inference_id)
    KEPT["BooleanMetricFeedback"].append(str(rating.feedback_id))
    client.feedback(metric_name="comment", value="good", episode_id=answer.episode_id)
    shown = client.feedback(
        metric_name="demonstration", value=[{"type": "text", "text": "Hey"}], inference_id=answer.inference_id
    )
    say("feedback", [type(rating).__name__, type(shown.feedback_id).__name__])
    run = client.workflow_evaluation_run(variants={"hello": "brief"}, project_name="p", tags={"a": "b"})
    episode = client.workflow_evaluation_run_episode(run_id=run.run_id, task_name="t")
    pinned = [
        kept(client.inference(function_name="hello", input=HELLO, episode_id=episode.episode_id)).variant_name
        for _ in range(3)
    ]
    say("run", [type(run).__name__, type(episode).__name__, pinned])


def datasets(client: Any) -> None:
    """The life of datapoints."""
    name = f"é a; {MODULE} {MODE}"
    new = [
        tz.CreateDatapointRequestChat(
            function_name="hello",
            input=BLOCKS,
            output=[tz.ContentBlockChatOutputText(text="Hello!")],
            tags={"kind": "greeting"},
            name="first",
        ),
        tz.CreateDatapointRequestJson(
            function_name="extract_contact",
            input={
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "template", "name": "user", "arguments": {"text": "x"}}],
                    }
                ]
            },
            output=tz.JsonDatapointOutputUpdate(raw='{"name":"Ada","email":"a@b.example"}'),
        ),
    ]
    chat, other = client.create_datapoints(dataset_name=name, requests=new).ids
    by_tag = generated.TagDatapointFilter(key="kind", value="greeting", comparison_operator="=")
    listed = client.list_datapoints(dataset_name=name, request=tz.ListDatapointsRequest(filter=by_tag))
    (point,) = listed.datapoints
    say("listed", [type(point).__name__, repr(point.input), repr(point.output), point.tags, point.id == chat])
    change = generated.UpdateChatDatapointRequest(
        id=chat, output=[tz.ContentBlockChatOutputText(text="Hey")], name="second"
    )
    (changed,) = client.update_datapoints(dataset_name=name, requests=[change]).ids
    renaming = tz.UpdateDatapointMetadataRequest(id=changed, name="third")
    say("renamed", client.update_datapoints_metadata(dataset_name=name, requests=[renaming]).ids == [changed])
    found = client.get_datapoints(dataset_name=name, ids=[chat, changed, other]).datapoints
    told = sorted(
        [type(one).__name__, one.name or "", output_of(one), one.staled_at is None] for one in found
    )
    say("got", told)
    say("deleted", client.delete_datapoints(dataset_name=name, ids=[other]).num_deleted_datapoints)
    say("dataset", client.delete_dataset(dataset_name=name).num_deleted_datapoints)


def stored(client: Any) -> None:
    """Stored inferences, looked up and listed, and datapoints made of them."""
    ids = KEPT["ChatInference"][:1] + KEPT["JsonInference"][:1]
    deadline = time.monotonic() + 30
    while len(found := client.get_inferences(ids=ids).inferences) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    for one in sorted(found, key=lambda one: one.type):
        say("stored", [type(one).__name__, one.variant_name, repr(one.input), output_of(one), one.tags])
    request = tz.ListInferencesRequest(
        function_name="hello",
        variant_name="brief",
        limit=1,
        filters=tz.InferenceFilterNot(
            child=tz.InferenceFilterTag(key="none", value="x", comparison_operator="=")
        ),
        order_by=[generated.OrderByTimestamp(direction="ascending")],
    )
    say("listed", [type(one).__name__ for one in client.list_inferences(request=request).inferences])
    params = tz.CreateDatapointsFromInferenceRequestParamsInferenceIds(inference_ids=ids)
    name = f"made {MODULE} {MODE}"
    made = client.create_datapoints_from_inferences(
        dataset_name=name, params=params, output_source="inference"
    )
    say("made", [len(made.ids), client.delete_dataset(dataset_name=name).num_deleted_datapoints])


def evaluations(client: Any) -> None:
    """A run over two datapoints, one of which is as expected."""
    answer = client.inference(function_name="hello", variant_name="brief", input=HELLO, dryrun=True)
    name = f"judged {MODULE} {MODE}"
    new = [
        tz.CreateDatapointRequestChat(
            function_name="hello", input=BLOCKS, output=[tz.ContentBlockChatOutputText(text=text)]
        )
        for text in (answer.content[0].text, "something else")
    ]
    client.create_datapoints(dataset_name=name, requests=new)
    run = client.experimental_run_evaluation(
        evaluation_name="greeting", dataset_name=name, variant_name="brief", inference_cache="off"
    )
    say("run", [sorted(run.run_info), run.run_info["num_datapoints"]])
    results = sorted(
        json.dumps([one["type"], one["evaluations"], one["evaluator_errors"]]) for one in run.results()
    )
    say("results", results)
    stats = run.summary_stats()
    say("statistics", {one: [round(stats[one]["mean"], 6), round(stats[one]["stderr"], 6)] for one in stats})
    for unknown in ({"dataset_name": name}, {}):
        ask = {"evaluation_name": "x", "variant_name": "brief", **unknown}
        say("no evaluation", refusal(lambda: client.experimental_run_evaluation(**ask)))  # noqa: B023
    client.delete_dataset(dataset_name=name)


def threads(client: Any) -> None:
    """Many threads, one client."""
    answers: list[Any] = []
    asking = [
        threading.Thread(
            target=lambda: answers.append(
                client.inference(function_name="hello", variant_name="brief", input=HELLO)
            )
        )
        for _ in range(8)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    say("threads", sorted(shape(kept(answer))[1] for answer in answers))  # type: ignore[index]


async def later(blocking: Any) -> None:
    """The client for event loops, and the one that blocks inside of a running loop, as in a notebook."""
    say("notebook", shape(kept(blocking.inference(function_name="hello", variant_name="brief", input=HELLO))))
    async with await build_later() as client:
        answers = await asyncio.gather(
            *(client.inference(function_name="hello", variant_name="brief", input=HELLO) for _ in range(5))
        )
        say("gathered", [shape(kept(answer)) for answer in answers])
        stream = await client.inference(function_name="hello", variant_name="brief", input=HELLO, stream=True)
        pieces = [piece async for piece in stream]
        KEPT["ChatInference"].append(str(pieces[0].inference_id))
        say(
            "pieces",
            ["".join(block.text for piece in pieces for block in piece.content), repr(pieces[-1].usage)],
        )
        try:
            await client.inference(function_name="x", input=HELLO)
        except tz.TensorZeroError as exc:
            say("refused later", str(exc))
        listed = await client.list_inferences(request=tz.ListInferencesRequest(limit=1))
        say("listed later", len(listed.inferences))
        rating = await client.feedback(
            metric_name="helpful", value=False, inference_id=answers[0].inference_id
        )
        KEPT["BooleanMetricFeedback"].append(str(rating.feedback_id))
    at_once = build_later(async_setup=False)
    say("at once", type(at_once).__name__)
    await at_once.close()


def main() -> None:
    """Do all of it; leave without closing: what was answered must be stored all the same."""
    with build() as client:
        inferences(client)
        streams(client)
        refusals(client)
        feedback_and_runs(client)
        datasets(client)
        stored(client)
        evaluations(client)
        threads(client)
        asyncio.run(later(client))
    last = build()
    for _ in range(20):
        kept(last.inference(function_name="hello", input=HELLO))
    unread = last.inference(model_name="paced", input=HELLO, stream=True)
    KEPT["ChatInference"].append(str(next(unread).inference_id))
    say("kept", KEPT)
    if MODULE == "tensorzero":
        last.close()


main()
