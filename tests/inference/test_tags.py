"""Tests of `tzproxy.inference.tags`."""

from __future__ import annotations

import pytest

from tzproxy.errors import RequestError
from tzproxy.inference.tags import check_tag_names


def test_own_names_are_refused() -> None:
    """The first tag that begins like the gateway's own is named; all others pass."""
    check_tag_names({"user": "1", "tensorzero:x": "2", "x::tensorzero::": "3"})
    with pytest.raises(RequestError) as caught:
        check_tag_names({"user": "1", "tensorzero::b": "2", "tensorzero::a": "3"})
    assert caught.value.message == "Tag name cannot start with 'tensorzero::': tensorzero::b"
    assert caught.value.status == 400
