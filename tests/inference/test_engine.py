"""Tests of `tzproxy.inference.engine`: targets, tags, episodes, namespaces, and the order of checks."""

from __future__ import annotations

import time
import uuid

import pytest

from in_process import CHAT, MODEL, StartGateway, completion, streamed
from tzproxy._speedups.ids import new_uuid7
from tzproxy.inference.answer import Answer
from tzproxy.inference.rows import RowWriter
from tzproxy.recording.sink import NullSink
from tzproxy.upstream.fake import answer


def uuid7_at(milliseconds: int) -> str:
    """An id of version 7 with that time."""
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | 1))


# ---- the target


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"function_name": "zz"}, 404, "Unknown function: zz"),
        ({"variant_name": "zz"}, 404, "Unknown variant: zz"),
        (
            {"function_name": None},
            400,
            "Invalid inference target: Either `function_name` or `model_name` must be provided",
        ),
        (
            {"function_name": "f", "model_name": "m"},
            400,
            "Invalid inference target: Only one of `function_name` or `model_name` can be provided",
        ),
        (
            {"model_name": "m", "variant_name": "v"},
            400,
            "Invalid inference target: `variant_name` cannot be provided when using `model_name`",
        ),
        (
            {"model_name": "zz"},
            400,
            "Invalid inference target: Invalid model name: Model name 'zz' not found in model table",
        ),
        (
            {"model_name": "zz::gpt"},
            400,
            "Invalid inference target: Invalid model name: Model name 'zz::gpt' not found in model table",
        ),
        (
            {"function_name": "tensorzero::default"},
            500,
            "Function `tensorzero::default` has no variants",
        ),
        ({"function_name": "empty"}, 500, "Function `empty` has no variants"),
        (
            {"function_name": None, "internal_dynamic_variant_config": {}},
            400,
            "Invalid inference target: If a dynamic variant config is passed, "
            "`function_name` must be specified.",
        ),
    ],
)
async def test_targets_that_cannot_be(
    start: StartGateway, fields: dict[str, object], status: int, message: str
) -> None:
    """A request for what does not exist is told so, and nobody is asked."""
    gateway = await start(MODEL + CHAT + '[functions.empty]\ntype = "chat"\nvariants = {}\n')
    reply = await gateway.infer(**fields)
    assert (reply.status, reply.error) == (status, message)
    assert gateway.network.dialled == []


async def test_a_model_is_a_variant_of_the_default_function(start: StartGateway) -> None:
    """A request that names a model is recorded under the default function, the model being the variant."""
    gateway = await start(MODEL, [completion()])
    reply = await gateway.infer(model_name="m")
    assert reply.json()["variant_name"] == "m"
    row = gateway.chat_rows[0]
    assert (row["function_name"], row["variant_name"]) == ("tensorzero::default", "m")
    assert "tensorzero::variant_pinned" not in row["tags"]


async def test_a_models_failure_is_wrapped(start: StartGateway) -> None:
    """A model request fails as a sampled variant would."""
    gateway = await start(MODEL, [answer(b"no", status=400)])
    reply = await gateway.infer(model_name="m")
    assert reply.status == 502
    assert reply.error == (
        "All variants failed with errors: m: All model providers failed to infer with errors: "
        "p: Error 400 Bad Request from openai client: no"
    )


async def test_models_may_be_named_by_shorthand(start: StartGateway) -> None:
    """A model needs no configuration: provider type and name are enough."""
    gateway = await start()
    reply = await gateway.infer(model_name="dummy::alternate")
    assert reply.json()["variant_name"] == "dummy::alternate"
    row = gateway.model_rows[0]
    assert (row["model_name"], row["model_provider_name"]) == ("dummy::alternate", "dummy")


# ---- tags, episodes, namespaces


@pytest.mark.parametrize("tag", ["tensorzero::", "tensorzero::internal", "tensorzero::variant_pinned"])
async def test_reserved_tags_are_refused(start: StartGateway, tag: str) -> None:
    """Only internal requests may use the gateway's own names."""
    gateway = await start(MODEL + CHAT, [completion()])
    reply = await gateway.infer(tags={"a": "b", tag: "x"})
    assert (reply.status, reply.error) == (400, f"Tag name cannot start with 'tensorzero::': {tag}")
    reply = await gateway.infer(tags={"a": "b", tag: "x"}, internal=True)
    assert reply.status == 200
    assert gateway.chat_rows[0]["tags"] == {"a": "b", tag: "x", "tensorzero::internal": "true"}


async def test_internal_namespace_and_pin_leave_tags(start: StartGateway) -> None:
    """What the gateway knows about the request is stored with it; a pin wins over a tag of that name."""
    gateway = await start(MODEL + CHAT, [completion()])
    await gateway.infer(internal=True, namespace="ns", variant_name="v", tags={"tensorzero::x": "y"})
    assert gateway.chat_rows[0]["tags"] == {
        "tensorzero::x": "y",
        "tensorzero::internal": "true",
        "tensorzero::namespace": "ns",
        "tensorzero::variant_pinned": "v",
    }


@pytest.mark.parametrize(
    ("namespace", "message"),
    [
        ("", "Namespace identifier cannot be empty"),
        ("tensorzero::x", "Namespace cannot start with `tensorzero::`: tensorzero::x"),
    ],
)
async def test_bad_namespaces(start: StartGateway, namespace: str, message: str) -> None:
    """A namespace has a name that is not the gateway's own."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.infer(namespace=namespace)
    assert (reply.status, message in reply.error) == (400, True)


@pytest.mark.parametrize(
    ("episode_id", "message"),
    [
        ("", "episode_id: UUID parsing failed: invalid length: expected length 32"),
        ("nope", "episode_id: UUID parsing failed: invalid length: expected length 32"),
        ("01890a5d-ac96-774b-bcce-b302099a805z", "episode_id: UUID parsing failed: invalid character"),
        (
            "6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b",
            "Failed to parse UUID as v7: 6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b",
        ),
        (
            "00000000-0000-0000-0000-000000000000",
            "Failed to parse UUID as v7: 00000000-0000-0000-0000-000000000000",
        ),
        (uuid7_at(1_579_751_959_999), "Invalid Episode ID: Timestamp is too early"),
        (uuid7_at(2_500_000_000_000), "Invalid Episode ID: Timestamp is in the future"),
        (uuid7_at(9_999_999_999_999), "Invalid Episode ID: Timestamp is in the future"),
        (
            uuid7_at(10_000_000_000_000),
            f"Workflow evaluation run not found for episode id: {uuid7_at(10_000_000_000_000)}",
        ),
    ],
)
async def test_bad_episodes(start: StartGateway, episode_id: str, message: str) -> None:
    """An episode id is a UUIDv7 between 2020 and now, or one of a workflow evaluation run."""
    gateway = await start(MODEL + CHAT)
    for reply in (await gateway.infer(episode_id=episode_id),):
        assert reply.status == 400
        assert reply.error.startswith(message)
    assert gateway.network.dialled == []


async def test_good_episodes_are_kept(start: StartGateway) -> None:
    """Any form of a valid id is taken and written canonically; the current second is not the future."""
    gateway = await start(MODEL + CHAT, [completion()] * 4)
    earliest = uuid7_at(1_579_751_960_000)
    reply = await gateway.infer(episode_id=earliest)
    assert reply.json()["episode_id"] == earliest
    this_second = uuid7_at(int(time.time()) * 1000 + 999)
    assert (await gateway.infer(episode_id=this_second)).status == 200
    fresh = new_uuid7()
    for form in (fresh.upper(), f"{{{fresh}}}"):
        assert (await gateway.infer(episode_id=form)).json()["episode_id"] == fresh
    assert [row["episode_id"] for row in gateway.chat_rows[-2:]] == [fresh, fresh]


async def test_fresh_episodes_differ_from_inferences(start: StartGateway) -> None:
    """Without an episode a new one begins, with an id of its own."""
    gateway = await start(MODEL + CHAT, [completion()] * 2)
    bodies = [(await gateway.infer()).json() for _ in range(2)]
    ids = {body[key] for body in bodies for key in ("inference_id", "episode_id")}
    assert len(ids) == 4
    assert all(uuid.UUID(found).version == 7 for found in ids)


NAMESPACED = MODEL.replace('routing = ["p"]', 'routing = ["p"]\nnamespace = "ns"') + (
    '[functions.f]\ntype = "chat"\n'
    '[functions.f.variants.open]\ntype = "chat_completion"\nmodel = "dummy::alternate"\n'
    '[functions.f.variants.own]\ntype = "chat_completion"\nmodel = "m"\n'
    '[functions.f.experimentation]\ntype = "static"\ncandidate_variants = ["open"]\n'
    '[functions.f.experimentation.namespaces.ns]\ntype = "static"\ncandidate_variants = ["own"]\n'
)


async def test_a_namespace_has_its_own_variants(start: StartGateway) -> None:
    """The request's namespace chooses the experiment; unknown namespaces use the base."""
    gateway = await start(NAMESPACED, [completion()])
    chosen = [
        (await gateway.infer(**fields)).json()["variant_name"]
        for fields in ({}, {"namespace": "other"}, {"namespace": "ns"})
    ]
    assert chosen == ["open", "open", "own"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"model_name": "m"},
            "Model `m` has namespace `ns`, but the request namespace is `None`. "
            "Namespaced models can only be used with a matching namespace.",
        ),
        (
            {"model_name": "m", "namespace": "zz"},
            "Model `m` has namespace `ns`, but the request namespace is `zz`. "
            "Namespaced models can only be used with a matching namespace.",
        ),
        (
            {"variant_name": "own"},
            "Variant `own` uses model `m` which has namespace `ns`, but the request namespace is `None`. "
            "Namespaced models can only be used with a matching namespace.",
        ),
        (
            {"variant_name": "own", "namespace": "zz"},
            "Variant `own` uses model `m` which has namespace `ns`, but the request namespace is `zz`. "
            "Namespaced models can only be used with a matching namespace.",
        ),
    ],
)
async def test_namespaced_models_are_for_their_namespace(
    start: StartGateway, fields: dict[str, object], message: str
) -> None:
    """Neither by name nor by a pinned variant is a namespaced model reached from outside."""
    gateway = await start(NAMESPACED)
    reply = await gateway.infer(**fields)
    assert (reply.status, reply.error) == (400, message)
    assert gateway.network.dialled == []


async def test_namespaced_models_serve_their_namespace(start: StartGateway) -> None:
    """By name and by pin, within the namespace."""
    gateway = await start(NAMESPACED, [completion()] * 2)
    assert (await gateway.infer(model_name="m", namespace="ns")).status == 200
    assert (await gateway.infer(variant_name="own", namespace="ns")).status == 200


# ---- which error wins

PICTURE = {"type": "file", "file_type": "base64", "mime_type": "image/png", "data": "iVBORw0KGgo="}


def asking(block: dict[str, object]) -> dict[str, object]:
    """Return an input of one block."""
    return {"messages": [{"role": "user", "content": [block]}]}


UNKNOWN_VARIANT = {"variant_name": "zz", "pointer": "/a", "value": 1}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tags": {"tensorzero::x": ""}, "episode_id": "x"}, "Tag name"),
        ({"episode_id": "x", "function_name": "zz"}, "episode_id:"),
        (
            {"function_name": "zz", "input": {"system": {}}},
            "Unknown function",
        ),
        (
            {"input": {"system": {}}, "extra_body": [{"variant_name": "zz", "pointer": "/a", "value": 1}]},
            "System",
        ),
        (
            {
                "extra_body": [UNKNOWN_VARIANT],
                "internal_dynamic_variant_config": {"type": "chat_completion"},
            },
            "Unknown variant: zz",
        ),
        (
            {"internal_dynamic_variant_config": {"type": "chat_completion"}, "allowed_tools": ["zz"]},
            "If `internal_dynamic_variant_config` is used, `dryrun` must also be set to true",
        ),
        ({"allowed_tools": ["zz"], "variant_name": "zz"}, "Tool not found"),
        ({"variant_name": "zz", "include_aggregated_response": True}, "Unknown variant: zz"),
        (
            {"include_aggregated_response": True, "input": asking(PICTURE)},
            "`include_aggregated_response` is only supported in streaming mode",
        ),
        (
            {"input": asking({**PICTURE, "data": "data:x"}), "tags": {"tensorzero::x": ""}},
            "input.messages[0]",
        ),
        ({"input": asking(PICTURE), "function_name": "zz"}, "Unknown function"),
        ({"input": asking(PICTURE) | {"system": {}}}, "System"),
        ({"input": asking(PICTURE), "allowed_tools": ["zz"]}, "Tool not found"),
        ({"input": asking(PICTURE), "variant_name": "zz"}, "Unknown variant: zz"),
        ({"input": asking(PICTURE)}, "Object storage is not configured"),
    ],
)
async def test_the_order_of_checks(start: StartGateway, fields: dict[str, object], message: str) -> None:
    """Of two mistakes the one that the original finds first is told."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.infer(**fields)
    assert reply.error.startswith(message), reply.error


# ---- rows


async def test_without_observability_no_rows_are_written(
    start: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is recorded nothing is encoded: the inference is answered, and no feedback can follow."""
    written: list[Answer] = []
    monkeypatch.setattr(RowWriter, "rows", lambda _, answer: written.append(answer) or [])
    gateway = await start(MODEL + CHAT, [completion(), streamed("H", "i")], sink=NullSink())
    for stream in (False, True):
        assert (await gateway.infer(stream=stream)).status == 200
    assert written == []
