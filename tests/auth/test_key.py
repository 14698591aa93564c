"""Tests of `tzproxy.auth.key`: the form of keys."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from tzproxy.auth.errors import KeyFormatError
from tzproxy.auth.key import ApiKey, new_key, read_key

ID = "abcDEF012345"
SECRET = "s3cr" * 12
FORM = "API key must be of the form `sk-t0-<public_id>-<long_key>`"


def test_a_key_is_read() -> None:
    """The public id comes out as it is, the secret as the SHA-256 of its part alone."""
    assert read_key(f"sk-t0-{ID}-{SECRET}") == ApiKey(ID, sha256(SECRET.encode()).hexdigest())


def test_new_keys() -> None:
    """Each new key is another, has the form that is read, and shows its text only when asked."""
    made = [new_key() for _ in range(100)]
    texts = {key.text.reveal() for key in made}
    assert len(texts) == len({key.key.public_id for key in made}) == 100
    for key in made:
        text = key.text.reveal()
        assert re.fullmatch(r"sk-t0-[A-Za-z0-9]{12}-[A-Za-z0-9]{48}", text)
        assert read_key(text) == key.key
        shown = repr(key) + str(key) + repr(read_key(text))
        assert text[-48:] not in shown
        assert key.key.secret_hash not in shown


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", FORM),
        ("secret", FORM),
        ("sk-t0-abc", FORM),
        (f"sk-t0-{ID}-{SECRET}-more", FORM),
        (f"sk_t0-x-{ID}-{SECRET}", "API key must start with `sk-t0-`"),
        (f"sk-t1-{ID}-{SECRET}", "API key must start with `sk-t0-`"),
        (f"sk-t0-{ID}x-{SECRET}", "Public ID must be 12 characters"),
        (f"sk-t0--{SECRET}", "Public ID must be 12 characters"),
        (f"sk-t0-{ID}-{SECRET}x", "Long key must be 48 characters"),
        (f"sk-t0-{ID}-{SECRET} ", "Long key must be 48 characters"),
        (f"sk-t0-{ID}-", "Long key must be 48 characters"),
        (f"sk-t0-{ID[:-1]}_-{SECRET}", "Public ID must be alphanumeric"),
        (f"sk-t0-{ID[:-2]}é-{SECRET}", "Public ID must be alphanumeric"),
        (f"sk-t0-{ID}-{SECRET[:-1]}/", "Long key must be alphanumeric"),
        (f"sk-t0-{ID}-{SECRET[:-1]}\n", "Long key must be alphanumeric"),
    ],
)
def test_what_is_no_key(text: str, problem: str) -> None:
    """The first thing that is wrong is named, and what was sent is not repeated."""
    with pytest.raises(KeyFormatError) as caught:
        read_key(text)
    assert caught.value.status == 401
    assert caught.value.message == (
        f"TensorZero authentication error: Invalid format for TensorZero API key: {problem}"
    )
