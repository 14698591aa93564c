"""Tests of `tzproxy.inference.input`: from the wire to the stored form, and checks against schemas."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from in_process import MODEL, StartGateway, completion
from tzproxy.errors import RequestError, SchemaValidationError
from tzproxy.inference.files import FileStore
from tzproxy.inference.input import InputChecks, ReadInput, read_input
from tzproxy.prompts import JsonSchema
from tzproxy.types.request import Input


def read(*blocks: dict[str, Any], role: str = "user") -> ReadInput:
    """Read one message of blocks."""
    wire = {"messages": [{"role": role, "content": list(blocks)}]}
    return read_input(_decoded(wire), FileStore("disabled"))


def _decoded(wire: object) -> Input:
    return msgspec.json.decode(msgspec.json.encode(wire), type=Input)


def stored(*blocks: dict[str, Any], role: str = "user") -> list[Any]:
    """Read one message of blocks and give its stored form."""
    decoded = msgspec.json.decode(msgspec.json.encode(read(*blocks, role=role).stored))
    content: list[Any] = decoded["messages"][0]["content"]
    return content


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "text", "text": ""}, {"type": "text", "text": ""}),
        (
            {"type": "text", "arguments": {"b": 1, "a": 2}},
            {"type": "template", "name": "user", "arguments": {"b": 1, "a": 2}},
        ),
        (
            {"type": "template", "name": "n", "arguments": {}},
            {"type": "template", "name": "n", "arguments": {}},
        ),
        ({"type": "raw_text", "value": "{{ x }}"}, {"type": "raw_text", "value": "{{ x }}"}),
        (
            {"type": "tool_call", "id": "1", "name": "n", "arguments": '{"a" : 1}'},
            {"type": "tool_call", "id": "1", "name": "n", "arguments": '{"a" : 1}'},
        ),
        (
            {"type": "tool_call", "id": "1", "name": "n", "arguments": {"b": 1, "a": [1.0]}},
            {"type": "tool_call", "id": "1", "name": "n", "arguments": '{"b":1,"a":[1.0]}'},
        ),
        (
            {"type": "tool_call", "id": "1", "raw_name": "r", "raw_arguments": "{", "name": None},
            {"type": "tool_call", "id": "1", "name": "r", "arguments": "{"},
        ),
        (
            {
                "type": "tool_call",
                "id": "1",
                "raw_name": "r",
                "raw_arguments": "{}",
                "name": "n",
                "arguments": {"a": 1},
            },
            {"type": "tool_call", "id": "1", "name": "n", "arguments": '{"a":1}'},
        ),
        (
            {
                "type": "tool_call",
                "id": "1",
                "raw_name": "r",
                "raw_arguments": "{}",
                "name": "n",
                "arguments": None,
            },
            {"type": "tool_call", "id": "1", "name": "r", "arguments": "{}"},
        ),
        (
            {"type": "tool_result", "id": "1", "name": "n", "result": "r"},
            {"type": "tool_result", "name": "n", "result": "r", "id": "1"},
        ),
        ({"type": "thought"}, {"type": "thought", "text": None}),
        (
            {
                "type": "thought",
                "text": "t",
                "signature": "s",
                "summary": [{"type": "summary_text", "text": "x"}],
                "_internal_provider_type": "openai",
                "extra_data": {"a": None},
            },
            {
                "type": "thought",
                "text": "t",
                "signature": "s",
                "summary": [{"type": "summary_text", "text": "x"}],
                "provider_type": "openai",
                "extra_data": {"a": None},
            },
        ),
        ({"type": "unknown", "data": None}, {"type": "unknown", "data": None}),
        (
            {"type": "unknown", "data": 1, "model_name": "m", "provider_name": "p"},
            {"type": "unknown", "data": 1, "model_name": "m", "provider_name": "p"},
        ),
        (
            {
                "type": "unknown",
                "data": 1,
                "model_provider_name": "tensorzero::model_name::a::b::provider_name::p",
            },
            {"type": "unknown", "data": 1, "model_name": "a::b", "provider_name": "p"},
        ),
    ],
)
def test_blocks_are_stored(block: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each kind of block has its stored form, keys in the column's order."""
    (found,) = stored(block)
    assert found == expected
    assert list(found) == list(expected)


def test_arguments_of_a_role_are_named_after_it() -> None:
    """The old form of template arguments means the template of the message's role."""
    assert stored({"type": "text", "arguments": {}}, role="assistant")[0]["name"] == "assistant"
    wire = _decoded({"messages": [{"role": "assistant", "content": {"a": 1}}]})
    content = read_input(wire, FileStore()).stored.messages[0].content
    assert msgspec.to_builtins(content) == [{"type": "template", "name": "assistant", "arguments": {"a": 1}}]


def test_text_and_system_forms() -> None:
    """A string is one text block; the system text or its arguments are kept as they are, or left out."""
    wire = _decoded({"system": {"tone": "dry"}, "messages": [{"role": "user", "content": "x"}]})
    assert msgspec.json.encode(read_input(wire, FileStore()).stored) == (
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"system":{"tone":"dry"}}'
    )
    assert msgspec.json.encode(read_input(_decoded({}), FileStore()).stored) == b'{"messages":[]}'


@pytest.mark.parametrize(
    ("content", "verbatim"),
    [
        ("x", True),
        ([], True),
        ([{"type": "text", "text": "x"}, {"type": "thought", "text": "t"}], True),
        ([{"type": "tool_result", "id": "1", "name": "n", "result": "r"}], True),
        ({"a": 1}, False),
        ([{"type": "text", "arguments": {}}], False),
        ([{"type": "template", "name": "n", "arguments": {}}], False),
        ([{"type": "raw_text", "value": "x"}], False),
        ([{"type": "file", "url": "https://a.invalid/b.png"}], False),
    ],
)
def test_what_models_may_get_as_it_is_stored(content: object, verbatim: bool) -> None:
    """Only templates, raw text and files have two forms; one of them anywhere is enough."""
    messages = [{"role": "user", "content": "first"}, {"role": "user", "content": content}]
    assert read_input(_decoded({"messages": messages}), FileStore()).verbatim is verbatim
    told = read_input(_decoded({"messages": messages, "system": {"a": 1}}), FileStore())
    assert told.verbatim is False


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"type": "text"}, "Expected exactly one other key in text content, found 0 other keys"),
        (
            {"type": "text", "text": "a", "arguments": {}},
            "Expected exactly one other key in text content, found 2 other keys",
        ),
        ({"type": "tool_call", "id": "1"}, "missing field `name`"),
        ({"type": "tool_call", "id": "1", "name": "n"}, "missing field `arguments`"),
        ({"type": "tool_call", "id": "1", "raw_name": "n"}, "missing field `arguments`"),
        (
            {"type": "tool_call", "id": "1", "name": "n", "arguments": 5},
            "Error deserializing `arguments`: expected a string or an object",
        ),
        (
            {"type": "tool_call", "id": "1", "name": "n", "arguments": [1]},
            "Error deserializing `arguments`: expected a string or an object",
        ),
    ],
)
def test_bad_blocks_are_refused_with_their_place(block: dict[str, Any], message: str) -> None:
    """The path of the block stands before the reason."""
    with pytest.raises(RequestError) as caught:
        read({"type": "text", "text": "fine"}, block)
    assert caught.value.message == f"input.messages[0].content[1]: {message}"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"model_provider_name": "tensorzero::model_name::a::provider_name::p", "model_name": "a"},
            "Cannot specify both `model_provider_name` and `model_name`/`provider_name`",
        ),
        ({"model_provider_name": "a"}, "Invalid `model_provider_name`: a"),
        (
            {"model_provider_name": "tensorzero::model_name::a"},
            "Invalid `model_provider_name`: tensorzero::model_name::a",
        ),
    ],
)
def test_bad_scopes_of_unknown_blocks(fields: dict[str, str], message: str) -> None:
    """The old and the new way of naming a provider do not mix, and the old one has a form."""
    with pytest.raises(RequestError) as caught:
        read({"type": "unknown", "data": 1, **fields})
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("block", "is_filtered"),
    [
        ({"type": "text", "text": "a"}, False),
        ({"type": "thought", "text": "a"}, False),
        ({"type": "thought", "text": "a", "provider_type": "openai"}, True),
        ({"type": "unknown", "data": 1}, False),
        ({"type": "unknown", "data": 1, "provider_name": "p"}, True),
    ],
)
def test_inputs_with_blocks_for_some_providers_are_marked(block: dict[str, Any], is_filtered: bool) -> None:
    """Only such inputs are looked through for each provider."""
    assert read(block, {"type": "text", "text": "b"}).filtered is is_filtered


# ---- checks


OBJECT = JsonSchema(
    b'{"type":"object","required":["a"],"additionalProperties":false,"properties":{"a":{}}}', key="k"
)
STRING = JsonSchema(b'{"type":"string","maxLength":3}', key="k")


def check(checks: InputChecks, *blocks: dict[str, Any], system: object = None, role: str = "user") -> None:
    """Check an input."""
    wire: dict[str, Any] = {"messages": [{"role": role, "content": list(blocks)}]}
    if system is not None:
        wire["system"] = system
    checks.check(read_input(_decoded(wire), FileStore()).stored)


def test_text_is_checked_against_the_schema_of_its_role() -> None:
    """A text is validated as a string: an object schema rejects it, a string schema may take it."""
    checks = InputChecks({"user": OBJECT, "assistant": STRING}, frozenset({"user"}))
    check(checks, {"type": "text", "text": "abc"}, role="assistant")
    with pytest.raises(SchemaValidationError):
        check(checks, {"type": "text", "text": "abcd"}, role="assistant")
    with pytest.raises(SchemaValidationError) as caught:
        check(checks, {"type": "text", "text": "abc"})
    assert caught.value.message == (
        'JSON Schema validation failed:\n"abc" is not of type "object"\n\nSchema:\n'
        '{"type":"object","required":["a"],"additionalProperties":false,"properties":{"a":{}}}'
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [({}, '"a" is a required property'), ({"a": 1, "b": 2}, "('b' was unexpected)")],
)
def test_template_arguments_must_fit(arguments: dict[str, object], reason: str) -> None:
    """Missing and extra arguments are refused with the schema's complaint."""
    checks = InputChecks({"user": OBJECT}, frozenset({"user"}))
    check(checks, {"type": "text", "arguments": {"a": 1}})
    for block in (
        {"type": "text", "arguments": arguments},
        {"type": "template", "name": "user", "arguments": arguments},
    ):
        with pytest.raises(SchemaValidationError) as caught:
            check(checks, block)
        assert reason in caught.value.message
        assert (caught.value.status, caught.value.code) == (400, "json_schema_validation")


def test_arguments_need_a_template_somewhere() -> None:
    """Without a schema, arguments are taken only if some variant has a template for them."""
    checks = InputChecks({}, frozenset({"n", "system"}))
    check(checks, {"type": "template", "name": "n", "arguments": {"any": 1}}, system={"any": 1})
    with pytest.raises(RequestError) as caught:
        check(checks, {"type": "text", "text": ""}, {"type": "template", "name": "zz", "arguments": {}})
    assert caught.value.message == (
        "Message at index 0 has non-string content but there is no template `zz` in any variant"
    )
    with pytest.raises(RequestError) as caught:
        check(InputChecks({}, frozenset()), system={"a": 1})
    assert caught.value.message == (
        "System message has non-string content but there is no template `system` in any variant"
    )


def test_a_system_schema_demands_a_system() -> None:
    """An absent system is refused, text and arguments are validated."""
    checks = InputChecks({"system": STRING}, frozenset())
    check(checks, system="abc")
    with pytest.raises(SchemaValidationError):
        check(checks, system="abcd")
    with pytest.raises(SchemaValidationError):
        check(checks, system={"a": 1})
    with pytest.raises(RequestError) as caught:
        check(checks)
    assert caught.value.message == "`input.system` is empty but a system template is present."


def test_other_blocks_are_never_checked() -> None:
    """Raw text, calls, results, thoughts and unknown blocks pass any schema."""
    checks = InputChecks({"user": OBJECT}, frozenset())
    check(
        checks,
        {"type": "raw_text", "value": "x"},
        {"type": "tool_call", "id": "1", "name": "n", "arguments": "{}"},
        {"type": "tool_result", "id": "1", "name": "n", "result": "r"},
        {"type": "thought", "text": "t"},
        {"type": "unknown", "data": 1},
    )


def test_the_first_failure_wins() -> None:
    """System comes before messages, messages in their order."""
    checks = InputChecks({"system": STRING, "user": STRING}, frozenset())
    with pytest.raises(SchemaValidationError, match="sys-tem"):
        check(checks, {"type": "text", "text": "user-long"}, system="sys-tem")
    with pytest.raises(SchemaValidationError, match="first"):
        check(checks, {"type": "text", "text": "first"}, {"type": "text", "text": "second"}, system="s")


TEMPLATED = (
    MODEL
    + """
[functions.f]
type = "chat"
schemas.case.path = "case.json"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
templates.case.path = "case.minijinja"
templates.free.path = "free.minijinja"
"""
)
FILES = {
    "case.json": '{"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}',
    "case.minijinja": "Case {{ id }}",
    "free.minijinja": "Free {{ x }}",
}


async def test_templates_from_request_to_rows(start: StartGateway) -> None:
    """The provider and ModelInference see rendered text, ChatInference the arguments."""
    gateway = await start(TEMPLATED, [completion()], files=FILES)
    content = [
        {"type": "template", "name": "case", "arguments": {"id": 7}},
        {"type": "template", "name": "free", "arguments": {"x": "y"}},
    ]
    reply = await gateway.infer(input={"messages": [{"role": "user", "content": content}]})
    assert reply.status == 200
    texts = [{"type": "text", "text": "Case 7"}, {"type": "text", "text": "Free y"}]
    assert gateway.sent[0]["messages"] == [{"role": "user", "content": texts}]
    assert gateway.chat_rows[0]["input"]["messages"][0]["content"] == content
    assert msgspec.json.decode(gateway.model_rows[0]["input_messages"])[0]["content"] == texts


async def test_bad_template_arguments_over_http(start: StartGateway) -> None:
    """Missing arguments are a 400 with the schema, and nobody is asked."""
    gateway = await start(TEMPLATED, files=FILES)
    content = [{"type": "template", "name": "case", "arguments": {}}]
    reply = await gateway.infer(input={"messages": [{"role": "user", "content": content}]})
    assert reply.status == 400
    assert reply.error == (
        'JSON Schema validation failed:\n"id" is a required property\n\nSchema:\n'
        '{"type":"object","required":["id"],"properties":{"id":{"type":"integer"}}}'
    )
    assert gateway.network.dialled == []
