"""JSON Schemas: drafts, wording, and that nothing is ever fetched."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tzproxy.errors import ConfigError, RequestError, SchemaValidationError
from tzproxy.prompts import JsonSchema

_PERSON = b"""{
  "type": "object",
  "required": ["name"],
  "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 3}},
  "additionalProperties": false
}"""


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("hi", '"hi" is not of type "object"'),
        ({}, '"name" is a required property'),
        ({"name": "x", "z": 1}, "Additional properties are not allowed ('z' was unexpected)"),
        ({"name": "x", "age": 1}, "1 is less than the minimum of 3"),
    ],
)
def test_one_finding_with_the_schema_below(value: object, message: str) -> None:
    """A value that does not fit yields one finding and the compact schema, keys in their order."""
    with pytest.raises(SchemaValidationError) as caught:
        JsonSchema(_PERSON, key="s").validate(value)
    assert caught.value.message == (
        f"JSON Schema validation failed:\n{message}\n\nSchema:\n"
        '{"type":"object","required":["name"],"properties":{"name":{"type":"string"},'
        '"age":{"type":"integer","minimum":3}},"additionalProperties":false}'
    )
    assert caught.value.status == 400


def test_the_value_is_shown_on_demand_only() -> None:
    """The offending value stands in the text only where the caller asks for it."""
    schema = JsonSchema(b'{"enum":["a","b"]}', key="s")
    with pytest.raises(SchemaValidationError) as caught:
        schema.validate("secret", show_value=True)
    assert caught.value.message == (
        'JSON Schema validation failed:\n"secret" is not one of "a" or "b"\n\nData:\n"secret"\n\n'
        'Schema:\n{"enum":["a","b"]}'
    )


def test_fitting_values_pass() -> None:
    """A whole float is an integer; `is_valid` agrees with `validate`."""
    schema = JsonSchema(_PERSON.decode(), key="s")
    schema.validate({"name": "x", "age": 4.0})
    assert schema.is_valid({"name": "x", "age": 4.0})
    assert not schema.is_valid({"name": "x", "age": 4.5})
    assert schema.value["required"] == ["name"]  # type: ignore[index]
    assert schema.raw.startswith(b'{"type":"object","required"')


def test_boolean_schemas() -> None:
    """`true` takes everything, `false` nothing."""
    JsonSchema(b"true", key="s").validate(1)
    with pytest.raises(SchemaValidationError, match="False schema does not allow 1"):
        JsonSchema(b"false", key="s").validate(1)


@pytest.mark.parametrize(
    ("draft", "asserted"),
    [
        ("http://json-schema.org/draft-04/schema#", True),
        ("http://json-schema.org/draft-06/schema#", True),
        ("http://json-schema.org/draft-07/schema#", True),
        ("https://json-schema.org/draft/2019-09/schema", False),
        ("https://json-schema.org/draft/2020-12/schema", False),
        (None, False),
    ],
)
def test_formats_bind_in_old_drafts_only(draft: str | None, asserted: bool) -> None:
    """`format` is checked up to draft 7 and ignored afterwards; 2020-12 is the default."""
    value: dict[str, Any] = {"type": "string", "format": "email"}
    schema = JsonSchema.dynamic({"$schema": draft, **value} if draft else value)
    assert schema.is_valid("no address") is not asserted


def test_default_draft_is_2020_12() -> None:
    """Without `$schema` the keywords of 2020-12 count and those of older drafts do not."""
    schema = JsonSchema(b'{"prefixItems":[{"type":"string"}]}', key="s")
    assert not schema.is_valid([1])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"{", "Failed to parse JSON Schema `k.json`: "),
        (b"", "Failed to parse JSON Schema `k.json`: "),
        (b"\xff", "Failed to parse JSON Schema `k.json`: "),
        (b'"x"', 'Failed to compile JSON Schema `k.json`: "x" is not of types "boolean", "object"'),
        (b"[1]", 'Failed to compile JSON Schema `k.json`: [1] is not of types "boolean", "object"'),
        (b'{"type":"strin"}', 'Failed to compile JSON Schema `k.json`: "strin" is not valid under any'),
        (b'{"$schema":"http://x.invalid/y"}', "Unknown meta-schema: 'http://x.invalid/y'"),
        (b'{"$ref":"#/nope"}', "Failed to compile JSON Schema `k.json`: Pointer '/nope' does not exist"),
    ],
)
def test_what_is_no_schema_is_refused_at_load(text: bytes, problem: str) -> None:
    """Broken JSON and broken schemas name the file and the reason."""
    with pytest.raises(ConfigError) as caught:
        JsonSchema(text, key="k.json")
    assert problem in caught.value.problems[0]


@pytest.mark.parametrize(
    "reference", ["http://127.0.0.1:9/s.json", "https://x.invalid/s", "file:///etc/hostname", "b.json"]
)
def test_external_references_are_never_fetched(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema that points outside itself does not compile, and nothing is opened to find that out."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(ConfigError, match="is not present in a registry") as caught:
        JsonSchema(f'{{"$ref":"{reference}"}}', key="s")
    assert "error sending request" not in caught.value.message
    assert "No such file" not in caught.value.message


def test_references_inside_of_the_schema_work() -> None:
    """`$defs` and recursion need no fetching."""
    schema = JsonSchema(
        b'{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}}}}}',
        key="s",
    )
    assert schema.is_valid({"n": {"n": {}}})
    assert not schema.is_valid({"n": {"n": 1}})


def test_schema_of_a_client_is_the_clients_fault() -> None:
    """A schema that arrives with a request fails as the request's error."""
    assert JsonSchema.dynamic({"type": "integer"}).is_valid(1)
    with pytest.raises(RequestError) as caught:
        JsonSchema.dynamic({"type": 5})
    assert caught.value.status == 400
    assert caught.value.message.startswith("Error in compiling client-provided JSON schema: 5 is not valid")
    with pytest.raises(RequestError):
        JsonSchema.dynamic("true")
