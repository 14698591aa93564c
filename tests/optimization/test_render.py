"""Tests of `tzproxy.optimization.render`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from in_process import RunningGateway, start_gateway
from tzproxy.errors import NotFoundError, RequestError
from tzproxy.optimization.render import STORED, Renderer, RenderRequest, VariantNotFoundError

TOML = """
[object_storage]
type = "filesystem"
path = "OBJECTS"
[models.m]
routing = ["p"]
[models.m.providers.p]
type = "dummy"
model_name = "good"
[functions.f]
type = "chat"
[functions.f.schemas.greet]
path = "greet.json"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
system_template = "system.jinja"
[functions.f.variants.v.templates.greet]
path = "greet.jinja"
[functions.plain]
type = "chat"
[functions.plain.variants.v]
type = "chat_completion"
model = "m"
[functions.plain.variants.best]
type = "experimental_best_of_n_sampling"
candidates = ["v"]
[functions.plain.variants.best.evaluator]
model = "m"
[functions.j]
type = "json"
output_schema = "out.json"
[functions.j.variants.v]
type = "chat_completion"
json_mode = "off"
model = "m"
"""
FILES = {
    "greet.json": '{"type":"object"}',
    "out.json": "{}",
    "greet.jinja": "Hello {{ name }}!",
    "system.jinja": "Be brief.",
}
GREETING = {"type": "template", "name": "greet", "arguments": {"name": "A"}}
INFERENCE = "01990000-0000-7000-8000-000000000001"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway with templates."""
    (tmp_path / "objects").mkdir()
    toml = TOML.replace("OBJECTS", str(tmp_path / "objects"))
    gateway = await start_gateway(tmp_path, toml, files=FILES)
    yield gateway
    await gateway.close()


@pytest.fixture
def renderer(running: RunningGateway) -> Renderer:
    """What renders with them."""
    return running.gateway._services.optimization.renderer


def stored(*blocks: Any, **fields: Any) -> Any:
    """A stored chat inference of one turn, as clients hand it back."""
    turn = {"role": "user", "content": list(blocks or [GREETING])}
    return {
        "type": "chat",
        "function_name": "f",
        "inference_id": INFERENCE,
        "episode_id": INFERENCE,
        "input": {"system": None, "messages": [turn]},
        "output": [{"type": "text", "text": "Hi"}],
        **fields,
    }


async def rendered(renderer: Renderer, *samples: Any, variants: Any = None, **fields: Any) -> list[Any]:
    """Render samples with the variants `v`; return what a client would get."""
    request = RenderRequest(
        stored_samples=[STORED.decode(msgspec.json.encode(one)) for one in samples],
        variants={"f": "v", "j": "v"} if variants is None else variants,
        **fields,
    )
    found = await renderer.render(request)
    decoded: list[Any] = msgspec.json.decode(msgspec.json.encode(found))
    return decoded


async def test_a_chat_inference(renderer: Renderer) -> None:
    """Templates are applied, and everything else is handed on."""
    tool = {"type": "function", "name": "look", "description": "d", "parameters": {}, "strict": False}
    call = {"type": "tool_call", "id": "c", "name": "look", "arguments": "{}"}
    one = stored(
        GREETING,
        {"type": "raw_text", "value": "raw"},
        dispreferred_outputs=[[{"type": "text", "text": "Bad"}]],
        additional_tools=[tool],
        tool_choice="auto",
        parallel_tool_calls=False,
        tags={"a": "b"},
    )
    one["input"]["messages"].append({"role": "assistant", "content": [call]})
    (sample,) = await rendered(renderer, one)
    assert sample == {
        "function_name": "f",
        "function_type": "chat",
        "input": {
            "system": "Be brief.",
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "Hello A!"}, {"type": "text", "text": "raw"}],
                },
                {"role": "assistant", "content": [call]},
            ],
        },
        "stored_input": {"messages": one["input"]["messages"]},
        "output": one["output"],
        "stored_output": one["output"],
        "dispreferred_outputs": one["dispreferred_outputs"],
        "episode_id": INFERENCE,
        "inference_id": INFERENCE,
        "tool_params": {
            "additional_tools": [tool],
            "tool_choice": "auto",
            "parallel_tool_calls": False,
            "provider_tools": [],
        },
        "output_schema": None,
        "tags": {"a": "b"},
    }


async def test_a_json_inference(renderer: Renderer) -> None:
    """Its output is one text, as a model has to write it."""
    outputs: list[Any] = [{"raw": "not json", "parsed": None}, {"raw": None, "parsed": None}, None]
    text = {"type": "text", "text": "q"}
    found = await rendered(
        renderer,
        *(
            stored(
                text,
                type="json",
                function_name="j",
                output=output,
                output_schema={"type": "object"},
                dispreferred_outputs=[{"raw": "{}", "parsed": {}}],
            )
            for output in outputs
        ),
    )
    assert [one["output"] for one in found] == [[{"type": "text", "text": "not json"}], None, None]
    assert found[0]["stored_output"] == outputs[0]
    assert found[0]["dispreferred_outputs"] == [[{"type": "text", "text": "{}"}]]
    assert found[0]["output_schema"] == {"type": "object"}
    assert found[0]["input"]["system"] is None


async def test_a_datapoint(renderer: Renderer) -> None:
    """It has no inference, and its episode is not handed on."""
    point = stored(id=INFERENCE, dataset_name="d", inference_id=None, output=None)
    (sample,) = await rendered(renderer, point)
    assert (sample["inference_id"], sample["episode_id"], sample["output"]) == (None, None, None)


async def test_stored_files_are_fetched(renderer: Renderer, running: RunningGateway, tmp_path: Path) -> None:
    """Their bytes are in what is trained on; a file that is gone costs its sample."""

    def image(name: str) -> dict[str, Any]:
        kind = {"type": "filesystem", "path": str(tmp_path / "objects")}
        return {
            "type": "file",
            "source_url": None,
            "mime_type": "image/png",
            "storage_path": {"kind": kind, "path": f"observability/files/{name}.png"},
        }

    folder = tmp_path / "objects" / "observability" / "files"
    folder.mkdir(parents=True)
    (folder / "here.png").write_bytes(b"PNG")
    (sample,) = await rendered(renderer, stored(image("gone")), stored(image("here")))
    (block,) = sample["input"]["messages"][0]["content"]
    assert (block["type"], block["data"], block["mime_type"]) == ("file", "UE5H", "image/png")
    (kept,) = sample["stored_input"]["messages"][0]["content"]
    assert kept["storage_path"]["path"] == "observability/files/here.png"
    assert "data" not in kept


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (stored(function_name="g"), "Missing function in variants: g"),
        (stored(input=None), "its input is not kept any more"),
        (stored({"type": "template", "name": "nope", "arguments": {}}), "nope"),
        (stored({"type": "template", "name": "greet", "arguments": {}}), "undefined value"),
        (stored(type="json", output="x"), "Expected `object`"),
    ],
)
async def test_what_fails_is_left_out(
    renderer: Renderer, caplog: pytest.LogCaptureFixture, one: Any, reason: str
) -> None:
    """It is logged; the others are rendered, in their order."""
    found = await rendered(renderer, stored(tags={"n": "1"}), one, stored(tags={"n": "2"}), concurrency=2)
    assert [sample["tags"]["n"] for sample in found] == ["1", "2"]
    (message,) = caplog.messages
    assert INFERENCE in message
    assert reason in message


async def test_variants_without_templates(renderer: Renderer, caplog: pytest.LogCaptureFixture) -> None:
    """Samples of their functions are left out, those of others are not."""
    json = stored({"type": "text", "text": "q"}, type="json", function_name="j", output=None)
    plain = stored({"type": "text", "text": "q"}, function_name="plain")
    found = await rendered(renderer, plain, json, variants={"plain": "best", "j": "v"})
    assert [sample["function_name"] for sample in found] == ["j"]
    assert "Variant best for function plain is not of type `chat_completion`" in caplog.text


@pytest.mark.parametrize(
    ("variants", "concurrency", "kind", "reason"),
    [
        ({"nope": "v"}, None, NotFoundError, "^Unknown function: nope$"),
        ({"f": "nope"}, None, VariantNotFoundError, "^Variant nope for function f not found.$"),
        ({}, 0, RequestError, "^concurrency must be at least 1$"),
    ],
)
async def test_what_cannot_be_asked(
    renderer: Renderer, variants: Any, concurrency: int | None, kind: type[RequestError], reason: str
) -> None:
    """It is refused whatever the samples are."""
    with pytest.raises(kind, match=reason):
        await rendered(renderer, variants=variants, concurrency=concurrency)
