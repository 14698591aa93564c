"""Looks functions up for datapoints. Cold."""

from __future__ import annotations

from tzproxy.datasets.errors import FunctionKindError
from tzproxy.errors import NotFoundError
from tzproxy.inference.engine import Catalog
from tzproxy.inference.function import Function
from tzproxy.inference.plan import DEFAULT_FUNCTION
from tzproxy.prompts import JsonSchema
from tzproxy.types.datapoints import Kind


def function_of_kind(catalog: Catalog, name: str, kind: Kind) -> Function:
    """Return the function that a datapoint of this kind is for.

    Raises:
        NotFoundError: when there is none of that name.
        FunctionKindError: when it is of the other kind.
    """
    function = catalog.default_function if name == DEFAULT_FUNCTION else catalog.functions.get(name)
    if function is None:
        raise NotFoundError(f"Unknown function: {name}")
    if function.type != kind:
        raise FunctionKindError(name, kind)
    return function


def own_schema(function: Function) -> JsonSchema:
    """Return the output schema of a JSON function."""
    schema = function.output_schema
    if schema is None or schema.check is None:
        raise AssertionError("a JSON function has a schema, be it one that fits everything")
    return schema.check
