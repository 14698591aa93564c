from __future__ import annotations

from ..samples import ask
from .samples import messages


def test_requests_do_not_influence_each_other() -> None:
    """The same request gives the same bytes, whatever came in between."""
    provider = messages()
    first = provider.build_request(ask(system="S"), {})
    provider.build_request(ask(json_mode="on", function_type="json", stream=True), {})
    second = provider.build_request(ask(system="S"), {})
    assert first.body == second.body
    assert first.headers is second.headers and first.endpoint is second.endpoint
