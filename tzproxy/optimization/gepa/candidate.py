"""Variants of a search: a configured one to begin with, and those whose templates were rewritten. Cold."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tzproxy.config.functions import ROLES, template_slots
from tzproxy.config.requests import RetryConfig
from tzproxy.config.variants import ChatCompletionConfig, ChatCompletionOptions

ENCODER = msgspec.json.Encoder()
WITHOUT = frozenset(
    {"templates", "input_wrappers", "weight", "namespace", *(f"{role}_template" for role in ROLES)}
)
"""What a candidate does not take over: its templates are its own, nobody has given it requests yet, and
datapoints are of no namespace."""

PUBLISHED = frozenset(field.name for field in msgspec.structs.fields(ChatCompletionOptions))


class BaseVariant(Struct, frozen=True, kw_only=True):
    """A variant of the configuration, taken apart."""

    table: dict[str, Any]
    """Its table without templates."""
    templates: dict[str, str]
    """Their texts by slot."""
    wrappers: list[str]
    """Roles whose template gets the caller's text as a variable: the older form, which has to stay."""


class Candidate(Struct, frozen=True, kw_only=True):
    """One set of templates under test."""

    name: str
    base: str
    """The variant of the configuration that it descends from; all but the templates is that one's."""
    templates: dict[str, str]


def take_apart(
    config: ChatCompletionConfig, table: Mapping[str, Any], schemas: Collection[str]
) -> BaseVariant:
    """Take a configured variant apart.

    Args:
        config: the variant.
        table: the same as plain data, with file contents in place.
        schemas: the slots for which its function has a schema.
    """
    slots = template_slots(config)
    return BaseVariant(
        table={key: value for key, value in table.items() if key not in WITHOUT},
        templates={slot: given.file.text for slot, given in slots.items()},
        wrappers=[
            slot
            for slot, given in slots.items()
            if given.legacy and slot not in schemas and (slot != "system" or "system_text" in given.file.text)
        ],
    )


def configuration(candidate: Candidate, base: BaseVariant) -> dict[str, Any]:
    """Return a candidate as clients get it: a chat completion, with templates in the place of their paths.

    Neither type, nor timeouts, nor namespace are in it: the published client refuses a key that is not one of
    a chat completion itself.
    """
    table = {key: value for key, value in _table(candidate, base).items() if key in PUBLISHED}
    table.setdefault("retries", msgspec.to_builtins(RetryConfig()))
    return table


def as_request(candidate: Candidate, base: BaseVariant) -> Raw:
    """Return a candidate in the form in which requests bring a variant along."""
    return Raw(ENCODER.encode(_table(candidate, base)))


def _table(candidate: Candidate, base: BaseVariant) -> dict[str, Any]:
    files = {
        slot: {
            "__tensorzero_remapped_path": f"gepa_mutated/{candidate.name}/{slot}.minijinja",
            "__data": text,
        }
        for slot, text in candidate.templates.items()
    }
    table = dict(base.table)
    for role in base.wrappers:
        table[f"{role}_template"] = files.pop(role)
    if files:
        table["templates"] = {slot: {"path": file} for slot, file in files.items()}
    return table
