"""Tests of `tzproxy.inference.rows`: the lines that inferences leave, byte for byte."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from in_process import (
    CHAT,
    MODEL,
    StartGateway,
    answer,
    completion,
    completion_body,
    streamed,
    tool_calls,
)
from tzproxy._speedups.rows import RowEncoder
from tzproxy.inference.rows import WRITTEN, stored_params
from tzproxy.recording.sink import MemorySink, Table
from tzproxy.types.content import (
    JsonOutput,
    Message,
    RawText,
    StoredFile,
    StoredInput,
    StoredMessage,
    SummaryText,
    Template,
    Text,
    Thought,
    ToolCall,
    ToolCallOutput,
    ToolResult,
    Unknown,
)
from tzproxy.types.params import NO_CHAT_PARAMS, NO_PARAMS, ChatParams
from tzproxy.types.rows import JSON_TEXTS, ModelInferenceRow

ENCODER = msgspec.json.Encoder()

TOOL = {"type": "function", "description": "d", "parameters": {"type": "object"}, "name": "t", "strict": True}


def keys(line: bytes) -> list[str]:
    """The keys of a row in their order."""
    return list(json.loads(line))


TEXTS = st.text(st.sampled_from('ab"\\\n\x00é😀'), max_size=40)
RAWS = TEXTS.map(lambda text: Raw(ENCODER.encode({text: [text]})))
BLOCKS = st.one_of(
    st.builds(Text, TEXTS),
    st.builds(RawText, TEXTS),
    st.builds(Template, TEXTS, st.dictionaries(TEXTS, st.integers() | TEXTS | st.none(), max_size=2)),
    st.builds(ToolCall, TEXTS, TEXTS, TEXTS),
    st.builds(ToolCallOutput, TEXTS, TEXTS, TEXTS, st.none() | TEXTS, st.none() | RAWS),
    st.builds(ToolResult, TEXTS, TEXTS, TEXTS),
    st.builds(
        Thought,
        st.none() | TEXTS,
        st.none() | TEXTS,
        st.none() | st.lists(st.builds(SummaryText, TEXTS), max_size=2),
        st.none() | TEXTS,
        st.none() | RAWS,
    ),
    st.builds(StoredFile, st.none() | TEXTS, TEXTS, RAWS),
    st.builds(Unknown, RAWS, st.none() | TEXTS),
    st.builds(JsonOutput, st.none() | TEXTS, st.none() | RAWS),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=st.lists(BLOCKS, max_size=3), system=st.none() | TEXTS | st.dictionaries(TEXTS, TEXTS))
def test_content_is_written_as_its_structs_say(content: list[Any], system: Any) -> None:
    """Whatever blocks there are: as a column's value, and within a column's text, byte for byte."""
    stored = StoredInput([StoredMessage("user", content)], system)
    shown = [Message("user", content)]
    rest = dict.fromkeys(ModelInferenceRow.__struct_fields__, None)
    values = {**rest, "system": stored, "input_messages": shown, "output": content}
    texts = {name: ENCODER.encode(values[name]).decode() for name in JSON_TEXTS}
    encode = RowEncoder(ModelInferenceRow, json_texts=JSON_TEXTS, written=WRITTEN).encode
    assert encode(tuple(values.values())) == ENCODER.encode(ModelInferenceRow(**{**values, **texts}))


def test_parameters_are_stored_as_set() -> None:
    """Nothing set is an empty object; only the 32-bit floats are rewritten."""
    assert stored_params(NO_CHAT_PARAMS) is NO_PARAMS
    assert stored_params(ChatParams(temperature=0.699999988079071, seed=7)).chat_completion == ChatParams(
        temperature=0.7, seed=7
    )


async def test_a_chat_row_without_tools(start: StartGateway) -> None:
    """The keys are those of the table; none of the tool columns is named."""
    gateway = await start(MODEL + CHAT + "temperature = 0.4\n", [completion("Hi")])
    reply = await gateway.infer(tags={"user": "42"}, params={"chat_completion": {"top_p": 0.7, "seed": 1}})
    assert isinstance(gateway.sink, MemorySink)
    (line,) = gateway.sink.lines(Table.CHAT_INFERENCE)
    assert keys(line) == [
        "id",
        "function_name",
        "variant_name",
        "episode_id",
        "input",
        "output",
        "inference_params",
        "processing_time_ms",
        "ttft_ms",
        "tags",
        "extra_body",
        "snapshot_hash",
    ]
    row = json.loads(line)
    body = reply.json()
    assert (row["id"], row["episode_id"]) == (body["inference_id"], body["episode_id"])
    assert (row["function_name"], row["variant_name"]) == ("f", "v")
    assert b'"input":{"messages":[{"role":"user","content":[{"type":"text","text":"Hello"}]}]}' in line
    assert b'"output":[{"type":"text","text":"Hi"}]' in line
    assert b'"inference_params":{"chat_completion":{"temperature":0.4,"seed":1,"top_p":0.7}}' in line
    assert (row["tags"], row["extra_body"], row["ttft_ms"]) == ({"user": "42"}, [], None)
    assert row["processing_time_ms"] >= 0
    assert row["snapshot_hash"].isdigit()


async def test_parameters_of_variants_and_of_requests_in_turn(start: StartGateway) -> None:
    """A variant's own parameters are stored again as they were, whatever a request in between has set."""
    toml = (
        MODEL
        + CHAT
        + "temperature = 0.7\n"
        + CHAT.replace('[functions.f]\ntype = "chat"\n', "").replace("variants.v", "variants.w")
    )
    gateway = await start(toml, [completion() for _ in range(5)])
    own, set_by_request = {"temperature": 0.7}, {"temperature": 0.2, "seed": 3}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("v", {}),
        ("w", {}),
        ("v", set_by_request),
        ("v", {}),
        ("w", {}),
    ]
    for variant_name, params in asked:
        reply = await gateway.infer(variant_name=variant_name, params={"chat_completion": params})
        assert reply.status == 200
    stored = [row["inference_params"]["chat_completion"] for row in gateway.chat_rows]
    assert stored == [own, {}, set_by_request, own, {}]


async def test_a_chat_row_with_tools(start: StartGateway) -> None:
    """The tool columns hold the old form, the brought tools as texts, the restriction and the choice."""
    toml = (
        MODEL
        + CHAT.replace('type = "chat"\n', 'type = "chat"\ntools = ["own"]\n', 1)
        + '[tools.own]\ndescription = "Own"\nparameters = "own.json"\n'
    )
    gateway = await start(
        toml, [completion(), completion(), completion()], files={"own.json": '{"type": "object"}'}
    )
    await gateway.infer()
    row = gateway.chat_rows[0]
    assert row["tool_params"] == {
        "tools_available": [
            {"description": "Own", "parameters": {"type": "object"}, "name": "own", "strict": False}
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": None,
    }
    assert (row["dynamic_tools"], row["dynamic_provider_tools"]) == ([], [])
    assert row["allowed_tools"] == {"tools": ["own"], "choice": "function_default"}
    assert row["tool_choice"] == "auto"
    assert "parallel_tool_calls" not in row

    custom = {"type": "openai_custom", "name": "c", "description": "d", "format": {"type": "text"}}
    reply = await gateway.infer(
        additional_tools=[TOOL, custom],
        allowed_tools=["own", "t"],
        tool_choice={"specific": "t"},
        parallel_tool_calls=False,
        provider_tools=[{"tool": {"type": "x"}, "scope": {"model_name": "other"}}],
    )
    assert reply.status == 200
    row = gateway.chat_rows[1]
    available = row["tool_params"]["tools_available"]
    assert [tool["name"] for tool in available] == ["own", "t"]
    assert row["tool_params"]["tool_choice"] == {"specific": "t"}
    assert row["dynamic_tools"] == [
        '{"type":"function","description":"d","parameters":{"type":"object"},"name":"t","strict":true}',
        '{"type":"openai_custom","name":"c","description":"d","format":{"type":"text"}}',
    ]
    assert row["dynamic_provider_tools"] == ['{"scope":{"model_name":"other"},"tool":{"type":"x"}}']
    assert row["allowed_tools"] == {"tools": ["own", "t"], "choice": "explicit"}
    assert row["tool_choice"] == {"specific": "t"}
    assert row["parallel_tool_calls"] is False


async def test_a_json_row(start: StartGateway) -> None:
    """Both keys of the output are there, other blocks are auxiliary, the schema keeps its key order."""
    toml = MODEL + CHAT.replace('"chat"\n', '"json"\noutput_schema = "out.json"\n', 1) + 'json_mode = "on"\n'
    gateway = await start(
        toml,
        [completion('{"b":1}', reasoning_content="hm")],
        files={"out.json": '{"type": "object", "required": ["b"]}'},
    )
    reply = await gateway.infer()
    assert reply.status == 200
    assert isinstance(gateway.sink, MemorySink)
    (line,) = gateway.sink.lines(Table.JSON_INFERENCE)
    assert keys(line) == [
        "id",
        "function_name",
        "variant_name",
        "episode_id",
        "input",
        "output",
        "auxiliary_content",
        "output_schema",
        "inference_params",
        "processing_time_ms",
        "ttft_ms",
        "tags",
        "extra_body",
        "snapshot_hash",
    ]
    assert b'"output":{"raw":"{\\"b\\":1}","parsed":{"b":1}}' in line
    assert b'"output_schema":{"type":"object","required":["b"]}' in line
    assert json.loads(line)["auxiliary_content"][0]["text"] == "hm"
    assert gateway.chat_rows == []


@pytest.mark.parametrize("schema", ["x", 5, True, {"type": "zzz"}])
async def test_schemas_of_requests(start: StartGateway, schema: object) -> None:
    """Whatever was sent as a schema can be read back as JSON: no row spoils the lists that it is in."""
    toml = MODEL + CHAT.replace('"chat"\n', '"json"\n', 1) + 'json_mode = "off"\n'
    gateway = await start(toml, [completion("{}")])
    reply = await gateway.infer(output_schema=schema)
    assert reply.status == 200
    assert isinstance(gateway.sink, MemorySink)
    (line,) = gateway.sink.lines(Table.JSON_INFERENCE)
    stored = json.loads(line)["output_schema"]
    # A column of text takes other values than texts as they are written.
    assert (json.loads(stored) if isinstance(stored, str) else stored) == schema


async def test_a_model_row(start: StartGateway) -> None:
    """What was sent and received is kept as text, messages and output as JSON texts."""
    body = json.dumps(completion_body("Hi"))
    gateway = await start(MODEL + CHAT, [answer(body.encode())])
    reply = await gateway.infer(
        input={"system": "Be brief.", "messages": [{"role": "user", "content": "Hello"}]}
    )
    assert isinstance(gateway.sink, MemorySink)
    (line,) = gateway.sink.lines(Table.MODEL_INFERENCE)
    row = json.loads(line)
    assert row.pop("id") != row.pop("inference_id") == reply.json()["inference_id"]
    assert row.pop("response_time_ms") >= 0
    assert row.pop("snapshot_hash").isdigit()
    assert row == {
        "raw_request": '{"messages":[{"role":"system","content":"Be brief."},'
        '{"role":"user","content":"Hello"}],"model":"gpt","stream":false}',
        "raw_response": body,
        "model_name": "m",
        "model_provider_name": "p",
        "input_tokens": 3,
        "output_tokens": 5,
        "ttft_ms": None,
        "system": "Be brief.",
        "input_messages": '[{"role":"user","content":[{"type":"text","text":"Hello"}]}]',
        "output": '[{"type":"text","text":"Hi"}]',
        "cached": False,
        "finish_reason": "stop",
        "cost": None,
        "provider_cache_read_input_tokens": None,
        "provider_cache_write_input_tokens": None,
        "function_name": "f",
        "variant_name": "v",
    }


@pytest.mark.parametrize(
    ("usage", "answered", "stored"),
    [
        ({"prompt_tokens": 0, "completion_tokens": 0}, (0, 0), (None, None)),
        (None, (None, None), (None, None)),
        ({"prompt_tokens": 0, "completion_tokens": 7}, (0, 7), (None, 7)),
    ],
)
async def test_no_tokens_are_stored_as_unknown(
    start: StartGateway, usage: Any, answered: object, stored: object
) -> None:
    """A count of zero is null in the row and zero in the answer."""
    body = {**completion_body(), "usage": usage}
    gateway = await start(MODEL + CHAT, [answer(json.dumps(body).encode())])
    found = (await gateway.infer()).json()["usage"]
    assert (found["input_tokens"], found["output_tokens"]) == answered
    row = gateway.model_rows[0]
    assert (row["input_tokens"], row["output_tokens"]) == stored


async def test_cached_prompt_tokens(start: StartGateway) -> None:
    """What the provider read from its cache is answered and stored."""
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}}
    body = {**completion_body(), "usage": usage}
    gateway = await start(MODEL + CHAT, [answer(json.dumps(body).encode())])
    assert (await gateway.infer()).json()["usage"]["provider_cache_read_input_tokens"] == 4
    assert gateway.model_rows[0]["provider_cache_read_input_tokens"] == 4


async def test_a_streams_rows(start: StartGateway) -> None:
    """A stream leaves the same rows as a whole answer, with the time of its first piece."""
    gateway = await start(MODEL + CHAT, [streamed("H", "i")])
    await gateway.infer(stream=True)
    chat, model = gateway.chat_rows[0], gateway.model_rows[0]
    assert chat["output"] == [{"type": "text", "text": "Hi"}]
    assert chat["ttft_ms"] is not None
    assert model["ttft_ms"] is not None
    assert model["response_time_ms"] >= model["ttft_ms"]
    assert model["raw_response"].count("\n") == 3
    assert (model["input_tokens"], model["output_tokens"], model["finish_reason"]) == (3, 5, "stop")


async def test_rows_of_one_inference_are_one_record(start: StartGateway) -> None:
    """The inference and its model calls are handed over together, the inference first."""
    handed: list[list[Table]] = []

    class Sink(MemorySink):
        def accept(self, rows: Any) -> int:
            handed.append([table for table, _ in rows])
            return super().accept(rows)

    gateway = await start(MODEL + CHAT, [completion(tool_calls=tool_calls(("a", "{}")))], sink=Sink())
    await gateway.infer()
    assert handed == [[Table.CHAT_INFERENCE, Table.MODEL_INFERENCE]]
