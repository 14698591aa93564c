"""Tests of `tzproxy.datasets.functions`: which functions datapoints may be for."""

from __future__ import annotations

import pytest

from datasets.samples import ANSWER_SCHEMA
from tzproxy.datasets.errors import FunctionKindError
from tzproxy.datasets.functions import function_of_kind, own_schema
from tzproxy.errors import NotFoundError
from tzproxy.inference.catalog import ConfigCatalog


def test_functions(catalog: ConfigCatalog) -> None:
    """A function is found by name and kind, the one behind models too."""
    assert function_of_kind(catalog, "talk", "chat").name == "talk"
    assert function_of_kind(catalog, "tensorzero::default", "chat") is catalog.default_function
    assert own_schema(function_of_kind(catalog, "extract", "json")).value == ANSWER_SCHEMA
    with pytest.raises(FunctionKindError):
        function_of_kind(catalog, "talk", "json")
    with pytest.raises(FunctionKindError):
        function_of_kind(catalog, "extract", "chat")
    with pytest.raises(NotFoundError, match="^Unknown function: nope$"):
        function_of_kind(catalog, "nope", "chat")
