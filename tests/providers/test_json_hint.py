from __future__ import annotations

import pytest

from tzproxy.providers.json_hint import hinted


@pytest.mark.parametrize(
    ("system", "spoken", "expected"),
    [
        (None, True, "Respond using JSON."),
        ("S", False, "Respond using JSON.\n\nS"),
        ("S", True, "S"),
        ("say it in Json", False, "say it in Json"),
        ("", False, "Respond using JSON.\n\n"),
    ],
)
def test_hint(system: str | None, spoken: bool, expected: str) -> None:
    """The instruction stands alone, or before a system text unless JSON is spoken of anyway."""
    assert hinted(system, lambda: spoken) == expected
