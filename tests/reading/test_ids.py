"""Tests of `tzproxy.reading.ids`."""

from __future__ import annotations

from uuid import UUID

import pytest

from tzproxy.errors import RequestError
from tzproxy.reading.ids import read_ids

FIRST, SECOND = (UUID(int=number) for number in (1, 2))


@pytest.mark.parametrize(
    ("text", "found"),
    [("", []), (",", []), (f"{FIRST}", [FIRST]), (f"{FIRST}, {str(SECOND).upper()},", [FIRST, SECOND])],
)
def test_lists(text: str, found: list[UUID]) -> None:
    """Ids stand between commas, blanks around them do not count."""
    assert read_ids(text) == found


def test_what_is_no_id() -> None:
    """It is named."""
    with pytest.raises(RequestError, match="Invalid UUID: x"):
        read_ids(f"{FIRST},x")
