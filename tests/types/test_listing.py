"""Tests of `tzproxy.types.listing`: what requests for lists may hold."""

from __future__ import annotations

import msgspec
import pytest

from tzproxy.types.listing import InferenceIds, InferenceListing


def test_null_is_as_good_as_absent() -> None:
    """The published client sends every field, those that are not set as null."""
    text = "{" + ",".join(f'"{name}":null' for name in InferenceListing.__struct_fields__) + ',"later":1}'
    assert msgspec.json.decode(text, type=InferenceListing) == InferenceListing()


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ('{"limit":-1}', "limit"),
        ('{"limit":4294967296}', "limit"),
        ('{"before":"x"}', "before"),
        ('{"output_source":"best"}', "output_source"),
        ('{"order_by":{}}', "order_by"),
    ],
)
def test_wrong_values(wrong: str, place: str) -> None:
    """A wrong value is refused with the name of its field."""
    with pytest.raises(msgspec.ValidationError, match=rf"at `\$.{place}`"):
        msgspec.json.decode(wrong, type=InferenceListing)


def test_ids_are_needed() -> None:
    """A request for inferences by their ids has to say which."""
    with pytest.raises(msgspec.ValidationError, match="`ids`"):
        msgspec.json.decode("{}", type=InferenceIds)
