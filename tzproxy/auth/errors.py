"""What can be wrong with a request's key. No message repeats the key."""

from __future__ import annotations

from tzproxy.errors import AuthError, StoreUnavailableError

PREFIX = "TensorZero authentication error: "
PERFORMING = f"{PREFIX}Error performing authentication: "


class KeyFormatError(AuthError):
    """What was sent has not the form of a key."""

    code = "api_key_format"

    def __init__(self, problem: str) -> None:
        super().__init__(f"{PREFIX}Invalid format for TensorZero API key: {problem}")


class KeyRefusedError(AuthError):
    """There is no key, or it is not one that may pass."""

    code = "api_key_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(PERFORMING + reason)


class KeysUnavailableError(StoreUnavailableError):
    """Whether the key is good cannot be found out now, so it does not pass; another attempt may succeed."""

    code = "api_keys_unavailable"

    def __init__(self) -> None:
        super().__init__(f"{PERFORMING}API keys cannot be looked up at the moment")
