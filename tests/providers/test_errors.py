from __future__ import annotations

import pytest

from tzproxy.providers.errors import (
    FatalStreamError,
    ProviderError,
    client_error,
    fatal_stream_error,
    missing_key_error,
    reason_of,
    refused,
    server_error,
)


@pytest.mark.parametrize(
    ("error", "message", "status"),
    [
        (
            client_error("openai", "{}", status=401),
            "Error 401 Unauthorized from openai client: {}",
            401,
        ),
        (client_error("openai", "no route"), "Error from openai client: no route", 500),
        (server_error("vllm", "broken"), "Error from vllm server: broken", 500),
        (
            fatal_stream_error("xai", "cut"),
            "Inference stream closed due to error from xai server: cut",
            500,
        ),
        (missing_key_error("Groq", "none"), "API key missing for provider Groq: none", 400),
        (refused("cannot"), "cannot", 400),
    ],
)
def test_texts(error: ProviderError, message: str, status: int) -> None:
    """Each kind of failure has the original's text and status, and is worth another attempt."""
    assert (error.message, error.status, error.retryable) == (message, status, True)
    assert isinstance(error, FatalStreamError) == ("stream closed" in message)


def test_status_names() -> None:
    """A status is written with its name; an unregistered one says so."""
    assert reason_of(429) == "429 Too Many Requests"
    assert reason_of(599) == "599 <unknown status code>"
