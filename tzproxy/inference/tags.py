"""The names of tags: which ones are the gateway's own. Hot."""

from __future__ import annotations

from collections.abc import Mapping

from tzproxy.errors import RequestError
from tzproxy.limits.rules import API_KEY_TAG

RESERVED = "tensorzero::"
INTERNAL = "tensorzero::internal"
API_KEY = API_KEY_TAG
"""The public id of the API key that the request came with."""


def check_tag_names(tags: Mapping[str, str]) -> None:
    """Check that no tag of a client takes a name of the gateway's own.

    Raises:
        RequestError: naming the first one that does.
    """
    for tag in tags:
        if tag.startswith(RESERVED):
            raise RequestError(f"Tag name cannot start with '{RESERVED}': {tag}")
