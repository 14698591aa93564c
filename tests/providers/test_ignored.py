from __future__ import annotations

import logging

import pytest

from tzproxy.providers.ignored import TRY_THINKING, warn_ignored


def test_texts(caplog: pytest.LogCaptureFixture) -> None:
    """The warning names provider and parameter, and the way out if there is one."""
    with caplog.at_level(logging.WARNING):
        warn_ignored("Groq", "verbosity")
        warn_ignored("AWS Bedrock", "reasoning_effort", TRY_THINKING)
    assert caplog.messages == [
        "Groq does not support the inference parameter `verbosity`, so it will be ignored.",
        "AWS Bedrock does not support the inference parameter `reasoning_effort`, so it will be ignored. "
        "Tip: You might want to use `thinking` for this provider.",
    ]
