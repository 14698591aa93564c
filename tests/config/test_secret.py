"""Tests of `tzproxy.config.secret`."""

from __future__ import annotations

import msgspec
import pytest

from tzproxy.config.secret import Secret


class Holder(msgspec.Struct):
    """A Struct that holds a secret."""

    key: Secret


def test_no_way_of_printing_shows_a_secret() -> None:
    """repr, str and format hide the text, also inside a Struct."""
    secret = Secret("sk-1")
    for text in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>20}",
        repr(Holder(secret)),
        repr([secret]),
    ):
        assert "sk-1" not in text
    assert secret.reveal() == "sk-1"


def test_a_secret_cannot_be_encoded() -> None:
    """A row or a response that holds one by mistake fails instead of leaking."""
    with pytest.raises(TypeError):
        msgspec.json.encode(Holder(Secret("sk-1")))


def test_secrets_compare_by_text() -> None:
    """Equal texts are equal secrets, an empty one is false."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")
