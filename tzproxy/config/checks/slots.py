"""Checks that schemas of a function and templates of its variants fit together."""

from __future__ import annotations

from tzproxy.config.checks.scope import Scope
from tzproxy.config.functions import ROLES, BaseFunctionConfig, schema_slots, template_slots
from tzproxy.config.problems import Path, format_path
from tzproxy.config.variants import ChatCompletionOptions


def check_schema_slots(function: BaseFunctionConfig, path: Path, scope: Scope) -> None:
    """Report slots for which a function has two schemas."""
    for role in ROLES:
        if role in function.schemas and getattr(function, f"{role}_schema") is not None:
            scope.problems.add(path, f"Cannot specify both `schemas.{role}.path` and `{role}_schema`")


def check_template_slots(
    options: ChatCompletionOptions,
    path: Path,
    function: BaseFunctionConfig,
    function_path: Path,
    scope: Scope,
) -> None:
    """Report slots of a chat completion that are filled twice, or empty where the function has a schema."""
    schemas = schema_slots(function)
    templates = template_slots(options)
    for role in ROLES:
        given = [f"templates.{role}.path"] if role in options.templates else []
        given += [f"{role}_template"] if getattr(options, f"{role}_template") is not None else []
        wrapped = getattr(options.input_wrappers, role, None) is not None
        given += [f"input_wrappers.{role}"] if wrapped else []
        if len(given) > 1:
            scope.problems.add(path, f"Cannot specify both `{given[0]}` and `{given[1]}`")
        if wrapped and role in schemas:
            reason = f"Cannot specify both `input_wrappers.{role}` and a schema for `{role}`"
            scope.problems.add((*path, "input_wrappers", role), reason)
    for slot in schemas:
        if slot in templates:
            continue
        if slot in ROLES:
            scope.problems.add((*path, f"{slot}_template"), "template is required when schema is specified")
        else:
            schema = format_path((*function_path, "schemas", slot))
            scope.problems.add((*path, "templates", slot), f"is required when `{schema}` is specified")
