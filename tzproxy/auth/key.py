"""The form of an API key: `sk-t0-{public id}-{secret}`, made and read. Hot: `read_key`.

The public id says which key it is and may be shown. The secret is hashed at once and kept nowhere. It is 285
random bits, so a plain SHA-256 is as good as a slow hash.

Source: API keys of TensorZero 2026.6, which makes and stores the same.
"""

from __future__ import annotations

import re
import secrets
import string
from hashlib import sha256

from msgspec import Struct

from tzproxy.auth.errors import KeyFormatError
from tzproxy.config.secret import Secret

PREFIX = "sk-t0-"
PUBLIC_ID_LENGTH = 12
SECRET_LENGTH = 48
ALPHABET = string.ascii_letters + string.digits
WELL_FORMED = re.compile(rf"sk-t0-([A-Za-z0-9]{{{PUBLIC_ID_LENGTH}}})-([A-Za-z0-9]{{{SECRET_LENGTH}}})")


class ApiKey(Struct, frozen=True, repr_omit_defaults=True):
    """A key as a client sent it, its secret hashed (SHA-256, hexadecimal)."""

    public_id: str
    secret_hash: str

    def __repr__(self) -> str:
        return f"ApiKey({self.public_id!r})"


class NewKey(Struct, frozen=True):
    """A key that was just made. Its text is seen this once."""

    key: ApiKey
    text: Secret


def new_key() -> NewKey:
    """Make a key that nobody can guess."""
    public_id = _random(PUBLIC_ID_LENGTH)
    secret = _random(SECRET_LENGTH)
    return NewKey(ApiKey(public_id, _hash(secret)), Secret(f"{PREFIX}{public_id}-{secret}"))


def read_key(text: str) -> ApiKey:
    """Read a key.

    Raises:
        KeyFormatError: when it has not the form of one; the error does not repeat it.
    """
    match = WELL_FORMED.fullmatch(text)
    if match is None:
        raise KeyFormatError(_problem(text))
    public_id, secret = match.groups()
    return ApiKey(public_id, _hash(secret))


def _problem(text: str) -> str:
    parts = text.split("-")
    if len(parts) != 4:
        return "API key must be of the form `sk-t0-<public_id>-<long_key>`"
    if parts[:2] != ["sk", "t0"]:
        return f"API key must start with `{PREFIX}`"
    _, _, public_id, secret = (part.encode() for part in parts)
    if len(public_id) != PUBLIC_ID_LENGTH:
        return f"Public ID must be {PUBLIC_ID_LENGTH} characters"
    if len(secret) != SECRET_LENGTH:
        return f"Long key must be {SECRET_LENGTH} characters"
    return "Long key must be alphanumeric" if public_id.isalnum() else "Public ID must be alphanumeric"


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
