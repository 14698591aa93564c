"""JSON answers whose first brace was put into the model's mouth: the brace is given back. Hot."""

from __future__ import annotations

import logging

from tzproxy.types.content import ModelOutput, Text, TextChunk
from tzproxy.types.model import ProviderChunk

logger = logging.getLogger(__name__)

BRACE = "{"
PREFILL = f"Here is the JSON requested:\n{BRACE}"
"""What the model is made to have said."""
_PROBLEM = "The answer to a JSON request is not one text; its opening brace is missing"


def completed(output: list[ModelOutput]) -> list[ModelOutput]:
    """Return an answer with its brace."""
    if len(output) == 1:
        only = output[0]
        if isinstance(only, Text):
            return [Text(BRACE + only.text.strip())]
    logger.error(_PROBLEM)
    return output


def opened(first: ProviderChunk) -> ProviderChunk:
    """Return the first piece of a streamed answer with the brace."""
    content = first.content
    if not content:
        text = BRACE
    else:
        only = content[0]
        if len(content) != 1 or not isinstance(only, TextChunk):
            logger.error(_PROBLEM)
            return first
        text = BRACE + only.text.lstrip()
    return ProviderChunk(
        content=[TextChunk("0", text)],
        usage=first.usage,
        finish_reason=first.finish_reason,
        raw_usage=first.raw_usage,
    )
