"""Tests of `tzproxy.types.request`: what the decoder of `/inference` takes and refuses."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET, Raw

from tzproxy.types.request import InferenceRequest, given

DECODER = msgspec.json.Decoder(InferenceRequest)
MESSAGE = '{"input": {"messages": [{"role": "user", "content": [%s]}]}}'


def test_null_and_absent_values_are_not_given() -> None:
    """A JSON value field tells a value from null and from nothing."""
    assert given(UNSET) is None
    assert given(Raw(b"null")) is None
    assert given(Raw(b"false")) == Raw(b"false")


@pytest.mark.parametrize("field", ["output_schema", "internal_dynamic_variant_config"])
def test_json_fields_may_be_null(field: str) -> None:
    """Sending null for a JSON value is sending none."""
    request = DECODER.decode(f'{{"input": {{}}, "{field}": null}}')
    assert given(getattr(request, field)) is None


def test_defaults_of_an_almost_empty_request() -> None:
    """Only `input` is required; an input may be empty."""
    request = DECODER.decode(b'{"input": {}}')
    assert request.input.messages == []
    assert (request.stream, request.dryrun, request.internal, request.tags) == (None, None, False, {})
    assert request.cache_options.enabled == "off"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("{}", "Object missing required field `input`"),
        ('{"input": []}', "Expected `object`, got `array` - at `$.input`"),
        ('{"input": {"zz": 1}}', "unknown field `zz` - at `$.input`"),
        ('{"input": {}, "zz": 1}', "unknown field `zz`"),
        ('{"input": {}, "tags": {"a": 1}}', "Expected `str`, got `int` - at `$.tags[...]`"),
        ('{"input": {}, "stream": "yes"}', "Expected `bool | null`, got `str` - at `$.stream`"),
        ('{"input": {}, "params": {"zz": {}}}', "unknown field `zz` - at `$.params`"),
        ('{"input": {"messages": [{"role": "system", "content": ""}]}}', "Invalid enum value 'system'"),
        (
            '{"input": {"messages": [{"role": "user"}]}}',
            "required field `content` - at `$.input.messages[0]`",
        ),
        (
            '{"input": {"messages": [{"role": "user", "content": 5}]}}',
            "Expected `str | object | array`, got `int` - at `$.input.messages[0].content`",
        ),
        ('{"input": {"messages": [{"role": "user", "content": "", "zz": 1}]}}', "unknown field `zz`"),
        (MESSAGE % '{"text": "x"}', "required field `type` - at `$.input.messages[0].content[0]`"),
        (MESSAGE % '{"type": "zz"}', "Invalid value 'zz' - at `$.input.messages[0].content[0].type`"),
        (MESSAGE % '{"type": "text", "text": []}', "Expected `str`, got `array`"),
        (MESSAGE % '{"type": "text", "text": "", "zz": 1}', "unknown field `zz`"),
        (MESSAGE % '{"type": "template", "name": "n"}', "required field `arguments`"),
        (MESSAGE % '{"type": "tool_result", "id": "1", "name": "n", "result": 1}', "got `int`"),
        (MESSAGE % '{"type": "unknown"}', "required field `data`"),
        (MESSAGE % '{"type": "file", "file_type": "zz"}', "Invalid enum value 'zz'"),
        ('{"input": {}, "tool_choice": "off"}', "Invalid enum value 'off' - at `$.tool_choice`"),
        ('{"input": {}, "tool_choice": {"specific": "a", "b": 1}}', "unknown field `b`"),
        ('{"input": {}, "additional_tools": [{"name": "a", "zz": 1}]}', "unknown field `zz`"),
        ('{"input": {}, "cache_options": {"enabled": "maybe"}}', "Invalid enum value 'maybe'"),
        ('{"input": {}, "provider_tools": [{}]}', "required field `tool` - at `$.provider_tools[0]`"),
        ('{"input": {}, "extra_body": [{"value": 1}]}', "required field `pointer` - at `$.extra_body[0]`"),
        ('{"input": {}, "extra_headers": [{"value": "1"}]}', "required field `name`"),
        ('{"input": {}, "extra_body": [{"pointer": "/a", "value": 1, "zz": 1}]}', "unknown field `zz`"),
    ],
)
def test_bad_shapes_are_refused(body: str, complaint: str) -> None:
    """What has the wrong shape is named with its path."""
    with pytest.raises(msgspec.ValidationError) as caught:
        DECODER.decode(body)
    assert complaint in str(caught.value)


def test_every_kind_of_block_is_read() -> None:
    """All blocks of the API decode, unknown keys of the tolerant kinds included."""
    blocks = [
        '{"type": "text", "text": "x"}',
        '{"type": "text", "arguments": {"a": 1}}',
        '{"type": "template", "name": "n", "arguments": {}}',
        '{"type": "raw_text", "value": "x"}',
        '{"type": "tool_call", "id": "1", "name": "n", "arguments": {"a": 1}, "zz": 1}',
        '{"type": "tool_call", "id": "1", "raw_name": "n", "raw_arguments": "{", "name": null}',
        '{"type": "tool_result", "id": "1", "name": "n", "result": "r"}',
        '{"type": "thought", "text": null, "_internal_provider_type": "openai", "zz": 1}',
        '{"type": "file", "file_type": "url", "url": "http://h/x.png", "detail": "low"}',
        '{"type": "image", "url": "http://h/x.png"}',
        '{"type": "file", "data": "QQ==", "mime_type": "a/b"}',
        '{"type": "unknown", "data": {"a": null}}',
    ]
    request = DECODER.decode(MESSAGE % ", ".join(blocks))
    content = request.input.messages[0].content
    assert isinstance(content, list)
    assert [type(block).__name__ for block in content] == [
        "TextInput",
        "TextInput",
        "TemplateInput",
        "RawTextInput",
        "ToolCallInput",
        "ToolCallInput",
        "ToolResultInput",
        "ThoughtInput",
        "FileInput",
        "ImageInput",
        "FileInput",
        "UnknownInput",
    ]
