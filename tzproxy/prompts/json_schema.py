"""Compiled JSON Schemas.

Owns the choice of draft, the wording of load errors and of validation errors. Never fetches a reference: a
schema that points outside itself does not compile. `is_valid` and `validate` are hot (tool arguments, JSON
output, template arguments); construction is not.
"""

from __future__ import annotations

import json
from typing import NoReturn

import jsonschema_rs
import msgspec

from tzproxy.errors import ConfigError, RequestError, SchemaValidationError
from tzproxy.prompts.schema_patterns import spelled_out

_DECODER = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()


class _UncompilableSchemaError(Exception):
    """The value is JSON, but not a schema."""


def _refuse_reference(uri: str) -> NoReturn:
    """Stand in for the engine's own retriever, which would go to the network or to the disk."""
    raise ValueError("external references are not fetched")


def _compiled(schema: object) -> tuple[jsonschema_rs.Validator, dict[str, str]]:
    """Compile a schema; also return which of its patterns the spelled-out ones are."""
    if isinstance(schema, dict):
        try:
            spelled, changed = spelled_out(schema)
            if changed:
                return _compile(spelled), changed
        except (RecursionError, _UncompilableSchemaError):
            # What is wrong is told of the schema as it is.
            pass
    return _compile(schema), {}


def _compile(schema: object) -> jsonschema_rs.Validator:
    if not isinstance(schema, dict | bool):
        # The engine would take a string for JSON text and decode it.
        raise _UncompilableSchemaError(f'{json.dumps(schema)} is not of types "boolean", "object"')
    try:
        # The engine itself asserts `format` for the drafts 4, 6 and 7 only and picks the draft by `$schema`.
        return jsonschema_rs.validator_for(schema, retriever=_refuse_reference)
    except jsonschema_rs.ValidationError as exc:
        raise _UncompilableSchemaError(exc.message) from exc
    except (jsonschema_rs.ReferencingError, ValueError) as exc:
        raise _UncompilableSchemaError(str(exc)) from exc


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


class JsonSchema:
    """One compiled schema.

    Attributes:
        raw: The schema as compact JSON, its keys in the order they were written.
        value: The schema as plain data, to be embedded in a request to a provider. Not to be changed.
    """

    __slots__ = ("_patterns", "_validate", "is_valid", "raw", "value")

    def __init__(self, text: bytes | str, *, key: str) -> None:
        """Compile the text of a schema file.

        Args:
            text: JSON text.
            key: Name of the file in error messages.

        Raises:
            ConfigError: The text is not JSON or not a schema.
        """
        try:
            value = _DECODER.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise ConfigError([f"Failed to parse JSON Schema `{key}`: {exc}"]) from exc
        try:
            self._use(value)
        except _UncompilableSchemaError as exc:
            raise ConfigError([f"Failed to compile JSON Schema `{key}`: {exc}"]) from exc

    @classmethod
    def dynamic(cls, value: object) -> JsonSchema:
        """Compile a schema that arrived, already decoded, with a request.

        Raises:
            RequestError: The value is not a schema.
        """
        schema = cls.__new__(cls)
        try:
            schema._use(value)
        except _UncompilableSchemaError as exc:
            raise RequestError(f"Error in compiling client-provided JSON schema: {exc}") from exc
        return schema

    def _use(self, value: object) -> None:
        compiled, self._patterns = _compiled(value)
        self.value = value
        self.raw = _ENCODER.encode(value)
        self._validate = compiled.validate
        # PERF: the engine's bound method itself, one call less per check (test_schema_is_valid)
        self.is_valid = compiled.is_valid

    def validate(self, value: object, *, show_value: bool = False) -> None:
        """Check a decoded JSON value and report the first finding.

        Args:
            value: Plain data as a JSON decoder returns it.
            show_value: Print the offending value too (the gateway's `debug` setting: it shows prompts).

        Raises:
            SchemaValidationError: The value does not fit.
        """
        try:
            self._validate(value)
        except jsonschema_rs.ValidationError as exc:
            shown = f"\n\nData:\n{_ENCODER.encode(value).decode()}" if show_value else ""
            finding = self._told(exc.message)
            message = f"JSON Schema validation failed:\n{finding}{shown}\n\nSchema:\n{self.raw.decode()}"
            raise SchemaValidationError(message, finding=finding, value=value, schema=self.value) from exc

    def _told(self, finding: str) -> str:
        """Return the engine's words with the patterns as they were written, by themselves or within JSON."""
        for spelled, written in self._patterns.items():
            finding = finding.replace(f'"{spelled}"', f'"{written}"')
            finding = finding.replace(_quoted(spelled), _quoted(written))
        return finding

    def __repr__(self) -> str:
        return f"JsonSchema({self.raw.decode()})"
